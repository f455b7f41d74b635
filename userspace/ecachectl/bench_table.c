// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <string.h>

#include "bench_report.h"
#include "bench_stat.h"
#include "bench_words.h"

#define NUMBER 16
#define WORTH_A_WORD 0.05	/* of all processors */

static void print_host(FILE *to, const struct bench *b)
{
	const struct bench_host *h = &b->host;

	fprintf(to, "%s, %u CPUs, %s; Linux %s, target ecache %s, %s\n", *h->cpu ? h->cpu : "unknown CPU", h->cpus,
		*h->memory ? h->memory : "unknown memory", h->kernel, *h->module ? h->module : "of unknown version",
		*h->fio ? h->fio : "fio");
	if (h->emulated)
		fprintf(to, "EMULATED processor: times say nothing about a real one%s\n",
			b->counted ? "; instructions per I/O are what repeats" : "");
	if (h->busy > WORTH_A_WORD)
		fprintf(to, "the machine was busy by %.0f %% before anything was measured: CPU time includes that\n",
			h->busy * 100);
}

static void print_columns(FILE *to, const struct bench *b)
{
	fprintf(to, "  %-14s %8s %8s %8s %8s %8s %9s", "", "IOPS", "MiB/s", "p50 us", "p99 us", "p99.9 us",
		"CPU us/IO");
	if (b->counted)
		fprintf(to, " %9s", "insns/IO");
	fprintf(to, " %10s\n", "to dm-crypt nwq");
}

static void print_number(FILE *to, int width, double v)
{
	char text[NUMBER];

	bench_number(v, text, sizeof(text));
	fprintf(to, " %*s", width, text);
}

static double median(const struct bench *b, unsigned int cell, unsigned int target, enum bench_measure m)
{
	return bench_summary(b, cell, target, m).median;
}

static void print_latencies(FILE *to, const struct bench *b, unsigned int cell, unsigned int target,
			    enum bench_measure first)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		print_number(to, 8, median(b, cell, target, first + i));
}

/* print_ratio - of what an I/O costs, to dm-crypt at its best; "=" when the control says that it cannot be told. */
static void print_ratio(FILE *to, const struct bench *b, unsigned int cell, unsigned int target)
{
	enum bench_measure m = bench_effort(b);
	int reference = bench_find(b, BENCH_CRYPT_NWQ);
	struct bench_summary r;

	if (reference < 0 || reference == (int)target)
		return;
	r = bench_ratio(b, cell, target, (unsigned int)reference, m);
	if (r.nr)
		fprintf(to, " %9.3f%s", r.median, bench_differs(r, bench_noise(b, cell, m)) ? "" : " =");
}

static void print_cell(FILE *to, const struct bench *b, unsigned int cell)
{
	const struct bench_cell *c = b->cells[cell];
	unsigned int i;

	fprintf(to, "\n%s\n", c->title);
	print_columns(to, b);
	for (i = 0; i < b->nr_targets; i++) {
		fprintf(to, "  %-14s", b->targets[i].name);
		print_number(to, 8, median(b, cell, i, BENCH_IOPS));
		print_number(to, 8, median(b, cell, i, BENCH_MIB));
		print_latencies(to, b, cell, i, c->reads ? BENCH_READ_P50 : BENCH_WRITE_P50);
		print_number(to, 9, median(b, cell, i, BENCH_CPU));
		if (b->counted)
			print_number(to, 9, median(b, cell, i, BENCH_INSNS));
		print_ratio(to, b, cell, i);
		fputc('\n', to);
		if (!c->reads || !c->writes)
			continue;
		fprintf(to, "  %-14s %8s %8s", "   writes", "", "");
		print_latencies(to, b, cell, i, BENCH_WRITE_P50);
		fputc('\n', to);
	}
}

static void print_noise(FILE *to, const struct bench *b)
{
	double worst = NAN;
	unsigned int i;

	for (i = 0; i < b->nr_cells; i++)
		worst = fmax(worst, bench_noise(b, i, bench_effort(b)));
	if (isfinite(worst))
		fprintf(to, "\nnoise: the same table twice differed by up to %.1f %% in %s; \"=\" marks ratios "
			"that say no more\n",
			worst * 100, bench_measures[bench_effort(b)].title);
}

static void print_device(FILE *to, const struct bench *b)
{
	char text[512];
	unsigned int i;

	bench_method(b, text, sizeof(text));
	fprintf(to, "\n%s%s%s: %s\n", b->disk.name, *b->disk.model ? ", " : "", b->disk.model, text);
	for (i = 0; i < b->nr_targets; i++) {
		if (*b->targets[i].driver)
			fprintf(to, "%s: driver %s\n", b->targets[i].name, b->targets[i].driver);
	}
	for (i = 0; i < b->nr_left_out; i++)
		fprintf(to, "without %s: %s\n", b->left_out[i].name, b->left_out[i].why);
	for (i = 0; i < b->nr_cells; i++)
		print_cell(to, b, i);
	print_noise(to, b);
}

void bench_table_print(FILE *to, const struct bench *b, unsigned int nr)
{
	unsigned int i;

	print_host(to, b);
	for (i = 0; i < nr; i++)
		print_device(to, &b[i]);
}
