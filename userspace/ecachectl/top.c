// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "top.h"

#define SECTOR 512

/* What a volume did in a second. */
struct rate {
	bool known;
	double reads, writes, read_bytes, write_bytes;
};

void top_drop(struct top_sample *s)
{
	json_object_put(s->volumes);
	memset(s, 0, sizeof(*s));
}

static size_t count_of(const struct top_sample *s)
{
	return json_object_is_type(s->volumes, json_type_array) ? json_object_array_length(s->volumes) : 0;
}

static struct json_object *find(const struct top_sample *s, const char *name)
{
	struct json_object *v;
	size_t i;

	for (i = 0; i < count_of(s); i++) {
		v = json_object_array_get_idx(s->volumes, i);
		if (!strcmp(out_str(v, "name"), name))
			return v;
	}
	return NULL;
}

/* per_second - false when the counter went back: it is another mapping. */
static bool per_second(struct json_object *was, struct json_object *is, const char *counter, double seconds,
		       double unit, double *out)
{
	int64_t delta = out_int(is, counter) - out_int(was, counter);

	*out = (double)delta * unit / seconds;
	return delta >= 0;
}

static struct rate rate_of(const struct top_sample *before, const struct top_sample *now, struct json_object *v)
{
	struct json_object *old = find(before, out_str(v, "name"));
	struct json_object *was = out_obj(old, "target"), *is = out_obj(v, "target");
	double seconds = (double)(now->ms - before->ms) / 1000;
	struct rate r = { 0 };

	if (!was || !is || seconds <= 0)
		return r;
	r.known = per_second(was, is, "reads", seconds, 1, &r.reads);
	r.known &= per_second(was, is, "writes", seconds, 1, &r.writes);
	r.known &= per_second(was, is, "read_sectors", seconds, SECTOR, &r.read_bytes);
	r.known &= per_second(was, is, "write_sectors", seconds, SECTOR, &r.write_bytes);
	return r;
}

/* put_rate - three digits and a unit, so that a column does not dance. */
static void put_amount(double x, char *out, size_t size)
{
	static const char units[] = " KMGT";
	size_t u = 0;

	while (x >= 999.5 && units[u + 1]) {
		x /= 1024;
		u++;
	}
	if (!u)
		snprintf(out, size, "%.0f", x);
	else
		snprintf(out, size, x < 9.95 ? "%.1f%c" : "%.0f%c", x, units[u]);
}

static void put_rate(struct table *t, unsigned int col, bool known, double x)
{
	char text[32];

	put_amount(x, text, sizeof(text));
	table_put(t, col, TONE_PLAIN, "%s", known ? text : "-");
}

static void put_lease(struct table *t, unsigned int col, struct json_object *v)
{
	struct json_object *target = out_obj(v, "target"), *policy = out_obj(v, "policy");
	int64_t left, length = out_int(policy, "lease");

	if (!target || !json_object_object_get(target, "lease"))
		return;
	left = out_int(target, "lease");
	/* Renewed each third of it: less than half means that nobody does. */
	table_put(t, col, length && left * 2 < length ? TONE_CARE : TONE_PLAIN, "%lld s", (long long)left);
}

static void put_row(struct table *t, const struct top_sample *before, const struct top_sample *now,
		    struct json_object *v)
{
	struct json_object *target = out_obj(v, "target"), *probe = out_obj(v, "probe");
	const char *state = out_str(v, "state"), *verdict = out_str(probe, "verdict");
	struct rate r = rate_of(before, now, v);
	char ago[32];

	table_row(t);
	table_put(t, 0, TONE_PLAIN, "%s", out_str(v, "name"));
	table_put(t, 1, tone_of_state(state), "%s", state);
	put_rate(t, 2, r.known, r.reads);
	put_rate(t, 3, r.known, r.writes);
	put_rate(t, 4, r.known, r.read_bytes);
	put_rate(t, 5, r.known, r.write_bytes);
	if (out_int(target, "errors"))
		table_put(t, 6, TONE_BAD, "%lld", (long long)out_int(target, "errors"));
	table_put(t, 7, tone_of_verdict(verdict), "%s", verdict);
	out_ago(out_int(probe, "at"), now->now, ago, sizeof(ago));
	table_put(t, 8, TONE_PLAIN, "%s", probe ? ago : "-");
	out_ago(out_int(v, "last_ok"), now->now, ago, sizeof(ago));
	table_put(t, 9, TONE_PLAIN, "%s", ago);
	put_lease(t, 10, v);
	if (strcmp(out_str(v, "problem"), "-"))
		table_put(t, 11, TONE_CARE, "%s", out_str(v, "problem"));
}

void top_table(struct table *t, const struct top_sample *before, const struct top_sample *now)
{
	static const char *const titles[] = {
		"NAME", "STATE", ">R/S", ">W/S", ">RB/S", ">WB/S", ">ERRORS", "VERDICT", "PROBED", "LAST OK", ">LEASE",
		"NOTE", NULL
	};
	size_t i;

	table_init(t, titles);
	for (i = 0; i < count_of(now); i++)
		put_row(t, before, now, json_object_array_get_idx(now->volumes, i));
}

void top_line(const struct top_sample *before, const struct top_sample *now, char *out, size_t size)
{
	unsigned int open = 0, denied = 0;
	char read_text[32], write_text[32];
	double read_bytes = 0, write_bytes = 0;
	struct json_object *v;
	const char *verdict;
	struct rate r;
	size_t i;

	for (i = 0; i < count_of(now); i++) {
		v = json_object_array_get_idx(now->volumes, i);
		r = rate_of(before, now, v);
		verdict = out_str(out_obj(v, "probe"), "verdict");
		open += !strcmp(out_str(v, "state"), "open");
		denied += strcmp(verdict, "-") && strcmp(verdict, "ok");
		read_bytes += r.known ? r.read_bytes : 0;
		write_bytes += r.known ? r.write_bytes : 0;
	}
	put_amount(read_bytes, read_text, sizeof(read_text));
	put_amount(write_bytes, write_text, sizeof(write_text));
	snprintf(out, size, "%zu volumes, %u open, %u with another verdict than ok, %s read and %s written a second",
		 count_of(now), open, denied, read_text, write_text);
}
