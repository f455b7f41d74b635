/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_JSONW_H
#define KMSD_JSONW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/*
 * Writes JSON straight into a wiped buffer. A DOM (json-c) would keep copies of a Plaintext that nobody can wipe, so
 * every reply is made here. @key is NULL for elements of an array and for the outermost value. Strings are UTF-8 that
 * was checked on its way in.
 */
struct jsonw {
	struct buf *b;
	bool comma;
};

#define JSONW_INIT(buf) { .b = (buf) }

void jsonw_open(struct jsonw *w, const char *key, char bracket);	/* '{' or '[' */
void jsonw_close(struct jsonw *w, char bracket);			/* '}' or ']' */
void jsonw_string(struct jsonw *w, const char *key, const char *value);
void jsonw_int(struct jsonw *w, const char *key, int64_t value);
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_null(struct jsonw *w, const char *key);
void jsonw_time(struct jsonw *w, const char *key, int64_t ms);		/* seconds since 1970, with a fraction */
void jsonw_base64(struct jsonw *w, const char *key, const uint8_t *data, size_t len);
void jsonw_raw(struct jsonw *w, const char *key, const char *json);	/* @json is one JSON value */

#endif
