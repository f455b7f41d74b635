/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_EVENT_H
#define ECACHE_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "kms.h"

/*
 * What an event of EventBridge is about. Anybody who may write to the queue can say anything in one, so all that is
 * taken from it is where to look: a key, perhaps a grant.
 */
#define EVENT_MAX (256 * 1024)	/* bytes; EventBridge's own limit */
#define EVENT_ARN_MAX 256
#define EVENT_NAME_MAX 40

struct event {
	char name[EVENT_NAME_MAX + 1];		/* "RevokeGrant", "KMS CMK Deletion": one of a fixed list */
	char key_arn[EVENT_ARN_MAX + 1];	/* passes arn_check_key() */
	char grant_id[KMS_GRANT_ID_MAX + 1];	/* letters, digits, '-'; "": it is about all of the key */
};

enum event_kind {
	EVENT_LOOK,	/* *out says where */
	EVENT_OTHER,	/* an event that changes nobody's right to use a key, or a call that failed */
	EVENT_UNREAD,	/* not an event of EventBridge, or without what one has */
};

/*
 * event_parse - the body of a message: an event as EventBridge writes it (its target being the queue), or as SNS wraps
 * it. Unknown members are skipped. *out is zeroed unless EVENT_LOOK.
 */
enum event_kind event_parse(const char *text, size_t len, struct event *out);

#endif
