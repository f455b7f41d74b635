/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_REQUEST_H
#define ECACHED_REQUEST_H

#include <limits.h>
#include <stdbool.h>
#include <json-c/json.h>

#include "../common/err.h"
#include "../volume/name.h"
#include "../volume/pin.h"

/*
 * A request of ecachectl, read strictly: every member known to its verb, in form and in
 * range.
 */
enum request_verb {
	REQUEST_CREATE,
	REQUEST_OPEN,
	REQUEST_CLOSE,
	REQUEST_STATUS,
	REQUEST_LIST,
	REQUEST_REVOKE,
	REQUEST_REGRANT,
	REQUEST_DESTROY,
	REQUEST_DUMP,
	REQUEST_NR
};

struct request {
	enum request_verb verb;
	char name[VOLUME_NAME_MAX + 1];		/* "" when absent */
	char device[PATH_MAX];			/* absolute, "" when absent */
	char kms_key[KMS_ARN_MAX + 1];		/* "" default-key */
	char cache_id[CACHE_ID_MAX + 1];	/* "" make one */
	char grant_id[KMS_GRANT_ID_MAX + 1];	/* "" create one */
	char unit[PIN_UNIT_MAX + 1];
	unsigned int sector_size;		/* bytes */
	unsigned int key_size;			/* bytes */
	bool allow_discards;
	bool force;
	bool no_open;
	bool accept_older_header;
};

/* request_read - -EBADMSG (no request at all), -EINVAL (what is wrong is in @e). */
int request_read(struct json_object *msg, struct request *rq, struct err *e);

const char *request_verb_name(enum request_verb v);

/* request_public - may a member of group ecache ask this? Everything else is root's. */
bool request_public(enum request_verb v);

#endif
