/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_WATCHING_H
#define ECACHED_WATCHING_H

#include "../volume/mapping.h"
#include "../volume/pin.h"
#include "../volume/state.h"
#include "daemon.h"
#include "listed.h"
#include "request.h"
#include "tally.h"

/*
 * The watcher in the daemon: its clock is the event loop's, its questions are netcalls, its
 * orders are workers.
 */
int watching_start(struct daemon *d, struct err *e);
void watching_stop(struct daemon *d);

/* watching_add - watch a mapping that is ACTIVE or LOCKED, or bring what is known of it up to date. */
int watching_add(struct daemon *d, const struct mapping *m, const struct pin *p, const struct state *s);
void watching_remove(struct daemon *d, const char *name);

/* watching_confirm - what job_confirm() found in order and put on record: the volumes, and without @name the brake. */
void watching_confirm(struct daemon *d, const struct request *rq);

/* watching_kick - something changed: look at what is due. */
void watching_kick(struct daemon *d);

/* What the watcher needs of a volume beside struct watch_volume: hangs on its data pointer. */
struct watched {
	char cache_id[CACHE_ID_MAX + 1];
	char luks_uuid[LUKS_UUID_LEN + 1];
	char unit[PIN_UNIT_MAX + 1];
	char hook[POLICY_HOOK_MAX + 1];
	int64_t deadline_ms;
	int64_t noted_ms;		/* last OK on record */
	bool note_due;			/* the record is behind */
	enum listed listed;
	struct tally tally;
	size_t blob_len;
	uint8_t blob[KMS_BLOB_MAX];
};

#endif
