/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_LOADED_H
#define ECACHED_LOADED_H

#include "../volume/device.h"
#include "job.h"

/* A volume as pin, state and header say, which are of one mind. Big, so on the heap. */
struct loaded {
	struct pin pin;
	struct state state;
	bool have_state;
	struct device device;	/* DEVICE_INIT at first; the caller's to close */
	struct header header;
};

/*
 * loaded_device - a volume may have its header changed while its mapping, or what is left of
 *	a teardown, holds the device: nothing but the header is written through it.
 */
int loaded_device(const struct env *env, const char *name, const char *path, struct device *d, struct err *e);

/* loaded_volume - one with a grant and no unfinished work on record. */
int loaded_volume(const struct env *env, const char *name, struct loaded *v, struct err *e);

#endif
