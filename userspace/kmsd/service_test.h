/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_SERVICE_TEST_H
#define KMSD_SERVICE_TEST_H

#include "common/test.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <json-c/json.h>

#include "common/encode.h"
#include "common/log.h"
#include "principal.h"
#include "sigv4.h"
#include "state.h"

/*
 * A whole service in a temporary directory, and clients that sign as its principals do: for tests that speak to it in
 * requests. Time stands still until kit_now is moved.
 */
#define KIT_ACCOUNT "123456789012"
#define KIT_REGION "local-1"
#define KIT_ARN(resource) "arn:aws:kms:" KIT_REGION ":" KIT_ACCOUNT ":" resource
#define KIT_USER(name) "arn:aws:iam::" KIT_ACCOUNT ":user/" name
#define KIT_ROLE(name) "arn:aws:iam::" KIT_ACCOUNT ":role/" name
#define KIT_ROOT "arn:aws:iam::" KIT_ACCOUNT ":root"

static int64_t kit_now = 1600000000000;

static inline int64_t kit_clock(void)
{
	return kit_now;
}

struct kit {
	char dir[64];
	struct service svc;
};

static inline int kit_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void kit_reopen(struct kit *k)
{
	struct err e = ERR_INIT;

	if (k->svc.store)
		state_close(&k->svc);
	if (state_open(&k->svc, k->dir, NULL, &e))
		fail_msg("%s", e.what);
	k->svc.clock_ms = kit_clock;
}

static inline int kit_setup(void **state)
{
	struct kit *k = calloc(1, sizeof(*k));
	struct err e = ERR_INIT;

	log_init("test", LOG_CRIT);
	k->svc = (struct service)SERVICE_INIT;
	strcpy(k->dir, "/tmp/kmsd-test-XXXXXX");
	assert_non_null(mkdtemp(k->dir));
	if (state_create(k->dir, NULL, KIT_ACCOUNT, KIT_REGION, &e))
		fail_msg("%s", e.what);
	kit_reopen(k);
	*state = k;
	return 0;
}

