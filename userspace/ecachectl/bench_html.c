// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <string.h>

#include "bench_report.h"
#include "bench_stat.h"
#include "bench_style.h"
#include "bench_svg.h"
#include "bench_words.h"

#define NUMBER 16
#define WORTH_A_WORD 0.05	/* of all processors */

/* The references, and how a sentence calls them. */
static const struct {
	enum bench_kind kind;
	const char *title;
} references[] = {
	{ BENCH_CRYPT, "dm-crypt as it is" },
	{ BENCH_CRYPT_NWQ, "dm-crypt without its workqueues" },
	{ BENCH_RAW, "the disk itself" },
};

#define REFERENCES (sizeof(references) / sizeof(references[0]))

static void term(FILE *to, const char *name, const char *text)
{
	if (!*text)
		return;
	fprintf(to, "<dt>%s</dt><dd>", name);
	bench_escape(to, text);
	fprintf(to, "</dd>\n");
}

static void host(FILE *to, const struct bench_host *h)
{
	char text[BENCH_TEXT + 32];

	fprintf(to, "<dl>\n");
	snprintf(text, sizeof(text), "%s, %u CPUs", *h->cpu ? h->cpu : "unknown", h->cpus);
	term(to, "Processor", text);
	term(to, "Memory", h->memory);
	term(to, "Kernel", h->kernel);
	term(to, "Clock governor", h->governor);
	term(to, "target ecache", h->module);
	term(to, "Load", h->fio);
	if (isfinite(h->busy)) {
		snprintf(text, sizeof(text), "%.1f %% of all processors, before anything was measured", h->busy * 100);
		term(to, "Busy", text);
	}
	fprintf(to, "</dl>\n");
	if (h->busy > WORTH_A_WORD)
		fprintf(to, "<p class=\"warn\">The machine was busy with something else. CPU time per I/O includes that.</p>\n");
}

/* sentence - what an I/O through dm-ecache costs next to a reference, over all cells; nothing without the reference. */
static void sentence(FILE *to, const struct bench *b, size_t reference)
{
	int ours = bench_find(b, BENCH_ECACHE), other = bench_find(b, references[reference].kind);
	double least = INFINITY, most = 0;
	enum bench_measure m = bench_effort(b);
	unsigned int i;

	if (ours < 0 || other < 0)
		return;
	for (i = 0; i < b->nr_cells; i++) {
		struct bench_summary r = bench_ratio(b, i, (unsigned int)ours, (unsigned int)other, m);

		if (!r.nr)
			continue;
		least = fmin(least, r.median);
		most = fmax(most, r.median);
	}
	if (most > 0)
		fprintf(to, "<p class=\"lead\"><b>%.2f to %.2f</b> times the %s of %s.</p>\n", least, most,
			bench_measures[m].title, references[reference].title);
}

static void ratio(FILE *to, const struct bench *b, unsigned int cell, int reference, enum bench_measure m)
{
	int ours = bench_find(b, BENCH_ECACHE), differs;
	struct bench_summary r = { 0 };
	const char *class = "";

	if (ours >= 0 && reference >= 0)
		r = bench_ratio(b, cell, (unsigned int)ours, (unsigned int)reference, m);
	if (!r.nr) {
		fprintf(to, "<td>-</td>");
		return;
	}
	differs = bench_differs(r, bench_noise(b, cell, m));
	if (differs)
		class = (differs > 0) == bench_measures[m].more ? " class=\"good\"" : " class=\"bad\"";
	fprintf(to, "<td%s>%.2f%s</td>", class, r.median, differs ? "" : " =");
}

static void noise(FILE *to, double noise)
{
	if (isfinite(noise))
		fprintf(to, "<td>%.1f %%</td></tr>\n", noise * 100);
	else
		fprintf(to, "<td>-</td></tr>\n");
}

static void glance(FILE *to, const struct bench *b)
{
	enum bench_measure m = bench_effort(b);
	unsigned int i;
	size_t j;

	fprintf(to, "<h3>dm-ecache next to the others</h3>\n");
	for (j = 0; j < REFERENCES; j++)
		sentence(to, b, j);
	fprintf(to, "<div class=\"wide\"><table>\n<tr><th></th>");
	for (j = 0; j < REFERENCES; j++)
		fprintf(to, "<th colspan=\"2\">to %s</th>", references[j].title);
	fprintf(to, "<th>noise</th></tr>\n<tr><th></th>");
	for (j = 0; j < REFERENCES; j++)
		fprintf(to, "<th>throughput</th><th>%s</th>", m == BENCH_INSNS ? "instructions" : "CPU time");
	fprintf(to, "<th></th></tr>\n");
	for (i = 0; i < b->nr_cells; i++) {
		fprintf(to, "<tr><td>%s</td>", b->cells[i]->title);
		for (j = 0; j < REFERENCES; j++) {
			ratio(to, b, i, bench_find(b, references[j].kind), BENCH_IOPS);
			ratio(to, b, i, bench_find(b, references[j].kind), m);
		}
		noise(to, bench_noise(b, i, m));
	}
	fprintf(to, "</table></div>\n<p class=\"dim\">Medians of the rounds' ratios. Throughput above 1 and %s below 1 are better. "
		"\"=\": no more than what the same table, measured twice, differed by in this cell (noise), or not in all "
		"rounds, or fewer than three of them.</p>\n", bench_measures[m].title);
}

