/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NET_EVENTS_H
#define NET_EVENTS_H

#include "../common/agentconf.h"
#include "../kms/net.h"

/*
 * events_wait - one long look into events-queue for who waits at the other end of @sock: what came is read, deleted,
 * and told in *ans, which also says what went wrong, if anything did. Nothing is deleted when nobody waits any more.
 * @k was opened for a queue's answers. SIGTERM ends the process while it only waits, and is ignored afterwards.
 */
void events_wait(struct kms *k, const struct agentconf *conf, int sock, struct net_answer *ans, struct err *e);

#endif
