// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/agentconf.h"
#include "../common/clock.h"
#include "../common/json.h"
#include "../common/log.h"
#include "../common/memory.h"
#include "../volume/foreign.h"
#include "../volume/keyid.h"
#include "adopting.h"
#include "creating.h"
#include "granting.h"
#include "retire.h"
#include "wrap.h"

/*
 * adopt: a LUKS2 volume of cryptsetup's gets its volume key wrapped under a KMS key, in place.
 *
 * The key goes from libcryptsetup into a locked page here and through ecache-net to the KMS, the way of an unwrap
 * backwards. Encrypt is what neither side has a right to: the host has none on tenants' keys, and the creator's
 * credentials are not here. So the creator grants it, for this one call, by a grant of its own that is retired before
 * anything is written. Rejected: Encrypt by ecachectl (the key in one more process); Encrypt among the operations of
 * the volume's grant (the host would have it for good); a request signed there and sent from here (signing without
 * libcurl).
 */
struct adopting {
	const struct env *env;
	struct talk *talk;
	const struct request *rq;
	struct intent intent;
	struct device device;
	struct header header;
	unsigned int keyslots;		/* before */
	struct secret key;
	struct granted wrapping;	/* to encrypt */
	struct granted granted;		/* the volume's */
	struct token token;
	char wrap_id[REQUEST_ID_SIZE];
	char decrypt_id[REQUEST_ID_SIZE];
};

struct conflict {
	const struct adopting *a;
	struct err *e;
};

static int conflicts(void *ctx, const char *name)
{
	const struct conflict *k = ctx;
	const struct intent *i = &k->a->intent;
	struct pin p;

	if (pin_load(k->a->env->pin_dir, name, &p, NULL))
		return 0;
	if (!strcmp(p.cache_id, i->cache_id))
		return err_set(k->e, -EEXIST, "cache id %s is taken by volume %s", p.cache_id, name);
	if (!strcmp(p.luks_uuid, i->luks_uuid))
		return err_set(k->e, -EEXIST, "%s holds volume %s (LUKS uuid %s)", k->a->rq->device, name, p.luks_uuid);
	return 0;
}

/* take_device - closed, and nothing that open would refuse afterwards. */
static int take_device(struct adopting *a, struct err *e)
{
	struct conflict k = { .a = a, .e = e };
	int rc;

	rc = device_open(&a->device, a->rq->device, a->env->device_flags, e);
	if (rc)
		return rc;
	if (a->device.read_only)
		return err_set(e, -EROFS, "%s is read-only", a->rq->device);
	rc = header_load_as(a->device.path, HEADER_FOREIGN, &a->header, e);
	if (rc)
		return err_prefix(e, "%s", a->rq->device);
	if (a->device.bytes < a->header.data_offset + a->header.sector_size)
		return err_set(e, -EOVERFLOW, "%s ends before its data begins", a->rq->device);
	a->keyslots = a->header.keyslots;
	strcpy(a->intent.luks_uuid, a->header.luks_uuid);
	if (!*a->intent.cache_id)
		luks_uuid_make(a->intent.cache_id);
	return pin_each(a->env->pin_dir, conflicts, &k, e);
}

/*
 * may_be_killed - a keyslot's function takes a GiB, of which a host of caches has none to spare: this process ends for
 *	want of it, before any cache does.
 */
static void may_be_killed(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	memory_io(true);
	if (fd < 0)
		return;
	if (write(fd, "1000", 4) != 4)
		log_debug("cannot ask to be killed first");
	close(fd);
}

static int take_key(struct adopting *a, struct err *e)
{
	struct secret passphrase = SECRET_INIT;
	int rc;

	rc = secret_attach(&passphrase, a->rq->fd, a->rq->secret_bytes);
	if (rc)
		return err_set(e, rc, "the passphrase did not come in a sealed memfd of %u bytes", a->rq->secret_bytes);
	talk_progress(a->talk, "opening a keyslot of %s", a->rq->device);
	may_be_killed();
	rc = foreign_key(a->device.path, &passphrase, &a->key, e);
	secret_wipe(&passphrase);
	if (!rc && key_halves_differ(&a->key))
		rc = err_set(e, -EINVAL, "the volume key has two equal halves, which XTS must not use");
	return rc ? err_prefix(e, "%s", a->rq->device) : 0;
}

static int step(struct adopting *a, const char *name, struct err *e)
{
	if (talk_lost(a->talk))
		return err_set(e, -ECANCELED, "interrupted");
	strcpy(a->intent.step, name);
	return intent_step(a->env->intent_dir, a->rq->name, &a->intent, e);
}

