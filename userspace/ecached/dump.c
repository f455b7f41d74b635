// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/json.h"
#include "../volume/device.h"
#include "job.h"

struct dumping {
	struct pin pin;
	struct state state;
	struct header header;
	struct device device;
};

/* put_error - a section that could not be had says why, instead of the whole dump failing. */
static void put_error(struct json_object *o, const char *section, const struct err *e)
{
	js_put_string(o, section, e->what);
}

static void put_header(struct json_object *o, const struct header *h)
{
	struct json_object *s = json_object_new_object();

	js_put_string(s, "luks_uuid", h->luks_uuid);
	js_put(s, "epoch", json_object_new_int64((int64_t)h->epoch));
	js_put(s, "sector_size", json_object_new_int64(h->sector_size));
	js_put(s, "key_size", json_object_new_int64(h->key_size));
	js_put(s, "data_offset", json_object_new_int64((int64_t)h->data_offset));
	js_put(s, "keyslots", json_object_new_int64(h->keyslots));
	js_put_string(s, "digest", h->digest);
	js_put_string(s, "token_sha256", h->token_sha256);
	js_put(o, "header", s);
	js_put(o, "token", token_json(&h->token, NULL));
}

/* put_policies - those that the file itself sets. */
static void put_policies(struct json_object *o, const struct policies *p)
{
	char *text = policies_text(p), *line, *value, *dash, *save = NULL;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
		value = strchr(line, '=');
		*value++ = '\0';
		for (dash = strchr(line, '-'); dash; dash = strchr(dash, '-'))
			*dash = '_';
		js_put_string(o, line, value);
	}
	free(text);
}

static void put_pin(struct json_object *o, const struct pin *p)
{
	struct json_object *s = json_object_new_object();

	js_put_string(s, "kind", volume_kind_name(p->kind));
	js_put_string(s, "cache_id", p->cache_id);
	js_put_string(s, "luks_uuid", p->luks_uuid);
	js_put_string(s, "key_arn", p->key_arn);
	js_put_string(s, "device", p->device);
	js_put(s, "allow_discards", json_object_new_boolean(p->allow_discards));
	js_put(s, "adopted", json_object_new_boolean(p->shape != HEADER_CREATED));
	if (*p->unit)
		js_put_string(s, "unit", p->unit);
	put_policies(s, &p->policy);
	js_put(o, "pin", s);
}

static void put_state(struct json_object *o, const struct state *st)
{
	struct json_object *s = json_object_new_object();

	js_put_string(s, "luks_uuid", st->luks_uuid);
	js_put(s, "epoch", json_object_new_int64((int64_t)st->epoch));
	js_put_string(s, "token_sha256", st->token_sha256);
	js_put_string(s, "grant_id", st->grant_id);
	js_put(s, "grant_created", json_object_new_int64(st->grant_created));
	js_put(s, "ok_without_token", json_object_new_boolean(st->ok_without_token));
	if (st->has_last_ok)
		js_put(s, "last_ok", json_object_new_int64(st->last_ok.realtime));
	if (st->is_revoked)
		js_put_string(s, "revoked", st->revoked.reason);
	js_put(o, "state", s);
}

/* load_any - without a pin, of whatever shape; what create's lacks is what counts if there is none of all. */
static int load_any(const char *path, struct header *h, struct err *e)
{
	int rc = header_load(path, h, e);

	return rc == -EBADMSG && !header_load_as(path, HEADER_WITH_KEYSLOTS, h, NULL) ? 0 : rc;
}

/* dump_device - looking only: the device may be in use, and by the volume itself. */
static int dump_device(struct job *j, struct dumping *d, const char *path, struct err *e)
{
	int rc;

	rc = device_open(&d->device, path, j->env->device_flags | DEVICE_UNCLAIMED, e);
	if (!rc)
		rc = load_any(d->device.path, &d->header, e);
	if (rc) {
		err_prefix(e, "%s", path);
		return rc;
	}
	put_header(j->result, &d->header);
	return 0;
}

static int dump_name(struct job *j, struct dumping *d, struct err *e)
{
	const char *name = j->rq->name;
	struct err why = ERR_INIT;
	int rc;

	rc = job_pin(j->env, name, &d->pin, e);
	if (rc)
		return rc;
	if (dump_device(j, d, d->pin.device, &why)) {
		put_error(j->result, "header", &why);
		put_error(j->result, "token", &why);
	}
	put_pin(j->result, &d->pin);
	if (state_load(j->env->state_dir, name, &d->state, &why))
		put_error(j->result, "state", &why);
	else
		put_state(j->result, &d->state);
	return 0;
}

int job_dump(struct job *j, struct err *e)
{
	struct dumping *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return err_sys(e, -ENOMEM, "cannot dump");
	d->device = (struct device)DEVICE_INIT;
	if (*j->rq->name)
		rc = dump_name(j, d, e);
	else
		rc = dump_device(j, d, j->rq->device, e);
	device_close(&d->device);
	free(d);
	return rc;
}
