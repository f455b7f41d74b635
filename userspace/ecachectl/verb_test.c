// SPDX-License-Identifier: GPL-2.0-or-later
/* What ecachectl takes on its command line, and that usage, man page and code know the same verbs and options. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/test.h"
#include "verb.h"

/* Tests run in userspace/ (make test) or at the top (scripts/check). */
#define MAN_PAGE "Documentation/man/ecachectl.8"

struct parsed {
	bool flag;
	const char *text;
	unsigned int number;
};

static const struct opt opts[] = {
	{ "flag", NULL, "a flag", OPT_FLAG, offsetof(struct parsed, flag) },
	{ "text", "TEXT", "a text", OPT_STRING, offsetof(struct parsed, text) },
	{ "number", "N", "a number", OPT_NUMBER, offsetof(struct parsed, number) },
	OPT_END
};

static const struct verb sample = {
	.name = "sample", .operands = "ONE [TWO]", .min_operands = 1, .max_operands = 2, .summary = "A sample",
	.opts = opts,
};

/* parse - the words of @line; stdout and stderr go nowhere. */
static bool parse(const char *line, struct parsed *p, const char **operands, int *status)
{
	static char words[8][64];
	char *argv[8];
	int out, err, null, argc = 0, used;
	bool go_on;

	while (argc < 8 && sscanf(line, " %63s%n", words[argc], &used) == 1) {
		if (!strcmp(words[argc], "''"))
			words[argc][0] = '\0';
		argv[argc] = words[argc];
		argc++;
		line += used;
	}
	memset(p, 0, sizeof(*p));
	operands[0] = NULL;
	operands[1] = NULL;
	fflush(stdout);
	fflush(stderr);
	out = dup(STDOUT_FILENO);
	err = dup(STDERR_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	go_on = verb_parse(&sample, argc, argv, p, operands, status);
	fflush(stdout);
	fflush(stderr);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	close(null);
	return go_on;
}

static void options_and_operands_in_any_order(void **state)
{
	static const char *const lines[] = {
		"--flag --text x --number 7 one two",
		"one two --flag --text x --number 7",
		"one --text=x --flag two --number=7",
		"--number=7 --flag --text=x -- one two",
	};
	const char *operands[2];
	struct parsed p;
	int status;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_true(parse(lines[i], &p, operands, &status));
		assert_true(p.flag);
		assert_string_equal(p.text, "x");
		assert_int_equal(p.number, 7);
		assert_string_equal(operands[0], "one");
		assert_string_equal(operands[1], "two");
	}
}

static void double_dash_makes_operands_of_what_looks_like_options(void **state)
{
	const char *operands[2];
	struct parsed p;
	int status;

	(void)state;
	assert_true(parse("-- --flag --help", &p, operands, &status));
	assert_false(p.flag);
	assert_string_equal(operands[0], "--flag");
	assert_string_equal(operands[1], "--help");
	assert_true(parse("-", &p, operands, &status));		/* a lone dash is an operand */
	assert_string_equal(operands[0], "-");
}

static void wrong_usage_is_refused(void **state)
{
	static const char *const bad[] = {
		"",				/* too few */
		"one two three",		/* too many */
		"one --unknown",
		"one --fla",			/* no abbreviations */
		"one --flagg",
		"one --flag=yes",		/* a flag has no value */
		"one --flag --flag",
		"one --text x --text y",
		"one --text",			/* without its value */
		"one --text=",
		"one --text ''",
		"one --number x",
		"one --number -1",
		"one --number 7x",
		"one --number=",
		"one --number 99999999999999999999",
		"one -f",
		"one --=x",
	};
	const char *operands[2];
	struct parsed p;
	int status;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], &p, operands, &status))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(status, EXIT_USAGE);
	}
}

static void help_wins_over_errors_and_is_no_failure(void **state)
{
	const char *operands[2];
	struct parsed p;
	int status;

	(void)state;
	assert_false(parse("--unknown --help", &p, operands, &status));
	assert_int_equal(status, EXIT_OK);
	assert_false(parse("-h", &p, operands, &status));
	assert_int_equal(status, EXIT_OK);
}

