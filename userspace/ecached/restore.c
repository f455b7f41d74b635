// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/clock.h"
#include "../common/json.h"
#include "../volume/backups.h"
#include "../volume/dmline.h"
#include "copying.h"
#include "creating.h"
#include "granting.h"
#include "unwrap.h"

/* One restore on its way: the backup's side of it; the new volume's is create's. Big, so on the heap. */
struct restoring {
	struct create_source source;
	const struct env *env;
	struct talk *talk;
	const char *name;		/* of the new volume */
	struct device image;
	struct header header;
	struct secret key;
	struct granted granted;
	struct content_sum sum;
	struct backup known;		/* what this host knows of it */
	bool is_known;
	struct request rq;		/* the new volume's create */
	char request_id[REQUEST_ID_SIZE];
};

static struct restoring *of(struct create_source *s)
{
	return (struct restoring *)((char *)s - offsetof(struct restoring, source));
}

static int load_image(struct restoring *r, const char *file, struct err *e)
{
	int rc;

	/* A block device, too: an image may have been written to one. */
	rc = device_open(&r->image, file, DEVICE_FILE | DEVICE_READ, e);
	if (!rc)
		rc = header_load(r->image.path, &r->header, e);
	if (rc)
		return err_prefix(e, "%s is no backup", file);
	rc = backup_load(r->env->backup_dir, r->header.luks_uuid, &r->known, e);
	r->is_known = !rc;
	return rc == -ENOENT ? 0 : rc;
}

static uint64_t data_bytes(const struct device *d, const struct header *h)
{
	return dm_table_sectors(d->bytes, h->data_offset, h->sector_size) * 512;
}

/* check_room - before anything is asked of the KMS: a file system that ends early cannot be mounted. */
static int check_room(struct restoring *r, const char *path, struct err *e)
{
	uint64_t needed = HEADER_BYTES + data_bytes(&r->image, &r->header);
	struct device d;
	int rc;

	rc = device_open(&d, path, r->env->device_flags, e);
	if (rc)
		return rc;
	if (d.bytes < needed)
		rc = err_set(e, -ENOSPC, "%s has %llu bytes, the backup needs %llu", path, (unsigned long long)d.bytes,
			     (unsigned long long)needed);
	device_close(&d);
	return rc;
}

/* fill_request - of the new volume: as the backup is, where nothing else is said. */
static void fill_request(struct restoring *r, const struct request *rq)
{
	r->rq = *rq;
	r->rq.verb = REQUEST_CREATE;
	r->rq.kind = VOLUME_DATA;
	r->rq.sector_size = r->header.sector_size;
	r->rq.key_size = r->header.key_size;
	if (!*r->rq.kms_key)
		strcpy(r->rq.kms_key, r->header.token.key_arn);
	if (!*r->rq.cache_id)
		strcpy(r->rq.cache_id, r->header.token.cache_id);
}

/* record - on disk before the key is used. */
static int record(struct restoring *r, struct err *e)
{
	struct json_object *fields = json_object_new_object();

	js_put_string(fields, "to", "restore");
	js_put_string(fields, "key_arn", r->header.token.key_arn);
	js_put_string(fields, "grant_id", r->granted.id);
	js_put_string(fields, "device", r->image.name);
	js_put_string(fields, "luks_uuid", r->header.luks_uuid);
	js_put(fields, "requests", json_object_get(r->granted.requests));
	return job_audit(r->env, "unwrap", r->name, fields, r->request_id, e);
}

