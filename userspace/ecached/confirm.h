/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_CONFIRM_H
#define ECACHED_CONFIRM_H

#include <stdbool.h>

/* confirm_names - is @name one of the names in @list, which commas separate? */
bool confirm_names(const char *list, const char *name);

#endif
