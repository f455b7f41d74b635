/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ECACHE_KUNIT_H
#define ECACHE_KUNIT_H

#include <kunit/test.h>

#include "dm-ecache.h"

extern struct kunit_suite ecache_table_suite;
extern struct kunit_suite ecache_key_suite;
extern struct kunit_suite ecache_volume_suite;
extern struct kunit_suite ecache_crypt_suite;
extern struct kunit_suite ecache_bounce_suite;
extern struct kunit_suite ecache_message_suite;

/*
 * A target on a device that is never opened: what everything above the I/O path needs.
 * Freed with the test.
 */
struct ecache_target *ecache_kunit_target(struct kunit *test, unsigned int key_size, unsigned int sector_size);

/* The same with a volume of its own, put when the test ends. */
struct ecache_target *ecache_kunit_volume(struct kunit *test, unsigned int key_size, unsigned int sector_size);

/* A key whose halves differ; @seed makes another one. */
void ecache_kunit_key(u8 *key, unsigned int size, u8 seed);

#endif
