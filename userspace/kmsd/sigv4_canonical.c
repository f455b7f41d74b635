// SPDX-License-Identifier: GPL-2.0-or-later
#include "sigv4_canonical.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/encode.h"
#include "crypto.h"

#define QUERY_PARAMETERS_MAX 128

static void put_encoded(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (isalnum(c) || strchr("-._~", c))
			buf_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

/* drop_segment - take the last "/segment" off what was written of the path since @start. */
static void drop_segment(struct buf *out, size_t start)
{
	while (out->len > start && out->data[out->len - 1] != '/')
		out->len--;
	if (out->len > start)
		out->len--;
}

/*
 * put_path - dot segments and empty ones removed, then each byte encoded once more than the client did (the rule of
 * every service but S3).
 */
static void put_path(struct buf *out, const char *path, size_t len)
{
	const char *end = path + len;
	size_t start = out->len;
	bool slash = true;

	while (path < end) {
		size_t n = 0;

		while (path < end && *path == '/')
			path++;
		while (path + n < end && path[n] != '/')
			n++;
		slash = true;
		if (n == 2 && !memcmp(path, "..", 2)) {
			drop_segment(out, start);
		} else if (n && !(n == 1 && *path == '.')) {
			buf_char(out, '/');
			put_encoded(out, path, n);
			slash = path + n < end;
		}
		path += n;
	}
	if (slash || out->len == start)
		buf_char(out, '/');
}

/* decode - percent-decode in place; a '%' that begins no escape stays. Returns the new length. */
static size_t decode(char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++, n++) {
		uint8_t byte;

		if (s[i] == '%' && i + 2 < len && !hex_decode(s + i + 1, 2, &byte)) {
			s[n] = (char)byte;
			i += 2;
		} else {
			s[n] = s[i];
		}
	}
	return n;
}

/* put_parameter - "name=value" of one piece of the query string, decoded and encoded again. */
static int put_parameter(struct buf *out, const char *piece, size_t len)
{
	char *copy = malloc(len + 1), *eq;
	size_t name_len, value_len = 0;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, piece, len);
	eq = memchr(copy, '=', len);
	name_len = eq ? (size_t)(eq - copy) : len;
	if (eq)
		value_len = decode(eq + 1, len - name_len - 1);
	put_encoded(out, copy, decode(copy, name_len));
	buf_char(out, '=');
	if (eq)
		put_encoded(out, eq + 1, value_len);
	free(copy);
	return out->failed ? -ENOMEM : 0;
}

/* By name, then by value: a '=' between them sorts below every character of an encoded name but these. */
static int parameter_order(const void *a, const void *b)
{
	const char *x = ((const struct buf *)a)->data, *y = ((const struct buf *)b)->data;
	size_t nx = strcspn(x, "="), ny = strcspn(y, "=");
	int order = memcmp(x, y, nx < ny ? nx : ny);

	if (order)
		return order;
	if (nx != ny)
		return nx < ny ? -1 : 1;
	return strcmp(x + nx, y + ny);
}

static int put_query(struct buf *out, const char *query)
{
	struct buf piece[QUERY_PARAMETERS_MAX] = { 0 };
	unsigned int nr = 0;
	int rc = 0;

	while (*query && !rc) {
		size_t len = strcspn(query, "&");

		if (len) {
			if (nr == QUERY_PARAMETERS_MAX) {
				rc = -E2BIG;
				break;
			}
			rc = put_parameter(&piece[nr++], query, len);
		}
		query += len;
		query += *query == '&';
	}
	if (!rc) {
		qsort(piece, nr, sizeof(*piece), parameter_order);
		for (unsigned int i = 0; i < nr; i++) {
			if (i)
				buf_char(out, '&');
			buf_add(out, piece[i].data, piece[i].len);
		}
	}
	for (unsigned int i = 0; i < nr; i++)
		buf_wipe(&piece[i]);
	return rc;
}

/* put_value - trimmed, and runs of blanks made one. */
static void put_value(struct buf *out, const char *value)
{
	bool blank = false;

	value += strspn(value, " \t");
	for (; *value; value++) {
		if (*value == ' ' || *value == '\t') {
			blank = true;
			continue;
		}
		if (blank)
			buf_char(out, ' ');
		blank = false;
		buf_char(out, *value);
	}
}

/* put_header - all headers of that name, in the order sent, as one line. */
static int put_header(struct buf *out, const struct http_request *rq, const char *name, size_t len)
{
	bool found = false;

	buf_add(out, name, len);
	for (unsigned int i = 0; i < rq->nr_headers; i++) {
		const struct http_header *h = &rq->headers[i];

		if (strlen(h->name) != len || strncasecmp(h->name, name, len))
			continue;
		buf_char(out, found ? ',' : ':');
		put_value(out, h->value);
		found = true;
	}
	buf_char(out, '\n');
	return found ? 0 : -ENOENT;
}

static int put_headers(struct buf *out, const struct http_request *rq, const char *names)
{
	int rc = 0;

	while (*names && !rc) {
		size_t len = strcspn(names, ";");

		rc = put_header(out, rq, names, len);
		names += len;
		names += *names == ';';
	}
	return rc;
}

int sigv4_canonical(const struct http_request *rq, const char *signed_headers, struct buf *out)
{
	size_t path_len = strcspn(rq->target, "?");
	uint8_t hash[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	int rc;

	buf_str(out, rq->method);
	buf_char(out, '\n');
	put_path(out, rq->target, path_len);
	buf_char(out, '\n');
	rc = put_query(out, rq->target + path_len + (rq->target[path_len] == '?'));
	if (rc)
		return rc;
	buf_char(out, '\n');
	rc = put_headers(out, rq, signed_headers);
	if (rc)
		return rc;
	buf_char(out, '\n');
	buf_str(out, signed_headers);
	buf_char(out, '\n');
	/* Always of the body that came, never of what X-Amz-Content-Sha256 claims. */
	rc = crypto_sha256(rq->body ? rq->body : "", rq->body_len, hash);
	if (rc)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	buf_str(out, hex);
	return out->failed ? -ENOMEM : 0;
}
