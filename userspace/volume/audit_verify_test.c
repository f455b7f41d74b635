// SPDX-License-Identifier: GPL-2.0-or-later
/* What a chain proves, and what only a hash noted elsewhere does. */
#include "../common/test.h"

#include <errno.h>
#include <stdlib.h>

#include "../common/json.h"
#include "audit.h"
#include "audit_line.h"
#include "scratch.h"

#define LOG "audit.log"

static void add(struct scratch *s, int nr)
{
	struct audit a = AUDIT_INIT;

	assert_int_equal(audit_open(&a, scratch_path(s, LOG), NULL), 0);
	while (nr--)
		assert_int_equal(audit_append(&a, "open", "v1", NULL, "req-1", NULL), 0);
	audit_close(&a);
}

/* head - as the journal has it. */
static void head_of(struct scratch *s, char hex[AUDIT_HASH_LEN + 1])
{
	struct audit a = AUDIT_INIT;
	uint64_t seq;

	assert_int_equal(audit_open(&a, scratch_path(s, LOG), NULL), 0);
	assert_int_equal(audit_head(&a, hex, &seq, NULL), 0);
	audit_close(&a);
}

/* cut - the last @lines away. */
static void cut(struct scratch *s, int lines)
{
	char *text = scratch_read(s, LOG), *end = text + strlen(text) - 1;

	for (; lines; lines--) {
		*end = '\0';
		end = strrchr(text, '\n');
		assert_non_null(end);
	}
	end[1] = '\0';
	scratch_write(s, LOG, text);
	free(text);
}

static void a_hash_noted_earlier_is_found(void **state)
{
	char early[AUDIT_HASH_LEN + 1], late[AUDIT_HASH_LEN + 1];
	struct scratch *s = *state;
	struct audit_chain c;

	add(s, 3);
	head_of(s, early);
	add(s, 2);
	head_of(s, late);
	assert_int_equal(audit_follow(scratch_path(s, LOG), early, &c, NULL), 0);
	assert_true(c.found);
	assert_int_equal(c.found_seq, 3);
	assert_int_equal(c.records, 5);
	assert_int_equal(c.seq, 5);
	assert_string_equal(c.head, late);
	assert_false(c.rotated);
	assert_int_equal(audit_follow(scratch_path(s, LOG), AUDIT_GENESIS, &c, NULL), 0);
	assert_true(c.found);
	assert_int_equal(c.found_seq, 0);
	assert_int_equal(audit_follow(scratch_path(s, LOG), NULL, &c, NULL), 0);
	assert_false(c.found);
}

/* An end that was cut off leaves a chain that holds: only the hash of what is missing tells. */
static void a_log_that_was_cut_holds_but_does_not_have_the_hash(void **state)
{
	char head[AUDIT_HASH_LEN + 1];
	struct scratch *s = *state;
	struct audit_chain c;

	add(s, 5);
	head_of(s, head);
	cut(s, 2);
	assert_int_equal(audit_follow(scratch_path(s, LOG), head, &c, NULL), 0);
	assert_int_equal(c.records, 3);
	assert_false(c.found);
}

static void the_file_before_may_end_with_it(void **state)
{
	char head[AUDIT_HASH_LEN + 1], told[AUDIT_HASH_LEN + 1], away[512], *path;
	struct scratch *s = *state;
	struct audit a = AUDIT_INIT;
	struct audit_chain c;
	uint64_t seq;

	add(s, 4);
	head_of(s, head);
	path = strdup(scratch_path(s, LOG));
	snprintf(away, sizeof(away), "%s.1", path);
	assert_int_equal(audit_open(&a, path, NULL), 0);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(audit_link(&a, told, &seq, NULL), 0);
	audit_close(&a);
	add(s, 1);
	assert_int_equal(audit_follow(path, head, &c, NULL), 0);
	assert_true(c.rotated && c.found);
	assert_int_equal(c.previous_seq, 4);
	assert_string_equal(c.previous, head);
	assert_int_equal(c.found_seq, 0);
	assert_int_equal(c.records, 2);
	free(path);
}

static int count(void *ctx, const char *line, size_t len, struct json_object *record)
{
	int *left = ctx;

	assert_int_equal(line[len - 1], '}');
	assert_string_equal(json_object_get_string(json_object_object_get(record, "event")), "open");
	return --*left ? 0 : 7;
}

static void each_record_is_seen_until_it_is_enough(void **state)
{
	struct scratch *s = *state;
	int left = 100;

	add(s, 4);
	assert_int_equal(audit_each(scratch_path(s, LOG), count, &left, NULL), 0);
	assert_int_equal(left, 96);
	left = 2;
	assert_int_equal(audit_each(scratch_path(s, LOG), count, &left, NULL), 7);
	assert_int_equal(audit_each(scratch_path(s, "nowhere"), count, &left, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_hash_noted_earlier_is_found),
		scratch_test(a_log_that_was_cut_holds_but_does_not_have_the_hash),
		scratch_test(the_file_before_may_end_with_it),
		scratch_test(each_record_is_seen_until_it_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
