// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <libdevmapper.h>

#include "../common/fsio.h"
#include "../common/log.h"
#include "dm.h"
#include "text.h"

/* Until the volume is readable udev makes the node and its link, and probes nothing; see 56-ecache.rules. */
#define QUIET (DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG | DM_UDEV_DISABLE_DISK_RULES_FLAG | \
	       DM_UDEV_DISABLE_OTHER_RULES_FLAG)

__attribute__((format(printf, 5, 6)))
static void to_log(int level, const char *file, int line, int dm_errno, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	(void)level;
	(void)file;
	(void)line;
	(void)dm_errno;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_debug("libdevmapper: %s", text);
}

static struct dm_task *task(int type, const char *name)
{
	struct dm_task *t;

	/* libdevmapper's own messages would go to the screen. */
	dm_log_with_errno_init(to_log);
	t = dm_task_create(type);
	if (t && name && !dm_task_set_name(t, name)) {
		dm_task_destroy(t);
		return NULL;
	}
	return t;
}

/* run - the ioctl's negative errno; libdevmapper says only yes or no. */
static int run(struct dm_task *t)
{
	int rc;

	errno = 0;
	if (dm_task_run(t))
		return 0;
	rc = dm_task_get_errno(t);
	if (!rc)
		rc = errno;
	return rc ? -rc : -EIO;
}

/*
 * run_synced - with a cookie, so that udev (if it runs) has made or removed the node on return. udev's part has no
 * say in the result: the ioctl's is what counts.
 */
static int run_synced(struct dm_task *t, uint16_t flags)
{
	uint32_t cookie = 0;
	int rc;

	if (!dm_task_set_cookie(t, &cookie, flags))
		log_debug("libdevmapper: no udev cookie, going on without");
	rc = run(t);
	if (cookie)
		dm_udev_wait(cookie);
	/* Without udev libdevmapper keeps node changes for later, and a child that ends by _exit() has no later. */
	dm_task_update_nodes();
	return rc;
}

static int simple(int type, const char *name, struct err *e, const char *what)
{
	struct dm_task *t = task(type, name);
	int rc = t ? run(t) : -ENOMEM;

	if (t)
		dm_task_destroy(t);
	return rc ? err_sys(e, rc, "cannot %s %s", what, name) : 0;
}

/* have_target - loads the module if it is there. */
static int have_target(struct err *e)
{
	struct dm_task *t = task(DM_DEVICE_GET_TARGET_VERSION, DM_TARGET);
	int rc = t ? run(t) : -ENOMEM;

	if (t)
		dm_task_destroy(t);
	if (!rc || rc == -ENOMEM || rc == -EPERM || rc == -EACCES)
		return rc ? err_sys(e, rc, "cannot use device-mapper") : 0;
	err_set(e, -ENODEV, "the kernel has no device-mapper target \"" DM_TARGET "\"");
	err_hint(e, "load the module: modprobe dm-ecache (is it built for this kernel?)");
	return -ENODEV;
}

int dm_map(const char *name, const char *uuid, uint64_t sectors, const char *target, const char *params, struct err *e)
{
	struct dm_task *t;
	int rc;

	/* With a target in it: create, load and resume, taken back by libdevmapper when one of them fails. */
	t = task(DM_DEVICE_CREATE, name);
	if (!t)
		return err_set(e, -ENOMEM, "out of memory");
	if (!dm_task_set_uuid(t, uuid) || !dm_task_add_target(t, 0, sectors, target, params) ||
	    !dm_task_secure_data(t))
		rc = -ENOMEM;
	else
		rc = run_synced(t, QUIET);
	dm_task_destroy(t);
	return rc ? err_sys(e, rc, "cannot create the mapping %s", name) : 0;
}

static int kernel_create(void *ctx, const char *name, const char *uuid, uint64_t sectors, const char *params,
			 struct err *e)
{
	int rc;

	(void)ctx;
	rc = have_target(e);
	if (rc)
		return rc;
	rc = dm_map(name, uuid, sectors, DM_TARGET, params, e);
	if (!rc)
		return 0;
	if (rc == -EBUSY)
		err_hint(e, "the device is in use, or the name or the volume is mapped already (dmsetup ls)");
	else
		err_hint(e, "the kernel log says what the target refused");
	return rc;
}

static int kernel_message(void *ctx, const char *name, const char *text, struct err *e)
{
	struct dm_task *t = task(DM_DEVICE_TARGET_MSG, name);
	int rc = -ENOMEM;

	(void)ctx;
	/* secure_data makes the kernel wipe its copy; libdevmapper would not wipe a key, so none is ever in @text. */
	if (t && dm_task_set_sector(t, 0) && dm_task_set_message(t, text) && dm_task_secure_data(t))
		rc = run(t);
	if (t)
		dm_task_destroy(t);
	return rc ? err_sys(e, rc, "%s refuses the message", name) : 0;
}

