// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "call.h"
#include "output.h"
#include "verb.h"

struct args {
	const char *yes;
	bool json;
};

/* What the operator is shown, and the names that he has to type. */
struct denied {
	const char *only;	/* NULL: all */
	unsigned int nr;
	int64_t now;
};

static void show(void *ctx, struct json_object *volume)
{
	struct json_object *probe = out_obj(volume, "probe");
	struct denied *d = ctx;
	char ago[32];

	if (strcmp(out_str(probe, "verdict"), "suspect") || (d->only && strcmp(out_str(volume, "name"), d->only)))
		return;
	if (!d->nr++)
		fprintf(stderr, "The KMS denies the key of\n");
	out_ago(out_int(volume, "last_ok"), d->now, ago, sizeof(ago));
	fprintf(stderr, "  %-20s %s, %lld denials, last OK %s, on-revoke %s\n", out_str(volume, "name"),
		out_bool(probe, "held") ? "proven" : "not proven yet", (long long)out_int(probe, "denials"), ago,
		out_str(out_obj(volume, "policy"), "on_revoke"));
}

/* join_names - words separated by blanks or commas as the list that ecached takes; in place. */
static void join_names(char *line)
{
	char *out = line, *word, *rest = line;

	while ((word = strsep(&rest, " \t\n,"))) {
		if (!*word)
			continue;
		if (out != line)
			*out++ = ',';
		memmove(out, word, strlen(word));
		out += strlen(word);
	}
	*out = '\0';
}

/* typed_names - as typed, to be freed; NULL: @e says why there are none. */
static char *typed_names(const char *name, struct err *e)
{
	static const struct call_ops ops = { .volume = show };
	struct denied d = { .only = name, .now = time(NULL) };
	char *line = NULL;
	size_t size = 0;

	if (!isatty(STDIN_FILENO)) {
		err_set(e, -EPERM, "without a terminal to ask on, nothing is confirmed");
		err_hint(e, "--yes NAMES says which volumes are meant.");
		return NULL;
	}
	if (call_run(call_request("status", NULL), &ops, &d, false, NULL, e))
		return NULL;
	if (!d.nr) {
		err_set(e, -EINVAL, "nothing is denied, so there is nothing to confirm");
		return NULL;
	}
	fprintf(stderr, "What is proven ends now, as its policy says, the rest once it is. Type the names to go on: ");
	if (getline(&line, &size, stdin) > 0)
		return line;
	free(line);
	err_set(e, -ECANCELED, "not confirmed, nothing was changed");
	return NULL;
}

static void print(struct json_object *result)
{
	struct json_object *list = json_object_object_get(result, "volumes"), *v;
	size_t i;

	for (i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
		v = json_object_array_get_idx(list, i);
		printf("%s %s\n", out_str(v, "name"),
		       out_bool(v, "proven") ? "ends now, as its policy says" : "ends once its denial is proven");
	}
	if (out_bool(result, "released"))
		printf("the brake is released\n");
}

static int cmd_confirm(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL };
	struct json_object *msg, *result = NULL;
	struct args a = { 0 };
	struct err e = ERR_INIT;
	char *names;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	names = a.yes ? strdup(a.yes) : typed_names(operands[0], &e);
	if (!names && !e.rc)
		err_sys(&e, -ENOMEM, "cannot confirm");
	if (!names)
		return call_fail(&e, a.json);
	join_names(names);
	msg = call_request("confirm", operands[0]);
	call_add_string(msg, "volumes", names);
	free(names);
	status = call_simple(msg, a.json, &result);
	if (!status && a.json)
		out_json(result);
	else if (!status)
		print(result);
	json_object_put(result);
	return status;
}

static const struct opt opts[] = {
	{ "yes", "NAMES", "do not ask: the names of all volumes concerned, separated by commas", OPT_STRING,
	  offsetof(struct args, yes) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_confirm = {
	.name = "confirm",
	.operands = "[NAME]",
	.max_operands = 1,
	.summary = "Say that denials which the brake holds are meant: what is proven ends",
	.details = "Without a canary key, denials under three or more KMS keys within ten minutes tear nothing\n"
		   "down. This lets them count: those of NAME only, or of all, and then the brake is released, too.\n"
		   "The volumes have to be named.",
	.opts = opts,
	.func = cmd_confirm,
};
