/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_DM_H
#define ECACHE_DM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../common/err.h"
#include "dmline.h"

/*
 * Device-mapper's ioctls as a table of operations: dm_kernel is the real one (dm.c, the only file
 * that knows libdevmapper), tests bring their own. One call, one ioctl; what calls mean together is
 * in mapping.h. @ctx is struct dm's.
 */
struct dm_device {
	bool exists;
	bool suspended;
	bool live_table;
	bool deferred_remove;
	int open_count;
	dev_t dev;
	char uuid[DM_UUID_MAX + 1];	/* "" when longer than ours can be */
	char target[16];		/* of the first target of the live table, "" when none */
	char status[DM_LINE_MAX];	/* its status line */
};

struct dm_ops {
	/*
	 * create - mapping @name with @uuid and one ecache target, live, /dev/mapper/NAME there on
	 * return (with udev or without). udev's other rules are off until change(). -EEXIST, -EBUSY
	 * (name or device taken), -ENODEV (module ecache not there), -EINVAL (the target refused
	 * the table; the kernel log says why). Leaves nothing on failure.
	 */
	int (*create)(void *ctx, const char *name, const char *uuid, uint64_t sectors,
		      const char *params, struct err *e);
	/*
	 * message - to sector 0, with DM_SECURE_DATA_FLAG. Negative errno of the ioctl; the text is
	 * never put in @e.
	 */
	int (*message)(void *ctx, const char *name, const char *text, struct err *e);
	/*
	 * info - -ENXIO when there is no such mapping (info->exists false). Never flushes, never
	 * waits for I/O.
	 */
	int (*info)(void *ctx, const char *name, struct dm_device *info, struct err *e);
	/*
	 * error_table - load an error target of the same length, suspend (noflush, no lockfs),
	 * resume. May wait for I/O.
	 */
	int (*error_table)(void *ctx, const char *name, struct err *e);
	/* table - of the live table's one target, if it is ours: length and parameters. -ENXIO, -ENODATA. */
	int (*table)(void *ctx, const char *name, uint64_t *sectors, char params[DM_LINE_MAX], struct err *e);
	/*
	 * reload - that table with other @sectors or @params, live on return; what is on its way ends
	 * first, so it may wait for I/O. A failure leaves the old one.
	 */
	int (*reload)(void *ctx, const char *name, uint64_t sectors, const char *params, struct err *e);
	/* remove - -EBUSY when open and not @deferred; -ENXIO. */
	int (*remove)(void *ctx, const char *name, bool deferred, struct err *e);
	/* each - name and uuid of every mapping whose uuid begins with "ECACHE-". */
	int (*each)(void *ctx, int (*fn)(void *arg, const char *name, const char *uuid),
		    void *arg, struct err *e);
	/*
	 * change - a change event, so that udev looks at what the volume holds. Success without
	 * udev.
	 */
	int (*change)(void *ctx, const char *name, struct err *e);
	/*
	 * warm - open /dev/mapper/control and keep it, so that later calls need no open(): for the
	 * revoker.
	 */
	int (*warm)(void *ctx, struct err *e);
};

struct dm {
	const struct dm_ops *ops;
	void *ctx;
};

extern const struct dm_ops dm_kernel;

/* dm_target_version - of a target that the kernel has loaded: 0, -ENOENT (not loaded), or why it cannot be asked. */
int dm_target_version(const char *target, unsigned int version[3]);

/*
 * dm_map - a mapping of @target (which the kernel may load for it), live; no volume's, so the uuid must not be one of
 * ours. udev makes its node and looks no further. @params may name a key of the keyring, but hold none. Leaves nothing
 * on failure. Removed by dm_kernel.remove.
 */
int dm_map(const char *name, const char *uuid, uint64_t sectors, const char *target, const char *params, struct err *e);

/*
 * dm_forget - close what libdevmapper keeps open (/dev/mapper/control), in a child that is about to close all
 * descriptors: libdevmapper would go on to use the number.
 */
void dm_forget(void);

#define DM_KERNEL { .ops = &dm_kernel, .ctx = NULL }

#endif
