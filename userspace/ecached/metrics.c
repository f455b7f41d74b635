// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "promtext.h"
#include "watching.h"

#define SECTOR 512.0

/* One family while it is written: the samples of a name stand together, so each walks over all volumes. */
struct page {
	FILE *out;
	const struct metrics_view *v;
	const char *name;		/* of the family */
	struct json_object *volume;	/* the one that is written; NULL: the agent */
	const struct watched *watched;	/* its counts; NULL: not watched */
};

static const char *text_of(struct json_object *o, const char *member)
{
	struct json_object *m = o ? json_object_object_get(o, member) : NULL;

	return json_object_is_type(m, json_type_string) ? json_object_get_string(m) : "";
}

static bool has(struct json_object *o, const char *member)
{
	return o && json_object_object_get(o, member);
}

static double number_of(struct json_object *o, const char *member)
{
	return (double)json_object_get_int64(json_object_object_get(o, member));
}

static bool is_true(struct json_object *o, const char *member)
{
	return o && json_object_get_boolean(json_object_object_get(o, member));
}

static struct json_object *part(const struct page *p, const char *member)
{
	return json_object_object_get(p->volume, member);
}

static void put(const struct page *p, double value)
{
	prom_sample(p->out, p->name, NULL, value);
}

static void put_volume(const struct page *p, double value)
{
	const struct prom_label l[] = { { "volume", text_of(p->volume, "name") }, { NULL, NULL } };

	prom_sample(p->out, p->name, l, value);
}

static void put_volume_with(const struct page *p, const char *label, const char *text, double value)
{
	const struct prom_label l[] = { { "volume", text_of(p->volume, "name") }, { label, text }, { NULL, NULL } };

	prom_sample(p->out, p->name, l, value);
}

/* put_one_of - 1 for the word that holds, 0 for the others: their sum says how many volumes are in a state. */
static void put_one_of(const struct page *p, const char *label, const char *const *words, size_t nr, const char *word)
{
	size_t i;

	for (i = 0; i < nr; i++)
		put_volume_with(p, label, words[i], !strcmp(words[i], word));
}

/* The agent. */

static void build_info(const struct page *p)
{
	const struct prom_label l[] = { { "version", text_of(p->v->agent, "version") }, { NULL, NULL } };

	prom_sample(p->out, p->name, l, 1);
}

static void volumes(const struct page *p)
{
	put(p, (double)p->v->nr);
}

static void watched_volumes(const struct page *p)
{
	put(p, number_of(p->v->agent, "watched"));
}

static void agent_fault(const struct page *p)
{
	const struct watch_volume *w;
	bool fault = false;

	for (w = p->v->watch->volumes; w; w = w->next)
		fault |= w->probed && w->verdict == VERDICT_AGENT_FAULT;
	put(p, fault);
}

static void brake_engaged(const struct page *p)
{
	put(p, is_true(p->v->agent, "brake"));
}

static void config_problem(const struct page *p)
{
	put(p, has(p->v->agent, "problem"));
}

static void events_up(const struct page *p)
{
	struct json_object *ev = json_object_object_get(p->v->agent, "events");

	if (ev)
		put(p, !!strcmp(text_of(ev, "state"), "failing"));
}

static void net_up(const struct page *p)
{
	if (p->v->net_asked)
		put(p, p->v->net_up);
}

static void net_failures(const struct page *p)
{
	put(p, (double)p->v->net_failures);
}

static void teardowns_running(const struct page *p)
{
	put(p, p->v->teardowns_running);
}

static void teardowns_waiting(const struct page *p)
{
	put(p, p->v->teardowns_waiting);
}

static void teardown_wait(const struct page *p)
{
	put(p, (double)p->v->oldest_wait_ms / 1000);
}

static void scrapes(const struct page *p)
{
	const struct {
		const char *outcome;
		uint64_t nr;
	} all[] = {
		{ "served", p->v->scrapes_served },
		{ "cut", p->v->scrapes_cut },
		{ "refused", p->v->scrapes_refused },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const struct prom_label l[] = { { "outcome", all[i].outcome }, { NULL, NULL } };

		prom_sample(p->out, p->name, l, (double)all[i].nr);
	}
}

/* A volume. */

static void volume_state(const struct page *p)
{
	static const char *const words[] = {
		"open", "closed", "locked", "revoked", "broken", "unfinished", "unknown", "tearing-down", "locking",
		"reopening", "busy",
	};
	const size_t nr = sizeof(words) / sizeof(*words);
	const char *state = text_of(p->volume, "state");
	size_t i = 0;

	while (i < nr && strcmp(words[i], state))
		i++;
	/* "opening", "creating"...: what somebody has asked for and waits for */
	put_one_of(p, "state", words, nr, i < nr ? state : "busy");
}

