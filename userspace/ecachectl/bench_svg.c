// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <stdio.h>

#include "bench_stat.h"
#include "bench_svg.h"
#include "bench_words.h"

/* In units of the drawing, which the page scales. */
#define WIDTH 380
#define ROW 22
#define LEFT 96			/* where names end, and plots begin */
#define RIGHT 322		/* where plots end, and numbers begin */
#define BAR 13
#define AXIS 20			/* below the rows of a plot with an axis */

void bench_escape(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			/* XML has no other control characters, not even escaped. */
			fputc((unsigned char)*text < ' ' && *text != '\n' && *text != '\t' ? ' ' : *text, to);
		}
	}
}

static double row_middle(unsigned int row)
{
	return row * ROW + ROW / 2.0;
}

static void begin(FILE *to, const struct bench *b, const char *what, unsigned int below)
{
	fprintf(to, "<svg viewBox=\"0 0 %d %u\" role=\"img\" aria-label=\"", WIDTH, b->nr_targets * ROW + below);
	bench_escape(to, what);
	fprintf(to, "\">\n");
}

static void end(FILE *to)
{
	fprintf(to, "</svg>\n");
}

static void name(FILE *to, const struct bench *b, unsigned int row)
{
	bool ours = b->targets[row].kind >= BENCH_ECACHE;

	fprintf(to, "<text class=\"%s\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", ours ? "n us" : "n", LEFT - 6,
		row_middle(row) + 4);
	bench_escape(to, b->targets[row].name);
	fprintf(to, "</text>\n");
}

static void value(FILE *to, unsigned int row, double v)
{
	char text[16];

	bench_number(v, text, sizeof(text));
	fprintf(to, "<text class=\"v\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", WIDTH - 2,
		row_middle(row) + 4, text);
}

static double most(const struct bench *b, unsigned int cell, enum bench_measure m)
{
	double max = 0;
	unsigned int i;

	for (i = 0; i < b->nr_targets; i++)
		max = fmax(max, bench_summary(b, cell, i, m).max);
	return max;
}

void bench_svg_bars(FILE *to, const struct bench *b, unsigned int cell, enum bench_measure m)
{
	double max = most(b, cell, m), scale = max > 0 ? (RIGHT - LEFT) / max : 0;
	struct bench_summary s;
	unsigned int i;

	begin(to, b, bench_measures[m].title, 2);
	for (i = 0; i < b->nr_targets; i++) {
		s = bench_summary(b, cell, i, m);
		name(to, b, i);
		value(to, i, s.median);
		if (!s.nr)
			continue;
		fprintf(to, "<rect class=\"k%d\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n",
			b->targets[i].kind, LEFT, row_middle(i) - BAR / 2.0, s.median * scale, BAR);
		fprintf(to, "<line class=\"w\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
			LEFT + s.min * scale, LEFT + s.max * scale, row_middle(i), row_middle(i));
	}
	end(to);
}

/* A logarithmic axis from one power of ten to another. */
struct axis {
	int from, to;
};

static struct axis find_axis(const struct bench *b, unsigned int cell, enum bench_measure first)
{
	double least = INFINITY, max = 0;
	struct axis a = { 0, 1 };
	unsigned int i, j;

	for (i = 0; i < b->nr_targets; i++) {
		for (j = 0; j < 3; j++) {
			double v = bench_summary(b, cell, i, first + j).median;

			if (!(v > 0))
				continue;
			least = fmin(least, v);
			max = fmax(max, v);
		}
	}
	if (max > 0) {
		a.from = (int)floor(log10(least));
		a.to = (int)ceil(log10(max));
		a.to += a.to == a.from;
	}
	return a;
}

static double place(struct axis a, double v)
{
	return LEFT + (RIGHT - LEFT) * (log10(v) - a.from) / (a.to - a.from);
}

static void grid(FILE *to, const struct bench *b, struct axis a)
{
	double x;
	int i;

	for (i = a.from; i <= a.to; i++) {
		x = place(a, pow(10, i));
		fprintf(to, "<line class=\"g\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%u\"/>\n", x, x,
			b->nr_targets * ROW);
		fprintf(to, "<text class=\"a\" x=\"%.1f\" y=\"%u\" text-anchor=\"middle\">%.10g</text>\n", x,
			b->nr_targets * ROW + 14, pow(10, i));
	}
}

static void points(FILE *to, const struct bench *b, unsigned int cell, unsigned int row, enum bench_measure first,
		   struct axis a)
{
	static const double radius[] = { 5, 3.5, 2.5 };
	double v[3], y = row_middle(row);
	unsigned int j;

	for (j = 0; j < 3; j++) {
		v[j] = bench_summary(b, cell, row, first + j).median;
		if (!(v[j] > 0))
			return;
	}
	fprintf(to, "<line class=\"s%d\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", b->targets[row].kind,
		place(a, v[0]), place(a, v[2]), y, y);
	for (j = 0; j < 3; j++)
		fprintf(to, "<circle class=\"k%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>\n", b->targets[row].kind,
			place(a, v[j]), y, radius[j]);
}

void bench_svg_latency(FILE *to, const struct bench *b, unsigned int cell, enum bench_measure first)
{
	struct axis a = find_axis(b, cell, first);
	unsigned int i;

	begin(to, b, first == BENCH_READ_P50 ? "read latency" : "write latency", AXIS);
	grid(to, b, a);
	for (i = 0; i < b->nr_targets; i++) {
		name(to, b, i);
		value(to, i, bench_summary(b, cell, i, first + 1).median);
		points(to, b, cell, i, first, a);
	}
	end(to);
}
