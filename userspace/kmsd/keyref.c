// SPDX-License-Identifier: GPL-2.0-or-later
#include "keyref.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "material.h"

void keyref_arn(const struct service *svc, const char *id, char out[ARN_SIZE])
{
	snprintf(out, ARN_SIZE, "arn:aws:kms:%s:%s:key/%s", svc->region, svc->account, id);
}

void keyref_alias_arn(const struct service *svc, const char *alias, char out[ARN_SIZE])
{
	snprintf(out, ARN_SIZE, "arn:aws:kms:%s:%s:%s", svc->region, svc->account, alias);
}

/* The account's principals may use the key as far as their own policies let them. */
static const char default_policy[] =
	"{\"Version\":\"2012-10-17\",\"Id\":\"key-default-1\",\"Statement\":[{\"Sid\":\"Enable IAM User Permissions\","
	"\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::%s:root\"},\"Action\":\"kms:*\","
	"\"Resource\":\"*\"}]}";

/*
 * The service's default key. Callers through the service may use it; the account's other principals, if their policies
 * say so, may look at it, grant it and revoke, and make wrapped data keys, but open them only by a grant. Nobody may
 * disable or delete it.
 */
static const char service_policy[] =
	"{\"Version\":\"2012-10-17\",\"Id\":\"auto-elasticache-1\",\"Statement\":[{\"Sid\":\"Use through the service\","
	"\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":[\"kms:Encrypt\",\"kms:Decrypt\","
	"\"kms:GenerateDataKey*\",\"kms:CreateGrant\",\"kms:DescribeKey\"],\"Resource\":\"*\",\"Condition\":"
	"{\"StringEquals\":{\"kms:CallerAccount\":\"%s\",\"kms:ViaService\":\"elasticache.%s.amazonaws.com\"}}},"
	"{\"Sid\":\"Use by grants\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::%s:root\"},"
	"\"Action\":[\"kms:Describe*\",\"kms:Get*\",\"kms:List*\",\"kms:CreateGrant\",\"kms:RevokeGrant\","
	"\"kms:GenerateDataKeyWithoutPlaintext\"],\"Resource\":\"*\"}]}";

int keyref_new(struct service *svc, struct key *k, int64_t now_ms)
{
	uint8_t wrapped[WRAPPED_MATERIAL_SIZE];
	int rc = 0;

	k->state = KEY_ENABLED;
	k->created_ms = now_ms;
	if (!k->policy && asprintf(&k->policy, default_policy, svc->account) < 0) {
		k->policy = NULL;
		return -ENOMEM;
	}
	if (!*k->id)
		rc = ident_new_uuid(k->id);
	if (!rc)
		rc = material_new(svc, k->id, k->material_id, wrapped);
	return rc ? rc : store_key_add(svc->store, k, wrapped);
}

static int add_default_key(struct call *c)
{
	struct service *svc = c->svc;
	struct alias a = { .name = DEFAULT_ALIAS, .created_ms = c->now_ms, .updated_ms = c->now_ms };
	struct key k = { .aws_managed = true, .rotation_days = ROTATION_DAYS_DEFAULT,
			 .rotate_ms = c->now_ms + ROTATION_DAYS_DEFAULT * DAY_MS };
	int rc = -ENOMEM;

	k.description = strdup("Default key that protects caches when no other key is defined");
	if (asprintf(&k.policy, service_policy, svc->account, svc->region, svc->account) < 0)
		k.policy = NULL;
	if (k.description && k.policy)
		rc = keyref_new(svc, &k, c->now_ms);
	if (!rc) {
		memcpy(a.key_id, k.id, sizeof(a.key_id));
		rc = store_alias_add(svc->store, &a);
	}
	key_free(&k);
	return rc;
}

/* make_default_key - in a transaction of its own, unless the operation writes: it then reads what is there after it. */
static int make_default_key(struct call *c)
{
	struct store *s = c->svc->store;
	int rc;

	if (store_writing(s))
		return add_default_key(c);
	store_end_read(s);
	rc = store_begin(s);
	if (rc)
		return rc;
	rc = store_end(s, add_default_key(c));
	/* Somebody else was faster. */
	if (rc == -EEXIST)
		rc = 0;
	return rc ? rc : store_begin_read(s);
}

static enum fault find_alias(struct call *c, const char *name, char key_id[KEY_ID_SIZE])
{
	char arn[ARN_SIZE];
	struct alias a;
	int rc = store_alias_get(c->svc->store, name, &a);

	if (rc == -ENOENT && !strcmp(name, DEFAULT_ALIAS)) {
		rc = make_default_key(c);
		if (!rc)
			rc = store_alias_get(c->svc->store, name, &a);
	}
	if (rc == -ENOENT) {
		keyref_alias_arn(c->svc, name, arn);
		return call_fail(c, FAULT_NOT_FOUND, "Alias %s is not found.", arn);
	}
	if (rc)
		return call_internal(c, rc);
	memcpy(key_id, a.key_id, sizeof(a.key_id));
	return FAULT_NONE;
}

enum fault keyref_load(struct call *c, const char *id, struct key *out)
{
	char arn[ARN_SIZE];
	int rc = store_key_get(c->svc->store, id, out);

	keyref_arn(c->svc, id, arn);
	if (rc == -ENOENT)
		return call_fail(c, FAULT_NOT_FOUND, "Key '%s' does not exist", arn);
	if (rc)
		return call_internal(c, rc);
	memcpy(c->key_arn, arn, sizeof(arn));
	return FAULT_NONE;
}

/* bad_arn - what can be no key of any KMS. */
static enum fault bad_arn(struct call *c, const char *ref, enum keyref_form form)
{
	bool modelled = form == KEYREF_ID || form == KEYREF_ANY;

	return call_fail(c, modelled ? FAULT_INVALID_ARN : FAULT_NOT_FOUND, "Invalid arn %.256s", ref);
}

/* local_part - of an ARN of this KMS its resource ("key/..." or "alias/..."); of anything else the thing itself. */
static enum fault local_part(struct call *c, const char *ref, enum keyref_form form, const char **part)
{
	struct arn arn;

	*part = ref;
	if (strncmp(ref, "arn:", 4))
		return FAULT_NONE;
	if (!arn_parse(ref, &arn) || strcmp(arn.partition, "aws") || strcmp(arn.service, "kms"))
		return bad_arn(c, ref, form);
	if (strcmp(arn.region, c->svc->region))
		return call_fail(c, FAULT_NOT_FOUND, "Invalid arn %.64s", c->svc->region);
	/* Another account's keys: what AWS says of those that do not exist or are not shared with us. */
	if (strcmp(arn.account, c->svc->account))
		return call_fail(c, FAULT_ACCESS_DENIED,
				 "User: %s is not authorized to perform this on resource: %.256s because the resource "
				 "does not exist in this account", c->caller_arn, ref);
	*part = arn.resource;
	return FAULT_NONE;
}

enum fault keyref_find(struct call *c, const char *ref, enum keyref_form form, struct key *out, char alias[ALIAS_SIZE])
{
	char id[KEY_ID_SIZE];
	const char *part;
	enum fault f;

	memset(out, 0, sizeof(*out));
	if (alias)
		*alias = '\0';
	f = local_part(c, ref, form, &part);
	if (f)
		return f;
	if (part != ref && !strncmp(part, "key/", 4))
		part += 4;
	else if (part != ref && strncmp(part, "alias/", 6))
		return bad_arn(c, ref, form);
	if ((form == KEYREF_ANY || form == KEYREF_CRYPTO) && ident_alias_ok(part)) {
		f = find_alias(c, part, id);
		if (f)
			return f;
		if (alias)
			strcpy(alias, part);
		return keyref_load(c, id, out);
	}
	if (!ident_key_id_ok(part))
		return call_fail(c, FAULT_NOT_FOUND, "Invalid keyId '%.256s'", ref);
	return keyref_load(c, part, out);
}

enum fault keyref_customer(struct call *c, const struct key *k)
{
	if (k->aws_managed)
		return call_fail(c, FAULT_UNSUPPORTED, "%s is managed by the service and cannot be changed.",
				 c->key_arn);
	return FAULT_NONE;
}

/* unless_pending - @f when the key waits for its deletion. */
static enum fault unless_pending(struct call *c, const struct key *k, enum fault f)
{
	return k->state == KEY_PENDING_DELETION ? call_fail(c, f, "%s is pending deletion.", c->key_arn) : FAULT_NONE;
}

enum fault keyref_not_pending(struct call *c, const struct key *k)
{
	return unless_pending(c, k, FAULT_INVALID_STATE);
}

enum fault keyref_usable(struct call *c, const struct key *k)
{
	if (k->state == KEY_DISABLED)
		return call_fail(c, FAULT_DISABLED, "%s is disabled.", c->key_arn);
	return unless_pending(c, k, inject_pending_deletion(c->svc->inject));
}
