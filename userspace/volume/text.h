/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_TEXT_H
#define ECACHE_TEXT_H

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* text_copy - @src into @dst of @size bytes, whole or (-ENAMETOOLONG, @dst empty) not at all; never cut. */
static inline int text_copy(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	if (len >= size) {
		dst[0] = '\0';
		return -ENAMETOOLONG;
	}
	memcpy(dst, src, len);
	dst[len] = '\0';
	return 0;
}

/* text_set - the same for an array. */
#define text_set(dst, src) text_copy(dst, sizeof(dst), src)

#endif
