// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <blkid/blkid.h>
#include <linux/fs.h>

#include "../common/fsio.h"
#include "device.h"
#include "header.h"
#include "inuse.h"
#include "text.h"

#define LOCK_TRIES	30
#define LOCK_PAUSE_MS	100
#define SECTOR_MAX	4096

static int busy(const struct device *d, struct err *e)
{
	char users[256];

	device_users(d->rdev, users, sizeof(users));
	return err_set(e, -EBUSY, "%s is in use: %s", d->name, users[0] ? users : "another program holds it");
}

/* take_lock - udev takes a shared lock while it probes a disk, for moments: try for some seconds. */
static int take_lock(struct device *d, struct err *e)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (!flock(d->fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, -errno, "cannot lock %s", d->name);
		nanosleep(&pause, NULL);
	}
	return err_set(e, -EBUSY, "%s is locked by another program", d->name);
}

/* is_zoned - dm-ecache writes anywhere, which a zoned disk does not allow. A partition's queue is its disk's. */
static bool is_zoned(dev_t rdev)
{
	static const char *const places[] = { "queue/zoned", "../queue/zoned" };
	char path[96], *text;
	bool answer = false;
	size_t len, i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(rdev), minor(rdev), places[i]);
		if (fsio_read(path, 64, &text, &len, NULL))
			continue;
		answer = strncmp(text, "none", 4);
		free(text);
		break;
	}
	return answer;
}

static int examine_block(struct device *d, const struct stat *st, struct err *e)
{
	int logical, read_only;

	d->rdev = st->st_rdev;
	if (ioctl(d->fd, BLKGETSIZE64, &d->bytes) || ioctl(d->fd, BLKSSZGET, &logical) ||
	    ioctl(d->fd, BLKROGET, &read_only))
		return err_sys(e, -errno, "cannot read the size of %s", d->name);
	d->logical_block = logical;
	d->read_only = read_only;
	if (d->logical_block > SECTOR_MAX)
		return err_set(e, -EOPNOTSUPP, "%s has blocks of %u bytes, more than %d", d->name, d->logical_block,
			       SECTOR_MAX);
	if (is_zoned(d->rdev))
		return err_set(e, -EOPNOTSUPP, "%s is a zoned device, which dm-ecache does not support", d->name);
	return 0;
}

static int examine_any(struct device *d, unsigned int flags, struct err *e)
{
	struct stat st;
	int rc = 0;

	if (fstat(d->fd, &st))
		return err_sys(e, -errno, "cannot examine %s", d->name);
	if (S_ISBLK(st.st_mode)) {
		rc = examine_block(d, &st, e);
	} else if (S_ISREG(st.st_mode) && (flags & DEVICE_FILE)) {
		d->bytes = st.st_size;
		d->logical_block = 512;
	} else {
		rc = err_set(e, -ENOTBLK, "%s is not a block device", d->name);
	}
	if (rc)
		return rc;
	if (d->read_only && !(flags & DEVICE_READ))
		return err_set(e, -EROFS, "%s is read-only", d->name);
	if (d->bytes < HEADER_BYTES + SECTOR_MAX)
		return err_set(e, -EOVERFLOW, "%s is too small: %llu bytes, a volume needs more than %d", d->name,
			       (unsigned long long)d->bytes, HEADER_BYTES + SECTOR_MAX);
	return 0;
}

