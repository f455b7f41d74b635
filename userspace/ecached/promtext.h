/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_PROMTEXT_H
#define ECACHED_PROMTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Prometheus' text format 0.0.4, written line by line. Only names come from us; label values may be anything and are
 * escaped. Errors of @out are the caller's to look for, at its end.
 */
#define PROM_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct prom_label {
	const char *name;	/* ends a list when NULL */
	const char *value;
};

/* prom_family - before the first sample of a name. @type: "counter", "gauge" or "histogram". */
void prom_family(FILE *out, const char *name, const char *type, const char *help);

/* prom_sample - @labels NULL: none. Whole numbers up to 2^53 are exact. */
void prom_sample(FILE *out, const char *name, const struct prom_label *labels, double value);

/*
 * prom_histogram - @count observations, @sum seconds in all; of them bucket[i] took at most
 *	bound_ms[i] and more than the bound before it.
 */
void prom_histogram(FILE *out, const char *name, const struct prom_label *labels, const unsigned int *bound_ms,
		    const uint64_t *bucket, size_t nr, uint64_t count, double sum);

#endif
