// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "dm_fake.h"
#include "revoker.h"
#include "sample.h"

/* The fake device-mapper is in shared memory: the revoker is another process. */
struct fixture {
	struct dm_fake *fake;
	struct dm dm;
	struct revoker r;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->fake = mmap(NULL, sizeof(*f->fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f->fake, MAP_FAILED);
	f->dm.ops = &dm_fake_ops;
	f->dm.ctx = f->fake;
	assert_int_equal(dm_fake_create(f->fake, "v1", "ECACHE-" SAMPLE_UUID "-v1", 8, "", NULL), 0);
	f->fake->dev[0].state = DM_STATE_ACTIVE;
	assert_int_equal(revoker_start(&f->r, &f->dm, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	revoker_stop(&f->r);
	munmap(f->fake, sizeof(*f->fake));
	free(f);
	return 0;
}

static void it_is_warm_before_it_is_needed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->fake->warms, 1);
	assert_true(revoker_alive(&f->r));
}

static void revokes_and_wipes(void **state)
{
	struct fixture *f = *state;
	int sock;

	assert_int_equal(revoker_connect(&f->r, &sock, NULL), 0);
	assert_int_equal(revoker_call(sock, REVOKER_WIPE, "v1", 2000, NULL), 0);
	assert_int_equal(f->fake->dev[0].state, DM_STATE_LOCKED);
	assert_int_equal(revoker_call(sock, REVOKER_REVOKE, "v1", 2000, NULL), 0);
	assert_int_equal(f->fake->dev[0].state, DM_STATE_REVOKED);
	assert_int_equal(revoker_call(sock, REVOKER_REVOKE, "v1", 2000, NULL), 0);
	close(sock);
}

static void failure_is_told_with_its_reason(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	int sock;

	assert_int_equal(revoker_connect(&f->r, &sock, NULL), 0);
	f->fake->deaf = true;
	assert_int_equal(revoker_call(sock, REVOKER_REVOKE, "v1", 2000, &e), -EIO);
	assert_non_null(strstr(e.what, "keeps its key"));
	assert_int_equal(revoker_call(sock, 99, "v1", 2000, NULL), -EINVAL);
	close(sock);
}

static void a_hung_revoker_times_out(void **state)
{
	struct fixture *f = *state;
	int64_t start = now_ms();
	int sock;

	assert_int_equal(revoker_connect(&f->r, &sock, NULL), 0);
	assert_int_equal(kill(f->r.pid, SIGSTOP), 0);
	assert_int_equal(revoker_call(sock, REVOKER_REVOKE, "v1", 300, NULL), -ETIMEDOUT);
	assert_in_range(now_ms() - start, 290, 2500);
	/* Its late answer is not taken for that to the next call. */
	assert_int_equal(kill(f->r.pid, SIGCONT), 0);
	assert_int_equal(revoker_call(sock, 99, "v1", 2000, NULL), -EINVAL);
	assert_int_equal(f->fake->dev[0].state, DM_STATE_REVOKED);
	close(sock);
}

/* For who may not wait: the questions are all put at once, the answers come as they come. */
static void many_questions_and_then_the_answers(void **state)
{
	struct fixture *f = *state;
	int64_t end = now_ms() + 10000;
	uint32_t serial, answered = 0, i;
	int sock, rc, got;

	assert_int_equal(revoker_connect(&f->r, &sock, NULL), 0);
	assert_int_equal(revoker_answer(sock, &serial, &rc), 0);
	assert_int_equal(kill(f->r.pid, SIGSTOP), 0);
	assert_int_equal(revoker_ask(sock, REVOKER_REVOKE, "v1", 1), 0);
	for (i = 2; i <= 32; i++)
		assert_int_equal(revoker_ask(sock, 99, "v1", i), 0);
	assert_int_equal(kill(f->r.pid, SIGCONT), 0);
	while (answered < 32 && now_ms() < end) {
		got = revoker_answer(sock, &serial, &rc);
		assert_true(got >= 0);
		if (!got)
			continue;
		assert_int_equal(serial, ++answered);
		assert_int_equal(rc, serial == 1 ? 0 : -EINVAL);
	}
	assert_int_equal(answered, 32);
	assert_int_equal(f->fake->dev[0].state, DM_STATE_REVOKED);
	close(sock);
}

static void who_does_not_wait_is_told_to_come_back(void **state)
{
	struct fixture *f = *state;
	uint32_t serial, i;
	int sock, rc, got;

	assert_int_equal(revoker_connect(&f->r, &sock, NULL), 0);
	assert_int_equal(kill(f->r.pid, SIGSTOP), 0);
	for (i = 1; i < 100000 && !revoker_ask(sock, 99, "v1", i); i++)
		;
	assert_int_equal(revoker_ask(sock, 99, "v1", i), -EAGAIN);
	assert_int_equal(kill(f->r.pid, SIGKILL), 0);
	while (!(got = revoker_answer(sock, &serial, &rc)))
		sleep_ms(1);
	assert_int_equal(got, -EPIPE);
	assert_int_equal(revoker_ask(sock, REVOKER_REVOKE, "v1", 1), -EPIPE);
	close(sock);
}

static void a_dead_revoker_is_noticed(void **state)
{
	struct fixture *f = *state;
	int sock;

	assert_int_equal(revoker_connect(&f->r, &sock, NULL), 0);
	assert_int_equal(kill(f->r.pid, SIGKILL), 0);
	assert_int_equal(revoker_call(sock, REVOKER_REVOKE, "v1", 2000, NULL), -EPIPE);
	close(sock);
	while (revoker_alive(&f->r))
		sleep_ms(1);
	assert_true(revoker_connect(&f->r, &sock, NULL) < 0);
	revoker_stop(&f->r);
	assert_int_equal(revoker_start(&f->r, &f->dm, NULL), 0);
	assert_int_equal(revoker_connect(&f->r, &sock, NULL), 0);
	assert_int_equal(revoker_call(sock, REVOKER_REVOKE, "v1", 2000, NULL), 0);
	close(sock);
}

static void sigterm_does_not_end_it(void **state)
{
	struct fixture *f = *state;
	int sock;

	assert_int_equal(revoker_connect(&f->r, &sock, NULL), 0);
	assert_int_equal(kill(f->r.pid, SIGTERM), 0);
	assert_int_equal(revoker_call(sock, REVOKER_REVOKE, "v1", 2000, NULL), 0);
	close(sock);
}

/* The daemon may die in the middle of a teardown: the supervisor's socket still works, and then the revoker ends. */
static void it_outlives_the_daemon_until_its_last_client(void **state)
{
	struct fixture *f = *state;
	pid_t pid = f->r.pid;
	int sock, i;

	assert_int_equal(revoker_connect(&f->r, &sock, NULL), 0);
	close(f->r.control);
	f->r.control = -1;
	assert_int_equal(revoker_call(sock, REVOKER_REVOKE, "v1", 2000, NULL), 0);
	close(sock);
	for (i = 0; i < 2000 && !waitpid(pid, NULL, WNOHANG); i++)
		sleep_ms(1);
	assert_true(i < 2000);
}

static void many_clients_and_rubbish(void **state)
{
	struct fixture *f = *state;
	int sock[80], i, ok = 0, rc;

	for (i = 0; i < 80; i++)
		assert_int_equal(revoker_connect(&f->r, &sock[i], NULL), 0);
	send(sock[0], "x", 1, MSG_NOSIGNAL);
	for (i = 0; i < 80; i++) {
		rc = revoker_call(sock[i], REVOKER_REVOKE, "v1", 2000, NULL);
		assert_true(!rc || rc == -EPIPE);
		ok += !rc;
		close(sock[i]);
	}
	assert_true(ok >= 60);
	sleep_ms(50);
	assert_int_equal(revoker_connect(&f->r, &sock[0], NULL), 0);
	assert_int_equal(revoker_call(sock[0], REVOKER_REVOKE, "v1", 2000, NULL), 0);
	close(sock[0]);
}

#define revoker_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		revoker_test(it_is_warm_before_it_is_needed),
		revoker_test(revokes_and_wipes),
		revoker_test(failure_is_told_with_its_reason),
		revoker_test(a_hung_revoker_times_out),
		revoker_test(many_questions_and_then_the_answers),
		revoker_test(who_does_not_wait_is_told_to_come_back),
		revoker_test(a_dead_revoker_is_noticed),
		revoker_test(sigterm_does_not_end_it),
		revoker_test(it_outlives_the_daemon_until_its_last_client),
		revoker_test(many_clients_and_rubbish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
