// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "fleet.h"

#define MINUTE 60000LL
#define HOUR (60 * MINUTE)
#define SAMPLES_WANTED 2000	/* of a time that does not depend on the size of the fleet */
#define HOSTS_WANTED 200
#define OUTAGE_HOSTS 1000	/* an hour is long */

static void put(struct json_object *o, const char *name, double value)
{
	struct json_object *d = json_object_new_double(value);

	json_object_set_serializer(d, json_object_double_to_json_string, (void *)"%.3f", NULL);
	json_object_object_add(o, name, d);
}

static void put_whole(struct json_object *o, const char *name, double value)
{
	json_object_object_add(o, name, json_object_new_int64((int64_t)(value + 0.5)));
}

static void put_samples(struct json_object *o, const char *name, struct samples *s)
{
	struct json_object *p = json_object_new_object();

	put(p, "p50_s", (double)samples_part(s, 0.5) / 1000);
	put(p, "p99_s", (double)samples_part(s, 0.99) / 1000);
	put(p, "max_s", (double)samples_part(s, 1) / 1000);
	put_whole(p, "samples", (double)s->nr);
	json_object_object_add(o, name, p);
}

void seen_init(struct seen *s, const struct plan *p)
{
	*s = (struct seen){ 0 };
	load_init(&s->load, p->length_ms);
}

void seen_free(struct seen *s)
{
	load_free(&s->load);
	samples_free(&s->late);
	samples_free(&s->back);
	samples_free(&s->ok);
}

/* run_hosts - those of the sample, evenly from the whole fleet. */
static void run_hosts(const struct fleet *f, const struct plan *p, struct seen *s)
{
	unsigned long i;

	for (i = 0; i < f->sample; i++)
		host_run(f, p, i * f->hosts / f->sample, s);
}

/* put_acts - what ended although nobody had taken a right must be nothing, in every case. */
static void put_acts(struct json_object *o, const struct seen *s)
{
	put_whole(o, "teardowns", (double)s->teardowns);
	put_whole(o, "locks", (double)s->locks);
	put_whole(o, "wrong", (double)s->wrong);
	put_whole(o, "brakes", (double)s->brakes);
}

static void put_calls(struct json_object *o, const char *name, const struct load *l, enum call which, int64_t from_ms,
		      int64_t to_ms)
{
	struct json_object *c = json_object_new_object();

	put(c, "mean_per_s", load_mean(l, which, from_ms, to_ms));
	put(c, "peak_per_s", load_peak(l, which, from_ms, to_ms));
	json_object_object_add(o, name, c);
}

struct json_object *case_steady(const struct fleet *f)
{
	const struct plan p = { .length_ms = 4 * f->interval_ms, .push = true };
	struct json_object *o = json_object_new_object();
	struct seen s;

	seen_init(&s, &p);
	run_hosts(f, &p, &s);
	put_whole(o, "hosts_run", (double)s.hosts);
	put_calls(o, "decrypt", &s.load, CALL_DECRYPT, f->interval_ms, p.length_ms);
	put_calls(o, "describe_key", &s.load, CALL_DESCRIBE, f->interval_ms, p.length_ms);
	put_calls(o, "list_grants", &s.load, CALL_LIST_GRANTS, f->interval_ms, p.length_ms);
	put_calls(o, "receive_message", &s.load, CALL_QUEUE, f->interval_ms, p.length_ms);
	/* The first interval is that of agents that were all started at once. */
	put_calls(o, "agents_start", &s.load, CALL_DECRYPT, 0, f->interval_ms);
	put_acts(o, &s);
	seen_free(&s);
	return o;
}

struct json_object *case_boot(const struct fleet *f)
{
	struct json_object *o = json_object_new_object();
	struct plan p = { .length_ms = HOUR };
	struct boot b;
	struct seen s;

	boot_run(f, &b);
	p.opened_ms = b.opened_ms;
	p.length_ms = samples_part(&b.took, 1) + f->boot_ms + 2 * f->interval_ms;
	seen_init(&s, &p);
	run_hosts(f, &p, &s);
	put_whole(o, "opened", (double)b.opened);
	put_whole(o, "peak_per_s", b.peak);
	put_whole(o, "refused_by_kms", (double)b.refused_kms);
	put_whole(o, "refused_by_ecached", (double)b.refused_local);
	put_samples(o, "open_after", &b.took);
	put_calls(o, "probes_after", &s.load, CALL_DECRYPT, 0, p.length_ms);
	put_acts(o, &s);
	seen_free(&s);
	boot_free(&b);
	return o;
}

