// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include "../common/clock.h"
#include "mapping.h"
#include "swap.h"
#include "teardown.h"
#include "unit.h"
#include "unmount.h"

#define REVOKING_POLL_MS 100

/* What the steps really do; each runs in a child that may be abandoned, so each may wait. */

static int fail(char *note, int rc, const struct err *e)
{
	snprintf(note, TEARDOWN_ERR_MAX + 1, "%.*s", TEARDOWN_ERR_MAX, e->what);
	return rc;
}

static bool is_idle(const struct teardown_spec *spec, enum teardown_step s)
{
	switch (s) {
	case TEARDOWN_STOP:
	case TEARDOWN_KILL:
		return !spec->unit || !spec->unit[0];
	case TEARDOWN_SHUTDOWN:
	case TEARDOWN_UMOUNT:
	case TEARDOWN_SWAPOFF:
		return !spec->dev;
	case TEARDOWN_REMOVE:
		return spec->policy == POLICY_LOCK;
	default:
		return false;
	}
}

static int step_stop(const struct teardown_spec *spec, int64_t until_ms, char *note)
{
	struct err e = ERR_INIT;
	int rc;

	rc = unit_stop(spec->unit, until_ms, &e);
	return rc ? fail(note, rc, &e) : 0;
}

static int step_kill(const struct teardown_spec *spec, int64_t until_ms, char *note)
{
	struct err e = ERR_INIT;
	int rc;

	rc = unit_kill("/sys/fs/cgroup", spec->unit, until_ms, &e);
	return rc ? fail(note, rc, &e) : 0;
}

static int step_shutdown(const struct teardown_spec *spec, int64_t until_ms, char *note)
{
	struct err e = ERR_INIT;
	char fstype[32];
	int rc;

	(void)until_ms;
	rc = fs_shutdown(spec->dev, fstype, &e);
	if (rc == -EOPNOTSUPP) {
		snprintf(note, TEARDOWN_ERR_MAX + 1, "%s has no shutdown", fstype);
		return -ENOENT;
	}
	if (rc)
		return fail(note, rc, &e);
	snprintf(note, TEARDOWN_ERR_MAX + 1, "%s", fstype);
	return 0;
}

static int step_umount(const struct teardown_spec *spec, int64_t until_ms, char *note)
{
	struct err e = ERR_INIT;
	struct unmounted what;
	int rc;

	(void)until_ms;
	rc = unmount_all(spec->dev, &what, &e);
	if (rc)
		return fail(note, rc, &e);
	snprintf(note, TEARDOWN_ERR_MAX + 1, "%u mounts in %u namespaces, %u detached", what.mounts, what.namespaces,
		 what.detached);
	return 0;
}

static int swapoff_it(const struct teardown_spec *spec, struct err *e)
{
	char path[96];

	snprintf(path, sizeof(path), "/dev/mapper/%s", spec->name);
	return swap_off("/proc", path, spec->dev, e);
}

/*
 * step_swapoff - saves what processes have in it, if memory holds that and the disk is fast enough: a try, which nobody
 * relies on. Without room it is not tried: the kernel would kill for what is about to be lost anyway.
 */
static int step_swapoff(const struct teardown_spec *spec, int64_t until_ms, char *note)
{
	struct err e = ERR_INIT;
	struct swap_area a;
	int rc;

	(void)until_ms;
	rc = swap_look("/proc", spec->dev, &a, &e);
	if (!rc && !a.on)
		return -ENOENT;
	if (!rc)
		rc = swap_room("/proc", "/sys/fs/cgroup", spec->name, &a, &e);
	if (!rc)
		rc = swapoff_it(spec, &e);
	if (rc)
		return fail(note, rc, &e);
	snprintf(note, TEARDOWN_ERR_MAX + 1, "%llu MiB were used", (unsigned long long)(a.used >> 20));
	return 0;
}

static int step_key(const struct teardown_spec *spec, int64_t until_ms, char *note)
{
	struct err e = ERR_INIT;
	int rc;

	for (;;) {
		rc = spec->policy == POLICY_LOCK ? mapping_wipe(spec->dm, spec->name, &e) :
						   mapping_revoke(spec->dm, spec->name, &e);
		/* REVOKING: requests of an engine still hold the key; it goes with the last of them. */
		if (rc != -EINPROGRESS || now_ms() + REVOKING_POLL_MS >= until_ms)
			break;
		sleep_ms(REVOKING_POLL_MS);
	}
	return rc ? fail(note, rc, &e) : 0;
}

