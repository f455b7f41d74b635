/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_AUDITHEAD_H
#define ECACHED_AUDITHEAD_H

#include "daemon.h"

/*
 * The end of the audit log, told to the journal: at the start, every hour and at each reload, so that a log that is cut
 * off later can be told. A log that was renamed since is followed: its last hash goes to the journal, too, and into the
 * record "audit-rotated" of the log that has the name now.
 */
void audithead_start(struct daemon *d);
void audithead_look(struct daemon *d);
void audithead_stop(struct daemon *d);

#endif
