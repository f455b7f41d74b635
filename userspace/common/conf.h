/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_CONF_H
#define ECACHE_CONF_H

#include <stddef.h>

#include "err.h"

/*
 * The configuration file syntax shared by ecached.conf, pin files and kmsd.conf: "key=value" lines, '#' comments
 * at the start of a line, blank lines; blanks around key and value are dropped. An unknown key, a repeated key,
 * a line without '=', a NUL or a line over 4096 bytes is an error that names file and line, and what to do.
 */
struct conf_key {
	const char *name;
	/* parse - value is NUL-terminated; on a bad value err_set() with the reason alone ("not a duration"). */
	int (*parse)(void *ctx, const char *value, struct err *e);
	int required;
};

int conf_parse_file(const char *path, const struct conf_key *keys, void *ctx, struct err *e);

/* conf_parse_buf - the same on memory; @name stands for the path in errors. */
int conf_parse_buf(const char *name, const char *buf, size_t len, const struct conf_key *keys, void *ctx,
		   struct err *e);

/*
 * conf_blame - what several lines make wrong together has a place, too: "PATH:LINE: " of @key is put before what is in
 * @e, or "PATH: " where no line sets it. conf_blame_text - the same of a text that @name stands for.
 */
void conf_blame(const char *path, const char *key, struct err *e);
void conf_blame_text(const char *name, const char *buf, size_t len, const char *key, struct err *e);

/* conf_line - the line of the file that sets @key; 0 when none does, or the file cannot be read. */
unsigned int conf_line(const char *path, const char *key);

/* conf_duration - "15m", "20s", "2h", "90" (seconds) to seconds within min..max. */
int conf_duration(const char *value, unsigned int min, unsigned int max, unsigned int *seconds, struct err *e);

#endif
