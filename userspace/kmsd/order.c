// SPDX-License-Identifier: GPL-2.0-or-later
#include "order.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum order order_of(double a, double b)
{
	return a < b ? ORDER_LESS : a > b ? ORDER_GREATER : ORDER_EQUAL;
}

static bool read_number(const char *s, double *out)
{
	char *end;

	/* strtod() would also take blanks, hexadecimal, "inf" and "nan". */
	if (!*s || strspn(s, "0123456789+-.eE") < strlen(s))
		return false;
	*out = strtod(s, &end);
	return !*end && isfinite(*out);
}

bool order_number_ok(const char *s)
{
	double n;

	return read_number(s, &n);
}

enum order order_numbers(const char *a, const char *b)
{
	double x, y;

	return read_number(a, &x) && read_number(b, &y) ? order_of(x, y) : ORDER_NONE;
}

/* digits - exactly @nr of them, of value @min to @max; steps over them. */
static bool digits(const char **s, unsigned int nr, int min, int max, int *out)
{
	*out = 0;
	for (; nr; nr--, ++*s) {
		if (!isdigit((unsigned char)**s))
			return false;
		*out = *out * 10 + (**s - '0');
	}
	return *out >= min && *out <= max;
}

static bool step(const char **s, char c)
{
	if (**s != c)
		return false;
	++*s;
	return true;
}

/* read_zone - "Z" or "+hh:mm" to the end, in seconds east. */
static bool read_zone(const char *s, int *east)
{
	int sign = *s == '-' ? -1 : 1, hours, minutes;

	*east = 0;
	if (!strcmp(s, "Z"))
		return true;
	if ((*s != '+' && *s != '-') || !*++s)
		return false;
	if (!digits(&s, 2, 0, 23, &hours) || !step(&s, ':') || !digits(&s, 2, 0, 59, &minutes) || *s)
		return false;
	*east = sign * (hours * 60 + minutes) * 60;
	return true;
}

static bool read_clock(const char *s, struct tm *tm, double *fraction, int *east)
{
	double unit = 0.1;

	if (!digits(&s, 2, 0, 23, &tm->tm_hour) || !step(&s, ':') || !digits(&s, 2, 0, 59, &tm->tm_min))
		return false;
	if (step(&s, ':') && !digits(&s, 2, 0, 60, &tm->tm_sec))
		return false;
	if (step(&s, '.')) {
		if (!isdigit((unsigned char)*s))
			return false;
		for (; isdigit((unsigned char)*s); s++, unit /= 10)
			*fraction += (*s - '0') * unit;
	}
	return read_zone(s, east);
}

static bool read_date(const char *s, double *out)
{
	struct tm tm = { 0 }, given;
	double fraction = 0;
	int year, east = 0;
	time_t t;

	if (*s && strspn(s, "0123456789") == strlen(s))
		return read_number(s, out);
	if (!digits(&s, 4, 1, 9999, &year) || !step(&s, '-') || !digits(&s, 2, 1, 12, &tm.tm_mon) || !step(&s, '-') ||
	    !digits(&s, 2, 1, 31, &tm.tm_mday))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon--;
	given = tm;
	if (*s && (!step(&s, 'T') || !read_clock(s, &tm, &fraction, &east)))
		return false;
	t = timegm(&tm) - east;
	*out = (double)t + fraction;
	/* The 31st of a shorter month would have become another month's first. */
	tm = given;
	timegm(&tm);
	return tm.tm_mon == given.tm_mon;
}

bool order_date_ok(const char *s)
{
	double n;

	return read_date(s, &n);
}

enum order order_dates(const char *a, const char *b)
{
	double x, y;

	return read_date(a, &x) && read_date(b, &y) ? order_of(x, y) : ORDER_NONE;
}
