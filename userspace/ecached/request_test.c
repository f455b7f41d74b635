// SPDX-License-Identifier: GPL-2.0-or-later
/* What ecached accepts as a request, and that nothing else gets through. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/json.h"
#include "../common/test.h"
#include "request.h"

static int read_text(const char *text, struct request *rq, struct err *e)
{
	struct json_object *o;
	int rc;

	rc = js_parse(text, strlen(text), 16, &o, e);
	if (rc)
		return rc;
	rc = request_read(o, rq, e);
	json_object_put(o);
	return rc;
}

static void every_verb_in_its_plain_form(void **state)
{
	static const struct {
		const char *text;
		enum request_verb verb;
	} good[] = {
		{ "{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\"}", REQUEST_CREATE },
		{ "{\"verb\":\"open\",\"name\":\"c1\"}", REQUEST_OPEN },
		{ "{\"verb\":\"open\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"accept_older_header\":true}",
		  REQUEST_OPEN },
		{ "{\"verb\":\"close\",\"name\":\"c1\"}", REQUEST_CLOSE },
		{ "{\"verb\":\"status\"}", REQUEST_STATUS },
		{ "{\"verb\":\"status\",\"name\":\"c1\"}", REQUEST_STATUS },
		{ "{\"verb\":\"list\"}", REQUEST_LIST },
		{ "{\"verb\":\"revoke\",\"name\":\"c1\"}", REQUEST_REVOKE },
		{ "{\"verb\":\"regrant\",\"name\":\"c1\",\"grant_id\":\"abc123\"}", REQUEST_REGRANT },
		{ "{\"verb\":\"destroy\",\"name\":\"c1\"}", REQUEST_DESTROY },
		{ "{\"verb\":\"dump\",\"device\":\"/dev/vdb\"}", REQUEST_DUMP },
		{ "{\"verb\":\"dump\",\"name\":\"c1\"}", REQUEST_DUMP },
		{ "{\"verb\":\"revoke\",\"name\":\"c1\",\"revoke_grant\":true}", REQUEST_REVOKE },
		{ "{\"verb\":\"regrant\",\"name\":\"c1\",\"host\":\"arn:aws:iam::123456789012:role/h\"}",
		  REQUEST_REGRANT },
		{ "{\"verb\":\"rewrap\",\"name\":\"c1\",\"kms_key\":\"alias/x\"}", REQUEST_REWRAP },
		{ "{\"verb\":\"rewrap\",\"name\":\"c1\",\"kms_key\":\"alias/x\",\"grant_id\":\"ab\"}", REQUEST_REWRAP },
		{ "{\"verb\":\"resize\",\"name\":\"c1\"}", REQUEST_RESIZE },
		{ "{\"verb\":\"resize\",\"name\":\"c1\",\"size\":1048576,\"force\":true}", REQUEST_RESIZE },
		{ "{\"verb\":\"destroy\",\"name\":\"c1\",\"discard\":true}", REQUEST_DESTROY },
		{ "{\"verb\":\"confirm\",\"volumes\":\"a,b\"}", REQUEST_CONFIRM },
		{ "{\"verb\":\"confirm\",\"name\":\"a\",\"volumes\":\"a\"}", REQUEST_CONFIRM },
		{ "{\"verb\":\"unwrap\",\"name\":\"c1\"}", REQUEST_UNWRAP },
		{ "{\"verb\":\"doctor\"}", REQUEST_DOCTOR },
		{ "{\"verb\":\"repair\",\"name\":\"c1\"}", REQUEST_REPAIR },
		{ "{\"verb\":\"unwrap\",\"name\":\"c1\",\"to_file\":true}", REQUEST_UNWRAP },
		{ "{\"verb\":\"adopt\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"secret_bytes\":8}", REQUEST_ADOPT },
		{ "{\"verb\":\"adopt\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"secret_bytes\":65536,\"kms_key\":\"alias/x\","
		  "\"cache_id\":\"c\",\"unit\":\"a.service\",\"allow_discards\":true,\"keep_keyslots\":true}",
		  REQUEST_ADOPT },
		{ "{\"verb\":\"backup\",\"name\":\"c1\",\"file\":\"/b/c1.img\"}", REQUEST_BACKUP },
		{ "{\"verb\":\"backup\",\"name\":\"c1\",\"file\":\"/b/c1.img\",\"kms_key\":\"alias/b\","
		  "\"max_freeze\":300}", REQUEST_BACKUP },
		{ "{\"verb\":\"restore\",\"name\":\"c1\",\"file\":\"/b/c1.img\",\"device\":\"/dev/vdb\"}",
		  REQUEST_RESTORE },
		{ "{\"verb\":\"restore\",\"name\":\"c1\",\"file\":\"/b/c1.img\",\"device\":\"/dev/vdb\","
		  "\"kms_key\":\"k\",\"cache_id\":\"i\",\"unit\":\"u.service\",\"allow_discards\":true,\"no_open\":true}",
		  REQUEST_RESTORE },
		{ "{\"verb\":\"backups\"}", REQUEST_BACKUPS },
	};
	struct err e = ERR_INIT;
	struct request rq;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(read_text(good[i].text, &rq, &e), 0);
		assert_int_equal(rq.verb, good[i].verb);
	}
}

static void create_has_defaults_and_takes_all_its_members(void **state)
{
	struct err e = ERR_INIT;
	struct request rq;

	(void)state;
	assert_int_equal(read_text("{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\"}", &rq, &e), 0);
	assert_int_equal(rq.sector_size, 4096);
	assert_int_equal(rq.key_size, 64);
	assert_false(rq.force || rq.no_open || rq.allow_discards);
	assert_int_equal(read_text("{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"kms_key\":\"alias/x\","
				   "\"cache_id\":\"Cache_1\",\"grant_id\":\"ff00\",\"unit\":\"valkey.service\","
				   "\"sector_size\":512,\"key_size\":32,\"allow_discards\":true,\"force\":true,"
				   "\"no_open\":true}", &rq, &e), 0);
	assert_string_equal(rq.kms_key, "alias/x");
	assert_string_equal(rq.cache_id, "Cache_1");
	assert_string_equal(rq.grant_id, "ff00");
	assert_string_equal(rq.unit, "valkey.service");
	assert_int_equal(rq.sector_size, 512);
	assert_int_equal(rq.key_size, 32);
	assert_true(rq.force && rq.no_open && rq.allow_discards);
}

#define SWAP "{\"verb\":\"create\",\"name\":\"s1\",\"swap\":true,\"device\":"

static void swap_is_under_a_kms_key_or_one_of_each_boot(void **state)
{
	static const char *const bad[] = {
		SWAP "\"/dev/vdb\"}",
		SWAP "\"/dev/disk/by-path/x\"}",
		SWAP "\"/dev/disk/by-id/x\",\"cache_id\":\"c\"}",
		SWAP "\"/dev/disk/by-id/x\",\"grant_id\":\"ff\"}",
		SWAP "\"/dev/disk/by-id/x\",\"force\":true}",
		SWAP "\"/dev/disk/by-id/x\",\"sector_size\":512}",
		SWAP "\"/dev/disk/by-id/x\",\"key_size\":32}",
		"{\"verb\":\"open\",\"name\":\"s1\",\"swap\":true}",
	};
	struct request rq;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(read_text(bad[i], &rq, &e), -EINVAL);
		assert_true(e.what[0]);
	}
	assert_int_equal(read_text(SWAP "\"/dev/disk/by-id/x\"}", &rq, &e), 0);
	assert_int_equal(rq.kind, VOLUME_BOOT_SWAP);
	assert_int_equal(read_text(SWAP "\"/dev/disk/by-partuuid/x\",\"unit\":\"a.service\"}", &rq, &e), 0);
	assert_int_equal(rq.kind, VOLUME_BOOT_SWAP);
	assert_int_equal(read_text(SWAP "\"/dev/vdb\",\"kms_key\":\"alias/x\",\"cache_id\":\"c\",\"force\":true}",
				   &rq, &e), 0);
	assert_int_equal(rq.kind, VOLUME_SWAP);
	assert_int_equal(read_text("{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\"}", &rq, &e), 0);
	assert_int_equal(rq.kind, VOLUME_DATA);
}

/* After one policy edit all volumes of a host are denied, and each has to be named. */
static void a_host_full_of_volumes_can_be_confirmed(void **state)
{
	static const char head[] = "{\"verb\":\"confirm\",\"volumes\":\"";
	char *text = calloc(1, 64 * 1024);
	struct request rq;
	struct err e = ERR_INIT;
	size_t len;
	int i;

	(void)state;
	assert_non_null(text);
	len = sprintf(text, head);
	for (i = 0; i < 700; i++)
		len += sprintf(text + len, "%s%0*d", i ? "," : "", VOLUME_NAME_MAX, i);
	sprintf(text + len, "\"}");
	assert_int_equal(read_text(text, &rq, &e), 0);
	assert_int_equal(strlen(rq.volumes), len - strlen(head));
	sprintf(text + len, ",ab\"}");
	assert_true(read_text(text, &rq, &e) < 0);
	free(text);
}

