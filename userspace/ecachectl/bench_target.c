// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "../common/secret.h"
#include "../volume/dm.h"
#include "bench_same.h"
#include "bench_target.h"

#define KEY_SIZE 64
#define CRYPTO_MAX (256 * 1024)

static const struct {
	const char *name, *title;
} kinds[BENCH_KINDS] = {
	[BENCH_RAW] = { "raw", "the disk itself" },
	[BENCH_LINEAR] = { "linear", "dm-linear" },
	[BENCH_CRYPT] = { "crypt", "dm-crypt" },
	[BENCH_CRYPT_NWQ] = { "crypt-nwq", "dm-crypt, no workqueues" },
	[BENCH_INLINECRYPT] = { "inlinecrypt", "dm-inlinecrypt" },
	[BENCH_ECACHE] = { "ecache", "dm-ecache" },
	[BENCH_AGAIN] = { "ecache-again", "dm-ecache, again (control)" },
	[BENCH_ECACHE_INLINE] = { "ecache-inline", "dm-ecache, engine inline" },
	[BENCH_ECACHE_ACCEL] = { "ecache-accel", "dm-ecache, engine accel" },
};

const char *bench_kind_name(enum bench_kind kind)
{
	return kinds[kind].name;
}

/*
 * options - "N option..." with those that make sectors larger than 512 bytes, which all targets then count in the
 * IV.
 */
static void options(char *out, size_t size, unsigned int sector_size, unsigned int nr, const char *more)
{
	if (sector_size > 512)
		snprintf(out, size, "%u%s sector_size:%u iv_large_sectors", nr + 2, more, sector_size);
	else
		snprintf(out, size, "%u%s", nr, more);
}

const char *bench_table(enum bench_kind kind, const struct bench_table *t, char *out, size_t size)
{
	char disk[32], opts[192], driver[96];

	snprintf(disk, sizeof(disk), "%u:%u", major(t->dev), minor(t->dev));
	switch (kind) {
	case BENCH_LINEAR:
		snprintf(out, size, "%s 0", disk);
		return "linear";
	case BENCH_CRYPT:
	case BENCH_CRYPT_NWQ:
		if (kind == BENCH_CRYPT)
			options(opts, sizeof(opts), t->sector_size, 0, "");
		else
			options(opts, sizeof(opts), t->sector_size, 2, " no_read_workqueue no_write_workqueue");
		snprintf(out, size, "aes-xts-plain64 :%d:logon:%s 0 %s 0 %s", KEY_SIZE, t->key, disk, opts);
		return "crypt";
	case BENCH_INLINECRYPT:
		options(opts, sizeof(opts), t->sector_size, 1, " keytype:raw");
		snprintf(out, size, "aes-xts-plain64 :%d:logon:%s 0 %s 0 %s", KEY_SIZE, t->key, disk, opts);
		return "inlinecrypt";
	case BENCH_ECACHE:
	case BENCH_AGAIN:
		options(opts, sizeof(opts), t->sector_size, 0, "");
		break;
	case BENCH_ECACHE_INLINE:
		options(opts, sizeof(opts), t->sector_size, 1, " engine:inline");
		break;
	case BENCH_ECACHE_ACCEL:
		snprintf(driver, sizeof(driver), " engine:accel driver:%.64s", t->accel);
		options(opts, sizeof(opts), t->sector_size, 2, driver);
		break;
	default:
		return NULL;
	}
	snprintf(out, size, "aes-xts-plain64 %d 0 %s 0 %s", KEY_SIZE, disk, opts);
	return DM_TARGET;
}

static void leave_out(struct bench *b, enum bench_kind kind, const char *why)
{
	struct bench_left_out *l = &b->left_out[b->nr_left_out++];

	l->name = kinds[kind].name;
	snprintf(l->why, sizeof(l->why), "%.*s", (int)sizeof(l->why) - 1, why);
}

/* take_driver - of dm-ecache, by its status: "STATE ENGINE DRIVER ..."; it must have the key. */
static int take_driver(struct bench_target *target, const char *name, struct err *e)
{
	struct dm_device dev;
	struct dm_status st;
	int rc;

	rc = dm_kernel.info(NULL, name, &dev, e);
	if (rc)
		return rc;
	if (dm_status_parse(dev.status, &st) || st.state != DM_STATE_ACTIVE)
		return err_set(e, -EIO, "%s took no key: %.200s", name, dev.status);
	snprintf(target->driver, sizeof(target->driver), "%s", st.driver);
	return 0;
}

static int give_key(const char *name, const char *key, struct bench_target *target, struct err *e)
{
	char text[128];
	int rc;

	snprintf(text, sizeof(text), "key set :%d:logon:%s", KEY_SIZE, key);
	rc = dm_kernel.message(NULL, name, text, e);
	return rc ? rc : take_driver(target, name, e);
}

static void mapping_name(char out[64], enum bench_kind kind)
{
	snprintf(out, 64, "bench-%d-%s", (int)getpid(), kinds[kind].name);
}

/* open_node - and nothing else that happens to have the name: without udev /dev/mapper may hold what it likes. */
static int open_node(const char *name, struct err *e)
{
	struct dm_device dev;
	struct stat st;
	char path[96];
	int fd, rc;

	rc = dm_kernel.info(NULL, name, &dev, e);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/dev/mapper/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC | O_DIRECT);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	if (!fstat(fd, &st) && S_ISBLK(st.st_mode) && st.st_rdev == dev.dev)
		return fd;
	close(fd);
	return err_set(e, -ENOTBLK, "%s is not the mapping that was made", path);
}

