// SPDX-License-Identifier: GPL-2.0-or-later
#include "sigv4.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>

#include "common/encode.h"
#include "sigv4_canonical.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"

#define REFUSE(fault, ...) (err_set(why, -EACCES, __VA_ARGS__), (fault))

/* copy_part - the bytes up to @end into a string; false when they do not fit or are none. */
static bool copy_part(char *out, size_t size, const char *s, const char *end)
{
	if (end <= s || (size_t)(end - s) >= size)
		return false;
	memcpy(out, s, (size_t)(end - s));
	out[end - s] = '\0';
	return true;
}

/* parse_credential - "ACCESS_KEY/DATE/REGION/SERVICE/aws4_request" */
static bool parse_credential(struct sigv4 *sig, const char *s, size_t len)
{
	struct {
		char *out;
		size_t size;
	} part[] = {
		{ sig->access_key, sizeof(sig->access_key) },
		{ sig->scope_date, sizeof(sig->scope_date) },
		{ sig->region, sizeof(sig->region) },
		{ sig->service, sizeof(sig->service) },
	};
	const char *end = s + len;

	for (unsigned int i = 0; i < sizeof(part) / sizeof(*part); i++) {
		const char *slash = memchr(s, '/', (size_t)(end - s));

		if (!slash || !copy_part(part[i].out, part[i].size, s, slash))
			return false;
		s = slash + 1;
	}
	return (size_t)(end - s) == strlen(TERMINATOR) && !memcmp(s, TERMINATOR, strlen(TERMINATOR));
}

/* parse_signed_headers - lowercase names in strictly rising order, as every signer writes them. */
static bool parse_signed_headers(struct sigv4 *sig, const char *s, size_t len)
{
	const char *last = "", *p;
	size_t last_len = 0;

	if (!copy_part(sig->signed_headers, sizeof(sig->signed_headers), s, s + len))
		return false;
	for (p = sig->signed_headers;; p++) {
		size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789-_.");
		size_t common = n < last_len ? n : last_len;
		int order = memcmp(last, p, common);

		if (!n || order > 0 || (!order && last_len >= n))
			return false;
		last = p;
		last_len = n;
		p += n;
		if (!*p)
			return true;
		if (*p != ';')
			return false;
	}
}

static bool parse_signature(struct sigv4 *sig, const char *s, size_t len)
{
	if (len != 2 * SHA256_SIZE || strspn(s, "0123456789abcdef") < len)
		return false;
	return !hex_decode(s, len, sig->signature);
}

enum { GOT_CREDENTIAL = 1, GOT_SIGNED_HEADERS = 2, GOT_SIGNATURE = 4, GOT_ALL = 7 };

/* parse_field - one "Name=value" of the Authorization header; which one it was, or 0. */
static unsigned int parse_field(struct sigv4 *sig, const char *s, size_t len)
{
	static const struct {
		const char *name;
		unsigned int bit;
		bool (*parse)(struct sigv4 *sig, const char *s, size_t len);
	} fields[] = {
		{ "Credential=", GOT_CREDENTIAL, parse_credential },
		{ "SignedHeaders=", GOT_SIGNED_HEADERS, parse_signed_headers },
		{ "Signature=", GOT_SIGNATURE, parse_signature },
	};

	for (unsigned int i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		size_t n = strlen(fields[i].name);

		if (len > n && !memcmp(s, fields[i].name, n))
			return fields[i].parse(sig, s + n, len - n) ? fields[i].bit : 0;
	}
	return 0;
}

static enum fault parse_authorization(const char *s, struct sigv4 *sig, struct err *why)
{
	unsigned int got = 0;