static void a_freeze_has_a_limit_and_a_file_room_for_its_partial_name(void **state)
{
	char *text = NULL, path[PATH_MAX];
	struct err e = ERR_INIT;
	struct request rq;
	int len;

	(void)state;
	assert_int_equal(read_text("{\"verb\":\"backup\",\"name\":\"c1\",\"file\":\"/b/x\"}", &rq, &e), 0);
	assert_int_equal(rq.max_freeze, REQUEST_FREEZE);
	assert_string_equal(rq.file, "/b/x");
	for (len = PATH_MAX - 20; len < PATH_MAX; len++) {
		memset(path, 'a', sizeof(path));
		path[0] = '/';
		path[len] = '\0';
		assert_true(asprintf(&text, "{\"verb\":\"backup\",\"name\":\"c1\",\"file\":\"%s\"}", path) > 0);
		if (!read_text(text, &rq, &e))
			assert_true(strlen(rq.file) + strlen(REQUEST_PARTIAL) < PATH_MAX);
		free(text);
	}
}

static void everything_else_is_refused_with_a_reason(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"verb\":7}",
		"{\"verb\":\"\"}",
		"{\"verb\":\"Open\",\"name\":\"c1\"}",
		"{\"verb\":\"doctor\",\"name\":\"c1\"}",
		"{\"verb\":\"confirm\",\"volumes\":\"a\\nb\"}",
		"{\"verb\":\"confirm\",\"volumes\":[\"a\"]}",
		"{\"verb\":\"unwrap\"}",
		"{\"verb\":\"adopt\",\"name\":\"c1\",\"secret_bytes\":8}",
		"{\"verb\":\"adopt\",\"name\":\"c1\",\"device\":\"/dev/vdb\"}",
		"{\"verb\":\"adopt\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"secret_bytes\":0}",
		"{\"verb\":\"adopt\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"secret_bytes\":65537}",
		"{\"verb\":\"adopt\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"secret_bytes\":8,\"sector_size\":4096}",
		"{\"verb\":\"adopt\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"secret_bytes\":8,\"grant_id\":\"ab\"}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"keep_keyslots\":true}",
		"{\"verb\":\"open\",\"name\":\"c1\",\"secret_bytes\":8}",
		"{\"verb\":\"unwrap\",\"name\":\"c1\",\"device\":\"/dev/vdb\"}",
		"{\"verb\":\"open\",\"name\":\"c1\",\"to_file\":true}",
		"{\"verb\":\"open\",\"name\":\"c1\",\"volumes\":\"c1\"}",
		"{\"verb\":\"close\",\"name\":\"c1\",\"revoke_grant\":true}",
		"{\"verb\":\"revoke\",\"name\":\"c1\",\"host\":\"arn:aws:iam::123456789012:role/h\"}",
		"{\"verb\":\"regrant\",\"name\":\"c1\",\"host\":\"host2\"}",
		"{\"verb\":\"regrant\",\"name\":\"c1\",\"host\":\"arn:aws:sts::123456789012:assumed-role/h/s\"}",
		"{\"verb\":\"regrant\",\"name\":\"c1\",\"host\":\"arn:aws:iam::123456789012:role/h\",\"grant_id\":\"ab\"}",
		"{\"verb\":\"open\"}",
		"{\"verb\":\"open\",\"name\":\"\"}",
		"{\"verb\":\"open\",\"name\":\"C1\"}",
		"{\"verb\":\"open\",\"name\":\"../c1\"}",
		"{\"verb\":\"open\",\"name\":\"a b\"}",
		"{\"verb\":\"open\",\"name\":\"c1\\u0000x\"}",
		"{\"verb\":\"open\",\"name\":[\"c1\"]}",
		"{\"verb\":\"open\",\"name\":\"control\"}",
		"{\"verb\":\"open\",\"name\":\"c1\",\"device\":\"vdb\"}",
		"{\"verb\":\"open\",\"name\":\"c1\",\"device\":\"/dev/\\nvdb\"}",
		"{\"verb\":\"open\",\"name\":\"c1\",\"force\":true}",
		"{\"verb\":\"open\",\"name\":\"c1\",\"grant_id\":\"ab\"}",
		"{\"verb\":\"open\",\"name\":\"c1\",\"unknown\":1}",
		"{\"verb\":\"close\",\"name\":\"c1\",\"device\":\"/dev/vdb\"}",
		"{\"verb\":\"close\",\"name\":\"c1\",\"accept_older_header\":true}",
		"{\"verb\":\"list\",\"name\":\"c1\"}",
		"{\"verb\":\"dump\"}",
		"{\"verb\":\"dump\",\"name\":\"c1\",\"device\":\"/dev/vdb\"}",
		"{\"verb\":\"resize\",\"name\":\"c1\",\"size\":0}",
		"{\"verb\":\"resize\",\"name\":\"c1\",\"size\":-4096}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"size\":4096}",
		"{\"verb\":\"close\",\"name\":\"c1\",\"discard\":true}",
		"{\"verb\":\"rewrap\",\"name\":\"c1\"}",
		"{\"verb\":\"rewrap\",\"kms_key\":\"alias/x\"}",
		"{\"verb\":\"rewrap\",\"name\":\"c1\",\"kms_key\":\"alias/x\",\"host\":\"arn:aws:iam::123456789012:role/h\"}",
		"{\"verb\":\"regrant\",\"name\":\"c1\",\"kms_key\":\"alias/x\"}",
		"{\"verb\":\"regrant\",\"name\":\"c1\",\"grant_id\":\"a-b\"}",
		"{\"verb\":\"regrant\",\"name\":\"c1\",\"grant_id\":\"\"}",
		"{\"verb\":\"create\",\"name\":\"c1\"}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"sector_size\":8192}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"sector_size\":-512}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"sector_size\":\"512\"}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"sector_size\":0}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"key_size\":48}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"cache_id\":\"a b\"}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"unit\":\"a\\u001bb\"}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"force\":1}",
		"{\"verb\":\"backup\",\"name\":\"c1\"}",
		"{\"verb\":\"backup\",\"file\":\"/b/x\"}",
		"{\"verb\":\"backup\",\"name\":\"c1\",\"file\":\"x\"}",
		"{\"verb\":\"backup\",\"name\":\"c1\",\"file\":\"/b/\nx\"}",
		"{\"verb\":\"backup\",\"name\":\"c1\",\"file\":\"/b/x\",\"max_freeze\":0}",
		"{\"verb\":\"backup\",\"name\":\"c1\",\"file\":\"/b/x\",\"max_freeze\":90000}",
		"{\"verb\":\"backup\",\"name\":\"c1\",\"file\":\"/b/x\",\"device\":\"/dev/vdb\"}",
		"{\"verb\":\"backup\",\"name\":\"c1\",\"file\":\"/b/x\",\"cache_id\":\"c\"}",
		"{\"verb\":\"restore\",\"name\":\"c1\",\"file\":\"/b/x\"}",
		"{\"verb\":\"restore\",\"name\":\"c1\",\"device\":\"/dev/vdb\"}",
		"{\"verb\":\"restore\",\"name\":\"c1\",\"file\":\"/b/x\",\"device\":\"/dev/vdb\",\"force\":true}",
		"{\"verb\":\"restore\",\"name\":\"c1\",\"file\":\"/b/x\",\"device\":\"/dev/vdb\",\"swap\":true}",
		"{\"verb\":\"restore\",\"name\":\"c1\",\"file\":\"/b/x\",\"device\":\"/dev/vdb\",\"sector_size\":512}",
		"{\"verb\":\"restore\",\"name\":\"c1\",\"file\":\"/b/x\",\"device\":\"/dev/vdb\",\"max_freeze\":5}",
		"{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"file\":\"/b/x\"}",
		"{\"verb\":\"backups\",\"name\":\"c1\"}",
	};
	struct request rq;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;

		if (!read_text(bad[i], &rq, &e))
			fail_msg("accepted: %s", bad[i]);
		assert_true(e.rc < 0);
		assert_true(strlen(e.what) > 0);
	}
}

