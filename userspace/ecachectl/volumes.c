// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "call.h"
#include "output.h"
#include "volumes.h"

struct shown {
	enum volumes_form form;
	struct json_object *array;	/* --json: collected here; else NULL, printed as they come */
	unsigned int nr;
	int64_t now;
};

static void show(void *ctx, struct json_object *msg)
{
	struct shown *s = ctx;

	if (s->array) {
		json_object_object_del(msg, "type");
		json_object_array_add(s->array, json_object_get(msg));
	} else if (s->form == VOLUMES_LIST) {
		if (!s->nr)
			out_list_head(stdout);
		out_list_line(stdout, msg, s->now);
	} else {
		if (s->nr)
			putchar('\n');
		out_status(stdout, msg, s->now);
	}
	s->nr++;
}

static void show_json(struct shown *s, struct json_object *result)
{
	json_object_object_add(result, "volumes", s->array);
	s->array = NULL;
	out_json(result);
}

int volumes_show(const struct verb *v, int argc, char **argv, const char *request, enum volumes_form form)
{
	static const struct call_ops ops = { .volume = show };
	struct shown s = { .form = form, .now = time(NULL) };
	struct json_object *result = NULL;
	const char *operands[1] = { NULL };
	struct volumes_args a = { 0 };
	struct err e = ERR_INIT;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	if (a.json) {
		s.array = json_object_new_array();
		if (!s.array)
			abort();
	}
	if (call_run(call_request(request, operands[0]), &ops, &s, false, &result, &e))
		status = call_fail(&e, a.json);
	else if (a.json)
		show_json(&s, result);
	else if (!s.nr)
		printf("no volumes; `ecachectl create` makes one\n");
	if (!status && !a.json && strcmp(out_str(out_obj(result, "agent"), "problem"), "-"))
		fprintf(stderr, "ecached: %s\n", out_str(out_obj(result, "agent"), "problem"));
	json_object_put(s.array);
	json_object_put(result);
	return status;
}
