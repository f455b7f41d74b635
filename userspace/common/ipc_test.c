// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ipc.h"
#include "json.h"
#include "secret.h"
#include "test.h"

struct pair {
	int a, b;
	int fds;	/* open descriptors before */
};

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int setup(void **state)
{
	static struct pair p;
	int s[2];

	p.fds = open_fds();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s))
		return -1;
	p.a = s[0];
	p.b = s[1];
	*state = &p;
	return 0;
}

/* Every test must leave as many descriptors as it found. */
static int teardown(void **state)
{
	struct pair *p = *state;

	if (p->a >= 0)
		close(p->a);
	close(p->b);
	return open_fds() == p->fds ? 0 : -1;
}

static struct json_object *message(size_t text_len)
{
	struct json_object *o = json_object_new_object();
	char *text = malloc(text_len + 1);

	assert_non_null(text);
	memset(text, 'x', text_len);
	text[text_len] = '\0';
	assert_int_equal(js_put_string(o, "t", text), 0);
	free(text);
	return o;
}

/* What of a message of IPC_MAX bytes is not the text: {"t":""} */
#define FRAME 8

static void send_raw(int sock, const void *buf, size_t len, const int *fds, size_t nr)
{
	union {
		char buf[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (nr) {
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr * sizeof(int));
	}
	assert_int_equal(sendmsg(sock, &msg, 0), len);
}

static void messages_keep_their_borders(void **state)
{
	struct pair *p = *state;
	struct json_object *o, *got;
	int i;

	for (i = 1; i <= 3; i++) {
		o = message(i);
		assert_int_equal(ipc_send(p->a, o, -1), 0);
		json_object_put(o);
	}
	for (i = 1; i <= 3; i++) {
		assert_int_equal(ipc_recv(p->b, &got, NULL, 1000), 0);
		assert_int_equal(json_object_get_string_len(json_object_object_get(got, "t")), i);
		json_object_put(got);
	}
}

static void the_largest_message_fits_and_one_more_byte_does_not(void **state)
{
	struct pair *p = *state;
	struct json_object *o = message(IPC_MAX - FRAME), *got;

	assert_int_equal(ipc_send(p->a, o, -1), 0);
	json_object_put(o);
	assert_int_equal(ipc_recv(p->b, &got, NULL, 1000), 0);
	json_object_put(got);
	o = message(IPC_MAX - FRAME + 1);
	assert_int_equal(ipc_send(p->a, o, -1), -EMSGSIZE);
	json_object_put(o);
}

static void a_packet_too_long_is_bad_and_the_next_is_not(void **state)
{
	static char text[IPC_MAX + 1];
	struct pair *p = *state;
	struct json_object *got;

	memset(text, ' ', sizeof(text));
	text[0] = '{';
	text[1] = '}';		/* good JSON if it were cut */
	send_raw(p->a, text, sizeof(text), NULL, 0);
	send_raw(p->a, "{}", 2, NULL, 0);
	assert_int_equal(ipc_recv(p->b, &got, NULL, 1000), -EBADMSG);
	assert_null(got);
	assert_int_equal(ipc_recv(p->b, &got, NULL, 1000), 0);
	json_object_put(got);
}

static void what_is_not_one_object_is_bad(void **state)
{
	static const char *const bad[] = { "[]", "{", "{}{}", "nonsense", "{\"a\":\"\xff\"}" };
	struct pair *p = *state;
	struct json_object *got;
	char deep[256] = "";
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		send_raw(p->a, bad[i], strlen(bad[i]), NULL, 0);
		assert_int_equal(ipc_recv(p->b, &got, NULL, 1000), -EBADMSG);
		assert_null(got);
	}
	for (i = 0; i < 16; i++)
		strcat(deep, "{\"a\":");
	strcat(deep, "{}");
	for (i = 0; i < 16; i++)
		strcat(deep, "}");
	send_raw(p->a, deep, strlen(deep), NULL, 0);
	assert_int_equal(ipc_recv(p->b, &got, NULL, 1000), -EBADMSG);
}

static void a_secret_travels_as_its_descriptor(void **state)
{
	struct pair *p = *state;
	struct json_object *o = message(1), *got;
	struct secret s, t;
	int fd;

	assert_int_equal(secret_alloc(&s, 64), 0);
	memcpy(s.data, "key", 3);
	assert_int_equal(ipc_send(p->a, o, s.fd), 0);
	json_object_put(o);
	assert_int_equal(ipc_recv(p->b, &got, &fd, 1000), 0);
	json_object_put(got);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(secret_attach(&t, fd, 64), 0);
	assert_memory_equal(t.data, "key", 3);
	secret_wipe(&t);
	assert_int_equal(s.data[0], 0);
	secret_wipe(&s);
}