static void only_unwrap_and_adopt_come_with_a_descriptor(void **state)
{
	struct err e = ERR_INIT;
	struct request rq;
	unsigned int v;

	(void)state;
	for (v = 0; v <= REQUEST_NR; v++)
		assert_int_equal(request_takes_fd(v), v == REQUEST_UNWRAP || v == REQUEST_ADOPT);
	assert_int_equal(read_text("{\"verb\":\"unwrap\",\"name\":\"c1\"}", &rq, &e), 0);
	assert_int_equal(rq.fd, -1);	/* the server's to fill in; never standard input by omission */
}

static void only_status_and_list_are_for_everybody_in_the_group(void **state)
{
	unsigned int v;

	(void)state;
	for (v = 0; v < REQUEST_NR; v++)
		assert_int_equal(request_public(v), v == REQUEST_STATUS || v == REQUEST_LIST || v == REQUEST_BACKUPS);
	assert_false(request_public(REQUEST_NR));
}

static void long_members_do_not_overflow(void **state)
{
	static const char *const members[] = { "name", "device", "kms_key", "cache_id", "grant_id", "unit" };
	size_t sizes[] = { 63, 64, 65, 255, 256, 2048, 4095, 4096, 5000, 20000 }, i, j;
	struct request rq;

	(void)state;
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			char *value = malloc(sizes[j] + 1), *text;
			struct err e = ERR_INIT;

			assert_non_null(value);
			memset(value, 'a', sizes[j]);
			value[0] = i == 1 ? '/' : 'a';
			value[sizes[j]] = '\0';
			assert_true(asprintf(&text, "{\"verb\":\"create\",%s%s\"%s\":\"%s\"}",
					     i ? "\"name\":\"c1\"," : "", i == 1 ? "" : "\"device\":\"/dev/vdb\",",
					     members[i], value) > 0);
			if (!read_text(text, &rq, &e)) {
				assert_true(strlen(rq.name) <= VOLUME_NAME_MAX);
				assert_true(strlen(rq.device) < PATH_MAX);
				assert_true(strlen(rq.unit) <= PIN_UNIT_MAX);
			}
			free(text);
			free(value);
		}
	}
}