static void volume_verdict(const struct page *p)
{
	const char *words[TALLY_VERDICTS];
	size_t i;

	if (!part(p, "probe"))
		return;
	for (i = 0; i < TALLY_VERDICTS; i++)
		words[i] = verdict_name((enum verdict)i);
	put_one_of(p, "verdict", words, TALLY_VERDICTS, text_of(part(p, "probe"), "verdict"));
}

static void volume_held(const struct page *p)
{
	if (part(p, "probe"))
		put_volume(p, is_true(part(p, "probe"), "held"));
}

static void volume_last_ok(const struct page *p)
{
	if (has(p->volume, "last_ok"))
		put_volume(p, number_of(p->volume, "last_ok"));
}

static void volume_lease_left(const struct page *p)
{
	if (has(part(p, "target"), "lease"))
		put_volume(p, number_of(part(p, "target"), "lease"));
}

static void volume_probes(const struct page *p)
{
	size_t i;

	for (i = 0; p->watched && i < TALLY_VERDICTS; i++)
		put_volume_with(p, "verdict", verdict_name((enum verdict)i), (double)p->watched->tally.verdict[i]);
}

static void volume_probe_duration(const struct page *p)
{
	const struct prom_label l[] = { { "volume", text_of(p->volume, "name") }, { NULL, NULL } };
	const struct tally *t;

	if (!p->watched)
		return;
	t = &p->watched->tally;
	prom_histogram(p->out, p->name, l, tally_bound_ms, t->bucket, TALLY_BUCKETS, t->count,
		       (double)t->sum_ms / 1000);
}

static void put_target(const struct page *p, const char *member, double unit)
{
	if (part(p, "target"))
		put_volume(p, number_of(part(p, "target"), member) * unit);
}

static void volume_reads(const struct page *p)
{
	put_target(p, "reads", 1);
}

static void volume_writes(const struct page *p)
{
	put_target(p, "writes", 1);
}

static void volume_read_bytes(const struct page *p)
{
	put_target(p, "read_sectors", SECTOR);
}

static void volume_written_bytes(const struct page *p)
{
	put_target(p, "write_sectors", SECTOR);
}

static void volume_inline_reads(const struct page *p)
{
	put_target(p, "inline", 1);
}

static void volume_deferred_reads(const struct page *p)
{
	put_target(p, "deferred", 1);
}

static void volume_io_errors(const struct page *p)
{
	put_target(p, "errors", 1);
}

static void volume_driver_info(const struct page *p)
{
	struct json_object *t = part(p, "target");
	const struct prom_label l[] = {
		{ "volume", text_of(p->volume, "name") }, { "engine", text_of(t, "engine") },
		{ "driver", text_of(t, "driver") }, { NULL, NULL },
	};

	if (t)
		prom_sample(p->out, p->name, l, 1);
}

static void volume_driver_generic(const struct page *p)
{
	if (part(p, "target"))
		put_volume(p, is_true(part(p, "target"), "generic"));
}

static void teardown_timestamp(const struct page *p)
{
	if (has(part(p, "teardown"), "at"))
		put_volume(p, number_of(part(p, "teardown"), "at"));
}

static void teardown_key_gone(const struct page *p)
{
	struct json_object *t = part(p, "teardown");

	if (is_true(t, "key_gone") && number_of(t, "key_gone_ms") >= 0)
		put_volume(p, number_of(t, "key_gone_ms") / 1000);
}

static void teardown_duration(const struct page *p)
{
	if (has(part(p, "teardown"), "total_ms"))
		put_volume(p, number_of(part(p, "teardown"), "total_ms") / 1000);
}

static void teardown_late(const struct page *p)
{
	if (has(part(p, "teardown"), "in_time"))
		put_volume(p, !is_true(part(p, "teardown"), "in_time"));
}

