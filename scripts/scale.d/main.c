// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"

enum { EXIT_HELD = 0, EXIT_BROKEN = 1, EXIT_USAGE = 2 };

#define SIZES_MAX 16

static const struct {
	const char *name;
	struct json_object *(*run)(const struct fleet *f);
} cases[] = {
	{ "steady", case_steady }, { "boot", case_boot }, { "outage", case_outage }, { "throttled", case_throttled },
	{ "revoked", case_revoked },
};

#define CASES (sizeof(cases) / sizeof(*cases))

struct options {
	unsigned long size[SIZES_MAX];
	unsigned int sizes;
	unsigned long caches_per_key;
	unsigned long sample;		/* 0: all */
	const char *only;		/* a case; NULL: all */
	bool json;
	struct fleet like;
};

static void print_help(FILE *to)
{
	fprintf(to, "usage: scripts/scale [OPTION...] [CACHES...]\n\n"
		"Runs ecached's watcher and verdicts for a fleet of CACHES (default 1000 100000 1000000) on a virtual clock,\n"
		"before a KMS that is a few distributions. Documentation/scale.md says what the numbers mean.\n\n"
		"  --interval SECONDS        probe-interval (default 300)\n"
		"  --per-host N              caches of a host (default 250)\n"
		"  --keys-per-host N         keys that they are under (default 10)\n"
		"  --caches-per-key N        of the fleet (default 1000, 50000 at most)\n"
		"  --quota N                 cryptographic operations a second (default 10000; some regions have 20000 or 100000)\n"
		"  --no-canary               the hosts have no canary-key\n"
		"  --latency MS              least time of an answer (default 5)\n"
		"  --spread SECONDS          mean time until a server of the KMS knows of a revocation (default 65)\n"
		"  --push SECONDS            mean time until its event is in the queue (default 15)\n"
		"  --boot SECONDS            hosts that boot together are up within (default 60)\n"
		"  --sample HOSTS            run so many hosts in place of all of them\n"
		"  --case NAME               one of: steady boot outage throttled revoked (default all)\n"
		"  --seed N                  other chances (default 1)\n"
		"  --json                    an array, an object a fleet\n\n"
		"exit status: 0; 1 a cache was ended whose right nobody had taken, or one whose right was taken was not;\n"
		"2 wrong usage\n");
}

static bool read_number(const char *text, unsigned long least, unsigned long most, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || *out < least || *out > most) {
		fprintf(stderr, "scale: '%s' is not a number of %lu to %lu\n", text, least, most);
		return false;
	}
	return true;
}

static bool known_case(const char *name)
{
	size_t i;

	for (i = 0; i < CASES; i++) {
		if (!strcmp(cases[i].name, name))
			return true;
	}
	fprintf(stderr, "scale: there is no case '%s'\n", name);
	return false;
}

/* take_option - false: wrong usage, and it was said. */
static bool take_option(int c, const char *arg, struct options *o)
{
	struct fleet *f = &o->like;
	unsigned long n = 0;
	bool good;

	if (c == 'j' || c == 'n' || c == 'c') {
		o->json |= c == 'j';
		f->canary &= c != 'n';
		o->only = c == 'c' ? arg : o->only;
		return c != 'c' || known_case(arg);
	}
	good = read_number(arg, c == 'l' || c == 's' || c == 'p' || c == 'b' ? 0 : 1,
			   c == 'k' ? 50000 : c == 'S' ? UINT32_MAX : 1000000, &n);
	switch (c) {
	case 'i':
		f->interval_ms = 1000LL * n;
		break;
	case 'h':
		f->per_host = n;
		break;
	case 'K':
		f->keys_per_host = n;
		break;
	case 'k':
		o->caches_per_key = n;
		break;
	case 'q':
		f->quota = n;
		break;
	case 'l':
		f->latency_ms = n;
		break;
	case 's':
		f->spread_ms = 1000 * n;
		break;
	case 'p':
		f->push_ms = 1000 * n;
		break;
	case 'b':
		f->boot_ms = 1000 * n;
		break;
	case 'm':
		o->sample = n;
		break;
	case 'S':
		f->seed = n;
		break;
	default:
		return false;
	}
	return good;
}

