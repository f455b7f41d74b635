/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_COMMAND_H
#define ECACHE_COMMAND_H

#include "../common/err.h"
#include "../common/secret.h"

#define COMMAND_MS 15000
#define COMMAND_OUTPUT (60 * 1024)

/*
 * command_run - run a command line, split as words.h says, and take its standard output: at most COMMAND_OUTPUT
 * bytes, in locked memory of @out. No shell. It gets /dev/null to read, our standard error and environment, no
 * descriptor of ours and a process group of its own, all of which is killed when @timeout_ms are over or it writes
 * too much. -EINVAL, -ETIMEDOUT, -EMSGSIZE, -ECHILD when it fails (another status than 0), -errno.
 */
int command_run(const char *line, size_t len, int timeout_ms, struct secret *out, struct err *e);

#endif