	if (strncmp(s, ALGORITHM " ", strlen(ALGORITHM) + 1))
		return REFUSE(FAULT_INCOMPLETE_SIGNATURE, "Authorization header does not begin with " ALGORITHM);
	s += strlen(ALGORITHM);
	while (*s) {
		size_t len;
		unsigned int bit;

		s += strspn(s, " ");
		len = strcspn(s, ",");
		while (len && s[len - 1] == ' ')
			len--;
		bit = parse_field(sig, s, len);
		if (!bit)
			return REFUSE(FAULT_INCOMPLETE_SIGNATURE,
				      "Authorization header has a malformed or unknown parameter");
		if (got & bit)
			return REFUSE(FAULT_INCOMPLETE_SIGNATURE, "Authorization header has a parameter twice");
		got |= bit;
		s += strcspn(s, ",");
		s += *s == ',';
	}
	if (got != GOT_ALL)
		return REFUSE(FAULT_INCOMPLETE_SIGNATURE,
			      "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters");
	return FAULT_NONE;
}

static bool parse_iso(const char *s, struct tm *tm)
{
	int n = 0;

	memset(tm, 0, sizeof(*tm));
	if (strlen(s) != 16 || strspn(s, "0123456789TZ") != 16)
		return false;
	if (sscanf(s, "%4d%2d%2dT%2d%2d%2dZ%n", &tm->tm_year, &tm->tm_mon, &tm->tm_mday, &tm->tm_hour, &tm->tm_min,
		   &tm->tm_sec, &n) != 6 || n != 16)
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return true;
}

/* parse_date - X-Amz-Date, or Date in HTTP's form; the ISO form is what gets signed. */
static enum fault parse_date(const struct http_request *rq, struct sigv4 *sig, struct err *why)
{
	const char *iso = http_header(rq, "X-Amz-Date"), *date = http_header(rq, "Date"), *end;
	struct tm tm = { 0 }, copy;
	char again[17];

	if (!iso && !date)
		return REFUSE(FAULT_INCOMPLETE_SIGNATURE,
			      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header");
	if (iso) {
		if (!parse_iso(iso, &tm))
			return REFUSE(FAULT_INCOMPLETE_SIGNATURE, "Date must be in ISO-8601 'basic format'");
	} else {
		end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		if ((!end || *end) && !parse_iso(date, &tm))
			return REFUSE(FAULT_INCOMPLETE_SIGNATURE, "the Date header is not a date");
	}
	copy = tm;
	sig->date_ms = (int64_t)timegm(&copy) * 1000;
	/* timegm() takes a 32nd of January too. */
	if (!strftime(again, sizeof(again), "%Y%m%dT%H%M%SZ", &copy) || (iso && strcmp(again, iso)))
		return REFUSE(FAULT_INCOMPLETE_SIGNATURE, "the date of the request is no date");
	memcpy(sig->date, again, sizeof(again));
	return FAULT_NONE;
}

static bool is_signed(const struct sigv4 *sig, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = sig->signed_headers;;) {
		size_t n = strcspn(p, ";");

		if (n == len && !strncasecmp(p, name, n))
			return true;
		if (!p[n])
			return false;
		p += n + 1;
	}
}

/* check_coverage - what decides the meaning of a request must be under its signature. */
static enum fault check_coverage(const struct http_request *rq, const struct sigv4 *sig, struct err *why)
{
	const char *date = http_header(rq, "X-Amz-Date") ? "x-amz-date" : "date";

	if (!is_signed(sig, "host") || !is_signed(sig, date))
		return REFUSE(FAULT_INVALID_SIGNATURE,
			      "'Host' and '%s' must be 'SignedHeaders' in the Authorization header", date);
	for (unsigned int i = 0; i < rq->nr_headers; i++) {
		const char *name = rq->headers[i].name;

		if (!strncasecmp(name, "x-amz-", 6) && !is_signed(sig, name))
			return REFUSE(FAULT_INVALID_SIGNATURE,
				      "'%.64s' must be a 'SignedHeader' in the Authorization header", name);
	}
	return FAULT_NONE;
}

enum fault sigv4_parse(const struct http_request *rq, struct sigv4 *sig, struct err *why)
{
	const char *authorization = http_header(rq, "Authorization");
	enum fault f;

