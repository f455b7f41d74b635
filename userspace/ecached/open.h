/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_OPEN_H
#define ECACHED_OPEN_H

#include <stdbool.h>

#include "../common/secret.h"
#include "../volume/device.h"
#include "job.h"
#include "unwrap.h"

/*
 * volume_open - the whole way from a name to an ACTIVE mapping: pin, state, device, header
 *	and their agreement before any KMS call; unwrap with the pinned key; audit record
 *	on disk; digest; mapping LOCKED; key; announce; state. A mapping that is LOCKED
 *	already (policy lock) gets its key again. Leaves no mapping that was not there
 *	before when it fails.
 */
struct open_options {
	const char *name;
	const char *device;		/* NULL: the pin's */
	bool accept_older_header;
};

struct opened {
	bool already;			/* was ACTIVE before */
	char key_arn[KMS_ARN_MAX + 1];
	char key_id[KEYID_LEN + 1];
	char request_id[80];
};

int volume_open(const struct env *env, struct talk *t, const struct open_options *o, struct opened *out, struct err *e);

enum activate_flags {
	ACTIVATE_LOCKED = 1,	/* the mapping is there, LOCKED */
	ACTIVATE_NEW_SWAP = 2,	/* of a swap volume: make the swap area first */
};

/*
 * volume_activate - the second half, with the key in hand: mapping, key, announce; a swap
 *	volume is swapped to. The device's claim is dropped.
 */
int volume_activate(const struct env *env, const char *name, struct device *d, const struct header *h,
		    const struct pin *p, const struct secret *key, unsigned int flags, struct err *e);

/*
 * volume_key - the key of a volume for somebody outside the kernel, without opening it:
 *	everything is checked as by volume_open(), and an audit record "unwrap" that names @to
 *	("pipe") is on disk before the key is returned. @key is empty before, and empty after a
 *	failure. @request_id is filled in either way.
 */
int volume_key(const struct env *env, struct talk *t, const char *name, const char *to, struct secret *key,
	       char request_id[REQUEST_ID_SIZE], struct err *e);

/*
 * volume_access - the same, and the device that it was checked on, open and (of a closed volume) claimed, with its
 *	header: for who reads it. @d is closed by the caller, also after a failure.
 */
int volume_access(const struct env *env, struct talk *t, const char *name, const char *to, struct device *d,
		  struct header *h, struct secret *key, struct err *e);

#endif
