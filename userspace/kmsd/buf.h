/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_BUF_H
#define KMSD_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A growing byte buffer that may hold secrets: every block it leaves behind is wiped. Running out of memory sets
 * @failed and turns later additions into no-ops, so that a builder checks once, at its end. @data is
 * NUL-terminated behind @len (NULL while empty).
 */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

#define BUF_INIT { 0 }

/* buf_reserve - room for @len more bytes and the NUL; false when out of memory. */
bool buf_reserve(struct buf *b, size_t len);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* buf_wipe - wipe, free, make empty. */
void buf_wipe(struct buf *b);

#endif
