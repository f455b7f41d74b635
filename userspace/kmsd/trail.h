/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_TRAIL_H
#define KMSD_TRAIL_H

#include "call.h"
#include "lines.h"

/*
 * The audit log: one CloudTrail-shaped record of each authenticated call, as a line of JSON in
 * STATE_DIR/cloudtrail.log. Records hold no plaintext, ciphertext or token. A line is one write(2), before the answer
 * goes out. Any thread may write.
 */

/* trail_format - the record of a finished call whose operation and caller are known, without the newline. */
void trail_format(const struct call *c, struct buf *out);

/* trail_write - the record and its newline. What cannot be written is an error in the journal. */
void trail_write(struct lines *log, const struct call *c, struct buf *record);

#endif
