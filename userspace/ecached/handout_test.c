// SPDX-License-Identifier: GPL-2.0-or-later
/* The volume key goes to a pipe or a socket of root's, on record before it goes, and nowhere else. */
#include "../common/test.h"
#include <pty.h>
#include "life.h"

#define KEY_BYTES 64

/* unwrap_to - the job with @fd; the world's key is 0, 7, 14 ... */
static enum ran unwrap_to(struct place *p, int fd, bool to_file, struct err *e)
{
	struct request rq = ask(REQUEST_UNWRAP);

	rq.fd = fd;
	rq.to_file = to_file;
	return run_job(p, job_unwrap, &rq, e);
}

/* got - how many bytes came out of @fd; each must be the key's. */
static size_t got(int fd)
{
	uint8_t buf[2 * KEY_BYTES];
	ssize_t n = read(fd, buf, sizeof(buf)), i;

	for (i = 0; i < n; i++)
		assert_int_equal(buf[i], (uint8_t)(i * 7));
	return n > 0 ? n : 0;
}

static unsigned int records(const struct place *p)
{
	char line[4096];
	unsigned int n = 0;
	FILE *f = fopen(p->audit, "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, "\"event\":\"unwrap\"");
	fclose(f);
	return n;
}

static void the_key_comes_out_of_a_pipe_and_of_a_socket(void **state)
{
	struct place *p = place_with_volume();
	int pair[2];

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(unwrap_to(p, pair[1], false, NULL), RAN_OK);
	assert_int_equal(got(pair[0]), KEY_BYTES);
	close(pair[0]);
	close(pair[1]);
	assert_true(recorded(p, "\"to\":\"pipe\""));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(unwrap_to(p, pair[1], false, NULL), RAN_OK);
	assert_int_equal(got(pair[0]), KEY_BYTES);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(records(p), 2);
	assert_true(recorded(p, "\"to\":\"socket\""));
	place_drop(p);
}

static void it_is_the_same_while_the_volume_is_open(void **state)
{
	struct place *p = place_with_volume();
	int pair[2];

	(void)state;
	assert_int_equal(do_verb(p, REQUEST_OPEN, NULL), RAN_OK);
	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(unwrap_to(p, pair[1], false, NULL), RAN_OK);
	assert_int_equal(got(pair[0]), KEY_BYTES);
	assert_int_equal(mapped(p), DM_STATE_ACTIVE);
	close(pair[0]);
	close(pair[1]);
	place_drop(p);
}

static void a_file_only_on_demand_and_only_a_private_one(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;
	char path[128];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/key", p->scratch.dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(unwrap_to(p, fd, false, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "regular file"));
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(unwrap_to(p, fd, true, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "0640"));
	assert_int_equal(records(p), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	assert_int_equal(world->unwraps, 1);	/* create's: the KMS was not even asked */
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(unwrap_to(p, fd, true, NULL), RAN_OK);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(got(fd), KEY_BYTES);
	assert_true(recorded(p, "\"to\":\"file\""));
	close(fd);
	place_drop(p);
}

static void terminals_devices_and_what_cannot_be_written_are_refused(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;
	int pair[2], master, slave, null;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(unwrap_to(p, slave, false, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "terminal"));
	assert_int_equal(unwrap_to(p, slave, true, &e), RAN_FAILED);
	close(master);
	close(slave);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(unwrap_to(p, null, true, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "neither a pipe nor a socket nor a file"));
	close(null);
	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(unwrap_to(p, pair[0], true, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "reading only"));
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(records(p), 0);
	place_drop(p);
}

static void a_revoked_volume_gives_no_key(void **state)
{
	struct place *p = place_with_volume();
	struct err e = ERR_INIT;
	int pair[2];

	(void)state;
	revoke_grant(p);
	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(unwrap_to(p, pair[1], false, &e), RAN_FAILED);
	assert_non_null(strstr(e.what, "was revoked"));
	world->wrong_key = true;
	assert_int_equal(do_verb(p, REQUEST_REGRANT, NULL), RAN_FAILED);
	assert_int_equal(got(pair[0]), 0);
	close(pair[0]);
	close(pair[1]);
	place_drop(p);
}

static void what_is_not_the_volumes_key_is_not_given_away(void **state)
{
	struct place *p = place_with_volume();
	int pair[2];

	(void)state;
	world->wrong_key = true;
	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(unwrap_to(p, pair[1], false, NULL), RAN_FAILED);
	assert_int_equal(got(pair[0]), 0);
	close(pair[0]);
	close(pair[1]);
	place_drop(p);
}

/* Whatever call fails, or is the last before a kill: no key without its record. */
static void no_key_without_its_record(void **state)
{
	enum fault_mode mode;
	unsigned int at, keys = 0;
	bool hit;

	(void)state;
	for (mode = FAULT_FAIL_BEFORE; mode < FAULT_MODES; mode++) {
		for (at = 1, hit = true; hit; at++) {
			struct place *p = place_with_volume();
			int pair[2];
			size_t n;

			assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
			world->fault = (struct fault){ .mode = mode, .at = at };
			unwrap_to(p, pair[1], false, NULL);
			hit = *world->fault.name;
			n = got(pair[0]);
			keys += n == KEY_BYTES;
			if (n)
				assert_int_equal(records(p), 1);
			if (!strcmp(world->fault.name, "audit_append"))
				assert_int_equal(n, 0);
			close(pair[0]);
			close(pair[1]);
			place_drop(p);
		}
	}
	assert_int_equal(keys, FAULT_MODES - FAULT_FAIL_BEFORE);	/* the run without a fault, of each mode */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_comes_out_of_a_pipe_and_of_a_socket),
		cmocka_unit_test(it_is_the_same_while_the_volume_is_open),
		cmocka_unit_test(a_file_only_on_demand_and_only_a_private_one),
		cmocka_unit_test(terminals_devices_and_what_cannot_be_written_are_refused),
		cmocka_unit_test(a_revoked_volume_gives_no_key),
		cmocka_unit_test(what_is_not_the_volumes_key_is_not_given_away),
		cmocka_unit_test(no_key_without_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
