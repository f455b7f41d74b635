// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A signed request: "METHOD TARGET", lines "Name: value", an empty line, the body. Whatever the Authorization header
 * says, the signature that we compute for it is accepted, and no longer once the body is another.
 */
#include "fuzz/fuzz.h"

#include "common/encode.h"
#include "sigv4.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define NOW_MS 1600000000000

static char *take_line(char **text)
{
	char *line = *text, *eol = line ? strchr(line, '\n') : NULL;

	*text = eol ? eol + 1 : NULL;
	if (eol)
		*eol = '\0';
	return line;
}

/* read_request - the pieces stay in @text. */
static void read_request(char *text, struct http_request *rq)
{
	char *line = take_line(&text), *blank = line ? strchr(line, ' ') : NULL, *colon;

	memset(rq, 0, sizeof(*rq));
	rq->method = line ? line : "";
	rq->target = blank ? blank + 1 : "/";
	if (blank)
		*blank = '\0';
	while ((line = take_line(&text)) && *line && rq->nr_headers < HTTP_HEADERS_MAX) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		rq->headers[rq->nr_headers].name = line;
		rq->headers[rq->nr_headers++].value = colon + 1 + strspn(colon + 1, " ");
	}
	rq->body = text;
	rq->body_len = text ? strlen(text) : 0;
}

/* sign_again - replace the Authorization header by what it says, rightly signed; false when it cannot be signed. */
static int sign_again(struct http_request *rq, const struct sigv4 *sig, char *out, size_t size)
{
	uint8_t signature[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	if (sigv4_compute(sig, rq, SECRET, signature))
		return 0;
	hex_encode(signature, sizeof(signature), hex);
	snprintf(out, size, "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s",
		 sig->access_key, sig->scope_date, sig->region, sig->service, sig->signed_headers, hex);
	for (unsigned int i = 0; i < rq->nr_headers; i++) {
		if (!strcasecmp(rq->headers[i].name, "Authorization"))
			rq->headers[i].value = out;
	}
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char authorization[SIGV4_SIGNED_HEADERS_MAX + 512];
	char *text = fuzz_string(data, size);
	struct err why = ERR_INIT;
	struct http_request rq;
	struct sigv4 sig, again;

	read_request(text, &rq);
	if (sigv4_parse(&rq, &sig, &why)) {
		fuzz_check(why.what[0]);
		goto out;
	}
	sigv4_check_scope(&sig, "local-1", "kms", NOW_MS, &why);
	if (!sign_again(&rq, &sig, authorization, sizeof(authorization))) {
		fuzz_check(sigv4_check_signature(&sig, &rq, SECRET, &why) == FAULT_INVALID_SIGNATURE);
		goto out;
	}
	fuzz_check(!sigv4_parse(&rq, &again, &why));
	fuzz_check(!sigv4_check_signature(&again, &rq, SECRET, &why));
	rq.body = rq.body_len ? "" : "x";
	rq.body_len = !rq.body_len;
	fuzz_check(sigv4_check_signature(&again, &rq, SECRET, &why) == FAULT_INVALID_SIGNATURE);
out:
	free(text);
	return 0;
}
