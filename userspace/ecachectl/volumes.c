// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "call.h"
#include "output.h"
#include "volumes.h"

struct shown {
	struct json_object *array;	/* --json and list: collected here; else NULL, printed as they come */
	unsigned int nr;
	int64_t now;
};

static void show(void *ctx, struct json_object *msg)
{
	struct shown *s = ctx;

	if (s->array) {
		json_object_object_del(msg, "type");
		json_object_array_add(s->array, json_object_get(msg));
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

/* tell_problems - of the agent's, not of a volume's. */
static void tell_problems(struct json_object *agent)
{
	struct json_object *events = out_obj(agent, "events");

	if (strcmp(out_str(agent, "problem"), "-"))
		fprintf(stderr, "ecached: %s\n", out_str(agent, "problem"));
	if (!strcmp(out_str(events, "state"), "failing"))
		fprintf(stderr, "ecached: no events are heard, only probes notice a revocation: %s\n",
			out_str(events, "problem"));
	else if (strcmp(out_str(events, "problem"), "-"))
		fprintf(stderr, "ecached: events cannot be deleted: %s\n", out_str(events, "problem"));
}

int volumes_show(const struct verb *v, int argc, char **argv, const char *request, enum volumes_form form)
{
	static const struct call_ops ops = { .volume = show };
	struct shown s = { .now = time(NULL) };
	struct json_object *result = NULL;
	const char *operands[1] = { NULL };
	struct volumes_args a = { 0 };
	struct err e = ERR_INIT;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	if (a.json || form == VOLUMES_LIST) {
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
	else if (form == VOLUMES_LIST)
		out_list(stdout, s.array, s.now);
	if (!status && !a.json)
		tell_problems(out_obj(result, "agent"));
	json_object_put(s.array);
	json_object_put(result);
	return status;
}
