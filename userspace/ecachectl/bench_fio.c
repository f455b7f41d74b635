// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/json.h"
#include "bench_fio.h"
#include "output.h"

#define DEPTH_MAX 16

__attribute__((format(printf, 2, 3)))
static void word(struct bench_fio_words *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failed || w->nr == BENCH_FIO_WORDS) {
		w->failed = true;
		return;
	}
	va_start(ap, fmt);
	if (vasprintf(&w->v[w->nr], fmt, ap) < 0)
		w->failed = true;
	else
		w->nr++;
	va_end(ap);
	w->v[w->nr] = NULL;
}

/*
 * words_marks - the counter is read last before, and first after. fio itself appends where the output goes, so the
 * commands are one.
 */
static void words_marks(struct bench_fio_words *w, const char *counter)
{
	const char *times = "cat /proc/uptime /proc/stat";

	if (!counter) {
		word(w, "--exec_prerun=%s", times);
		word(w, "--exec_postrun=%s", times);
		return;
	}
	word(w, "--exec_prerun={ %s; od -An -v -w8 -td8 %s; }", times, counter);
	word(w, "--exec_postrun={ od -An -v -w8 -td8 %s; %s; }", counter, times);
}

static void words_cell(struct bench_fio_words *w, const struct bench_fio_job *job)
{
	const struct bench_cell *c = job->cell;

	word(w, "--rw=%s", c->rw);
	if (c->reads && c->writes)
		word(w, "--rwmixread=70");
	word(w, "--bs=%u", c->bytes);
	word(w, "--iodepth=%u", c->depth);
	word(w, "--norandommap=1");
	word(w, "--time_based=%d", !!job->seconds);
	if (job->seconds)
		word(w, "--runtime=%u", job->seconds);
	else
		word(w, "--io_size=%llu", (unsigned long long)job->ios * c->bytes);
	/* The whole of the latency, from the submission on, and the three points of it that are shown. */
	word(w, "--lat_percentiles=1");
	word(w, "--clat_percentiles=0");
	word(w, "--percentile_list=50:99:99.9");
	words_marks(w, job->counter);
}

static void words_fill(struct bench_fio_words *w)
{
	word(w, "--rw=write");
	word(w, "--bs=1048576");
	word(w, "--iodepth=8");
	word(w, "--refill_buffers=1");
}

int bench_fio_words(const struct bench_fio_job *job, struct bench_fio_words *w)
{
	*w = (struct bench_fio_words){ 0 };
	word(w, "fio");
	word(w, "--output-format=json");
	word(w, "--output=%s", BENCH_FIO_OUTPUT);
	word(w, "--name=cell");
	word(w, "--filename=/proc/self/fd/%d", BENCH_FIO_FD);
	word(w, "--size=%llu", (unsigned long long)job->area);
	word(w, "--direct=1");
	word(w, "--ioengine=libaio");
	/* a signed number to fio, which refuses larger ones */
	word(w, "--randseed=%lld", (long long)(job->seed & INT64_MAX));
	if (job->cell)
		words_cell(w, job);
	else
		words_fill(w);
	return w->failed ? -ENOMEM : 0;
}

void bench_fio_words_free(struct bench_fio_words *w)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		free(w->v[i]);
	*w = (struct bench_fio_words){ 0 };
}

static double number(struct json_object *o, const char *name)
{
	struct json_object *v = o ? json_object_object_get(o, name) : NULL;

	return json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double) ?
	       json_object_get_double(v) : NAN;
}

/* percentile - in microseconds; fio prints 0 for a direction without I/O, which has none. */
static double percentile(struct json_object *direction, const char *which)
{
	double ns = number(out_obj(out_obj(direction, "lat_ns"), "percentile"), which);

	return ns > 0 ? ns / 1000 : NAN;
}

static void take_direction(struct json_object *o, enum bench_measure first, struct bench_fio_answer *a, double *ms,
			   double *bytes)
{
	double ios = number(o, "total_ios");

	if (!(ios > 0))
		return;
	a->ios += (uint64_t)ios;
	*bytes += number(o, "io_bytes");
	*ms = fmax(*ms, number(o, "runtime"));
	a->sample.v[first] = percentile(o, "50.000000");
	a->sample.v[first + 1] = percentile(o, "99.000000");
	a->sample.v[first + 2] = percentile(o, "99.900000");
}

static int take_job(struct json_object *job, struct bench_fio_answer *a, struct err *e)
{
	double ms = 0, bytes = 0, failed = number(job, "error");
	unsigned int i;

	if (!isfinite(failed))
		return err_set(e, -EBADMSG, "fio's answer has no member \"error\"");
	if (failed != 0)
		return err_set(e, -EIO, "fio: I/O failed: %s", strerror((int)failed));
	for (i = 0; i < BENCH_MEASURES; i++)
		a->sample.v[i] = NAN;
	take_direction(out_obj(job, "read"), BENCH_READ_P50, a, &ms, &bytes);
	take_direction(out_obj(job, "write"), BENCH_WRITE_P50, a, &ms, &bytes);
	if (!a->ios || !(ms > 0) || !(bytes > 0))
		return err_set(e, -EBADMSG, "fio did no I/O, or does not say how much in which time");
	a->sample.v[BENCH_IOPS] = a->ios * 1000 / ms;
	a->sample.v[BENCH_MIB] = bytes / 1048576 * 1000 / ms;
	return 0;
}

int bench_fio_parse(const char *text, struct bench_fio_answer *a, struct err *e)
{
	struct json_object *o = NULL, *jobs;
	const char *start = *text == '{' ? text : strstr(text, "\n{");
	int rc;

	*a = (struct bench_fio_answer){ 0 };
	if (!start)
		return err_set(e, -EBADMSG, "fio answered no JSON");
	rc = js_parse(start, strlen(start), DEPTH_MAX, &o, e);
	if (rc)
		return err_prefix(e, "fio's answer");
	jobs = json_object_object_get(o, "jobs");
	if (!json_object_is_type(jobs, json_type_array) || json_object_array_length(jobs) != 1) {
		rc = err_set(e, -EBADMSG, "fio's answer is not about one job");
	} else {
		snprintf(a->version, sizeof(a->version), "%s", out_str(o, "fio version"));
		rc = take_job(json_object_array_get_idx(jobs, 0), a, e);
	}
	json_object_put(o);
	return rc;
}
