// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdbool.h>
#include <string.h>

#include "promtext.h"

#define EXACT 9007199254740992.0	/* 2^53 */

/* put_escaped - a quote is text in HELP, and would end a label's value. */
static void put_escaped(FILE *out, const char *text, bool quoted)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\\\", out);
		else if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' && quoted)
			fputs("\\\"", out);
		else
			fputc(*text, out);
	}
}

void prom_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s ", name);
	put_escaped(out, help, false);
	fprintf(out, "\n# TYPE %s %s\n", name, type);
}

static void put_value(FILE *out, double value)
{
	bool whole = value >= -EXACT && value <= EXACT && value == (double)(int64_t)value;

	fprintf(out, whole ? " %.0f\n" : " %.15g\n", value);
}

/* put_labels - @last, after all others, may be NULL; its value needs no escapes. */
static void put_labels(FILE *out, const struct prom_label *labels, const struct prom_label *last)
{
	const char *between = "{";

	for (; labels && labels->name; labels++, between = ",") {
		fprintf(out, "%s%s=\"", between, labels->name);
		put_escaped(out, labels->value, true);
		fputc('"', out);
	}
	if (last)
		fprintf(out, "%s%s=\"%s\"", between, last->name, last->value);
	if (last || *between == ',')
		fputc('}', out);
}

void prom_sample(FILE *out, const char *name, const struct prom_label *labels, double value)
{
	fputs(name, out);
	put_labels(out, labels, NULL);
	put_value(out, value);
}

static void put_bucket(FILE *out, const char *name, const struct prom_label *labels, const char *bound, uint64_t count)
{
	const struct prom_label le = { "le", bound };

	fprintf(out, "%s_bucket", name);
	put_labels(out, labels, &le);
	put_value(out, (double)count);
}

void prom_histogram(FILE *out, const char *name, const struct prom_label *labels, const unsigned int *bound_ms,
		    const uint64_t *bucket, size_t nr, uint64_t count, double sum)
{
	uint64_t up_to = 0;
	char bound[24];
	size_t i;

	for (i = 0; i < nr; i++) {
		up_to += bucket[i];
		snprintf(bound, sizeof(bound), "%g", bound_ms[i] / 1000.0);
		put_bucket(out, name, labels, bound, up_to);
	}
	put_bucket(out, name, labels, "+Inf", count);
	fprintf(out, "%s_sum", name);
	put_labels(out, labels, NULL);
	put_value(out, sum);
	fprintf(out, "%s_count", name);
	put_labels(out, labels, NULL);
	put_value(out, (double)count);
}
