// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>

#include "fleet.h"

void *need(size_t nr, size_t size)
{
	void *p = calloc(nr ? nr : 1, size);

	if (!p) {
		fprintf(stderr, "scale: out of memory\n");
		exit(1);
	}
	return p;
}

void load_init(struct load *l, int64_t length_ms)
{
	unsigned int i;

	l->seconds = length_ms / 1000 + 1;
	for (i = 0; i < CALLS; i++)
		l->count[i] = need(l->seconds, sizeof(double));
}

void load_add(struct load *l, enum call which, int64_t at_ms, double weight)
{
	if (at_ms >= 0 && at_ms / 1000 < l->seconds)
		l->count[which][at_ms / 1000] += weight;
}

/* The seconds of [from, to) that are there. */
static unsigned int last_second(const struct load *l, int64_t to_ms)
{
	return to_ms / 1000 < l->seconds ? to_ms / 1000 : l->seconds;
}

double load_mean(const struct load *l, enum call which, int64_t from_ms, int64_t to_ms)
{
	unsigned int i, from = from_ms / 1000, to = last_second(l, to_ms);
	double sum = 0;

	for (i = from; i < to; i++)
		sum += l->count[which][i];
	return to > from ? sum / (to - from) : 0;
}

double load_peak(const struct load *l, enum call which, int64_t from_ms, int64_t to_ms)
{
	unsigned int i, to = last_second(l, to_ms);
	double most = 0;

	for (i = from_ms / 1000; i < to; i++) {
		if (l->count[which][i] > most)
			most = l->count[which][i];
	}
	return most;
}

void load_free(struct load *l)
{
	unsigned int i;

	for (i = 0; i < CALLS; i++)
		free(l->count[i]);
}

void samples_add(struct samples *s, int64_t ms)
{
	size_t room = s->room ? 2 * s->room : 1024;
	int32_t *more;

	if (s->nr == s->room) {
		more = need(room, sizeof(*more));
		for (size_t i = 0; i < s->nr; i++)
			more[i] = s->ms[i];
		free(s->ms);
		s->ms = more;
		s->room = room;
	}
	s->ms[s->nr++] = ms < INT32_MAX ? ms : INT32_MAX;
	s->sorted = false;
}

static int by_size(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return x < y ? -1 : x > y;
}

int64_t samples_part(struct samples *s, double part)
{
	if (!s->nr)
		return 0;
	if (!s->sorted)
		qsort(s->ms, s->nr, sizeof(*s->ms), by_size);
	s->sorted = true;
	return s->ms[(size_t)(part * (double)(s->nr - 1) + 0.5)];
}

void samples_free(struct samples *s)
{
	free(s->ms);
	*s = (struct samples){ 0 };
}
