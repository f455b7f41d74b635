// SPDX-License-Identifier: GPL-2.0
/*
 * Failures on request: /sys/kernel/debug/ecache_fail_alloc, ecache_fail_accel and
 * ecache_fail_key, each with the files that the kernel's fault injection gives (probability,
 * times, interval...). Built with CONFIG_DM_ECACHE_FAULT_INJECTION only.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>

#include "dm-ecache.h"
#include "fault.h"

static struct ecache_fault_point {
	const char *name;
	struct fault_attr attr;
	struct dentry *dir;
} ecache_faults[ECACHE_NR_FAULTS] = {
	[ECACHE_FAULT_ALLOC] = { "ecache_fail_alloc", FAULT_ATTR_INITIALIZER },
	[ECACHE_FAULT_ACCEL] = { "ecache_fail_accel", FAULT_ATTR_INITIALIZER },
	[ECACHE_FAULT_KEY] = { "ecache_fail_key", FAULT_ATTR_INITIALIZER },
};

/**
 * ecache_fault - whether to fail here, now
 * @fault: where
 *
 * Return: true if so.
 */
bool ecache_fault(enum ecache_fault fault)
{
	return should_fail(&ecache_faults[fault].attr, 1);
}

/* Without debugfs nothing can be asked for, and nothing fails. */
void ecache_fault_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ecache_faults); i++) {
		/* A line in the log for each would drown the test's own. */
		ecache_faults[i].attr.verbose = 0;
		ecache_faults[i].dir = fault_create_debugfs_attr(ecache_faults[i].name, NULL, &ecache_faults[i].attr);
	}
}

void ecache_fault_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ecache_faults); i++)
		debugfs_remove_recursive(ecache_faults[i].dir);
}
