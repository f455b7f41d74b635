/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_EVENTS_H
#define KMSD_EVENTS_H

#include "call.h"
#include "outbox.h"

/*
 * Events as EventBridge delivers them: "AWS API Call via CloudTrail" for each call that changes something, failed ones
 * too, as at AWS; and those that KMS sends of its own accord. Best effort, as there: one that cannot be written is an
 * error in the journal, and no request fails for it or waits for a queue. An event is a hint to look, never proof. Any
 * thread may send.
 */
#define EVENT_CALL "AWS API Call via CloudTrail"
#define EVENT_KEY_DELETION "KMS CMK Deletion"
#define EVENT_KEY_ROTATION "KMS CMK Rotation"

struct events;

/* events_open - into the file @path, a line of JSON each, and into a queue; NULL: not there. */
int events_open(const char *path, const struct outbox_config *queue, struct events **out, struct err *e);
/* events_reopen - after the file, if there is one, was renamed. On failure the old file stays in use. */
int events_reopen(struct events *ev, struct err *e);
void events_close(struct events *ev);

/* events_call - of a finished call and its trail_format(); nothing for one that only reads. */
void events_call(const struct call *c, const struct buf *record);

/* events_key - one of KMS's own, about the key of that id; nothing without svc->events. */
void events_key(const struct service *svc, const char *type, const char *key_id, int64_t now_ms);

#endif
