// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "sample.h"
#include "scratch.h"
#include "state.h"

static void sample_state(struct state *st)
{
	struct header h;

	memset(st, 0, sizeof(*st));
	sample_header(&h);
	state_adopt_header(st, &h);
}

static void adopts_the_header(void **state)
{
	struct state st;

	(void)state;
	sample_state(&st);
	assert_string_equal(st.luks_uuid, SAMPLE_UUID);
	assert_int_equal(st.epoch, 3);
	assert_string_equal(st.grant_id, "0a1b2c");
	assert_int_equal(strlen(st.token_sha256), 64);
}

static void round_trip(void **state)
{
	struct scratch *s = *state;
	struct state a, b;
	struct stat sb;

	sample_state(&a);
	assert_int_equal(state_store(s->dir, "v1", &a, NULL), 0);
	assert_int_equal(stat(scratch_path(s, "v1.json"), &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	assert_int_equal(state_load(s->dir, "v1", &b, NULL), 0);
	assert_memory_equal(&a, &b, sizeof(a));

	a.grant_created = 1700000000;
	a.ok_without_token = true;
	state_note_ok(&a);
	a.is_revoked = true;
	a.revoked.at = 1700000001;
	strcpy(a.revoked.verdict, "REVOKED");
	strcpy(a.revoked.reason, "AccessDeniedException three times: \"not allowed\"");
	strcpy(a.revoked.request_id, "01ab");
	assert_int_equal(state_store(s->dir, "v1", &a, NULL), 0);
	assert_int_equal(state_load(s->dir, "v1", &b, NULL), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(state_remove(s->dir, "v1", NULL), 0);
	assert_int_equal(state_load(s->dir, "v1", &b, NULL), -ENOENT);
}

static void file_is_as_documented(void **state)
{
	static const char start[] = "{\"format\":1,\"luks_uuid\":\"" SAMPLE_UUID "\",\"epoch\":3,\"token_sha256\":\"";
	static const char end[] = "\"grant_id\":\"0a1b2c\",\"grant_created\":0,\"ok_without_token\":false,"
				  "\"last_ok\":null,\"revoked\":null}";
	struct scratch *s = *state;
	struct state st;
	char *text;

	sample_state(&st);
	assert_int_equal(state_store(s->dir, "v1", &st, NULL), 0);
	text = scratch_read(s, "v1.json");
	assert_memory_equal(text, start, strlen(start));
	assert_string_equal(text + strlen(text) - strlen(end), end);
	free(text);
}

static void last_ok_is_now(void **state)
{
	struct state st = { 0 };
	time_t before = time(NULL);

	(void)state;
	state_note_ok(&st);
	assert_true(st.has_last_ok);
	assert_true(st.last_ok.realtime >= before && st.last_ok.realtime <= time(NULL));
	assert_true(st.last_ok.boottime_ms > 0);
	assert_int_equal(strlen(st.last_ok.boot_id), 36);
	assert_int_equal(state_ok_this_boot(&st), st.last_ok.boottime_ms);
}

static void an_ok_of_another_boot_counts_for_nothing(void **state)
{
	struct state st = { 0 };

	(void)state;
	assert_int_equal(state_ok_this_boot(&st), 0);
	state_note_ok_at(&st, 4711);
	assert_int_equal(state_ok_this_boot(&st), 4711);
	strcpy(st.last_ok.boot_id, "00000000-0000-4000-8000-000000000000");
	assert_int_equal(state_ok_this_boot(&st), 0);
	st.last_ok.boot_id[0] = '\0';
	assert_int_equal(state_ok_this_boot(&st), 0);
}

/* A damaged file is never taken for a missing one: that would let an older header pass. */
static void damage_is_refused(void **state)
{
	struct scratch *s = *state;
	struct state st;
	char *text, *copy;
	size_t len, i;

	sample_state(&st);
	assert_int_equal(state_store(s->dir, "v1", &st, NULL), 0);
	text = scratch_read(s, "v1.json");
	len = strlen(text);
	copy = malloc(len + 1);
	for (i = 0; i < len; i += 7) {
		struct err e = ERR_INIT;

		memcpy(copy, text, len + 1);
		copy[i] = '\0';
		scratch_write(s, "v1.json", copy);
		assert_int_equal(state_load(s->dir, "v1", &st, &e), -EBADMSG);
		assert_int_equal(e.rc, -EBADMSG);
		assert_non_null(strstr(e.what, "damaged"));
	}
	/* The hash holds the token together. */
	memcpy(copy, text, len + 1);
	memcpy(strstr(copy, "0a1b2c"), "1a1b2c", 6);
	scratch_write(s, "v1.json", copy);
	assert_int_equal(state_load(s->dir, "v1", &st, NULL), -EBADMSG);
	free(copy);
	free(text);
}

static void what_would_not_load_is_not_written(void **state)
{
	struct scratch *s = *state;
	struct state st;

	sample_state(&st);
	strcpy(st.luks_uuid, "x");
	assert_true(state_store(s->dir, "v1", &st, NULL) < 0);
	sample_state(&st);
	st.token_sha256[0] = st.token_sha256[0] == 'a' ? 'b' : 'a';
	assert_true(state_store(s->dir, "v1", &st, NULL) < 0);
	assert_int_equal(access(scratch_path(s, "v1.json"), F_OK), -1);
}

static void older_headers_are_refused(void **state)
{
	struct err e = ERR_INIT;
	struct state st;
	struct header h;

	(void)state;
	sample_state(&st);
	sample_header(&h);
	assert_int_equal(state_check_header(&st, &h, &e), 0);

	h.epoch = 2;
	assert_int_equal(state_check_header(&st, &h, &e), -ESTALE);
	assert_non_null(strstr(e.hint, "--accept-older-header"));
	assert_int_equal(e.rc, -ESTALE);

	h.epoch = 4;	/* newer, whatever it holds: rewrap on another host */
	strcpy(h.token.grant_id, "other");
	assert_int_equal(token_hash(&h.token, h.token_sha256, NULL), 0);
	assert_int_equal(state_check_header(&st, &h, NULL), 0);

	h.epoch = 3;	/* the same number, another token: forged or forked */
	assert_int_equal(state_check_header(&st, &h, NULL), -ESTALE);

	sample_header(&h);
	h.luks_uuid[0] = 'f';
	h.epoch = 100;
	assert_int_equal(state_check_header(&st, &h, NULL), -ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adopts_the_header),
		scratch_test(round_trip),
		scratch_test(file_is_as_documented),
		cmocka_unit_test(last_ok_is_now),
		cmocka_unit_test(an_ok_of_another_boot_counts_for_nothing),
		scratch_test(damage_is_refused),
		scratch_test(what_would_not_load_is_not_written),
		cmocka_unit_test(older_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
