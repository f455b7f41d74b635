// SPDX-License-Identifier: GPL-2.0-or-later
/* The page of metrics: what it says, in the words of a status, and that it is the format that it claims to be. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/json.h"
#include "../common/test.h"
#include "metrics.h"
#include "watching.h"

#define OPEN "{'name':'c1','state':'open','last_ok':1764300000,'probe':{'verdict':'ok','why':'none','at':1},'target':{" \
	"'state':'ACTIVE','engine':'cpu','driver':'xts-aes-aesni','generic':false,'reads':7,'writes':8,'read_sectors':9," \
	"'write_sectors':10,'inline':5,'deferred':2,'errors':1,'lease':540}}"
#define SUSPECT "{'name':'c2','state':'open','probe':{'verdict':'suspect','held':true},'target':{'driver':" \
	"'xts(ecb(aes-generic))','engine':'cpu','generic':true,'reads':0,'writes':0}}"
#define REVOKED "{'name':'c3','state':'revoked','teardown':{'at':1764300100,'key_gone':true,'key_gone_ms':445,'total_ms':749," \
	"'in_time':true}}"
#define LATE "{'name':'c4','state':'opening','teardown':{'at':5,'key_gone':false,'key_gone_ms':-1,'total_ms':30000,'in_time':false}}"
#define ODD "{'name':'c5','state':'broken','target':{'driver':'a\\\"b\\\\c\\nd','engine':'cpu'}}"
#define AGENT "{'version':'1.2.3','watched':2,'brake':true,'problem':'x','events':{'state':'failing'}}"

static struct json_object *volume[8];
static struct watched more[2];
static struct watch w;
static struct metrics_view view;
static char *page;
static size_t len;

static struct json_object *parse(const char *text)
{
	struct json_object *o;
	char copy[1024], *c;

	snprintf(copy, sizeof(copy), "%s", text);
	for (c = copy; *c; c++) {
		if (*c == '\'')
			*c = '"';
	}
	assert_int_equal(js_parse(copy, strlen(copy), 8, &o, NULL), 0);
	return o;
}

static void watch_one(unsigned int i, const char *name, enum verdict verdict)
{
	struct watch_add wa = { .name = name, .key_arn = "k", .interval_ms = 60000 };
	struct watch_volume *v;

	assert_int_equal(watch_add(&w, &wa, 0, &v), 0);
	v->probed = true;
	v->verdict = verdict;
	v->data = &more[i];
}

static int begin(void **state)
{
	static const char *const all[] = { OPEN, SUSPECT, REVOKED, LATE, ODD };
	static const struct watch_ops none;
	unsigned int i;

	(void)state;
	memset(more, 0, sizeof(more));
	watch_init(&w, &none, NULL, false, 1);
	watch_one(0, "c1", VERDICT_OK);
	watch_one(1, "c2", VERDICT_SUSPECT);
	tally_probe(&more[0].tally, VERDICT_OK, 12);
	tally_probe(&more[0].tally, VERDICT_OK, 7000);
	tally_probe(&more[0].tally, VERDICT_UNREACHABLE, -1);
	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		volume[i] = parse(all[i]);
	view = (struct metrics_view){
		.volume = volume, .nr = i, .agent = parse(AGENT), .watch = &w, .net_asked = true, .net_failures = 3,
		.teardowns_running = 16, .teardowns_waiting = 84, .oldest_wait_ms = 1500, .scrapes_served = 4,
		.scrapes_cut = 1,
	};
	assert_int_equal(metrics_page(&view, &page, &len, NULL), 0);
	assert_int_equal(strlen(page), len);
	return 0;
}

static int end(void **state)
{
	size_t i;

	(void)state;
	free(page);
	for (i = 0; i < view.nr; i++)
		json_object_put(volume[i]);
	json_object_put(view.agent);
	watch_free(&w);
	return 0;
}

/* line - the page has exactly this one. */
static bool line(const char *text)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", text);
	return strstr(page, whole);
}

/* again - another page, of what has changed in the view. */
static void again(void)
{
	free(page);
	assert_int_equal(metrics_page(&view, &page, &len, NULL), 0);
}

