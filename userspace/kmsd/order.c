// SPDX-License-Identifier: GPL-2.0-or-later
#include "order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/isodate.h"

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

static bool read_date(const char *s, double *out)
{
	struct isodate d;

	if (*s && strspn(s, "0123456789") == strlen(s))
		return read_number(s, out);
	if (isodate_read(s, strlen(s), &d))
		return false;
	*out = (double)d.unix_s + d.fraction;
	return true;
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
