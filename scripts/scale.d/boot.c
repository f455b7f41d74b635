// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ecachectl/hold.h"
#include "ecached/ratelimit.h"
#include "ecached/worker.h"
#include "fleet.h"
#include "kms.h"
#include "kms/retry.h"

/*
 * All hosts at once, since a call that the KMS refuses comes again and meets the others': a wheel of SLOT_MS, and in
 * each slot the list of the caches that have something to do then. A host's own work for a cache is OPEN_MS before the
 * call and after.
 */
#define SLOT_MS 10
#define OPEN_MS 100
#define RUN_MS (60 * 60 * 1000)
#define ATTEMPTS 3		/* net/worker.c: CALL_ATTEMPTS, CALL_TOTAL_MS, CALL_MS */
#define TOTAL_MS 18000
#define CALL_MS 8000
#define NONE UINT32_MAX

enum step { STEP_ASK_AGENT, STEP_ASK_KMS, STEP_DONE };

struct opening {
	uint32_t next;
	uint32_t begun_ms;		/* the call with its retries */
	uint16_t paid;
	uint16_t pause;			/* of ecache@.service: tenths of a second; 0: the first */
	uint8_t step;
	uint8_t attempt;
};

struct opener {
	struct ratelimit limit;		/* of ecached's socket */
	struct retry_bucket bucket;	/* of ecache-net */
	unsigned int running;
	uint32_t up_ms;
};

struct storm {
	const struct fleet *f;
	struct boot *b;
	uint64_t random;
	uint32_t now;
	uint32_t *slot;
	struct opening *cache;
	struct opener *host;
	struct load load;
	double tokens;			/* of the KMS's bucket: a second's worth at most */
};

static struct opener *host_of(struct storm *s, uint32_t i)
{
	return &s->host[i / s->f->per_host];
}

static void later(struct storm *s, uint32_t i, int64_t ms, enum step step)
{
	uint32_t at = (s->now + ms) / SLOT_MS + 1;

	if (at >= RUN_MS / SLOT_MS)
		return;
	s->cache[i].step = step;
	s->cache[i].next = s->slot[at];
	s->slot[at] = i;
}

/* pause - as ecachectl/hold.c does after a failure: from half to all of 5, 10, 20, 30 s. */
static void pause_it(struct storm *s, uint32_t i)
{
	struct opening *c = &s->cache[i];
	int pause = c->pause ? c->pause * 100 : HOLD_PAUSE_MS;

	later(s, i, pause / 2 + chance_up_to(&s->random, pause / 2), STEP_ASK_AGENT);
	c->pause = (pause * 2 > HOLD_PAUSE_MAX_MS ? HOLD_PAUSE_MAX_MS : pause * 2) / 100;
}

static void ask_agent(struct storm *s, uint32_t i)
{
	struct opener *h = host_of(s, i);

	if (!ratelimit_take(&h->limit, 0, s->now) || h->running >= WORKERS_MAX) {
		s->b->refused_local++;
		pause_it(s, i);
		return;
	}
	h->running++;
	s->cache[i].attempt = 0;
	s->cache[i].paid = 0;
	s->cache[i].begun_ms = s->now + OPEN_MS;
	later(s, i, OPEN_MS, STEP_ASK_KMS);
}

/* retried - a throttled call comes again, if ecache-net still has the means and the time. */
static bool retried(struct storm *s, uint32_t i, const struct kms_answer *a)
{
	struct opening *c = &s->cache[i];
	enum retry why = retry_class(a, false);
	unsigned int delay = retry_delay_ms(c->attempt, chance_up_to(&s->random, UINT32_MAX), 0);

	if (why == RETRY_NEVER || c->attempt >= ATTEMPTS || s->now + delay + CALL_MS > c->begun_ms + TOTAL_MS)
		return false;
	c->paid = retry_take(&host_of(s, i)->bucket, why);
	if (!c->paid)
		return false;
	later(s, i, delay, STEP_ASK_KMS);
	return true;
}

static void ask_kms(struct storm *s, uint32_t i)
{
	struct opening *c = &s->cache[i];
	struct kms_answer a;

	load_add(&s->load, CALL_DECRYPT, s->now, 1);
	c->attempt++;
	if (s->tokens >= 1) {
		s->tokens--;
		later(s, i, kms_latency(s->f, SAYS_OK, &s->random) + OPEN_MS, STEP_DONE);
		retry_succeeded(&host_of(s, i)->bucket, c->paid);
		return;
	}
	s->b->refused_kms++;
	kms_words(SAYS_THROTTLED, &a);
	if (retried(s, i, &a))
		return;
	host_of(s, i)->running--;
	pause_it(s, i);
}

static void opened(struct storm *s, uint32_t i)
{
	host_of(s, i)->running--;
	s->b->opened_ms[i] = s->now;
	s->b->opened++;
	samples_add(&s->b->took, s->now - host_of(s, i)->up_ms);
}

static void act(struct storm *s, uint32_t i)
{
	switch (s->cache[i].step) {
	case STEP_ASK_AGENT:
		ask_agent(s, i);
		break;
	case STEP_ASK_KMS:
		ask_kms(s, i);
		break;
	case STEP_DONE:
		opened(s, i);
		break;
	}
}

static void tick(struct storm *s, uint32_t slot)
{
	uint32_t i, next;

	s->now = slot * SLOT_MS;
	s->tokens += (double)s->f->quota * SLOT_MS / 1000;
	if (s->tokens > s->f->quota)
		s->tokens = s->f->quota;
	for (i = s->slot[slot]; i != NONE; i = next) {
		next = s->cache[i].next;
		act(s, i);
	}
}

static void start(struct storm *s)
{
	unsigned long i;

	load_init(&s->load, RUN_MS);
	for (i = 0; i < RUN_MS / SLOT_MS; i++)
		s->slot[i] = NONE;
	for (i = 0; i < s->f->hosts; i++)
		s->host[i].up_ms = chance_up_to(&s->random, s->f->boot_ms);
	for (i = 0; i < s->f->caches; i++) {
		s->b->opened_ms[i] = UINT32_MAX;
		later(s, i, host_of(s, i)->up_ms, STEP_ASK_AGENT);
	}
}

void boot_run(const struct fleet *f, struct boot *b)
{
	struct storm s = {
		.f = f, .b = b, .random = chance_seed(f->seed, 0, 4), .slot = need(RUN_MS / SLOT_MS, sizeof(uint32_t)),
		.cache = need(f->caches, sizeof(struct opening)), .host = need(f->hosts, sizeof(struct opener)),
		.tokens = f->quota,
	};
	uint32_t slot;

	*b = (struct boot){ .opened_ms = need(f->caches, sizeof(uint32_t)) };
	start(&s);
	for (slot = 0; slot < RUN_MS / SLOT_MS && b->opened < f->caches; slot++)
		tick(&s, slot);
	b->peak = load_peak(&s.load, CALL_DECRYPT, 0, RUN_MS);
	load_free(&s.load);
	free(s.slot);
	free(s.cache);
	free(s.host);
}

void boot_free(struct boot *b)
{
	free(b->opened_ms);
	samples_free(&b->took);
}
