// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "cmd.h"
#include "common/json.h"

/* What each verb takes on its own, before options, by the names that the admin socket gives it. */
static const struct verb {
	const char *name;
	const char *arg[2];
	bool optional;
} verbs[] = {
	{ "fault", { "kind" }, false },
	{ "grant-delay", { "ms" }, false },
	{ "clock-offset", { "ms" }, false },
	{ "throttle", { "class", "rate" }, false },
	{ "pending-deletion", { "exception" }, false },
	{ "list", { NULL }, false },
	{ "clear", { "id" }, true },
};

static const struct option options[] = {
	{ "admin-socket", required_argument, NULL, 's' },
	{ "operation", required_argument, NULL, 'o' },
	{ "principal", required_argument, NULL, 'p' },
	{ "key", required_argument, NULL, 'k' },
	{ "count", required_argument, NULL, 'c' },
	{ "percent", required_argument, NULL, 'n' },
	{ "delay-ms", required_argument, NULL, 'd' },
	{ "done", no_argument, NULL, 'D' },
	{ 0 },
};

static const struct verb *find_verb(const char *name)
{
	for (unsigned int i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static bool is_number(const char *name)
{
	static const char *const numbers[] = { "ms", "rate", "id", "count", "percent", "delay-ms" };

	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!strcmp(numbers[i], name))
			return true;
	return false;
}

/* put - -EINVAL when a number is none; whether it is in range is the server's to say. */
static int put(struct json_object *rq, const char *name, const char *value)
{
	char *end;
	long long n;

	if (!is_number(name))
		return js_put_string(rq, name, value);
	errno = 0;
	n = strtoll(value, &end, 10);
	if (!*value || *end || errno)
		return -EINVAL;
	return js_put(rq, name, json_object_new_int64(n));
}

/* put_arguments - returns how many there were, or a negative errno. */
static int put_arguments(struct json_object *rq, const struct verb *v, int argc, char **argv)
{
	int nr = 0, rc = js_put_string(rq, "do", v->name);

	while (!rc && nr < 2 && v->arg[nr]) {
		if (nr == argc || !strncmp(argv[nr], "--", 2))
			return v->optional ? nr : -EINVAL;
		rc = put(rq, v->arg[nr], argv[nr]);
		nr++;
	}
	return rc ? rc : nr;
}

/* put_options - only "fault" has any but the socket's. */
static int put_options(struct json_object *rq, const struct verb *v, int argc, char **argv, const char **socket)
{
	int opt, which, rc = 0;

	optind = 1;
	while (!rc && (opt = getopt_long(argc, argv, "", options, &which)) != -1) {
		if (opt == 's')
			*socket = optarg;
		else if (opt == '?' || strcmp(v->name, "fault"))
			rc = -EINVAL;
		else if (opt == 'D')
			rc = js_put(rq, "done", json_object_new_boolean(true));
		else
			rc = put(rq, options[which].name, optarg);
	}
	return rc ? rc : optind < argc ? -EINVAL : 0;
}

/* show - what the server said; a refusal is an error of ours. */
static int show(const struct buf *answer, struct err *e)
{
	struct json_object *o = NULL, *ok, *why;
	int rc = js_parse(answer->data, answer->len, 8, &o, e);

	if (rc)
		return rc;
	if (json_object_object_get_ex(o, "ok", &ok) && json_object_get_boolean(ok))
		rc = printf("%s\n", answer->data) < 0 || fflush(stdout) ? err_sys(e, -EIO, "cannot write") : 0;
	else if (json_object_object_get_ex(o, "error", &why))
		rc = err_set(e, -EINVAL, "%s", json_object_get_string(why));
	else
		rc = err_set(e, -EBADMSG, "the answer on the admin socket is not understood");
	json_object_put(o);
	return rc;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

int cmd_inject(int argc, char **argv)
{
	const struct verb *v = argc > 1 ? find_verb(argv[1]) : NULL;
	const char *socket = ADMIN_SOCKET_DEFAULT;
	struct json_object *rq;
	struct buf answer = BUF_INIT;
	struct err e = ERR_INIT;
	int rc, nr;

	if (asks_for_help(argc, argv))
		return cmd_help();
	if (!v)
		return cmd_usage("inject wants fault, grant-delay, clock-offset, throttle, pending-deletion, list or clear");
	rq = json_object_new_object();
	nr = put_arguments(rq, v, argc - 2, argv + 2);
	/* getopt skips the first: the verb, or its last argument. */
	rc = nr < 0 ? nr : put_options(rq, v, argc - 1 - nr, argv + 1 + nr, &socket);
	if (rc == -EINVAL) {
		json_object_put(rq);
		return cmd_usage("inject %s: wrong argument or option", v->name);
	}
	if (rc)
		err_sys(&e, rc, "inject");
	if (!rc)
		rc = admin_ask(socket, js_text(rq, NULL), &answer, &e);
	if (!rc)
		rc = show(&answer, &e);
	buf_wipe(&answer);
	json_object_put(rq);
	return rc ? cmd_failed(&e) : EXIT_OK;
}
