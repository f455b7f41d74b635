// SPDX-License-Identifier: GPL-2.0-or-later
#include "trail.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/json.h"
#include "common/log.h"
#include "principal.h"
#include "sts.h"

static void lower_first(const char *name, char out[64])
{
	snprintf(out, 64, "%s", name);
	out[0] = (char)tolower((unsigned char)out[0]);
}

static void put_text(struct jsonw *w, const char *key, struct json_object *value)
{
	const char *text = value ? js_text(value, NULL) : "null";

	if (text)
		jsonw_raw(w, key, text);
	else
		w->b->failed = true;
}

/* The request's members that a record may show. Plaintext, CiphertextBlob, GrantTokens and the like stay out. */
static const char *const shown[] = {
	"AliasName", "BypassPolicyLockoutSafetyCheck", "Constraints", "CustomKeyStoreId", "CustomKeyStoreName",
	"CustomerMasterKeySpec", "Description", "DestinationEncryptionAlgorithm", "DestinationEncryptionContext",
	"DestinationKeyId", "DryRun", "DryRunModifiers", "EncryptionAlgorithm", "EncryptionContext", "GrantId",
	"GranteePrincipal", "GranteeServicePrincipal", "IncludeKeyMaterial", "KeyId", "KeySpec", "KeyUsage", "Limit",
	"Marker", "Name", "NumberOfBytes", "Operations", "Origin", "PendingWindowInDays", "Policy", "PolicyName",
	"RetiringPrincipal", "RetiringServicePrincipal", "RotationPeriodInDays", "SourceEncryptionAlgorithm",
	"SourceEncryptionContext", "SourceKeyId", "TagKeys", "Tags", "TargetKeyId",
};

static void put_parameters(struct jsonw *w, const struct call *c)
{
	bool any = false;

	/* RetireGrant's record names its grant elsewhere; the token would be the only parameter often enough. */
	if (c->in && strcmp(c->op->name, "RetireGrant"))
		any = json_object_object_length(c->in) > 0;
	if (!any) {
		jsonw_null(w, "requestParameters");
		return;
	}
	jsonw_open(w, "requestParameters", '{');
	for (unsigned int i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		struct json_object *value;
		char name[64];

		if (!json_object_object_get_ex(c->in, shown[i], &value))
			continue;
		lower_first(shown[i], name);
		put_text(w, name, value);
	}
	jsonw_close(w, '}');
}

/* put_date - as CloudTrail writes those of KMS's answers: DeletionDate has hours to 24, and AM or PM all the same. */
static void put_date(struct jsonw *w, const char *key, double seconds)
{
	bool deletion = key && !strcmp(key, "deletionDate");
	time_t t = (time_t)seconds;
	char text[40];
	struct tm tm;

	gmtime_r(&t, &tm);
	if (deletion)
		strftime(text, sizeof(text), "%b %-d, %Y %H:%M:%S %p", &tm);
	else
		strftime(text, sizeof(text), "%b %-d, %Y %-I:%M:%S %p", &tm);
	jsonw_string(w, key, text);
}

/* put_lowered - a value of the answer, with the names of members as CloudTrail writes them. */
static void put_lowered(struct jsonw *w, const char *key, struct json_object *value)
{
	char name[64];

	switch (json_object_get_type(value)) {
	case json_type_object:
		jsonw_open(w, key, '{');
		json_object_object_foreach(value, member, inner) {
			lower_first(member, name);
			put_lowered(w, name, inner);
		}
		jsonw_close(w, '}');
		break;
	case json_type_array:
		jsonw_open(w, key, '[');
		for (size_t i = 0; i < json_object_array_length(value); i++)
			put_lowered(w, NULL, json_object_array_get_idx(value, i));
		jsonw_close(w, ']');
		break;
	case json_type_double:
		/* No other number of these answers has a fraction. */
		put_date(w, key, json_object_get_double(value));
		break;
	default:
		put_text(w, key, value);
	}
}

/* put_response - only what changes state answers with something worth a record, and never a secret. */
static void put_response(struct jsonw *w, const struct call *c)
{
	struct json_object *answer;

	if (c->fault || !c->op->writes || !c->out.len) {
		jsonw_null(w, "responseElements");
		return;
	}
	if (!strcmp(c->op->name, "CreateGrant")) {
		jsonw_open(w, "responseElements", '{');
		jsonw_string(w, "grantId", c->grant_id);
		jsonw_string(w, "keyId", c->key_arn);
		jsonw_close(w, '}');
		return;
	}
	answer = json_tokener_parse(c->out.data);
	put_lowered(w, "responseElements", answer);
	json_object_put(answer);
}

