// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/json.h"
#include "../volume/fssize.h"
#include "loaded.h"

/*
 * resize: the mapping of an open volume gets the length of its device, or less. The header says nothing of
 * a length, so that the next open takes the whole device again. What is on the volume is its user's
 * to grow afterwards, or to shrink before; nothing is cut off that says how far it reaches.
 */
struct resizing {
	const struct env *env;
	const struct request *rq;
	struct loaded v;
	struct mapping m;
	uint64_t now;			/* 512-byte sectors, as below */
	uint64_t wanted;
	struct fssize fs;		/* when it shrinks */
};

static int look(struct resizing *r, struct err *e)
{
	const char *name = r->rq->name;
	int rc;

	rc = loaded_volume(r->env, name, &r->v, e);
	if (!rc)
		rc = mapping_get(&r->env->dm, name, &r->m, e);
	if (rc)
		return rc;
	if (!r->m.exists) {
		err_set(e, -ENODEV, "%s is closed", name);
		return err_hint(e, "A volume is as long as its device when it is opened: nothing has to be done.");
	}
	if (!r->m.is_ecache || strcmp(r->m.luks_uuid, r->v.pin.luks_uuid))
		return err_set(e, -EBUSY, "/dev/mapper/%s is what is left of a teardown, or another volume", name);
	return mapping_sectors(&r->env->dm, name, &r->now, e);
}

static int measure(struct resizing *r, struct err *e)
{
	const struct header *h = &r->v.header;
	const struct device *d = &r->v.device;
	uint64_t most = dm_table_sectors(d->bytes, h->data_offset, h->sector_size), bytes = r->rq->size;

	if (!most)
		return err_set(e, -ENOSPC, "%s has %llu bytes: nothing but the header fits", d->name,
			       (unsigned long long)d->bytes);
	r->wanted = bytes ? bytes / 512 : most;
	if (bytes % h->sector_size)
		return err_set(e, -EINVAL, "%llu bytes are not whole sectors of %u", (unsigned long long)bytes,
			       h->sector_size);
	if (r->wanted <= most)
		return 0;
	err_set(e, -EFBIG, "%s has room for %llu bytes", d->name, (unsigned long long)most * 512);
	return err_hint(e, "First make the device larger (as in lvextend), then the volume, then what is on it.");
}

static int too_long(const struct resizing *r, struct err *e)
{
	const char *name = r->rq->name, *type = r->fs.type;

	err_set(e, -EBUSY, "the %s on %s reaches to byte %llu: that would be cut off", type, name,
		(unsigned long long)r->fs.bytes);
	if (!strncmp(type, "ext", 3))
		return err_hint(e, "ext4 is made smaller unmounted: umount, fsck -f, resize2fs /dev/mapper/%s SIZE; "
				"then again.", name);
	if (!strcmp(type, "xfs"))
		return err_hint(e, "XFS cannot be made smaller: copy the data to another volume.");
	return err_hint(e, "Make that smaller first, or take it off.");
}

/* check_shrinking - only what says how far it reaches, and reaches no further, is let be. */
static int check_shrinking(struct resizing *r, struct err *e)
{
	char path[sizeof("/dev/mapper/") + VOLUME_NAME_MAX];
	const char *name = r->rq->name;
	int rc;

	if (r->m.status.state != DM_STATE_ACTIVE) {
		err_set(e, -ENOKEY, "%s is locked: what is on it cannot be seen", name);
		return err_hint(e, "It is made smaller when its key is back.");
	}
	snprintf(path, sizeof(path), "/dev/mapper/%s", name);
	rc = fssize_look(path, &r->fs, e);
	if (rc)
		return rc;
	if (r->fs.bytes > r->wanted * 512)
		return too_long(r, e);
	if (r->fs.bytes || r->rq->force)
		return 0;
	err_set(e, -EPERM, "what is on %s does not say how far it reaches (%s)", name,
		*r->fs.type ? r->fs.type : "nothing known");
	return err_hint(e, "If it fits into %llu bytes: --force", (unsigned long long)r->wanted * 512);
}

static void record(const struct resizing *r)
{
	struct json_object *fields = json_object_new_object();

	js_put(fields, "old_bytes", json_object_new_int64((int64_t)r->now * 512));
	js_put(fields, "bytes", json_object_new_int64((int64_t)r->wanted * 512));
	job_audit_must(r->env, "resize", r->rq->name, fields, NULL);
}

static int resize(struct resizing *r, struct err *e)
{
	int rc;

	rc = look(r, e);
	if (!rc)
		rc = measure(r, e);
	if (!rc && r->wanted < r->now)
		rc = check_shrinking(r, e);
	if (rc || r->wanted == r->now)
		return rc;
	rc = mapping_resize(&r->env->dm, r->rq->name, &r->v.device, &r->v.header, r->wanted, e);
	if (!rc)
		record(r);
	return rc;
}

int job_resize(struct job *j, struct err *e)
{
	struct resizing *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_sys(e, -ENOMEM, "cannot resize %s", j->rq->name);
	r->env = j->env;
	r->rq = j->rq;
	r->v.device = (struct device)DEVICE_INIT;
	rc = resize(r, e);
	if (!rc) {
		js_put_string(j->result, "name", j->rq->name);
		js_put(j->result, "bytes", json_object_new_int64((int64_t)r->wanted * 512));
		js_put(j->result, "old_bytes", json_object_new_int64((int64_t)r->now * 512));
	}
	device_close(&r->v.device);
	free(r);
	return rc;
}
