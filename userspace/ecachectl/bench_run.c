// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/fsio.h"
#include "bench_child.h"
#include "bench_fio.h"
#include "bench_mark.h"
#include "bench_run.h"

#define OUTPUT_MAX (4 * 1024 * 1024)
#define IOS_LEAST 16
#define LARGE_IO (16 * 1024)

static uint64_t any_number(void)
{
	uint64_t n = 0;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = (uint64_t)now_ms();
	return n;
}

static void shuffle(unsigned int *order, unsigned int nr)
{
	unsigned int i, j, swap;

	for (i = 0; i < nr; i++)
		order[i] = i;
	for (i = nr; i > 1; i--) {
		j = (unsigned int)(any_number() % i);
		swap = order[i - 1];
		order[i - 1] = order[j];
		order[j] = swap;
	}
}

static int read_in(const char *dir, const char *name, char **text, struct err *e)
{
	char path[PATH_MAX];
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return fsio_read(path, OUTPUT_MAX, text, &len, e);
}

static int read_mark(const char *dir, const char *name, struct bench_mark *m, struct err *e)
{
	char *text;
	int rc;

	rc = read_in(dir, name, &text, e);
	if (rc)
		return rc;
	rc = bench_mark_parse(text, sysconf(_SC_CLK_TCK), m, e);
	free(text);
	return rc;
}

/* take_answer - what fio and its commands left in @dir. */
static int take_answer(struct bench *b, const char *dir, struct bench_sample *s, struct err *e)
{
	struct bench_mark before, after;
	struct bench_fio_answer a;
	char *text;
	int rc;

	rc = read_in(dir, BENCH_FIO_OUTPUT, &text, e);
	if (rc)
		return rc;
	rc = bench_fio_parse(text, &a, e);
	free(text);
	if (!rc)
		rc = read_mark(dir, BENCH_FIO_BEFORE, &before, e);
	if (!rc)
		rc = read_mark(dir, BENCH_FIO_AFTER, &after, e);
	if (rc)
		return rc;
	*s = a.sample;
	s->v[BENCH_CPU] = bench_mark_used(&before, &after) * 1e6 / a.ios;
	if (before.counted && after.counted) {
		s->v[BENCH_INSNS] = (double)(after.insns - before.insns) / a.ios;
		b->counted = true;
	}
	snprintf(b->host.fio, sizeof(b->host.fio), "%s", a.version);
	return 0;
}

static void empty_folder(const char *dir)
{
	static const char *const files[] = { BENCH_FIO_OUTPUT, BENCH_FIO_BEFORE, BENCH_FIO_AFTER, "messages" };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
}

/* run_fio - one job in a folder of its own; @s: NULL when it is not about a sample. */
static int run_fio(struct bench *b, const struct bench_runner *r, const struct bench_fio_job *job, int fd,
		   struct bench_sample *s, struct err *e)
{
	char dir[] = "/tmp/ecachectl-bench-XXXXXX";
	struct bench_fio_words w;
	int rc;

	if (!mkdtemp(dir))
		return err_sys(e, -errno, "cannot make a folder in /tmp");
	rc = bench_fio_words(job, &w);
	if (rc) {
		err_set(e, rc, "out of memory");
	} else {
		free(w.v[0]);
		w.v[0] = strdup(r->fio);
		rc = w.v[0] ? bench_child(w.v, dir, fd, BENCH_FIO_FD, r->signals, e) : -ENOMEM;
	}
	if (rc == -ENOENT)
		err_hint(e, "It is a program of its own; the package is called fio.");
	if (!rc && s)
		rc = take_answer(b, dir, s, e);
	bench_fio_words_free(&w);
	empty_folder(dir);
	rmdir(dir);
	return rc;
}

int bench_fill(struct bench *b, const struct bench_runner *r, struct err *e)
{
	const struct bench_fio_job job = { .area = b->disk.area, .seed = any_number() };

	return run_fio(b, r, &job, r->fd[0], NULL, e);
}

/* ios_of - as many large I/Os as small ones would take for ever under emulation. */
static unsigned int ios_of(const struct bench *b, const struct bench_cell *c)
{
	uint64_t ios = b->ios;

	if (c->bytes > LARGE_IO)
		ios = ios * LARGE_IO / c->bytes;
	return ios < IOS_LEAST ? IOS_LEAST : (unsigned int)ios;
}

static int run_cell(struct bench *b, const struct bench_runner *r, unsigned int cell, unsigned int round, struct err *e)
{
	struct bench_fio_job job = { .cell = b->cells[cell], .area = b->disk.area, .seconds = b->seconds,
				     .ios = ios_of(b, b->cells[cell]), .counter = r->counter };
	unsigned int order[BENCH_TARGETS_MAX] = { 0 }, i;
	int rc;

	/* The same sectors for all. */
	job.seed = any_number();
	shuffle(order, b->nr_targets);
	for (i = 0; i < b->nr_targets; i++) {
		rc = run_fio(b, r, &job, r->fd[order[i]], bench_at(b, cell, order[i], round), e);
		if (rc)
			return err_prefix(e, "%s on %s", b->cells[cell]->name, b->targets[order[i]].name);
	}
	return 0;
}

int bench_run(struct bench *b, const struct bench_runner *r, struct err *e)
{
	size_t nr = (size_t)b->nr_cells * b->nr_targets * b->rounds, i;
	unsigned int round, cell, m;
	int rc;

	b->samples = calloc(nr, sizeof(*b->samples));
	if (!b->samples)
		return err_set(e, -ENOMEM, "out of memory");
	for (i = 0; i < nr; i++) {
		for (m = 0; m < BENCH_MEASURES; m++)
			b->samples[i].v[m] = NAN;
	}
	for (round = 0; round < b->rounds; round++) {
		for (cell = 0; cell < b->nr_cells; cell++) {
			if (r->progress)
				r->progress(r->ctx, round * b->nr_cells + cell, b->rounds * b->nr_cells,
					    b->cells[cell]->title);
			rc = run_cell(b, r, cell, round, e);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int look(struct bench_mark *m)
{
	char *stat, *uptime, *text;
	size_t len;
	int rc;

	rc = fsio_read("/proc/uptime", OUTPUT_MAX, &uptime, &len, NULL);
	if (rc)
		return rc;
	rc = fsio_read("/proc/stat", OUTPUT_MAX, &stat, &len, NULL);
	if (!rc) {
		rc = asprintf(&text, "%s%s", uptime, stat) < 0 ? -ENOMEM : 0;
		free(stat);
	}
	if (!rc) {
		rc = bench_mark_parse(text, sysconf(_SC_CLK_TCK), m, NULL);
		free(text);
	}
	free(uptime);
	return rc;
}

double bench_busy(int ms)
{
	struct bench_mark from, to;

	if (look(&from))
		return NAN;
	sleep_ms(ms);
	if (look(&to) || !(to.uptime > from.uptime))
		return NAN;
	return bench_mark_used(&from, &to) / (to.uptime - from.uptime) / to.cpus;
}
