/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_ENV_H
#define ECACHED_ENV_H

#include "../volume/dm.h"
#include "../volume/revoker.h"

struct agentconf;

/*
 * Everything a job needs to know of the world, so that tests can give it another one. Read-
 * only after the start; jobs run in forked children and see it as it was at their fork.
 */
struct env {
	const char *pin_dir;
	const char *state_dir;
	const char *intent_dir;
	const char *backup_dir;		/* what is known of backups: UUID.json */
	const char *saved_dir;		/* what create --force overwrote: NAME-UUID.img */
	const char *report_dir;		/* last teardown of a volume: NAME.json, gone with the boot */
	const char *lock_dir;		/* NAME: flock()ed by the job that works on the volume */
	const char *audit_log;
	const char *net_socket;
	unsigned int device_flags;	/* DEVICE_FILE in tests */
	unsigned int watchdog_s;	/* after which systemd kills a hung ecached */
	const struct agentconf *conf;
	struct dm dm;
	struct revoker *revoker;	/* NULL: none */
};

#define ENV_STATE "/var/lib/ecache"
#define ENV_SAVED_DIR ENV_STATE "/saved"
#define ENV_RUN "/run/ecache"
#define ENV_REPORT_DIR ENV_RUN "/teardown"
#define ENV_LOCK_DIR ENV_RUN "/lock"

#endif
