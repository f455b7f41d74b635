// SPDX-License-Identifier: GPL-2.0-or-later
/* From two answers of ecached to rates. */
#include "../common/test.h"

#include <stdlib.h>
#include <string.h>

#include "../common/json.h"
#include "top.h"

/* sample - JSON with ' for ". */
static struct top_sample sample(int64_t ms, const char *text)
{
	struct top_sample s = { .ms = ms, .now = 1000 + ms / 1000 };
	struct json_object *o;
	char copy[2048], *c;

	snprintf(copy, sizeof(copy), "{'volumes':%s}", text);
	for (c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	assert_int_equal(js_parse(copy, strlen(copy), 8, &o, NULL), 0);
	s.volumes = json_object_get(json_object_object_get(o, "volumes"));
	json_object_put(o);
	return s;
}

static char *table_of(const struct top_sample *before, const struct top_sample *now)
{
	struct table t;
	size_t len;
	char *text;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	top_table(&t, before, now);
	table_print(f, &t, false, 0, 0);
	table_free(&t);
	fclose(f);
	return text;
}

#define C1(reads, writes, rsec, wsec) \
	"[{'name':'c1','state':'open','last_ok':995,'probe':{'verdict':'ok','at':998},'target':{" \
	"'reads':" #reads ",'writes':" #writes ",'read_sectors':" #rsec ",'write_sectors':" #wsec ",'errors':0}}]"

static void expect(const struct top_sample *before, const struct top_sample *now, const char *want)
{
	char *text = table_of(before, now);

	assert_string_equal(text, want);
	free(text);
}

static void counters_become_rates(void **state)
{
	struct top_sample a = sample(0, C1(100, 50, 1000, 2000)), b = sample(2000, C1(300, 60, 9192, 2000));
	char line[256];

	(void)state;
	expect(&a, &b,
	       "NAME  STATE  R/S  W/S  RB/S  WB/S  VERDICT  PROBED   LAST OK\n"
	       "c1    open   100    5  2.0M     0  ok       4 s ago  7 s ago\n");
	top_line(&a, &b, line, sizeof(line));
	assert_string_equal(line, "1 volumes, 1 open, 0 with another verdict than ok, 2.0M read and 0 written a second");
	top_drop(&a);
	top_drop(&b);
	assert_null(b.volumes);
}

static void what_was_not_there_before_has_no_rates(void **state)
{
	struct top_sample none = { 0 }, a = sample(1000, C1(100, 50, 1000, 2000)), b = sample(3000, C1(1, 0, 8, 0));

	(void)state;
	expect(&none, &a,
	       "NAME  STATE  R/S  W/S  RB/S  WB/S  VERDICT  PROBED   LAST OK\n"
	       "c1    open     -    -     -     -  ok       3 s ago  6 s ago\n");
	expect(&a, &b,			/* opened anew: the counters begin again */
	       "NAME  STATE  R/S  W/S  RB/S  WB/S  VERDICT  PROBED   LAST OK\n"
	       "c1    open     -    -     -     -  ok       5 s ago  8 s ago\n");
	expect(&a, &a,			/* no time has passed */
	       "NAME  STATE  R/S  W/S  RB/S  WB/S  VERDICT  PROBED   LAST OK\n"
	       "c1    open     -    -     -     -  ok       3 s ago  6 s ago\n");
	top_drop(&a);
	top_drop(&b);
}

static void leases_errors_and_problems_have_their_columns(void **state)
{
	struct top_sample none = { 0 }, a = sample(0,
		"[{'name':'c1','state':'open','probe':{'verdict':'suspect','at':1000},'policy':{'lease':900},'problem':'odd',"
		"'target':{'lease':300,'errors':3}},{'name':'c2','state':'closed'}]");
	struct table t;

	(void)state;
	expect(&none, &a,
	       "NAME  STATE   R/S  W/S  RB/S  WB/S  ERRORS  VERDICT  PROBED   LAST OK  LEASE  NOTE\n"
	       "c1    open      -    -     -     -       3  suspect  0 s ago  never    300 s  odd\n"
	       "c2    closed    -    -     -     -          -        -        never\n");
	top_table(&t, &none, &a);
	assert_int_equal(t.cells[10].tone, TONE_CARE);	/* under a half: nobody renews it */
	assert_int_equal(t.cells[7].tone, TONE_CARE);
	assert_int_equal(t.cells[6].tone, TONE_BAD);
	table_free(&t);
	top_drop(&a);
}

static void an_answer_without_volumes_is_an_empty_table(void **state)
{
	struct top_sample none = { 0 };

	(void)state;
	expect(&none, &none, "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_become_rates),
		cmocka_unit_test(what_was_not_there_before_has_no_rates),
		cmocka_unit_test(leases_errors_and_problems_have_their_columns),
		cmocka_unit_test(an_answer_without_volumes_is_an_empty_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
