/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_DISK_TEST_H
#define KMSD_DISK_TEST_H

#include "common/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sqlite3.h>

#include "common/fsio.h"

/*
 * A disk under SQLite that loses its power, or its last free block, at a chosen operation. It is a VFS over the real
 * one that counts writes, truncations, syncs and deletions, and remembers of each file what the last sync made durable
 * and what was written since. After a cut every operation fails, as for a process that is gone; disk_restore() then
 * leaves in the files what a real disk may have left.
 */
#define DISK_FILES 4
#define DISK_SECTOR 512

enum disk_loss {
	DISK_KEEPS_ALL,		/* kill -9: the kernel has it all */
	DISK_KEEPS_SYNCED,	/* nothing that was not synced */
	DISK_KEEPS_SOME,	/* any sectors of what was not */
	DISK_LOSSES,
};

struct disk_change {
	struct disk_change *next;
	bool truncates;
	sqlite3_int64 offset;
	size_t len;
	char data[];
};

struct disk_file {
	char path[128];		/* "": free */
	char *synced;
	size_t synced_len;
	struct disk_change *changes, **end;
};

struct disk {
	sqlite3_vfs vfs, *real;
	struct disk_file file[DISK_FILES];
	unsigned int ops;
	unsigned int cut_at;	/* power goes at this operation; 0: never */
	unsigned int full_at;	/* the disk is full from this write on; 0: never */
	bool dead;
	uint64_t seed;
};

static struct disk disk;

struct disk_handle {
	sqlite3_file base;
	struct disk_file *file;
	sqlite3_file *real;	/* behind this struct */
};

static inline struct disk_handle *disk_handle(sqlite3_file *f)
{
	return (struct disk_handle *)(void *)f;
}

static inline void disk_forget(struct disk_file *f)
{
	while (f->changes) {
		struct disk_change *next = f->changes->next;

		free(f->changes);
		f->changes = next;
	}
	f->end = &f->changes;
}

/* disk_sync - what is in the file now is what the disk keeps. */
static inline void disk_sync(struct disk_file *f)
{
	disk_forget(f);
	free(f->synced);
	f->synced = NULL;
	f->synced_len = 0;
	if (!access(f->path, F_OK))
		assert_int_equal(fsio_read(f->path, 1 << 24, &f->synced, &f->synced_len, NULL), 0);
}

static inline void disk_note(struct disk_file *f, bool truncates, sqlite3_int64 offset, const void *data, size_t len)
{
	struct disk_change *c = calloc(1, sizeof(*c) + len);

	c->truncates = truncates;
	c->offset = offset;
	c->len = len;
	if (len)
		memcpy(c->data, data, len);
	*f->end = c;
	f->end = &c->next;
}

/* disk_op - count one; whether it fails for want of power. */
static inline bool disk_op(void)
{
	if (!disk.dead && ++disk.ops == disk.cut_at)
		disk.dead = true;
	return disk.dead;
}

static inline bool disk_full(void)
{
	return disk.full_at && disk.ops >= disk.full_at;
}

static inline int disk_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 offset)
{
	struct disk_handle *h = disk_handle(f);

	if (disk_op()) {
		/* The operation under which power went may have been done in part. */
		disk_note(h->file, false, offset, data, (size_t)len);
		return SQLITE_IOERR_WRITE;
	}
	if (disk_full())
		return SQLITE_FULL;
	disk_note(h->file, false, offset, data, (size_t)len);
	return h->real->pMethods->xWrite(h->real, data, len, offset);
}

static inline int disk_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct disk_handle *h = disk_handle(f);

	if (disk_op())
		return SQLITE_IOERR_TRUNCATE;
	disk_note(h->file, true, size, NULL, 0);
	return h->real->pMethods->xTruncate(h->real, size);
}

static inline int disk_xsync(sqlite3_file *f, int flags)
{
	(void)flags;
	if (disk_op())
		return SQLITE_IOERR_FSYNC;
	disk_sync(disk_handle(f)->file);
	return SQLITE_OK;
}

static inline int disk_read(sqlite3_file *f, void *data, int len, sqlite3_int64 offset)
{
	struct disk_handle *h = disk_handle(f);

	return disk.dead ? SQLITE_IOERR_READ : h->real->pMethods->xRead(h->real, data, len, offset);
}

static inline int disk_close(sqlite3_file *f)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xClose(h->real);
}

/* What is the real file's alone. */
static inline int disk_xFileSize(sqlite3_file *f, sqlite3_int64 *size)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xFileSize(h->real, size);
}

static inline int disk_xLock(sqlite3_file *f, int lock)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xLock(h->real, lock);
}

static inline int disk_xUnlock(sqlite3_file *f, int lock)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xUnlock(h->real, lock);
}

static inline int disk_xCheckReservedLock(sqlite3_file *f, int *out)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xCheckReservedLock(h->real, out);
}

static inline int disk_xFileControl(sqlite3_file *f, int op, void *arg)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xFileControl(h->real, op, arg);
}

static inline int disk_xSectorSize(sqlite3_file *f)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xSectorSize(h->real);
}