static void fill_status(struct dm_task *t, struct dm_device *dev)
{
	uint64_t start, length;
	char *target = NULL, *params = NULL;

	dm_get_next_target(t, NULL, &start, &length, &target, &params);
	if (target)
		text_set(dev->target, target);
	if (params)
		text_set(dev->status, params);
}

static int kernel_info(void *ctx, const char *name, struct dm_device *dev, struct err *e)
{
	struct dm_task *t = task(DM_DEVICE_STATUS, name);
	struct dm_info info;
	const char *uuid;
	int rc = -ENOMEM;

	(void)ctx;
	memset(dev, 0, sizeof(*dev));
	memset(&info, 0, sizeof(info));
	if (t && dm_task_no_flush(t)) {
		rc = run(t);
		if (!rc && !dm_task_get_info(t, &info))
			rc = -EIO;
	}
	if (!rc && !info.exists)
		rc = -ENXIO;
	if (!rc) {
		dev->exists = true;
		dev->suspended = info.suspended;
		dev->live_table = info.live_table;
		dev->deferred_remove = info.deferred_remove;
		dev->open_count = info.open_count;
		dev->dev = makedev(info.major, info.minor);
		uuid = dm_task_get_uuid(t);
		if (uuid)
			text_set(dev->uuid, uuid);
		fill_status(t, dev);
	}
	if (t)
		dm_task_destroy(t);
	return rc ? err_sys(e, rc, "cannot read the status of %s", name) : 0;
}

/* table_sectors - the length of the live table. */
static int table_sectors(const char *name, uint64_t *sectors)
{
	struct dm_task *t = task(DM_DEVICE_STATUS, name);
	uint64_t start = 0, length = 0;
	char *target, *params;
	void *next = NULL;
	int rc = -ENOMEM;

	*sectors = 0;
	if (t && dm_task_no_flush(t))
		rc = run(t);
	if (!rc) {
		do {
			next = dm_get_next_target(t, next, &start, &length, &target, &params);
			if (start + length > *sectors)
				*sectors = start + length;
		} while (next);
	}
	if (t)
		dm_task_destroy(t);
	return rc ? rc : *sectors ? 0 : -ENODATA;
}

static int load_error(const char *name, struct err *e)
{
	struct dm_task *t = NULL;
	uint64_t sectors;
	int rc;

	rc = table_sectors(name, &sectors);
	if (!rc) {
		t = task(DM_DEVICE_RELOAD, name);
		rc = t && dm_task_add_target(t, 0, sectors, "error", "") ? run(t) : -ENOMEM;
	}
	if (t)
		dm_task_destroy(t);
	return rc ? err_sys(e, rc, "cannot load an error table into %s", name) : 0;
}

static int suspend_noflush(const char *name, struct err *e)
{
	struct dm_task *t = task(DM_DEVICE_SUSPEND, name);
	int rc = -ENOMEM;

	if (t && dm_task_no_flush(t) && dm_task_skip_lockfs(t))
		rc = run(t);
	if (t)
		dm_task_destroy(t);
	return rc ? err_sys(e, rc, "cannot suspend %s", name) : 0;
}

static int resume_quietly(const char *name, struct err *e)
{
	struct dm_task *t = task(DM_DEVICE_RESUME, name);
	int rc = t ? run_synced(t, QUIET) : -ENOMEM;

	if (t)
		dm_task_destroy(t);
	return rc ? err_sys(e, rc, "cannot resume %s", name) : 0;
}

static int kernel_error_table(void *ctx, const char *name, struct err *e)
{
	int rc;

	(void)ctx;
	rc = load_error(name, e);
	if (rc)
		return rc;
	rc = suspend_noflush(name, e);
	if (rc) {
		simple(DM_DEVICE_CLEAR, name, NULL, "clear");
		return rc;
	}
	return resume_quietly(name, e);
}

static int kernel_table(void *ctx, const char *name, uint64_t *sectors, char params[DM_LINE_MAX], struct err *e)
{
	struct dm_task *t = task(DM_DEVICE_TABLE, name);
	char *target = NULL, *line = NULL;
	uint64_t start;
	int rc = -ENOMEM;

	(void)ctx;
	if (t && dm_task_no_flush(t))
		rc = run(t);
	if (!rc) {
		dm_get_next_target(t, NULL, &start, sectors, &target, &line);
		if (!target || strcmp(target, DM_TARGET) || !line || strlen(line) >= DM_LINE_MAX)
			rc = -ENODATA;
		else
			strcpy(params, line);
	}
	if (t)
		dm_task_destroy(t);
	return rc ? err_sys(e, rc, "cannot read the table of %s", name) : 0;
}

