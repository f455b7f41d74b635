// SPDX-License-Identifier: GPL-2.0-or-later
/* What comes in at ecached's control socket: a request that is let through has only names that are names. */
#include "fuzz/fuzz.h"

#include "common/json.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct request rq;
	struct json_object *msg;
	struct err e = ERR_INIT;

	if (js_parse((const char *)data, size, 4, &msg, &e))
		return 0;
	if (!request_read(msg, &rq, &e)) {
		fuzz_check(rq.verb < REQUEST_NR && *request_verb_name(rq.verb));
		fuzz_check(!*rq.name || !volume_name_check(rq.name, NULL));
		fuzz_check(!*rq.device || *rq.device == '/');
		fuzz_check(!*rq.cache_id || !cache_id_check(rq.cache_id, NULL));
		fuzz_check(!request_public(rq.verb) || (!rq.force && !*rq.grant_id));
	} else {
		fuzz_check(e.what[0]);
	}
	json_object_put(msg);
	return 0;
}
