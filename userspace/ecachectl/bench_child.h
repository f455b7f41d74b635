/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_CHILD_H
#define ECACHECTL_BENCH_CHILD_H

#include "../common/err.h"

/*
 * bench_child - run @words (a program found in PATH, and its arguments) in the folder @dir with @fd as descriptor
 * @as, what it says on standard error and output in DIR/messages. 0 when it ended with status 0. -EINTR: @signals
 * became readable (nothing is read), and the program was ended. -ENOENT: there is no such program. Its last words
 * are in @e.
 */
int bench_child(char *const *words, const char *dir, int fd, int as, int signals, struct err *e);

#endif
