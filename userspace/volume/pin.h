/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_PIN_H
#define ECACHE_PIN_H

#include <limits.h>
#include <stdbool.h>

#include "../common/err.h"
#include "../common/policy.h"
#include "header.h"
#include "swap.h"

/*
 * The pin: what root says a volume is. Only what header, pin and request agree on reaches the KMS.
 */
#define PIN_DIR "/etc/ecache/volumes.d"
#define PIN_UNIT_MAX 255

enum volume_kind {
	VOLUME_DATA,
	VOLUME_SWAP,		/* a swap area, under a KMS key and a grant as any other */
	VOLUME_BOOT_SWAP,	/* a swap area under a random key of this boot: no header, no KMS, no grant */
};

const char *volume_kind_name(enum volume_kind k);

/* pin_kind - VOLUME_DATA too when the pin cannot be read. */
enum volume_kind pin_kind(const char *dir, const char *name);

struct pin {
	enum volume_kind kind;
	char cache_id[CACHE_ID_MAX + 1];	/* boot-swap: "" */
	char luks_uuid[LUKS_UUID_LEN + 1];	/* boot-swap: the mapping's only */
	char key_arn[KMS_ARN_MAX + 1];		/* boot-swap: "" */
	char device[PATH_MAX];
	bool allow_discards;
	enum header_shape shape;	/* of the header: HEADER_CREATED, or what adopt left */
	int swap_priority;		/* SWAP_PRIORITY_ANY unless given */
	char unit[PIN_UNIT_MAX + 1];	/* "" when none */
	struct policies policy;		/* over ecached.conf's */
};

/* pin_init - the defaults; every text empty. */
void pin_init(struct pin *p);

/*
 * pin_load - DIR/NAME. -ENOENT, -EINVAL with file and line in @e, -EPERM when the file is not the
 * caller's own (root's) or others may write it.
 */
int pin_load(const char *dir, const char *name, struct pin *p, struct err *e);

/*
 * pin_create - a new pin file, mode 0600, durable; -EEXIST. pin_replace - atomically another
 * content. pin_set_key - atomically another key ARN (rewrap); everything else in the file stays,
 * its owner's comments too.
 */
int pin_create(const char *dir, const char *name, const struct pin *p, struct err *e);
int pin_replace(const char *dir, const char *name, const struct pin *p, struct err *e);
int pin_set_key(const char *dir, const char *name, const char *key_arn, struct err *e);

/* pin_remove - durable; a missing file is success. */
int pin_remove(const char *dir, const char *name, struct err *e);

/*
 * pin_match - header and pin say the same cache id, uuid and key ARN: 0, or -EBADMSG naming what
 * differs.
 */
int pin_match(const struct pin *p, const struct header *h, struct err *e);

/* pin_header - header_load() of the shape that the pin says, and pin_match(). */
int pin_header(const struct pin *p, const char *path, struct header *h, struct err *e);

/*
 * pin_each - call @fn for the name of every pin file in @dir, sorted (other files are skipped with
 * a warning). Stops at the first non-zero return and returns it. A missing directory holds no pins.
 */
int pin_each(const char *dir, int (*fn)(void *ctx, const char *name), void *ctx, struct err *e);

#endif
