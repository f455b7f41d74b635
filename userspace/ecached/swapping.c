// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../common/json.h"
#include "../common/log.h"
#include "../volume/keyid.h"
#include "../volume/swap.h"
#include "close.h"
#include "creating.h"
#include "swapping.h"

#define BOOT_KEY_SIZE 64	/* bytes: AES-256-XTS */
#define BOOT_SECTOR_SIZE 4096	/* bytes: swap comes in pages */

int swap_start(const struct env *env, const char *name, const struct pin *p, struct err *e)
{
	char path[sizeof("/dev/mapper/") + VOLUME_NAME_MAX];
	struct mapping m;
	int rc;

	if (p->kind == VOLUME_DATA)
		return 0;
	rc = mapping_get(&env->dm, name, &m, e);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/dev/mapper/%s", name);
	return swap_on("/proc", path, m.dev, p->swap_priority, p->allow_discards, e);
}

static int make_key(struct secret *key, struct err *e)
{
	int rc = secret_alloc(key, BOOT_KEY_SIZE);

	if (rc)
		return err_sys(e, rc, "no locked memory for a key");
	/* Up to 256 bytes it is all or nothing, and waits only for a host that has just begun to live. */
	if (getrandom(key->data, BOOT_KEY_SIZE, 0) != BOOT_KEY_SIZE)
		return err_sys(e, -EIO, "no random bytes for a key");
	key->len = BOOT_KEY_SIZE;
	rc = key_halves_differ(key);
	return rc ? err_set(e, rc, "a random key with two equal halves") : 0;
}

/* open_device - it must look as swap under a lost key does: like nothing. */
static int open_device(const struct env *env, const char *path, struct device *d, struct err *e)
{
	int rc = device_open(d, path, env->device_flags, e);

	if (!rc)
		rc = device_check_blank(d, e);
	if (rc == -EEXIST)
		err_hint(e, "It would be lost. Is it the right device, and nothing on it wanted: wipefs -a %s", path);
	return rc;
}

/* would_be - the header that such a volume has not. The uuid is as good a name in the table as a cache id. */
static int would_be(const struct pin *p, const struct secret *key, struct header *h, struct err *e)
{
	int rc;

	memset(h, 0, sizeof(*h));
	strcpy(h->luks_uuid, p->luks_uuid);
	strcpy(h->token.cache_id, p->luks_uuid);
	h->sector_size = BOOT_SECTOR_SIZE;
	h->key_size = BOOT_KEY_SIZE;
	rc = keyid_of(key, h->token.key_id);
	return rc ? err_sys(e, rc, "cannot name a key") : 0;
}

static int record(const struct env *env, const char *event, const char *name, const struct pin *p, struct err *e)
{
	struct json_object *fields = json_object_new_object();

	js_put_string(fields, "kind", volume_kind_name(p->kind));
	js_put_string(fields, "luks_uuid", p->luks_uuid);
	js_put_string(fields, "device", p->device);
	return job_audit(env, event, name, fields, NULL, e);
}

int boot_swap_open(const struct env *env, const char *name, const struct pin *p, const char *device, struct header *h,
		   struct err *e)
{
	struct secret key = SECRET_INIT;
	struct device d = DEVICE_INIT;
	int rc;

	/* What an open that died left. */
	rc = volume_close(env, name, e);
	if (!rc)
		rc = open_device(env, device ? device : p->device, &d, e);
	if (!rc)
		rc = make_key(&key, e);
	if (!rc)
		rc = would_be(p, &key, h, e);
	if (!rc)
		rc = record(env, "open", name, p, e);
	if (!rc)
		rc = volume_activate(env, name, &d, h, p, &key, ACTIVATE_NEW_SWAP, e);
	secret_wipe(&key);
	device_close(&d);
	return rc;
}

static int check_device(const struct env *env, const char *path, struct err *e)
{
	struct device d = DEVICE_INIT;
	int rc = open_device(env, path, &d, e);

	device_close(&d);
	return rc;
}

static void fill_result(struct job *j, const struct pin *p, const struct header *h)
{
	js_put_string(j->result, "name", j->rq->name);
	js_put_string(j->result, "kind", volume_kind_name(p->kind));
	js_put_string(j->result, "luks_uuid", p->luks_uuid);
	js_put_string(j->result, "key_id", h->token.key_id);
	js_put(j->result, "open", json_object_new_boolean(!j->rq->no_open));
}

/*
 * boot_swap_create - there is nothing to undo but the pin: whatever happens after it was written, what is on the host
 *	is a volume that can be opened.
 */
int boot_swap_create(struct job *j, struct err *e)
{
	struct header *h = calloc(1, sizeof(*h));
	const char *name = j->rq->name;
	bool theirs;
	struct pin p;
	int rc;

	if (!h)
		return err_sys(e, -ENOMEM, "cannot create %s", name);
	pin_init(&p);
	p.kind = VOLUME_BOOT_SWAP;
	p.allow_discards = j->rq->allow_discards;
	strcpy(p.device, j->rq->device);
	strcpy(p.unit, j->rq->unit);
	luks_uuid_make(p.luks_uuid);
	rc = create_check_free(j->env, name, e);
	if (!rc)
		rc = check_device(j->env, p.device, e);
	if (!rc)
		rc = record(j->env, "create", name, &p, e);
	if (!rc) {
		rc = pin_create(j->env->pin_dir, name, &p, e);
		theirs = rc == -EEXIST;
		if (!rc && !j->rq->no_open)
			rc = boot_swap_open(j->env, name, &p, NULL, h, e);
		/* Also one that was written, but whose directory could not be synced. */
		if (rc && !theirs)
			pin_remove(j->env->pin_dir, name, NULL);
	}
	if (!rc)
		fill_result(j, &p, h);
	free(h);
	return rc;
}

int boot_swap_destroy(struct job *j, const struct pin *p, struct err *e)
{
	const char *name = j->rq->name;
	int rc;

	if (j->rq->discard) {
		err_set(e, -EINVAL, "%s has no header whose end a discard would follow", name);
		return err_hint(e, "Without --discard it is destroyed; then: blkdiscard %s", p->device);
	}
	rc = volume_close(j->env, name, e);
	if (!rc)
		rc = record(j->env, "destroy", name, p, e);
	if (!rc)
		rc = pin_remove(j->env->pin_dir, name, e);
	if (rc)
		return rc;
	job_audit_must(j->env, "destroyed", name, NULL, NULL);
	js_put_string(j->result, "name", name);
	return 0;
}
