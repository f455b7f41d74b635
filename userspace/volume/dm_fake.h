/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_DM_FAKE_H
#define ECACHE_DM_FAKE_H

/*
 * For tests: device-mapper with the target "ecache" in memory, with its states and refusals, behind struct dm_ops. It
 * looks a key up in the thread keyring as the target does, but cannot read it (nobody can): the key id that it then has
 * is the table's, or @other_key_id.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <keyutils.h>

#include "dm.h"
#include "text.h"

#define DM_FAKE_MAX 8

/* Nobody's: tests of teardown unmount and shut down what they find on it, and they may run as root. */
#define DM_FAKE_MAJOR 4095

struct dm_fake_dev {
	char name[VOLUME_NAME_MAX + 1];
	char uuid[DM_UUID_MAX + 1];
	char params[DM_LINE_MAX];
	char key_id[KEYID_LEN + 1];
	uint64_t sectors;
	enum dm_state state;
	bool error_table;
	bool deferred;
	int open_count;
	int64_t lease;			/* seconds left, -1: none; it does not run by itself */
	char reason[32];
};

struct dm_fake {
	struct dm_fake_dev dev[DM_FAKE_MAX];
	unsigned int nr;
	unsigned int messages, changes, warms;
	char last_message[256];
	const char *other_key_id;	/* what a key's id turns out to be */
	int create_rc;			/* fault: create answers this */
	int reload_rc;			/* fault: reload answers this */
	int message_rc;			/* fault: messages answer this and do nothing */
	bool deaf;			/* fault: messages answer 0 and do nothing (Linux 6.1 without a live table) */
	bool slow_revoke;		/* revoke ends in REVOKING */
	const char *bad_status;		/* fault: a status line that nobody understands */
};

static inline struct dm_fake_dev *dm_fake_find(struct dm_fake *f, const char *name)
{
	unsigned int i;

	for (i = 0; i < f->nr; i++) {
		if (!strcmp(f->dev[i].name, name))
			return &f->dev[i];
	}
	return NULL;
}

static inline int dm_fake_create(void *ctx, const char *name, const char *uuid, uint64_t sectors, const char *params,
				 struct err *e)
{
	struct dm_fake *f = ctx;
	struct dm_fake_dev *d;
	const char *id;

	if (f->create_rc)
		return err_sys(e, f->create_rc, "fake create");
	if (dm_fake_find(f, name) || f->nr == DM_FAKE_MAX)
		return err_sys(e, -EBUSY, "fake create");
	d = &f->dev[f->nr++];
	memset(d, 0, sizeof(*d));
	text_set(d->name, name);
	text_set(d->uuid, uuid);
	text_set(d->params, params);
	text_set(d->reason, "new");
	d->lease = -1;
	d->sectors = sectors;
	id = strstr(params, "key_id:");
	if (id)
		snprintf(d->key_id, sizeof(d->key_id), "%.32s", id + 7);
	return 0;
}

static inline int dm_fake_key_set(struct dm_fake *f, struct dm_fake_dev *d, const char *arg)
{
	const char *desc = strstr(arg, ":logon:"), *lease;

	if (!desc || keyctl_search(KEY_SPEC_THREAD_KEYRING, "logon", desc + 7, 0) < 0)
		return -ENOKEY;
	if (d->state >= DM_STATE_REVOKING)
		return -EKEYREVOKED;
	if (f->other_key_id && strcmp(f->other_key_id, d->key_id))
		return -EKEYREJECTED;
	if (d->state == DM_STATE_ACTIVE)
		return 0;
	d->state = DM_STATE_ACTIVE;
	text_set(d->reason, "key-set");
	lease = strstr(d->params, " lease:");
	d->lease = lease ? atoll(lease + strlen(" lease:")) : -1;
	return 0;
}

static inline int dm_fake_renew(struct dm_fake_dev *d, const char *seconds)
{
	if (d->state != DM_STATE_ACTIVE)
		return -ENOKEY;
	if (d->lease < 0)
		return -EINVAL;
	d->lease = atoll(seconds);
	return 0;
}

/* dm_fake_lock - the key goes for @reason, as by the kernel's own timer ("lease-expired"). */
static inline void dm_fake_lock(struct dm_fake_dev *d, const char *reason)
{
	d->state = DM_STATE_LOCKED;
	d->lease = -1;
	text_set(d->reason, reason);
}

