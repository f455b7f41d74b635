// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <openssl/sha.h>

#include "../common/encode.h"
#include "../common/json.h"
#include "audit.h"
#include "namespace.h"
#include "scratch.h"

#define LOG "audit.log"

static void log_open(struct scratch *s, struct audit *a)
{
	assert_int_equal(audit_open(a, scratch_path(s, LOG), NULL), 0);
}

static void add(struct audit *a, const char *event, int nr)
{
	while (nr--)
		assert_int_equal(audit_append(a, event, "v1", NULL, "req-1", NULL), 0);
}

static int verify(struct scratch *s, uint64_t *records)
{
	return audit_verify(scratch_path(s, LOG), records, NULL);
}

/*
 * A log made by hand, with right hashes: line @i is made of @events[i] and @seqs[i], "" stands for a line that is
 * no record.
 */
static void forge(struct scratch *s, const char *const *events, const int *seqs, size_t nr)
{
	char prev[AUDIT_HASH_LEN + 1], line[512], text[4096] = "";
	uint8_t hash[SHA256_DIGEST_LENGTH];
	size_t i;

	memset(prev, '0', AUDIT_HASH_LEN);
	prev[AUDIT_HASH_LEN] = '\0';
	for (i = 0; i < nr; i++) {
		if (events[i][0])
			snprintf(line, sizeof(line), "{\"seq\":%d,\"event\":\"%s\",\"prev\":\"%s\"}", seqs[i],
				 events[i], prev);
		else
			strcpy(line, "junk");
		SHA256((unsigned char *)line, strlen(line), hash);
		hex_encode(hash, sizeof(hash), prev);
		strcat(strcat(text, line), "\n");
	}
	scratch_write(s, LOG, text);
}

static void numbers_count_and_junk_needs_its_record(void **state)
{
	static const char *const plain[] = { "open", "close" };
	static const char *const named[] = { "open", "", "audit-recovered" };
	static const char *const unnamed[] = { "open", "", "close" };
	struct scratch *s = *state;

	forge(s, plain, (const int[]){ 1, 2 }, 2);
	assert_int_equal(verify(s, NULL), 0);
	forge(s, plain, (const int[]){ 1, 3 }, 2);
	assert_int_equal(verify(s, NULL), -EBADMSG);
	forge(s, plain, (const int[]){ 2, 3 }, 2);
	assert_int_equal(verify(s, NULL), -EBADMSG);
	forge(s, named, (const int[]){ 1, 0, 2 }, 3);
	assert_int_equal(verify(s, NULL), 0);
	forge(s, unnamed, (const int[]){ 1, 0, 2 }, 3);
	assert_int_equal(verify(s, NULL), -EBADMSG);
}

static void records_are_as_documented(void **state)
{
	static const char start[] = "{\"seq\":1,\"time\":\"20";
	static const char end[] = ",\"event\":\"key-unwrapped\",\"volume\":\"v1\",\"key_arn\":\"a/b\",\"x\":null,"
				  "\"request_id\":\"req-1\",\"prev\":\""
				  "0000000000000000000000000000000000000000000000000000000000000000\"}\n";
	struct scratch *s = *state;
	struct json_object *fields = json_object_new_object();
	struct audit a = AUDIT_INIT;
	struct stat st;
	char *text;

	log_open(s, &a);
	js_put_string(fields, "key_arn", "a/b");
	js_put_null(fields, "x");
	assert_int_equal(audit_append(&a, "key-unwrapped", "v1", fields, "req-1", NULL), 0);
	json_object_put(fields);
	text = scratch_read(s, LOG);
	assert_memory_equal(text, start, strlen(start));
	assert_string_equal(text + strlen(text) - strlen(end), end);
	assert_int_equal(text[strlen("{\"seq\":1,\"time\":\"2026-01-01T00:00:00.") + 3], 'Z');
	free(text);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	audit_close(&a);
}

static void chain_holds_over_reopening(void **state)
{
	struct scratch *s = *state;
	char head[AUDIT_HASH_LEN + 1];
	struct audit a = AUDIT_INIT;
	uint64_t records, seq;
	int i;

	for (i = 0; i < 3; i++) {
		log_open(s, &a);
		add(&a, "open", 5);
		audit_close(&a);
	}
	assert_int_equal(verify(s, &records), 0);
	assert_int_equal(records, 15);
	log_open(s, &a);
	assert_int_equal(audit_head(&a, head, &seq, NULL), 0);
	assert_int_equal(seq, 15);
	assert_int_equal(strlen(head), 64);
	audit_close(&a);
}

