/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_DOCTOR_TREE_H
#define ECACHECTL_DOCTOR_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "doctor.h"

/* Reading below struct doctor's root: /proc, /sys, /etc ... Paths are absolute, as on a real host. */

/* tree_read - a file's text, cut to fit, without its last newline; false when it cannot be read. */
bool tree_read(const struct doctor *d, char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* tree_link - where a symbolic link points. */
bool tree_link(const struct doctor *d, char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

bool tree_exists(const struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* tree_stat - of a link's target; 0 or a negative errno. */
int tree_stat(const struct doctor *d, const char *path, struct stat *st);

/* tree_each - @fn for every name in a directory but hidden ones; a missing directory has none. */
void tree_each(const struct doctor *d, const char *dir, void (*fn)(void *ctx, const char *name), void *ctx);

/* tree_word - is @word one of the words of @text, which blanks separate? Brackets around a word do not count. */
bool tree_word(const char *text, const char *word);

/* tree_value - the last "@key=VALUE" among the words of a kernel command line. */
bool tree_value(const char *text, const char *key, char *out, size_t size);

/* tree_setting - the last "key = value" line of a configuration file of ours. */
bool tree_setting(const struct doctor *d, const char *path, const char *key, char *out, size_t size);

#endif