/* teardown() counts: a descriptor that nobody wanted, or that came with rubbish, must have been closed. */
static void unwanted_descriptors_are_closed(void **state)
{
	struct pair *p = *state;
	int fds[8] = { 0, 0, 0, 0, 0, 0, 0, 0 };
	struct json_object *got;
	int fd;

	send_raw(p->a, "{}", 2, fds, 1);
	assert_int_equal(ipc_recv(p->b, &got, NULL, 1000), 0);
	json_object_put(got);
	send_raw(p->a, "rubbish", 7, fds, 1);
	assert_int_equal(ipc_recv(p->b, &got, &fd, 1000), -EBADMSG);
	assert_int_equal(fd, -1);
	send_raw(p->a, "{}", 2, fds, 2);
	assert_int_equal(ipc_recv(p->b, &got, &fd, 1000), -EBADMSG);
	assert_int_equal(fd, -1);
	send_raw(p->a, "{}", 2, fds, 8);
	assert_int_equal(ipc_recv(p->b, &got, &fd, 1000), -EBADMSG);
	assert_int_equal(fd, -1);
}

static void a_peer_that_is_gone(void **state)
{
	struct pair *p = *state;
	struct json_object *o = message(1), *got;

	assert_int_equal(ipc_send(p->a, o, -1), 0);
	close(p->a);
	p->a = -1;
	assert_int_equal(ipc_recv(p->b, &got, NULL, 1000), 0);	/* what it said before still comes */
	json_object_put(got);
	assert_int_equal(ipc_recv(p->b, &got, NULL, 1000), -ECONNRESET);
	assert_int_equal(ipc_send(p->b, o, -1), -EPIPE);		/* and no SIGPIPE */
	json_object_put(o);
}

static void a_silent_peer_times_out(void **state)
{
	struct pair *p = *state;
	struct json_object *got;

	assert_int_equal(ipc_recv(p->b, &got, NULL, 0), -ETIMEDOUT);
	assert_int_equal(ipc_recv(p->b, &got, NULL, 30), -ETIMEDOUT);
	assert_int_equal(fcntl(p->b, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(ipc_recv(p->b, &got, NULL, 30), -ETIMEDOUT);
}

static void listen_replaces_only_what_is_dead(void **state)
{
	char dir[] = "/tmp/ipc_test.XXXXXX", path[64];
	struct json_object *o = message(1);
	struct err e = ERR_INIT;
	struct ipc_peer peer;
	struct stat st;
	int a, b, c, file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	a = ipc_listen(path, 0660, NULL, &e);
	assert_true(a >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(ipc_listen(path, 0600, NULL, &e), -EADDRINUSE);
	assert_non_null(strstr(e.what, "in use"));
	close(a);
	b = ipc_listen(path, 0600, NULL, &e);
	assert_true(b >= 0);

	c = ipc_connect(path, &e);
	assert_true(c >= 0);
	a = accept(b, NULL, NULL);
	assert_int_equal(ipc_peer(a, &peer), 0);
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(ipc_send(c, o, -1), 0);
	json_object_put(o);
	close(a);
	close(b);
	close(c);

	assert_int_equal(ipc_connect(path, &e), -ECONNREFUSED);
	unlink(path);
	assert_int_equal(ipc_connect(path, &e), -ENOENT);
	file = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(file >= 0);
	close(file);
	assert_int_equal(ipc_listen(path, 0600, NULL, &e), -EADDRINUSE);
	assert_non_null(strstr(e.what, "not a socket"));
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	assert_int_equal(ipc_listen(path, 0600, "no-such-group", &e), -ENOENT);
	assert_int_equal(rmdir(dir), 0);
}

static void a_stream_replaces_only_what_is_dead(void **state)
{
	char dir[] = "/tmp/ipc_test.XXXXXX", path[64];
	struct err e = ERR_INIT;
	int a, b, type = 0;
	socklen_t len = sizeof(type);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	a = ipc_listen_stream(path, 0600, NULL, &e);
	assert_true(a >= 0);
	assert_int_equal(getsockopt(a, SOL_SOCKET, SO_TYPE, &type, &len), 0);
	assert_int_equal(type, SOCK_STREAM);
	assert_int_equal(ipc_listen_stream(path, 0600, NULL, &e), -EADDRINUSE);
	close(a);
	b = ipc_listen_stream(path, 0600, NULL, &e);
	assert_true(b >= 0);
	close(b);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	path[0] = '/';
	assert_int_equal(ipc_connect(path, NULL), -EINVAL);
	assert_int_equal(ipc_listen(path, 0600, NULL, NULL), -EINVAL);
	assert_int_equal(ipc_connect("", NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_keep_their_borders, setup, teardown),
		cmocka_unit_test_setup_teardown(the_largest_message_fits_and_one_more_byte_does_not, setup, teardown),
		cmocka_unit_test_setup_teardown(a_packet_too_long_is_bad_and_the_next_is_not, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_one_object_is_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(a_secret_travels_as_its_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(unwanted_descriptors_are_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_peer_that_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_silent_peer_times_out, setup, teardown),
		cmocka_unit_test_setup_teardown(listen_replaces_only_what_is_dead, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stream_replaces_only_what_is_dead, setup, teardown),
		cmocka_unit_test_setup_teardown(a_path_that_is_too_long_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
