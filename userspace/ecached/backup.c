// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/json.h"
#include "../common/log.h"
#include "../volume/backups.h"
#include "../volume/dmline.h"
#include "../volume/freeze.h"
#include "../volume/keyid.h"
#include "backing.h"
#include "copying.h"
#include "format.h"
#include "open.h"

/* One backup on its way; big, so on the heap. */
struct backing {
	const struct env *env;
	struct talk *talk;
	const struct request *rq;
	struct pin pin;
	struct mapping mapping;		/* exists: the volume is open */
	struct freeze freeze;
	struct device source, image;
	struct header header, image_header;
	struct secret key, image_key;
	struct content from, to;
	struct token token;
	struct intent intent;
	struct granted granted;
	struct backup done;
	char partial[PATH_MAX];
	char request_id[REQUEST_ID_SIZE];
	bool grant_left;
};

static int check_mapping(struct backing *b, struct err *e)
{
	const struct mapping *m = &b->mapping;
	int rc;

	rc = mapping_get(&b->env->dm, b->rq->name, &b->mapping, e);
	if (rc || !m->exists)
		return rc;
	if (m->is_ecache && m->status.state == DM_STATE_ACTIVE && !strcmp(m->luks_uuid, b->pin.luks_uuid))
		return 0;
	err_set(e, -EBUSY, "%s is neither open nor closed", b->rq->name);
	return err_hint(e, "`ecachectl status %s` says what it is.", b->rq->name);
}

/* check_file - nothing there, and not on the volume itself: it would wait for its own freeze. */
static int check_file(const struct backing *b, struct err *e)
{
	char dir[PATH_MAX];
	struct stat st;
	int i;

	for (i = 0; i < 2; i++) {
		const char *path = i ? b->partial : b->rq->file;

		if (!lstat(path, &st)) {
			err_set(e, -EEXIST, "%s exists", path);
			return err_hint(e, "A backup overwrites nothing: name another file, or remove this one.");
		}
		if (errno != ENOENT)
			return err_sys(e, -errno, "cannot write %s", path);
	}
	strcpy(dir, b->rq->file);
	if (stat(dirname(dir), &st))
		return err_sys(e, -errno, "cannot write %s", b->rq->file);
	if (b->mapping.exists && st.st_dev == b->mapping.dev)
		return err_set(e, -EINVAL, "%s would be on the volume that is backed up", b->rq->file);
	return 0;
}

static int load(struct backing *b, struct err *e)
{
	const char *name = b->rq->name;
	int rc;

	rc = job_pin(b->env, name, &b->pin, e);
	if (rc)
		return rc;
	if (b->pin.kind != VOLUME_DATA)
		return err_set(e, -EINVAL, "%s is swap: nothing in it outlives its processes", name);
	rc = job_no_intent(b->env, name, e);
	if (!rc)
		rc = check_mapping(b, e);
	return rc ? rc : check_file(b, e);
}

static int begin(struct backing *b, struct err *e)
{
	struct intent *i = &b->intent;

	i->verb = INTENT_BACKUP;
	strcpy(i->step, BACKUP_GRANT);
	strcpy(i->cache_id, b->pin.cache_id);
	luks_uuid_make(i->luks_uuid);
	strcpy(i->device, b->rq->file);
	snprintf(i->dev_major_minor, sizeof(i->dev_major_minor), "%u:%u", b->mapping.exists ? major(b->mapping.dev) : 0,
		 b->mapping.exists ? minor(b->mapping.dev) : 0);
	return job_begin(b->env, b->rq->name, i, e);
}

static int step(struct backing *b, const char *s, struct err *e)
{
	if (talk_lost(b->talk))
		return err_set(e, -ECANCELED, "interrupted");
	strcpy(b->intent.step, s);
	return intent_step(b->env->intent_dir, b->rq->name, &b->intent, e);
}

/* get_key - a data key and a grant of the image's own. */
static int get_key(struct backing *b, struct err *e)
{
	char purpose[sizeof("backup-") + LUKS_UUID_LEN];
	const struct grant_ask ask = {
		.name = b->rq->name,
		/* The volume's own: whoever may end the one may end the other, unless the user says otherwise. */
		.kms_key = *b->rq->kms_key ? b->rq->kms_key : b->pin.key_arn,
		.cache_id = b->pin.cache_id,
		.luks_uuid = b->intent.luks_uuid,
		.bytes = b->header.key_size,
		.purpose = purpose,
	};
	struct unwrap u = {
		.name = b->rq->name,
		.cache_id = b->pin.cache_id,
		.luks_uuid = b->intent.luks_uuid,
		.key_size = b->header.key_size,
		.retry_until_ms = now_ms() + UNWRAP_YOUNG_MS,
	};
	int rc;

	snprintf(purpose, sizeof(purpose), "backup-%s", b->intent.luks_uuid);
	talk_progress(b->talk, "asking the KMS for key, grant and data key of the backup");
	rc = granting(b->env, b->talk, &ask, &b->intent, &b->granted, e);
	if (rc)
		return rc;
	u.key_arn = b->intent.key_arn;
	u.blob = b->granted.blob;
	u.blob_len = b->granted.blob_len;
	u.grant_token = *b->granted.token ? b->granted.token : NULL;
	rc = unwrap_key(b->env, b->talk, &u, &b->image_key, b->request_id, e);
	if (!rc && key_halves_differ(&b->image_key))
		rc = err_set(e, -EKEYREJECTED, "the KMS made a key with two equal halves, which XTS must not use");
	return rc;
}

