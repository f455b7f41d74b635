/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_SWAP_FAKE_H
#define ECACHED_SWAP_FAKE_H

/* For world.h, which includes it: what the kernel and mkswap do with the one swap area of a world; what c1 holds. */
#include "../volume/fssize.h"
#include "../volume/swap.h"

typeof(fssize_look) __wrap_fssize_look;
int __wrap_fssize_look(const char *path, struct fssize *out, struct err *e)
{
	(void)e;
	assert_string_equal(path, "/dev/mapper/c1");
	*out = world->fs;
	return 0;
}

typeof(swap_look) __wrap_swap_look;
int __wrap_swap_look(const char *proc, dev_t dev, struct swap_area *a, struct err *e)
{
	(void)proc;
	(void)dev;
	(void)e;
	*a = (struct swap_area){ .on = world->swapped, .used = 4096 };
	return 0;
}

typeof(swap_uses) __wrap_swap_uses;
bool __wrap_swap_uses(const char *proc, dev_t dev)
{
	(void)proc;
	(void)dev;
	return world->swapped;
}

typeof(swap_room) __wrap_swap_room;
int __wrap_swap_room(const char *proc, const char *cgroups, const char *name, const struct swap_area *a, struct err *e)
{
	(void)proc;
	(void)cgroups;
	(void)a;
	return world->no_room ? err_set(e, -ENOMEM, "no room for %s", name) : 0;
}

/* world_swap - a call that can be struck; swap needs the key, whether it is made, begun or ended. */
static inline int world_swap(const char *fn, bool *what, bool to, struct err *e)
{
	int rc = strike(fn, true);

	if (rc)
		return err_set(e, rc, "struck before %s", fn);
	assert_int_equal(world->dm.nr, 1);
	assert_int_equal(world->dm.dev[0].state, DM_STATE_ACTIVE);
	*what = to;
	world->dm.dev[0].open_count = world->swapped;
	rc = strike(fn, false);
	return rc ? err_set(e, rc, "struck after %s", fn) : 0;
}

typeof(swap_make) __wrap_swap_make;
int __wrap_swap_make(const char *path, struct err *e)
{
	assert_string_equal(path, "/dev/mapper/c1");
	return world_swap("swap_make", &world->swap_made, true, e);
}

typeof(swap_on) __wrap_swap_on;
int __wrap_swap_on(const char *proc, const char *path, dev_t dev, int priority, bool discards, struct err *e)
{
	(void)proc;
	(void)path;
	(void)dev;
	(void)priority;
	(void)discards;
	if (!world->swap_made)
		return err_set(e, -EINVAL, "no swap area");
	return world_swap("swap_on", &world->swapped, true, e);
}

typeof(swap_off) __wrap_swap_off;
int __wrap_swap_off(const char *proc, const char *path, dev_t dev, struct err *e)
{
	(void)proc;
	(void)path;
	(void)dev;
	return world_swap("swap_off", &world->swapped, false, e);
}

typeof(device_name_is_stable) __wrap_device_name_is_stable;
bool __wrap_device_name_is_stable(const char *path)
{
	(void)path;
	return true;
}

#endif