/* A resume with another table loaded suspends first, by itself: whoever is killed leaves nothing suspended. */
static int resume_with_new_table(const char *name)
{
	struct dm_task *t = task(DM_DEVICE_RESUME, name);
	int rc = t && dm_task_skip_lockfs(t) ? run_synced(t, 0) : -ENOMEM;

	if (t)
		dm_task_destroy(t);
	return rc;
}

static int kernel_reload(void *ctx, const char *name, uint64_t sectors, const char *params, struct err *e)
{
	struct dm_task *t = task(DM_DEVICE_RELOAD, name);
	int rc = -ENOMEM;

	(void)ctx;
	if (t && dm_task_add_target(t, 0, sectors, DM_TARGET, params))
		rc = run(t);
	if (t)
		dm_task_destroy(t);
	if (!rc) {
		rc = resume_with_new_table(name);
		if (rc)
			simple(DM_DEVICE_CLEAR, name, NULL, "clear");
	}
	if (!rc)
		return 0;
	err_sys(e, rc, "cannot give %s another table", name);
	return err_hint(e, "the kernel log says what the target refused");
}

static int kernel_remove(void *ctx, const char *name, bool deferred, struct err *e)
{
	struct dm_task *t = task(DM_DEVICE_REMOVE, name);
	int rc = -ENOMEM;

	(void)ctx;
	/* Not deferred: udev or blkid may hold it for a moment, so libdevmapper tries again for a few seconds. */
	if (t && (deferred ? dm_task_deferred_remove(t) : dm_task_retry_remove(t)))
		rc = run_synced(t, 0);
	if (t)
		dm_task_destroy(t);
	return rc ? err_sys(e, rc, "cannot remove the mapping %s", name) : 0;
}

static int visit(const char *name, int (*fn)(void *arg, const char *name, const char *uuid), void *arg)
{
	struct dm_device dev;

	/* It may have gone since the list was made, and most mappings of a host are not ours. */
	if (kernel_info(NULL, name, &dev, NULL) || strncmp(dev.uuid, DM_UUID_PREFIX, strlen(DM_UUID_PREFIX)))
		return 0;
	return fn(arg, name, dev.uuid);
}

static int kernel_each(void *ctx, int (*fn)(void *arg, const char *name, const char *uuid), void *arg, struct err *e)
{
	struct dm_task *t = task(DM_DEVICE_LIST, NULL);
	struct dm_names *names;
	int rc = t ? run(t) : -ENOMEM;

	(void)ctx;
	if (rc) {
		err_sys(e, rc, "cannot list the mappings");
		goto out;
	}
	names = dm_task_get_names(t);
	if (!names || !names->dev)
		goto out;
	for (;;) {
		rc = visit(names->name, fn, arg);
		if (rc || !names->next)
			break;
		names = (struct dm_names *)((char *)names + names->next);
	}
out:
	if (t)
		dm_task_destroy(t);
	return rc;
}

static int kernel_change(void *ctx, const char *name, struct err *e)
{
	struct dm_device dev;
	char path[64];
	int fd, rc;

	rc = kernel_info(ctx, name, &dev, e);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/uevent", major(dev.dev), minor(dev.dev));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	rc = write_all(fd, "change", strlen("change"));
	close(fd);
	return rc ? err_sys(e, rc, "cannot announce %s to udev", name) : 0;
}

static int kernel_warm(void *ctx, struct err *e)
{
	struct dm_task *t;
	int rc;

	(void)ctx;
	dm_hold_control_dev(1);
	t = task(DM_DEVICE_VERSION, NULL);
	rc = t ? run(t) : -ENOMEM;
	if (t)
		dm_task_destroy(t);
	return rc ? err_sys(e, rc, "cannot open /dev/mapper/control") : 0;
}

int dm_target_version(const char *target, unsigned int version[3])
{
	struct dm_task *t = task(DM_DEVICE_LIST_VERSIONS, NULL);
	struct dm_versions *v;
	int rc;

	if (!t)
		return -ENOMEM;
	rc = run(t);
	if (rc)
		goto out;
	v = dm_task_get_versions(t);
	while (strcmp(v->name, target) && v->next)
		v = (struct dm_versions *)((char *)v + v->next);
	rc = strcmp(v->name, target) ? -ENOENT : 0;
	if (!rc)
		memcpy(version, v->version, 3 * sizeof(*version));
out:
	dm_task_destroy(t);
	return rc;
}

void dm_forget(void)
{
	dm_lib_release();
}

const struct dm_ops dm_kernel = {
	.create = kernel_create,
	.message = kernel_message,
	.info = kernel_info,
	.error_table = kernel_error_table,
	.table = kernel_table,
	.reload = kernel_reload,
	.remove = kernel_remove,
	.each = kernel_each,
	.change = kernel_change,
	.warm = kernel_warm,
};
