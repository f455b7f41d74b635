// SPDX-License-Identifier: GPL-2.0-or-later
/* A log that is renamed while others append to it: no record is lost, and the new log says how the old one ended. */
#include "../common/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../common/json.h"
#include "audit.h"
#include "scratch.h"

#define LOG "audit.log"
#define WRITERS 3
#define RECORDS 60
#define ROTATIONS 6

static void log_open(struct scratch *s, struct audit *a)
{
	assert_int_equal(audit_open(a, scratch_path(s, LOG), NULL), 0);
}

static void add(struct audit *a, int nr)
{
	while (nr--)
		assert_int_equal(audit_append(a, "open", "v1", NULL, "req-1", NULL), 0);
}

/* rotate - as mv does it; the old log is audit.log.@nr. */
static void rotate(struct scratch *s, int nr)
{
	char from[512], to[512];

	snprintf(from, sizeof(from), "%s/" LOG, s->dir);
	snprintf(to, sizeof(to), "%s/" LOG ".%d", s->dir, nr);
	assert_int_equal(rename(from, to), 0);
}

static uint64_t records_of(struct scratch *s, const char *name)
{
	struct err e = ERR_INIT;
	uint64_t records;

	if (audit_verify(scratch_path(s, name), &records, &e))
		fail_msg("%s", e.what);
	return records;
}

static void the_next_record_is_in_the_new_log(void **state)
{
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT, b = AUDIT_INIT;
	struct stat st;

	log_open(s, &a);
	log_open(s, &b);
	add(&a, 3);
	assert_false(audit_rotated(&a));
	rotate(s, 1);
	assert_true(audit_rotated(&a));
	add(&a, 2);
	add(&b, 1);
	assert_false(audit_rotated(&a));
	assert_false(audit_rotated(&b));
	assert_int_equal(records_of(s, LOG ".1"), 3);
	assert_int_equal(records_of(s, LOG), 3);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	audit_close(&a);
	audit_close(&b);
}

static void the_new_log_says_how_the_old_one_ended(void **state)
{
	char hash[AUDIT_HASH_LEN + 1], told[AUDIT_HASH_LEN + 1], want[160], *text;
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;
	uint64_t seq, told_seq;

	log_open(s, &a);
	add(&a, 3);
	assert_int_equal(audit_head(&a, hash, &seq, NULL), 0);
	rotate(s, 1);
	assert_int_equal(audit_link(&a, told, &told_seq, NULL), 0);
	assert_int_equal(told_seq, 3);
	assert_string_equal(told, hash);
	assert_int_equal(records_of(s, LOG), 1);
	text = scratch_read(s, LOG);
	snprintf(want, sizeof(want),
		 "\"event\":\"audit-rotated\",\"volume\":\"\",\"previous_seq\":3,\"previous_hash\":\"%s\"", hash);
	assert_non_null(strstr(text, want));
	free(text);
	assert_false(audit_rotated(&a));
	audit_close(&a);
}

static void a_log_that_was_removed_is_a_rotated_one(void **state)
{
	char hash[AUDIT_HASH_LEN + 1];
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;
	uint64_t seq;

	log_open(s, &a);
	add(&a, 2);
	assert_int_equal(unlink(scratch_path(s, LOG)), 0);
	assert_true(audit_rotated(&a));
	assert_int_equal(audit_link(&a, hash, &seq, NULL), 0);
	assert_int_equal(seq, 2);
	assert_int_equal(records_of(s, LOG), 1);
	audit_close(&a);
}

/* Where no new log can be made nothing is recorded in the old one either. */
static void without_a_new_log_no_record(void **state)
{
	char folder[512], away[520];
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;

	snprintf(folder, sizeof(folder), "%s/log", s->dir);
	snprintf(away, sizeof(away), "%s.old", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(audit_open(&a, scratch_path(s, "log/" LOG), NULL), 0);
	add(&a, 1);
	assert_int_equal(rename(folder, away), 0);
	assert_int_equal(audit_append(&a, "open", NULL, NULL, NULL, NULL), -ENOENT);
	assert_int_equal(records_of(s, "log.old/" LOG), 1);
	audit_close(&a);
}

/* One that has the log open all the time, whatever its name is by then. */
static void __attribute__((noreturn)) write_on(const char *path)
{
	struct audit a = AUDIT_INIT;
	int i, rc;

	rc = audit_open(&a, path, NULL);
	for (i = 0; i < RECORDS && !rc; i++)
		rc = audit_append(&a, "open", "v1", NULL, "req-1", NULL);
	_exit(rc ? 1 : 0);
}

static void others_append_meanwhile(void **state)
{
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT, old = AUDIT_INIT;
	char told[ROTATIONS][AUDIT_HASH_LEN + 1], head[AUDIT_HASH_LEN + 1], name[32];
	uint64_t told_seq[ROTATIONS], seq, records = 0;
	pid_t writer[WRITERS];
	int i, status;

	log_open(s, &a);
	add(&a, 1);
	for (i = 0; i < WRITERS; i++) {
		writer[i] = fork();
		assert_true(writer[i] >= 0);
		if (!writer[i])
			write_on(s->path);
	}
	for (i = 0; i < ROTATIONS; i++) {
		usleep(20000);
		rotate(s, i);
		assert_int_equal(audit_link(&a, told[i], &told_seq[i], NULL), 0);
	}
	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(writer[i], &status, 0), writer[i]);
		assert_int_equal(status, 0);
	}
	audit_close(&a);
	/* What was said of each log's end still holds, and all is there. */
	for (i = 0; i < ROTATIONS; i++) {
		snprintf(name, sizeof(name), LOG ".%d", i);
		records += records_of(s, name);
		assert_int_equal(audit_open(&old, s->path, NULL), 0);
		assert_int_equal(audit_head(&old, head, &seq, NULL), 0);
		assert_int_equal(seq, told_seq[i]);
		assert_string_equal(head, told[i]);
		audit_close(&old);
	}
	records += records_of(s, LOG);
	assert_int_equal(records, 1 + ROTATIONS + WRITERS * RECORDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(the_next_record_is_in_the_new_log),
		scratch_test(the_new_log_says_how_the_old_one_ended),
		scratch_test(a_log_that_was_removed_is_a_rotated_one),
		scratch_test(without_a_new_log_no_record),
		scratch_test(others_append_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
