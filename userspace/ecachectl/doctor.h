/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_DOCTOR_H
#define ECACHECTL_DOCTOR_H

#include <stdbool.h>
#include <sys/types.h>
#include <json-c/json.h>

#include "../common/agentconf.h"

/*
 * ecachectl doctor: a list of checks, each a function that looks at a struct doctor and
 * says what it found. Whatever can be read is read below a root directory, and whatever
 * has to be asked was asked before, so that a test gives a check a whole world. A check
 * that cannot tell says so (unknown) and why.
 */

/* From good to bad; a finding has the worst of what its check met. */
enum outcome {
	DOCTOR_OK,
	DOCTOR_UNKNOWN,		/* could not be read or asked */
	DOCTOR_WARNING,		/* weaker than it could be; a promise still holds */
	DOCTOR_FAULT,		/* a promise does not hold, or the agent does not work */
};

const char *outcome_name(enum outcome o);	/* "ok", "unknown", "warning", "fault" */

struct finding {
	enum outcome outcome;
	char found[1024];
	const char *remedy;	/* what to do; NULL: nothing */
};

/* The world that the checks look at. What could not be had is NULL, and agent_error or conf_error says why. */
struct doctor {
	const char *root;		/* in front of every path; "" for the real one */
	uid_t owner;			/* whose files the configuration and the secrets must be: root's */
	const struct agentconf *conf;
	const char *conf_error;
	struct json_object *status;	/* ecached's answer to status: volumes (array), agent */
	struct json_object *kms;	/* to doctor: volumes (array) with answers, caller, canary, strays ... */
	const char *agent_error;
	const char *kernel_log;		/* since boot, as far as the kernel has kept it */
	bool have_target;		/* device-mapper knows the target ecache */
	unsigned int target[3];		/* its version */
};

struct check {
	const char *name;		/* stable, for programs */
	void (*run)(const struct doctor *d, struct finding *f);
};

/* Each file's checks, ended by a NULL name. */
extern const struct check doctor_agent_checks[];
extern const struct check doctor_host_checks[];
extern const struct check doctor_kernel_checks[];
extern const struct check doctor_kms_checks[];
extern const struct check doctor_volumes_checks[];

/*
 * find - one thing that a check met. Worse than all before, it takes their place; as bad,
 *	it is added; better, it is left out. @remedy: a constant, NULL none.
 */
void find(struct finding *f, enum outcome o, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* doctor_each - every check, in the order of the output. */
void doctor_each(const struct doctor *d, void (*fn)(void *ctx, const char *name, const struct finding *f), void *ctx);

/* doctor_check - the one of that name; false: there is none. */
bool doctor_check(const struct doctor *d, const char *name, struct finding *f);

#endif
