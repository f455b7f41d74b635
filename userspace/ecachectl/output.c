// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../ecached/proto.h"
#include "output.h"
#include "table.h"

const char *out_str(struct json_object *o, const char *key)
{
	struct json_object *m = o ? json_object_object_get(o, key) : NULL;

	return json_object_is_type(m, json_type_string) ? json_object_get_string(m) : "-";
}

int64_t out_int(struct json_object *o, const char *key)
{
	return o ? json_object_get_int64(json_object_object_get(o, key)) : 0;
}

bool out_bool(struct json_object *o, const char *key)
{
	return o && json_object_get_boolean(json_object_object_get(o, key));
}

struct json_object *out_obj(struct json_object *o, const char *key)
{
	struct json_object *m = o ? json_object_object_get(o, key) : NULL;

	return json_object_is_type(m, json_type_object) ? m : NULL;
}

void out_json(struct json_object *o)
{
	json_object_object_del(o, PROTO_TYPE);
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
						      JSON_C_TO_STRING_NOSLASHESCAPE));
}

void out_ago(int64_t then, int64_t now, char *out, size_t size)
{
	long long s = now - then;

	if (!then)
		snprintf(out, size, "never");
	else if (s < 120)
		snprintf(out, size, "%lld s ago", s < 0 ? 0 : s);
	else if (s < 7200)
		snprintf(out, size, "%lld min ago", s / 60);
	else if (s < 48 * 3600)
		snprintf(out, size, "%lld h ago", s / 3600);
	else
		snprintf(out, size, "%lld days ago", s / 86400);
}

void out_time(int64_t when, char *out, size_t size)
{
	time_t t = when;
	struct tm tm;

	if (!when || !localtime_r(&t, &tm) || !strftime(out, size, "%Y-%m-%d %H:%M:%S %z", &tm))
		snprintf(out, size, "-");
}

char *out_device_path(const char *path)
{
	char cwd[PATH_MAX], *out;

	if (*path == '/' || !getcwd(cwd, sizeof(cwd)))
		out = strdup(path);
	else if (asprintf(&out, "%s/%s", cwd, path) < 0)
		out = NULL;
	if (!out)
		abort();
	return out;
}

/* list_note - what a person has to know of a volume that runs; status has it in full. */
static const char *list_note(struct json_object *v)
{
	if (strcmp(out_str(v, "problem"), "-"))
		return out_str(v, "problem");
	return json_object_object_get(v, "revocable") && !out_bool(v, "revocable") ? "not revocable" : "";
}

static void list_row(struct table *t, struct json_object *v, int64_t now)
{
	struct json_object *target = out_obj(v, "target");
	const char *state = out_str(v, "state"), *verdict = out_str(out_obj(v, "probe"), "verdict");
	char ago[32];

	table_row(t);
	out_ago(out_int(v, "last_ok"), now, ago, sizeof(ago));
	table_put(t, 0, TONE_PLAIN, "%s", out_str(v, "name"));
	table_put(t, 1, tone_of_state(state), "%s", state);
	table_put(t, 2, tone_of_verdict(verdict), "%s", verdict);
	table_put(t, 3, TONE_PLAIN, "%s", ago);
	if (target && json_object_object_get(target, "lease"))
		table_put(t, 4, TONE_PLAIN, "%lld s", (long long)out_int(target, "lease"));
	table_put(t, 5, TONE_PLAIN, "%s", out_str(v, "device"));
	table_put(t, 6, TONE_CARE, "%s", list_note(v));
}

void out_list(FILE *to, struct json_object *volumes, int64_t now)
{
	static const char *const titles[] = { "NAME", "STATE", "VERDICT", "LAST OK", ">LEASE", "DEVICE", "NOTE", NULL };
	struct table t;
	size_t i;

	table_init(&t, titles);
	for (i = 0; i < json_object_array_length(volumes); i++)
		list_row(&t, json_object_array_get_idx(volumes, i), now);
	table_print(to, &t, tone_wanted(to), table_width(to), 0);
	table_free(&t);
}

/* put_tone - a word in its tone, if the reader wants any. */
static void put_tone(FILE *to, enum tone tone, const char *word)
{
	bool wanted = tone_wanted(to);

	fprintf(to, "%s%s%s", tone_begin(tone, wanted), word, tone_end(tone, wanted));
}

static void status_target(FILE *to, struct json_object *t)
{
	if (!t)
		return;
	fprintf(to, "  target     %s, engine %s, driver %s%s\n", out_str(t, "state"), out_str(t, "engine"),
		out_str(t, "driver"), out_bool(t, "generic") ? " (slow generic code: load the CPU's AES module)" : "");
	fprintf(to, "  I/O        %lld reads (%lld MiB), %lld writes (%lld MiB), %lld errors\n",
		(long long)out_int(t, "reads"), (long long)out_int(t, "read_sectors") / 2048,
		(long long)out_int(t, "writes"), (long long)out_int(t, "write_sectors") / 2048,
		(long long)out_int(t, "errors"));
}

static void status_swap(FILE *to, struct json_object *s)
{
	if (s && out_bool(s, "on"))
		fprintf(to, "  swap       %lld MiB used\n", (long long)out_int(s, "used") / 1048576);
	else if (s)
		fprintf(to, "  swap       not swapped to\n");
}

