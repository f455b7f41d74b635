// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/test.h"
#include "credcache.h"

#define EXPIRES 2145916800

static struct credcache cache = CREDCACHE_INIT;

static int setup(void **state)
{
	(void)state;
	return credcache_open(&cache, NULL);
}

static int teardown(void **state)
{
	(void)state;
	credcache_close(&cache);
	return 0;
}

/* Credentials all of whose bytes follow from @n, so that a mixture is seen. */
struct made {
	char id[32], secret[201], token[8001];
	struct creds creds;
};

static const struct creds *make(struct made *m, unsigned int n)
{
	snprintf(m->id, sizeof(m->id), "ID%u", n);
	memset(m->secret, 'A' + n % 26, 200);
	memset(m->token, 'a' + n % 26, 1000 + n % 7001);
	m->secret[200] = '\0';
	m->token[1000 + n % 7001] = '\0';
	m->creds = (struct creds){ m->id, m->secret, m->token, EXPIRES + n, SECRET_INIT };
	m->creds.store.len = strlen(m->id) + strlen(m->secret) + strlen(m->token) + 3;
	return &m->creds;
}

static bool whole(const struct creds *c)
{
	static struct made m;

	if (sscanf(c->access_key_id, "ID%u", &(unsigned int){ 0 }) != 1)
		return false;
	make(&m, atoi(c->access_key_id + 2));
	return !strcmp(c->secret_access_key, m.secret) && !strcmp(c->session_token, m.token) &&
	       c->expires_s == m.creds.expires_s;
}

static void what_was_put_is_had(void **state)
{
	struct made m;
	struct creds c;

	(void)state;
	assert_false(credcache_get(&cache, &c));
	credcache_put(&cache, make(&m, 1));
	assert_true(credcache_get(&cache, &c));
	assert_string_equal(c.access_key_id, "ID1");
	assert_true(whole(&c));
	creds_wipe(&c);
	credcache_put(&cache, make(&m, 2));
	assert_true(credcache_get(&cache, &c));
	assert_string_equal(c.access_key_id, "ID2");
	assert_true(whole(&c));
	creds_wipe(&c);
	/* bad ones are forgotten, not those that came after them */
	credcache_drop(&cache, "ID1");
	assert_true(credcache_get(&cache, &c));
	creds_wipe(&c);
	credcache_drop(&cache, "ID2");
	assert_false(credcache_get(&cache, &c));
	/* no cache at all */
	credcache_put(NULL, make(&m, 1));
	credcache_drop(NULL, "x");
	assert_false(credcache_get(NULL, &c));
	assert_true(credcache_claim(NULL));
}

static bool holds(const char *text)
{
	return !!memmem(cache.pages.data, cache.pages.cap, text, strlen(text));
}

static void what_does_not_expire_is_not_kept(void **state)
{
	struct made m;
	struct creds c;

	(void)state;
	make(&m, 3);
	m.creds.expires_s = 0;
	credcache_put(&cache, &m.creds);
	assert_false(credcache_get(&cache, &c));
	assert_false(holds("ID3"));
}

static void what_was_replaced_is_gone(void **state)
{
	struct made m;

	(void)state;
	credcache_put(&cache, make(&m, 4));
	assert_true(holds("ID4"));
	credcache_put(&cache, make(&m, 5));
	assert_false(holds("ID4"));
	assert_true(holds("ID5"));
	credcache_drop(&cache, "ID5");
	assert_false(holds("ID5"));
}

