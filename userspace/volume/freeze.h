/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_FREEZE_H
#define ECACHE_FREEZE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../common/err.h"

/*
 * An open volume kept still while it is copied. A mounted one is frozen (FIFREEZE: its file system is whole on the
 * disk, and who writes waits), and thawed in any event: a watchdog, a process of its own, thaws when it is told to,
 * when the time is over, and when the caller's end of their socket is gone, however it went. If the watchdog is
 * gone, the caller thaws (freeze_drop()). One that is not mounted is claimed by its mapping, so that nobody can
 * mount it.
 *
 * The watchdog is forked by freeze_prepare(): call it before there is a key in memory.
 */
struct freeze {
	int fd;			/* of the mount's root, or of the claimed mapping; -1 none */
	int sock;		/* to the watchdog; -1: not mounted */
	pid_t pid;
	bool frozen;		/* by us, and not known to be thawed */
	bool over;		/* the watchdog has thawed: the time was over */
	int64_t since_ms;	/* when it began */
	unsigned int max_ms;
	char where[PATH_MAX];	/* the mount point, "" not mounted */
};

#define FREEZE_INIT { .fd = -1, .sock = -1 }

/*
 * freeze_prepare - nothing is frozen yet. -EBUSY: in use, but not by a file system that can be reached; -ENOMEM,
 * -EAGAIN. @mapper is "/dev/mapper/NAME" of @dev.
 */
int freeze_prepare(struct freeze *f, const char *mapper, dev_t dev, unsigned int max_ms, struct err *e);

/* freeze_begin - -EOPNOTSUPP, -EBUSY (somebody else has frozen it), -ETIMEDOUT. Nothing to do when not mounted. */
int freeze_begin(struct freeze *f, struct err *e);

/* freeze_check - whether it still is: 0, -ETIMEDOUT, -EIO (the watchdog is gone: end it). Never waits. */
int freeze_check(struct freeze *f, struct err *e);

/*
 * freeze_end - thawed on return, @paused_ms after it began (0: not mounted). -ETIMEDOUT: it was not frozen to the
 *	end.
 */
int freeze_end(struct freeze *f, int64_t *paused_ms, struct err *e);

/* freeze_drop - in whatever state it is: thawed, no process left. */
void freeze_drop(struct freeze *f);

/*
 * freeze_left - after a kill of caller and watchdog: thaw what is mounted of @dev. Of a file system that is not
 *	frozen, nothing.
 */
void freeze_left(dev_t dev);

#endif