/* map - one target; its place among the others is taken only when all went well. */
static int map(struct bench_targets *t, struct bench *b, const struct bench_table *table, enum bench_kind kind,
	       struct err *e)
{
	struct bench_target *target = &b->targets[b->nr_targets];
	char name[64], uuid[96], params[512];
	const char *type;
	int fd, rc;

	*target = (struct bench_target){ .kind = kind, .name = kinds[kind].name, .title = kinds[kind].title };
	mapping_name(name, kind);
	snprintf(uuid, sizeof(uuid), "BENCH-%s", name);
	type = bench_table(kind, table, params, sizeof(params));
	rc = dm_map(name, uuid, table->sectors, type, params, e);
	if (rc)
		return rc;
	if (!strcmp(type, DM_TARGET))
		rc = give_key(name, table->key, target, e);
	if (!rc) {
		fd = open_node(name, e);
		rc = fd < 0 ? fd : 0;
	}
	if (rc) {
		dm_kernel.remove(NULL, name, false, NULL);
		return rc;
	}
	t->fd[b->nr_targets] = fd;
	t->mapped[b->nr_targets] = true;
	b->nr_targets++;
	return 0;
}

static bool is_needed(enum bench_kind kind)
{
	return kind == BENCH_LINEAR || kind == BENCH_ECACHE || kind == BENCH_AGAIN;
}

static int map_all(struct bench_targets *t, struct bench *b, const struct bench_table *table, struct err *e)
{
	enum bench_kind kind;
	int rc;

	for (kind = BENCH_LINEAR; kind < BENCH_KINDS; kind++) {
		struct err why = ERR_INIT;

		if (kind == BENCH_ECACHE_ACCEL && !table->accel) {
			leave_out(b, kind, "no asynchronous driver of xts(aes) in /proc/crypto");
			continue;
		}
		rc = map(t, b, table, kind, &why);
		if (rc && is_needed(kind)) {
			*e = why;
			return err_hint(e, "Is the module loaded (modprobe dm-ecache)? The kernel log says more.");
		}
		if (rc)
			leave_out(b, kind, why.what);
	}
	return 0;
}

static int make_key(struct keyring_key *k, struct err *e)
{
	struct secret key = SECRET_INIT;
	char name[24];
	int rc;

	snprintf(name, sizeof(name), "bench-%d", (int)getpid());
	rc = secret_alloc(&key, KEY_SIZE);
	if (rc)
		return err_sys(e, rc, "no locked memory for a key");
	if (getrandom(key.data, KEY_SIZE, 0) != KEY_SIZE) {
		rc = err_sys(e, -errno, "no random bytes");
	} else {
		key.len = KEY_SIZE;
		rc = keyring_add(k, name, &key, e);
	}
	secret_wipe(&key);
	return rc;
}

/* find_accel - by name, or what /proc/crypto has. */
static const char *find_accel(const char *accel, char *driver, size_t size)
{
	char *text;
	size_t len;
	bool found;

	if (accel)
		return accel;
	if (fsio_read("/proc/crypto", CRYPTO_MAX, &text, &len, NULL))
		return NULL;
	found = bench_find_accel(text, driver, size);
	free(text);
	return found ? driver : NULL;
}

int bench_targets_open(struct bench_targets *t, struct bench *b, struct device *d, const char *accel, struct err *e)
{
	struct bench_table table = { .dev = d->rdev, .sectors = b->disk.area / 512, .sector_size = b->sector_size };
	char driver[64];
	int rc;

	*t = (struct bench_targets){ 0 };
	b->nr_targets = 1;
	b->nr_left_out = 0;
	b->targets[0] = (struct bench_target){ .kind = BENCH_RAW, .name = kinds[BENCH_RAW].name,
					       .title = kinds[BENCH_RAW].title };
	/* For the checks only; fio opens the disk again. */
	t->fd[0] = open(d->path, O_RDWR | O_CLOEXEC | O_DIRECT | O_NONBLOCK);
	if (t->fd[0] < 0)
		return err_sys(e, -errno, "cannot open %s", d->name);
	rc = make_key(&t->key, e);
	if (rc)
		return rc;
	table.key = t->key.desc;
	table.accel = find_accel(accel, driver, sizeof(driver));
	device_unclaim(d);
	rc = map_all(t, b, &table, e);
	keyring_drop(&t->key);
	return rc ? rc : bench_same(t, b, e);
}

int bench_targets_close(struct bench_targets *t, const struct bench *b, struct err *e)
{
	int rc = 0, one;
	char name[64];
	unsigned int i;

	keyring_drop(&t->key);
	for (i = b->nr_targets; i-- > 0;) {
		if (t->fd[i] > 0)
			close(t->fd[i]);
		t->fd[i] = -1;
		if (!t->mapped[i])
			continue;
		mapping_name(name, b->targets[i].kind);
		one = dm_kernel.remove(NULL, name, false, rc ? NULL : e);
		t->mapped[i] = one;
		if (one && !rc) {
			rc = one;
			err_hint(e, "dmsetup remove %s", name);
		}
	}
	return rc;
}
