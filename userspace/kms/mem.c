// SPDX-License-Identifier: GPL-2.0-or-later
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void *mem_alloc(size_t size)
{
	return malloc(size);
}

void *mem_zalloc(size_t nr, size_t size)
{
	return calloc(nr, size);
}

/* Never realloc(): it may move the block and leave the old one as it is. */
void *mem_realloc(void *p, size_t size)
{
	size_t old;
	void *new;

	if (!p)
		return malloc(size);
	new = malloc(size);
	if (!new)
		return NULL;
	old = malloc_usable_size(p);
	memcpy(new, p, old < size ? old : size);
	mem_free(p);
	return new;
}

char *mem_strdup(const char *s)
{
	return strdup(s);
}

void mem_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}
