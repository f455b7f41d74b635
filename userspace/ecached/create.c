// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/agentconf.h"
#include "../common/clock.h"
#include "../common/fsio.h"
#include "../common/json.h"
#include "../common/log.h"
#include "../volume/keyid.h"
#include "close.h"
#include "creating.h"
#include "format.h"
#include "granting.h"
#include "open.h"
#include "swapping.h"
#include "trace.h"
#include "unwrap.h"

/*
 * How long a grant that its owner made himself may be denied: it is older than this
 * command, but perhaps not by much.
 */
#define OWNERS_GRANT_MS 60000

/* One create on its way; big, so on the heap. */
struct creating {
	const struct env *env;
	struct talk *talk;
	const struct request *rq;
	struct create_source *source;		/* NULL: none */
	bool source_grant_left;
	struct intent intent;
	struct device device;
	struct granted granted;
	struct token token;
	struct header header;
	struct secret key;
	struct pin pin;
	char decrypt_id[REQUEST_ID_SIZE];		/* request id of the unwrap */
};

struct conflict {
	const struct env *env;
	const struct creating *c;
	const char *uuid;		/* of a header found on the device, "" none */
	struct err *e;
};

/*
 * conflicts - another volume of this host with the same cache id, or whose header the
 * device holds.
 */
static int conflicts(void *ctx, const char *name)
{
	struct conflict *k = ctx;
	struct pin p;

	if (pin_load(k->env->pin_dir, name, &p, NULL))
		return 0;	/* a damaged pin is no reason against another volume; status shows it */
	if (!strcmp(p.cache_id, k->c->intent.cache_id))
		return err_set(k->e, -EEXIST, "cache id %s is taken by volume %s", p.cache_id, name);
	if (*k->uuid && !strcmp(p.luks_uuid, k->uuid)) {
		err_set(k->e, -EEXIST, "%s holds volume %s", k->c->rq->device, name);
		return err_hint(k->e, "--force does not overwrite a volume of this host: ecachectl destroy %s", name);
	}
	return 0;
}

int create_check_free(const struct env *env, const char *name, struct err *e)
{
	struct mapping m;
	struct pin p;
	int rc;

	rc = job_no_intent(env, name, e);
	if (rc)
		return rc;
	rc = pin_load(env->pin_dir, name, &p, NULL);
	if (rc != -ENOENT) {
		err_set(e, -EEXIST, "volume %s exists already (%s/%s)", name, env->pin_dir, name);
		return err_hint(e, "Choose another name, or `ecachectl destroy %s` first.", name);
	}
	rc = mapping_get(&env->dm, name, &m, e);
	if (rc)
		return rc;
	if (m.exists)
		return err_set(e, -EEXIST, "/dev/mapper/%s exists already", name);
	return 0;
}

int create_check_kms_key(const struct env *env, const struct request *rq, struct err *e)
{
	if (!*env->conf->host_principal) {
		err_set(e, -EINVAL, "ecached.conf has no host-principal, so there is nobody to grant the key to");
		return err_hint(e, "Set host-principal= to the role or user ARN of this host and restart ecached.");
	}
	if (*rq->kms_key || *env->conf->default_key)
		return 0;
	err_set(e, -EINVAL, "no KMS key: neither --kms-key nor default-key in ecached.conf");
	return err_hint(e, "Only the embedded ecache-kmsd has a service key of its own; name a key of your KMS.");
}

/* take_device - open, claimed, blank (or --force), no volume of ours. */
static int take_device(struct creating *c, struct err *e)
{
	char uuid[LUKS_UUID_LEN + 1] = "";
	struct conflict k = { .env = c->env, .c = c, .uuid = uuid, .e = e };
	int rc;

	rc = device_open(&c->device, c->rq->device, c->env->device_flags, e);
	if (rc)
		return rc;
	if (c->device.read_only)
		return err_set(e, -EROFS, "%s is read-only", c->rq->device);
	if (trace_uuid(&c->device, uuid))
		*uuid = '\0';
	rc = pin_each(c->env->pin_dir, conflicts, &k, e);
	if (rc)
		return rc;
	if (c->rq->force)
		return 0;
	return device_check_blank(&c->device, e);
}

static int step(struct creating *c, enum create_step s, struct err *e)
{
	if (talk_lost(c->talk))
		return err_set(e, -ECANCELED, "interrupted");
	strcpy(c->intent.step, create_step_name(s));
	return intent_step(c->env->intent_dir, c->rq->name, &c->intent, e);
}

static int do_source(struct creating *c, struct err *e)
{
	return c->source->prepare(c->source, &c->intent, e);
}

static int do_grant(struct creating *c, struct err *e)
{
	const struct grant_ask ask = {
		.name = c->rq->name,
		.kms_key = *c->rq->kms_key ? c->rq->kms_key : c->env->conf->default_key,
		.cache_id = c->intent.cache_id,
		.luks_uuid = c->intent.luks_uuid,
		.bytes = c->rq->key_size,
		.grant_id = *c->rq->grant_id ? c->rq->grant_id : NULL,
	};

	talk_progress(c->talk, "asking the KMS for key, grant and data key");
	return granting(c->env, c->talk, &ask, &c->intent, &c->granted, e);
}