/* flush_buffers - drop the page cache of the mapping itself: plaintext that was read or was to be written. */
static int flush_buffers(const struct teardown_spec *spec)
{
	char path[96];
	struct stat st;
	int fd, rc = 0;

	snprintf(path, sizeof(path), "/dev/mapper/%s", spec->name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISBLK(st.st_mode) || st.st_rdev != spec->dev)
		rc = -ENODEV;
	else if (ioctl(fd, BLKFLSBUF, 0))
		rc = -errno;
	close(fd);
	return rc;
}

static int step_error(const struct teardown_spec *spec, int64_t until_ms, char *note)
{
	struct err e = ERR_INIT;
	struct mapping m;
	int rc;

	(void)until_ms;
	rc = mapping_get(spec->dm, spec->name, &m, &e);
	if (rc == -EEXIST)
		return fail(note, rc, &e);
	if (!rc && !m.exists)
		return -ENOENT;
	rc = flush_buffers(spec);
	if (rc)
		snprintf(note, TEARDOWN_ERR_MAX + 1, "buffers not flushed: %s", strerror(-rc));
	if (spec->policy == POLICY_LOCK) {
		/*
		 * udev looks again, finds it LOCKED and tells systemd; under policy teardown the error table's
		 * resume does.
		 */
		spec->dm->ops->change(spec->dm->ctx, spec->name, NULL);
		return rc;
	}
	rc = spec->dm->ops->error_table(spec->dm->ctx, spec->name, &e);
	return rc ? fail(note, rc, &e) : 0;
}

static int step_remove(const struct teardown_spec *spec, int64_t until_ms, char *note)
{
	struct err e = ERR_INIT;
	struct mapping m;
	int rc, lost;

	(void)until_ms;
	rc = mapping_get(spec->dm, spec->name, &m, &e);
	if (rc == -EEXIST)
		return fail(note, rc, &e);
	/* Now every read of it fails at once, and the kernel marks the pages as lost: it needs no memory and ends. */
	lost = swap_uses("/proc", spec->dev) ? swapoff_it(spec, &e) : 0;
	rc = spec->dm->ops->remove(spec->dm->ctx, spec->name, true, lost ? NULL : &e);
	if (rc == -ENXIO)
		return -ENOENT;
	if (rc || lost)
		return fail(note, rc ? rc : lost, &e);
	return 0;
}

static int step_verify(const struct teardown_spec *spec, int64_t until_ms, char *note)
{
	struct err e = ERR_INIT;
	struct mapping m;
	int rc;

	(void)until_ms;
	rc = mapping_get(spec->dm, spec->name, &m, &e);
	if (rc)
		return fail(note, rc, &e);
	if (!m.exists) {
		snprintf(note, TEARDOWN_ERR_MAX + 1, "the mapping is gone");
		return LEFT_NOTHING;
	}
	if (!m.is_ecache) {
		snprintf(note, TEARDOWN_ERR_MAX + 1, "error table, %d still have it open%s", m.open_count,
			 m.deferred_remove ? ", removed with the last" : "");
		return LEFT_ERROR_TABLE;
	}
	snprintf(note, TEARDOWN_ERR_MAX + 1, "%s, %d have it open", dm_state_name(m.status.state), m.open_count);
	if (m.status.state == DM_STATE_REVOKED)
		return LEFT_REVOKED;
	/* Under policy teardown a LOCKED mapping has no key but would take one: not what was ordered. */
	if (m.status.state == DM_STATE_LOCKED && spec->policy == POLICY_LOCK)
		return LEFT_LOCKED;
	return -EBUSY;
}

const struct teardown_steps teardown_real = {
	.idle = is_idle,
	.run = {
		[TEARDOWN_STOP] = step_stop,
		[TEARDOWN_KILL] = step_kill,
		[TEARDOWN_SHUTDOWN] = step_shutdown,
		[TEARDOWN_UMOUNT] = step_umount,
		[TEARDOWN_SWAPOFF] = step_swapoff,
		[TEARDOWN_KEY] = step_key,
		[TEARDOWN_ERROR] = step_error,
		[TEARDOWN_REMOVE] = step_remove,
		[TEARDOWN_VERIFY] = step_verify,
	},
};
