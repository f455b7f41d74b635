// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was answered is done, what was not answered is done whole or not at all: with the power cut, and with the disk
 * full, at every operation on the database's files in turn.
 */
#include "service_test.h"

#include "disk_test.h"
#include "store_sql.h"

#define STEPS 12
#define VIEW_SIZE 8192
#define DAY_MS (INT64_C(24) * 3600 * 1000)

#define OPEN_POLICY									\
	"{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\","	\
	"\\\"Action\\\":\\\"kms:*\\\",\\\"Resource\\\":\\\"*\\\"}]}"

static int64_t begin_ms;
static char base[64];			/* a state to begin with */
static char views[STEPS + 1][VIEW_SIZE];	/* what is to be seen after so many steps */

/* Keys are known by their descriptions, grants by their names: ids are different in each run. */
struct run {
	struct kit kit;
	char old_key[ARN_SIZE], key[ARN_SIZE];
	char grant[2][HEX_ID_SIZE];
};

/* try - as admin; whether it was answered with success. A refusal must be the server's own fault. */
static bool try(struct run *r, const char *op, char *id, const char *member, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
static bool try(struct run *r, const char *op, char *id, const char *member, const char *fmt, ...)
{
	struct kit_answer a;
	char body[4096];
	bool ok;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(body, sizeof(body), fmt, ap);
	va_end(ap);
	kit_call(&r->kit, &a, "admin", op, body);
	ok = a.status == 200;
	if (!ok && strcmp(a.type, "KMSInternalException"))
		fail_msg("%s: %s: %s", op, a.type, a.message);
	if (ok && id) {
		struct json_object *o = a.json;

		json_object_object_get_ex(o, "KeyMetadata", &o);
		if (!o)
			o = a.json;
		assert_true(json_object_object_get_ex(o, member, &o));
		strcpy(id, json_object_get_string(o));
	}
	kit_answer_free(&a);
	return ok;
}

static bool grant(struct run *r, unsigned int i)
{
	return try(r, "CreateGrant", r->grant[i], "GrantId",
		   "{\"KeyId\":\"%s\",\"GranteePrincipal\":\"%s\",\"Operations\":[\"Decrypt\"],\"Name\":\"g%u\","
		   "\"Constraints\":{\"EncryptionContextEquals\":{\"a\":\"b\"}}}", r->key, KIT_USER("admin"), i);
}

static bool step(struct run *r, unsigned int i)
{
	switch (i) {
	case 0:
		return try(r, "CreateKey", r->key, "Arn", "{\"Description\":\"new\"}");
	case 1:
		return try(r, "RotateKeyOnDemand", NULL, NULL, "{\"KeyId\":\"%s\"}", r->key);
	case 2:
	case 3:
		return grant(r, i - 2);
	case 4:
		return try(r, "RevokeGrant", NULL, NULL, "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", r->key, r->grant[0]);
	case 5:
		return try(r, "DisableKey", NULL, NULL, "{\"KeyId\":\"%s\"}", r->key);
	case 6:
		return try(r, "RetireGrant", NULL, NULL, "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", r->key, r->grant[1]);
	case 7:
		return try(r, "EnableKey", NULL, NULL, "{\"KeyId\":\"%s\"}", r->key);
	case 8:
		return try(r, "PutKeyPolicy", NULL, NULL, "{\"KeyId\":\"%s\",\"Policy\":\"" OPEN_POLICY "\"}", r->key);
	case 9:
		return try(r, "DescribeKey", NULL, NULL, "{\"KeyId\":\"alias/aws/elasticache\"}");
	case 10:
		return try(r, "ScheduleKeyDeletion", NULL, NULL, "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}",
			   r->old_key);
	default:
		/* its end, which whoever calls next brings about */
		kit_now = begin_ms + 8 * DAY_MS;
		return try(r, "ListKeys", NULL, NULL, "{}");
	}
}

static struct json_object *asked(struct run *r, const char *op, const char *key, const char *list, struct kit_answer *a)
{
	struct json_object *o;
	char body[1024];

	snprintf(body, sizeof(body), key ? "{\"KeyId\":\"%s\"}" : "{}", key);
	kit_call(&r->kit, a, "admin", op, body);
	if (a->status != 200)
		fail_msg("%s: %s: %s", op, a->type, a->message);
	return json_object_object_get_ex(a->json, list, &o) ? o : NULL;
}

static const char *text(struct json_object *o, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(o, name, &value) ? json_object_get_string(value) : "";
}

/* see_key - one line, and whether it works: its material is there, and opens. */
static void see_key(struct run *r, const char *arn, char *line, size_t size)
{
	struct kit_answer a;
	struct json_object *o = asked(r, "DescribeKey", arn, "KeyMetadata", &a);
	int n = snprintf(line, size, "%s %s:", text(o, "Description"), text(o, "KeyState"));

	kit_answer_free(&a);
	o = asked(r, "ListAliases", arn, "Aliases", &a);
	for (size_t i = 0; i < json_object_array_length(o); i++)
		n += snprintf(line + n, size - (size_t)n, " %s", text(json_object_array_get_idx(o, i), "AliasName"));
	kit_answer_free(&a);
	o = asked(r, "ListGrants", arn, "Grants", &a);
	/* in order of ids, which are random; there are two at most */
	for (int name = 0; name < 2; name++)
		for (size_t i = 0; i < json_object_array_length(o); i++)
			if (text(json_object_array_get_idx(o, i), "Name")[1] == '0' + name)
				n += snprintf(line + n, size - (size_t)n, " %s",
					      text(json_object_array_get_idx(o, i), "Constraints"));
	kit_answer_free(&a);
	asked(r, "GetKeyPolicy", arn, "Policy", &a);
	n += snprintf(line + n, size - (size_t)n, " policy %zu", strlen(kit_string(&a, "Policy")));
	kit_answer_free(&a);
	o = asked(r, "ListKeyRotations", arn, "Rotations", &a);
	n += snprintf(line + n, size - (size_t)n, " rotated %zu", json_object_array_length(o));
	kit_answer_free(&a);
	snprintf(line + n, size - (size_t)n, " encrypts \"%s\"\n",
		 kit_fails(&r->kit, "admin", "Encrypt", "{\"KeyId\":\"%s\",\"Plaintext\":\"eA==\"}", arn));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* see - all that can be seen, in an order that does not depend on ids. Time stands before the key's end. */
static void see(struct run *r, char out[VIEW_SIZE])
{
	char lines[8][1024] = { "" };
	struct kit_answer a;
	struct json_object *o;
	size_t nr;

	kit_now = begin_ms;
	o = asked(r, "ListKeys", NULL, "Keys", &a);
	nr = json_object_array_length(o);
	assert_in_range(nr, 0, 8);
	for (size_t i = 0; i < nr; i++)
		see_key(r, text(json_object_array_get_idx(o, i), "KeyArn"), lines[i], sizeof(lines[i]));
	kit_answer_free(&a);
	qsort(lines, nr, sizeof(*lines), by_text);
	*out = '\0';
	for (size_t i = 0; i < nr; i++)
		strcat(out, lines[i]);
}

static void copy_file(const char *from_dir, const char *to_dir, const char *name)
{
	char from[128], to[128], *data;
	size_t len;

	snprintf(from, sizeof(from), "%s/%s", from_dir, name);
	snprintf(to, sizeof(to), "%s/%s", to_dir, name);
	assert_int_equal(fsio_read(from, 1 << 24, &data, &len, NULL), 0);
	assert_int_equal(fsio_create(to, data, len, 0600, NULL), 0);
	free(data);
}

/* small_log - of WAL pages before SQLite writes them back: all that is done to the files happens in a short run too. */
static void reopen(struct run *r, bool small_log)
{
	kit_reopen(&r->kit);
	if (small_log)
		sqlite3_wal_autocheckpoint(r->kit.svc.store->db, 3);
}

static void begin(struct run *r, bool small_log, unsigned int cut_at, unsigned int full_at)
{
	struct json_object *o;
	struct kit_answer a;

	memset(r, 0, sizeof(*r));
	r->kit.svc = (struct service)SERVICE_INIT;
	kit_now = begin_ms;
	strcpy(r->kit.dir, "/tmp/kmsd-cut-XXXXXX");
	assert_non_null(mkdtemp(r->kit.dir));
	copy_file(base, r->kit.dir, STATE_DATABASE);
	copy_file(base, r->kit.dir, STATE_ROOT_SECRET);
	disk_reset(0, 0);
	reopen(r, small_log);
	o = asked(r, "ListKeys", NULL, "Keys", &a);
	strcpy(r->old_key, text(json_object_array_get_idx(o, 0), "KeyArn"));
	kit_answer_free(&a);
	disk.ops = 0;
	disk.cut_at = cut_at;
	disk.full_at = full_at;
}

static void end(struct run *r)
{
	state_close(&r->kit.svc);
	disk_reset(0, 0);
	nftw(r->kit.dir, kit_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static int prepare(void **state)
{
	struct kit *k;
	char key[ARN_SIZE];

	kit_setup(state);
	k = *state;
	begin_ms = kit_now;
	kit_key(k, key);
	state_close(&k->svc);
	strcpy(base, k->dir);
	disk_reset(0, 0);
	disk_insert();
	return 0;
}

static int clean_up(void **state)
{
	struct kit *k = *state;

	nftw(k->dir, kit_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(k);
	disk_reset(0, 0);
	return 0;
}

/* operations - of a run in which nothing goes wrong; fills in what is seen after each step. */
static unsigned int operations(bool small_log)
{
	struct run r;
	unsigned int nr = 0;

	begin(&r, small_log, 0, 0);
	see(&r, views[0]);
	disk.ops = 0;
	for (unsigned int i = 0; i < STEPS; i++) {
		assert_true(step(&r, i));
		nr = disk.ops;
		see(&r, views[i + 1]);
		assert_string_not_equal(views[i], views[i + 1]);
	}
	end(&r);
	return nr;
}

static void cut_everywhere(bool small_log, enum disk_loss loss)
{
	unsigned int nr = operations(small_log), both = 0;
	char view[VIEW_SIZE];

	assert_true(nr >= 2 * STEPS);
	for (unsigned int at = 1; at <= nr; at++) {
		struct err e = ERR_INIT;
		unsigned int done = 0;
		struct run r;

		begin(&r, small_log, at, 0);
		while (done < STEPS && step(&r, done))
			done++;
		assert_true(disk.dead || done == STEPS);
		state_close(&r.kit.svc);
		disk_restore(loss);
		kit_now = begin_ms;
		reopen(&r, small_log);
		if (store_check(r.kit.svc.store, &e))
			fail_msg("operation %u of %u: %s", at, nr, e.what);
		see(&r, view);
		if (strcmp(view, views[done]) && (done == STEPS || strcmp(view, views[done + 1])))
			fail_msg("cut at operation %u of %u, loss %d, %u steps answered: there is\n%safter them\n%s",
				 at, nr, loss, done, view, views[done]);
		both |= strcmp(view, views[done]) ? 2 : 1;
		end(&r);
	}
	/* a commit whose answer did not go out is kept by a kill alone */
	assert_true(both & 1);
	if (loss == DISK_KEEPS_ALL)
		assert_int_equal(both, 3);
}

static void a_killed_server_keeps_what_it_answered(void **state)
{
	(void)state;
	cut_everywhere(false, DISK_KEEPS_ALL);
	cut_everywhere(true, DISK_KEEPS_ALL);
}

static void a_power_cut_loses_nothing_answered(void **state)
{
	(void)state;
	cut_everywhere(false, DISK_KEEPS_SYNCED);
	cut_everywhere(true, DISK_KEEPS_SYNCED);
}

static void nor_does_one_that_tears_writes_apart(void **state)
{
	(void)state;
	cut_everywhere(false, DISK_KEEPS_SOME);
	cut_everywhere(true, DISK_KEEPS_SOME);
}

/* A full disk fails single requests; with space again they succeed, and the rest with them. */
static void fill_everywhere(bool small_log)
{
	unsigned int nr = operations(small_log), refused = 0;
	char view[VIEW_SIZE];

	for (unsigned int at = 1; at <= nr; at++) {
		struct run r;

		begin(&r, small_log, 0, at);
		for (unsigned int i = 0; i < STEPS; i++) {
			bool ok = step(&r, i);

			if (ok && !disk_full())
				continue;
			see(&r, view);
			assert_string_equal(view, views[ok ? i + 1 : i]);
			refused += !ok;
			disk.full_at = 0;
			if (!ok && !step(&r, i))
				fail_msg("step %u fails though there is space again", i);
		}
		see(&r, view);
		assert_string_equal(view, views[STEPS]);
		kit_reopen(&r.kit);
		assert_int_equal(store_check(r.kit.svc.store, NULL), 0);
		end(&r);
	}
	assert_true(refused >= STEPS);
}

static void a_full_disk_half_does_nothing(void **state)
{
	(void)state;
	fill_everywhere(false);
	fill_everywhere(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_server_keeps_what_it_answered),
		cmocka_unit_test(a_power_cut_loses_nothing_answered),
		cmocka_unit_test(nor_does_one_that_tears_writes_apart),
		cmocka_unit_test(a_full_disk_half_does_nothing),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
