// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../volume/audit.h"
#include "call.h"
#include "output.h"
#include "verb.h"

/*
 * The audit log is read here, not by ecached: it is root's to read, also when nothing runs, and whoever checks it may
 * have a copy of it elsewhere.
 */
struct args {
	const char *head;
	const char *file;
	const char *volume;
	bool json;
};

static bool is_hash(const char *s)
{
	return strlen(s) == AUDIT_HASH_LEN && strspn(s, "0123456789abcdef") == AUDIT_HASH_LEN;
}

static int check(const struct args *a, const char *what)
{
	bool verify = !strcmp(what, "verify");

	if (!verify && strcmp(what, "show")) {
		fprintf(stderr, "ecachectl audit: verify or show, not '%s'\n", what);
		return EXIT_USAGE;
	}
	if (a->head && !verify) {
		fprintf(stderr, "ecachectl audit: --head is for verify\n");
		return EXIT_USAGE;
	}
	if (a->volume && verify) {
		fprintf(stderr, "ecachectl audit: --volume is for show\n");
		return EXIT_USAGE;
	}
	if (a->head && !is_hash(a->head)) {
		fprintf(stderr, "ecachectl audit: --head wants a hash of %d characters 0-9, a-f, as the journal has it\n",
			AUDIT_HASH_LEN);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* reserve_of - what is kept beside the log for revokes on a full disk; -1: none. */
static long long reserve_of(const char *file)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s.reserve", file);
	return stat(path, &st) ? -1 : (long long)st.st_size;
}

static void print_chain(const struct args *a, const char *file, const struct audit_chain *c)
{
	long long reserve = reserve_of(file);

	printf("%s: %llu records, and the chain holds\n", file, (unsigned long long)c->records);
	printf("  head       %s, record %llu\n", c->head, (unsigned long long)c->seq);
	if (c->rotated)
		printf("  before     %s, record %llu of the file before\n", c->previous,
		       (unsigned long long)c->previous_seq);
	if (a->head && c->found_seq)
		printf("  --head     is record %llu: all up to it is as it was\n", (unsigned long long)c->found_seq);
	else if (a->head)
		printf("  --head     is the end of what was before: verify the file before with it\n");
	if (reserve >= 0)
		printf("  reserve    %lld bytes\n", reserve);
	else
		printf("  reserve    none: it was spent on a full disk, or this is a copy\n");
}

static void add_count(struct json_object *o, const char *name, uint64_t value)
{
	json_object_object_add(o, name, json_object_new_int64((int64_t)value));
}

static void print_json(const struct args *a, const char *file, const struct audit_chain *c)
{
	struct json_object *o = call_request(NULL, NULL);
	long long reserve = reserve_of(file);

	call_add_string(o, "file", file);
	add_count(o, "records", c->records);
	add_count(o, "seq", c->seq);
	call_add_string(o, "head", c->head);
	if (c->rotated) {
		add_count(o, "previous_seq", c->previous_seq);
		call_add_string(o, "previous_hash", c->previous);
	}
	if (a->head)
		add_count(o, "found_seq", c->found_seq);
	if (reserve >= 0)
		add_count(o, "reserve", reserve);
	out_json(o);
	json_object_put(o);
}

static int verify(const struct args *a, const char *file)
{
	struct audit_chain c;
	struct err e = ERR_INIT;
	int rc;

	rc = audit_follow(file, a->head, &c, &e);
	if (!rc && a->head && !c.found) {
		err_set(&e, -EBADMSG, "%s: no record has the hash %s: its end was cut off, or this is another log",
			file, a->head);
		rc = err_hint(&e, "If it was noted before a rotation, it is in the file that was renamed then: --file.");
	}
	if (rc)
		return call_fail(&e, a->json);
	if (a->json)
		print_json(a, file, &c);
	else
		print_chain(a, file, &c);
	return EXIT_OK;
}

/* printed - what a log holds may be anybody's who wrote it. */
static void print_text(const char *s)
{
	for (; *s; s++)
		putchar((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s);
}

/* print_rest - the members that are in no column. */
static void print_rest(struct json_object *record)
{
	static const char *const columns[] = { "seq", "time", "event", "volume", "request_id", "prev", "token" };
	size_t i;

	json_object_object_foreach(record, name, value) {
		for (i = 0; i < sizeof(columns) / sizeof(*columns) && strcmp(name, columns[i]); i++)
			;
		if (i < sizeof(columns) / sizeof(*columns))
			continue;
		printf("  ");
		print_text(name);
		putchar('=');
		if (json_object_is_type(value, json_type_string))
			print_text(json_object_get_string(value));
		else
			print_text(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	putchar('\n');
}

static int show_record(void *ctx, const char *line, size_t len, struct json_object *record)
{
	const struct args *a = ctx;

	if (a->volume && strcmp(out_str(record, "volume"), a->volume))
		return 0;
	if (a->json) {
		printf("%.*s\n", (int)len, line);
		return 0;
	}
	printf("%6lld  %.19s  %-24s %-16s", (long long)out_int(record, "seq"), out_str(record, "time"),
	       out_str(record, "event"), *out_str(record, "volume") ? out_str(record, "volume") : "-");
	if (*out_str(record, "request_id"))
		printf("  request %s", out_str(record, "request_id"));
	print_rest(record);
	return 0;
}

static int show(struct args *a, const char *file)
{
	struct err e = ERR_INIT;

	if (!a->json)
		printf("%6s  %-19s  %-24s %s\n", "RECORD", "TIME (UTC)", "EVENT", "VOLUME");
	return audit_each(file, show_record, a, &e) ? call_fail(&e, a->json) : EXIT_OK;
}

static int cmd_audit(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL }, *file;
	struct args a = { 0 };
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	status = check(&a, operands[0]);
	if (status)
		return status;
	file = a.file ? a.file : AUDIT_LOG;
	return strcmp(operands[0], "verify") ? show(&a, file) : verify(&a, file);
}

static const struct opt opts[] = {
	{ "head", "HASH", "verify: a hash that the journal had; it must be in the log", OPT_STRING,
	  offsetof(struct args, head) },
	{ "file", "FILE", "another log than " AUDIT_LOG ", one that was rotated", OPT_STRING,
	  offsetof(struct args, file) },
	{ "volume", "NAME", "show: records of this volume only", OPT_STRING, offsetof(struct args, volume) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_audit = {
	.name = "audit",
	.operands = "verify|show",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Check that the audit log is whole, or show it",
	.details = "verify follows the chain of hashes: no record was changed, added, or taken out of the middle. That none was\n"
		   "cut off at the end is shown by --head, a hash from before: `journalctl ECACHE_EVENT=audit-head` has them.",
	.opts = opts,
	.func = cmd_audit,
};
