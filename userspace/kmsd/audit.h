/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_AUDIT_H
#define KMSD_AUDIT_H

#include "call.h"

/*
 * The audit log: one CloudTrail-shaped record of each authenticated call, as a line of JSON in STATE_DIR/cloudtrail.log.
 * Records hold no plaintext, ciphertext or token. A line is one write(2), before the answer goes out.
 */
struct audit;

int audit_open(const char *path, struct audit **out, struct err *e);
/* audit_reopen - after the file was renamed (log rotation). On failure the old file stays in use. */
int audit_reopen(struct audit *a, struct err *e);
void audit_close(struct audit *a);

void audit_write(struct audit *a, const struct call *c);

/* audit_format - the record of a finished call, without the newline; for audit_write() and tests. */
void audit_format(const struct call *c, struct buf *out);

#endif