	memset(sig, 0, sizeof(*sig));
	if (!authorization)
		return REFUSE(FAULT_MISSING_TOKEN, "Missing Authentication Token");
	f = parse_authorization(authorization, sig, why);
	if (!f)
		f = parse_date(rq, sig, why);
	if (!f)
		f = check_coverage(rq, sig, why);
	return f;
}

enum fault sigv4_check_scope(const struct sigv4 *sig, const char *region, const char *service, int64_t now_ms,
			     struct err *why)
{
	if (strcmp(sig->service, service))
		return REFUSE(FAULT_INVALID_SIGNATURE, "Credential should be scoped to correct service: '%s'.",
			      service);
	if (strcmp(sig->region, region))
		return REFUSE(FAULT_INVALID_SIGNATURE, "Credential should be scoped to a valid region: '%s'.", region);
	if (strncmp(sig->date, sig->scope_date, 8))
		return REFUSE(FAULT_INVALID_SIGNATURE,
			      "Date in Credential scope does not match YYYYMMDD from the date of the request");
	if (sig->date_ms < now_ms - SIGV4_SKEW_MS)
		return REFUSE(FAULT_INVALID_SIGNATURE, "Signature expired: %s is more than 5 min. ago", sig->date);
	if (sig->date_ms > now_ms + SIGV4_SKEW_MS)
		return REFUSE(FAULT_INVALID_SIGNATURE, "Signature not yet current: %s is more than 5 min. ahead",
			      sig->date);
	return FAULT_NONE;
}

/* signing_key - the chain of HMACs from the secret to the key of one day, region and service. */
static int signing_key(const struct sigv4 *sig, const char *secret_key, uint8_t key[SHA256_SIZE])
{
	const char *const link[] = { sig->scope_date, sig->region, sig->service, TERMINATOR };
	uint8_t next[SHA256_SIZE];
	struct buf start = BUF_INIT;
	int rc = -ENOMEM;

	buf_str(&start, "AWS4");
	buf_str(&start, secret_key);
	if (!start.failed)
		rc = crypto_hmac(start.data, start.len, link[0], strlen(link[0]), key);
	for (unsigned int i = 1; !rc && i < sizeof(link) / sizeof(*link); i++) {
		rc = crypto_hmac(key, SHA256_SIZE, link[i], strlen(link[i]), next);
		memcpy(key, next, SHA256_SIZE);
	}
	explicit_bzero(next, sizeof(next));
	buf_wipe(&start);
	return rc;
}

int sigv4_compute(const struct sigv4 *sig, const struct http_request *rq, const char *secret_key,
		  uint8_t out[SHA256_SIZE])
{
	uint8_t hash[SHA256_SIZE], key[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	struct buf text = BUF_INIT;
	int rc;

	rc = sigv4_canonical(rq, sig->signed_headers, &text);
	if (!rc)
		rc = crypto_sha256(text.data, text.len, hash);
	if (rc)
		goto out;
	hex_encode(hash, sizeof(hash), hex);
	buf_wipe(&text);
	buf_printf(&text, ALGORITHM "\n%s\n%s/%s/%s/" TERMINATOR "\n%s", sig->date, sig->scope_date, sig->region,
		   sig->service, hex);
	rc = text.failed ? -ENOMEM : signing_key(sig, secret_key, key);
	if (!rc)
		rc = crypto_hmac(key, sizeof(key), text.data, text.len, out);
	explicit_bzero(key, sizeof(key));
out:
	buf_wipe(&text);
	return rc;
}

enum fault sigv4_check_signature(const struct sigv4 *sig, const struct http_request *rq, const char *secret_key,
				 struct err *why)
{
	uint8_t want[SHA256_SIZE];
	int rc = sigv4_compute(sig, rq, secret_key, want);

	if (rc == -ENOMEM || rc == -EIO)
		return REFUSE(FAULT_INTERNAL, "The signature could not be computed");
	if (rc || CRYPTO_memcmp(want, sig->signature, sizeof(want)))
		return REFUSE(FAULT_INVALID_SIGNATURE,
			      "The request signature we calculated does not match the signature you provided.");
	return FAULT_NONE;
}
