// SPDX-License-Identifier: GPL-2.0-or-later
/* kmsd.conf: what each key takes, and that everything else is refused with file, line and reason. */
#include "common/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "config.h"
#include "inject.h"

static int read_text(struct config *c, const char *text, struct err *e)
{
	char path[] = "/tmp/kmsd-conf-XXXXXX";
	int rc, fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(config_init(c), 0);
	rc = config_read(c, path, true, e);
	unlink(path);
	return rc;
}

static void every_key(void **state)
{
	struct err e = ERR_INIT;
	struct config c;

	(void)state;
	if (read_text(&c,
		      "# comment\n\nstate-dir = /srv/kms\nsocket=/run/x.sock\nlisten=127.0.0.1:9100\n"
		      "allow-user=root, 4711\nallow-group=root\nmax-connections=5\nidle-timeout=2m\nthreads=3\nlog-level=debug\n"
		      "admin-socket=/run/a.sock\ntls-certificate=/etc/c.pem\ntls-key=/etc/k.pem\n"
		      "root-secret=credential:kms\nevents-file=/run/e.log\n"
		      "events-queue=https://sqs.eu-west-1.amazonaws.com/1/q\nevents-credentials=/etc/aws\nrate-limits=aws, CreateGrant:7\n",
		      &e))
		fail_msg("%s", e.what);
	assert_string_equal(c.state_dir, "/srv/kms");
	assert_string_equal(c.socket, "/run/x.sock");
	assert_string_equal(c.listen, "127.0.0.1:9100");
	assert_int_equal(c.nr_uids, 2);
	assert_int_equal(c.uid[1], 4711);
	assert_int_equal(c.nr_gids, 1);
	assert_true(c.groups_set);
	assert_int_equal(c.max_connections, 5);
	assert_int_equal(c.idle_timeout, 120);
	assert_int_equal(c.threads, 3);
	assert_string_equal(c.admin_socket, "/run/a.sock");
	assert_string_equal(c.tls_certificate, "/etc/c.pem");
	assert_string_equal(c.tls_key, "/etc/k.pem");
	assert_string_equal(c.root_secret, "credential:kms");
	assert_string_equal(c.events_file, "/run/e.log");
	assert_string_equal(c.events_queue, "https://sqs.eu-west-1.amazonaws.com/1/q");
	assert_string_equal(c.events_credentials, "/etc/aws");
	assert_string_equal(c.rate_limits, "aws, CreateGrant:7");
	assert_int_equal(c.log_level, LOG_DEBUG);
	assert_int_equal(config_finish(&c, &e), 0);
	assert_int_equal(c.nr_gids, 1);
	config_free(&c);
}

static void what_is_wrong_is_named_by_line(void **state)
{
	static const char *const bad[] = {
		"state-dir=relative", "socket=relative", "listen=0.0.0.0", "listen=127.0.0.1", "listen=localhost:80",
		"listen=127.0.0.1:65536", "listen=::1:9", "allow-user=no-such-user-here", "allow-group=no-such-group-here",
		"allow-user=-1", "max-connections=0", "max-connections=1001", "max-connections=5x", "max-connections=",
		"root-secret=/x", "root-secret=file:x", "root-secret=credential:a/b",
		"root-secret=credential:", "root-secret=credential:..", "tls-key=k.pem", "threads=0", "threads=65",
		"admin-socket=a.sock", "admin-socket=", "rate-limits=some", "rate-limits=Frob:1",
		"rate-limits=CreateGrant:-1", "rate-limits=CreateGrant:1000001", "rate-limits=CreateGrant:1x",
		"events-file=x", "events-queue=http://127.0.0.1:9324", "events-queue=http://10.0.0.1/1/q",
		"events-credentials=x", "idle-timeout=0", "idle-timeout=never", "log-level=loud", "colour=blue",
		"socket", "=x",
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;
		struct config c;
		char text[128];

		snprintf(text, sizeof(text), "# one\n%s\n", bad[i]);
		if (!read_text(&c, text, &e))
			fail_msg("accepted: %s", bad[i]);
		if (!strstr(e.what, "/tmp/kmsd-conf-") || !strstr(e.what, ":2"))
			fail_msg("%s", e.what);
		config_free(&c);
	}
}