/*
 * Property: a good request with one byte changed at random is either still well-formed or
 * refused; never a crash (ASan).
 */
static void random_damage(void **state)
{
	static const char good[] = "{\"verb\":\"create\",\"name\":\"c1\",\"device\":\"/dev/vdb\",\"kms_key\":\"alias/x\","
				   "\"cache_id\":\"Cache_1\",\"unit\":\"valkey.service\",\"sector_size\":512,"
				   "\"key_size\":32,\"allow_discards\":true}";
	char text[sizeof(good)];
	uint64_t seed = 0xbadc0de;
	struct request rq;
	unsigned int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct err e = ERR_INIT;

		memcpy(text, good, sizeof(good));
		text[test_random(&seed) % (sizeof(good) - 1)] = (char)(1 + test_random(&seed) % 255);
		if (!read_text(text, &rq, &e)) {
			assert_int_equal(volume_name_check(rq.name, NULL), 0);
			assert_int_equal(rq.device[0], '/');
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_verb_in_its_plain_form),
		cmocka_unit_test(create_has_defaults_and_takes_all_its_members),
		cmocka_unit_test(swap_is_under_a_kms_key_or_one_of_each_boot),
		cmocka_unit_test(a_host_full_of_volumes_can_be_confirmed),
		cmocka_unit_test(a_freeze_has_a_limit_and_a_file_room_for_its_partial_name),
		cmocka_unit_test(everything_else_is_refused_with_a_reason),
		cmocka_unit_test(only_unwrap_and_adopt_come_with_a_descriptor),
		cmocka_unit_test(only_status_and_list_are_for_everybody_in_the_group),
		cmocka_unit_test(long_members_do_not_overflow),
		cmocka_unit_test(random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