static void empty_log_has_the_zero_head(void **state)
{
	struct scratch *s = *state;
	char head[AUDIT_HASH_LEN + 1];
	struct audit a = AUDIT_INIT;
	uint64_t seq;

	log_open(s, &a);
	assert_int_equal(audit_head(&a, head, &seq, NULL), 0);
	assert_int_equal(seq, 0);
	assert_int_equal(strspn(head, "0"), 64);
	assert_int_equal(verify(s, NULL), 0);
	audit_close(&a);
}

static void reserved_members_are_refused(void **state)
{
	static const char *const names[] = { "seq", "time", "event", "volume", "request_id", "prev" };
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;
	struct json_object *fields;
	size_t i;

	log_open(s, &a);
	for (i = 0; i < 6; i++) {
		fields = json_object_new_object();
		js_put_string(fields, names[i], "x");
		assert_int_equal(audit_append(&a, "open", NULL, fields, NULL, NULL), -EINVAL);
		json_object_put(fields);
	}
	assert_int_equal(verify(s, NULL), 0);
	audit_close(&a);
}

/*
 * Every change of a byte, every lost, repeated or swapped line is found. (Cutting the end off needs the head:
 * audit_head().)
 */
static void every_change_is_found(void **state)
{
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;
	char *text, *copy, *second, *third;
	size_t len, i;

	log_open(s, &a);
	add(&a, "open", 3);
	audit_close(&a);
	text = scratch_read(s, LOG);
	len = strlen(text);
	copy = malloc(2 * len);
	third = strchr(strchr(text, '\n') + 1, '\n') + 1;
	second = strchr(text, '\n') + 1;
	for (i = 0; i < (size_t)(third - text); i++) {
		strcpy(copy, text);
		copy[i] ^= 1;
		scratch_write(s, LOG, copy);
		assert_int_equal(verify(s, NULL), -EBADMSG);
	}
	scratch_write(s, LOG, second);	/* first line gone */
	assert_int_equal(verify(s, NULL), -EBADMSG);
	sprintf(copy, "%.*s%s", (int)(second - text), text, third);
	scratch_write(s, LOG, copy);	/* middle line gone */
	assert_int_equal(verify(s, NULL), -EBADMSG);
	sprintf(copy, "%.*s%s", (int)(third - text), text, second);
	scratch_write(s, LOG, copy);	/* middle line twice */
	assert_int_equal(verify(s, NULL), -EBADMSG);
	sprintf(copy, "%.*sjunk\n%s", (int)(second - text), text, second);
	scratch_write(s, LOG, copy);	/* a line that no crash explains */
	assert_int_equal(verify(s, NULL), -EBADMSG);
	free(copy);
	free(text);
}

/* A crash may leave any part of the last line. Nothing is cut off, and the chain goes on over it. */
static void any_torn_end_is_kept_and_mended(void **state)
{
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;
	size_t whole, len, cut;
	uint64_t records;
	char *text, *after;

	log_open(s, &a);
	add(&a, "open", 3);
	audit_close(&a);
	text = scratch_read(s, LOG);
	len = strlen(text);
	whole = strchr(strchr(text, '\n') + 1, '\n') + 1 - text;	/* two lines */
	for (cut = whole + 1; cut < len; cut++) {
		char saved = text[cut];

		text[cut] = '\0';
		scratch_write(s, LOG, text);
		text[cut] = saved;
		assert_int_equal(verify(s, NULL), -EBADMSG);
		log_open(s, &a);
		add(&a, "close", 2);
		audit_close(&a);
		assert_int_equal(verify(s, &records), 0);
		after = scratch_read(s, LOG);
		assert_memory_equal(after, text, cut);
		if (cut < len - 1) {
			assert_int_equal(records, 2 + 1 + 2);
			assert_non_null(strstr(after, "\"event\":\"audit-recovered\",\"volume\":\"\",\"torn_bytes\":"));
		} else {
			assert_int_equal(records, 3 + 2);
			assert_null(strstr(after, "audit-recovered"));
		}
		free(after);
	}
	free(text);
}

/* The mending itself may be cut off, again and again. */
static void torn_mending_is_mended(void **state)
{
	static const char *const ends[] = { "junk", "junk\n", "junk\n{\"se", "junk\n{\"se\n", "junk\n{\"seq\":4,\n{" };
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;
	uint64_t records;
	char *text, copy[4096];
	size_t i, have;

	for (have = 0; have < 2; have++) {
		scratch_write(s, LOG, "");
		log_open(s, &a);
		add(&a, "open", have ? 3 : 0);
		audit_close(&a);
		text = scratch_read(s, LOG);
		for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
			snprintf(copy, sizeof(copy), "%s%s", text, ends[i]);
			scratch_write(s, LOG, copy);
			log_open(s, &a);
			add(&a, "close", 1);
			audit_close(&a);
			assert_int_equal(verify(s, &records), 0);
			assert_int_equal(records, (have ? 3 : 0) + 2);
		}
		free(text);
	}
}

