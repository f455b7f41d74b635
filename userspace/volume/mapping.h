/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_MAPPING_H
#define ECACHE_MAPPING_H

#include <stdbool.h>

#include "../common/err.h"
#include "../common/secret.h"
#include "device.h"
#include "dm.h"
#include "header.h"

/*
 * A volume in device-mapper. No message's return value is trusted: a kernel answers success for a
 * device without a live table, so each function reads STATUS back and reports what the target
 * itself says.
 */
struct mapping {
	bool exists;
	char name[VOLUME_NAME_MAX + 1];
	char luks_uuid[LUKS_UUID_LEN + 1];
	dev_t dev;
	int open_count;
	bool suspended;
	bool deferred_remove;
	bool is_ecache;		/* our target is live, status valid; else a teardown's error table */
	struct dm_status status;
};

/*
 * mapping_get - 0 also when it does not exist (m->exists); -EEXIST when the name belongs to
 * something not ours.
 */
int mapping_get(const struct dm *dm, const char *name, struct mapping *m, struct err *e);

/*
 * mapping_open - create the mapping for an open device and a checked header, LOCKED; then
 * mapping_key_set() and mapping_announce(). Drops the device's claim. Each key that is set ends
 * after @lease seconds (0: never) unless renewed. -EEXIST, -EBUSY, -ENODEV. Undo: mapping_close().
 */
int mapping_open(const struct dm *dm, const char *name, struct device *d, const struct header *h,
		 bool allow_discards, unsigned int lease, struct err *e);

/*
 * mapping_key_set - give the key to the target through the kernel keyring (the caller keeps
 * the secret and wipes it). 0 only when STATUS says ACTIVE with this key's id. -EKEYREJECTED
 * (another id), -EKEYREVOKED (REVOKED: only a new mapping helps), -EIO. The keyring key is gone on
 * return, whatever happened.
 */
int mapping_key_set(const struct dm *dm, const char *name, const char *luks_uuid,
		    const struct secret *key, struct err *e);

/*
 * mapping_renew - the key's lease ends @seconds from now. 0 only when STATUS says so. -ENOKEY: the
 * mapping is not there or has no key; -EINVAL: the key has no lease.
 */
int mapping_renew(const struct dm *dm, const char *name, unsigned int seconds, struct err *e);

/* mapping_announce - let udev look at the now readable volume. */
int mapping_announce(const struct dm *dm, const char *name, struct err *e);

/*
 * mapping_wipe, mapping_revoke - 0 when STATUS says that the key is gone (LOCKED; REVOKED) or the
 * mapping is not there or holds no ecache target. -EINPROGRESS: REVOKING. -EKEYREVOKED from wipe
 * when it is already REVOKED counts as 0.
 */
int mapping_wipe(const struct dm *dm, const char *name, struct err *e);
int mapping_revoke(const struct dm *dm, const char *name, struct err *e);

/*
 * mapping_close - orderly end: wipe the key, remove. -EBUSY with who uses it in @e and nothing
 * changed when the mapping is open.
 */
int mapping_close(const struct dm *dm, const char *name, struct err *e);

/*
 * mapping_sectors - the length of the live table. mapping_resize - another one, whole crypto
 * sectors; everything else stays, key, lease and state too, which the target keeps for the mapped
 * device. -ENXIO: no ecache table is live; -ESTALE: it is not over @d, as @h has it; may wait for
 * I/O that is on its way.
 */
int mapping_sectors(const struct dm *dm, const char *name, uint64_t *sectors, struct err *e);
int mapping_resize(const struct dm *dm, const char *name, const struct device *d, const struct header *h,
		   uint64_t sectors, struct err *e);

/*
 * mapping_each - every mapping of ours, with status; @fn returning non-zero ends the walk and is
 * returned.
 */
int mapping_each(const struct dm *dm, int (*fn)(void *ctx, const struct mapping *m), void *ctx,
		 struct err *e);

#endif
