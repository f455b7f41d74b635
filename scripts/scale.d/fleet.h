/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCALE_FLEET_H
#define SCALE_FLEET_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A fleet of hosts on a virtual clock, before a KMS that is a few distributions. The agent's part is ecached's own
 * code: the watcher with its verdicts, hints and events (host.c), ecache-net's retries and the limits of ecached's
 * socket (boot.c). Hosts meet in the KMS alone, and a probe that is throttled is not repeated before its time: so each
 * host is run to its end by itself, and what they ask adds up by the second. To open is repeated, so boot.c has all
 * hosts at once.
 *
 * Times are milliseconds from the start of a run. The same options and seed give the same numbers.
 */
struct fleet {
	unsigned long caches;
	unsigned long hosts;
	unsigned int per_host;		/* the last host may have fewer */
	unsigned int keys_per_host;
	unsigned long keys;
	unsigned long sample;		/* so many hosts are run, their calls stand for all */
	int64_t interval_ms;
	bool canary;
	uint64_t seed;

	unsigned int quota;		/* of the account and region, a second: symmetric cryptographic operations */
	unsigned int latency_ms;	/* of an answer, at least; the rest is exponential with three times that */
	unsigned int spread_ms;		/* mean time until a server of the KMS knows of a revocation */
	unsigned int push_ms;		/* mean time from the owner's call to the event in the queue */
	unsigned int boot_ms;		/* hosts that boot together are up within */
};

unsigned int fleet_caches_of(const struct fleet *f, unsigned long host);

/* fleet_key - the number of the key that cache @i of @host is under. */
unsigned long fleet_key(const struct fleet *f, unsigned long host, unsigned int i);

/* chance.c: distributions, from a state that chance_seed() makes of numbers. */
uint64_t chance_seed(uint64_t seed, uint64_t a, uint64_t b);
double chance_unit(uint64_t *state);				/* 0 <= x < 1 */
int64_t chance_up_to(uint64_t *state, int64_t n);		/* 0..n */
int64_t chance_exponential(uint64_t *state, double mean);

/* load.c: how often each operation is called, by the second; and samples of a time. */
enum call { CALL_DECRYPT, CALL_DESCRIBE, CALL_LIST_GRANTS, CALL_QUEUE, CALLS };

struct load {
	unsigned int seconds;
	double *count[CALLS];
};

void load_init(struct load *l, int64_t length_ms);
void load_add(struct load *l, enum call which, int64_t at_ms, double weight);
double load_mean(const struct load *l, enum call which, int64_t from_ms, int64_t to_ms);
double load_peak(const struct load *l, enum call which, int64_t from_ms, int64_t to_ms);
void load_free(struct load *l);

struct samples {
	int32_t *ms;
	size_t nr, room;
	bool sorted;
};

void samples_add(struct samples *s, int64_t ms);
int64_t samples_part(struct samples *s, double part);	/* 0: the least, 1: the greatest; 0 when there is none */
void samples_free(struct samples *s);

/* host.c: what happens in a run, and what was seen. */
enum taken { TAKEN_NOTHING, TAKEN_GRANTS, TAKEN_KEY };

struct plan {
	int64_t length_ms;
	const uint32_t *opened_ms;	/* when each cache was opened, UINT32_MAX: never; NULL: all long ago */
	int64_t outage_ms, outage_end_ms;	/* no answer in between; 0, 0: none */
	const double *refused;		/* by the second: which share of calls is throttled; NULL: none */
	enum taken taken;		/* some grants of each host, or the first key of the host, once between... */
	int64_t taken_from_ms, taken_to_ms;
	unsigned int grants;		/* taken back on each host */
	bool push;			/* the host listens to a queue */
};

struct seen {
	struct load load;
	unsigned long hosts;		/* that were run */
	unsigned long teardowns, locks, reopens, brakes;
	unsigned long wrong;		/* acts against a cache whose right was not taken */
	unsigned long missed;		/* taken, and nothing done until the end */
	struct samples late;		/* from the owner's call to the order to end access */
	struct samples back;		/* from the end of the outage to the next OK */
	struct samples ok;		/* from OK to OK of one cache */
	double throttled;		/* calls */
};

void seen_init(struct seen *s, const struct plan *p);
void seen_free(struct seen *s);
void host_run(const struct fleet *f, const struct plan *p, unsigned long host, struct seen *s);

/* boot.c: every cache of every host is opened, as ecache@.service does, from the moment that its host is up. */
struct boot {
	uint32_t *opened_ms;		/* of each cache; UINT32_MAX: not within the run */
	unsigned long opened;
	unsigned long refused_kms;	/* calls that were throttled */
	unsigned long refused_local;	/* requests that ecached refused, to be repeated */
	double peak;			/* calls that the KMS saw in the worst second */
	struct samples took;		/* from the host's start to the open volume */
};

void boot_run(const struct fleet *f, struct boot *b);
void boot_free(struct boot *b);

/* cases.c: each answers one question about a fleet, as an object of numbers. */
struct json_object *case_steady(const struct fleet *f);
struct json_object *case_boot(const struct fleet *f);
struct json_object *case_outage(const struct fleet *f);
struct json_object *case_throttled(const struct fleet *f);
struct json_object *case_revoked(const struct fleet *f);

/* report.c: the same objects as tables. */
void report_fleet(const struct fleet *f, struct json_object *cases);
struct json_object *report_json(const struct fleet *f, struct json_object *cases);

/* Without memory there is nothing to simulate: these end the program. */
void *need(size_t nr, size_t size);

#endif