static int run_main(const char *a, const char *b)
{
	char first[32] = "ecachectl", second[32], third[32];
	char *argv[] = { first, second, third, NULL };
	int status, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	snprintf(second, sizeof(second), "%s", a ? a : "");
	snprintf(third, sizeof(third), "%s", b ? b : "");
	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	status = ecachectl_main(1 + !!a + !!b, argv);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	close(null);
	return status;
}

static void the_program_says_what_it_can_do(void **state)
{
	(void)state;
	assert_int_equal(run_main(NULL, NULL), EXIT_USAGE);
	assert_int_equal(run_main("--help", NULL), EXIT_OK);
	assert_int_equal(run_main("--version", NULL), EXIT_OK);
	assert_int_equal(run_main("help", NULL), EXIT_OK);
	assert_int_equal(run_main("help", "create"), EXIT_OK);
	assert_int_equal(run_main("help", "nothing"), EXIT_USAGE);
	assert_int_equal(run_main("nothing", NULL), EXIT_USAGE);
	assert_int_equal(run_main("open", NULL), EXIT_USAGE);
	assert_int_equal(run_main("list", "name"), EXIT_USAGE);
	assert_int_equal(run_main("open", "--force"), EXIT_USAGE);
}

static void an_option_may_be_required(void **state)
{
	(void)state;
	assert_int_equal(run_main("unwrap", "c1"), EXIT_USAGE);
	assert_int_equal(run_main("unwrap", "--help"), EXIT_OK);
}

