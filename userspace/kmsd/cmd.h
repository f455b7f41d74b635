/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_CMD_H
#define KMSD_CMD_H

#include "common/err.h"

#define PROGRAM "ecache-kmsd"

/* The program's verbs. Exit codes: 0 done, 1 failed, 2 wrong usage. */
enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

int cmd_init(int argc, char **argv);		/* argv[0] is the verb */
int cmd_inject(int argc, char **argv);
int cmd_principal(int argc, char **argv);
int cmd_serve(int argc, char **argv);

/* cmd_failed - print the error and its hint; returns EXIT_FAILED. */
int cmd_failed(const struct err *e);

/* cmd_usage - "ecache-kmsd: WHAT" and where help is; returns EXIT_USAGE. */
int cmd_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* cmd_help - the whole help text on stdout; returns EXIT_OK. */
int cmd_help(void);

#endif
