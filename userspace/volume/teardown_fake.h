/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_TEARDOWN_FAKE_H
#define ECACHE_TEARDOWN_FAKE_H

/*
 * For tests of the supervisor: steps that do, fail or hang as they are told, in processes of their own, on
 * device-mapper in shared memory. Include after common/test.h.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "dm_fake.h"
#include "sample.h"
#include "teardown.h"

/* For a loaded machine: far more than a fork takes, and still short of the deadlines that are asserted. */
#define SLACK 1000

/* Shared with the step processes: what a step is to do, and what was done when. */
enum behaviour { DOES, FAILS, SKIPS, HANGS, CRASHES, LEFT };

struct shared {
	struct dm_fake fake;
	enum behaviour how[TEARDOWN_NR];
	int left;			/* what VERIFY finds */
	int64_t began[TEARDOWN_NR];	/* after the verdict, -1: never */
	int runs, order[TEARDOWN_NR];
	pid_t supervisor;
	enum behaviour recording;	/* what the keeper does */
	int recorded, kept;
	pid_t recorder;
	struct teardown_report report;	/* as kept */
};

static struct shared *sh;	/* for the steps, which get no context */

struct fixture {
	struct dm dm;
	struct revoker r;
	struct teardown_spec spec;
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int i;

	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(sh, MAP_FAILED);
	for (i = 0; i < TEARDOWN_NR; i++)
		sh->began[i] = -1;
	f->dm.ops = &dm_fake_ops;
	f->dm.ctx = &sh->fake;
	f->r = (struct revoker)REVOKER_INIT;
	assert_int_equal(dm_fake_create(&sh->fake, "v1", "ECACHE-" SAMPLE_UUID "-v1", 8, "", NULL), 0);
	sh->fake.dev[0].state = DM_STATE_ACTIVE;
	f->spec = (struct teardown_spec){
		.name = "v1", .policy = POLICY_TEARDOWN, .dev = makedev(DM_FAKE_MAJOR, 0), .verdict_ms = now_ms(),
		.deadline_ms = 3000, .dm = &f->dm,
	};
	*state = f;
	return 0;
}

static inline int cleanup(void **state)
{
	struct fixture *f = *state;

	revoker_stop(&f->r);
	munmap(sh, sizeof(*sh));
	free(f);
	return 0;
}

static inline int act(const struct teardown_spec *spec, enum teardown_step s, char *note)
{
	sh->supervisor = getppid();
	if (sh->runs < TEARDOWN_NR)
		sh->order[sh->runs++] = s;
	sh->began[s] = now_ms() - spec->verdict_ms;
	switch (sh->how[s]) {
	case DOES:
		return 0;
	case LEFT:
		return sh->left;
	case SKIPS:
		return -ENOENT;
	case FAILS:
		strcpy(note, "does not work");
		return -EIO;
	case CRASHES:
		kill(getpid(), SIGKILL);
		break;
	case HANGS:
		break;
	}
	for (;;)
		pause();
}

#define STEP(name, s) \
	static inline int name(const struct teardown_spec *spec, int64_t until_ms, char *note) \
	{ \
		(void)until_ms; \
		return act(spec, s, note); \
	}

STEP(fake_stop, TEARDOWN_STOP)
STEP(fake_kill, TEARDOWN_KILL)
STEP(fake_shutdown, TEARDOWN_SHUTDOWN)
STEP(fake_umount, TEARDOWN_UMOUNT)
STEP(fake_swapoff, TEARDOWN_SWAPOFF)
STEP(fake_key, TEARDOWN_KEY)
STEP(fake_error, TEARDOWN_ERROR)
STEP(fake_remove, TEARDOWN_REMOVE)
STEP(fake_verify, TEARDOWN_VERIFY)

static const struct teardown_steps fakes = {
	.run = { fake_stop, fake_kill, fake_shutdown, fake_umount, fake_swapoff, fake_key, fake_error, fake_remove,
		 fake_verify },
};

static inline int fake_record(void *ctx, char *note)
{
	struct shared *s = ctx;

	s->recorder = getpid();
	s->recorded++;
	if (s->recording == HANGS)
		pause();
	if (s->recording != FAILS)
		return 0;
	strcpy(note, "no room");
	return -ENOSPC;
}

static inline void fake_keep(void *ctx, const struct teardown_report *report)
{
	struct shared *s = ctx;

	s->report = *report;
	s->kept++;
}

/* What the daemon does. */
static inline int drive(struct teardown *t, struct teardown_report *out)
{
	struct pollfd p = { .fd = teardown_fd(t), .events = POLLIN };
	int rc = 0;

	while (!rc) {
		assert_true(poll(&p, 1, 20000) > 0);
		rc = teardown_progress(t);
	}
	*out = *teardown_report(t);
	teardown_free(t);
	return rc;
}

static inline void run(struct fixture *f, struct teardown_report *re)
{
	struct teardown *t;

	assert_int_equal(teardown_start_steps(&t, &f->spec, &fakes, NULL), 0);
	assert_int_equal(drive(t, re), 1);
	assert_true(re->done);
}

#define teardown_test(f) cmocka_unit_test_setup_teardown(f, setup, cleanup)

#endif
