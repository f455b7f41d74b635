// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
#include <openssl/ssl.h>

#include "mem.h"
#include "request.h"
#include "sign.h"

#define CONNECT_MS 10000

struct transport {
	CURL *curl;
	struct secret body;	/* its cap: the largest answer */
	char reason[CURL_ERROR_SIZE];
};

/* libcurl wants this once a process, before anything else of it. */
static CURLcode init_result;

static void init_curl(void)
{
	init_result = curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_alloc, mem_free, mem_realloc, mem_strdup,
					   mem_zalloc);
}

struct transport *transport_open_for(size_t max, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct transport *t;
	int rc;

	pthread_once(&once, init_curl);
	if (init_result) {
		err_set(e, -EIO, "cannot start libcurl: %s", curl_easy_strerror(init_result));
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		err_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	rc = secret_alloc(&t->body, max);
	if (rc) {
		err_sys(e, rc, "cannot lock %zu bytes for answers", max);
		goto free_transport;
	}
	t->curl = curl_easy_init();
	if (!t->curl) {
		err_set(e, -ENOMEM, "cannot make a libcurl handle");
		goto wipe_body;
	}
	return t;

wipe_body:
	secret_wipe(&t->body);
free_transport:
	free(t);
	return NULL;
}

struct transport *transport_open(struct err *e)
{
	return transport_open_for(RESPONSE_MAX, e);
}

void transport_close(struct transport *t)
{
	if (!t)
		return;
	curl_easy_cleanup(t->curl);
	secret_wipe(&t->body);
	free(t);
}

void transport_wipe(struct transport *t)
{
	explicit_bzero(t->body.data, t->body.cap);
	t->body.len = 0;
}

bool transport_wiped(const struct transport *t)
{
	size_t i;

	for (i = 0; i < t->body.cap; i++) {
		if (t->body.data[i])
			return false;
	}
	return true;
}

/* take_body - libcurl's write function: less than @n taken ends the transfer. */
static size_t take_body(char *data, size_t one, size_t n, void *ctx)
{
	struct transport *t = ctx;

	n *= one;
	if (n > t->body.cap - t->body.len)
		return 0;
	memcpy(t->body.data + t->body.len, data, n);
	t->body.len += n;
	return n;
}

/* By default OpenSSL leaves the last record's plaintext in its buffer until the next one comes. */
static CURLcode cleanse_tls(CURL *curl, void *ssl_ctx, void *unused)
{
	(void)curl;
	(void)unused;
	SSL_CTX_set_options(ssl_ctx, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

/* add_header - "NAME: VALUE"; the line is built in wiped memory because a value may be a session token. */
static int add_header(struct curl_slist **list, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 3;
	struct curl_slist *longer;
	char *line;

	line = mem_alloc(size);
	if (!line)
		return -ENOMEM;
	snprintf(line, size, "%s: %s", name, value);
	longer = curl_slist_append(*list, line);
	mem_free(line);
	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

/* add_signature - ours, of a request that says itself what time it is. */
static int add_signature(struct curl_slist **list, const struct request *rq)
{
	char value[SIGN_MAX];
	int rc;

	rc = sign_request(rq, value);
	if (!rc)
		rc = add_header(list, "X-Amz-Date", rq->date);
	if (!rc)
		rc = add_header(list, "Authorization", value);
	return rc;
}

/*
 * What is sent beside libcurl's own X-Amz-Date and Authorization (unless there is a date); all of it is signed. Host
 * is given explicitly, since what libcurl signs must be what it sends, with the port and for a unix socket, too.
 */
static int make_headers(const struct request *rq, struct curl_slist **list)
{
	const struct header *h;
	int rc;

	*list = NULL;
	rc = add_header(list, "Host", rq->endpoint->host);
	if (!rc && rq->content_type)
		rc = add_header(list, "Content-Type", rq->content_type);
	if (!rc && rq->target)
		rc = add_header(list, "X-Amz-Target", rq->target);
	if (!rc && rq->date)
		rc = add_signature(list, rq);
	if (!rc && rq->creds && *rq->creds->session_token)
		rc = add_header(list, "X-Amz-Security-Token", rq->creds->session_token);
	for (h = rq->headers; !rc && h && h->name; h++)
		rc = add_header(list, h->name, h->value);
	if (rc) {
		curl_slist_free_all(*list);
		*list = NULL;
	}
	return rc;
}

/* open_socket - libcurl's: a socket for a connection to this very address, or none. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	const struct request *rq = ctx;

	(void)purpose;
	if (!rq->may_connect(&a->addr))
		return CURL_SOCKET_BAD;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static CURLcode set_tls(CURL *curl, const char *ca_file)
{
	CURLcode c;

	c = curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, cleanse_tls);
	if (!c && ca_file)
		c = curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
	/* The store is a folder, too; both are believed. */
	if (!c && ca_file)
		c = curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	return c;
}

static CURLcode set_url(CURL *curl, const struct request *rq)
{
	char url[1024];

	if (snprintf(url, sizeof(url), "%s%s", rq->endpoint->url, rq->path ? rq->path : "") >= (int)sizeof(url))
		return CURLE_URL_MALFORMAT;
	return curl_easy_setopt(curl, CURLOPT_URL, url);
}

static CURLcode set_place(CURL *curl, const struct request *rq)
{
	const struct endpoint *ep = rq->endpoint;
	bool tls = !strncmp(ep->url, "https:", 6);
	CURLcode c;

	c = set_url(curl, rq);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
	/* What a path asks for is what it says: no "/../" is resolved here. libcurl 8 does not sign with this flag. */
	if (!c && rq->path)
		c = curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	if (!c && ep->unix_path[0])
		c = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, ep->unix_path);
	if (!c && ep->local)
		c = curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (!c && rq->may_connect)
		c = curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	if (!c && rq->may_connect)
		c = curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, (void *)(uintptr_t)rq);
	if (!c && tls)
		c = set_tls(curl, rq->ca_file);
	return c;
}

static CURLcode set_limits(CURL *curl, const struct request *rq)
{
	long connect_ms = rq->connect_ms ? rq->connect_ms : CONNECT_MS;
	CURLcode c;

	if (connect_ms > (long)rq->timeout_ms)
		connect_ms = rq->timeout_ms;
	c = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)rq->timeout_ms);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_USERAGENT, "dm-ecache/" ECACHE_VERSION);
	return c;
}