static int do_unwrap(struct creating *c, struct err *e)
{
	const struct granted *g = &c->granted;
	const struct unwrap u = {
		.name = c->rq->name,
		.key_arn = c->intent.key_arn,
		.cache_id = c->intent.cache_id,
		.luks_uuid = c->intent.luks_uuid,
		.blob = g->blob,
		.blob_len = g->blob_len,
		.key_size = c->rq->key_size,
		.grant_token = *g->token ? g->token : NULL,
		.retry_until_ms = now_ms() + (*c->rq->grant_id ? OWNERS_GRANT_MS : UNWRAP_YOUNG_MS),
	};
	int rc;

	rc = unwrap_key(c->env, c->talk, &u, &c->key, c->decrypt_id, e);
	if (rc)
		return rc;
	rc = key_halves_differ(&c->key);
	return rc ? err_set(e, rc, "the KMS made a key with two equal halves, which XTS must not use") : 0;
}

static int do_save(struct creating *c, struct err *e)
{
	if (!*c->intent.saved_header)
		return 0;
	return device_save(&c->device, c->intent.saved_header, e);
}

static int do_format(struct creating *c, struct err *e)
{
	const struct format_spec f = {
		.path = c->device.path,
		.shown = c->rq->device,
		.key_arn = c->intent.key_arn,
		.cache_id = c->intent.cache_id,
		.luks_uuid = c->intent.luks_uuid,
		.sector_size = c->rq->sector_size,
		.granted = &c->granted,
	};

	talk_progress(c->talk, "writing the header on %s", c->rq->device);
	device_unclaim(&c->device);
	return format_header(&f, &c->key, &c->token, &c->header, e);
}

static int do_fill(struct creating *c, struct err *e)
{
	int rc;

	rc = device_reclaim(&c->device, e);
	if (!rc)
		rc = c->source->fill(c->source, &c->device, &c->header, &c->key, e);
	device_unclaim(&c->device);
	return rc;
}

static int do_pin(struct creating *c, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));
	struct pin *p = &c->pin;
	int rc;

	if (!s)
		return err_sys(e, -ENOMEM, "cannot remember %s", c->rq->name);
	pin_init(p);
	p->kind = c->rq->kind;
	strcpy(p->cache_id, c->intent.cache_id);
	strcpy(p->luks_uuid, c->intent.luks_uuid);
	strcpy(p->key_arn, c->intent.key_arn);
	strcpy(p->device, c->rq->device);
	strcpy(p->unit, c->rq->unit);
	p->allow_discards = c->rq->allow_discards;
	state_adopt_header(s, &c->header);
	strcpy(s->grant_id, c->granted.id);
	s->grant_created = *c->rq->grant_id ? 0 : time(NULL);
	state_note_ok(s);
	rc = state_store(c->env->state_dir, c->rq->name, s, e);
	if (!rc)
		rc = pin_create(c->env->pin_dir, c->rq->name, p, e);
	free(s);
	return rc;
}

static int do_audit(struct creating *c, struct err *e)
{
	struct json_object *fields, *token = token_json(&c->token, e);

	if (!token)
		return e->rc;
	fields = json_object_new_object();
	js_put_string(fields, "cache_id", c->intent.cache_id);
	js_put_string(fields, "luks_uuid", c->intent.luks_uuid);
	js_put_string(fields, "key_arn", c->intent.key_arn);
	js_put_string(fields, "grant_id", c->granted.id);
	js_put_string(fields, "device", c->rq->device);
	js_put(fields, "own_grant", json_object_new_boolean(!*c->rq->grant_id));
	js_put(fields, "token", token);
	if (c->source)
		c->source->describe(c->source, fields);
	js_put(fields, "requests", json_object_get(c->granted.requests));
	return job_audit(c->env, "create", c->rq->name, fields, c->decrypt_id, e);
}

static int do_activate(struct creating *c, struct err *e)
{
	bool swap = c->rq->kind == VOLUME_SWAP;
	int rc;

	/* The swap area is made through the open volume. */
	if (c->rq->no_open && !swap)
		return 0;
	rc = volume_activate(c->env, c->rq->name, &c->device, &c->header, &c->pin, &c->key,
			     swap ? ACTIVATE_NEW_SWAP : 0, e);
	return rc || !c->rq->no_open ? rc : volume_close(c->env, c->rq->name, e);
}

static int (*const steps[])(struct creating *c, struct err *e) = {
	[CREATE_SOURCE] = do_source,
	[CREATE_GRANT] = do_grant,
	[CREATE_UNWRAP] = do_unwrap,
	[CREATE_SAVE] = do_save,
	[CREATE_FORMAT] = do_format,
	[CREATE_FILL] = do_fill,
	[CREATE_PIN] = do_pin,
	[CREATE_AUDIT] = do_audit,
	[CREATE_ACTIVATE] = do_activate,
};

