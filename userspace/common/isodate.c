// SPDX-License-Identifier: GPL-2.0-or-later
#include "isodate.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <time.h>

#define ZONE_MAX_MIN (14 * 60)

struct cursor {
	const char *at, *end;
};

/* digits - exactly @n of them, of value @min to @max. */
static bool digits(struct cursor *c, unsigned int n, int min, int max, int *out)
{
	*out = 0;
	for (; n; n--) {
		if (c->at == c->end || !isdigit((unsigned char)*c->at))
			return false;
		*out = *out * 10 + (*c->at++ - '0');
	}
	return *out >= min && *out <= max;
}

static bool take(struct cursor *c, char what)
{
	if (c->at == c->end || *c->at != what)
		return false;
	c->at++;
	return true;
}

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 || year % 400 == 0));
}

static bool read_day(struct cursor *c, struct tm *tm)
{
	int year, month;

	if (!digits(c, 4, 1, 9999, &year) || !take(c, '-') || !digits(c, 2, 1, 12, &month) || !take(c, '-') ||
	    !digits(c, 2, 1, days_in(year, month), &tm->tm_mday))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	return true;
}

static bool read_fraction(struct cursor *c, double *out)
{
	double unit = 0.1;
	int digit;

	if (!digits(c, 1, 0, 9, &digit))
		return false;
	do {
		*out += digit * unit;
		unit /= 10;
	} while (digits(c, 1, 0, 9, &digit));
	/* What is added up to 1 in a double was less. */
	if (*out >= 1)
		*out = 1 - DBL_EPSILON;
	return true;
}

/* read_zone - in seconds east. */
static bool read_zone(struct cursor *c, int *east)
{
	int sign = 1, hours, minutes;

	*east = 0;
	if (take(c, 'Z'))
		return true;
	if (take(c, '-'))
		sign = -1;
	else if (!take(c, '+'))
		return false;
	if (!digits(c, 2, 0, 14, &hours) || !take(c, ':') || !digits(c, 2, 0, 59, &minutes))
		return false;
	*east = sign * (hours * 60 + minutes) * 60;
	return hours * 60 + minutes <= ZONE_MAX_MIN;
}

static bool read_clock(struct cursor *c, struct tm *tm, struct isodate *out, int *east)
{
	if (!digits(c, 2, 0, 23, &tm->tm_hour) || !take(c, ':') || !digits(c, 2, 0, 59, &tm->tm_min))
		return false;
	if (take(c, ':')) {
		if (!digits(c, 2, 0, 60, &tm->tm_sec) || (take(c, '.') && !read_fraction(c, &out->fraction)))
			return false;
		out->seconds = true;
	}
	return read_zone(c, east);
}

int isodate_read(const char *text, size_t len, struct isodate *out)
{
	struct cursor c = { text, text + len };
	struct tm tm = { 0 };
	int east = 0;

	*out = (struct isodate){ 0 };
	if (!read_day(&c, &tm))
		return -EINVAL;
	if (c.at != c.end && (!take(&c, 'T') || !read_clock(&c, &tm, out, &east) || c.at != c.end))
		return -EINVAL;
	out->unix_s = (int64_t)timegm(&tm) - east;
	return 0;
}
