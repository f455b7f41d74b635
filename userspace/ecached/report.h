/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_REPORT_H
#define ECACHED_REPORT_H

#include "tear.h"

/* The last teardown of each volume since boot, in files below report_dir (Documentation/formats.md). */

int report_keep(const struct env *env, const struct tear *t, const struct teardown_report *r, struct err *e);

/* report_load - NULL when there is none. */
struct json_object *report_load(const struct env *env, const char *name);

/*
 * report_unit_to_start - whether a reopen after the last lock is to start the volume's unit;
 *	says so once.
 */
bool report_unit_to_start(const struct env *env, const char *name);

#endif