static inline int kit_teardown(void **state)
{
	struct kit *k = *state;

	state_close(&k->svc);
	nftw(k->dir, kit_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(k);
	return 0;
}

/* kit_principal - a user (or "role/NAME"), with a policy or NULL. */
static inline void kit_principal(struct kit *k, const char *name, const char *policy)
{
	const char *slash = strchr(name, '/');
	struct principal p = { .role = slash, .created_ms = kit_now };
	char secret[SECRET_KEY_SIZE];

	strcpy(p.name, slash ? slash + 1 : name);
	p.policy = policy ? strdup(policy) : NULL;
	assert_int_equal(ident_new_unique_id(p.role, p.unique_id), 0);
	assert_int_equal(principal_new_credentials(&k->svc, &p, secret), 0);
	assert_int_equal(store_principal_add(k->svc.store, &p), 0);
	principal_free(&p);
}

/* A request with room for its own strings. */
struct kit_request {
	struct http_request rq;
	char date[17];
	char authorization[1024];
};

static inline void kit_header(struct kit_request *r, const char *name, const char *value)
{
	r->rq.headers[r->rq.nr_headers].name = name;
	r->rq.headers[r->rq.nr_headers++].value = value;
}

/* kit_sign - as a client at time kit_now. */
static inline void kit_sign(struct kit_request *r, const char *access_key, const char *secret, const char *service,
			    const char *signed_headers)
{
	uint8_t signature[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	struct sigv4 sig = { 0 };
	time_t t = (time_t)(kit_now / 1000);
	struct tm tm;

	strftime(r->date, sizeof(r->date), "%Y%m%dT%H%M%SZ", gmtime_r(&t, &tm));
	kit_header(r, "X-Amz-Date", r->date);
	strcpy(sig.date, r->date);
	memcpy(sig.scope_date, r->date, 8);
	strcpy(sig.region, KIT_REGION);
	strcpy(sig.service, service);
	strcpy(sig.signed_headers, signed_headers);
	assert_int_equal(sigv4_compute(&sig, &r->rq, secret, signature), 0);
	hex_encode(signature, sizeof(signature), hex);
	snprintf(r->authorization, sizeof(r->authorization),
		 "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s", access_key,
		 sig.scope_date, sig.region, service, signed_headers, hex);
	kit_header(r, "Authorization", r->authorization);
}

static inline void kit_secret(struct kit *k, const char *name, char access_key[ACCESS_KEY_SIZE],
			      char secret[SECRET_KEY_SIZE])
{
	struct principal p;

	assert_int_equal(store_principal_get(k->svc.store, name, &p), 0);
	assert_int_equal(principal_secret(&k->svc, &p, secret), 0);
	strcpy(access_key, p.access_key);
	principal_free(&p);
}

/* kit_prepare - a signed request of the JSON protocol; @target and @body must live as long as it. */
static inline void kit_prepare(struct kit *k, struct kit_request *r, const char *who, const char *target,
			       const char *body, size_t len)
{
	char access_key[ACCESS_KEY_SIZE], secret[SECRET_KEY_SIZE];

	memset(r, 0, sizeof(*r));
	r->rq.method = "POST";
	r->rq.target = "/";
	r->rq.body = body;
	r->rq.body_len = len;
	r->rq.source = "test";
	kit_header(r, "Host", "localhost");
	kit_header(r, "Content-Type", "application/x-amz-json-1.1");
	kit_header(r, "X-Amz-Target", target);
	kit_secret(k, who, access_key, secret);
	kit_sign(r, access_key, secret, "kms", "content-type;host;x-amz-date;x-amz-target");
}

struct kit_answer {
	int status;
	char type[64];			/* "" on success */
	char message[1024];
	struct json_object *json;	/* NULL when the body is empty */
};

static inline void kit_answer_free(struct kit_answer *a)
{
	json_object_put(a->json);
	a->json = NULL;
}

static inline const char *kit_string(struct kit_answer *a, const char *name)
{
	struct json_object *o;

	if (!a->json || !json_object_object_get_ex(a->json, name, &o))
		return "";
	return json_object_get_string(o);
}

static inline void kit_read_answer(struct http_reply *reply, struct kit_answer *a)
{
	memset(a, 0, sizeof(*a));
	a->status = reply->status;
	if (reply->body.len) {
		a->json = json_tokener_parse(reply->body.data);
		assert_non_null(a->json);
	}
	snprintf(a->type, sizeof(a->type), "%s", kit_string(a, "__type"));
	snprintf(a->message, sizeof(a->message), "%s", kit_string(a, "message"));
	assert_int_equal(a->status == 200, !*a->type);
	buf_wipe(&reply->body);
}

static inline void kit_call(struct kit *k, struct kit_answer *a, const char *who, const char *op, const char *body)
{
	struct kit_request r;
	struct http_reply reply;
	char target[128];

	snprintf(target, sizeof(target), "TrentService.%s", op);
	kit_prepare(k, &r, who, target, body, strlen(body));
	service_handle(&k->svc, &r.rq, &reply);
	kit_read_answer(&reply, a);
}

/* kit_fails - the call's error; "" when it succeeds. In static memory, until the next call. */
static inline const char *kit_fails(struct kit *k, const char *who, const char *op, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static inline const char *kit_fails(struct kit *k, const char *who, const char *op, const char *fmt, ...)
{
	static struct kit_answer a;
	struct buf body = BUF_INIT;
	char text[16384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_str(&body, text);
	kit_call(k, &a, who, op, body.data);
	buf_wipe(&body);
	kit_answer_free(&a);
	return a.type;
}

/* kit_key - make a key as admin; its ARN into @arn. */
static inline void kit_key(struct kit *k, char arn[ARN_SIZE])
{
	struct json_object *meta, *o;
	struct kit_answer a;

	kit_call(k, &a, "admin", "CreateKey", "{}");
	assert_int_equal(a.status, 200);
	assert_true(json_object_object_get_ex(a.json, "KeyMetadata", &meta));
	assert_true(json_object_object_get_ex(meta, "Arn", &o));
	snprintf(arn, ARN_SIZE, "%s", json_object_get_string(o));
	kit_answer_free(&a);
}

/* kit_encrypt - a ciphertext in base64, made by admin; @context is a JSON object. */
static inline void kit_encrypt(struct kit *k, const char *key, const char *context, char *out, size_t size)
{
	struct kit_answer a;
	char body[2048];

	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"Plaintext\":\"c2VjcmV0\",\"EncryptionContext\":%s}", key,
		 context);
	kit_call(k, &a, "admin", "Encrypt", body);
	assert_int_equal(a.status, 200);
	snprintf(out, size, "%s", kit_string(&a, "CiphertextBlob"));
	kit_answer_free(&a);
}

/* kit_grant - made by admin; @rest is further members (", \"Name\":...") or "". The id into @id. */
static inline void kit_grant(struct kit *k, const char *key, const char *grantee, const char *operations,
			     const char *rest, char id[HEX_ID_SIZE], char token[GRANT_TOKEN_SIZE])
{
	struct kit_answer a;
	char body[2048];

	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"GranteePrincipal\":\"%s\",\"Operations\":%s%s}", key, grantee,
		 operations, rest);
	kit_call(k, &a, "admin", "CreateGrant", body);
	if (a.status != 200)
		fail_msg("CreateGrant: %s: %s", a.type, a.message);
	snprintf(id, HEX_ID_SIZE, "%s", kit_string(&a, "GrantId"));
	if (token)
		snprintf(token, GRANT_TOKEN_SIZE, "%s", kit_string(&a, "GrantToken"));
	kit_answer_free(&a);
}

#endif
