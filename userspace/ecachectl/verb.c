// SPDX-License-Identifier: GPL-2.0-or-later
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "verb.h"

const struct verb *const verbs[] = {
	&verb_create,
	&verb_adopt,
	&verb_open,
	&verb_close,
	&verb_hold,
	&verb_status,
	&verb_list,
	&verb_top,
	&verb_revoke,
	&verb_confirm,
	&verb_regrant,
	&verb_rewrap,
	&verb_resize,
	&verb_unwrap,
	&verb_destroy,
	&verb_backup,
	&verb_restore,
	&verb_dump,
	&verb_doctor,
	&verb_audit,
	&verb_bench,
	&verb_help,
	NULL,
};

#define OPTS_MAX 32

const struct verb *verb_find(const char *name)
{
	const struct verb *const *v;

	for (v = verbs; *v; v++) {
		if (!strcmp((*v)->name, name))
			return *v;
	}
	return NULL;
}

bool opt_is_needed(const struct opt *o)
{
	return o->kind == OPT_NUMBER_NEEDED || o->kind == OPT_STRING_NEEDED;
}

static int complain(const struct verb *v, const char *what, const char *which)
{
	fprintf(stderr, "ecachectl %s: %s%s%s\n", v->name, what, which ? ": " : "", which ? which : "");
	fprintf(stderr, "usage: ");
	verb_usage(stderr, v);
	return EXIT_USAGE;
}

/*
 * find_opt - the option spelled by @word (without "--") up to a '='; whole names only, no
 * abbreviations.
 */
static const struct opt *find_opt(const struct verb *v, const char *word, const char **value)
{
	size_t len = strcspn(word, "=");
	const struct opt *o;

	*value = word[len] == '=' ? word + len + 1 : NULL;
	for (o = v->opts; o && o->name; o++) {
		if (strlen(o->name) == len && !strncmp(o->name, word, len))
			return o;
	}
	return NULL;
}

static int set_number(const struct verb *v, const struct opt *o, const char *value, unsigned int *out)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || n > UINT_MAX) {
		fprintf(stderr, "ecachectl %s: --%s wants a number, not '%s'\n", v->name, o->name, value);
		return EXIT_USAGE;
	}
	*out = n;
	return EXIT_OK;
}

static int set_opt(const struct verb *v, const struct opt *o, const char *value, void *args)
{
	void *where = (char *)args + o->offset;

	switch (o->kind) {
	case OPT_FLAG:
		if (value)
			return complain(v, "option takes no value", o->name);
		*(bool *)where = true;
		return EXIT_OK;
	case OPT_STRING:
	case OPT_STRING_NEEDED:
		if (!*value)
			return complain(v, "option with an empty value", o->name);
		*(const char **)where = value;
		return EXIT_OK;
	case OPT_NUMBER:
	case OPT_NUMBER_NEEDED:
		return set_number(v, o, value, where);
	}
	return EXIT_USAGE;
}

struct parse {
	const struct verb *v;
	int argc;
	char **argv;
	void *args;
	const char **operands;
	unsigned int nr;	/* operands so far */
	bool options;		/* no "--" yet */
	bool given[OPTS_MAX];
};

/* parse_opt - one "--name[=value]" at argv[*i]; a value in the next word moves *i on. */
static int parse_opt(struct parse *p, int *i)
{
	const char *word = p->argv[*i], *value;
	const struct opt *o = find_opt(p->v, word + 2, &value);

	if (!o)
		return complain(p->v, "unknown option", word);
	if (p->given[o - p->v->opts])
		return complain(p->v, "option given twice", word);
	p->given[o - p->v->opts] = true;
	if (o->kind != OPT_FLAG && !value) {
		if (*i + 1 >= p->argc)
			return complain(p->v, "option without its value", word);
		value = p->argv[++*i];
	}
	return set_opt(p->v, o, value, p->args);
}

/* parse_word - argv[*i], whatever it is. */
static int parse_word(struct parse *p, int *i)
{
	const char *word = p->argv[*i];

	if (p->options && !strcmp(word, "--")) {
		p->options = false;
		return EXIT_OK;
	}
	if (p->options && !strncmp(word, "--", 2))
		return parse_opt(p, i);
	if (p->options && word[0] == '-' && word[1])
		return complain(p->v, "unknown option", word);
	if (p->nr == p->v->max_operands)
		return complain(p->v, "unexpected argument", word);
	p->operands[p->nr++] = word;
	return EXIT_OK;
}

static int check_needed(const struct parse *p)
{
	const struct opt *o;

	for (o = p->v->opts; o && o->name; o++) {
		if (opt_is_needed(o) && !p->given[o - p->v->opts])
			return complain(p->v, "missing option", o->name);
	}
	return EXIT_OK;
}

static bool wants_help(int argc, char **argv)
{
	int i;

	for (i = 0; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	}
	return false;
}

bool verb_parse(const struct verb *v, int argc, char **argv, void *args, const char **operands, int *status)
{
	struct parse p = { .v = v, .argc = argc, .argv = argv, .args = args, .operands = operands, .options = true };
	int i;

	*status = EXIT_OK;
	if (wants_help(argc, argv)) {
		verb_help_text(stdout, v);
		return false;
	}
	for (i = 0; i < argc && !*status; i++)
		*status = parse_word(&p, &i);
	if (!*status && p.nr < v->min_operands)
		*status = complain(v, "missing argument, wanted", v->operands);
	if (!*status)
		*status = check_needed(&p);
	return !*status;
}

void verb_usage(FILE *to, const struct verb *v)
{
	const struct opt *o;

	assert(v->operands); /* "" when there are none */
	fprintf(to, "ecachectl %s%s%s", v->name, *v->operands ? " " : "", v->operands);
	for (o = v->opts; o && o->name; o++)
		fprintf(to, opt_is_needed(o) ? " --%s%s%s" : " [--%s%s%s]", o->name, o->arg ? " " : "",
			o->arg ? o->arg : "");
	fputc('\n', to);
}

void verb_help_text(FILE *to, const struct verb *v)
{
	const struct opt *o;
	char left[64];

	fprintf(to, "usage: ");
	verb_usage(to, v);
	fprintf(to, "\n%s.\n", v->summary);
	if (v->details)
		fprintf(to, "\n%s\n", v->details);
	if (!v->opts || !v->opts->name)
		return;
	fputc('\n', to);
	for (o = v->opts; o->name; o++) {
		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		fprintf(to, "  %-28s %s\n", left, o->help);
	}
}

void usage_all(FILE *to)
{
	const struct verb *const *v;

	fprintf(to, "usage: ecachectl VERB [ARGUMENT...]\n\n");
	for (v = verbs; *v; v++)
		fprintf(to, "  %-9s %s\n", (*v)->name, (*v)->summary);
	fprintf(to, "\n`ecachectl help VERB` says more; ecachectl(8) says all of it.\n");
}

int ecachectl_main(int argc, char **argv)
{
	const struct verb *v;

	if (argc < 2) {
		usage_all(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("ecachectl %s\n", ECACHE_VERSION);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage_all(stdout);
		return EXIT_OK;
	}
	v = verb_find(argv[1]);
	if (!v) {
		fprintf(stderr, "ecachectl: unknown verb '%s'; `ecachectl help` lists them\n", argv[1]);
		return EXIT_USAGE;
	}
	return v->func(v, argc - 2, argv + 2);
}