static void test_the_agent(void **state)
{
	(void)state;
	assert_true(line("ecache_build_info{version=\"1.2.3\"} 1"));
	assert_true(line("ecache_volumes 5"));
	assert_true(line("ecache_watched_volumes 2"));
	assert_true(line("ecache_agent_fault 0"));
	assert_true(line("ecache_brake_engaged 1"));
	assert_true(line("ecache_config_problem 1"));
	assert_true(line("ecache_events_up 0"));
	assert_true(line("ecache_net_up 0"));
	assert_true(line("ecache_net_failures_total 3"));
	assert_true(line("ecache_teardowns_running 16"));
	assert_true(line("ecache_teardowns_waiting 84"));
	assert_true(line("ecache_teardown_wait_seconds 1.5"));
	assert_true(line("ecache_scrapes_total{outcome=\"cut\"} 1"));
	w.volumes->verdict = VERDICT_AGENT_FAULT;
	view.net_up = true;
	json_object_object_del(view.agent, "events");
	again();
	assert_true(line("ecache_agent_fault 1"));
	assert_true(line("ecache_net_up 1"));
	assert_null(strstr(page, "\necache_events_up "));
	view.net_asked = false;
	again();
	assert_null(strstr(page, "\necache_net_up "));
}

static void test_states_and_verdicts(void **state)
{
	(void)state;
	assert_true(line("ecache_volume_state{volume=\"c1\",state=\"open\"} 1"));
	assert_true(line("ecache_volume_state{volume=\"c1\",state=\"locked\"} 0"));
	assert_true(line("ecache_volume_state{volume=\"c3\",state=\"revoked\"} 1"));
	assert_true(line("ecache_volume_state{volume=\"c4\",state=\"busy\"} 1"));
	assert_true(line("ecache_volume_state{volume=\"c5\",state=\"broken\"} 1"));
	assert_true(line("ecache_volume_verdict{volume=\"c1\",verdict=\"ok\"} 1"));
	assert_true(line("ecache_volume_verdict{volume=\"c1\",verdict=\"agent-fault\"} 0"));
	assert_true(line("ecache_volume_verdict{volume=\"c2\",verdict=\"suspect\"} 1"));
	assert_null(strstr(page, "ecache_volume_verdict{volume=\"c3\""));
	assert_true(line("ecache_volume_held{volume=\"c1\"} 0"));
	assert_true(line("ecache_volume_held{volume=\"c2\"} 1"));
}

/* one_hot - the states of each volume, and its verdicts, add up to one. */
static void one_hot(const char *family, unsigned int expected)
{
	char start[64];
	unsigned int sum = 0, lines = 0;
	const char *p;

	snprintf(start, sizeof(start), "\n%s{", family);
	for (p = page; (p = strstr(p, start)); p++) {
		p = strchr(p, '}');
		sum += p[2] == '1';
		lines++;
		assert_true(p[3] == '\n');
		p--;
	}
	assert_int_equal(sum, expected);
	assert_true(lines > sum);
}

static void test_one_word_holds(void **state)
{
	(void)state;
	one_hot("ecache_volume_state", 5);
	one_hot("ecache_volume_verdict", 2);
}

static void test_probes(void **state)
{
	(void)state;
	assert_true(line("ecache_volume_probes_total{volume=\"c1\",verdict=\"ok\"} 2"));
	assert_true(line("ecache_volume_probes_total{volume=\"c1\",verdict=\"unreachable\"} 1"));
	assert_true(line("ecache_volume_probe_duration_seconds_bucket{volume=\"c1\",le=\"0.01\"} 0"));
	assert_true(line("ecache_volume_probe_duration_seconds_bucket{volume=\"c1\",le=\"0.025\"} 1"));
	assert_true(line("ecache_volume_probe_duration_seconds_bucket{volume=\"c1\",le=\"10\"} 2"));
	assert_true(line("ecache_volume_probe_duration_seconds_bucket{volume=\"c1\",le=\"+Inf\"} 2"));
	assert_true(line("ecache_volume_probe_duration_seconds_sum{volume=\"c1\"} 7.012"));
	assert_true(line("ecache_volume_probe_duration_seconds_count{volume=\"c1\"} 2"));
	assert_null(strstr(page, "ecache_volume_probe_duration_seconds_count{volume=\"c3\"}"));
	assert_true(line("ecache_volume_last_ok_timestamp_seconds{volume=\"c1\"} 1764300000"));
	assert_null(strstr(page, "ecache_volume_last_ok_timestamp_seconds{volume=\"c2\"}"));
}

