// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan.h"

/* Profiles on the way, so that a way back is seen. */
struct trail {
	char name[PLAN_ROLES + 1][PLAN_NAME + 1];
	unsigned int nr;
};

static bool find(const struct plan_texts *texts, const char *name, struct profile *out)
{
	struct profile p;
	bool found = false;
	int i;

	memset(out, 0, sizeof(*out));
	for (i = 1; i >= 0; i--) {
		if (!texts->text[i].at || !profile_find(texts->text[i].at, texts->text[i].len, name, &p))
			continue;
		profile_merge(out, &p);
		found = true;
	}
	return found;
}

static bool has_keys(const struct profile *p)
{
	return p->access_key_id.at || p->secret_access_key.at;
}

/* enter - note that the way leads over @name; -ELOOP when it did already. */
static int enter(struct trail *t, const struct span *name, struct err *e)
{
	unsigned int i;

	if (name->len > PLAN_NAME)
		return err_set(e, -EINVAL, "a profile's name is longer than %d bytes", PLAN_NAME);
	for (i = 0; i < t->nr; i++) {
		if (span_is(name, t->name[i]))
			return err_set(e, -ELOOP, "profile \"%s\" is its own source_profile in the end", t->name[i]);
	}
	if (t->nr > PLAN_ROLES)
		return err_set(e, -ELOOP, "more than %d roles would be assumed one after the other", PLAN_ROLES);
	snprintf(t->name[t->nr++], PLAN_NAME + 1, "%.*s", (int)name->len, name->at);
	return 0;
}

/* source_of - where a profile without a role to assume gets its credentials. */
static int source_of(const struct profile *p, const char *name, struct plan *out, struct err *e)
{
	out->from = *p;
	if (has_keys(p)) {
		out->source = PLAN_KEYS;
	} else if (p->credential_process.at) {
		out->source = PLAN_PROCESS;
	} else if (p->unsupported) {
		err_set(e, -EOPNOTSUPP, "profile \"%s\": %s is not supported", name, p->unsupported);
		err_hint(e, "give keys, a credential_process or a role");
		return -EOPNOTSUPP;
	} else {
		return -ENOENT;
	}
	return 0;
}

static int named_source(const struct profile *p, const char *name, struct plan *out, struct err *e)
{
	out->from = *p;
	if (span_is(&p->credential_source, "Environment"))
		out->source = PLAN_ENVIRONMENT;
	else if (span_is(&p->credential_source, "EcsContainer"))
		out->source = PLAN_CONTAINER;
	else if (span_is(&p->credential_source, "Ec2InstanceMetadata"))
		out->source = PLAN_IMDS;
	else
		return err_set(e, -EINVAL, "profile \"%s\": credential_source is Environment, EcsContainer or "
			       "Ec2InstanceMetadata", name);
	return 0;
}

/* add_role - in front of those that are there: the way is walked from its end. */
static void add_role(struct plan *out, const struct profile *p)
{
	memmove(out->role + 1, out->role, out->nr * sizeof(*out->role));
	out->role[0] = *p;
	out->nr++;
}

static int check_role(const struct profile *p, const char *name, struct err *e)
{
	if (p->unsupported) {
		err_set(e, -EOPNOTSUPP, "profile \"%s\": %s is not supported", name, p->unsupported);
		err_hint(e, "a daemon cannot be asked for a code");
		return -EOPNOTSUPP;
	}
	if (!p->source_profile.at == !p->credential_source.at)
		return err_set(e, -EINVAL, "profile \"%s\": a role_arn needs either source_profile or credential_source",
			       name);
	return 0;
}

int plan_make(const struct plan_texts *texts, const char *profile, struct plan *out, struct err *e)
{
	struct span name = { profile, strlen(profile) };
	struct trail trail = { .nr = 0 };
	struct profile p;
	const char *at;
	int rc;

	memset(out, 0, sizeof(*out));
	for (;;) {
		rc = enter(&trail, &name, e);
		if (rc)
			return rc;
		at = trail.name[trail.nr - 1];
		if (!find(texts, at, &p)) {
			if (trail.nr == 1)
				return -ENOENT;
			return err_set(e, -EINVAL, "source_profile \"%s\" is not there", at);
		}
		if (p.web_identity_token_file.at && p.role_arn.at && !p.source_profile.at) {
			out->source = PLAN_WEB_IDENTITY;
			out->from = p;
			return 0;
		}
		if (!p.role_arn.at)
			break;
		rc = check_role(&p, at, e);
		if (rc)
			return rc;
		if (out->nr == PLAN_ROLES)
			return err_set(e, -ELOOP, "more than %d roles would be assumed one after the other",
				       PLAN_ROLES);
		add_role(out, &p);
		if (p.credential_source.at)
			return named_source(&p, at, out, e);
		/* Its own keys are meant by a profile that names itself. */
		if (span_is(&p.source_profile, at))
			break;
		name = p.source_profile;
	}
	rc = source_of(&p, at, out, e);
	if (rc == -ENOENT && out->nr)
		return err_set(e, -EINVAL, "source_profile \"%s\" leads to no credentials", at);
	return rc;
}
