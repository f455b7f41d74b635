// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/agentconf.h"
#include "../common/clock.h"
#include "../common/json.h"
#include "../volume/device.h"
#include "../volume/header.h"
#include "retire.h"
#include "tear.h"

/* end_grant - revoke --grant: after the teardown, which must not wait for the KMS. */
static int end_grant(struct job *j, const struct pin *pin, struct err *e)
{
	const char *name = j->rq->name;
	struct json_object *fields;
	char request_id[REQUEST_ID_SIZE];
	struct state *s;
	int rc;

	s = calloc(1, sizeof(*s));
	if (!s)
		return err_sys(e, -ENOMEM, "cannot revoke the grant of %s", name);
	rc = state_load(j->env->state_dir, name, s, e);
	if (!rc)
		rc = revoke_grant_by_client(j->env, j->talk, pin->key_arn, s->grant_id, request_id, e);
	if (rc)
		goto out;
	fields = json_object_new_object();
	js_put_string(fields, "key_arn", pin->key_arn);
	js_put_string(fields, "grant_id", s->grant_id);
	job_audit_must(j->env, "revoke-grant", name, fields, *request_id ? request_id : NULL);
	js_put_string(j->result, "grant_id", s->grant_id);
	js_put_string(j->result, "request_id", request_id);
out:
	free(s);
	return rc;
}

/* state_from_header - of a volume that was never opened here: what its first open would remember. */
static int state_from_header(const struct env *env, const char *name, const struct pin *pin, struct err *e)
{
	struct {
		struct device device;
		struct header header;
		struct state state;
	} *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return err_sys(e, -ENOMEM, "cannot look at %s", name);
	w->device = (struct device)DEVICE_INIT;
	rc = device_open(&w->device, pin->device, env->device_flags | DEVICE_UNCLAIMED, e);
	if (!rc)
		rc = pin_header(pin, w->device.path, &w->header, e);
	if (!rc) {
		state_adopt_header(&w->state, &w->header);
		strcpy(w->state.grant_id, w->header.token.grant_id);
		rc = state_store(env->state_dir, name, &w->state, e);
	}
	device_close(&w->device);
	free(w);
	return rc;
}

/*
 * see_to_mark - that open refuses is what the operator wants, and what success says: unlike the KMS's word, his is said
 *	once. Only a process that still waits for the disk of the records is believed to make it.
 */
static int see_to_mark(const struct env *env, const struct tear *t, const struct pin *pin,
		       const struct teardown_report *report, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_sys(e, -ENOMEM, "cannot look at %s", t->name);
	rc = state_load(env->state_dir, t->name, s, e);
	if (rc == -ENOENT)
		rc = state_from_header(env, t->name, pin, e);
	if (!rc && !s->is_revoked && report->record.outcome != STEP_RUNNING)
		rc = tear_mark(env, t, e);
	free(s);
	if (!rc)
		return 0;
	err_prefix(e, "no key of it is here, but nothing keeps %s from being opened again", t->name);
	err_hint(e, "Take its pin file away: mv %s/%s /root/", env->pin_dir, t->name);
	return rc;
}

int job_revoke(struct job *j, struct err *e)
{
	const char *name = j->rq->name;
	struct teardown_report report;
	struct tear t = {
		.name = name,
		.policy = POLICY_TEARDOWN,
		.verdict_ms = now_ms(),
		.verdict = "revoked",
		.reason = "ecachectl revoke on this host",
		.request_id = "",
	};
	struct policies policies;
	struct pin pin;
	int rc;

	rc = job_pin(j->env, name, &pin, e);
	if (!rc && j->rq->revoke_grant)
		rc = job_has_grant(name, &pin, e);
	if (rc)
		return rc;
	job_policies(j->env, name, &pin, &policies, NULL);	/* whether they go together is for who opens */
	t.unit = pin.unit;
	t.hook = policies.hook;
	t.boot_key = pin.kind == VOLUME_BOOT_SWAP;
	t.deadline_ms = 1000LL * policies.teardown_deadline;
	rc = tear_volume(j->env, &t, &report, e);
	js_put_string(j->result, "name", name);
	js_put(j->result, "teardown", teardown_json(&report));
	if (!rc && !t.boot_key)
		rc = see_to_mark(j->env, &t, &pin, &report, e);
	if (rc || !j->rq->revoke_grant)
		return rc;
	rc = end_grant(j, &pin, e);
	if (rc)
		err_prefix(e, "%s is revoked on this host, but its grant stands", name);
	return rc;
}