static void figure_begin(FILE *to, const char *caption, const char *unit)
{
	fprintf(to, "<figure><figcaption>%s%s%s</figcaption>\n", caption, *unit ? ", " : "", unit);
}

static void bars(FILE *to, const struct bench *b, unsigned int cell, enum bench_measure m)
{
	figure_begin(to, bench_measures[m].title, bench_measures[m].unit);
	bench_svg_bars(to, b, cell, m);
	fprintf(to, "</figure>\n");
}

static void latencies(FILE *to, const struct bench *b, unsigned int cell, enum bench_measure first)
{
	figure_begin(to, first == BENCH_READ_P50 ? "read latency: median, p99, p99.9 (number: p99)" :
		     "write latency: median, p99, p99.9 (number: p99)", "us");
	bench_svg_latency(to, b, cell, first);
	fprintf(to, "</figure>\n");
}

static void all_numbers(FILE *to, const struct bench *b, unsigned int cell)
{
	struct bench_summary s;
	enum bench_measure m;
	char text[NUMBER];
	unsigned int i;

	fprintf(to, "<details><summary>numbers: medians, and the spread of the rounds (most less least, of the median)</summary>"
		"<div class=\"wide\"><table>\n<tr><th></th>");
	for (i = 0; i < b->nr_targets; i++)
		fprintf(to, "<th>%s</th>", b->targets[i].name);
	fprintf(to, "</tr>\n");
	for (m = 0; m < BENCH_MEASURES; m++) {
		if (!bench_summary(b, cell, 0, m).nr)
			continue;
		fprintf(to, "<tr><td>%s%s%s</td>", bench_measures[m].title, *bench_measures[m].unit ? ", " : "",
			bench_measures[m].unit);
		for (i = 0; i < b->nr_targets; i++) {
			s = bench_summary(b, cell, i, m);
			bench_number(s.median, text, sizeof(text));
			fprintf(to, "<td>%s", text);
			if (s.nr > 1 && s.median > 0)
				fprintf(to, " <span class=\"dim\">%.0f %%</span>", (s.max - s.min) / s.median * 100);
			fprintf(to, "</td>");
		}
		fprintf(to, "</tr>\n");
	}
	fprintf(to, "</table></div></details>\n");
}

static void cell(FILE *to, const struct bench *b, unsigned int c)
{
	fprintf(to, "<h3>%s</h3>\n<div class=\"row\">\n", b->cells[c]->title);
	bars(to, b, c, b->cells[c]->bytes > 4096 ? BENCH_MIB : BENCH_IOPS);
	bars(to, b, c, bench_effort(b));
	if (b->cells[c]->reads)
		latencies(to, b, c, BENCH_READ_P50);
	if (b->cells[c]->writes)
		latencies(to, b, c, BENCH_WRITE_P50);
	fprintf(to, "</div>\n");
	all_numbers(to, b, c);
}

static void targets(FILE *to, const struct bench *b)
{
	char text[BENCH_TEXT];
	unsigned int i;

	fprintf(to, "<dl>\n");
	for (i = 0; i < b->nr_targets; i++) {
		snprintf(text, sizeof(text), "%s%s%s", b->targets[i].title, *b->targets[i].driver ? ", driver " : "",
			 b->targets[i].driver);
		term(to, b->targets[i].name, text);
	}
	for (i = 0; i < b->nr_left_out; i++) {
		fprintf(to, "<dt>%s</dt><dd class=\"dim\">not measured: ", b->left_out[i].name);
		bench_escape(to, b->left_out[i].why);
		fprintf(to, "</dd>\n");
	}
	fprintf(to, "</dl>\n");
}

static void device(FILE *to, const struct bench *b)
{
	char text[512];
	unsigned int i;

	fprintf(to, "<h2>");
	bench_escape(to, b->disk.name);
	fprintf(to, "</h2>\n<dl>\n");
	term(to, "Model", b->disk.model);
	term(to, "Scheduler", b->disk.scheduler);
	bench_method(b, text, sizeof(text));
	term(to, "Method", text);
	fprintf(to, "</dl>\n");
	glance(to, b);
	for (i = 0; i < b->nr_cells; i++)
		cell(to, b, i);
	fprintf(to, "<h3>What was measured</h3>\n");
	targets(to, b);
}

void bench_html(FILE *to, const struct bench *b, unsigned int nr)
{
	unsigned int i;

	fprintf(to, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		"<title>dm-ecache benchmark</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>What encryption costs here</h1>\n",
		bench_style);
	if (b->host.emulated)
		fprintf(to, "<p class=\"warn\"><b>Emulated processor.</b> Times, latencies and throughput say nothing about a real one, "
			"and AES takes out of proportion, since the emulator has no AES instructions of its own to use.%s</p>\n",
			b->counted ? " Instructions per I/O are what repeats." : "");
	host(to, &b->host);
	for (i = 0; i < nr; i++)
		device(to, &b[i]);
	fprintf(to, "<p class=\"dim\">ecachectl bench, version %s</p>\n</body>\n</html>\n", ECACHE_VERSION);
}
