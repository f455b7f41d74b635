/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_CALL_H
#define KMSD_CALL_H

#include <stdbool.h>
#include <json-c/json.h>

#include "fault.h"
#include "inject.h"
#include "jsonw.h"
#include "service.h"

#define GRANT_TOKENS_MAX 10

/* One API call on its way: who asks, for what, and the answer so far. Lives on the stack of service_handle(). */
struct call {
	struct service *svc;
	const struct http_request *http;
	const struct operation *op;	/* NULL until known */
	char request_id[KEY_ID_SIZE];
	int64_t now_ms;

	bool authenticated;
	struct principal caller;
	char caller_arn[ARN_SIZE];	/* the user or role */
	char session_arn[ARN_SIZE];	/* the role's session, "" for a user */

	struct json_object *in;		/* the request's members */
	char token_grant[GRANT_TOKENS_MAX][HEX_ID_SIZE];	/* grants whose tokens came with it */
	unsigned int nr_token_grants;

	struct buf out;			/* the answer's body */
	enum fault fault;
	char message[1024];
	struct inject_verdict fate;

	/* for the audit log */
	char key_arn[ARN_SIZE];		/* the key that the call is about, "" when none was found */
	char source_arn[ARN_SIZE];	/* ReEncrypt: the key that opens, "" until found */
	char grant_id[HEX_ID_SIZE];	/* the grant that was made or retired */
};

/* An operation answers into c->out and returns FAULT_NONE, or returns what call_fail() returned. */
struct operation {
	const char *name;
	enum fault (*func)(struct call *c);
	bool writes;			/* runs inside a write transaction, committed before the answer */
	enum fault refused;		/* what an operation that is not supported ends with at best */
};

/* call_fail - note fault and message; returns @f so that it can end a function. */
enum fault call_fail(struct call *c, enum fault f, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* call_internal - a failure that is ours: @rc says which. */
enum fault call_internal(struct call *c, int rc);

/* call_dry_run - all would have gone well, and nothing was done: AWS answers that as an error. */
enum fault call_dry_run(struct call *c);

/* call_done - FAULT_INTERNAL when the answer ran out of memory. */
enum fault call_done(struct call *c);

/* The operations, by their groups. */
/* ops_key.c */
enum fault op_create_key(struct call *c);
enum fault op_describe_key(struct call *c);
enum fault op_list_keys(struct call *c);
enum fault op_update_key_description(struct call *c);
/* ops_key_policy.c */
enum fault op_get_key_policy(struct call *c);
enum fault op_put_key_policy(struct call *c);
enum fault op_list_key_policies(struct call *c);
/* ops_key_state.c */
enum fault op_enable_key(struct call *c);
enum fault op_disable_key(struct call *c);
enum fault op_schedule_key_deletion(struct call *c);
enum fault op_cancel_key_deletion(struct call *c);
/* ops_rotation.c */
enum fault op_enable_key_rotation(struct call *c);
enum fault op_disable_key_rotation(struct call *c);
enum fault op_get_key_rotation_status(struct call *c);
enum fault op_rotate_key_on_demand(struct call *c);
enum fault op_list_key_rotations(struct call *c);
/* ops_tag.c */
enum fault op_tag_resource(struct call *c);
enum fault op_untag_resource(struct call *c);
enum fault op_list_resource_tags(struct call *c);
/* ops_alias.c */
enum fault op_create_alias(struct call *c);
enum fault op_update_alias(struct call *c);
enum fault op_delete_alias(struct call *c);
enum fault op_list_aliases(struct call *c);
/* ops_grant.c, ops_create_grant.c, ops_list_grants.c */
enum fault op_create_grant(struct call *c);
enum fault op_list_grants(struct call *c);
enum fault op_list_retirable_grants(struct call *c);
enum fault op_revoke_grant(struct call *c);
enum fault op_retire_grant(struct call *c);
/* ops_crypto.c, ops_reencrypt.c */
enum fault op_generate_data_key(struct call *c);
enum fault op_generate_data_key_without_plaintext(struct call *c);
enum fault op_generate_random(struct call *c);
enum fault op_encrypt(struct call *c);
enum fault op_decrypt(struct call *c);
enum fault op_re_encrypt(struct call *c);
/* ops_refused.c */
enum fault op_refused_on_key(struct call *c);
enum fault op_refused_crypto(struct call *c);
enum fault op_refused(struct call *c);
enum fault op_refused_store(struct call *c);
enum fault op_describe_custom_key_stores(struct call *c);
/* sts.c */
enum fault op_get_caller_identity(struct call *c);

/* operation_find - of the JSON protocol; NULL when there is no such. */
const struct operation *operation_find(const char *name);
/* operation_at - in a fixed order; NULL at the end. For tests and documentation. */
const struct operation *operation_at(unsigned int i);

#endif
