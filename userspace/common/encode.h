/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_ENCODE_H
#define ECACHE_ENCODE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Hex (lowercase out, both in) and RFC 4648 base64 (padded, strict: no blanks, no missing or wrong padding bits). */

void hex_encode(const uint8_t *in, size_t len, char *out);	/* 2 * len + 1 bytes */
int hex_decode(const char *in, size_t len, uint8_t *out);	/* len hex digits, even; -EINVAL */

size_t base64_size(size_t len);					/* with NUL */
void base64_encode(const uint8_t *in, size_t len, char *out);
/* base64_decode - returns the decoded length or -EINVAL, -ENOSPC. In constant memory: no heap copy of the input. */
ssize_t base64_decode(const char *in, size_t len, uint8_t *out, size_t cap);

#endif
