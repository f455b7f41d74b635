// SPDX-License-Identifier: GPL-2.0
/*
 * The engines that a table can name.
 */
#include <linux/string.h>

#include "dm-ecache.h"
#include "inline.h"

static int cpu_volume_init(struct ecache_volume *vol, char **error)
{
	return 0;
}

static void cpu_volume_exit(struct ecache_volume *vol)
{
}

static int cpu_key_init(struct ecache_volume *vol, struct ecache_key *key, const u8 *raw, const char **why)
{
	return 0;
}

static void cpu_key_exit(struct ecache_key *key)
{
}

/* What it needs every key has: see ecache_key_alloc(). */
const struct ecache_engine ecache_engine_cpu = {
	.name = "cpu",
	.volume_init = cpu_volume_init,
	.volume_exit = cpu_volume_exit,
	.key_init = cpu_key_init,
	.key_exit = cpu_key_exit,
	.map = ecache_cpu_map,
};

/**
 * ecache_engine_find - the engine of a name
 * @name: as in a table
 * @error: why not
 *
 * Return: the engine, NULL if there is none of that name or not on this kernel.
 */
const struct ecache_engine *ecache_engine_find(const char *name, char **error)
{
	if (!strcmp(name, ecache_engine_cpu.name))
		return &ecache_engine_cpu;
	if (!strcmp(name, ecache_engine_accel.name))
		return &ecache_engine_accel;
	if (!strcmp(name, "inline")) {
		*error = "engine:inline needs a kernel (7.x) whose blk-crypto is open to modules";
		return ecache_engine_inline();
	}
	*error = "Unsupported engine (this module has: cpu, accel, inline)";
	return NULL;
}
