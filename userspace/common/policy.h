/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_POLICY_H
#define ECACHE_POLICY_H

#include <stdint.h>

#include "err.h"

/*
 * What happens to a volume when its key may no longer be used, or nobody can say. Each is set in the volume's own file
 * (volume/pin.h), else in ecached.conf, else it is the default below.
 */
enum policy {
	POLICY_TEARDOWN,	/* terminal: key revoke, mapping removed */
	POLICY_LOCK,		/* key wipe, the mapping stays LOCKED and reopens on OK */
	POLICY_HOLD,		/* alarm only */
};

enum after_lock {
	AFTER_LOCK_RESTART,	/* reopen on OK, and start the unit that was stopped */
	AFTER_LOCK_STAY,	/* stay LOCKED until ecachectl open */
};

/* Ranges; seconds. */
#define POLICY_PROBE_MIN 1
#define POLICY_PROBE_MAX 86400
#define POLICY_DEADLINE_MIN 5
#define POLICY_DEADLINE_MAX 600
#define POLICY_FAIL_AFTER_MIN 10
#define POLICY_FAIL_AFTER_MAX (30 * 86400)
#define POLICY_LEASE_MAX 86400
#define POLICY_HOOK_MAX 255

/* From the kill of an agent to its next answer to a KMS: RestartSec of ecached.service, and the start itself. */
#define POLICY_RESTART_S 5
/* WatchdogSec of ecached.service, where there is no systemd to tell. */
#define POLICY_WATCHDOG_S 30

/* Bits of struct policies.set. */
enum {
	POLICY_SET_ON_REVOKE = 1,
	POLICY_SET_ON_DISABLED = 2,
	POLICY_SET_UNREACHABLE = 4,
	POLICY_SET_LEASE = 8,
	POLICY_SET_AFTER_LOCK = 16,
	POLICY_SET_PROBE = 32,
	POLICY_SET_DEADLINE = 64,
	POLICY_SET_HOOK = 128,
};

struct policies {
	unsigned int set;		/* what the file says; the other members hold their defaults */
	enum policy on_revoke;		/* teardown */
	enum policy on_disabled;	/* lock */
	unsigned int fail_after;	/* unreachable: seconds after the last OK; 0, the default: hold */
	unsigned int lease;		/* seconds; 0, the default: none */
	enum after_lock after_lock;	/* restart */
	unsigned int probe_interval;	/* seconds, 300 */
	unsigned int teardown_deadline;	/* seconds, 20 */
	char hook[POLICY_HOOK_MAX + 1];	/* absolute path, "" none */
};

void policies_init(struct policies *p);

/* The keys' values, for parsers of files (common/conf.h): -EINVAL or -ERANGE with the reason alone. */
int policies_on_revoke(struct policies *p, const char *value, struct err *e);
int policies_on_disabled(struct policies *p, const char *value, struct err *e);
int policies_unreachable(struct policies *p, const char *value, struct err *e);
int policies_lease(struct policies *p, const char *value, struct err *e);
int policies_after_lock(struct policies *p, const char *value, struct err *e);
int policies_probe_interval(struct policies *p, const char *value, struct err *e);
int policies_teardown_deadline(struct policies *p, const char *value, struct err *e);
int policies_hook(struct policies *p, const char *value, struct err *e);

/* policies_text - those that are set, as lines of a file; to be freed, NULL: no memory. */
char *policies_text(const struct policies *p);

/* policies_over - @own where it says something, else @common. */
struct policies policies_over(const struct policies *own, const struct policies *common);

/*
 * policies_check - whether they go together: -EINVAL with the reason in @e, and the key to change in *@key. A lease
 * must outlive a hung agent's kill and restart, whose watchdog is @watchdog_s, and fail-after two probes in a row.
 * Checked where both files are known.
 */
int policies_check(const struct policies *p, unsigned int watchdog_s, const char **key, struct err *e);

/* policies_lease_of - seconds that a key set now may live: fail-after bounds it as well; 0: no lease. */
unsigned int policies_lease_of(const struct policies *p);

const char *policy_name(enum policy p);
const char *after_lock_name(enum after_lock a);

#endif
