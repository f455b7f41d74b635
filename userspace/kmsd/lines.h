/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_LINES_H
#define KMSD_LINES_H

#include "buf.h"
#include "common/err.h"

/* A file that only grows, by whole lines: the audit log, and the events. Any thread may append. */
struct lines;

/* lines_open - made with mode 0600 if need be; a line that a crash cut short is ended first. */
int lines_open(const char *path, struct lines **out, struct err *e);
/* lines_reopen - after the file was renamed (log rotation). On failure the old file stays in use. */
int lines_reopen(struct lines *f, struct err *e);
void lines_close(struct lines *f);

/* lines_append - @line and its newline, with one write(2): all of it or nothing. -ENOMEM when @line has failed. */
int lines_append(struct lines *f, struct buf *line);

#endif