/* The record that names a torn piece hashes over all of it. */
static void a_torn_piece_cannot_be_changed_later(void **state)
{
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;
	char *text;

	scratch_write(s, LOG, "torn\nagain");
	log_open(s, &a);
	add(&a, "open", 1);
	audit_close(&a);
	assert_int_equal(verify(s, NULL), 0);
	text = scratch_read(s, LOG);
	text[0] = 'T';
	scratch_write(s, LOG, text);
	assert_int_equal(verify(s, NULL), -EBADMSG);
	free(text);
}

static void killed_writers_leave_a_whole_chain(void **state)
{
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;
	uint64_t seed = 0xdead, records;
	pid_t pid[2];
	int i, k;

	for (i = 0; i < 15; i++) {
		for (k = 0; k < 2; k++) {
			pid[k] = fork();
			if (!pid[k]) {
				log_open(s, &a);
				for (;;)
					audit_append(&a, "open", "v1", NULL, NULL, NULL);
			}
		}
		usleep(2000 + test_random(&seed) % 20000);
		for (k = 0; k < 2; k++) {
			kill(pid[k], SIGKILL);
			waitpid(pid[k], NULL, 0);
		}
		log_open(s, &a);
		add(&a, "after", 1);
		audit_close(&a);
		assert_int_equal(verify(s, &records), 0);
	}
	assert_true(records > 15);
}

static void no_room(const char *dir)
{
	struct audit a = AUDIT_INIT;
	struct err e = ERR_INIT;
	uint64_t before, after;
	char path[128], fill[128], buf[4096] = "";
	int fd, rc;

	snprintf(path, sizeof(path), "%s/audit.log", dir);
	snprintf(fill, sizeof(fill), "%s/fill", dir);
	assert_int_equal(audit_open(&a, path, NULL), 0);
	add(&a, "before", 3);	/* a page begun: the record that does not fit is written in part */
	fd = open(fill, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
	do
		rc = audit_append(&a, "open", "v1", NULL, NULL, &e);
	while (!rc);
	assert_int_equal(rc, -ENOSPC);
	assert_true(e.hint[0]);
	/* Nothing of the refused record is left, and nothing was lost. */
	assert_int_equal(audit_verify(path, &before, NULL), 0);
	assert_int_equal(audit_append(&a, "open", "v1", NULL, NULL, NULL), -ENOSPC);
	/* A revoke is recorded from the reserve. */
	assert_int_equal(audit_append_must(&a, "revoked", "v1", NULL, NULL, NULL), 0);
	assert_int_equal(audit_verify(path, &after, NULL), 0);
	assert_int_equal(after, before + 1);
	audit_close(&a);
}

static void on_a_small_tmpfs(void *dir)
{
	if (mount("tmpfs", dir, "tmpfs", 0, "size=3m"))
		exit(NAMESPACE_SKIP);
	no_room(dir);
}

static void full_disk(void **state)
{
	struct scratch *s = *state;
	int rc = namespace_run(on_a_small_tmpfs, s->dir);

	if (rc == NAMESPACE_SKIP)
		skip();
	assert_int_equal(rc, 0);
}

static void reserve_is_really_there(void **state)
{
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;
	struct stat st;

	log_open(s, &a);
	assert_int_equal(stat(scratch_path(s, LOG ".reserve"), &st), 0);
	assert_int_equal(st.st_size, AUDIT_RESERVE);
	assert_true(st.st_blocks * 512 >= AUDIT_RESERVE);
	audit_close(&a);
}

static void no_log_no_record(void **state)
{
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;

	assert_int_equal(audit_open(&a, "/nonexistent/audit.log", NULL), -ENOENT);
	assert_int_equal(audit_append(&a, "open", NULL, NULL, NULL, NULL), -EBADF);
	assert_int_equal(symlink("/dev/null", scratch_path(s, LOG)), 0);
	assert_int_equal(audit_open(&a, s->path, NULL), -ELOOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(numbers_count_and_junk_needs_its_record),
		scratch_test(records_are_as_documented),
		scratch_test(chain_holds_over_reopening),
		scratch_test(empty_log_has_the_zero_head),
		scratch_test(reserved_members_are_refused),
		scratch_test(every_change_is_found),
		scratch_test(any_torn_end_is_kept_and_mended),
		scratch_test(torn_mending_is_mended),
		scratch_test(a_torn_piece_cannot_be_changed_later),
		scratch_test(killed_writers_leave_a_whole_chain),
		scratch_test(full_disk),
		scratch_test(reserve_is_really_there),
		scratch_test(no_log_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
