/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_INJECT_STATE_H
#define KMSD_INJECT_STATE_H

#include <pthread.h>

#include "inject.h"

/* What inject.c looks at and inject_command.c changes. */
#define INJECT_RULES_MAX 64
#define INJECT_GONE_MAX 1000
#define INJECT_NAME_SIZE 65
#define INJECT_FOREVER 0		/* count: until it is cleared */

struct inject_rule {
	unsigned int id;
	enum inject_kind kind;
	char operation[INJECT_NAME_SIZE];	/* "": any, as the next two */
	char principal[PRINCIPAL_NAME_SIZE];
	char key[ARN_SIZE];			/* key id or ARN */
	int64_t left;				/* how often still, or INJECT_FOREVER */
	unsigned int percent;			/* of the requests it is about */
	unsigned int delay_ms;			/* of INJECT_SLOW */
	bool done;				/* the operation is carried out all the same */
	uint64_t hits;
};

struct inject_gone {
	struct grant grant;
	int64_t at_ms;
};

struct inject {
	struct rates *rates;		/* the server's own */
	pthread_mutex_t lock;		/* of everything below */
	unsigned int next_id;
	unsigned int nr_rules;
	struct inject_rule rule[INJECT_RULES_MAX];
	int64_t clock_offset_ms;
	int64_t grant_delay_ms;
	bool pending_is_disabled;	/* DisabledException for a key that waits for its deletion */
	unsigned int nr_gone;
	struct inject_gone gone[INJECT_GONE_MAX];	/* oldest first */
	uint64_t random;
};

/* Both with the lock held. */
void inject_remove_rule(struct inject *in, unsigned int i);
void inject_forget_gone(struct inject *in, unsigned int nr);

#endif
