/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ECACHE_FAKE_H
#define ECACHE_FAKE_H

/* What the fakes need to know about differences between kernels. */

#include <linux/hrtimer.h>

static inline void fake_timer_setup(struct hrtimer *timer, enum hrtimer_restart (*function)(struct hrtimer *),
				    enum hrtimer_mode mode)
{
#ifdef FAKE_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, mode);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, mode);
	timer->function = function;
#endif
}

#endif
