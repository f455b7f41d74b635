// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <stdlib.h>

#include "bench_report.h"
#include "bench_stat.h"
#include "bench_words.h"
#include "call.h"

#define FORMAT 1

static struct json_object *must(struct json_object *o)
{
	if (!o)
		abort();	/* json-c returns NULL only when there is no memory */
	return o;
}

static struct json_object *object(void)
{
	return must(json_object_new_object());
}

/* Six digits that count are more than any of it is worth, and the same figure is the same text everywhere. */
static void add_real(struct json_object *o, const char *name, double v)
{
	char text[32];

	if (!isfinite(v))
		return;
	snprintf(text, sizeof(text), "%.6g", v);
	json_object_object_add(o, name, must(json_object_new_double_s(v, text)));
}

static void add_count(struct json_object *o, const char *name, uint64_t v)
{
	json_object_object_add(o, name, must(json_object_new_int64((int64_t)v)));
}

/* add_text - none when there is none. */
static void add_text(struct json_object *o, const char *name, const char *text)
{
	if (*text)
		call_add_string(o, name, text);
}

static void add_summary(struct json_object *o, const char *name, struct bench_summary s)
{
	struct json_object *in;

	if (!s.nr)
		return;
	in = object();
	add_real(in, "median", s.median);
	add_real(in, "min", s.min);
	add_real(in, "max", s.max);
	add_count(in, "rounds", s.nr);
	json_object_object_add(o, name, in);
}

static struct json_object *host(const struct bench_host *h)
{
	struct json_object *o = object();

	add_text(o, "cpu", h->cpu);
	add_count(o, "cpus", h->cpus);
	add_text(o, "memory", h->memory);
	add_text(o, "kernel", h->kernel);
	add_text(o, "governor", h->governor);
	add_text(o, "module", h->module);
	add_text(o, "fio", h->fio);
	json_object_object_add(o, "emulated", must(json_object_new_boolean(h->emulated)));
	add_real(o, "busy", h->busy);
	return o;
}

static struct json_object *targets(const struct bench *b)
{
	struct json_object *list = must(json_object_new_array()), *o;
	unsigned int i;

	for (i = 0; i < b->nr_targets; i++) {
		o = object();
		add_text(o, "name", b->targets[i].name);
		add_text(o, "title", b->targets[i].title);
		add_text(o, "driver", b->targets[i].driver);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *left_out(const struct bench *b)
{
	struct json_object *list = must(json_object_new_array()), *o;
	unsigned int i;

	for (i = 0; i < b->nr_left_out; i++) {
		o = object();
		add_text(o, "name", b->left_out[i].name);
		add_text(o, "why", b->left_out[i].why);
		json_object_array_add(list, o);
	}
	return list;
}

/* add_ratios - of this target to a reference, of what is compared: throughput, and what an I/O costs. */
static void add_ratios(struct json_object *o, const char *name, const struct bench *b, unsigned int cell,
		       unsigned int target, enum bench_kind to)
{
	int reference = bench_find(b, to);
	struct json_object *in;

	if (reference < 0)
		return;
	in = object();
	add_summary(in, bench_measures[BENCH_IOPS].name,
		    bench_ratio(b, cell, target, (unsigned int)reference, BENCH_IOPS));
	add_summary(in, bench_measures[BENCH_CPU].name,
		    bench_ratio(b, cell, target, (unsigned int)reference, BENCH_CPU));
	add_summary(in, bench_measures[BENCH_INSNS].name,
		    bench_ratio(b, cell, target, (unsigned int)reference, BENCH_INSNS));
	json_object_object_add(o, name, in);
}

static struct json_object *cell_target(const struct bench *b, unsigned int cell, unsigned int target)
{
	struct json_object *o = object();
	enum bench_measure m;

	add_text(o, "name", b->targets[target].name);
	for (m = 0; m < BENCH_MEASURES; m++)
		add_summary(o, bench_measures[m].name, bench_summary(b, cell, target, m));
	add_ratios(o, "to_raw", b, cell, target, BENCH_RAW);
	add_ratios(o, "to_crypt", b, cell, target, BENCH_CRYPT);
	add_ratios(o, "to_crypt_nwq", b, cell, target, BENCH_CRYPT_NWQ);
	return o;
}

static struct json_object *cell(const struct bench *b, unsigned int c)
{
	struct json_object *o = object(), *list = must(json_object_new_array()), *noise = object();
	enum bench_measure m;
	unsigned int i;

	add_text(o, "name", b->cells[c]->name);
	add_text(o, "title", b->cells[c]->title);
	add_count(o, "bytes", b->cells[c]->bytes);
	add_count(o, "depth", b->cells[c]->depth);
	for (m = 0; m < BENCH_MEASURES; m++)
		add_real(noise, bench_measures[m].name, bench_noise(b, c, m));
	json_object_object_add(o, "noise", noise);
	for (i = 0; i < b->nr_targets; i++)
		json_object_array_add(list, cell_target(b, c, i));
	json_object_object_add(o, "targets", list);
	return o;
}

static struct json_object *device(const struct bench *b)
{
	struct json_object *o = object(), *list = must(json_object_new_array());
	unsigned int i;

	add_text(o, "device", b->disk.name);
	add_text(o, "model", b->disk.model);
	add_text(o, "scheduler", b->disk.scheduler);
	add_count(o, "bytes", b->disk.bytes);
	add_count(o, "area", b->disk.area);
	add_count(o, "sector_size", b->sector_size);
	add_count(o, "rounds", b->rounds);
	if (b->seconds)
		add_count(o, "seconds", b->seconds);
	else
		add_count(o, "ios", b->ios);
	json_object_object_add(o, "targets", targets(b));
	json_object_object_add(o, "left_out", left_out(b));
	for (i = 0; i < b->nr_cells; i++)
		json_object_array_add(list, cell(b, i));
	json_object_object_add(o, "cells", list);
	return o;
}

struct json_object *bench_json(const struct bench *b, unsigned int nr)
{
	struct json_object *o = object(), *list = must(json_object_new_array());
	unsigned int i;

	add_count(o, "format", FORMAT);
	add_text(o, "version", ECACHE_VERSION);
	json_object_object_add(o, "host", host(&b[0].host));
	for (i = 0; i < nr; i++)
		json_object_array_add(list, device(&b[i]));
	json_object_object_add(o, "devices", list);
	return o;
}
