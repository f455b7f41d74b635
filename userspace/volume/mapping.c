// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../common/log.h"
#include "keyid.h"
#include "keyring.h"
#include "mapping.h"
#include "text.h"

#define CLOSE_POLLS	20
#define CLOSE_POLL_MS	100
#define RENEW_SLACK_S	2	/* what may pass between a renewal and the look at it */

static int fill(const char *name, const struct dm_device *dev, struct mapping *m, struct err *e)
{
	char uuid_name[VOLUME_NAME_MAX + 1];

	if (dm_uuid_parse(dev->uuid, m->luks_uuid, uuid_name) || strcmp(uuid_name, name))
		return err_set(e, -EEXIST, "the device-mapper name %s belongs to something else (uuid \"%s\")", name,
			       dev->uuid);
	text_set(m->name, name);
	m->exists = true;
	m->dev = dev->dev;
	m->open_count = dev->open_count;
	m->suspended = dev->suspended;
	m->deferred_remove = dev->deferred_remove;
	if (!dev->live_table || strcmp(dev->target, DM_TARGET))
		return 0;
	if (dm_status_parse(dev->status, &m->status))
		return err_set(e, -EBADMSG, "%s: the target's status line is not understood", name);
	m->is_ecache = true;
	return 0;
}

int mapping_get(const struct dm *dm, const char *name, struct mapping *m, struct err *e)
{
	struct dm_device dev;
	int rc;

	memset(m, 0, sizeof(*m));
	rc = volume_name_check(name, e);
	if (rc)
		return rc;
	rc = dm->ops->info(dm->ctx, name, &dev, e);
	if (rc == -ENXIO)
		return 0;
	if (!rc)
		rc = fill(name, &dev, m, e);
	if (rc)
		memset(m, 0, sizeof(*m));
	return rc;
}

int mapping_open(const struct dm *dm, const char *name, struct device *d, const struct header *h,
		 bool allow_discards, unsigned int lease, struct err *e)
{
	const struct dm_table table = {
		.sectors = dm_table_sectors(d->bytes, h->data_offset, h->sector_size),
		.cipher = HEADER_CIPHER,
		.key_size = h->key_size,
		.dev = d->rdev,
		.offset = h->data_offset / 512,
		.sector_size = h->sector_size,
		.key_id = h->token.key_id,
		.cache_id = h->token.cache_id,
		.allow_discards = allow_discards,
		.lease = lease,
	};
	char uuid[DM_UUID_MAX + 1], params[DM_LINE_MAX];
	struct mapping m;
	int rc;

	rc = dm_table_params(&table, params, sizeof(params), e);
	if (!rc)
		rc = mapping_get(dm, name, &m, e);
	if (rc)
		return rc;
	if (m.exists)
		return err_set(e, -EEXIST, "the volume %s is mapped already", name);
	dm_uuid_make(h->luks_uuid, name, uuid);
	device_unclaim(d);
	return dm->ops->create(dm->ctx, name, uuid, table.sectors, params, e);
}

/* judge_set - what the target says after a key set is what counts; @rc is the message's errno, for the reason. */
static int judge_set(const struct mapping *m, const char *name, const char *id, int rc, struct err *e)
{
	if (!m->exists || !m->is_ecache)
		return err_set(e, -EIO, "%s: no ecache table is live", name);
	switch (m->status.state) {
	case DM_STATE_ACTIVE:
		if (!strcmp(m->status.key_id, id))
			return 0;
		return err_set(e, -EKEYREJECTED, "%s has another key (%s)", name, m->status.key_id);
	case DM_STATE_REVOKING:
	case DM_STATE_REVOKED:
		err_set(e, -EKEYREVOKED, "%s was revoked: this mapping takes no key any more", name);
		err_hint(e, "close it, then open again: ecachectl close %s", name);
		return -EKEYREVOKED;
	case DM_STATE_LOCKED:
		break;
	}
	if (rc == -EKEYREJECTED)
		return err_set(e, rc, "%s: the key is not the one that the table names", name);
	return err_sys(e, rc ? rc : -EIO, "%s did not take the key", name);
}

int mapping_key_set(const struct dm *dm, const char *name, const char *luks_uuid, const struct secret *key,
		    struct err *e)
{
	char id[KEYID_LEN + 1], text[128];
	struct keyring_key k;
	struct mapping m;
	int rc, sent;

	rc = keyid_of(key, id);
	if (rc)
		return err_sys(e, rc, "cannot compute the key id");
	rc = keyring_add(&k, luks_uuid, key, e);
	if (rc)
		return rc;
	snprintf(text, sizeof(text), "key set :%zu:logon:%s", key->len, k.desc);
	sent = dm->ops->message(dm->ctx, name, text, NULL);
	keyring_drop(&k);
	rc = mapping_get(dm, name, &m, e);
	return rc ? rc : judge_set(&m, name, id, sent, e);
}

int mapping_renew(const struct dm *dm, const char *name, unsigned int seconds, struct err *e)
{
	char text[32];
	struct mapping m;
	int rc, sent;

	snprintf(text, sizeof(text), "key renew %u", seconds);
	sent = dm->ops->message(dm->ctx, name, text, NULL);
	rc = mapping_get(dm, name, &m, e);
	if (rc)
		return rc;
	if (!m.exists || !m.is_ecache || m.status.state != DM_STATE_ACTIVE)
		return err_set(e, -ENOKEY, "%s has no key whose lease could be renewed (%s)", name,
			       m.is_ecache ? m.status.reason : "no ecache table is live");
	if (m.status.lease < 0)
		return err_set(e, -EINVAL, "the key of %s has no lease", name);
	if (sent || m.status.lease > seconds || m.status.lease + RENEW_SLACK_S < seconds)
		return err_sys(e, sent ? sent : -EIO, "the lease of %s was not renewed (%lld s are left)", name,
			       (long long)m.status.lease);
	return 0;
}

