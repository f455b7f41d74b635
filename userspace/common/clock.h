/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_CLOCK_H
#define ECACHE_CLOCK_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

/* now_ms - CLOCK_BOOTTIME in milliseconds: goes on while the host sleeps, and nobody can set it. */
static inline int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* monotonic_ms - CLOCK_MONOTONIC, which pthread_cond_timedwait() can wait for; stands still while the host sleeps. */
static inline int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* sleep_ms - all of @ms (>= 0) of CLOCK_MONOTONIC: a signal's handler does not end it. */
static inline void sleep_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

#endif
