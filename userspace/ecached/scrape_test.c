// SPDX-License-Identifier: GPL-2.0-or-later
/* Metrics from the event loop: its clients are well-behaved, silent, slow and many; the loop goes on. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/test.h"
#include "../volume/dm_fake.h"
#include "scrape.h"
#include "scrape_queue.h"
#include "watching.h"
#include "worker.h"

#define REQUEST "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct daemon d;
static struct dm_fake fake;
static struct watched more;
static char dir[64], path[8][96];
static char got[256 * 1024];
static int64_t longest_ms;	/* that the loop was away, in run() */

static const char *below(unsigned int i, const char *name)
{
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void write_pin(const char *name)
{
	char file[160];
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", d.env.pin_dir, name);
	f = fopen(file, "w");
	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	fprintf(f, "format=1\ndevice=/dev/sdb\nkey-arn=arn:aws:kms:eu-west-1:111122223333:key/1\ncache-id=%s\n"
		   "luks-uuid=5d3c8b0e-0a41-4a3c-9f0e-6a7c1c6f2a10\n", name);
	assert_int_equal(fclose(f), 0);
}

static void watch_one(void)
{
	struct watch_add wa = { .name = "c1", .key_arn = "arn:aws:kms:eu-west-1:111122223333:key/1",
				.interval_ms = 24 * 60 * 60 * 1000LL, .just_ok = true };
	struct watch_volume *v;

	assert_int_equal(watching_start(&d, NULL), 0);
	assert_int_equal(watch_add(&d.watch, &wa, now_ms(), &v), 0);
	memset(&more, 0, sizeof(more));
	tally_probe(&more.tally, VERDICT_OK, 12);
	v->data = &more;
}

static int begin(void **state)
{
	static const char conf[] = "region=eu-west-1\nmetrics-socket=/unused\n";
	sigset_t set;

	(void)state;
	memset(&d, 0, sizeof(d));
	memset(&fake, 0, sizeof(fake));
	d.listen_fd = -1;
	d.ahead = -1;
	strcpy(dir, "/tmp/scrape_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(agentconf_parse("conf", conf, strlen(conf), &d.conf, NULL), 0);
	free(d.conf.metrics_socket);
	d.conf.metrics_socket = strdup(below(0, "s"));
	d.env = (struct env){
		.pin_dir = below(1, "pins"), .state_dir = below(2, "state"), .intent_dir = below(3, "intents"),
		.report_dir = below(4, "reports"), .lock_dir = below(5, "lock"), .conf = &d.conf,
		.dm = { .ops = &dm_fake_ops, .ctx = &fake }, .net_socket = "/nonexistent",
	};
	assert_int_equal(mkdir(d.env.pin_dir, 0700) | mkdir(d.env.state_dir, 0700) | mkdir(d.env.intent_dir, 0700) |
			 mkdir(d.env.report_dir, 0700) | mkdir(d.env.lock_dir, 0700), 0);
	write_pin("c1");
	write_pin("c2");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(sd_event_new(&d.event), 0);
	watch_one();
	scrapes_start(&d);
	assert_non_null(d.scrapes);
	/* whoever runs the test */
	d.have_group = true;
	d.group = getegid();
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	scrapes_stop(&d);
	watch_remove(&d.watch, d.watch.volumes);
	watching_stop(&d);
	assert_int_equal(access(path[0], F_OK), -1);
	sd_event_unref(d.event);
	agentconf_free(&d.conf);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static int dial(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(sock >= 0);
	strcpy(sa.sun_path, path[0]);
	assert_int_equal(connect(sock, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return sock;
}

static void ask(int sock, const char *text)
{
	assert_int_equal(send(sock, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* turn - the loop, once. */
static void turn(void)
{
	int64_t before = now_ms();

	assert_true(sd_event_run(d.event, 10 * 1000) >= 0);
	if (now_ms() - before > longest_ms)
		longest_ms = now_ms() - before;
}

static void run(int64_t ms)
{
	int64_t until = now_ms() + ms;

	while (now_ms() < until)
		turn();
}

/* answer - run the loop until the answer is complete, at most so long; how long it took, -1: not in time. */
static int64_t answer(int sock, int64_t ms)
{
	int64_t begin_ms = now_ms();
	size_t n = 0;
	ssize_t r;

	while (now_ms() < begin_ms + ms) {
		turn();
		r = recv(sock, got + n, sizeof(got) - 1 - n, MSG_DONTWAIT);
		if (r > 0)
			n += (size_t)r;
		got[n] = '\0';
		if (!r || (r < 0 && errno != EAGAIN))
			return now_ms() - begin_ms;
	}
	return -1;
}

/* hung_up - the other side has. */
static bool hung_up(int sock)
{
	struct pollfd p = { .fd = sock };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* settle - until no worker runs. */
static void settle(void)
{
	int64_t until = now_ms() + 20000;

	while (d.nr_workers && now_ms() < until)
		turn();
	assert_int_equal(d.nr_workers, 0);
}

static void test_a_scrape(void **state)
{
	int sock = dial();

	(void)state;
	ask(sock, REQUEST);
	assert_true(answer(sock, 20000) >= 0);
	assert_non_null(strstr(got, " 200 "));
	assert_non_null(strstr(got, "\necache_volumes 2\n"));
	assert_non_null(strstr(got, "\necache_volume_state{volume=\"c1\",state=\"closed\"} 1\n"));
	assert_non_null(strstr(got, "\necache_volume_probes_total{volume=\"c1\",verdict=\"ok\"} 1\n"));
	assert_non_null(strstr(got, "\necache_scrapes_total{outcome=\"served\"} 0\n"));
	close(sock);
	settle();
	sock = dial();
	ask(sock, REQUEST);
	assert_true(answer(sock, 20000) >= 0);
	assert_non_null(strstr(got, "\necache_scrapes_total{outcome=\"served\"} 1\n"));
	close(sock);
	settle();
}

/* Who only connects costs no process and no place, and is sent away. */
static void test_the_silent(void **state)
{
	int sock[2 * SCRAPE_CLIENTS], good;
	unsigned int i;

	(void)state;
	for (i = 0; i < 2 * SCRAPE_CLIENTS; i++) {
		sock[i] = dial();
		run(20);
		assert_int_equal(d.nr_workers, 0);
	}
	good = dial();
	ask(good, REQUEST);
	assert_true(answer(good, 20000) >= 0);
	assert_non_null(strstr(got, " 200 "));
	close(good);
	run(SCRAPE_SILENT_MS + 500);
	for (i = 0; i < 2 * SCRAPE_CLIENTS; i++) {
		assert_true(hung_up(sock[i]));
		close(sock[i]);
	}
	settle();
}

static void test_a_flood(void **state)
{
	int sock[200], good, i;
	unsigned int most = 0;
	int64_t until;

	(void)state;
	longest_ms = 0;
	for (i = 0; i < 200; i++) {
		sock[i] = dial();
		ask(sock[i], REQUEST);
		turn();
		if (d.nr_workers > most)
			most = d.nr_workers;
	}
	for (until = now_ms() + 4 * SCRAPE_GAP_MS; now_ms() < until; turn()) {
		if (d.nr_workers > most)
			most = d.nr_workers;
	}
	assert_true(most >= 1 && most <= SCRAPES_OF_ONE);
	/* what a fork and a turn cost on a loaded machine with a sanitizer; 200 of them cost more */
	assert_true(longest_ms < 2000);
	for (i = 0; i < 200; i++)
		close(sock[i]);
	settle();
	good = dial();
	ask(good, REQUEST);
	assert_true(answer(good, 20000) >= 0);
	assert_non_null(strstr(got, " 200 "));
	assert_null(strstr(got, "\necache_scrapes_total{outcome=\"refused\"} 0\n"));
	close(good);
	settle();
}

/* A request that does not end is cut, and others are answered meanwhile. */
static void test_a_slow_request(void **state)
{
	int slow = dial(), good;
	int64_t begin_ms = now_ms(), took;

	(void)state;
	ask(slow, "GET /metrics HT");
	run(4 * SCRAPE_GAP_MS);
	assert_int_equal(d.nr_workers, 1);
	good = dial();
	ask(good, REQUEST);
	assert_true(answer(good, 20000) >= 0);
	assert_non_null(strstr(got, " 200 "));
	close(good);
	settle();
	took = now_ms() - begin_ms;
	assert_true(took >= SCRAPE_LIMIT_S * 1000 && took < SCRAPE_LIMIT_S * 1000 + 3000);
	assert_true(hung_up(slow));
	close(slow);
	good = dial();
	ask(good, REQUEST);
	assert_true(answer(good, 20000) >= 0);
	assert_non_null(strstr(got, "\necache_scrapes_total{outcome=\"cut\"} 1\n"));
	close(good);
	settle();
}

static void test_a_stop_with_clients(void **state)
{
	int silent = dial(), waiting = dial();

	(void)state;
	ask(waiting, REQUEST);
	turn();
	turn();
	scrapes_stop(&d);
	assert_true(hung_up(silent));
	assert_null(d.scrapes);
	settle();
	close(silent);
	close(waiting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_scrape, begin, end),
		cmocka_unit_test_setup_teardown(test_the_silent, begin, end),
		cmocka_unit_test_setup_teardown(test_a_flood, begin, end),
		cmocka_unit_test_setup_teardown(test_a_slow_request, begin, end),
		cmocka_unit_test_setup_teardown(test_a_stop_with_clients, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
