// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/agentconf.h"
#include "../common/clock.h"
#include "../common/fsio.h"
#include "../common/json.h"
#include "../common/log.h"
#include "../volume/keyid.h"
#include "../volume/swap.h"
#include "close.h"
#include "open.h"
#include "swapping.h"
#include "unwrap.h"

/* What is known about the volume on the way to its key; big, so on the heap. */
struct opening {
	const struct env *env;
	struct talk *talk;
	const struct open_options *o;
	struct pin pin;
	struct state state;
	bool have_state;
	bool older;			/* an older header was accepted */
	struct mapping mapping;
	struct device device;
	struct header header;
	struct secret key;
	char request_id[REQUEST_ID_SIZE];
	int64_t ok_ms;			/* when the KMS allowed it */
};

static int refuse_revoked(const struct opening *op, struct err *e)
{
	const struct state *s = &op->state;
	char when[32] = "-";
	struct tm tm;
	time_t at;

	if (!op->have_state || !s->is_revoked)
		return 0;
	at = s->revoked.at;
	if (gmtime_r(&at, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	err_set(e, -EKEYREVOKED, "%s was revoked on %s: %s (request %s)", op->o->name, when, s->revoked.reason,
		*s->revoked.request_id ? s->revoked.request_id : "-");
	return err_hint(e, "Data and header are still there. Once the owner allows it again: ecachectl regrant %s",
			op->o->name);
}

static int load_local(struct opening *op, struct err *e)
{
	const struct env *env = op->env;
	struct policies policies;
	int rc;

	rc = job_pin(env, op->o->name, &op->pin, e);
	if (!rc)
		rc = job_policies(env, op->o->name, &op->pin, &policies, e);
	if (rc)
		return rc;
	rc = job_may_open(env, op->o->name, e);
	if (rc)
		return rc;
	rc = state_load(env->state_dir, op->o->name, &op->state, e);
	if (rc && rc != -ENOENT)
		return rc;
	op->have_state = !rc;
	return refuse_revoked(op, e);
}

/* look_at_mapping - 1: ACTIVE already. */
static int look_at_mapping(struct opening *op, struct err *e)
{
	struct mapping *m = &op->mapping;
	int rc = mapping_get(&op->env->dm, op->o->name, m, e);

	if (rc || !m->exists)
		return rc;
	if (strcmp(m->luks_uuid, op->pin.luks_uuid))
		return err_set(e, -EEXIST, "/dev/mapper/%s is another volume (LUKS uuid %s, the pin says %s)",
			       op->o->name, m->luks_uuid, op->pin.luks_uuid);
	if (m->is_ecache && m->status.state == DM_STATE_ACTIVE)
		return 1;
	if (m->is_ecache && m->status.state == DM_STATE_LOCKED)
		return 0;
	err_set(e, -EBUSY, "%s is torn down, but what is left of it is still open by somebody (open count %d)",
		op->o->name, m->open_count);
	return err_hint(e, "End the processes that hold /dev/mapper/%s (fuser -m), then open again.", op->o->name);
}

/* load_header - device and header, and whether pin, state and header are of one mind. */
static int load_header(struct opening *op, struct err *e)
{
	const char *path = op->o->device ? op->o->device : op->pin.device;
	unsigned int flags = op->env->device_flags | (op->mapping.exists ? DEVICE_UNCLAIMED : 0);
	int rc;

	rc = device_open(&op->device, path, flags, e);
	if (rc)
		return rc;
	rc = pin_header(&op->pin, op->device.path, &op->header, e);
	if (rc) {
		err_prefix(e, "%s", path);
		return rc;
	}
	if (!op->have_state)
		return 0;
	rc = state_check_header(&op->state, &op->header, e);
	if (rc == -ESTALE && op->o->accept_older_header) {
		op->older = true;
		return 0;
	}
	if (rc)
		err_prefix(e, "%s", path);
	return rc;
}

static int unwrap(struct opening *op, struct err *e)
{
	const struct token *tok = &op->header.token;
	const struct unwrap u = {
		.name = op->o->name,
		.key_arn = op->pin.key_arn,
		.cache_id = op->pin.cache_id,
		.luks_uuid = op->pin.luks_uuid,
		.blob = tok->blob,
		.blob_len = tok->blob_len,
		.key_size = tok->key_size,
		.retry_until_ms = 0,
	};
	struct unwrap young = u;
	int64_t age;
	int rc;

	/* A grant made minutes ago that never answered yet may only not have spread. */
	if (op->have_state && !op->state.ok_without_token && op->state.grant_created) {
		age = (time(NULL) - op->state.grant_created) * 1000;
		if (age >= 0 && age < UNWRAP_YOUNG_MS)
			young.retry_until_ms = now_ms() + UNWRAP_YOUNG_MS - age;
	}
	rc = unwrap_key(op->env, op->talk, &young, &op->key, op->request_id, e);
	op->ok_ms = now_ms();
	return rc;
}

/* record - on disk before the key is given away; @to: whom but the kernel. */
static int record(struct opening *op, const char *event, const char *to, struct err *e)
{
	struct json_object *fields = json_object_new_object();

	if (to)
		js_put_string(fields, "to", to);
	js_put_string(fields, "key_arn", op->pin.key_arn);
	js_put_string(fields, "grant_id", op->header.token.grant_id);
	js_put_string(fields, "device", op->device.name);
	js_put(fields, "epoch", json_object_new_int64((int64_t)op->header.epoch));
	if (op->older)
		js_put(fields, "accepted_older_header", json_object_new_boolean(true));
	return job_audit(op->env, event, op->o->name, fields, op->request_id, e);
}

/* check_key - an answer of ecache-net is believed when the header's digest says so. */
static int check_key(struct opening *op, struct err *e)
{
	char id[KEYID_LEN + 1];
	int rc;

	rc = keyid_of(&op->key, id);
	if (rc)
		return err_sys(e, rc, "cannot name the key of %s", op->o->name);
	if (strcmp(id, op->header.token.key_id))
		return err_set(e, -EKEYREJECTED, "the key that came back for %s is not its key (id %s, the header says %s)",
			       op->o->name, id, op->header.token.key_id);
	return header_verify_key(op->device.path, &op->key, e);
}

int volume_activate(const struct env *env, const char *name, struct device *d, const struct header *h,
		    const struct pin *p, const struct secret *key, unsigned int flags, struct err *e)
{
	struct policies policies = policies_over(&p->policy, &env->conf->policy);
	struct err undo = ERR_INIT;
	char path[sizeof("/dev/mapper/") + VOLUME_NAME_MAX];
	bool have_mapping = flags & ACTIVATE_LOCKED;
	int rc;

	if (!have_mapping) {
		rc = mapping_open(&env->dm, name, d, h, p->allow_discards, policies_lease_of(&policies), e);
		if (rc)
			return rc;
	}
	rc = mapping_key_set(&env->dm, name, h->luks_uuid, key, e);
	if (!rc && flags & ACTIVATE_NEW_SWAP) {
		snprintf(path, sizeof(path), "/dev/mapper/%s", name);
		rc = swap_make(path, e);
	}
	if (!rc)
		rc = mapping_announce(&env->dm, name, e);
	if (!rc)
		rc = swap_start(env, name, p, e);
	if (!rc)
		return 0;
	if (have_mapping ? mapping_wipe(&env->dm, name, &undo) : volume_close(env, name, &undo))
		log_err("%s: %s", name, undo.what);
	return rc;
}

static int remember(struct opening *op, struct err *e)
{
	char grant_id[KMS_GRANT_ID_MAX + 1], saved[PATH_MAX];
	struct state *s = &op->state;
	bool newer;

	/* An older header names an older grant: the one to retire one day is the newest that this host knows. */
	newer = !op->have_state || op->header.epoch > s->epoch;
	strcpy(grant_id, newer ? op->header.token.grant_id : s->grant_id);
	state_adopt_header(s, &op->header);
	strcpy(s->grant_id, grant_id);
	s->ok_without_token = true;
	state_note_ok_at(s, op->ok_ms);
	/* The volume opened: what create --force overwrote is not coming back. */
	saved_path(op->env, op->o->name, s->luks_uuid, saved, sizeof(saved));
	fsio_unlink(saved, NULL);
	return state_store(op->env->state_dir, op->o->name, s, e);
}

/* get_key - nobody has it without its record. */
static int get_key(struct opening *op, const char *event, const char *to, struct err *e)
{
	int rc;

	rc = load_header(op, e);
	if (!rc)
		rc = unwrap(op, e);
	if (!rc)
		rc = check_key(op, e);
	return rc ? rc : record(op, event, to, e);
}

static struct opening *opening_new(const struct env *env, struct talk *t, const struct open_options *o, struct err *e)
{
	struct opening *op = calloc(1, sizeof(*op));

	if (!op) {
		err_sys(e, -ENOMEM, "cannot open %s", o->name);
		return NULL;
	}
	op->env = env;
	op->talk = t;
	op->o = o;
	op->device = (struct device)DEVICE_INIT;
	op->key = (struct secret)SECRET_INIT;
	return op;
}

static void opening_free(struct opening *op)
{
	secret_wipe(&op->key);
	device_close(&op->device);
	free(op);
}

static int open_it(struct opening *op, struct err *e)
{
	struct err undo = ERR_INIT;
	int rc;

	rc = get_key(op, "open", NULL, e);
	if (!rc)
		rc = volume_activate(op->env, op->o->name, &op->device, &op->header, &op->pin, &op->key,
				     op->mapping.exists ? ACTIVATE_LOCKED : 0, e);
	secret_wipe(&op->key);
	if (rc)
		return rc;
	rc = remember(op, e);
	if (rc && volume_close(op->env, op->o->name, &undo))
		log_err("%s: %s", op->o->name, undo.what);
	return rc;
}

int volume_open(const struct env *env, struct talk *t, const struct open_options *o, struct opened *out, struct err *e)
{
	struct opening *op = opening_new(env, t, o, e);
	int rc;

	memset(out, 0, sizeof(*out));
	if (!op)
		return -ENOMEM;
	rc = load_local(op, e);
	if (!rc)
		rc = look_at_mapping(op, e);
	/* One that died before its swap area was there: made anew, there is nothing in it. */
	if (rc == 1 && op->pin.kind == VOLUME_BOOT_SWAP && !swap_uses("/proc", op->mapping.dev))
		rc = 0;
	if (rc == 1) {
		out->already = true;
		rc = swap_start(env, o->name, &op->pin, e);
	} else if (!rc && op->pin.kind == VOLUME_BOOT_SWAP) {
		rc = boot_swap_open(env, o->name, &op->pin, o->device, &op->header, e);
	} else if (!rc) {
		rc = open_it(op, e);
	}
	if (!rc) {
		strcpy(out->key_arn, op->pin.key_arn);
		strcpy(out->key_id, out->already ? op->mapping.status.key_id : op->header.token.key_id);
		strcpy(out->request_id, op->request_id);
	}
	opening_free(op);
	return rc;
}

static int access_it(struct opening *op, const char *to, struct err *e)
{
	int rc;

	rc = load_local(op, e);
	if (!rc)
		rc = job_has_grant(op->o->name, &op->pin, e);
	if (!rc)
		rc = mapping_get(&op->env->dm, op->o->name, &op->mapping, e);
	return rc ? rc : get_key(op, "unwrap", to, e);
}

int volume_key(const struct env *env, struct talk *t, const char *name, const char *to, struct secret *key,
	       char request_id[REQUEST_ID_SIZE], struct err *e)
{
	const struct open_options o = { .name = name };
	struct opening *op = opening_new(env, t, &o, e);
	int rc;

	*request_id = '\0';
	if (!op)
		return -ENOMEM;
	rc = access_it(op, to, e);
	if (!rc)
		secret_move(key, &op->key);
	memcpy(request_id, op->request_id, sizeof(op->request_id));
	opening_free(op);
	return rc;
}

int volume_access(const struct env *env, struct talk *t, const char *name, const char *to, struct device *d,
		  struct header *h, struct secret *key, struct err *e)
{
	const struct open_options o = { .name = name };
	struct opening *op = opening_new(env, t, &o, e);
	int rc;

	*d = (struct device)DEVICE_INIT;
	if (!op)
		return -ENOMEM;
	rc = access_it(op, to, e);
	if (!rc) {
		secret_move(key, &op->key);
		*d = op->device;
		op->device = (struct device)DEVICE_INIT;
		*h = op->header;
	}
	opening_free(op);
	return rc;
}

int job_open(struct job *j, struct err *e)
{
	const struct open_options o = {
		.name = j->rq->name,
		.device = *j->rq->device ? j->rq->device : NULL,
		.accept_older_header = j->rq->accept_older_header,
	};
	struct opened opened;
	int rc;

	rc = volume_open(j->env, j->talk, &o, &opened, e);
	if (rc)
		return rc;
	js_put_string(j->result, "name", o.name);
	js_put(j->result, "already", json_object_new_boolean(opened.already));
	js_put_string(j->result, "key_arn", opened.key_arn);
	js_put_string(j->result, "key_id", opened.key_id);
	js_put_string(j->result, "request_id", opened.request_id);
	return 0;
}
