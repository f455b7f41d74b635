/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_RATES_H
#define KMSD_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/*
 * Request rates, as AWS KMS limits them per account: requests per second of a class, which is "Cryptographic" for all
 * that uses key material, and otherwise one operation. A class saves up what it did not use for one second. Any thread
 * may ask.
 */
struct rates;

#define RATES_MAX 1000000
#define RATES_UNLIMITED (-1)

/*
 * rates_new - @spec is "none", or words separated by commas: "aws" for the rates of a new AWS account, "CLASS:N" for
 * one class (N: 0..RATES_MAX). Later words win.
 */
int rates_new(const char *spec, struct rates **out, struct err *e);
void rates_free(struct rates *r);

/* rates_take - may operation @op go on at @now_ms (of a clock that does not jump)? @r may be NULL: yes. */
bool rates_take(struct rates *r, const char *op, int64_t now_ms);

/* rates_override - until rates_restore(), @class has rate @per_second. -ENOENT: no such class. */
int rates_override(struct rates *r, const char *class, int64_t per_second);
void rates_restore(struct rates *r);

/* rates_each - class by class: its name, its rate or RATES_UNLIMITED, and whether it is overridden. */
void rates_each(struct rates *r, void (*fn)(void *ctx, const char *class, int64_t per_second, bool overridden),
		void *ctx);

#endif