static bool read_options(int argc, char **argv, struct options *o)
{
	static const struct option longopts[] = {
		{ "interval", required_argument, NULL, 'i' }, { "per-host", required_argument, NULL, 'h' },
		{ "keys-per-host", required_argument, NULL, 'K' }, { "caches-per-key", required_argument, NULL, 'k' },
		{ "quota", required_argument, NULL, 'q' }, { "no-canary", no_argument, NULL, 'n' },
		{ "latency", required_argument, NULL, 'l' }, { "spread", required_argument, NULL, 's' },
		{ "push", required_argument, NULL, 'p' }, { "boot", required_argument, NULL, 'b' },
		{ "sample", required_argument, NULL, 'm' }, { "case", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 'S' }, { "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (c == '?' || !take_option(c, optarg, o))
			return false;
	}
	for (; optind < argc && o->sizes < SIZES_MAX; optind++) {
		if (!read_number(argv[optind], 1, 10000000, &o->size[o->sizes++]))
			return false;
	}
	return optind == argc;
}

static struct fleet fleet_of(const struct options *o, unsigned long caches)
{
	struct fleet f = o->like;

	f.caches = caches;
	if (f.per_host > caches)
		f.per_host = caches;
	f.hosts = (caches + f.per_host - 1) / f.per_host;
	if (f.keys_per_host > f.per_host)
		f.keys_per_host = f.per_host;
	f.keys = (caches + o->caches_per_key - 1) / o->caches_per_key;
	if (f.keys < f.keys_per_host)
		f.keys = f.keys_per_host;
	f.sample = o->sample && o->sample < f.hosts ? o->sample : f.hosts;
	return f;
}

/* is_held - whether nothing in @o, or in what it consists of, says otherwise. */
static bool is_held(struct json_object *o)
{
	bool held = true;

	json_object_object_foreach(o, name, value) {
		if (json_object_is_type(value, json_type_object))
			held &= is_held(value);
		else if (!strcmp(name, "wrong") || !strcmp(name, "missed"))
			held &= !json_object_get_int64(value);
	}
	return held;
}

static bool simulate(const struct options *o, unsigned long caches, struct json_object *all)
{
	struct json_object *done = json_object_new_object();
	struct fleet f = fleet_of(o, caches);
	bool held;
	size_t i;

	for (i = 0; i < CASES; i++) {
		if (!o->only || !strcmp(o->only, cases[i].name))
			json_object_object_add(done, cases[i].name, cases[i].run(&f));
	}
	if (!o->json)
		report_fleet(&f, done);
	json_object_array_add(all, report_json(&f, done));
	held = is_held(done);
	json_object_put(done);
	return held;
}

int main(int argc, char **argv)
{
	struct options o = {
		.caches_per_key = 1000,
		.like = {
			.per_host = 250, .keys_per_host = 10, .interval_ms = 300000, .canary = true, .seed = 1,
			.quota = 10000,
			.latency_ms = 5, .spread_ms = 65000, .push_ms = 15000, .boot_ms = 60000,
		},
	};
	struct json_object *all;
	bool held = true;
	unsigned int i;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help(stdout);
		return EXIT_HELD;
	}
	if (!read_options(argc, argv, &o)) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!o.sizes) {
		o.size[o.sizes++] = 1000;
		o.size[o.sizes++] = 100000;
		o.size[o.sizes++] = 1000000;
	}
	all = json_object_new_array();
	for (i = 0; i < o.sizes; i++)
		held &= simulate(&o, o.size[i], all);
	if (o.json)
		printf("%s\n", json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY));
	json_object_put(all);
	return held ? EXIT_HELD : EXIT_BROKEN;
}
