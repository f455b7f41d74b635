// SPDX-License-Identifier: GPL-2.0-or-later
/* Table, JSON and page of a benchmark that nobody ran. */
#include "../common/test.h"
#include <sys/wait.h>
#include "../volume/scratch.h"
#include "bench_fixture.h"
#include "bench_report.h"
#include "bench_svg.h"
#include "bench_words.h"

/* sample - three rounds of two cells, on a disk with a name that means something to XML. */
static struct bench sample(void)
{
	struct bench b = fixture("4k-mixed-32,1m-write", 3);
	unsigned int i, j, m;

	strcpy(b.disk.name, "/dev/disk/by-id/a<b>&\"c\"\001");
	strcpy(b.disk.model, "Model & Co");
	strcpy(b.host.cpu, "Processor <1>");
	strcpy(b.host.kernel, "7.3.4");
	b.host.cpus = 2;
	b.left_out[0].name = "inlinecrypt";
	strcpy(b.left_out[0].why, "cannot create <it>");
	b.nr_left_out = 1;
	for (i = 0; i < b.nr_targets; i++) {
		for (j = 0; j < b.rounds; j++) {
			for (m = 0; m < BENCH_MEASURES; m++) {
				if (m != BENCH_INSNS)
					bench_at(&b, 0, i, j)->v[m] = (i + 1) * 1000 + m * 100 + j;
			}
			bench_at(&b, 1, i, j)->v[BENCH_IOPS] = 50 + j;
			bench_at(&b, 1, i, j)->v[BENCH_MIB] = 500 + j;
			bench_at(&b, 1, i, j)->v[BENCH_CPU] = 90;
			bench_at(&b, 1, i, j)->v[BENCH_WRITE_P50] = 7;
			bench_at(&b, 1, i, j)->v[BENCH_WRITE_P99] = 8;
			bench_at(&b, 1, i, j)->v[BENCH_WRITE_P999] = 90000;
		}
	}
	fill(&b, 0, BENCH_CRYPT_NWQ, BENCH_CPU, (const double[]){ 10, 20, 40 });
	fill(&b, 0, BENCH_ECACHE, BENCH_CPU, (const double[]){ 5, 10, 20 });
	fill(&b, 0, BENCH_AGAIN, BENCH_CPU, (const double[]){ 5, 10, 20.2 });
	return b;
}

static char *printed(void (*print)(FILE *to, const struct bench *b, unsigned int nr), const struct bench *b)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(to);
	print(to, b, 1);
	assert_int_equal(fclose(to), 0);
	return text;
}

/* The page is XML, whatever is in it, so that a mistake in a tag is found here. */
static void the_page_is_well_formed(void **state)
{
	struct scratch *s = *state;
	struct bench b = sample();
	char *text = printed(bench_html, &b), command[700];
	int status;

	scratch_write(s, "bench.html", text);
	snprintf(command, sizeof(command), "xmllint --noout --nonet %s", scratch_path(s, "bench.html"));
	status = system(command);
	free(text);
	fixture_free(&b);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		skip();	/* Debian: libxml2-utils */
	assert_int_equal(status, 0);
}

static void names_are_text_and_no_tags(void **state)
{
	struct bench b = sample();
	char *text = printed(bench_html, &b);

	(void)state;
	assert_non_null(strstr(text, "a&lt;b&gt;&amp;&quot;c&quot;"));
	assert_null(strstr(text, "a<b>"));
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	free(text);
	fixture_free(&b);
}

static void the_page_needs_nothing_from_elsewhere(void **state)
{
	struct bench b = sample();
	char *text = printed(bench_html, &b);

	(void)state;
	assert_null(strstr(text, "src="));
	assert_null(strstr(text, "href="));
	assert_null(strstr(text, "url("));
	assert_null(strstr(text, "@import"));
	free(text);
	fixture_free(&b);
}

static void emulation_is_said_first(void **state)
{
	struct bench b = sample();
	char *text = printed(bench_html, &b);

	(void)state;
	assert_null(strstr(text, "Emulated"));
	free(text);
	b.host.emulated = true;
	text = printed(bench_html, &b);
	assert_non_null(strstr(text, "Emulated"));
	assert_true(strstr(text, "Emulated") < strstr(text, "<svg"));
	free(text);
	text = printed(bench_table_print, &b);
	assert_non_null(strstr(text, "EMULATED"));
	free(text);
	fixture_free(&b);
}