static int prepare(struct create_source *s, struct intent *i, struct err *e)
{
	struct restoring *r = of(s);
	const struct token *tok = &r->header.token;
	char purpose[sizeof("backup-") + LUKS_UUID_LEN];
	const struct grant_ask ask = {
		.name = r->name,
		.kms_key = tok->key_arn,
		.key_arn = tok->key_arn,
		.cache_id = tok->cache_id,
		.luks_uuid = tok->luks_uuid,
		.purpose = purpose,
		.source = true,
	};
	struct unwrap u = {
		.name = r->name,
		.key_arn = tok->key_arn,
		.cache_id = tok->cache_id,
		.luks_uuid = tok->luks_uuid,
		.blob = tok->blob,
		.blob_len = tok->blob_len,
		.key_size = tok->key_size,
		.retry_until_ms = now_ms() + UNWRAP_YOUNG_MS,
	};
	int rc;

	snprintf(purpose, sizeof(purpose), "backup-%s", tok->luks_uuid);
	talk_progress(r->talk, "asking the KMS for a grant on the backup's key %s", tok->key_arn);
	rc = granting(r->env, r->talk, &ask, i, &r->granted, e);
	if (rc)
		return rc;
	u.grant_token = *r->granted.token ? r->granted.token : NULL;
	rc = unwrap_key(r->env, r->talk, &u, &r->key, r->request_id, e);
	if (!rc)
		rc = header_verify_key(r->image.path, &r->key, e);
	return rc ? rc : record(r, e);
}

/* check_sum - what came out of the image is what this host put in, if it did. */
static int check_sum(const struct restoring *r, struct err *e)
{
	if (!r->is_known || !strcmp(r->sum.sha256, r->known.sha256))
		return 0;
	err_set(e, -EBADMSG, "%s is damaged: its content has the sum %s, it was made with %s", r->image.name,
		r->sum.sha256, r->known.sha256);
	return err_hint(e, "Take another copy of it. To restore it as it is, put %s/%s.json away first.",
			r->env->backup_dir, r->header.luks_uuid);
}

static int fill(struct create_source *s, const struct device *d, const struct header *h, const struct secret *key,
		struct err *e)
{
	struct content from = CONTENT_INIT, to = CONTENT_INIT;
	struct restoring *r = of(s);
	struct copying c = { .talk = r->talk, .what = "restoring" };
	struct content_sum again;
	struct content_watch w;
	int rc;

	rc = content_open(&from, &r->image, &r->header, &r->key, false, e);
	if (!rc)
		rc = content_open(&to, d, h, key, true, e);
	c.total = from.bytes;
	w = copying_watch(&c);
	if (!rc)
		rc = content_copy(&from, &to, &w, &r->sum, e);
	secret_wipe(&r->key);
	if (!rc)
		rc = check_sum(r, e);
	c.what = "reading back";
	w = copying_watch(&c);
	if (!rc)
		rc = content_read(&to, from.bytes, &w, &again, e);
	if (!rc && strcmp(r->sum.sha256, again.sha256))
		rc = err_set(e, -EIO, "what was read back from %s is not what was written", d->name);
	content_close(&from);
	content_close(&to);
	return rc;
}

static void describe(struct create_source *s, struct json_object *fields)
{
	struct restoring *r = of(s);

	js_put_string(fields, "restored_from", r->header.luks_uuid);
	js_put_string(fields, "file", r->image.name);
	js_put_string(fields, "sha256", r->sum.sha256);
}

static int restore(struct job *j, struct restoring *r, struct err *e)
{
	bool grant_left;
	int rc;

	rc = load_image(r, j->rq->file, e);
	if (!rc)
		rc = check_room(r, j->rq->device, e);
	if (rc)
		return rc;
	fill_request(r, j->rq);
	rc = create_volume(j, &r->rq, &r->source, &grant_left, e);
	if (rc)
		return rc;
	describe(&r->source, j->result);
	js_put(j->result, "bytes", json_object_new_int64((int64_t)data_bytes(&r->image, &r->header)));
	js_put(j->result, "stored_bytes", json_object_new_int64((int64_t)r->sum.stored));
	js_put(j->result, "sum_known", json_object_new_boolean(r->is_known));
	js_put(j->result, "grant_retired", json_object_new_boolean(!grant_left));
	return 0;
}

int job_restore(struct job *j, struct err *e)
{
	struct restoring *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_sys(e, -ENOMEM, "cannot restore %s", j->rq->name);
	r->source = (struct create_source){ .prepare = prepare, .fill = fill, .describe = describe };
	r->env = j->env;
	r->talk = j->talk;
	r->name = j->rq->name;
	r->image = (struct device)DEVICE_INIT;
	r->key = (struct secret)SECRET_INIT;
	rc = restore(j, r, e);
	secret_wipe(&r->key);
	device_close(&r->image);
	json_object_put(r->granted.requests);
	free(r);
	return rc;
}