static void status_probe(FILE *to, struct json_object *p, int64_t now)
{
	char ago[32];

	if (!p)
		return;
	out_ago(out_int(p, "at"), now, ago, sizeof(ago));
	fprintf(to, "  probe      ");
	put_tone(to, tone_of_verdict(out_str(p, "verdict")), out_str(p, "verdict"));
	fprintf(to, ", %s", ago);
	if (strcmp(out_str(p, "reason"), "-"))
		fprintf(to, " (%s)", out_str(p, "reason"));
	if (strcmp(out_str(p, "grant"), "-"))
		fprintf(to, ", grant %s", out_str(p, "grant"));
	if (strcmp(out_str(p, "request_id"), "-"))
		fprintf(to, ", request %s", out_str(p, "request_id"));
	fputc('\n', to);
}

static void status_revoked(FILE *to, struct json_object *r)
{
	char when[64];

	if (!r)
		return;
	out_time(out_int(r, "at"), when, sizeof(when));
	fprintf(to, "  revoked    %s: %s, request %s\n", when, out_str(r, "reason"), out_str(r, "request_id"));
}

static void teardown_lines(FILE *to, struct json_object *t)
{
	struct json_object *steps = json_object_object_get(t, "steps"), *s;
	size_t i;

	fprintf(to, "  teardown   key gone after %lld ms, all done after %lld ms\n",
		(long long)out_int(t, "key_gone_ms"), (long long)out_int(t, "total_ms"));
	if (!json_object_is_type(steps, json_type_array))
		return;
	for (i = 0; i < json_object_array_length(steps); i++) {
		s = json_object_array_get_idx(steps, i);
		fprintf(to, "    +%6lld ms  %-10s %-10s %s\n", (long long)out_int(s, "start_ms"), out_str(s, "name"),
			out_str(s, "outcome"), strcmp(out_str(s, "text"), "-") ? out_str(s, "text") : "");
	}
}

void out_teardown(struct json_object *o)
{
	struct json_object *t = out_obj(o, "teardown");

	if (t)
		teardown_lines(stdout, t);
}

static void status_policy(FILE *to, struct json_object *p, struct json_object *target, int64_t now)
{
	fprintf(to, "  policy     on-revoke %s, on-disabled %s, after a lock %s, probe every %lld s, teardown within %lld s\n",
		out_str(p, "on_revoke"), out_str(p, "on_disabled"), out_str(p, "after_lock"),
		(long long)out_int(p, "probe_interval"), (long long)out_int(p, "teardown_deadline"));
	if (out_int(p, "fail_after"))
		fprintf(to, "  fail-after %lld s after the last OK", (long long)out_int(p, "fail_after"));
	if (out_int(p, "fails_at"))
		fprintf(to, ", %lld s left", (long long)(out_int(p, "fails_at") - now));
	if (out_int(p, "fail_after"))
		fputc('\n', to);
	if (out_int(p, "lease"))
		fprintf(to, "  lease      %lld s", (long long)out_int(p, "lease"));
	if (out_int(p, "lease") && target && json_object_object_get_ex(target, "lease", NULL))
		fprintf(to, ", %lld s left", (long long)out_int(target, "lease"));
	if (out_int(p, "lease"))
		fputc('\n', to);
	if (strcmp(out_str(p, "hook"), "-"))
		fprintf(to, "  hook       %s\n", out_str(p, "hook"));
}

void out_status(FILE *to, struct json_object *v, int64_t now)
{
	struct json_object *policy = out_obj(v, "policy"), *teardown = out_obj(v, "teardown");
	char ago[32];

	fprintf(to, "%s: ", out_str(v, "name"));
	put_tone(to, tone_of_state(out_str(v, "state")), out_str(v, "state"));
	fputc('\n', to);
	fprintf(to, "  device     %s\n", out_str(v, "device"));
	if (strcmp(out_str(v, "mapping"), "-"))
		fprintf(to, "  mapping    %s\n", out_str(v, "mapping"));
	status_swap(to, out_obj(v, "swap"));
	if (!strcmp(out_str(v, "kind"), "boot-swap")) {
		fprintf(to, "  key        a random one of each boot\n");
	} else {
		fprintf(to, "  key        %s\n", out_str(v, "key_arn"));
		fprintf(to, "  grant      %s, cache id %s\n", out_str(v, "grant_id"), out_str(v, "cache_id"));
	}
	if (json_object_object_get(v, "revocable") && !out_bool(v, "revocable"))
		fprintf(to, "  revocable  no: a passphrase opens it without the KMS (adopt --keep-keyslots)\n");
	status_probe(to, out_obj(v, "probe"), now);
	out_ago(out_int(v, "last_ok"), now, ago, sizeof(ago));
	fprintf(to, "  last OK    %s\n", ago);
	status_revoked(to, out_obj(v, "revoked"));
	status_target(to, out_obj(v, "target"));
	if (policy)
		status_policy(to, policy, out_obj(v, "target"), now);
	if (teardown)
		teardown_lines(to, teardown);
	if (strcmp(out_str(v, "problem"), "-")) {
		fprintf(to, "  problem    ");
		put_tone(to, TONE_CARE, out_str(v, "problem"));
		fputc('\n', to);
	}
}

/* dump_section - an object's members, one a line; inner objects on one line as JSON. */
static void dump_section(const char *title, struct json_object *o)
{
	printf("%s\n", title);
	if (!json_object_is_type(o, json_type_object)) {
		printf("  none%s%s\n", json_object_is_type(o, json_type_string) ? ": " : "",
		       json_object_is_type(o, json_type_string) ? json_object_get_string(o) : "");
		return;
	}
	json_object_object_foreach(o, key, value) {
		if (json_object_is_type(value, json_type_string))
			printf("  %-20s %s\n", key, json_object_get_string(value));
		else
			printf("  %-20s %s\n", key,
			       json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	}
}

void out_dump(struct json_object *o)
{
	static const char *const sections[] = { "header", "token", "pin", "state" };
	size_t i;

	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		dump_section(sections[i], json_object_object_get(o, sections[i]));
}