/* said - what the program prints on standard output with these words after its name, and nobody at a terminal. */
static int said(char *const words[], char *text, size_t size)
{
	int status, in = dup(STDIN_FILENO), out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), pair[2], argc = 0;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ssize_t n;

	while (words[argc])
		argc++;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fflush(stdout);
	dup2(null, STDIN_FILENO);
	dup2(pair[1], STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	status = ecachectl_main(argc, (char **)(uintptr_t)words);
	fflush(stdout);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(pair[1]);
	n = read(pair[0], text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	close(pair[0]);
	close(in);
	close(out);
	close(err);
	close(null);
	return status;
}

static void a_refusal_is_json_too(void **state)
{
	static char me[] = "ecachectl", confirm[] = "confirm", destroy[] = "destroy", c1[] = "c1", json[] = "--json";
	char *const confirming[] = { me, confirm, json, NULL }, *const destroying[] = { me, destroy, c1, json, NULL };
	char text[1024];

	(void)state;
	assert_int_equal(said(confirming, text, sizeof(text)), EXIT_FAILED);
	if (strncmp(text, "{\"error\":{\"what\":\"", 18) || !strstr(text, "\"hint\":") || !strstr(text, "--yes NAMES"))
		fail_msg("confirm: %s", text);
	assert_int_equal(said(destroying, text, sizeof(text)), EXIT_FAILED);
	if (strncmp(text, "{\"error\":{\"what\":\"", 18) || !strstr(text, "\"hint\":") || !strstr(text, "--yes"))
		fail_msg("destroy: %s", text);
}

/* Where messages go, the key does not: 64 bytes and nothing else. */
static void a_key_has_its_descriptor_for_itself(void **state)
{
	static char me[] = "ecachectl", unwrap[] = "unwrap", c1[] = "c1", json[] = "--json", one[] = "--to-fd=1",
		    two[] = "--to-fd=2", many[] = "--to-fd=999";
	char *const to_stderr[] = { me, unwrap, c1, two, NULL }, *const to_json[] = { me, unwrap, c1, one, json, NULL };
	char *const nowhere[] = { me, unwrap, c1, many, NULL };
	char text[1024];

	(void)state;
	assert_int_equal(said(to_stderr, text, sizeof(text)), EXIT_USAGE);
	assert_int_equal(said(to_json, text, sizeof(text)), EXIT_USAGE);
	assert_int_equal(said(nowhere, text, sizeof(text)), EXIT_USAGE);
	assert_string_equal(text, "");
}

static char *man_page(void)
{
	char *text = calloc(1, 128 * 1024);
	FILE *f = fopen(MAN_PAGE, "re");

	if (!f)
		f = fopen("../" MAN_PAGE, "re");
	assert_non_null(text);
	assert_non_null(f);
	assert_true(fread(text, 1, 128 * 1024 - 1, f) > 1000);
	fclose(f);
	return text;
}

/* section_of - the synopsis lines of one verb, from ".Cm verb" to the next ".Nm". */
static char *synopsis_of(const char *man, const char *verb)
{
	char head[48], *copy;
	const char *from, *end;

	snprintf(head, sizeof(head), ".Nm\n.Cm %s\n", verb);
	from = strstr(man, head);
	if (!from)
		fail_msg("the man page's synopsis has no '%s'", verb);
	from += strlen(head);
	end = strstr(from, "\n.Nm");
	copy = strndup(from, end - from + 1);
	assert_non_null(copy);
	return copy;
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

static void man_page_and_table_know_the_same_options(void **state)
{
	char *man = man_page(), *synopsis, line[96];
	const struct verb *const *v;
	const struct opt *o;
	unsigned int nr;

	(void)state;
	for (v = verbs; *v; v++) {
		synopsis = synopsis_of(man, (*v)->name);
		nr = 0;
		for (o = (*v)->opts; o && o->name; o++, nr++) {
			snprintf(line, sizeof(line), "%sFl -%s%s%s\n", opt_is_needed(o) ? "." : ".Op ", o->name,
				 o->arg ? " Ar " : "", o->arg ? o->arg : "");
			if (!strstr(synopsis, line))
				fail_msg("the man page's synopsis of %s lacks --%s %s", (*v)->name, o->name,
					 o->arg ? o->arg : "");
		}
		if (count(synopsis, ".Op Fl -") + count(synopsis, "\n.Fl -") != nr)
			fail_msg("the man page gives %s an option that it does not have", (*v)->name);
		free(synopsis);
		snprintf(line, sizeof(line), "\n.It Cm %s", (*v)->name);
		if (!strstr(man, line))
			fail_msg("the man page does not explain %s", (*v)->name);
	}
	free(man);
}

static void every_option_is_explained_in_the_man_page(void **state)
{
	char *man = man_page(), item[64], mention[64];
	const struct verb *const *v;
	const struct opt *o;

	(void)state;
	for (v = verbs; *v; v++) {
		for (o = (*v)->opts; o && o->name; o++) {
			snprintf(item, sizeof(item), "\n.It Fl -%s", o->name);
			snprintf(mention, sizeof(mention), "\n.Fl -%s", o->name);
			if (!strstr(man, item) && !strstr(man, mention))
				fail_msg("the man page does not explain --%s of %s", o->name, (*v)->name);
		}
	}
	free(man);
}

static void usage_texts_are_in_form(void **state)
{
	const struct verb *const *v;
	const struct opt *o;

	(void)state;
	for (v = verbs; *v; v++) {
		assert_ptr_equal(verb_find((*v)->name), *v);
		assert_non_null((*v)->func);
		assert_non_null((*v)->summary);
		assert_true((*v)->min_operands <= (*v)->max_operands);
		for (o = (*v)->opts; o && o->name; o++) {
			assert_true(strlen(o->help) > 3);
			assert_int_equal(o->kind == OPT_FLAG, !o->arg);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands_in_any_order),
		cmocka_unit_test(double_dash_makes_operands_of_what_looks_like_options),
		cmocka_unit_test(wrong_usage_is_refused),
		cmocka_unit_test(help_wins_over_errors_and_is_no_failure),
		cmocka_unit_test(the_program_says_what_it_can_do),
		cmocka_unit_test(an_option_may_be_required),
		cmocka_unit_test(a_refusal_is_json_too),
		cmocka_unit_test(a_key_has_its_descriptor_for_itself),
		cmocka_unit_test(man_page_and_table_know_the_same_options),
		cmocka_unit_test(every_option_is_explained_in_the_man_page),
		cmocka_unit_test(usage_texts_are_in_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
