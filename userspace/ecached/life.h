/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_LIFE_H
#define ECACHED_LIFE_H

/*
 * For tests of what happens to a volume after create: c1 exists, and the verbs run on it.
 * Include after common/test.h.
 */
#include "regranting.h"
#include "world.h"

static inline struct request ask(enum request_verb verb)
{
	struct request rq = { .verb = verb, .name = "c1", .sector_size = 4096, .key_size = 64 };

	if (verb == REQUEST_REWRAP)
		strcpy(rq.kms_key, WORLD_ARN2);
	return rq;
}

/* place_with_volume - c1 exists and is closed. */
static inline struct place *place_with_volume(void)
{
	struct request rq = ask(REQUEST_CREATE);
	struct place *p = place_make();

	strcpy(rq.device, p->disk);
	rq.no_open = true;
	assert_int_equal(run_job(p, job_create, &rq, NULL), RAN_OK);
	return p;
}

/* image_of - what a backup of c1 is written to. */
static inline const char *image_of(const struct place *p)
{
	static char path[96];

	snprintf(path, sizeof(path), "%.80s/c1.img", p->scratch.dir);
	return path;
}

static inline enum ran do_verb(struct place *p, enum request_verb verb, struct err *e)
{
	static int (*const jobs[REQUEST_NR])(struct job *j, struct err *e) = {
		[REQUEST_OPEN] = job_open, [REQUEST_CLOSE] = job_close, [REQUEST_REGRANT] = job_regrant,
		[REQUEST_REWRAP] = job_rewrap, [REQUEST_RESIZE] = job_resize, [REQUEST_DESTROY] = job_destroy,
		[REQUEST_DUMP] = job_dump,
		[REQUEST_BACKUP] = job_backup, [REQUEST_RESTORE] = job_restore,
	};
	struct request rq = ask(verb);

	if (verb == REQUEST_BACKUP)
		strcpy(rq.file, image_of(p));
	rq.max_freeze = REQUEST_FREEZE;
	return run_job(p, jobs[verb], &rq, e);
}

static inline struct state *state_of(const struct place *p)
{
	struct state *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(state_load(p->state, "c1", s, NULL), 0);
	return s;
}

/* recorded - is @what anywhere in the audit log? */
static inline bool recorded(const struct place *p, const char *what)
{
	static char log[65536];
	FILE *f = fopen(p->audit, "re");
	size_t n;

	assert_non_null(f);
	n = fread(log, 1, sizeof(log) - 1, f);
	log[n] = '\0';
	fclose(f);
	return strstr(log, what);
}

/* revoke_grant - the owner takes the grant back, and this host has noted it. */
static inline void revoke_grant(struct place *p)
{
	struct state *s = state_of(p);

	world_find_grant(s->grant_id)->alive = false;
	s->is_revoked = true;
	s->revoked.at = 1700000000;
	strcpy(s->revoked.verdict, "revoked");
	strcpy(s->revoked.reason, "AccessDeniedException: in the KMS's words");
	strcpy(s->revoked.request_id, "request-77");
	assert_int_equal(state_store(p->state, "c1", s, NULL), 0);
	free(s);
}

static inline enum dm_state mapped(const struct place *p)
{
	struct mapping m;

	assert_int_equal(mapping_get(&p->env.dm, "c1", &m, NULL), 0);
	assert_true(m.exists);
	return m.status.state;
}

/*
 * strike_every_call - @verb on a new c1 that @prepare (or NULL) made ready, struck in each
 * mode at its first call, at its second, and so on until there was nothing to strike;
 * @judge sees what is left after the next start. Returns how often it struck.
 */
static inline unsigned int strike_every_call(enum request_verb verb, void (*prepare)(struct place *p),
					     void (*judge)(struct place *p, enum ran how))
{
	enum fault_mode mode;
	unsigned int at, struck = 0;
	bool hit;

	for (mode = FAULT_FAIL_BEFORE; mode < FAULT_MODES; mode++) {
		for (at = 1, hit = true; hit; at++) {
			struct place *p = place_with_volume();
			enum ran how;

			if (prepare)
				prepare(p);
			world->fault = (struct fault){ .mode = mode, .at = at };
			how = do_verb(p, verb, NULL);
			hit = *world->fault.name;
			recover_all(p, "c1");
			if (!hit)
				assert_int_equal(how, RAN_OK);
			judge(p, how);
			struck += hit;
			place_drop(p);
		}
	}
	return struck;
}

#endif
