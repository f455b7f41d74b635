// SPDX-License-Identifier: GPL-2.0-or-later
/* The database: what was answered is there after a restart, and what is not ours or too new is left alone. */
#include "common/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "store_sql.h"

struct fixture {
	char dir[32];
	char path[64];
	struct store *store;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_init("test", LOG_CRIT);
	strcpy(f->dir, "/tmp/kmsd-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/kms.db", f->dir);
	assert_int_equal(store_create(f->path, &f->store, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[64];

	store_close(f->store);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void reopen(struct fixture *f)
{
	struct err e = ERR_INIT;

	store_close(f->store);
	f->store = NULL;
	if (store_open(f->path, &f->store, &e))
		fail_msg("%s", e.what);
}

#define KEY_A "00000000-0000-4000-8000-00000000000a"
#define KEY_B "00000000-0000-4000-8000-00000000000b"
#define MATERIAL "48874be9b8dadc1f4b1da3793c5f9d58b287e5dec783bcc061ff9fa0d6fb0b8"
#define GRANT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef"

static void add_key(struct fixture *f, const char *id, const char *material)
{
	char description[] = "it's \"one\"", policy[] = "{}";
	struct key k = { .state = KEY_ENABLED, .description = description, .policy = policy, .created_ms = 5 };
	uint8_t wrapped[WRAPPED_MATERIAL_SIZE];

	strcpy(k.id, id);
	strcpy(k.material_id, material);
	memset(wrapped, 0x5a, sizeof(wrapped));
	assert_int_equal(store_key_add(f->store, &k, wrapped), 0);
}

static void keys_last(void **state)
{
	struct fixture *f = *state;
	uint8_t wrapped[WRAPPED_MATERIAL_SIZE];
	struct key k;

	add_key(f, KEY_A, MATERIAL "a");
	reopen(f);
	assert_int_equal(store_key_get(f->store, KEY_A, &k), 0);
	assert_string_equal(k.id, KEY_A);
	assert_string_equal(k.description, "it's \"one\"");
	assert_string_equal(k.material_id, MATERIAL "a");
	assert_int_equal(k.state, KEY_ENABLED);
	assert_int_equal(k.created_ms, 5);
	k.state = KEY_PENDING_DELETION;
	k.deletion_ms = 1000;
	k.pending_days = 7;
	assert_int_equal(store_key_set_state(f->store, &k), 0);
	key_free(&k);
	reopen(f);
	assert_int_equal(store_key_get(f->store, KEY_A, &k), 0);
	assert_int_equal(k.state, KEY_PENDING_DELETION);
	assert_int_equal(k.deletion_ms, 1000);
	assert_int_equal(k.pending_days, 7);
	key_free(&k);
	assert_int_equal(store_material_get(f->store, KEY_A, MATERIAL "a", wrapped), 0);
	assert_int_equal(wrapped[0], 0x5a);
	/* the material of another key is not this key's */
	add_key(f, KEY_B, MATERIAL "b");
	assert_int_equal(store_material_get(f->store, KEY_A, MATERIAL "b", wrapped), -ENOENT);
	assert_int_equal(store_key_get(f->store, "none", &k), -ENOENT);
}

static void make_grant(struct grant *g, const char *id)
{
	struct json_object *o = json_tokener_parse("{\"b\":\"2\",\"a\":\"\\\"1\"}");

	memset(g, 0, sizeof(*g));
	strcpy(g->id, id);
	strcpy(g->key_id, KEY_A);
	strcpy(g->name, "cache");
	strcpy(g->grantee, "arn:aws:iam::123456789012:role/host");
	strcpy(g->issuer, "arn:aws:iam::123456789012:user/creator");
	g->operations = grant_operation_bit("Decrypt") | grant_operation_bit("DescribeKey");
	g->constraint = GRANT_CONTEXT_EQUALS;
	g->created_ms = 77;
	assert_int_equal(context_from_json(&g->pairs, o), 0);
	json_object_put(o);
}

static void grants_last_until_they_are_deleted(void **state)
{
	struct fixture *f = *state;
	struct grant g, back;

	add_key(f, KEY_A, MATERIAL "a");
	make_grant(&g, GRANT "0");
	assert_int_equal(store_grant_add(f->store, &g), 0);
	reopen(f);
	assert_int_equal(store_grant_get(f->store, GRANT "0", &back), 0);
	assert_true(grant_same_request(&g, &back));
	assert_string_equal(back.issuer, g.issuer);
	assert_string_equal(back.retiring, "");
	assert_int_equal(back.created_ms, 77);
	grant_free(&back);
	assert_int_equal(store_grant_delete(f->store, GRANT "0"), 0);
	assert_int_equal(store_grant_delete(f->store, GRANT "0"), -ENOENT);
	reopen(f);
	assert_int_equal(store_grant_get(f->store, GRANT "0", &back), -ENOENT);
	grant_free(&g);
}

static int count_grant(void *ctx, struct grant *g)
{
	(void)g;
	++*(unsigned int *)ctx;
	return 0;
}

static unsigned int found(struct fixture *f, const struct grant_filter *filter)
{
	unsigned int nr = 0;

	assert_int_equal(store_grant_each(f->store, filter, count_grant, &nr), 0);
	return nr;
}

static void a_grant_is_found_among_many_by_its_context(void **state)
{
	struct grant_filter filter = { .key_id = KEY_A, .grantee = "arn:aws:iam::123456789012:role/host" };
	uint8_t hash[SHA256_SIZE];
	struct fixture *f = *state;
	struct json_object *wanted;
	struct context ctx;
	char text[64];

	add_key(f, KEY_A, MATERIAL "a");
	assert_int_equal(store_begin(f->store), 0);
	for (unsigned int i = 0; i < 500; i++) {
		struct json_object *o;
		struct grant g;

		make_grant(&g, GRANT "0");
		snprintf(g.id, sizeof(g.id), "%064x", i);
		context_free(&g.pairs);
		snprintf(text, sizeof(text), "{\"cache\":\"c%u\"}", i);
		o = json_tokener_parse(text);
		assert_int_equal(context_from_json(&g.pairs, o), 0);
		json_object_put(o);
		/* one in a hundred has another kind of constraint, or none */
		if (i % 100 == 0)
			g.constraint = GRANT_CONTEXT_SUBSET;
		if (i % 100 == 1)
			g.constraint = GRANT_UNCONSTRAINED;
		assert_int_equal(store_grant_add(f->store, &g), 0);
		grant_free(&g);
	}
	assert_int_equal(store_end(f->store, 0), 0);
	assert_int_equal(found(f, &filter), 500);
	wanted = json_tokener_parse("{\"Cache\":\"c123\"}");
	assert_int_equal(context_from_json(&ctx, wanted), 0);
	json_object_put(wanted);
	assert_int_equal(context_folded_hash(&ctx, hash), 0);
	context_free(&ctx);
	filter.hash = hash;
	assert_int_equal(found(f, &filter), 1 + 10);
	filter.operation = "Decrypt";
	assert_int_equal(found(f, &filter), 1 + 10);
	filter.operation = "Encrypt";
	assert_int_equal(found(f, &filter), 0);
	/* a part of a name is not the name */
	filter.operation = "Describe";
	assert_int_equal(found(f, &filter), 0);
}

/* What a newer program wrote must not be read as less than it is. */
static void an_unknown_constraint_is_no_grant(void **state)
{
	struct fixture *f = *state;
	struct grant g, back;

	add_key(f, KEY_A, MATERIAL "a");
	make_grant(&g, GRANT "0");
	assert_int_equal(store_grant_add(f->store, &g), 0);
	grant_free(&g);
	assert_int_equal(sql_run(f->store, "UPDATE \"grant\" SET constraint_type = 'PhaseOfTheMoon'", ""), 0);
	assert_int_equal(store_grant_get(f->store, GRANT "0", &back), -EIO);
	assert_int_equal(sql_run(f->store, "UPDATE \"grant\" SET constraint_type = 'EncryptionContextEquals',"
					   " constraint_pairs = '{'", ""), 0);
	assert_int_not_equal(store_grant_get(f->store, GRANT "0", &back), 0);
}

static void one_name_one_alias(void **state)
{
	struct fixture *f = *state;
	struct alias a = { .name = "alias/x", .key_id = KEY_A, .created_ms = 1, .updated_ms = 2 }, list[3];
	unsigned int nr;

	add_key(f, KEY_A, MATERIAL "a");
	assert_int_equal(store_alias_add(f->store, &a), 0);
	assert_int_equal(store_alias_add(f->store, &a), -EEXIST);
	strcpy(a.name, "alias/a");
	assert_int_equal(store_alias_add(f->store, &a), 0);
	assert_int_equal(store_alias_list(f->store, NULL, "", 3, list, &nr), 0);
	assert_int_equal(nr, 2);
	assert_string_equal(list[0].name, "alias/a");
	assert_int_equal(store_alias_list(f->store, KEY_A, "alias/a", 3, list, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(store_alias_list(f->store, KEY_B, "", 3, list, &nr), 0);
	assert_int_equal(nr, 0);
	/* an alias must have a key */
	strcpy(a.name, "alias/b");
	strcpy(a.key_id, KEY_B);
	assert_int_not_equal(store_alias_add(f->store, &a), 0);
}

static bool file_has(const char *path, const void *needle, size_t len)
{
	FILE *file = fopen(path, "r");
	char data[262144];
	size_t n;

	if (!file)
		return false;
	n = fread(data, 1, sizeof(data), file);
	fclose(file);
	return memmem(data, n, needle, len);
}

static void a_due_key_is_gone_with_all_that_hangs_on_it(void **state)
{
	struct fixture *f = *state;
	struct alias a = { .name = "alias/x", .key_id = KEY_A };
	uint8_t wrapped[WRAPPED_MATERIAL_SIZE];
	char wal[80];
	struct key_ref gone[2];
	unsigned int nr;
	struct grant g;
	struct key k;

	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	add_key(f, KEY_A, MATERIAL "a");
	make_grant(&g, GRANT "0");
	assert_int_equal(store_grant_add(f->store, &g), 0);
	grant_free(&g);
	assert_int_equal(store_alias_add(f->store, &a), 0);
	memset(wrapped, 0x5a, sizeof(wrapped));
	assert_true(file_has(f->path, wrapped, sizeof(wrapped)) || file_has(wal, wrapped, sizeof(wrapped)));
	assert_int_equal(store_key_get(f->store, KEY_A, &k), 0);
	k.state = KEY_PENDING_DELETION;
	k.deletion_ms = 1000;
	assert_int_equal(store_key_set_state(f->store, &k), 0);
	key_free(&k);
	assert_int_equal(store_purge(f->store, 999, 2, gone, &nr), 0);
	assert_int_equal(nr, 0);
	assert_int_equal(store_purge(f->store, 1000, 2, gone, &nr), 0);
	assert_int_equal(nr, 1);
	assert_string_equal(gone[0].id, KEY_A);
	assert_int_equal(store_key_get(f->store, KEY_A, &k), -ENOENT);
	assert_int_equal(store_material_get(f->store, KEY_A, MATERIAL "a", wrapped), -ENOENT);
	assert_int_equal(store_grant_get(f->store, GRANT "0", &g), -ENOENT);
	assert_int_equal(store_alias_get(f->store, "alias/x", &a), -ENOENT);
	memset(wrapped, 0x5a, sizeof(wrapped));
	assert_false(file_has(f->path, wrapped, sizeof(wrapped)));
	assert_false(file_has(wal, wrapped, sizeof(wrapped)));
}

static void a_failed_change_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct key k;

	assert_int_equal(store_begin(f->store), 0);
	add_key(f, KEY_A, MATERIAL "a");
	assert_int_equal(store_end(f->store, -ECANCELED), -ECANCELED);
	assert_int_equal(store_key_get(f->store, KEY_A, &k), -ENOENT);
	assert_int_equal(store_begin(f->store), 0);
	add_key(f, KEY_A, MATERIAL "a");
	assert_int_equal(store_end(f->store, 0), 0);
	assert_int_equal(store_key_get(f->store, KEY_A, &k), 0);
	key_free(&k);
}

/* A process that dies without closing anything has still written what it was told was written. */
static void an_answer_outlives_a_kill(void **state)
{
	struct fixture *f = *state;
	struct grant g;
	int status;
	pid_t pid;

	add_key(f, KEY_A, MATERIAL "a");
	store_close(f->store);
	f->store = NULL;
	pid = fork();
	if (!pid) {
		if (store_open(f->path, &f->store, NULL))
			_exit(1);
		make_grant(&g, GRANT "1");
		if (store_grant_add(f->store, &g))
			_exit(2);
		store_begin(f->store);
		make_grant(&g, GRANT "2");
		store_grant_add(f->store, &g);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(store_open(f->path, &f->store, NULL), 0);
	assert_int_equal(store_check(f->store, NULL), 0);
	assert_int_equal(store_grant_get(f->store, GRANT "1", &g), 0);
	grant_free(&g);
	assert_int_equal(store_grant_get(f->store, GRANT "2", &g), -ENOENT);
}

/* Losing power cannot be tried here; what outliving it rests on can be looked at. */
static void commits_wait_for_the_disk(void **state)
{
	struct fixture *f = *state;
	int64_t synchronous = 0, secure_delete = 0;
	sqlite3_stmt *st;
	char mode[16] = "";

	reopen(f);
	assert_int_equal(sql_start(f->store, &st, "PRAGMA journal_mode", ""), 0);
	assert_int_equal(sql_step(f->store, st), 1);
	assert_int_equal(sql_text(st, 0, mode, sizeof(mode)), 0);
	sqlite3_finalize(st);
	assert_string_equal(mode, "wal");
	assert_int_equal(sql_number(f->store, &synchronous, "PRAGMA synchronous", ""), 0);
	assert_int_equal(synchronous, 2);
	assert_int_equal(sql_number(f->store, &secure_delete, "PRAGMA secure_delete", ""), 0);
	assert_int_equal(secure_delete, 1);
}

static void two_processes_see_each_other(void **state)
{
	struct fixture *f = *state;
	struct principal p = { .name = "a", .unique_id = "AIDA", .access_key = "AKIA1" }, back;
	struct store *other;

	assert_int_equal(store_open(f->path, &other, NULL), 0);
	assert_int_equal(store_principal_get(f->store, "a", &back), -ENOENT);
	assert_int_equal(store_principal_add(other, &p), 0);
	assert_int_equal(store_principal_get(f->store, "a", &back), 0);
	strcpy(p.access_key, "AKIA2");
	p.disabled = true;
	assert_int_equal(store_principal_update(other, &p), 0);
	assert_int_equal(store_principal_by_access_key(f->store, "AKIA1", &back), -ENOENT);
	assert_int_equal(store_principal_by_access_key(f->store, "AKIA2", &back), 0);
	assert_true(back.disabled);
	assert_null(back.policy);
	store_close(other);
}

static void a_newer_or_foreign_database_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	struct stat st;
	FILE *file;

	assert_int_equal(sql_run(f->store, "PRAGMA user_version = 3", ""), 0);
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(store_open(f->path, &f->store, &e), -EBADMSG);
	assert_non_null(strstr(e.what, "version 3"));
	assert_null(f->store);
	assert_int_equal(unlink(f->path), 0);
	file = fopen(f->path, "w");
	assert_non_null(file);
	fputs("this is a letter to my aunt, and no database", file);
	fclose(file);
	assert_int_not_equal(store_open(f->path, &f->store, &e), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, 44);
	assert_int_equal(unlink(f->path), 0);
	assert_int_not_equal(store_open(f->path, &f->store, &e), 0);
	assert_int_not_equal(stat(f->path, &st), 0);
}

/* Whoever reads it at night has to know what next. */
static void a_damaged_database_says_what_to_do(void **state)
{
	static const char noise[4096 * 3] = "no page of anything";
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	struct stat st;
	FILE *file;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(st.st_size > (off_t)sizeof(noise) + 4096);
	file = fopen(f->path, "r+");
	assert_non_null(file);
	/* behind the first page, which says what the file is */
	assert_int_equal(fseek(file, 4096, SEEK_SET), 0);
	assert_int_equal(fwrite(noise, 1, sizeof(noise), file), sizeof(noise));
	fclose(file);
	assert_int_equal(store_open(f->path, &f->store, &e), 0);
	assert_int_equal(store_check(f->store, &e), -EBADMSG);
	assert_non_null(strstr(e.what, "damaged"));
	assert_non_null(strstr(e.hint, f->path));
	assert_non_null(strstr(e.hint, "backup"));
}

static void a_new_database_takes_nobodys_place(void **state)
{
	struct fixture *f = *state;
	struct store *other = NULL;
	struct key k;

	add_key(f, KEY_A, MATERIAL "a");
	assert_int_equal(store_create(f->path, &other, NULL), -EEXIST);
	assert_null(other);
	assert_int_equal(store_key_get(f->store, KEY_A, &k), 0);
	key_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_last, setup, teardown),
		cmocka_unit_test_setup_teardown(grants_last_until_they_are_deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_grant_is_found_among_many_by_its_context, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unknown_constraint_is_no_grant, setup, teardown),
		cmocka_unit_test_setup_teardown(one_name_one_alias, setup, teardown),
		cmocka_unit_test_setup_teardown(a_due_key_is_gone_with_all_that_hangs_on_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_change_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_outlives_a_kill, setup, teardown),
		cmocka_unit_test_setup_teardown(commits_wait_for_the_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(two_processes_see_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(a_newer_or_foreign_database_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_database_says_what_to_do, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_database_takes_nobodys_place, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
