// SPDX-License-Identifier: GPL-2.0
/*
 * Events: who waits for a change of key or state is told, from work and only when the change
 * is complete: a key that is reported gone is gone.
 *
 * dm's own event wakes DM_DEV_WAIT; the uevent (change, with ECACHE_STATE and ECACHE_REASON)
 * reaches udev.
 */
#include <linux/blkdev.h>
#include <linux/kobject.h>
#include <linux/list.h>

#include "dm-ecache.h"

#define ECACHE_ENV_SIZE	32

static void send_uevent(struct mapped_device *md, enum ecache_state state, enum ecache_reason reason)
{
	char state_env[ECACHE_ENV_SIZE], reason_env[ECACHE_ENV_SIZE];
	char *envp[3] = { state_env, reason_env };

	snprintf(state_env, sizeof(state_env), "ECACHE_STATE=%s", ecache_state_name(state));
	snprintf(reason_env, sizeof(reason_env), "ECACHE_REASON=%s", ecache_reason_name(reason));
	kobject_uevent_env(&disk_to_dev(dm_disk(md))->kobj, KOBJ_CHANGE, envp);
}

/* A table that joined has not left while targets_lock is held, so its device is there, too. */
static void event_work(struct work_struct *work)
{
	struct ecache_volume *vol = container_of(work, struct ecache_volume, event_work);
	enum ecache_reason reason;
	struct ecache_target *et;
	enum ecache_state state;

	spin_lock_irq(&vol->state_lock);
	state = vol->state;
	reason = vol->reason;
	spin_unlock_irq(&vol->state_lock);

	mutex_lock(&vol->targets_lock);
	if (!list_empty(&vol->targets)) {
		DMINFO("%s: %s (%s)", dm_device_name(vol->md), ecache_state_name(state), ecache_reason_name(reason));
		send_uevent(vol->md, state, reason);
	}
	/* An inactive table has no listener, and dm knows that. */
	list_for_each_entry(et, &vol->targets, node)
		dm_table_event(et->ti->table);
	mutex_unlock(&vol->targets_lock);
}

/**
 * ecache_event - tell everybody, soon
 * @vol: the volume; several changes may be told as one
 */
void ecache_event(struct ecache_volume *vol)
{
	schedule_work(&vol->event_work);
}

void ecache_event_init(struct ecache_volume *vol)
{
	mutex_init(&vol->targets_lock);
	INIT_LIST_HEAD(&vol->targets);
	INIT_WORK(&vol->event_work, event_work);
}

/* No table and no key is left: nobody queues it any more. */
void ecache_event_exit(struct ecache_volume *vol)
{
	cancel_work_sync(&vol->event_work);
}

/**
 * ecache_event_join - the table hears of changes from now on
 * @et: complete
 */
void ecache_event_join(struct ecache_target *et)
{
	mutex_lock(&et->vol->targets_lock);
	list_add_tail(&et->node, &et->vol->targets);
	mutex_unlock(&et->vol->targets_lock);
}

/**
 * ecache_event_leave - and from now on no more; waits for an event that is being told
 * @et: that joined
 */
void ecache_event_leave(struct ecache_target *et)
{
	mutex_lock(&et->vol->targets_lock);
	list_del(&et->node);
	mutex_unlock(&et->vol->targets_lock);
}
