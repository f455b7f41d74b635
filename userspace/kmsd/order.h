/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_ORDER_H
#define KMSD_ORDER_H

#include <stdbool.h>

/* Numbers and dates as policy conditions write them, and how two of them are ordered. */

enum order {
	ORDER_NONE = 0,		/* one of them is no number or no date */
	ORDER_LESS = 1,
	ORDER_EQUAL = 2,
	ORDER_GREATER = 4,
};

/* A decimal number: "-3", "2.5", "1e3". */
bool order_number_ok(const char *s);
enum order order_numbers(const char *a, const char *b);

/* ISO 8601, "2026-01-31", "2026-01-31T12:00Z", "2026-01-31T12:00:00.5+01:00", or seconds since 1970. */
bool order_date_ok(const char *s);
enum order order_dates(const char *a, const char *b);

#endif