/* first_step - of a plain create the steps of a restore are not even on record. */
static enum create_step first_step(const struct creating *c)
{
	return c->source ? CREATE_SOURCE : CREATE_GRANT;
}

/*
 * release - from here on the volume stays, and that the backup's grant is left is no failure: the record remembers
 * it. A record that cannot be written is one, or the next start would undo the volume.
 */
static int release(struct creating *c, struct err *e)
{
	const char *name = c->rq->name;
	struct err why = ERR_INIT;
	int rc;

	strcpy(c->intent.step, create_step_name(CREATE_RELEASE));
	rc = intent_step(c->env->intent_dir, name, &c->intent, e);
	if (rc) {
		strcpy(c->intent.step, create_step_name(CREATE_ACTIVATE));
		intent_step(c->env->intent_dir, name, &c->intent, NULL);
		return rc;
	}
	if (create_undo(c->env, c->talk, name, &c->intent, &c->device, false, &why)) {
		c->source_grant_left = true;
		log_warn("%s is restored, but the backup's grant is left for now: %s", name, why.what);
	}
	return 0;
}

static void begin_intent(struct creating *c)
{
	struct intent *i = &c->intent;

	i->verb = c->source ? INTENT_RESTORE : INTENT_CREATE;
	strcpy(i->step, create_step_name(first_step(c)));
	luks_uuid_make(i->luks_uuid);
	if (*c->rq->cache_id)
		strcpy(i->cache_id, c->rq->cache_id);
	else
		luks_uuid_make(i->cache_id);
	strcpy(i->device, c->rq->device);
	if (c->rq->force)
		saved_path(c->env, c->rq->name, i->luks_uuid, i->saved_header, sizeof(i->saved_header));
}

/* run_steps - from the first record to the last; what a failure left is create_undo()'s. */
static int run_steps(struct creating *c, struct err *e)
{
	const char *name = c->rq->name;
	struct err undo = ERR_INIT;
	unsigned int s;
	int rc;

	device_major_minor(&c->device, c->intent.dev_major_minor);
	rc = job_begin(c->env, name, &c->intent, e);
	if (rc)
		return rc;
	for (s = first_step(c); s <= CREATE_ACTIVATE && !rc; s++) {
		if (s == CREATE_FILL && !c->source)
			continue;
		rc = step(c, s, e);
		if (!rc)
			rc = steps[s](c, e);
	}
	secret_wipe(&c->key);
	if (!rc)
		rc = c->source ? release(c, e) : intent_end(c->env->intent_dir, name, e);
	if (!rc)
		return 0;
	talk_progress(c->talk, "undoing: %s", e->what);
	if (create_undo(c->env, c->talk, name, &c->intent, &c->device, false, &undo)) {
		log_err("create of %s is not undone yet: %s", name, undo.what);
		err_hint(e, "Not all is undone yet: %.400s", undo.what);
	}
	return rc;
}

static void fill_result(struct creating *c, struct json_object *o)
{
	js_put_string(o, "name", c->rq->name);
	js_put_string(o, "kind", volume_kind_name(c->rq->kind));
	js_put_string(o, "cache_id", c->intent.cache_id);
	js_put_string(o, "luks_uuid", c->intent.luks_uuid);
	js_put_string(o, "key_arn", c->intent.key_arn);
	js_put_string(o, "grant_id", c->granted.id);
	js_put_string(o, "key_id", c->token.key_id);
	js_put(o, "open", json_object_new_boolean(!c->rq->no_open));
	if (c->rq->force && c->rq->no_open)
		js_put_string(o, "saved_header", c->intent.saved_header);
}

int create_volume(struct job *j, const struct request *rq, struct create_source *source, bool *source_grant_left,
		  struct err *e)
{
	struct creating *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return err_sys(e, -ENOMEM, "cannot create %s", rq->name);
	c->env = j->env;
	c->talk = j->talk;
	c->rq = rq;
	c->source = source;
	c->device = (struct device)DEVICE_INIT;
	c->key = (struct secret)SECRET_INIT;
	begin_intent(c);
	rc = create_check_kms_key(c->env, c->rq, e);
	if (!rc)
		rc = create_check_free(c->env, c->rq->name, e);
	if (!rc)
		rc = take_device(c, e);
	if (!rc)
		rc = run_steps(c, e);
	if (!rc)
		fill_result(c, j->result);
	if (!rc && c->rq->force && !c->rq->no_open)
		fsio_unlink(c->intent.saved_header, NULL);
	*source_grant_left = c->source_grant_left;
	json_object_put(c->granted.requests);
	device_close(&c->device);
	free(c);
	return rc;
}

int job_create(struct job *j, struct err *e)
{
	bool none;

	if (j->rq->kind == VOLUME_BOOT_SWAP)
		return boot_swap_create(j, e);
	return create_volume(j, j->rq, NULL, &none, e);
}
