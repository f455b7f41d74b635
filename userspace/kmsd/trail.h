/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_TRAIL_H
#define KMSD_TRAIL_H

#include "call.h"

/*
 * The audit log: one CloudTrail-shaped record of each authenticated call, as a line of JSON in
 * STATE_DIR/cloudtrail.log. Records hold no plaintext, ciphertext or token. A line is one write(2), before the answer
 * goes out. Any thread may write.
 */
struct trail;

int trail_open(const char *path, struct trail **out, struct err *e);
/* trail_reopen - after the file was renamed (log rotation). On failure the old file stays in use. */
int trail_reopen(struct trail *t, struct err *e);
void trail_close(struct trail *t);

void trail_write(struct trail *t, const struct call *c);

/* trail_format - the record of a finished call, without the newline; for trail_write() and tests. */
void trail_format(const struct call *c, struct buf *out);

#endif