static inline int dm_fake_message(void *ctx, const char *name, const char *text, struct err *e)
{
	struct dm_fake *f = ctx;
	struct dm_fake_dev *d = dm_fake_find(f, name);
	int rc = 0;

	f->messages++;
	text_set(f->last_message, text);
	if (!d)
		return err_sys(e, -ENXIO, "fake message");
	if (f->message_rc)
		return err_sys(e, f->message_rc, "fake message");
	if (f->deaf)
		return 0;
	if (d->error_table)
		rc = -EINVAL;
	else if (!strncmp(text, "key set ", 8))
		rc = dm_fake_key_set(f, d, text + 8);
	else if (!strncmp(text, "key renew ", 10))
		rc = dm_fake_renew(d, text + 10);
	else if (!strcmp(text, "key wipe") && d->state == DM_STATE_ACTIVE)
		dm_fake_lock(d, "key-wipe");
	else if (!strcmp(text, "key revoke") && d->state != DM_STATE_REVOKED)
		d->state = f->slow_revoke ? DM_STATE_REVOKING : DM_STATE_REVOKED;
	return rc ? err_sys(e, rc, "fake message") : 0;
}

static inline int dm_fake_info(void *ctx, const char *name, struct dm_device *dev, struct err *e)
{
	struct dm_fake *f = ctx;
	struct dm_fake_dev *d = dm_fake_find(f, name);
	char lease[24] = "-";

	memset(dev, 0, sizeof(*dev));
	if (!d)
		return err_sys(e, -ENXIO, "fake info");
	dev->exists = true;
	dev->live_table = true;
	dev->open_count = d->open_count;
	dev->deferred_remove = d->deferred;
	dev->dev = makedev(DM_FAKE_MAJOR, d - f->dev);
	text_set(dev->uuid, d->uuid);
	text_set(dev->target, d->error_table ? "error" : DM_TARGET);
	if (d->lease >= 0)
		snprintf(lease, sizeof(lease), "%lld", (long long)d->lease);
	if (!d->error_table)
		snprintf(dev->status, sizeof(dev->status), "%s cpu xts-aes-fake %s %s 0 0 0 0 0 0 0 %s",
			 dm_state_name(d->state), d->key_id[0] ? d->key_id : "-", lease, d->reason);
	if (f->bad_status)
		text_set(dev->status, f->bad_status);
	return 0;
}

static inline int dm_fake_error_table(void *ctx, const char *name, struct err *e)
{
	struct dm_fake_dev *d = dm_fake_find(ctx, name);

	if (!d)
		return err_sys(e, -ENXIO, "fake error table");
	d->error_table = true;
	return 0;
}

static inline int dm_fake_table(void *ctx, const char *name, uint64_t *sectors, char params[DM_LINE_MAX],
				struct err *e)
{
	struct dm_fake_dev *d = dm_fake_find(ctx, name);

	if (!d || d->error_table)
		return err_sys(e, d ? -ENODATA : -ENXIO, "fake table");
	*sectors = d->sectors;
	memcpy(params, d->params, DM_LINE_MAX);
	return 0;
}

/* The target: key and state belong to the device, and so do what they were made for. */
static inline int dm_fake_reload(void *ctx, const char *name, uint64_t sectors, const char *params, struct err *e)
{
	struct dm_fake *f = ctx;
	struct dm_fake_dev *d = dm_fake_find(f, name);

	if (!d)
		return err_sys(e, -ENXIO, "fake reload");
	if (f->reload_rc || strcmp(params, d->params))
		return err_sys(e, f->reload_rc ? f->reload_rc : -EINVAL, "fake reload");
	d->sectors = sectors;
	return 0;
}

static inline int dm_fake_remove(void *ctx, const char *name, bool deferred, struct err *e)
{
	struct dm_fake *f = ctx;
	struct dm_fake_dev *d = dm_fake_find(f, name);

	if (!d)
		return err_sys(e, -ENXIO, "fake remove");
	if (d->open_count && !deferred)
		return err_sys(e, -EBUSY, "fake remove");
	if (d->open_count)
		d->deferred = true;
	else
		*d = f->dev[--f->nr];
	return 0;
}

static inline int dm_fake_each(void *ctx, int (*fn)(void *arg, const char *name, const char *uuid), void *arg,
			       struct err *e)
{
	struct dm_fake *f = ctx;
	unsigned int i;
	int rc = 0;

	(void)e;
	for (i = 0; !rc && i < f->nr; i++) {
		if (!strncmp(f->dev[i].uuid, DM_UUID_PREFIX, strlen(DM_UUID_PREFIX)))
			rc = fn(arg, f->dev[i].name, f->dev[i].uuid);
	}
	return rc;
}

static inline int dm_fake_change(void *ctx, const char *name, struct err *e)
{
	(void)name;
	(void)e;
	((struct dm_fake *)ctx)->changes++;
	return 0;
}

static inline int dm_fake_warm(void *ctx, struct err *e)
{
	(void)e;
	((struct dm_fake *)ctx)->warms++;
	return 0;
}

static const struct dm_ops dm_fake_ops = {
	.create = dm_fake_create,
	.message = dm_fake_message,
	.info = dm_fake_info,
	.error_table = dm_fake_error_table,
	.table = dm_fake_table,
	.reload = dm_fake_reload,
	.remove = dm_fake_remove,
	.each = dm_fake_each,
	.change = dm_fake_change,
	.warm = dm_fake_warm,
};

#endif
