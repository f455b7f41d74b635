/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DM_ECACHE_FAULT_H
#define DM_ECACHE_FAULT_H

/*
 * Failures on request, for tests: debugfs ecache_fail_*, under CONFIG_DM_ECACHE_FAULT_INJECTION.
 * Without it every question is answered false at compile time.
 */

enum ecache_fault {
	ECACHE_FAULT_ALLOC,	/* the fast way to bounce pages finds none */
	ECACHE_FAULT_ACCEL,	/* the accelerator answers a request with an error */
	ECACHE_FAULT_KEY,	/* no memory for a key */
	ECACHE_NR_FAULTS
};

#ifdef CONFIG_DM_ECACHE_FAULT_INJECTION
bool ecache_fault(enum ecache_fault fault);
void ecache_fault_init(void);
void ecache_fault_exit(void);
#else
static inline bool ecache_fault(enum ecache_fault fault)
{
	return false;
}

static inline void ecache_fault_init(void)
{
}

static inline void ecache_fault_exit(void)
{
}
#endif

#endif
