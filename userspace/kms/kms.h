/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_KMS_H
#define ECACHE_KMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/err.h"
#include "../common/secret.h"
#include "creds.h"

struct memo;
struct credcache;

/*
 * Client of AWS KMS's JSON 1.1 protocol over libcurl (which signs). One struct kms is one endpoint and one identity;
 * the endpoint may be AWS, a compatible service, or ecache-kmsd ("unix:/run/ecache-kmsd/kms.sock" or
 * "http://127.0.0.1:PORT", plain HTTP on loopback only); endpoint.h has the rules. It is used by one thread and every
 * call is synchronous.
 */
struct kms;

struct kms_config {
	const char *endpoint;	/* endpoint.h has the rules of these five */
	const char *sts_endpoint;
	bool fips, dualstack;
	bool environment;	/* AWS_ENDPOINT_URL_KMS..., and AWS_CA_BUNDLE for ca_file */
	const char *ca_file;	/* PEM: who may vouch for servers, in place of this host's store; NULL: the store */
	const char *region;	/* required; the region in key ARNs must match it */
	struct creds_source creds;
	unsigned int timeout_ms;	/* one attempt, 1000..60000 */
	unsigned int attempts;	/* 1 for probes, 3 otherwise */
	unsigned int total_ms;	/* of a call with its retries: none begins that could end later; 0: no limit */
	size_t answer_max;	/* bytes of an answer; 0: what KMS's can have */
	struct memo *memo;	/* what is learnt lives there, for others too; NULL: in the client */
	struct credcache *cache;	/* temporary credentials, for others too; NULL: none but in the client */
};

int kms_open(struct kms **out, const struct kms_config *cfg, struct err *e);
void kms_close(struct kms *k);

/*
 * kms_forget - drop connections and credentials; the next call uses fresh ones, from where they come from, not from a
 * cache: if that fails, there are none.
 */
void kms_forget(struct kms *k);

/* The part of an answer that verdicts and logs are made of. Strings are truncated to fit, never secret. */
struct kms_answer {
	enum kms_transport {
		KMS_ANSWERED,		/* an HTTP answer came */
		KMS_NO_CREDENTIALS,	/* none found, or their refresh failed */
		KMS_NO_ANSWER,		/* DNS, TCP, TLS, timeout */
		KMS_BAD_ANSWER,		/* too large, not JSON where JSON is due, wrong shape */
		KMS_NOT_ASKED,		/* refused on our side: wrong arguments, another region */
	} transport;
	int http_status;
	char code[64];		/* "AccessDeniedException"; "" on success */
	char message[512];	/* KMS's own words, printable characters only */
	char request_id[80];
	int64_t date_s;		/* by the service's clock, Unix time; 0: it did not say */
};

const char *kms_transport_name(enum kms_transport t);	/* "answered", "no-answer"... */

/* ENUM of key states as DescribeKey spells them; KMS_STATE_NONE when not asked or not answered. */
enum kms_key_state {
	KMS_STATE_NONE,
	KMS_STATE_CREATING,
	KMS_STATE_ENABLED,
	KMS_STATE_DISABLED,
	KMS_STATE_PENDING_DELETION,
	KMS_STATE_PENDING_IMPORT,
	KMS_STATE_PENDING_REPLICA_DELETION,
	KMS_STATE_UNAVAILABLE,
	KMS_STATE_UPDATING,
	KMS_STATE_UNKNOWN,	/* answered with a word we do not know */
};

const char *kms_key_state_name(enum kms_key_state s);	/* "Enabled"; "" for NONE, "Unknown" */
enum kms_key_state kms_key_state_of(const char *name);

/* Encryption context: sorted, unique, at most 8 pairs. Owned by the caller. */
struct kms_context {
	unsigned int nr;
	struct {
		const char *key;
		const char *value;
	} pair[8];
};

#define KMS_ARN_MAX 2048
#define KMS_BLOB_MAX 6144
#define KMS_GRANT_ID_MAX 128
#define KMS_GRANT_TOKEN_MAX 8192

struct kms_key {
	char arn[KMS_ARN_MAX + 1];
	enum kms_key_state state;
	bool symmetric;		/* SYMMETRIC_DEFAULT for ENCRYPT_DECRYPT: a key that can wrap data keys */
};

/*
 * Every call returns 0 on a 200 answer of the right shape, else -EPERM (KMS said no), -EAGAIN (no answer, or KMS
 * says try later), -EKEYREJECTED (credentials or clock), -EBADMSG, -EINVAL (arguments: nothing was sent), -ENOMEM; *a
 * always says what happened and *e says it for people. @key_id is a key id, an alias or an ARN of either.
 */
