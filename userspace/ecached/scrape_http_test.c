// SPDX-License-Identifier: GPL-2.0-or-later
/* One request on one connection, by a process that can do nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/test.h"
#include "scrape_http.h"

#define BIG (4 * 1024 * 1024)

static char big[BIG + 1];
static char got[BIG + 4096];

/* serve - scrape_http() in a child with a time limit; our end of the connection. */
static int serve(const char *page, size_t len, unsigned int limit_s, pid_t *pid)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*pid = fork();
	assert_true(*pid >= 0);
	if (!*pid) {
		close(pair[0]);
		alarm(limit_s);
		_exit(scrape_http(pair[1], page, len, NULL) ? 1 : 0);
	}
	close(pair[1]);
	return pair[0];
}

static int ended(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static size_t read_all(int sock)
{
	size_t n = 0;
	ssize_t r;

	while ((r = read(sock, got + n, sizeof(got) - 1 - n)) > 0)
		n += (size_t)r;
	got[n] = '\0';
	close(sock);
	return n;
}

/* ask - the whole answer to @request, in got[]. */
static size_t ask(const char *request, const char *page, size_t len)
{
	pid_t pid;
	int sock = serve(page, len, 10, &pid);
	size_t n;

	assert_int_equal(write(sock, request, strlen(request)), (ssize_t)strlen(request));
	n = read_all(sock);
	assert_int_equal(ended(pid), 0);
	return n;
}

static void test_the_page(void **state)
{
	(void)state;
	ask("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n", "a 1\n", 4);
	assert_non_null(strstr(got, "HTTP/1.1 200 "));
	assert_non_null(strstr(got, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(strstr(got, "Content-Length: 4\r\n"));
	assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\na 1\n");
}

static void test_a_page_larger_than_any_buffer(void **state)
{
	size_t n;

	(void)state;
	memset(big, 'x', BIG);
	n = ask("GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n", big, BIG);
	assert_true(n > BIG);
	assert_int_equal(strspn(strstr(got, "\r\n\r\n") + 4, "x"), BIG);
}

static void test_nothing_else_is_there(void **state)
{
	static const struct {
		const char *request, *answer;
	} wrong[] = {
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", " 404 " },
		{ "GET /metrics/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", " 404 " },
		{ "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", " 405 " },
		{ "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", " 405 " },
		{ "\x16\x03\x01 not HTTP\r\n\r\n", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		ask(wrong[i].request, "secret 1\n", 9);
		assert_non_null(strstr(got, wrong[i].answer));
		assert_null(strstr(got, "secret"));
	}
	ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "secret 1\n", 9);
	assert_non_null(strstr(got, " 200 "));
	assert_null(strstr(got, "secret"));
}

static void test_headers_without_end(void **state)
{
	char line[1024];
	pid_t pid;
	int sock = serve("secret 1\n", 9, 20, &pid), i;

	(void)state;
	memset(line, 'a', sizeof(line));
	memcpy(line, "X-a: ", 5);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	assert_true(write(sock, "GET /metrics HTTP/1.1\r\n", 23) == 23);
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < 10000 && write(sock, line, sizeof(line)) == sizeof(line); i++)
		;
	assert_true(i < 10000);
	read_all(sock);
	assert_null(strstr(got, "secret"));
	assert_int_equal(ended(pid), 0);
}

/* Who reads nothing is cut by the limit, wherever the page got stuck. */
static void test_a_slow_reader_is_cut(void **state)
{
	struct pollfd p = { .events = 0 };
	pid_t pid;
	int sock = serve(big, BIG, 1, &pid), status;

	(void)state;
	assert_true(write(sock, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 34) > 0);
	status = ended(pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	p.fd = sock;
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_true(p.revents & POLLHUP);
	close(sock);
}

static void test_the_peer_hangs_up(void **state)
{
	pid_t pid;
	int sock = serve(big, BIG, 10, &pid);

	(void)state;
	assert_true(write(sock, "GET /me", 7) == 7);
	close(sock);
	assert_int_equal(ended(pid), 0);
}

/* filtered - the process has a system call filter, now or soon. */
static bool filtered(pid_t pid)
{
	const struct timespec a_moment = { .tv_nsec = 10 * 1000 * 1000 };
	char file[64], line[128];
	bool yes = false;
	int tries;
	FILE *f;

	snprintf(file, sizeof(file), "/proc/%d/status", (int)pid);
	for (tries = 0; tries < 500 && !yes; tries++) {
		f = fopen(file, "r");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f))
			yes |= !strcmp(line, "Seccomp:\t2\n");
		fclose(f);
		nanosleep(&a_moment, NULL);
	}
	return yes;
}

static void test_who_reads_the_request_is_in_the_sandbox(void **state)
{
	pid_t pid;
	int sock = serve("a 1\n", 4, 20, &pid);

	(void)state;
	assert_true(filtered(pid));
	close(sock);
	assert_int_equal(ended(pid), 0);
}

/* In the sandbox: what an intruder would try. The number of the first that works, 0 none. */
static int try_all(void)
{
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EPERM)
		return 1;
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 2;
	if (fork() >= 0 || errno != EPERM)
		return 3;
	if (!execl("/bin/true", "true", NULL) || errno != EPERM)
		return 4;
	if (!kill(getppid(), 0) || errno != EPERM)
		return 5;
	if (!unlink("/nonexistent") || errno != EPERM)
		return 6;
	if (!ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) || errno != EPERM)
		return 7;
	if (fcntl(0, F_SETOWN, getppid()) >= 0 || errno != EPERM)
		return 8;
	if (fcntl(0, F_GETFL) < 0)
		return 9;
	return 0;
}

static void test_the_sandbox(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(scrape_sandbox(NULL) ? 100 : try_all());
	status = ended(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_page),
		cmocka_unit_test(test_a_page_larger_than_any_buffer),
		cmocka_unit_test(test_nothing_else_is_there),
		cmocka_unit_test(test_headers_without_end),
		cmocka_unit_test(test_a_slow_reader_is_cut),
		cmocka_unit_test(test_the_peer_hangs_up),
		cmocka_unit_test(test_who_reads_the_request_is_in_the_sandbox),
		cmocka_unit_test(test_the_sandbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
