// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "../common/encode.h"
#include "sign.h"

#define HASH 32
#define HASH_HEX (2 * HASH + 1)

/* The headers that are signed, in the order of their names. */
struct signed_headers {
	struct header h[5];
	unsigned int nr;
	char names[96];		/* "content-type;host;..." */
};

static void collect(const struct request *rq, struct signed_headers *s)
{
	const struct header all[] = {
		{ "content-type", rq->content_type },
		{ "host", rq->endpoint->host },
		{ "x-amz-date", rq->date },
		{ "x-amz-security-token", *rq->creds->session_token ? rq->creds->session_token : NULL },
		{ "x-amz-target", rq->target },
	};
	size_t i, n = 0;

	s->nr = 0;
	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (!all[i].value)
			continue;
		n += snprintf(s->names + n, sizeof(s->names) - n, "%s%s", s->nr ? ";" : "", all[i].name);
		s->h[s->nr++] = all[i];
	}
}

static bool add(EVP_MD_CTX *md, const char *text)
{
	return EVP_DigestUpdate(md, text, strlen(text));
}

static bool hash_hex(const char *data, size_t len, char out[HASH_HEX])
{
	uint8_t hash[HASH];

	if (!EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL))
		return false;
	hex_encode(hash, sizeof(hash), out);
	return true;
}

/* hash_canonical - of the request in AWS's canonical form, which is not built anywhere: it holds the session token. */
static bool hash_canonical(const struct request *rq, const struct signed_headers *s, char out[HASH_HEX])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	char body[HASH_HEX];
	uint8_t hash[HASH];
	unsigned int i;
	bool ok;

	ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) && hash_hex(rq->body, rq->body_len, body) &&
	     add(md, "POST\n/\n\n");
	for (i = 0; ok && i < s->nr; i++)
		ok = add(md, s->h[i].name) && add(md, ":") && add(md, s->h[i].value) && add(md, "\n");
	ok = ok && add(md, "\n") && add(md, s->names) && add(md, "\n") && add(md, body) &&
	     EVP_DigestFinal_ex(md, hash, NULL);
	EVP_MD_CTX_free(md);
	if (ok)
		hex_encode(hash, sizeof(hash), out);
	return ok;
}

/* chain - HMAC of @text under @key, over @key. */
static bool chain(uint8_t key[HASH], const char *text)
{
	uint8_t next[HASH];
	bool ok = HMAC(EVP_sha256(), key, HASH, (const uint8_t *)text, strlen(text), next, NULL);

	memcpy(key, next, HASH);
	OPENSSL_cleanse(next, sizeof(next));
	return ok;
}

static bool first_key(const char *secret, const char *day, uint8_t key[HASH])
{
	char start[4 + 256 + 1];
	int n = snprintf(start, sizeof(start), "AWS4%s", secret);
	bool ok;

	ok = n < (int)sizeof(start) && HMAC(EVP_sha256(), start, n, (const uint8_t *)day, strlen(day), key, NULL);
	OPENSSL_cleanse(start, sizeof(start));
	return ok;
}

int sign_request(const struct request *rq, char out[SIGN_MAX])
{
	char canonical[HASH_HEX], day[9], scope[96], text[256], signature[HASH_HEX];
	struct signed_headers s;
	uint8_t key[HASH];
	bool ok;

	if (!rq->creds || !rq->date || strlen(rq->date) != 16 || rq->headers || rq->method || rq->path || !rq->body)
		return -EINVAL;
	collect(rq, &s);
	snprintf(day, sizeof(day), "%.8s", rq->date);
	snprintf(scope, sizeof(scope), "%s/%.40s/%.16s/aws4_request", day, rq->region, rq->service);
	ok = hash_canonical(rq, &s, canonical);
	if (ok)
		snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", rq->date, scope, canonical);
	ok = ok && first_key(rq->creds->secret_access_key, day, key) && chain(key, rq->region) &&
	     chain(key, rq->service) && chain(key, "aws4_request") && chain(key, text);
	if (ok) {
		hex_encode(key, sizeof(key), signature);
		snprintf(out, SIGN_MAX, "AWS4-HMAC-SHA256 Credential=%.128s/%s, SignedHeaders=%s, Signature=%s",
			 rq->creds->access_key_id, scope, s.names, signature);
	}
	OPENSSL_cleanse(key, sizeof(key));
	return ok ? 0 : -ENOMEM;
}