static int do_wrap(struct adopting *a, struct err *e)
{
	const struct grant_ask ask = {
		.name = a->rq->name,
		.kms_key = *a->rq->kms_key ? a->rq->kms_key : a->env->conf->default_key,
		.cache_id = a->intent.cache_id,
		.luks_uuid = a->intent.luks_uuid,
		.wrap = true,
	};
	struct wrap w = {
		.name = a->rq->name,
		.key_arn = a->intent.key_arn,
		.cache_id = a->intent.cache_id,
		.luks_uuid = a->intent.luks_uuid,
		.key = &a->key,
		.grant_token = a->wrapping.token,
	};
	int rc;

	talk_progress(a->talk, "asking the KMS to wrap the volume key");
	rc = granting(a->env, a->talk, &ask, &a->intent, &a->wrapping, e);
	if (rc)
		return rc;
	if (!*w.grant_token)
		w.grant_token = NULL;
	w.retry_until_ms = now_ms() + UNWRAP_YOUNG_MS;
	rc = wrap_key(a->env, a->talk, &w, a->token.blob, &a->token.blob_len, a->wrap_id, e);
	if (!rc)
		rc = retire_grant(a->env, a->talk, a->intent.key_arn, a->wrapping.id, e);
	if (!rc)
		*a->intent.grant_id = '\0';
	return rc;
}

static int do_grant(struct adopting *a, struct err *e)
{
	const struct grant_ask ask = {
		.name = a->rq->name,
		.kms_key = a->intent.key_arn,
		.key_arn = a->intent.key_arn,
		.cache_id = a->intent.cache_id,
		.luks_uuid = a->intent.luks_uuid,
	};

	talk_progress(a->talk, "asking the KMS for the volume's grant");
	return granting(a->env, a->talk, &ask, &a->intent, &a->granted, e);
}

static int fill_token(struct adopting *a, struct err *e)
{
	struct token *t = &a->token;
	int rc;

	strcpy(t->key_arn, a->intent.key_arn);
	strcpy(t->grant_id, a->granted.id);
	strcpy(t->cache_id, a->intent.cache_id);
	strcpy(t->luks_uuid, a->intent.luks_uuid);
	t->sector_size = a->header.sector_size;
	t->key_size = a->key.len;
	strcpy(t->digest, a->header.digest);
	rc = keyid_of(&a->key, t->key_id);
	return rc ? err_sys(e, rc, "cannot name the key") : 0;
}

/* prove - the KMS gives this host the key that the header's digest knows; ours alone is gone by then. */
static int prove(struct adopting *a, struct err *e)
{
	const struct token *tok = &a->header.token;
	const struct unwrap u = {
		.name = a->rq->name,
		.key_arn = a->intent.key_arn,
		.cache_id = a->intent.cache_id,
		.luks_uuid = a->intent.luks_uuid,
		.blob = tok->blob,
		.blob_len = tok->blob_len,
		.key_size = tok->key_size,
		.grant_token = *a->granted.token ? a->granted.token : NULL,
		.retry_until_ms = now_ms() + UNWRAP_YOUNG_MS,
	};
	struct secret key = SECRET_INIT;
	int rc;

	talk_progress(a->talk, "proving that the KMS opens it");
	rc = unwrap_key(a->env, a->talk, &u, &key, a->decrypt_id, e);
	if (!rc)
		rc = header_verify_key(a->device.path, &key, e);
	secret_wipe(&key);
	return rc;
}

static int do_token(struct adopting *a, struct err *e)
{
	int rc;

	rc = fill_token(a, e);
	secret_wipe(&a->key);
	if (!rc)
		rc = header_write_token(a->device.path, &a->token, e);
	if (!rc)
		rc = header_load_as(a->device.path, HEADER_WITH_KEYSLOTS, &a->header, e);
	return rc ? rc : prove(a, e);
}

static int do_pin(struct adopting *a, struct err *e)
{
	struct {
		struct state state;
		struct pin pin;
	} *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return err_sys(e, -ENOMEM, "cannot remember %s", a->rq->name);
	pin_init(&w->pin);
	strcpy(w->pin.cache_id, a->intent.cache_id);
	strcpy(w->pin.luks_uuid, a->intent.luks_uuid);
	strcpy(w->pin.key_arn, a->intent.key_arn);
	strcpy(w->pin.device, a->rq->device);
	strcpy(w->pin.unit, a->rq->unit);
	w->pin.allow_discards = a->rq->allow_discards;
	/* What it will be; until then the intent record keeps it closed. */
	w->pin.shape = a->rq->keep_keyslots ? HEADER_WITH_KEYSLOTS : HEADER_ADOPTED;
	state_adopt_header(&w->state, &a->header);
	strcpy(w->state.grant_id, a->granted.id);
	w->state.grant_created = time(NULL);
	state_note_ok(&w->state);
	rc = state_store(a->env->state_dir, a->rq->name, &w->state, e);
	if (!rc)
		rc = pin_create(a->env->pin_dir, a->rq->name, &w->pin, e);
	free(w);
	return rc;
}

static void put_requests(struct adopting *a, struct json_object *fields)
{
	struct json_object *all = json_object_new_object();

	js_put_string(all, "Encrypt", a->wrap_id);
	if (a->wrapping.requests)
		js_put(all, "for_encrypt", json_object_get(a->wrapping.requests));
	if (a->granted.requests)
		js_put(all, "for_volume", json_object_get(a->granted.requests));
	js_put(fields, "requests", all);
}