int kms_describe_key(struct kms *k, const char *key_id, const char *grant_token, struct kms_key *out,
		     struct kms_answer *a, struct err *e);

struct kms_grant_request {
	const char *key_arn;
	const char *grantee;		/* principal ARN */
	const char *retiring;		/* principal ARN */
	const char *name;
	const char *const *operations;	/* NULL-terminated */
	const struct kms_context *equals;
};

struct kms_grant {
	char id[KMS_GRANT_ID_MAX + 1];
	char token[KMS_GRANT_TOKEN_MAX + 1];
};

int kms_create_grant(struct kms *k, const struct kms_grant_request *rq, struct kms_grant *out, struct kms_answer *a,
		     struct err *e);
int kms_retire_grant(struct kms *k, const char *key_arn, const char *grant_id, struct kms_answer *a, struct err *e);
int kms_revoke_grant(struct kms *k, const char *key_arn, const char *grant_id, struct kms_answer *a, struct err *e);

/*
 * kms_grant_listed - ListGrants of that one grant, which no grant can allow: a policy has to. An answer is as late as
 * the KMS is, and says nothing about who may use the key.
 */
int kms_grant_listed(struct kms *k, const char *key_arn, const char *grant_id, bool *listed, struct kms_answer *a,
		     struct err *e);

/*
 * kms_generate_data_key_wrapped - GenerateDataKeyWithoutPlaintext, NumberOfBytes = @bytes (16..64). @blob has room for
 * KMS_BLOB_MAX bytes.
 */
int kms_generate_data_key_wrapped(struct kms *k, const char *key_arn, unsigned int bytes,
				  const struct kms_context *ctx, uint8_t *blob, size_t *blob_len,
				  struct kms_answer *a, struct err *e);

/*
 * kms_reencrypt - ReEncrypt of @old from one key to another, in the KMS: no plaintext leaves it. The context stays, and
 * both keys are sent and compared with the answer. @blob as above; it may be @old.
 */
int kms_reencrypt(struct kms *k, const char *from_arn, const char *to_arn, const struct kms_context *ctx,
		  const uint8_t *old, size_t old_len, uint8_t *blob, size_t *blob_len, struct kms_answer *a,
		  struct err *e);

/*
 * kms_decrypt - KeyId is always sent and compared with the answer. The plaintext goes from the response buffer (locked,
 * wiped) into @out, which was allocated with the expected length as cap: another length is -EBADMSG, and @out is then
 * zeroed, of length 0. No JSON DOM of it is made. @grant_token may be NULL.
 */
int kms_decrypt(struct kms *k, const char *key_arn, const struct kms_context *ctx, const uint8_t *blob, size_t blob_len,
		const char *grant_token, struct secret *out, struct kms_answer *a, struct err *e);

/*
 * kms_encrypt - a key of ours under theirs: @key (its len) goes from its page into the request, whose text is in locked
 * memory and wiped; no JSON DOM of it is made. @blob has room for KMS_BLOB_MAX bytes. @grant_token may be NULL.
 */
int kms_encrypt(struct kms *k, const char *key_arn, const struct kms_context *ctx, const char *grant_token,
		const struct secret *key, uint8_t *blob, size_t *blob_len, struct kms_answer *a, struct err *e);

/*
 * kms_probe - Decrypt with DryRun: 0 when the answer is DryRunOperationException, or 200 from a service that knows no
 * dry run (the plaintext is wiped unread). With @blob NULL no ciphertext is looked at (DryRunModifiers
 * IGNORE_CIPHERTEXT): the control probe of a canary key, which needs nothing stored.
 */
int kms_probe(struct kms *k, const char *key_arn, const struct kms_context *ctx, const uint8_t *blob, size_t blob_len,
	      struct kms_answer *a, struct err *e);

/* What kms_may() can ask about without anything happening. */
enum kms_right {
	KMS_MAY_GRANT,		/* CreateGrant, to @grantee */
	KMS_MAY_ENCRYPT,
	KMS_MAY_GENERATE,	/* GenerateDataKeyWithoutPlaintext */
	KMS_RIGHTS
};

const char *kms_right_name(enum kms_right right);	/* the operation: "CreateGrant" */

/* kms_may - that operation as a dry run: 0 when the answer is DryRunOperationException. @grantee is for CreateGrant. */
int kms_may(struct kms *k, enum kms_right right, const char *key_arn, const struct kms_context *ctx,
	    const char *grantee, struct kms_answer *a, struct err *e);

/* kms_caller - STS GetCallerIdentity; the ARN of the identity behind the credentials, for messages and `create`. */
int kms_caller(struct kms *k, char *arn, size_t size, struct kms_answer *a, struct err *e);

#endif
