/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_LISTENING_H
#define ECACHED_LISTENING_H

#include "daemon.h"

/*
 * The queue of events in the daemon: one question to ecache-net is always on its way, what
 * it brings are hints for the watcher. Without events-queue there is nothing of it.
 */
int listening_start(struct daemon *d, struct err *e);
void listening_stop(struct daemon *d);

#endif