static void loopback_is_all_there_is(void **state)
{
	static const char *const good[] = { "listen=127.0.0.1:0", "listen=127.1.2.3:80", "listen=[::1]:80",
					    "socket=none" };

	(void)state;
	for (unsigned int i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct err e = ERR_INIT;
		struct config c;

		if (read_text(&c, good[i], &e))
			fail_msg("%s: %s", good[i], e.what);
		config_free(&c);
	}
}

static void only_a_named_file_must_exist(void **state)
{
	struct err e = ERR_INIT;
	struct config c;

	(void)state;
	assert_int_equal(config_init(&c), 0);
	assert_int_equal(config_read(&c, "/tmp/no/such/file", false, &e), 0);
	assert_int_equal(config_read(&c, "/tmp/no/such/file", true, &e), -ENOENT);
	config_free(&c);
}

static void what_does_not_go_together_is_refused(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "listen=0.0.0.0:9100\n", -EADDRNOTAVAIL },
		{ "tls-key=/k\n", -EINVAL },
		{ "tls-certificate=/c\nlisten=127.0.0.1:0\n", -EINVAL },
		{ "listen=0.0.0.0:9100\ntls-certificate=/c\ntls-key=/k\n", 0 },
		{ "listen=127.0.0.1:9100\n", 0 },
		{ "events-queue=http://127.0.0.1:9324/1/q\n", -EINVAL },
		{ "events-credentials=/c\n", -EINVAL },
		{ "events-queue=http://127.0.0.1:9324/1/q\nevents-credentials=/c\n", 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = ERR_INIT;
		struct config c;

		assert_int_equal(read_text(&c, cases[i].text, &e), 0);
		if (config_finish(&c, &e) != cases[i].rc)
			fail_msg("%s: %s", cases[i].text, e.what);
		config_free(&c);
	}
}

#define MANUALS "../Documentation/man/"

/* documented - the words of the ".It Li a , b" lines of the page's section, each once and with blanks around it. */
static unsigned int documented(const char *page, const char *section, char *words, size_t size)
{
	FILE *file = fopen(page, "r");
	bool inside = false;
	unsigned int nr = 0;
	char line[256];

	if (!file)
		fail_msg("%s: run this test in userspace/, as \"make test\" does", page);
	snprintf(words, size, " ");
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, ".Ss ", 4))
			inside = !strncmp(line + 4, section, strlen(section));
		if (!inside || strncmp(line, ".It Li ", 7))
			continue;
		for (char *word = strtok(line + 7, " ,\n"); word; word = strtok(NULL, " ,\n")) {
			strncat(words, word, size - strlen(words) - 1);
			strncat(words, " ", size - strlen(words) - 1);
			nr++;
		}
	}
	fclose(file);
	return nr;
}

static void the_manual_lists_each_key_and_no_other(void **state)
{
	char words[1024], word[64];
	unsigned int i, nr = documented(MANUALS "kmsd.conf.5", "Keys", words, sizeof(words));

	(void)state;
	for (i = 0; config_key_at(i); i++) {
		snprintf(word, sizeof(word), " %s ", config_key_at(i));
		if (!strstr(words, word))
			fail_msg("%sis not in the manual's list:%s", word + 1, words);
	}
	assert_int_equal(nr, i);
}

/* The same of the faults on request. */
static void the_manual_lists_each_fault_and_no_other(void **state)
{
	char words[1024], word[64];
	unsigned int i, nr = documented(MANUALS "ecache-kmsd.8", "Faults on request", words, sizeof(words));

	(void)state;
	for (i = 0; i < INJECT_KINDS; i++) {
		snprintf(word, sizeof(word), " %s ", inject_kind_name(i));
		if (!strstr(words, word))
			fail_msg("%sis not in the manual's list:%s", word + 1, words);
	}
	assert_int_equal(nr, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key),
		cmocka_unit_test(what_is_wrong_is_named_by_line),
		cmocka_unit_test(loopback_is_all_there_is),
		cmocka_unit_test(only_a_named_file_must_exist),
		cmocka_unit_test(what_does_not_go_together_is_refused),
		cmocka_unit_test(the_manual_lists_each_key_and_no_other),
		cmocka_unit_test(the_manual_lists_each_fault_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
