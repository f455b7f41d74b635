/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_MEM_H
#define ECACHE_MEM_H

#include <stddef.h>

/*
 * Allocation for libcurl, which copies our credentials and the answers into buffers of its own: what it gives back is
 * wiped first. Same meaning as in libc.
 */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t nr, size_t size);
void *mem_realloc(void *p, size_t size);
char *mem_strdup(const char *s);
void mem_free(void *p);

#endif