static int make_image(struct backing *b, struct err *e)
{
	const struct format_spec f = {
		.path = b->image.path,
		.shown = b->partial,
		.key_arn = b->intent.key_arn,
		.cache_id = b->intent.cache_id,
		.luks_uuid = b->intent.luks_uuid,
		.sector_size = b->header.sector_size,
		.granted = &b->granted,
	};
	uint64_t bytes = dm_table_sectors(b->source.bytes, b->header.data_offset, b->header.sector_size) * 512;
	int fd, rc;

	fd = open(b->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make %s", b->partial);
	rc = ftruncate(fd, (off_t)(HEADER_BYTES + bytes)) ? -errno : 0;
	close(fd);
	if (rc)
		return err_sys(e, rc, "cannot make %s as large as the volume", b->partial);
	rc = device_open(&b->image, b->partial, DEVICE_FILE, e);
	if (!rc)
		rc = format_header(&f, &b->image_key, &b->token, &b->image_header, e);
	if (!rc)
		rc = content_open(&b->from, &b->source, &b->header, &b->key, false, e);
	if (!rc)
		rc = content_open(&b->to, &b->image, &b->image_header, &b->image_key, true, e);
	b->to.blank = true;
	return rc;
}

/* still - frozen, and its key not taken away: what a lease or a teardown ended is not read on below. */
static int still(void *ctx, struct err *e)
{
	struct backing *b = ctx;
	struct mapping m;
	int rc;

	rc = freeze_check(&b->freeze, e);
	if (rc || !b->mapping.exists)
		return rc;
	rc = mapping_get(&b->env->dm, b->rq->name, &m, e);
	if (!rc && (!m.exists || !m.is_ecache || m.status.state != DM_STATE_ACTIVE))
		rc = err_set(e, -EKEYREVOKED, "%s lost its key while it was backed up", b->rq->name);
	return rc;
}

static int copy(struct backing *b, struct content_sum *sum, struct err *e)
{
	struct copying c = {
		.talk = b->talk, .what = "copying", .total = b->from.bytes, .still = still, .ctx = b,
	};
	const struct content_watch w = copying_watch(&c);
	int rc;

	if (*b->freeze.where)
		talk_progress(b->talk, "freezing the file system at %s for at most %u s", b->freeze.where,
			      b->rq->max_freeze);
	rc = freeze_begin(&b->freeze, e);
	if (!rc)
		rc = content_copy(&b->from, &b->to, &w, sum, e);
	if (!rc)
		rc = still(b, e);
	if (!rc)
		rc = freeze_end(&b->freeze, &b->done.paused_ms, e);
	freeze_drop(&b->freeze);
	content_close(&b->from);
	secret_wipe(&b->key);
	if (!rc && b->done.paused_ms)
		talk_progress(b->talk, "thawed after %lld ms", (long long)b->done.paused_ms);
	return rc;
}

static int read_back(struct backing *b, const struct content_sum *sum, struct err *e)
{
	struct copying c = { .talk = b->talk, .what = "reading back", .total = b->to.bytes };
	const struct content_watch w = copying_watch(&c);
	struct content_sum again;
	int rc;

	rc = content_read(&b->to, b->to.bytes, &w, &again, e);
	if (!rc && strcmp(sum->sha256, again.sha256))
		rc = err_set(e, -EIO, "what was read back from %s is not what was written", b->partial);
	return rc;
}

/* record - what this host knows of it, and the audit log: on disk before FILE has its name. */
static int record(struct backing *b, const struct content_sum *sum, struct err *e)
{
	struct json_object *fields = json_object_new_object();
	struct backup *d = &b->done;
	int rc;

	strcpy(d->luks_uuid, b->intent.luks_uuid);
	strcpy(d->volume, b->rq->name);
	strcpy(d->cache_id, b->intent.cache_id);
	strcpy(d->file, b->rq->file);
	strcpy(d->key_arn, b->intent.key_arn);
	strcpy(d->sha256, sum->sha256);
	d->bytes = (int64_t)b->to.bytes;
	d->stored = (int64_t)sum->stored;
	d->created = time(NULL);
	rc = backup_store(b->env->backup_dir, d, e);
	if (rc) {
		json_object_put(fields);
		return rc;
	}
	backup_put(fields, d);
	json_object_object_del(fields, "volume");	/* every record has it */
	js_put_string(fields, "grant_id", b->granted.id);
	js_put(fields, "requests", json_object_get(b->granted.requests));
	return job_audit(b->env, "backup", b->rq->name, fields, b->request_id, e);
}

static int run(struct backing *b, struct err *e)
{
	struct content_sum sum;
	int rc;

	rc = get_key(b, e);
	if (!rc)
		rc = step(b, BACKUP_COPY, e);
	if (!rc)
		rc = make_image(b, e);
	if (!rc)
		rc = copy(b, &sum, e);
	if (!rc)
		rc = read_back(b, &sum, e);
	if (!rc)
		rc = record(b, &sum, e);
	return rc ? rc : step(b, BACKUP_PUBLISH, e);
}

/*
 * finish - forward or back, by the record. What is left to do when FILE is there is ecached's, and no failure of the
 *	backup.
 */
static int finish(struct backing *b, int rc, struct err *e)
{
	struct err why = ERR_INIT;
	int ended;

	freeze_drop(&b->freeze);
	content_close(&b->from);
	content_close(&b->to);
	device_close(&b->image);
	secret_wipe(&b->key);
	secret_wipe(&b->image_key);
	if (rc) {
		talk_progress(b->talk, "undoing: %s", e->what);
		/* Whether that record is on disk or not, it is no longer meant. */
		if (!strcmp(b->intent.step, BACKUP_PUBLISH)) {
			strcpy(b->intent.step, BACKUP_COPY);
			intent_step(b->env->intent_dir, b->rq->name, &b->intent, NULL);
		}
	}
	ended = backup_recover(b->env, b->talk, b->rq->name, &b->intent, false, &why);
	if (rc && ended < 0) {
		log_err("backup of %s is not undone yet: %s", b->rq->name, why.what);
		err_hint(e, "Not all is undone yet: %.400s", why.what);
	}
	if (rc || ended == 1)
		return rc;
	if (ended < 0 && !access(b->rq->file, F_OK)) {
		log_warn("backup of %s is complete, but not all of its end is done yet: %s", b->rq->name, why.what);
		b->grant_left = true;
		return 0;
	}
	*e = why;
	return ended ? ended : -EEXIST;
}

static void fill_result(struct backing *b, struct json_object *o)
{
	js_put_string(o, "name", b->rq->name);
	backup_put(o, &b->done);
	js_put_string(o, "grant_id", b->granted.id);
	js_put(o, "grant_retired", json_object_new_boolean(!b->grant_left));
	js_put(o, "frozen", json_object_new_boolean(b->done.paused_ms > 0));
}

static int back_up(struct backing *b, struct err *e)
{
	char mapper[sizeof("/dev/mapper/") + VOLUME_NAME_MAX];
	int rc;

	rc = load(b, e);
	snprintf(mapper, sizeof(mapper), "/dev/mapper/%s", b->rq->name);
	/* Its watchdog is forked while there is no key in this process. */
	if (!rc && b->mapping.exists)
		rc = freeze_prepare(&b->freeze, mapper, b->mapping.dev, b->rq->max_freeze * 1000, e);
	if (!rc)
		rc = volume_access(b->env, b->talk, b->rq->name, "backup", &b->source, &b->header, &b->key, e);
	if (!rc)
		rc = begin(b, e);
	if (rc)
		return rc;
	return finish(b, run(b, e), e);
}

int job_backup(struct job *j, struct err *e)
{
	struct backing *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return err_sys(e, -ENOMEM, "cannot back up %s", j->rq->name);
	b->env = j->env;
	b->talk = j->talk;
	b->rq = j->rq;
	b->freeze = (struct freeze)FREEZE_INIT;
	b->source = (struct device)DEVICE_INIT;
	b->image = (struct device)DEVICE_INIT;
	b->key = (struct secret)SECRET_INIT;
	b->image_key = (struct secret)SECRET_INIT;
	b->from = (struct content)CONTENT_INIT;
	b->to = (struct content)CONTENT_INIT;
	backup_partial(j->rq->file, b->partial);
	rc = back_up(b, e);
	if (!rc)
		fill_result(b, j->result);
	freeze_drop(&b->freeze);
	secret_wipe(&b->key);
	secret_wipe(&b->image_key);
	device_close(&b->source);
	json_object_put(b->granted.requests);
	free(b);
	return rc;
}
