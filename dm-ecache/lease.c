// SPDX-License-Identifier: GPL-2.0
/*
 * Lease: the time after which a key ends with nobody's help.
 *
 * CLOCK_BOOTTIME, so a host that slept wakes without its keys. Three places look at the end of
 * the lease: the timer, which takes the key away itself; the I/O path, so that not one bio
 * begins after it, however late the timer is; and renew, under the same lock as the timer.
 *
 * Hibernation writes memory to a disk: every key ends before.
 */
#include <linux/suspend.h>

#include "dm-ecache.h"

static enum hrtimer_restart lease_timer(struct hrtimer *timer)
{
	struct ecache_volume *vol = container_of(timer, struct ecache_volume, lease_timer);
	unsigned long flags;

	spin_lock_irqsave(&vol->state_lock, flags);
	/* Renewed while we came here: then the timer runs again already. */
	if (vol->state == ECACHE_ACTIVE && ktime_get_boottime() >= vol->lease_end) {
		ecache_volume_unpublish(vol, ECACHE_LOCKED, ECACHE_WHY_LEASE);
		queue_work(ecache_key_wq, &vol->dying_work);
	}
	spin_unlock_irqrestore(&vol->state_lock, flags);
	return HRTIMER_NORESTART;
}

void ecache_lease_init(struct ecache_volume *vol)
{
	vol->lease_end = KTIME_MAX;
	ecache_hrtimer_setup(&vol->lease_timer, lease_timer);
}

/**
 * ecache_lease_start - the key ends so many seconds from now
 * @vol: the volume, its state_lock held
 * @seconds: 0: never
 */
void ecache_lease_start(struct ecache_volume *vol, unsigned int seconds)
{
	lockdep_assert_held(&vol->state_lock);
	if (!seconds) {
		WRITE_ONCE(vol->lease_end, KTIME_MAX);
		return;
	}
	WRITE_ONCE(vol->lease_end, ktime_add(ktime_get_boottime(), ktime_set(seconds, 0)));
	hrtimer_start(&vol->lease_timer, vol->lease_end, HRTIMER_MODE_ABS);
}

/**
 * ecache_lease_exit - no key is left, none will come
 * @vol: the volume
 */
void ecache_lease_exit(struct ecache_volume *vol)
{
	hrtimer_cancel(&vol->lease_timer);
	flush_work(&vol->dying_work);
}

/**
 * ecache_lease_renew - `key renew`
 * @vol: the volume
 * @seconds: from now, 1 to ECACHE_LEASE_MAX; shorter than what is left shortens it
 * @why: why not
 *
 * Return: 0; -ENOKEY without a key, whose lease could be renewed; -EINVAL if its table gave
 * it none.
 */
int ecache_lease_renew(struct ecache_volume *vol, unsigned int seconds, const char **why)
{
	int r = 0;

	spin_lock_irq(&vol->state_lock);
	/* Over, though the timer did not come yet: what I/O saw stays true. */
	if (vol->state != ECACHE_ACTIVE || ktime_get_boottime() >= vol->lease_end) {
		*why = "there is no key whose lease could be renewed";
		r = -ENOKEY;
	} else if (vol->lease_end == KTIME_MAX) {
		*why = "the key has no lease (lease:SECONDS in the table when it was set)";
		r = -EINVAL;
	} else {
		ecache_lease_start(vol, seconds);
	}
	spin_unlock_irq(&vol->state_lock);
	return r;
}

/**
 * ecache_lease_left - for the status
 * @vol: the volume, its state_lock held
 *
 * Return: seconds, rounded up; -1 without a lease.
 */
long long ecache_lease_left(const struct ecache_volume *vol)
{
	s64 left;

	lockdep_assert_held(&vol->state_lock);
	if (vol->lease_end == KTIME_MAX)
		return -1;
	left = ktime_to_ns(ktime_sub(vol->lease_end, ktime_get_boottime()));
	return left > 0 ? DIV_ROUND_UP_ULL(left, NSEC_PER_SEC) : 0;
}

static void end_for_hibernation(struct ecache_volume *vol)
{
	ecache_volume_end_key(vol, ECACHE_WHY_HIBERNATION);
}

static int pm_event(struct notifier_block *nb, unsigned long event, void *unused)
{
	if (event == PM_HIBERNATION_PREPARE)
		ecache_volume_for_each(end_for_hibernation);
	return NOTIFY_DONE;
}

static struct notifier_block ecache_pm = { .notifier_call = pm_event };

int ecache_pm_init(void)
{
	return register_pm_notifier(&ecache_pm);
}

void ecache_pm_exit(void)
{
	unregister_pm_notifier(&ecache_pm);
}
