/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_VERB_H
#define ECACHECTL_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What every program of the project exits with. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

enum opt_kind {
	OPT_FLAG,	/* bool */
	OPT_STRING,	/* const char *, not empty */
	OPT_STRING_NEEDED,	/* the same, and wrong usage without it */
	OPT_NUMBER,	/* unsigned int, decimal */
	OPT_NUMBER_NEEDED,	/* the same, and wrong usage without it */
};

/* One long option of a verb: where its value goes in the verb's own struct of arguments. */
struct opt {
	const char *name;
	const char *arg;	/* how usage calls the value, NULL for a flag */
	const char *help;
	enum opt_kind kind;
	size_t offset;
};

#define OPT_END { .name = NULL }
#define OPT_JSON(type) \
	{ "json", NULL, "print JSON for programs instead of text", OPT_FLAG, offsetof(type, json) }

/* A verb of ecachectl: one const object in its own cmd_*.c. */
struct verb {
	const char *name;
	const char *operands;	/* as usage prints them: "NAME DEVICE" */
	unsigned int min_operands;
	unsigned int max_operands;
	const char *summary;	/* one line */
	const char *details;	/* more lines for `help VERB`, may be NULL */
	const struct opt *opts;
	int (*func)(const struct verb *v, int argc, char **argv);
};

extern const struct verb verb_create;
extern const struct verb verb_adopt;
extern const struct verb verb_open;
extern const struct verb verb_close;
extern const struct verb verb_hold;
extern const struct verb verb_status;
extern const struct verb verb_list;
extern const struct verb verb_top;
extern const struct verb verb_revoke;
extern const struct verb verb_confirm;
extern const struct verb verb_regrant;
extern const struct verb verb_rewrap;
extern const struct verb verb_resize;
extern const struct verb verb_unwrap;
extern const struct verb verb_destroy;
extern const struct verb verb_backup;
extern const struct verb verb_restore;
extern const struct verb verb_dump;
extern const struct verb verb_doctor;
extern const struct verb verb_audit;
extern const struct verb verb_bench;
extern const struct verb verb_help;

/* opt_is_needed - wrong usage without it. */
bool opt_is_needed(const struct opt *o);

/* verbs - every verb in the order of the usage text, ended by NULL. */
extern const struct verb *const verbs[];

const struct verb *verb_find(const char *name);

/*
 * verb_parse - the arguments after the verb: options into @args (zeroed by the caller),
 *	operands into @operands (room for max_operands, NULLs from the caller). Options
 *	and operands may be mixed; "--" ends the options. False: the verb ends with
 *	*status, either EXIT_USAGE after saying on stderr what is wrong, or EXIT_OK after
 *	--help.
 */
bool verb_parse(const struct verb *v, int argc, char **argv, void *args, const char **operands, int *status);

void verb_usage(FILE *to, const struct verb *v);	/* the one line */
void verb_help_text(FILE *to, const struct verb *v);	/* all of it */
void usage_all(FILE *to);

/* ecachectl_main - everything but process set-up; for main and the tests. */
int ecachectl_main(int argc, char **argv);

#endif