static int do_audit(struct adopting *a, struct err *e)
{
	struct json_object *fields, *token = token_json(&a->token, e);

	if (!token)
		return e->rc;
	fields = json_object_new_object();
	js_put_string(fields, "cache_id", a->intent.cache_id);
	js_put_string(fields, "luks_uuid", a->intent.luks_uuid);
	js_put_string(fields, "key_arn", a->intent.key_arn);
	js_put_string(fields, "grant_id", a->granted.id);
	js_put_string(fields, "device", a->rq->device);
	js_put(fields, "keyslots_kept", json_object_new_boolean(a->rq->keep_keyslots));
	js_put(fields, "token", token);
	put_requests(a, fields);
	return job_audit(a->env, "adopt", a->rq->name, fields, a->decrypt_id, e);
}

static const struct {
	const char *name;
	int (*run)(struct adopting *a, struct err *e);
} steps[] = {
	{ ADOPT_WRAP, do_wrap },
	{ ADOPT_GRANT, do_grant },
	{ ADOPT_TOKEN, do_token },
	{ ADOPT_PIN, do_pin },
	{ ADOPT_AUDIT, do_audit },
};

/* give_up - back, as far as it goes now. */
static int give_up(struct adopting *a, int rc, struct err *e)
{
	struct err undo = ERR_INIT;

	talk_progress(a->talk, "undoing: %s", e->what);
	if (adopt_recover(a->env, a->talk, a->rq->name, &a->intent, &a->device, false, &undo) < 0) {
		log_err("adopt of %s is not undone yet: %s", a->rq->name, undo.what);
		err_hint(e, "Not all is undone yet: %.400s", undo.what);
	}
	return rc;
}

/* finish - there is no way back: what does not work now is tried again by ecached. */
static int finish(struct adopting *a, struct err *e)
{
	int rc;

	if (a->rq->keep_keyslots)
		return intent_end(a->env->intent_dir, a->rq->name, e);
	talk_progress(a->talk, "removing %u keyslot%s", a->keyslots, a->keyslots == 1 ? "" : "s");
	rc = adopt_recover(a->env, a->talk, a->rq->name, &a->intent, &a->device, false, e);
	if (rc > 0)
		return 0;
	err_prefix(e, "%s is adopted, but not all of its keyslots are removed", a->rq->name);
	err_hint(e, "ecached tries again every minute, and once it is started; until then it cannot be opened.");
	return rc;
}

static int adopt(struct adopting *a, struct err *e)
{
	size_t s;
	int rc;

	device_major_minor(&a->device, a->intent.dev_major_minor);
	rc = job_begin(a->env, a->rq->name, &a->intent, e);
	if (rc)
		return rc;
	for (s = 0; s < sizeof(steps) / sizeof(*steps) && !rc; s++) {
		rc = step(a, steps[s].name, e);
		if (!rc)
			rc = steps[s].run(a, e);
	}
	if (!rc && !a->rq->keep_keyslots) {
		rc = step(a, ADOPT_KEYSLOTS, e);
		/* Only a record that is known to be on the disk turns the way round. */
		if (rc)
			strcpy(a->intent.step, ADOPT_AUDIT);
	}
	secret_wipe(&a->key);
	return rc ? give_up(a, rc, e) : finish(a, e);
}

static void fill_result(struct adopting *a, struct json_object *o)
{
	js_put_string(o, "name", a->rq->name);
	js_put_string(o, "cache_id", a->intent.cache_id);
	js_put_string(o, "luks_uuid", a->intent.luks_uuid);
	js_put_string(o, "key_arn", a->intent.key_arn);
	js_put_string(o, "grant_id", a->granted.id);
	js_put_string(o, "key_id", a->token.key_id);
	js_put(o, "keyslots_removed", json_object_new_int64(a->rq->keep_keyslots ? 0 : a->keyslots));
	js_put(o, "revocable", json_object_new_boolean(!a->rq->keep_keyslots));
}

int job_adopt(struct job *j, struct err *e)
{
	struct adopting *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return err_sys(e, -ENOMEM, "cannot adopt %s", j->rq->name);
	a->env = j->env;
	a->talk = j->talk;
	a->rq = j->rq;
	a->device = (struct device)DEVICE_INIT;
	a->key = (struct secret)SECRET_INIT;
	a->intent.verb = INTENT_ADOPT;
	strcpy(a->intent.step, ADOPT_WRAP);
	strcpy(a->intent.device, a->rq->device);
	strcpy(a->intent.cache_id, a->rq->cache_id);
	rc = create_check_kms_key(a->env, a->rq, e);
	if (!rc)
		rc = create_check_free(a->env, a->rq->name, e);
	if (!rc)
		rc = take_device(a, e);
	if (!rc)
		rc = take_key(a, e);
	if (!rc)
		rc = adopt(a, e);
	if (!rc)
		fill_result(a, j->result);
	secret_wipe(&a->key);
	json_object_put(a->wrapping.requests);
	json_object_put(a->granted.requests);
	device_close(&a->device);
	free(a);
	return rc;
}