static void test_the_target(void **state)
{
	(void)state;
	assert_true(line("ecache_volume_reads_total{volume=\"c1\"} 7"));
	assert_true(line("ecache_volume_writes_total{volume=\"c1\"} 8"));
	assert_true(line("ecache_volume_read_bytes_total{volume=\"c1\"} 4608"));
	assert_true(line("ecache_volume_written_bytes_total{volume=\"c1\"} 5120"));
	assert_true(line("ecache_volume_inline_reads_total{volume=\"c1\"} 5"));
	assert_true(line("ecache_volume_deferred_reads_total{volume=\"c1\"} 2"));
	assert_true(line("ecache_volume_io_errors_total{volume=\"c1\"} 1"));
	assert_true(line("ecache_volume_lease_left_seconds{volume=\"c1\"} 540"));
	assert_null(strstr(page, "ecache_volume_lease_left_seconds{volume=\"c2\"}"));
	assert_null(strstr(page, "ecache_volume_reads_total{volume=\"c3\"}"));
	assert_true(line("ecache_volume_driver_generic{volume=\"c1\"} 0"));
	assert_true(line("ecache_volume_driver_generic{volume=\"c2\"} 1"));
	assert_true(line("ecache_volume_driver_info{volume=\"c1\",engine=\"cpu\",driver=\"xts-aes-aesni\"} 1"));
	assert_true(line("ecache_volume_driver_info{volume=\"c5\",engine=\"cpu\",driver=\"a\\\"b\\\\c\\nd\"} 1"));
}

static void test_teardowns(void **state)
{
	(void)state;
	assert_true(line("ecache_volume_teardown_timestamp_seconds{volume=\"c3\"} 1764300100"));
	assert_true(line("ecache_volume_teardown_key_gone_seconds{volume=\"c3\"} 0.445"));
	assert_true(line("ecache_volume_teardown_duration_seconds{volume=\"c3\"} 0.749"));
	assert_true(line("ecache_volume_teardown_late{volume=\"c3\"} 0"));
	assert_true(line("ecache_volume_teardown_late{volume=\"c4\"} 1"));
	assert_null(strstr(page, "ecache_volume_teardown_key_gone_seconds{volume=\"c4\"}"));
	assert_null(strstr(page, "ecache_volume_teardown_late{volume=\"c1\"}"));
}

/* in_family - the sample's name is the family's, or one of its histogram's. */
static bool in_family(const char *sample, const char *family, bool histogram)
{
	size_t n = strlen(family);

	if (strncmp(sample, family, n))
		return false;
	if (!histogram)
		return sample[n] == '{' || sample[n] == ' ';
	sample += n;
	return !strncmp(sample, "_bucket{", 8) || !strncmp(sample, "_sum{", 5) || !strncmp(sample, "_count{", 7);
}

/* Each sample stands below its own HELP and TYPE; counters, and only they, end in _total; times are seconds. */
static void test_form(void **state)
{
	char family[128] = "", type[16] = "", seen[8192] = "", *l, *rest = page;
	unsigned int families = 0;

	(void)state;
	assert_int_equal(page[len - 1], '\n');
	while ((l = strsep(&rest, "\n")) && *l) {
		if (!strncmp(l, "# HELP ", 7)) {
			assert_int_equal(sscanf(l + 7, "%127s", family), 1);
			assert_null(strstr(seen, family));
			strcat(strcat(strcat(seen, " "), family), " ");
			families++;
			continue;
		}
		if (!strncmp(l, "# TYPE ", 7)) {
			assert_int_equal(sscanf(l + 7 + strlen(family), "%15s", type), 1);
			assert_int_equal(!strcmp(type, "counter"), !strcmp(family + strlen(family) - 6, "_total"));
			assert_null(strstr(family, "_ms"));
			continue;
		}
		assert_true(in_family(l, family, !strcmp(type, "histogram")));
		assert_true(isdigit((unsigned char)strrchr(l, ' ')[1]) || strrchr(l, ' ')[1] == '-');
	}
	assert_true(families > 30);
	again();
}

/* What Prometheus itself thinks of it, where it is installed; in the guest it is (systemd-metrics.sh). */
static void test_promtool(void **state)
{
	FILE *p;

	(void)state;
	if (system("command -v promtool > /dev/null 2>&1"))
		skip();
	p = popen("promtool check metrics", "w");
	assert_non_null(p);
	assert_int_equal(fwrite(page, 1, len, p), len);
	assert_int_equal(pclose(p), 0);
}

static void test_nothing_at_all(void **state)
{
	(void)state;
	while (w.volumes)
		watch_remove(&w, w.volumes);
	for (; view.nr; view.nr--)
		json_object_put(volume[view.nr - 1]);
	again();
	assert_true(line("ecache_volumes 0"));
	assert_null(strstr(page, "{volume="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_agent, begin, end),
		cmocka_unit_test_setup_teardown(test_states_and_verdicts, begin, end),
		cmocka_unit_test_setup_teardown(test_one_word_holds, begin, end),
		cmocka_unit_test_setup_teardown(test_probes, begin, end),
		cmocka_unit_test_setup_teardown(test_the_target, begin, end),
		cmocka_unit_test_setup_teardown(test_teardowns, begin, end),
		cmocka_unit_test_setup_teardown(test_form, begin, end),
		cmocka_unit_test_setup_teardown(test_promtool, begin, end),
		cmocka_unit_test_setup_teardown(test_nothing_at_all, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