/* scripts/check.d/docs.sh compares the names with ecached(8), the dashboard and the rules. */
static const struct family {
	const char *name;
	const char *type;
	const char *help;
	void (*write)(const struct page *p);
	bool of_volume;		/* once for each */
} families[] = {
	{ "ecache_build_info", "gauge", "1; the version of ecached.", build_info, false },
	{ "ecache_volumes", "gauge", "Volumes of this host, closed ones too.", volumes, false },
	{ "ecache_watched_volumes", "gauge", "Volumes whose grants are probed.", watched_volumes, false },
	{ "ecache_agent_fault", "gauge", "1: a volume's verdict is agent-fault.", agent_fault, false },
	{ "ecache_brake_engaged", "gauge", "1: denials under several keys are held.", brake_engaged, false },
	{ "ecache_config_problem", "gauge", "1: a configuration file is not what counts.", config_problem, false },
	{ "ecache_events_up", "gauge", "1: the queue of events is heard.", events_up, false },
	{ "ecache_net_up", "gauge", "1: ecache-net answered the last question.", net_up, false },
	{ "ecache_net_failures_total", "counter", "Questions that ecache-net did not answer.",
	  net_failures, false },
	{ "ecache_teardowns_running", "gauge", "Teardowns and locks that run.", teardowns_running, false },
	{ "ecache_teardowns_waiting", "gauge", "Teardowns and locks that wait for their turn.",
	  teardowns_waiting, false },
	{ "ecache_teardown_wait_seconds", "gauge", "Since the verdict of the one that waits longest; 0: none waits.",
	  teardown_wait, false },
	{ "ecache_scrapes_total", "counter", "Connections for metrics, by what became of them.", scrapes, false },
	{ "ecache_volume_state", "gauge", "1: the volume is in this state.", volume_state, true },
	{ "ecache_volume_verdict", "gauge", "1: the last verdict.", volume_verdict, true },
	{ "ecache_volume_held", "gauge", "1: only the brake keeps the volume.", volume_held, true },
	{ "ecache_volume_last_ok_timestamp_seconds", "gauge", "When the KMS last allowed the key.",
	  volume_last_ok, true },
	{ "ecache_volume_lease_left_seconds", "gauge", "Until the kernel takes the key away.",
	  volume_lease_left, true },
	{ "ecache_volume_probes_total", "counter", "Probes, by the verdict after each.", volume_probes, true },
	{ "ecache_volume_probe_duration_seconds", "histogram", "Until the KMS answered a probe.", volume_probe_duration,
	  true },
	{ "ecache_volume_reads_total", "counter", "Reads that ended without error.", volume_reads, true },
	{ "ecache_volume_writes_total", "counter", "Writes that ended without error.", volume_writes, true },
	{ "ecache_volume_read_bytes_total", "counter", "Bytes read.", volume_read_bytes, true },
	{ "ecache_volume_written_bytes_total", "counter", "Bytes written.", volume_written_bytes, true },
	{ "ecache_volume_inline_reads_total", "counter", "Reads decrypted where the disk's completion ran.",
	  volume_inline_reads, true },
	{ "ecache_volume_deferred_reads_total", "counter", "Reads decrypted later.", volume_deferred_reads, true },
	{ "ecache_volume_io_errors_total", "counter", "I/O that failed, in the target or below.",
	  volume_io_errors, true },
	{ "ecache_volume_driver_info", "gauge", "1; engine and driver of the cipher.", volume_driver_info, true },
	{ "ecache_volume_driver_generic", "gauge", "1: the driver is plain C code, and slow.",
	  volume_driver_generic, true },
	{ "ecache_volume_teardown_timestamp_seconds", "gauge", "End of the last teardown or lock since boot.",
	  teardown_timestamp, true },
	{ "ecache_volume_teardown_key_gone_seconds", "gauge", "From its verdict until the key was gone.",
	  teardown_key_gone, true },
	{ "ecache_volume_teardown_duration_seconds", "gauge", "From its verdict to its end.",
	  teardown_duration, true },
	{ "ecache_volume_teardown_late", "gauge", "1: the key was not gone by the deadline.", teardown_late, true },
};

static const struct watched *counts_of(const struct metrics_view *v, struct json_object *volume)
{
	const struct watch_volume *w = watch_find(v->watch, text_of(volume, "name"));

	return w ? w->data : NULL;
}

/* find_counts - once a page: watch_find() walks a list. */
static const struct watched **find_counts(const struct metrics_view *v)
{
	const struct watched **all = calloc(v->nr + 1, sizeof(*all));
	size_t i;

	for (i = 0; all && i < v->nr; i++)
		all[i] = counts_of(v, v->volume[i]);
	return all;
}

static void write_page(struct page *p, const struct watched *const *counts)
{
	const struct family *f;
	size_t i;

	for (f = families; f < families + sizeof(families) / sizeof(*families); f++) {
		p->name = f->name;
		p->volume = NULL;
		prom_family(p->out, f->name, f->type, f->help);
		if (!f->of_volume) {
			f->write(p);
			continue;
		}
		for (i = 0; i < p->v->nr; i++) {
			p->volume = p->v->volume[i];
			p->watched = counts[i];
			f->write(p);
		}
	}
}

int metrics_page(const struct metrics_view *v, char **text, size_t *len, struct err *e)
{
	const struct watched **counts = find_counts(v);
	struct page p = { .v = v };
	bool failed;

	*text = NULL;
	p.out = counts ? open_memstream(text, len) : NULL;
	if (!p.out)
		goto no_memory;
	write_page(&p, counts);
	failed = ferror(p.out);
	if (fclose(p.out) || failed)
		goto no_memory;
	free(counts);
	return 0;

no_memory:
	free(counts);
	free(*text);
	*text = NULL;
	return err_sys(e, -ENOMEM, "cannot write the metrics");
}
