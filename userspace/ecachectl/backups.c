// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "call.h"
#include "output.h"
#include "volumes.h"

struct shown {
	struct json_object *array;	/* --json: collected here; else NULL, printed as they come */
	unsigned int nr;
};

static void show(void *ctx, struct json_object *msg)
{
	char when[64], bytes[16], stored[16];
	struct shown *s = ctx;

	if (s->array) {
		json_object_object_del(msg, "type");
		json_object_array_add(s->array, json_object_get(msg));
		return;
	}
	if (!s->nr++)
		printf("%-16s %-26s %9s %9s  %-8s %s\n", "VOLUME", "MADE", "SIZE", "STORED", "FILE IS", "FILE");
	out_time(out_int(msg, "created"), when, sizeof(when));
	progress_size((uint64_t)out_int(msg, "bytes"), bytes);
	progress_size((uint64_t)out_int(msg, "stored_bytes"), stored);
	printf("%-16s %-26s %9s %9s  %-8s %s\n", out_str(msg, "volume"), when, bytes, stored,
	       out_bool(msg, "present") ? "there" : "not there", out_str(msg, "file"));
}

int backups_show(bool json)
{
	static const struct call_ops ops = { .volume = show };
	struct json_object *result = NULL;
	struct shown s = { 0 };
	struct err e = ERR_INIT;
	int status = EXIT_OK;

	if (json) {
		s.array = json_object_new_array();
		if (!s.array)
			abort();
	}
	if (call_run(call_request("backups", NULL), &ops, &s, false, &result, &e)) {
		status = call_fail(&e, json);
	} else if (json) {
		json_object_object_add(result, "backups", s.array);
		s.array = NULL;
		out_json(result);
	} else if (!s.nr) {
		printf("no backups were made here; `ecachectl backup` makes one\n");
	}
	json_object_put(s.array);
	json_object_put(result);
	return status;
}
