/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_TEARDOWN_H
#define ECACHE_TEARDOWN_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include "../common/err.h"
#include "dm.h"
#include "name.h"
#include "pin.h"
#include "revoker.h"

/*
 * Teardown that always ends. teardown_start() forks one supervisor for the volume; the supervisor
 * runs each step in a child of its own with a time slot, kills and abandons a child that outlives
 * its slot (a child in D state cannot be reaped, so nobody waits for it), and reports every step
 * over a socket. Neither the daemon nor the supervisor ever makes a call that can wait for a disk.
 * One process per volume rather than a state machine in the daemon: it goes on when the daemon
 * dies.
 *
 * Slots, as parts of the deadline counted from the verdict: stop until 1/3, kill and file-system
 * shutdown until 1/2, umount and swapoff until 6/10, then at the latest the key goes; error table until 9/10,
 * remove until the end. Before the key goes the steps share what is left until its slot; after it a
 * step that has no time left still gets TEARDOWN_GRACE_MS. When half of the deadline has passed at
 * the start (a long queue), the key goes first. Every step runs, whatever happened to those before
 * it, so the whole ends at the latest nine graces and TEARDOWN_KEEP_MS after the deadline.
 */
enum teardown_step {
	TEARDOWN_STOP,		/* systemd StopUnit, waited for */
	TEARDOWN_KILL,		/* cgroup.kill of the unit */
	TEARDOWN_SHUTDOWN,	/* file system shutdown ioctl, ext4 and xfs */
	TEARDOWN_UMOUNT,	/* in every mount namespace; detached when busy */
	TEARDOWN_SWAPOFF,	/* of a swap area, when there is room for what is in it */
	TEARDOWN_KEY,		/* key revoke or, policy lock, key wipe; status read back */
	TEARDOWN_ERROR,		/* BLKFLSBUF; policy teardown: error table */
	TEARDOWN_REMOVE,	/* policy teardown: swapoff without the key, remove, deferred while open */
	TEARDOWN_VERIFY,	/* what is left, read back: enum teardown_left */
	TEARDOWN_NR
};

#define TEARDOWN_GRACE_MS 500
#define TEARDOWN_KEEP_MS 5000
#define TEARDOWN_ERR_MAX 255

const char *teardown_step_name(enum teardown_step s);

/* Read while teardown_start() runs, not kept. */
struct teardown_spec {
	const char *name;		/* volume */
	enum policy policy;		/* POLICY_TEARDOWN or POLICY_LOCK */
	const char *unit;		/* systemd unit to stop, NULL or "": none */
	dev_t dev;			/* of the mapping, from mapping_get(); 0: not known, what needs it is skipped */
	int64_t verdict_ms;		/* CLOCK_BOOTTIME of the confirmed verdict */
	int64_t deadline_ms;		/* from verdict_ms, at least 1000 */
	int64_t key_gone_ms;		/* after verdict_ms: it was destroyed ahead of this; 0: it was not */
	struct revoker *revoker;	/* NULL: a step child destroys the key */
	const struct dm *dm;
	const struct teardown_keeper *keeper;	/* NULL: none */
	int lock;			/* descriptor that the supervisor keeps open until its end; 0: none */
};

struct teardown_step_report {
	enum teardown_outcome {
		STEP_PENDING,
		STEP_RUNNING,
		STEP_OK,
		STEP_SKIPPED,	/* nothing to do */
		STEP_FAILED,
		STEP_ABANDONED,	/* outlived its slot; killed, not waited for */
	} outcome;
	int64_t start_ms;		/* after the verdict */
	int64_t ms;			/* how long it took */
	int rc;				/* negative errno */
	char text[TEARDOWN_ERR_MAX + 1];	/* error or note ("2 mounts, 1 detached") */
};

struct teardown_report {
	struct teardown_step_report step[TEARDOWN_NR];
	struct teardown_step_report record;	/* of the keeper; STEP_PENDING: there was none to make */
	bool ahead;			/* the key went before the first step: spec.key_gone_ms */
	bool done;
	bool key_gone;			/* the target said so, or the mapping no longer exists */
	int64_t key_gone_ms;		/* after the verdict; -1 when not */
	int64_t total_ms;
	bool removed;			/* mapping removed; else deferred, or LOCKED */
	bool in_time;			/* key gone by the deadline */
};

/*
 * What remembers a teardown, in the supervisor's hands so that nothing is lost with the daemon. Each runs in a child of
 * its own, which may wait for a disk; there they cannot log.
 */
struct teardown_keeper {
	/* Beside the first step; nobody waits for it, and it outlives everybody. Returns 0 or an errno with @note. */
	int (*record)(void *ctx, char *note);
	/* Before the end is told; killed after TEARDOWN_KEEP_MS. */
	void (*keep)(void *ctx, const struct teardown_report *report);
	void *ctx;
};

struct teardown;

/*
 * teardown_start - -EAGAIN, -ENOMEM when no process could be made (retry; the caller may ask the
 * revoker by itself).
 */
int teardown_start(struct teardown **out, const struct teardown_spec *spec, struct err *e);

/* teardown_fd - poll for reading, then call teardown_progress(). */
int teardown_fd(const struct teardown *t);

/*
 * teardown_progress - take what has been reported; never waits. 0: goes on, 1: done (report->done),
 * -EPIPE: the supervisor died before the end: start again (every step is idempotent).
 */
int teardown_progress(struct teardown *t);
const struct teardown_report *teardown_report(const struct teardown *t);

/*
 * teardown_recorded - whether the keeper's record is made, has failed, or will not be heard of any more. Until then
 * teardown_fd() may become readable, after the end too.
 */
bool teardown_recorded(const struct teardown *t);

/* teardown_free - the supervisor, if it still runs, goes on by itself. */
void teardown_free(struct teardown *t);

/* teardown_run - start and wait for the end, for tools. */
int teardown_run(const struct teardown_spec *spec, struct teardown_report *report, struct err *e);

/*
 * teardown_json - { "key_gone": BOOL, "key_gone_ms": N, …, "steps": [
 * {"name","outcome","start_ms","ms","text"} ] }, NULL: no memory.
 */
struct json_object *teardown_json(const struct teardown_report *report);

/* What TEARDOWN_VERIFY returns when the mapping has no key; a mapping with one is a negative errno. */
enum teardown_left {
	LEFT_NOTHING = 0,
	LEFT_ERROR_TABLE = 1,
	LEFT_REVOKED = 2,
	LEFT_LOCKED = 3,
};

/*
 * What a step does, run in its child, which is killed at @until_ms (CLOCK_BOOTTIME): returns 0 (VERIFY:
 * enum teardown_left) or a negative errno, -ENOENT meaning "nothing to do" (skipped). Tests replace
 * steps by ones that hang. @note: TEARDOWN_ERR_MAX + 1 bytes for a remark or the error.
 */
struct teardown_steps {
	int (*run[TEARDOWN_NR])(const struct teardown_spec *spec, int64_t until_ms, char *note);
	/*
	 * Whether there is nothing to do, as far as the order alone says; then no process is made for it: a
	 * hundred teardowns at once share the processors with what goes on. NULL: never.
	 */
	bool (*idle)(const struct teardown_spec *spec, enum teardown_step s);
};

extern const struct teardown_steps teardown_real;

int teardown_start_steps(struct teardown **out, const struct teardown_spec *spec,
			 const struct teardown_steps *steps, struct err *e);

#endif
