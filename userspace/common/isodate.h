/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_ISODATE_H
#define ECACHE_ISODATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A date of ISO 8601's extended form, Gregorian, of the years 1 to 9999 (in its own zone). */
struct isodate {
	int64_t unix_s;		/* rounded down */
	double fraction;	/* of a second, 0 to below 1 */
	bool seconds;		/* it says them; else it is a minute, or a day */
};

/*
 * isodate_read - "2026-01-31", "2026-01-31T12:00Z", "2026-01-31T12:00:00.5+01:00": all of @len bytes, and nothing that
 * is not in the calendar. A time has a zone, of 14 hours at most. The 60th second, which leap seconds are, is the next
 * minute's first. -EINVAL.
 */
int isodate_read(const char *text, size_t len, struct isodate *out);

#endif