int device_open(struct device *d, const char *path, unsigned int flags, struct err *e)
{
	int rc;

	*d = (struct device)DEVICE_INIT;
	if (text_set(d->name, path))
		return err_sys(e, -ENAMETOOLONG, "%.64s...", path);
	/* O_NONBLOCK: something else than a disk (a FIFO, a tape) must not make us wait. */
	d->fd = open(path, (flags & DEVICE_READ ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (d->fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	snprintf(d->path, sizeof(d->path), "/proc/self/fd/%d", d->fd);
	rc = examine_any(d, flags, e);
	if (!rc && d->rdev) {
		/* Of a regular file libcryptsetup takes the lock for itself, of a device it takes another one. */
		rc = flags & DEVICE_UNCLAIMED ? 0 : take_lock(d, e);
		if (!rc && !(flags & (DEVICE_UNCLAIMED | DEVICE_READ)))
			rc = device_reclaim(d, e);
	}
	if (rc)
		device_close(d);
	return rc;
}

bool device_name_is_stable(const char *path)
{
	static const char *const dirs[] = { "/dev/disk/by-partuuid/", "/dev/disk/by-id/" };
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		if (!strncmp(path, dirs[i], strlen(dirs[i])) && path[strlen(dirs[i])])
			return true;
	}
	return false;
}

int device_reclaim(struct device *d, struct err *e)
{
	if (!d->rdev || d->claim >= 0)
		return 0;
	d->claim = open(d->path, O_RDWR | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (d->claim >= 0)
		return 0;
	return errno == EBUSY ? busy(d, e) : err_sys(e, -errno, "cannot claim %s", d->name);
}

void device_unclaim(struct device *d)
{
	if (d->claim >= 0)
		close(d->claim);
	d->claim = -1;
}

void device_close(struct device *d)
{
	device_unclaim(d);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

void device_major_minor(const struct device *d, char out[24])
{
	snprintf(out, 24, "%u:%u", major(d->rdev), minor(d->rdev));
}

/* probe_value - "" when libblkid does not say. */
static const char *probe_value(blkid_probe pr, const char *name)
{
	const char *value = NULL;

	return blkid_probe_lookup_value(pr, name, &value, NULL) ? "" : value;
}

int device_check_blank(const struct device *d, struct err *e)
{
	const char *kind;
	blkid_probe pr;
	int rc;

	pr = blkid_new_probe();
	if (!pr)
		return err_set(e, -ENOMEM, "out of memory");
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_MAGIC |
					  BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(pr, 1);
	blkid_probe_set_partitions_flags(pr, BLKID_PARTS_FORCE_GPT | BLKID_PARTS_MAGIC);
	errno = 0;
	if (blkid_probe_set_device(pr, d->fd, 0, 0)) {
		rc = err_sys(e, errno ? -errno : -EIO, "cannot probe %s", d->name);
		goto free_probe;
	}
	/* The first signature is enough; blkid_do_safeprobe() would be silent about two that contradict each other. */
	rc = blkid_do_probe(pr);
	if (rc == 1) {
		rc = 0;
	} else if (rc) {
		rc = err_sys(e, errno ? -errno : -EIO, "cannot probe %s", d->name);
	} else {
		kind = probe_value(pr, "TYPE");
		rc = err_set(e, -EEXIST, "%s holds a %s", d->name,
			     kind[0] ? kind : probe_value(pr, "PTTYPE")[0] ? "partition table" : "known signature");
		err_hint(e, "wipe it (wipefs -a %s) if nobody needs it, or give --force", d->name);
	}
free_probe:
	blkid_free_probe(pr);
	return rc;
}

int device_save(const struct device *d, const char *file, struct err *e)
{
	char *buf = malloc(HEADER_BYTES);
	int rc;

	if (!buf)
		return err_set(e, -ENOMEM, "out of memory");
	rc = pread_all(d->fd, buf, HEADER_BYTES, 0);
	rc = rc ? err_sys(e, rc, "cannot read %s", d->name) : fsio_create(file, buf, HEADER_BYTES, 0600, e);
	free(buf);
	return rc;
}

int device_restore(const struct device *d, const char *file, struct err *e)
{
	size_t len;
	char *buf;
	int rc;

	rc = fsio_read(file, HEADER_BYTES, &buf, &len, e);
	if (rc)
		return rc;
	if (len != HEADER_BYTES) {
		rc = err_set(e, -EBADMSG, "%s is not a saved start of a device: %zu bytes, not %d", file, len,
			     HEADER_BYTES);
	} else {
		rc = pwrite_all(d->fd, buf, len, 0);
		if (!rc && fsync(d->fd))
			rc = -errno;
		if (rc)
			err_sys(e, rc, "cannot write %s", d->name);
	}
	free(buf);
	return rc;
}

/* A kill between two pieces is taken at once; one ioctl for terabytes could hold a process for minutes. */
#define DISCARD_PIECE (4ULL << 30)

int device_discard(const struct device *d, uint64_t from, struct err *e)
{
	uint64_t range[2];
	int rc = 0;

	for (; !rc && from < d->bytes; from += range[1]) {
		range[0] = from;
		range[1] = d->bytes - from < DISCARD_PIECE ? d->bytes - from : DISCARD_PIECE;
		if (d->rdev)
			rc = ioctl(d->fd, BLKDISCARD, range);
		else
			rc = fallocate(d->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range[0], range[1]);
	}
	return rc ? err_sys(e, -errno, "cannot discard %s", d->name) : 0;
}
