/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_MEM_TEST_H
#define ECACHE_MEM_TEST_H

/* Handed to mem_test.c by the linker's --wrap: see mem_test_LDFLAGS in the Makefile. */
void __real_free(void *p);
void __wrap_free(void *p);

#endif