/* few - the fleet with at most @hosts of it run. */
static struct fleet few(const struct fleet *f, unsigned long hosts)
{
	struct fleet less = *f;

	if (less.sample > hosts)
		less.sample = hosts;
	return less;
}

struct json_object *case_outage(const struct fleet *f)
{
	const struct fleet less = few(f, OUTAGE_HOSTS);
	const struct plan p = {
		.length_ms = 3 * f->interval_ms + HOUR,
		.outage_ms = f->interval_ms,
		.outage_end_ms = f->interval_ms + HOUR,
	};
	struct json_object *o = json_object_new_object();
	struct seen s;

	seen_init(&s, &p);
	run_hosts(&less, &p, &s);
	put_whole(o, "hosts_run", (double)s.hosts);
	put_calls(o, "before", &s.load, CALL_DECRYPT, 0, p.outage_ms);
	put_calls(o, "meanwhile", &s.load, CALL_DECRYPT, p.outage_ms, p.outage_end_ms);
	put_calls(o, "after", &s.load, CALL_DECRYPT, p.outage_end_ms, p.length_ms);
	put_samples(o, "ok_again_after", &s.back);
	put_acts(o, &s);
	seen_free(&s);
	return o;
}

/* run_taking - until there are enough samples: again with other chances, if the fleet is small. */
static void run_taking(const struct fleet *f, const struct plan *p, struct seen *s)
{
	struct fleet less = few(f, HOSTS_WANTED);
	unsigned int rounds = 0;

	seen_init(s, p);
	do {
		run_hosts(&less, p, s);
		less.seed = chance_seed(f->seed, rounds, 5);
	} while (s->late.nr < SAMPLES_WANTED && rounds++ < SAMPLES_WANTED);
}

static struct plan taking(const struct fleet *f, enum taken taken)
{
	return (struct plan){
		.length_ms = 5 * f->interval_ms + 20 * MINUTE,
		.taken = taken,
		.taken_from_ms = f->interval_ms,
		.taken_to_ms = 2 * f->interval_ms,
		.grants = f->per_host / 10 + 1,
	};
}

static struct json_object *take(const struct fleet *f, struct plan p)
{
	struct json_object *o = json_object_new_object();
	struct seen s;

	run_taking(f, &p, &s);
	put_samples(o, "late", &s.late);
	put_whole(o, "missed", (double)s.missed);
	put_acts(o, &s);
	seen_free(&s);
	return o;
}

struct json_object *case_revoked(const struct fleet *f)
{
	struct json_object *o = json_object_new_object();
	struct plan grants = taking(f, TAKEN_GRANTS), key = taking(f, TAKEN_KEY);

	json_object_object_add(o, "grant_by_poll", take(f, grants));
	json_object_object_add(o, "key_by_poll", take(f, key));
	grants.push = true;
	key.push = true;
	json_object_object_add(o, "grant_by_push", take(f, grants));
	json_object_object_add(o, "key_by_push", take(f, key));
	return o;
}

/* case_throttled - others have used the quota up: every second call is refused, for the whole run. */
struct json_object *case_throttled(const struct fleet *f)
{
	struct json_object *o = json_object_new_object();
	struct plan p = taking(f, TAKEN_GRANTS);
	struct seen s;
	double *refused;
	int64_t i;

	p.length_ms += HOUR;
	refused = need(p.length_ms / 1000 + 1, sizeof(*refused));
	for (i = 0; i <= p.length_ms / 1000; i++)
		refused[i] = 0.5;
	p.refused = refused;
	run_taking(f, &p, &s);
	put_samples(o, "late", &s.late);
	put_samples(o, "from_ok_to_ok", &s.ok);
	put_whole(o, "missed", (double)s.missed);
	put_acts(o, &s);
	seen_free(&s);
	free(refused);
	return o;
}
