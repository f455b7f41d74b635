// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets: where it listens, whose place it never takes, and who is let in. */
#include "common/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <grp.h>
#include <unistd.h>

#include "listener.h"

static char dir[32];
static char path[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/kmsd-listen-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/kms.sock", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static int connect_to(const char *where)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(a.sun_path, where);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		return -1;
	}
	return fd;
}

static mode_t mode_of(const char *file)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	return st.st_mode & 0777;
}

static void the_mode_is_as_narrow_as_the_lists(void **state)
{
	struct config nobody = { .nr_uids = 0 }, group = { .nr_gids = 1, .gid = { getegid() } };
	struct config user = { .nr_uids = 1, .uid = { 4711 } };
	struct err e = ERR_INIT;
	int fd;

	(void)state;
	umask(077);
	fd = listener_unix(path, &nobody, &e);
	assert_true(fd >= 0);
	assert_int_equal(mode_of(path), 0600);
	close(fd);
	fd = listener_unix(path, &group, &e);
	assert_true(fd >= 0);
	assert_int_equal(mode_of(path), 0660);
	close(fd);
	fd = listener_unix(path, &user, &e);
	assert_true(fd >= 0);
	assert_int_equal(mode_of(path), 0666);
	close(fd);
}

static void a_living_servers_place_is_not_taken(void **state)
{
	struct config c = { .nr_uids = 0 };
	struct err e = ERR_INIT;
	int fd, client, stale;

	(void)state;
	fd = listener_unix(path, &c, &e);
	assert_true(fd >= 0);
	assert_int_equal(listener_unix(path, &c, &e), -EADDRINUSE);
	assert_non_null(strstr(e.hint, "another path"));
	client = connect_to(path);
	assert_true(client >= 0);
	close(client);
	close(fd);
	/* The file of a dead one is. */
	assert_int_equal(connect_to(path), -1);
	stale = listener_unix(path, &c, &e);
	assert_true(stale >= 0);
	close(stale);
}

static void a_file_that_is_no_socket_stays(void **state)
{
	struct config c = { .nr_uids = 0 };
	struct err e = ERR_INIT;
	FILE *file = fopen(path, "w");

	(void)state;
	fputs("precious", file);
	fclose(file);
	assert_int_equal(listener_unix(path, &c, &e), -EEXIST);
	assert_non_null(strstr(e.hint, "another path"));
	assert_int_equal(access(path, F_OK), 0);
}

static void a_missing_directory_is_made(void **state)
{
	struct config c = { .nr_uids = 0 };
	struct err e = ERR_INIT;
	char sub[80], sock[96], longer[200];
	int fd;

	(void)state;
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	snprintf(sock, sizeof(sock), "%s/kms.sock", sub);
	fd = listener_unix(sock, &c, &e);
	assert_true(fd >= 0);
	assert_int_equal(mode_of(sub), 0755);
	close(fd);
	unlink(sock);
	rmdir(sub);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(listener_unix(longer, &c, &e), -ENAMETOOLONG);
}

static void port_0_tells_the_port(void **state)
{
	struct err e = ERR_INIT;
	char bound[64];
	bool is_unix = true;
	int fd, again;

	(void)state;
	fd = listener_tcp("127.0.0.1:0", false, bound, sizeof(bound), &e);
	assert_true(fd >= 0);
	assert_int_equal(strncmp(bound, "127.0.0.1:", 10), 0);
	assert_true(atoi(bound + 10) > 0);
	assert_int_equal(listener_inherited(fd, false, &is_unix, &e), 0);
	assert_false(is_unix);
	again = listener_tcp(bound, false, bound, sizeof(bound), &e);
	assert_int_equal(again, -EADDRINUSE);
	close(fd);
	assert_int_equal(listener_tcp("0.0.0.0:0", false, bound, sizeof(bound), &e), -EADDRNOTAVAIL);
	assert_true(*e.hint);
	assert_int_equal(listener_tcp("192.0.2.1:0", false, bound, sizeof(bound), &e), -EADDRNOTAVAIL);
	/* with TLS any address will do, but it is still an address */
	assert_int_equal(listener_check_address("0.0.0.0:9100", false, &e), -EADDRNOTAVAIL);
	assert_int_equal(listener_check_address("0.0.0.0:9100", true, &e), 0);
	assert_int_equal(listener_check_address("[2001:db8::1]:9100", true, &e), 0);
	assert_int_equal(listener_check_address("0.0.0.0", true, &e), -EINVAL);
}

static void what_the_manager_passes_is_checked(void **state)
{
	struct err e = ERR_INIT;
	bool is_unix;
	int pair[2], fd;

	(void)state;
	assert_int_not_equal(listener_inherited(0x7000, false, &is_unix, &e), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	assert_int_equal(listener_inherited(pair[0], false, &is_unix, &e), -EINVAL);
	close(pair[0]);
	close(pair[1]);
	/* a TCP socket on all addresses */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(listener_inherited(fd, false, &is_unix, &e), -EINVAL);
	close(fd);
}

/* as_user - connect as another user, with @nr groups up from @extra, and let the server judge; 1 allowed, 0 not. */
static int as_user(uid_t uid, gid_t gid, gid_t extra, unsigned int nr, const struct config *c)
{
	gid_t groups[100];
	struct config open_to_all = { .nr_uids = 1, .uid = { 0 } };
	struct err e = ERR_INIT;
	int fd, conn, status, allowed;
	pid_t pid;

	for (unsigned int i = 0; i < nr; i++)
		groups[i] = extra + i;
	fd = listener_unix(path, &open_to_all, &e);
	assert_true(fd >= 0);
	pid = fork();
	if (!pid) {
		if (setgroups(nr, groups) || setgid(gid) || setuid(uid))
			_exit(1);
		conn = connect_to(path);
		_exit(conn < 0 ? 2 : 0);
	}
	do {
		conn = accept(fd, NULL, NULL);
		if (conn < 0)
			usleep(1000);
	} while (conn < 0 && errno == EAGAIN);
	allowed = listener_allows(conn, c);
	close(conn);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return allowed;
}

static void who_is_let_in(void **state)
{
	struct config none = { .nr_uids = 0 }, users = { .nr_uids = 1, .uid = { 4711 } };
	struct config groups = { .nr_gids = 2, .gid = { 5000, 5001 } };

	(void)state;
	/* Only root can become somebody else. */
	if (geteuid())
		skip();
	assert_int_equal(as_user(0, 0, 0, 1, &none), 1);
	assert_int_equal(as_user(4711, 4711, 4711, 1, &none), 0);
	assert_int_equal(as_user(4711, 4711, 4711, 1, &users), 1);
	assert_int_equal(as_user(4712, 4712, 4712, 1, &users), 0);
	assert_int_equal(as_user(4712, 5001, 4712, 1, &groups), 1);
	assert_int_equal(as_user(4712, 4712, 5000, 1, &groups), 1);
	assert_int_equal(as_user(4712, 4712, 5002, 1, &groups), 0);
	/* more groups than a first look has room for */
	assert_int_equal(as_user(4712, 4712, 4901, 100, &groups), 1);
	assert_int_equal(as_user(4712, 4712, 4900, 100, &groups), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_mode_is_as_narrow_as_the_lists),
		T(a_living_servers_place_is_not_taken),
		T(a_file_that_is_no_socket_stays),
		T(a_missing_directory_is_made),
		T(port_0_tells_the_port),
		T(what_the_manager_passes_is_checked),
		T(who_is_let_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