/* A process that claims and then waits to be killed; whether it got the claim. */
static pid_t claimer(bool *got)
{
	int answer[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(answer), 0);
	pid = fork();
	if (!pid) {
		byte = credcache_claim(&cache) ? 'y' : 'n';
		if (write(answer[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(answer[0], &byte, 1), 1);
	*got = byte == 'y';
	close(answer[0]);
	close(answer[1]);
	return pid;
}

static void end_claimer(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void one_at_a_time_gets_new_ones(void **state)
{
	struct made m;
	struct creds c;
	pid_t first, second;
	bool got;

	(void)state;
	first = claimer(&got);
	assert_true(got);
	second = claimer(&got);
	assert_false(got);
	end_claimer(second);
	assert_false(credcache_claim(&cache));
	/* it takes nothing from those who read */
	credcache_get(&cache, &c);
	/* and ends with who was killed while he had it */
	end_claimer(first);
	assert_true(credcache_claim(&cache));
	credcache_put(&cache, make(&m, 1));
	first = claimer(&got);
	assert_true(got);
	end_claimer(first);
	assert_true(credcache_claim(&cache));
	credcache_unclaim(&cache);
	first = claimer(&got);
	assert_true(got);
	end_claimer(first);
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static void __attribute__((noreturn)) work(unsigned int n)
{
	static struct made m;
	struct creds c;

	for (;; n++) {
		credcache_put(&cache, make(&m, n % 1000000));
		if (credcache_get(&cache, &c) && !whole(&c))
			_exit(1);
		creds_wipe(&c);
		if (n % 5 == 0)
			credcache_drop(&cache, m.id);
	}
}

/* A worker killed at any instruction costs the others neither time nor sense. */
static void a_killed_worker_breaks_nothing(void **state)
{
	pid_t pids[3];
	uint64_t seed = 6;
	int round, status, had = 0;
	struct creds c;
	int64_t start;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		pids[i] = 0;
	for (round = 0; round < 400; round++) {
		i = round % 3;
		if (pids[i]) {
			kill(pids[i], SIGKILL);
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_true(WIFSIGNALED(status));	/* not ended by itself: nothing mixed was seen */
		}
		pids[i] = fork();
		if (!pids[i])
			work(round * 1000);
		usleep((test_random(&seed) >> 33) % 3000);
		start = now_us();
		if (credcache_get(&cache, &c)) {
			had++;
			assert_true(whole(&c));
			creds_wipe(&c);
		}
		assert_true(now_us() - start < 10000000);
	}
	for (i = 0; i < 3; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
	}
	assert_true(had > 20);
	/* and with all of them gone it works as on the first day */
	start = now_us();
	credcache_put(&cache, make(&(struct made){ .id = "" }, 7));
	assert_true(credcache_get(&cache, &c));
	assert_true(whole(&c));
	creds_wipe(&c);
	assert_true(now_us() - start < 5000000);
}

/* Credentials whose token cannot be read to its end: who copies them dies in the middle, with the lock. */
static void __attribute__((noreturn)) die_writing(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct creds torn = { "TORN", "torn", p, EXPIRES, SECRET_INIT };

	if (p == MAP_FAILED)
		_exit(1);
	memset(p, 't', page);
	torn.store.len = page;
	if (mprotect(p + page, page, PROT_NONE) || signal(SIGSEGV, SIG_DFL) == SIG_ERR)
		_exit(2);
	credcache_put(&cache, &torn);
	_exit(3);
}

static void half_a_copy_is_never_seen(void **state)
{
	unsigned int n;
	struct creds c;
	struct made m;
	int status;
	pid_t pid;

	(void)state;
	/* in either place */
	for (n = 1; n < 6; n++) {
		credcache_put(&cache, make(&m, n));
		pid = fork();
		if (!pid)
			die_writing();
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
		assert_true(credcache_get(&cache, &c));
		assert_string_equal(c.access_key_id, m.id);
		assert_true(whole(&c));
		creds_wipe(&c);
	}
}

/* One that holds the lock for ever is not waited for: there is no cache meanwhile. */
static void a_stopped_worker_is_not_waited_for(void **state)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct creds c;
	struct made m;
	int ready[2];
	pid_t pid;
	char byte;

	(void)state;
	credcache_put(&cache, make(&m, 1));
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (fcntl(cache.pages.fd, F_SETLK, &fl) || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_false(credcache_get(&cache, &c));
	credcache_put(&cache, make(&m, 2));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(credcache_get(&cache, &c));
	assert_string_equal(c.access_key_id, "ID1");
	creds_wipe(&c);
	close(ready[0]);
	close(ready[1]);
}

/* Whatever another process wrote there, reading it stays inside (ASan looks). */
static void rubbish_is_read_safely(void **state)
{
	uint64_t seed = 12;
	struct creds c;
	struct made m;
	size_t i;
	int round;

	(void)state;
	for (round = 0; round < 3000; round++) {
		credcache_put(&cache, make(&m, round));
		for (i = 0; i < 3; i++)
			cache.pages.data[(test_random(&seed) >> 33) % 32] = test_random(&seed) >> 40;
		if (credcache_get(&cache, &c))
			creds_wipe(&c);
		cache.pages.data[0] = round % 2 + 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_put_is_had, setup, teardown),
		cmocka_unit_test_setup_teardown(what_does_not_expire_is_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_replaced_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(one_at_a_time_gets_new_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(a_killed_worker_breaks_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(half_a_copy_is_never_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stopped_worker_is_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(rubbish_is_read_safely, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