int mapping_announce(const struct dm *dm, const char *name, struct err *e)
{
	return dm->ops->change(dm->ctx, name, e);
}

/*
 * take_key - send @message, then look: 0 when the target holds no key. A message that failed is not yet a key that
 * stayed, and one that succeeded is not yet a key that went.
 */
static int take_key(const struct dm *dm, const char *name, const char *message, struct mapping *m, struct err *e)
{
	int rc, sent;

	rc = mapping_get(dm, name, m, e);
	/* Only what is certain keeps us from sending it: a status that cannot be read must not save a key. */
	if (rc == -EEXIST || rc == -EINVAL || (!rc && (!m->exists || !m->is_ecache)))
		return rc;
	sent = dm->ops->message(dm->ctx, name, message, NULL);
	rc = mapping_get(dm, name, m, e);
	if (rc || !m->exists || !m->is_ecache)
		return rc;
	switch (m->status.state) {
	case DM_STATE_REVOKED:
	case DM_STATE_LOCKED:
		return 0;
	case DM_STATE_REVOKING:
		return err_set(e, -EINPROGRESS, "%s: the key ends when its last request does", name);
	case DM_STATE_ACTIVE:
		break;
	}
	return err_sys(e, sent ? sent : -EIO, "%s keeps its key in spite of \"%s\"", name, message);
}

int mapping_wipe(const struct dm *dm, const char *name, struct err *e)
{
	struct mapping m;

	return take_key(dm, name, "key wipe", &m, e);
}

int mapping_revoke(const struct dm *dm, const char *name, struct err *e)
{
	struct mapping m;
	int rc;

	rc = take_key(dm, name, "key revoke", &m, e);
	/* LOCKED has no key, but would take one again: that is not revoked. */
	if (!rc && m.exists && m.is_ecache && m.status.state != DM_STATE_REVOKED)
		rc = err_set(e, -EIO, "%s is %s, not REVOKED", name, dm_state_name(m.status.state));
	return rc;
}

/* wait_unused - udev's probes hold the device for moments; a mount holds it for good. */
static int wait_unused(const struct dm *dm, const char *name, struct mapping *m, struct err *e)
{
	const struct timespec pause = { .tv_nsec = CLOSE_POLL_MS * 1000000L };
	char users[256];
	int i, rc;

	for (i = 0; i < CLOSE_POLLS; i++) {
		rc = mapping_get(dm, name, m, e);
		if (rc || !m->exists || !m->open_count)
			return rc;
		device_users(m->dev, users, sizeof(users));
		if (users[0])
			break;
		nanosleep(&pause, NULL);
	}
	device_users(m->dev, users, sizeof(users));
	err_set(e, -EBUSY, "/dev/mapper/%s is in use: %s", name, users[0] ? users : "a program has it open");
	err_hint(e, "unmount it and end what uses it (fuser -v -m /dev/mapper/%s)", name);
	return -EBUSY;
}

int mapping_close(const struct dm *dm, const char *name, struct err *e)
{
	struct mapping m;
	int rc;

	rc = wait_unused(dm, name, &m, e);
	if (rc || !m.exists)
		return rc;
	rc = mapping_wipe(dm, name, e);
	if (rc)
		return rc;
	rc = dm->ops->remove(dm->ctx, name, false, e);
	return rc == -ENXIO ? 0 : rc;
}

int mapping_sectors(const struct dm *dm, const char *name, uint64_t *sectors, struct err *e)
{
	char params[DM_LINE_MAX];

	return dm->ops->table(dm->ctx, name, sectors, params, e);
}

/* The live table's own parameters go into the new one: what the pin says by now waits for the next open. */
int mapping_resize(const struct dm *dm, const char *name, const struct device *d, const struct header *h,
		   uint64_t sectors, struct err *e)
{
	char params[DM_LINE_MAX], over[32] = "", is[24];
	unsigned long long start = 0;
	uint64_t now;
	int rc;

	rc = dm->ops->table(dm->ctx, name, &now, params, e);
	if (rc)
		return rc;
	device_major_minor(d, is);
	if (sscanf(params, "%*s %*s %*s %31s %llu", over, &start) != 2 || strcmp(over, is) ||
	    start != h->data_offset / 512)
		return err_set(e, -ESTALE, "%s is over device %s from sector %llu on, not over %s (%s)", name, over,
			       start, d->name, is);
	rc = dm->ops->reload(dm->ctx, name, sectors, params, e);
	if (rc)
		return rc;
	rc = mapping_sectors(dm, name, &now, e);
	if (!rc && now != sectors)
		rc = err_set(e, -EIO, "%s has %llu sectors after the reload, not %llu", name, (unsigned long long)now,
			     (unsigned long long)sectors);
	return rc;
}

struct each {
	const struct dm *dm;
	int (*fn)(void *ctx, const struct mapping *m);
	void *ctx;
};

static int visit(void *arg, const char *name, const char *uuid)
{
	struct each *w = arg;
	struct err e = ERR_INIT;
	struct mapping m;

	(void)uuid;
	if (mapping_get(w->dm, name, &m, &e)) {
		log_warn("%s", e.what);
		return 0;
	}
	return m.exists ? w->fn(w->ctx, &m) : 0;
}

int mapping_each(const struct dm *dm, int (*fn)(void *ctx, const struct mapping *m), void *ctx, struct err *e)
{
	struct each w = { .dm = dm, .fn = fn, .ctx = ctx };

	return dm->ops->each(dm->ctx, visit, &w, e);
}