static inline int disk_xDeviceCharacteristics(sqlite3_file *f)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xDeviceCharacteristics(h->real);
}

static inline int disk_xShmMap(sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xShmMap(h->real, region, size, extend, out);
}

static inline int disk_xShmLock(sqlite3_file *f, int offset, int n, int flags)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xShmLock(h->real, offset, n, flags);
}

static inline int disk_xShmUnmap(sqlite3_file *f, int delete)
{
	struct disk_handle *h = disk_handle(f);

	return h->real->pMethods->xShmUnmap(h->real, delete);
}

static inline void disk_xShmBarrier(sqlite3_file *f)
{
	struct disk_handle *h = disk_handle(f);

	h->real->pMethods->xShmBarrier(h->real);
}

static const sqlite3_io_methods disk_methods = {
	.iVersion = 2,
	.xClose = disk_close,
	.xRead = disk_read,
	.xWrite = disk_write,
	.xTruncate = disk_truncate,
	.xSync = disk_xsync,
	.xFileSize = disk_xFileSize,
	.xLock = disk_xLock,
	.xUnlock = disk_xUnlock,
	.xCheckReservedLock = disk_xCheckReservedLock,
	.xFileControl = disk_xFileControl,
	.xSectorSize = disk_xSectorSize,
	.xDeviceCharacteristics = disk_xDeviceCharacteristics,
	.xShmMap = disk_xShmMap,
	.xShmLock = disk_xShmLock,
	.xShmBarrier = disk_xShmBarrier,
	.xShmUnmap = disk_xShmUnmap,
};

static inline struct disk_file *disk_file(const char *path)
{
	struct disk_file *unused = NULL;

	for (unsigned int i = 0; i < DISK_FILES; i++) {
		if (!strcmp(disk.file[i].path, path))
			return &disk.file[i];
		if (!*disk.file[i].path && !unused)
			unused = &disk.file[i];
	}
	assert_non_null(unused);
	strcpy(unused->path, path);
	disk_sync(unused);
	return unused;
}

static inline int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
	struct disk_handle *h = disk_handle(f);
	int rc;

	(void)vfs;
	h->base.pMethods = NULL;
	if (disk.dead)
		return SQLITE_CANTOPEN;
	h->real = (sqlite3_file *)(void *)(h + 1);
	h->file = disk_file(path);
	rc = disk.real->xOpen(disk.real, path, h->real, flags, out);
	if (rc == SQLITE_OK)
		h->base.pMethods = &disk_methods;
	return rc;
}

static inline int disk_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
	int rc;

	(void)vfs;
	if (disk_op())
		return SQLITE_IOERR_DELETE;
	rc = disk.real->xDelete(disk.real, path, sync);
	disk_sync(disk_file(path));
	return rc;
}

/* disk_insert - from here on SQLite's files are on it. */
static inline void disk_insert(void)
{
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "disk";
	disk.vfs.szOsFile = (int)sizeof(struct disk_handle) + disk.real->szOsFile;
	disk.vfs.xOpen = disk_open;
	disk.vfs.xDelete = disk_delete;
	disk.vfs.pNext = NULL;
	disk.seed = 42;
	assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

/* disk_reset - forget all files; power and space are there, unless told otherwise. */
static inline void disk_reset(unsigned int cut_at, unsigned int full_at)
{
	for (unsigned int i = 0; i < DISK_FILES; i++) {
		disk_forget(&disk.file[i]);
		free(disk.file[i].synced);
		memset(&disk.file[i], 0, sizeof(disk.file[i]));
		disk.file[i].end = &disk.file[i].changes;
	}
	disk.ops = 0;
	disk.cut_at = cut_at;
	disk.full_at = full_at;
	disk.dead = false;
}

/* disk_apply - a change that was not synced: all sectors of it, or some. */
static inline void disk_apply(int fd, const struct disk_change *c, enum disk_loss loss)
{
	if (c->truncates) {
		if (loss == DISK_KEEPS_ALL || test_random(&disk.seed) % 2)
			assert_int_equal(ftruncate(fd, c->offset), 0);
		return;
	}
	for (size_t at = 0; at < c->len; at += DISK_SECTOR) {
		size_t n = c->len - at < DISK_SECTOR ? c->len - at : DISK_SECTOR;

		if (loss == DISK_KEEPS_ALL || test_random(&disk.seed) % 2)
			assert_int_equal(pwrite_all(fd, c->data + at, n, c->offset + (off_t)at), 0);
	}
}

/* disk_restore - after the cut, all handles being closed: the files as the disk has them when power is back. */
static inline void disk_restore(enum disk_loss loss)
{
	for (unsigned int i = 0; i < DISK_FILES; i++) {
		struct disk_file *f = &disk.file[i];
		int fd;

		if (!*f->path || (!f->synced && !f->changes))
			continue;
		fd = open(f->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		assert_true(fd >= 0);
		if (f->synced)
			assert_int_equal(write_all(fd, f->synced, f->synced_len), 0);
		for (struct disk_change *c = f->changes; c && loss != DISK_KEEPS_SYNCED; c = c->next)
			disk_apply(fd, c, loss);
		close(fd);
	}
	disk_reset(0, 0);
}

#endif
