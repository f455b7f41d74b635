// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"
#include "call.h"
#include "output.h"
#include "screen.h"
#include "top.h"
#include "verb.h"

#define INTERVAL_S 2
#define INTERVAL_MAX_S 3600

struct args {
	unsigned int interval;
	bool once;
};

static void collect(void *ctx, struct json_object *msg)
{
	json_object_array_add(ctx, json_object_get(msg));
}

/* look - @now becomes what ecached says now, and @before what @now was; a failure leaves both. */
static int look(struct top_sample *before, struct top_sample *now, struct err *e)
{
	static const struct call_ops ops = { .volume = collect };
	struct json_object *volumes = json_object_new_array();
	int rc;

	if (!volumes)
		return err_sys(e, -ENOMEM, "no memory for what ecached says");
	rc = call_run(call_request("status", NULL), &ops, volumes, false, NULL, e);
	if (rc) {
		json_object_put(volumes);
		return rc;
	}
	top_drop(before);
	*before = *now;
	*now = (struct top_sample){ .ms = now_ms(), .now = time(NULL), .volumes = volumes };
	return 0;
}

static int print_once(const struct args *a)
{
	struct top_sample before = { 0 }, now = { 0 };
	struct err e = ERR_INIT;
	struct table t;
	int rc;

	rc = look(&before, &now, &e);
	if (!rc) {
		sleep(a->interval);
		rc = look(&before, &now, &e);
	}
	if (!rc) {
		top_table(&t, &before, &now);
		table_print(stdout, &t, tone_wanted(stdout), table_width(stdout), 0);
		table_free(&t);
	}
	top_drop(&before);
	top_drop(&now);
	return rc ? call_fail(&e, false) : EXIT_OK;
}

/* frame - the text of a screen, to be freed; NULL: no memory, and what is there stays. */
static char *frame(const struct screen *s, const struct top_sample *before, const struct top_sample *now,
		   const struct err *e)
{
	bool tones = tone_wanted(stdout);
	char line[ERR_TEXT + 16], *text = NULL;
	struct table t;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	if (e->rc)
		snprintf(line, sizeof(line), "ecached: %s", e->what);
	else
		top_line(before, now, line, sizeof(line));
	fprintf(f, "%s%.*s%s\n", tone_begin(e->rc ? TONE_BAD : TONE_PLAIN, tones), (int)s->cols, line,
		tone_end(e->rc ? TONE_BAD : TONE_PLAIN, tones));
	top_table(&t, before, now);
	table_print(f, &t, tones, s->cols, s->rows > 3 ? s->rows - 2 : 1);
	table_free(&t);
	fprintf(f, "%.*s", (int)s->cols, "q ends");
	if (!fclose(f))
		return text;
	free(text);
	return NULL;
}

static void live(struct screen *s, const struct args *a)
{
	struct top_sample before = { 0 }, now = { 0 };
	enum screen_event ev = SCREEN_TIME;
	struct err e = ERR_INIT;
	int64_t next = 0;
	char key = '\0', *text;

	while (ev != SCREEN_END && !(ev == SCREEN_KEY && (key == 'q' || key == 'Q'))) {
		if (now_ms() >= next) {
			e = (struct err)ERR_INIT;
			look(&before, &now, &e);
			next = now_ms() + a->interval * 1000;
		}
		text = frame(s, &before, &now, &e);
		if (text)
			screen_draw(s, text);
		free(text);
		ev = screen_wait(s, next > now_ms() ? (int)(next - now_ms()) : 0, &key);
	}
	top_drop(&before);
	top_drop(&now);
}

static int cmd_top(const struct verb *v, int argc, char **argv)
{
	struct args a = { 0 };
	struct err e = ERR_INIT;
	struct screen s;
	int status;

	if (!verb_parse(v, argc, argv, &a, NULL, &status))
		return status;
	if (a.interval > INTERVAL_MAX_S) {
		fprintf(stderr, "ecachectl top: --interval is at most %d seconds\n", INTERVAL_MAX_S);
		return EXIT_USAGE;
	}
	if (!a.interval)
		a.interval = a.once ? 1 : INTERVAL_S;
	if (a.once || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return print_once(&a);
	if (screen_enter(&s, STDIN_FILENO, STDOUT_FILENO, &e))
		return call_fail(&e, false);
	live(&s, &a);
	screen_leave(&s);
	return EXIT_OK;
}

static const struct opt opts[] = {
	{ "interval", "SECONDS", "how often it looks (default 2), and what rates are taken over", OPT_NUMBER,
	  offsetof(struct args, interval) },
	{ "once", NULL, "print one table, of a second; so does anything but a terminal", OPT_FLAG,
	  offsetof(struct args, once) },
	OPT_END
};

const struct verb verb_top = {
	.name = "top",
	.operands = "",
	.max_operands = 0,
	.summary = "Watch I/O, probes and leases of all volumes; q ends",
	.opts = opts,
	.func = cmd_top,
};