static CURLcode set_signature(CURL *curl, const struct request *rq)
{
	char scope[80];
	CURLcode c;

	snprintf(scope, sizeof(scope), "aws:amz:%.40s:%.16s", rq->region, rq->service);
	c = curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, scope);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_USERNAME, rq->creds->access_key_id);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_PASSWORD, rq->creds->secret_access_key);
	return c;
}

static CURLcode set_content(struct transport *t, const struct request *rq, struct curl_slist *headers)
{
	CURL *curl = t->curl;
	CURLcode c = CURLE_OK;

	if (rq->creds && !rq->date)
		c = set_signature(curl, rq);
	if (!c && rq->body)
		c = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, rq->body);
	if (!c && rq->body)
		c = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)rq->body_len);
	if (!c && rq->method)
		c = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, rq->method);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	if (!c)
		c = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->reason);
	return c;
}

/* The id by which the service's own log (CloudTrail) knows the request. */
static void take_request_id(CURL *curl, struct response *rs)
{
	struct curl_header *h;
	size_t n = 0;
	const char *p;

	if (curl_easy_header(curl, "x-amzn-requestid", 0, CURLH_HEADER, -1, &h))
		return;
	for (p = h->value; *p && n < sizeof(rs->request_id) - 1; p++)
		rs->request_id[n++] = *p > ' ' && *p < 0x7f ? *p : '?';
	rs->request_id[n] = '\0';
}

static void take_times(CURL *curl, struct response *rs)
{
	struct curl_header *h;
	char *end;

	if (!curl_easy_header(curl, "date", 0, CURLH_HEADER, -1, &h)) {
		rs->date_s = curl_getdate(h->value, NULL);
		if (rs->date_s < 0)
			rs->date_s = 0;
	}
	if (!curl_easy_header(curl, "x-amz-retry-after", 0, CURLH_HEADER, -1, &h)) {
		rs->retry_after_ms = strtol(h->value, &end, 10);
		if (end == h->value || *end || rs->retry_after_ms < 0)
			rs->retry_after_ms = 0;
	}
}

static int failure(const struct transport *t, CURLcode c, const struct request *rq, struct err *e)
{
	const char *reason = t->reason[0] ? t->reason : curl_easy_strerror(c);
	const struct endpoint *ep = rq->endpoint;
	const char *place = ep->unix_path[0] ? ep->unix_path : ep->url;

	switch (c) {
	case CURLE_OUT_OF_MEMORY:
		return err_set(e, -ENOMEM, "out of memory");
	case CURLE_WRITE_ERROR:
		return err_set(e, -EBADMSG, "the answer of %s is larger than %zu bytes", place, t->body.cap);
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return err_set(e, -EBADMSG, "%s does not speak HTTP: %s", place, reason);
	default:
		return err_set(e, -EAGAIN, "no answer from %s: %s", place, reason);
	}
}

int transport_send(struct transport *t, const struct request *rq, struct response *rs, struct err *e)
{
	struct curl_slist *headers;
	long status = 0;
	CURLcode c;
	int rc;

	memset(rs, 0, sizeof(*rs));
	transport_wipe(t);
	t->reason[0] = '\0';
	rc = make_headers(rq, &headers);
	if (rc)
		return err_sys(e, rc, "cannot make a request");
	/* The handle's options are dropped, not its connections. */
	curl_easy_reset(t->curl);
	c = set_place(t->curl, rq);
	if (!c)
		c = set_limits(t->curl, rq);
	if (!c)
		c = set_content(t, rq, headers);
	if (!c)
		c = curl_easy_perform(t->curl);
	if (!c)
		c = curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (c) {
		rc = failure(t, c, rq, e);
		rs->timed_out = c == CURLE_OPERATION_TIMEDOUT;
		transport_wipe(t);
	} else {
		take_request_id(t->curl, rs);
		take_times(t->curl, rs);
		rs->status = status;
		rs->body = (char *)t->body.data;
		rs->len = t->body.len;
	}
	/* The handle must not point to what ends with this call; this also drops its copy of the secret. */
	curl_easy_reset(t->curl);
	curl_slist_free_all(headers);
	return rc;
}