/* Half the CPU time in each round, and a control within 1 %: better, and said so; the large writes are all alike. */
static void a_difference_is_coloured_and_noise_is_not(void **state)
{
	struct bench b = sample();
	char *text = printed(bench_html, &b);

	(void)state;
	assert_non_null(strstr(text, "<td class=\"good\">0.50</td>"));
	assert_non_null(strstr(text, "<td>1.00 =</td>"));
	assert_non_null(strstr(text, "<b>0.50 to 1.00</b> times the CPU time per I/O of dm-crypt without"));
	assert_non_null(strstr(text, "<td>1.0 %</td>"));
	free(text);
	fill(&b, 0, BENCH_ECACHE, BENCH_CPU, (const double[]){ 20, 40, 80 });
	fill(&b, 0, BENCH_AGAIN, BENCH_CPU, (const double[]){ 20, 40, 80 });
	text = printed(bench_html, &b);
	assert_non_null(strstr(text, "<td class=\"bad\">2.00</td>"));
	free(text);
	fixture_free(&b);
}

static void the_table_has_both_directions_of_a_mix(void **state)
{
	struct bench b = sample();
	char *text = printed(bench_table_print, &b);

	(void)state;
	assert_non_null(strstr(text, "   writes"));
	assert_non_null(strstr(text, "0.500\n"));
	assert_non_null(strstr(text, "1.000 =\n"));
	assert_non_null(strstr(text, "without inlinecrypt: cannot create <it>"));
	assert_null(strstr(text, "nan"));
	free(text);
	fixture_free(&b);
}

static struct json_object *at(struct json_object *o, const char *path)
{
	struct json_object *found = NULL;

	if (json_pointer_get(o, path, &found))
		fail_msg("no %s", path);
	return found;
}

static const char *plain(struct json_object *o, const char *path)
{
	return json_object_to_json_string_ext(at(o, path), JSON_C_TO_STRING_PLAIN);
}

static void json_has_what_was_measured_and_no_more(void **state)
{
	struct bench b = sample();
	struct json_object *o = bench_json(&b, 1), *none;

	(void)state;
	assert_int_equal(json_object_get_int(at(o, "/format")), 1);
	assert_int_equal(json_object_get_int(at(o, "/devices/0/rounds")), 3);
	assert_string_equal(json_object_get_string(at(o, "/devices/0/cells/0/name")), "4k-mixed-32");
	assert_string_equal(json_object_get_string(at(o, "/devices/0/cells/0/targets/3/name")), "ecache");
	assert_string_equal(plain(o, "/devices/0/cells/0/targets/3/cpu_us_per_io"),
			    "{\"median\":10,\"min\":5,\"max\":20,\"rounds\":3}");
	assert_string_equal(plain(o, "/devices/0/cells/0/targets/3/to_crypt_nwq/cpu_us_per_io"),
			    "{\"median\":0.5,\"min\":0.5,\"max\":0.5,\"rounds\":3}");
	assert_string_equal(plain(o, "/devices/0/cells/0/noise/cpu_us_per_io"), "0.01");
	/* not measured: not there, rather than null or NaN, which JSON has not */
	assert_int_not_equal(json_pointer_get(o, "/devices/0/cells/1/targets/0/read_p50_us", &none), 0);
	assert_int_not_equal(json_pointer_get(o, "/devices/0/cells/0/targets/0/instructions_per_io", &none), 0);
	assert_null(strstr(json_object_to_json_string(o), "NaN"));
	json_object_put(o);
	fixture_free(&b);
}

static void numbers_have_three_digits_that_count(void **state)
{
	static const struct {
		double v;
		const char *text;
	} cases[] = {
		{ 0, "0.00" }, { 0.421, "0.42" }, { 7.3, "7.30" }, { 98.16, "98.2" },
		{ 123.4, "123" }, { 9999.4, "9999" },
		{ 9999.5, "10.0k" }, { 12345, "12.3k" }, { 999499, "999k" }, { 999500, "1.00M" }, { 12345678, "12.3M" },
		{ NAN, "-" }, { INFINITY, "-" },
	};
	char text[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bench_number(cases[i].v, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(the_page_is_well_formed),
		cmocka_unit_test(names_are_text_and_no_tags),
		cmocka_unit_test(the_page_needs_nothing_from_elsewhere),
		cmocka_unit_test(emulation_is_said_first),
		cmocka_unit_test(a_difference_is_coloured_and_noise_is_not),
		cmocka_unit_test(the_table_has_both_directions_of_a_mix),
		cmocka_unit_test(json_has_what_was_measured_and_no_more),
		cmocka_unit_test(numbers_have_three_digits_that_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