static void put_identity(struct jsonw *w, const struct call *c)
{
	const struct principal *p = &c->caller;
	char id[UNIQUE_ID_SIZE + 16];

	snprintf(id, sizeof(id), "%s%s", p->unique_id, p->role ? ":" PRINCIPAL_SESSION : "");
	jsonw_open(w, "userIdentity", '{');
	jsonw_string(w, "type", p->role ? "AssumedRole" : "IAMUser");
	jsonw_string(w, "principalId", id);
	jsonw_string(w, "arn", p->role ? c->session_arn : c->caller_arn);
	jsonw_string(w, "accountId", c->svc->account);
	jsonw_string(w, "accessKeyId", p->access_key);
	if (!p->role)
		jsonw_string(w, "userName", p->name);
	if (*p->via)
		jsonw_string(w, "invokedBy", p->via);
	jsonw_close(w, '}');
}

static void put_key(struct jsonw *w, const struct call *c, const char *arn)
{
	jsonw_open(w, NULL, '{');
	jsonw_string(w, "accountId", c->svc->account);
	jsonw_string(w, "type", "AWS::KMS::Key");
	jsonw_string(w, "ARN", arn);
	jsonw_close(w, '}');
}

static void put_resources(struct jsonw *w, const struct call *c)
{
	if (!*c->key_arn)
		return;
	jsonw_open(w, "resources", '[');
	if (*c->source_arn && strcmp(c->source_arn, c->key_arn))
		put_key(w, c, c->source_arn);
	put_key(w, c, c->key_arn);
	jsonw_close(w, ']');
}

static void put_what(struct jsonw *w, const struct call *c)
{
	bool sts = c->op == sts_operation();
	const char *header = http_header(c->http, "User-Agent");
	char agent[256];
	char when[32];
	time_t t = (time_t)(c->now_ms / 1000);
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	jsonw_string(w, "eventTime", when);
	jsonw_string(w, "eventSource", sts ? "sts.amazonaws.com" : "kms.amazonaws.com");
	jsonw_string(w, "eventName", c->op->name);
	jsonw_string(w, "awsRegion", c->svc->region);
	jsonw_string(w, "sourceIPAddress", c->http->source ? c->http->source : "unknown");
	if (header) {
		snprintf(agent, sizeof(agent), "%s", header);
		for (char *p = agent; *p; p++)
			if (*p < 0x20 || *p > 0x7e)
				*p = '?';
		jsonw_string(w, "userAgent", agent);
	}
	/* CloudTrail writes "AccessDenied", but the other codes as the client sees them. */
	if (c->fault) {
		jsonw_string(w, "errorCode",
			     c->fault == FAULT_ACCESS_DENIED ? fault_query_name(c->fault) : fault_name(c->fault));
		jsonw_string(w, "errorMessage", c->message);
	}
}

void trail_format(const struct call *c, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);
	char event_id[KEY_ID_SIZE] = "";

	ident_new_uuid(event_id);
	jsonw_open(&w, NULL, '{');
	jsonw_string(&w, "eventVersion", "1.08");
	put_identity(&w, c);
	put_what(&w, c);
	put_parameters(&w, c);
	put_response(&w, c);
	if (*c->grant_id && !strcmp(c->op->name, "RetireGrant")) {
		jsonw_open(&w, "additionalEventData", '{');
		jsonw_string(&w, "grantId", c->grant_id);
		jsonw_close(&w, '}');
	}
	jsonw_string(&w, "requestID", c->request_id);
	jsonw_string(&w, "eventID", event_id);
	jsonw_bool(&w, "readOnly", !c->op->writes);
	put_resources(&w, c);
	jsonw_string(&w, "eventType", "AwsApiCall");
	jsonw_bool(&w, "managementEvent", true);
	jsonw_string(&w, "recipientAccountId", c->svc->account);
	jsonw_string(&w, "eventCategory", "Management");
	jsonw_close(&w, '}');
}

void trail_write(struct lines *log, const struct call *c, struct buf *record)
{
	int rc = lines_append(log, record);

	if (rc)
		log_err("audit log: request %s (%s) is not recorded: %s", c->request_id, c->op->name, strerror(-rc));
}
