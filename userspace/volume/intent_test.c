// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>

#include "intent.h"
#include "sample.h"
#include "scratch.h"

static void sample_intent(struct intent *i)
{
	memset(i, 0, sizeof(*i));
	i->verb = INTENT_CREATE;
	strcpy(i->step, "create-grant");
	strcpy(i->cache_id, "cache-1");
	strcpy(i->luks_uuid, SAMPLE_UUID);
	strcpy(i->device, "/dev/vdb");
	strcpy(i->dev_major_minor, "254:16");
}

static void life(void **state)
{
	struct scratch *s = *state;
	struct err e = ERR_INIT;
	struct intent i, j;

	sample_intent(&i);
	assert_int_equal(intent_begin(s->dir, "v1", &i, NULL), 0);
	assert_int_equal(intent_begin(s->dir, "v1", &i, &e), -EEXIST);
	assert_non_null(strstr(e.what, "not finished"));
	assert_int_equal(intent_load(s->dir, "v1", &j, NULL), 0);
	assert_memory_equal(&i, &j, sizeof(i));

	memset(i.step, 0, sizeof(i.step));
	strcpy(i.step, "format");
	strcpy(i.key_arn, SAMPLE_ARN);
	strcpy(i.grant_id, "0a1b");
	strcpy(i.saved_header, "/var/lib/ecache/saved/v1");
	assert_int_equal(intent_step(s->dir, "v1", &i, NULL), 0);
	assert_int_equal(intent_load(s->dir, "v1", &j, NULL), 0);
	assert_memory_equal(&i, &j, sizeof(i));

	assert_int_equal(intent_end(s->dir, "v1", NULL), 0);
	assert_int_equal(intent_end(s->dir, "v1", NULL), 0);
	assert_int_equal(intent_load(s->dir, "v1", &j, NULL), -ENOENT);
}

static void file_is_as_documented(void **state)
{
	struct scratch *s = *state;
	struct intent i, j;
	char *text;

	sample_intent(&i);
	i.verb = INTENT_REGRANT;
	strcpy(i.key_arn, SAMPLE_ARN);
	assert_int_equal(intent_begin(s->dir, "v1", &i, NULL), 0);
	text = scratch_read(s, "v1.json");
	assert_string_equal(text, "{\"format\":1,\"verb\":\"regrant\",\"step\":\"create-grant\",\"cache_id\":\"cache-1\","
		"\"luks_uuid\":\"" SAMPLE_UUID "\",\"device\":\"/dev/vdb\",\"dev_major_minor\":\"254:16\","
		"\"key_arn\":\"" SAMPLE_ARN "\",\"grant_id\":null,\"saved_header\":null}");
	free(text);
	i.verb = INTENT_REWRAP;
	strcpy(i.old_key_arn, SAMPLE_ARN);
	strcpy(i.old_grant_id, "0a1b");
	strcpy(i.token_sha256, "ab");
	assert_int_equal(intent_step(s->dir, "v1", &i, NULL), 0);
	text = scratch_read(s, "v1.json");
	assert_non_null(strstr(text, "\"verb\":\"rewrap\""));
	assert_non_null(strstr(text, "\"saved_header\":null,\"old_key_arn\":\"" SAMPLE_ARN "\","
			       "\"old_grant_id\":\"0a1b\",\"token_sha256\":\"ab\"}"));
	free(text);
	assert_int_equal(intent_load(s->dir, "v1", &j, NULL), 0);
	assert_memory_equal(&i, &j, sizeof(i));
}

static void a_restore_has_the_backups_grant_beside_its_own(void **state)
{
	struct scratch *s = *state;
	struct intent i, j;
	char *text;

	sample_intent(&i);
	i.verb = INTENT_RESTORE;
	strcpy(i.source_key_arn, SAMPLE_ARN);
	strcpy(i.source_grant_id, "0a1b");
	assert_int_equal(intent_begin(s->dir, "v1", &i, NULL), 0);
	assert_int_equal(intent_load(s->dir, "v1", &j, NULL), 0);
	assert_memory_equal(&i, &j, sizeof(i));
	text = scratch_read(s, "v1.json");
	assert_non_null(strstr(text, "\"verb\":\"restore\""));
	assert_non_null(strstr(text, ",\"source_key_arn\":\"" SAMPLE_ARN "\",\"source_grant_id\":\"0a1b\"}"));
	free(text);
}

static void damage_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "{}", "[]", "{\"format\":1}",
		"{\"format\":1,\"verb\":\"erase\",\"step\":\"a\",\"cache_id\":\"c\",\"luks_uuid\":\"" SAMPLE_UUID "\","
		"\"device\":\"/dev/x\",\"dev_major_minor\":\"1:1\",\"key_arn\":null,\"grant_id\":null,\"saved_header\":null}",
		"{\"format\":1,\"verb\":\"create\",\"step\":\"A/\",\"cache_id\":\"c\",\"luks_uuid\":\"" SAMPLE_UUID "\","
		"\"device\":\"/dev/x\",\"dev_major_minor\":\"1:1\",\"key_arn\":null,\"grant_id\":null,\"saved_header\":null}",
	};
	struct scratch *s = *state;
	struct intent i;
	size_t n;

	for (n = 0; n < sizeof(bad) / sizeof(*bad); n++) {
		struct err e = ERR_INIT;

		scratch_write(s, "v1.json", bad[n]);
		assert_int_equal(intent_load(s->dir, "v1", &i, &e), -EBADMSG);
		assert_int_equal(e.rc, -EBADMSG);
	}
}

static void what_would_not_load_is_not_written(void **state)
{
	struct scratch *s = *state;
	struct intent i;

	sample_intent(&i);
	i.step[0] = '\0';
	assert_true(intent_begin(s->dir, "v1", &i, NULL) < 0);
	sample_intent(&i);
	strcpy(i.key_arn, "alias/x");
	assert_true(intent_begin(s->dir, "v1", &i, NULL) < 0);
	assert_int_equal(access(scratch_path(s, "v1.json"), F_OK), -1);
}

static int count(void *ctx, const char *name)
{
	assert_string_equal(name, "v1");
	++*(int *)ctx;
	return 0;
}

static void each(void **state)
{
	struct scratch *s = *state;
	struct intent i;
	int nr = 0;

	sample_intent(&i);
	assert_int_equal(intent_begin(s->dir, "v1", &i, NULL), 0);
	scratch_write(s, "v2", "");
	assert_int_equal(intent_each(s->dir, count, &nr, NULL), 0);
	assert_int_equal(nr, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(life),
		scratch_test(file_is_as_documented),
		scratch_test(a_restore_has_the_backups_grant_beside_its_own),
		scratch_test(damage_is_refused),
		scratch_test(what_would_not_load_is_not_written),
		scratch_test(each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
