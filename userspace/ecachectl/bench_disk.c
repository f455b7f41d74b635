// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include "../common/fsio.h"
#include "../volume/pin.h"
#include "bench_disk.h"

#define MIB (1024 * 1024)

struct owner {
	const struct device *device;
	const char *pins;
	struct err *e;
};

/* is_owner - a swap area under a key of each boot has nothing on it that blkid knows; its pin names the device. */
static int is_owner(void *ctx, const char *name)
{
	const struct owner *o = ctx;
	struct stat st;
	struct pin p;

	if (!o->device->rdev || pin_load(o->pins, name, &p, NULL) || stat(p.device, &st) || !S_ISBLK(st.st_mode) ||
	    st.st_rdev != o->device->rdev)
		return 0;
	err_set(o->e, -EEXIST, "%s is the device of volume %s", o->device->name, name);
	return err_hint(o->e, "Take a device that nobody needs; `ecachectl destroy %s` would end the volume.", name);
}

/* check_zeroes - signatures are not all that a disk may hold: data without a header has none. */
static int check_zeroes(const struct device *d, uint64_t area, struct err *e)
{
	char *buf = malloc(MIB);
	uint64_t at;
	int rc = 0;

	if (!buf)
		return err_set(e, -ENOMEM, "out of memory");
	for (at = 0; !rc && at < area; at += MIB) {
		rc = pread_all(d->fd, buf, MIB, (off_t)at);
		if (rc) {
			err_sys(e, rc, "cannot read %s", d->name);
		} else if (buf[0] || memcmp(buf, buf + 1, MIB - 1)) {
			rc = err_set(e, -EEXIST, "%s holds data: not only zeroes in the MiB at %llu", d->name,
				     (unsigned long long)at);
			err_hint(e, "If nobody needs it: blkdiscard -z %s, or a smaller --size.", d->name);
		}
	}
	free(buf);
	return rc;
}

static int check(const struct device *d, const char *pins, uint64_t area, struct err *e)
{
	struct owner o = { .device = d, .pins = pins, .e = e };
	int rc;

	if (area < BENCH_AREA_LEAST)
		return err_set(e, -EOVERFLOW, "%s: %llu bytes are too few to measure, %d are needed", d->name,
			       (unsigned long long)area, BENCH_AREA_LEAST);
	rc = pin_each(pins, is_owner, &o, e);
	if (rc)
		return rc;
	rc = device_check_blank(d, e);
	if (rc == -EEXIST)
		err_hint(e, "Only a blank device is written to; if nobody needs it: wipefs -a %s, blkdiscard -z %s.",
			 d->name, d->name);
	return rc ? rc : check_zeroes(d, area, e);
}

int bench_disk_take(struct device *d, const char *path, unsigned int flags, const char *pins, uint64_t *area,
		    struct err *e)
{
	int rc;

	rc = device_open(d, path, flags, e);
	if (rc)
		return rc;
	if (*area > d->bytes)
		*area = d->bytes;
	*area -= *area % MIB;
	rc = check(d, pins, *area, e);
	if (rc)
		device_close(d);
	return rc;
}

static int write_zeroes(const struct device *d, uint64_t area)
{
	uint64_t range[2] = { 0, area }, at;
	char *buf;
	int rc = 0;

	if (d->rdev && !ioctl(d->fd, BLKZEROOUT, range))
		return fsync(d->fd) ? -errno : 0;
	buf = calloc(1, MIB);
	if (!buf)
		return -ENOMEM;
	for (at = 0; !rc && at < area; at += MIB)
		rc = pwrite_all(d->fd, buf, MIB, (off_t)at);
	if (!rc && fsync(d->fd))
		rc = -errno;
	free(buf);
	return rc;
}

int bench_disk_give_back(struct device *d, uint64_t area, struct err *e)
{
	int rc = write_zeroes(d, area);

	if (rc) {
		err_sys(e, rc, "cannot write zeroes over what was measured on %s", d->name);
		err_hint(e, "It holds random bytes now: blkdiscard -z %s", d->name);
	}
	device_close(d);
	return rc;
}
