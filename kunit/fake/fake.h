/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ECACHE_FAKE_H
#define ECACHE_FAKE_H

/* What the fakes share: calls in a chosen context. And what differs between kernels. */

#include <linux/bottom_half.h>
#include <linux/hrtimer.h>
#include <linux/llist.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/sysfs.h>

enum fake_context {
	FAKE_TASK,			/* kworker, bottom halves off */
	FAKE_SOFTIRQ,
	FAKE_HARDIRQ,
};

/* struct fake_calls - calls that wait for an interrupt; @func is called once for every node */
struct fake_calls {
	void (*func)(struct llist_node *node);
	struct llist_head waiting;
	struct hrtimer soft, hard;
};

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

static inline void fake_calls_interrupt(struct fake_calls *calls)
{
	struct llist_node *node, *next;

	llist_for_each_safe(node, next, llist_reverse_order(llist_del_all(&calls->waiting)))
		calls->func(node);
}

static inline enum hrtimer_restart fake_calls_soft(struct hrtimer *timer)
{
	fake_calls_interrupt(container_of(timer, struct fake_calls, soft));
	return HRTIMER_NORESTART;
}

static inline enum hrtimer_restart fake_calls_hard(struct hrtimer *timer)
{
	fake_calls_interrupt(container_of(timer, struct fake_calls, hard));
	return HRTIMER_NORESTART;
}

static inline void fake_calls_init(struct fake_calls *calls, void (*func)(struct llist_node *node))
{
	calls->func = func;
	init_llist_head(&calls->waiting);
	fake_timer_setup(&calls->soft, fake_calls_soft, HRTIMER_MODE_REL_SOFT);
	/*
	 * Not _HARD, which is for timers that interrupt even a real-time kernel: lockdep would
	 * forbid locks that the interrupt of a device may take.
	 */
	fake_timer_setup(&calls->hard, fake_calls_hard, HRTIMER_MODE_REL);
}

/* Nothing is called any more; the end of a call may still run. */
static inline void fake_calls_exit(struct fake_calls *calls)
{
	hrtimer_cancel(&calls->soft);
	hrtimer_cancel(&calls->hard);
}

/* From a work item: calls for @node in @context, soon if not now. */
static inline void fake_call(struct fake_calls *calls, enum fake_context context, struct llist_node *node)
{
	if (context == FAKE_TASK) {
		/* As drivers without an interrupt do: callers count on it. */
		local_bh_disable();
		calls->func(node);
		local_bh_enable();
		return;
	}
	llist_add(node, &calls->waiting);
	if (context == FAKE_SOFTIRQ)
		hrtimer_start(&calls->soft, 0, HRTIMER_MODE_REL_SOFT);
	else
		hrtimer_start(&calls->hard, 0, HRTIMER_MODE_REL);
}

/* A module parameter that is one of a list of names; its variable, an enum, holds the index. */
struct fake_choice {
	const char *const *names;
	unsigned int nr;
	unsigned int *value;
};

static inline int fake_choice_set(const char *val, const struct kernel_param *kp)
{
	const struct fake_choice *choice = kp->arg;
	int i = __sysfs_match_string(choice->names, choice->nr, val);

	if (i < 0)
		return i;
	WRITE_ONCE(*choice->value, i);
	return 0;
}

static inline int fake_choice_get(char *buffer, const struct kernel_param *kp)
{
	const struct fake_choice *choice = kp->arg;

	return sysfs_emit(buffer, "%s\n", choice->names[*choice->value]);
}

static const struct kernel_param_ops fake_choice_ops __maybe_unused = {
	.set = fake_choice_set,
	.get = fake_choice_get,
};

static const char *const fake_contexts[] __maybe_unused = { "task", "softirq", "hardirq" };

#endif
