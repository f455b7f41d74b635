// SPDX-License-Identifier: GPL-2.0-or-later
/* Databases of older programs: they open, nothing in them is lost, and what is new about them has a sound value. */
#include "common/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "store_sql.h"

#define KEY_A "00000000-0000-4000-8000-00000000000a"
#define KEY_B "00000000-0000-4000-8000-00000000000b"
#define MATERIAL "48874be9b8dadc1f4b1da3793c5f9d58b287e5dec783bcc061ff9fa0d6fb0b8"
#define GRANT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef0"

/* Version 1 as it was released, and as it must go on being read. Not taken from store.c, which may not change it. */
static const char version_1[] =
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"
	"CREATE TABLE key (id TEXT PRIMARY KEY, aws_managed INTEGER NOT NULL, state TEXT NOT NULL,"
	" description TEXT NOT NULL, policy TEXT NOT NULL, created_ms INTEGER NOT NULL, deletion_ms INTEGER,"
	" pending_days INTEGER, material_id TEXT NOT NULL) STRICT;"
	"CREATE INDEX key_deletion ON key (deletion_ms) WHERE deletion_ms IS NOT NULL;"
	"CREATE TABLE material (id TEXT PRIMARY KEY, key_id TEXT NOT NULL REFERENCES key (id) ON DELETE CASCADE,"
	" wrapped BLOB NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX material_key ON material (key_id);"
	"CREATE TABLE alias (name TEXT PRIMARY KEY, key_id TEXT NOT NULL REFERENCES key (id) ON DELETE CASCADE,"
	" created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX alias_key ON alias (key_id, name);"
	"CREATE TABLE \"grant\" (id TEXT PRIMARY KEY, key_id TEXT NOT NULL REFERENCES key (id) ON DELETE CASCADE,"
	" name TEXT, grantee TEXT NOT NULL, retiring TEXT, issuer TEXT NOT NULL, operations TEXT NOT NULL,"
	" constraint_type TEXT, constraint_pairs TEXT, context_hash BLOB NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX grant_key ON \"grant\" (key_id, id);"
	"CREATE INDEX grant_grantee ON \"grant\" (key_id, grantee, context_hash);"
	"CREATE INDEX grant_name ON \"grant\" (key_id, name);"
	"CREATE TABLE principal (name TEXT PRIMARY KEY, unique_id TEXT NOT NULL UNIQUE,"
	" access_key TEXT NOT NULL UNIQUE, wrapped BLOB NOT NULL, role INTEGER NOT NULL, admin INTEGER NOT NULL,"
	" disabled INTEGER NOT NULL, via TEXT, policy TEXT, created_ms INTEGER NOT NULL) STRICT;"
	"PRAGMA application_id = 1162562899; PRAGMA user_version = 1;";

static const char contents[] =
	"INSERT INTO meta VALUES ('account', x'313233');"
	"INSERT INTO key VALUES ('" KEY_A "', 0, 'Enabled', 'mine', '{}', 5000, NULL, NULL, '" MATERIAL "a');"
	"INSERT INTO key VALUES ('" KEY_B "', 1, 'Enabled', 'the service''s', '{}', 7000, NULL, NULL, '" MATERIAL "b');"
	"INSERT INTO material VALUES ('" MATERIAL "a', '" KEY_A "', zeroblob(61), 5000);"
	"INSERT INTO material VALUES ('" MATERIAL "b', '" KEY_B "', zeroblob(61), 7000);"
	"INSERT INTO alias VALUES ('alias/x', '" KEY_A "', 5000, 6000);"
	"INSERT INTO \"grant\" VALUES ('" GRANT "', '" KEY_A "', 'name', 'arn:grantee', 'arn:retiring', 'arn:issuer',"
	" 'Decrypt', 'EncryptionContextEquals', '{\"cache\":\"a\"}', x'', 5000);"
	"INSERT INTO principal VALUES ('p', 'AIDA', 'AKIA', zeroblob(69), 0, 1, 0, NULL, '{}', 5000);";

struct fixture {
	char dir[32];
	char path[64];
	struct store *store;
};

static void make_old(struct fixture *f)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, contents, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_init("test", LOG_CRIT);
	strcpy(f->dir, "/tmp/kmsd-migrate-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/kms.db", f->dir);
	make_old(f);
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

static void what_version_1_held_is_there(void **state)
{
	struct fixture *f = *state;
	uint8_t wrapped[WRAPPED_MATERIAL_SIZE];
	struct principal p;
	struct alias a;
	struct grant g;
	struct key k;

	assert_int_equal(store_open(f->path, &f->store, NULL), 0);
	assert_int_equal(store_check(f->store, NULL), 0);
	assert_int_equal(store_key_get(f->store, KEY_A, &k), 0);
	assert_string_equal(k.description, "mine");
	assert_string_equal(k.material_id, MATERIAL "a");
	assert_int_equal(k.rotation_days, 0);
	key_free(&k);
	assert_int_equal(store_material_get(f->store, KEY_A, MATERIAL "a", wrapped), 0);
	assert_int_equal(store_alias_get(f->store, "alias/x", &a), 0);
	assert_string_equal(a.key_id, KEY_A);
	assert_int_equal(store_grant_get(f->store, GRANT, &g), 0);
	assert_string_equal(g.grantee, "arn:grantee");
	assert_string_equal(g.retiring, "arn:retiring");
	assert_int_equal(g.constraint, GRANT_CONTEXT_EQUALS);
	assert_false(g.grantee_is_service);
	assert_string_equal(g.source_arn, "");
	grant_free(&g);
	assert_int_equal(store_principal_get(f->store, "p", &p), 0);
	assert_true(p.admin);
	principal_free(&p);
}

static void the_services_key_begins_to_rotate(void **state)
{
	const int64_t due = 7000 + INT64_C(365) * 24 * 3600 * 1000;
	struct fixture *f = *state;
	char id[KEY_ID_SIZE];
	struct key k;

	assert_int_equal(store_open(f->path, &f->store, NULL), 0);
	assert_int_equal(store_key_get(f->store, KEY_B, &k), 0);
	assert_int_equal(k.rotation_days, 365);
	assert_true(k.rotate_ms == due);
	key_free(&k);
	assert_int_equal(store_key_rotation_due(f->store, due - 1, id), -ENOENT);
	assert_int_equal(store_key_rotation_due(f->store, due, id), 0);
	assert_string_equal(id, KEY_B);
}

/* The material of before is the first of its key, and others can follow it. */
static void old_material_is_the_first(void **state)
{
	struct material second = { .id = MATERIAL "c", .rotation = ROTATION_ON_DEMAND, .created_ms = 9000 }, list[3];
	uint8_t wrapped[WRAPPED_MATERIAL_SIZE] = { 0 };
	struct fixture *f = *state;
	unsigned int nr;

	assert_int_equal(store_open(f->path, &f->store, NULL), 0);
	assert_int_equal(store_material_add(f->store, KEY_A, &second, wrapped), 0);
	assert_int_equal(store_material_list(f->store, KEY_A, 0, 3, list, &nr), 0);
	assert_int_equal(nr, 2);
	assert_string_equal(list[0].id, MATERIAL "a");
	assert_int_equal(list[0].rotation, ROTATION_NONE);
	assert_string_equal(list[1].id, MATERIAL "c");
	assert_int_equal(list[1].rotation, ROTATION_ON_DEMAND);
}

/* schema - all that CREATE statements say, columns that were added later included. */
static void schema(struct store *s, char *out, size_t size)
{
	sqlite3_stmt *st;
	size_t n = 0;

	assert_int_equal(sql_start(s, &st, "SELECT m.name, m.sql, (SELECT group_concat(x.name || x.type || x.\"notnull\", ';')"
				   " FROM pragma_table_info(m.name) x) FROM sqlite_master m ORDER BY m.name", ""), 0);
	while (sql_step(s, st) == 1) {
		for (int col = 0; col < 3; col++) {
			const char *text = (const char *)sqlite3_column_text(st, col);

			n += (size_t)snprintf(out + n, size - n, "%s\n", text ? text : "");
			assert_true(n < size);
		}
	}
	sqlite3_finalize(st);
}

static void an_old_database_becomes_what_a_new_one_is(void **state)
{
	struct fixture *f = *state;
	struct store *fresh;
	char path[80], old_text[16384], new_text[16384];

	assert_int_equal(store_open(f->path, &f->store, NULL), 0);
	snprintf(path, sizeof(path), "%s.fresh", f->path);
	assert_int_equal(store_create(path, &fresh, NULL), 0);
	schema(f->store, old_text, sizeof(old_text));
	schema(fresh, new_text, sizeof(new_text));
	store_close(fresh);
	assert_string_equal(old_text, new_text);
}

/* A migration that fails leaves the database to the old program. */
static void a_migration_is_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	sqlite3 *db;
	int version = 0;
	sqlite3_stmt *st;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	/* stands where the last thing of the migration wants to be */
	assert_int_equal(sqlite3_exec(db, "CREATE INDEX grant_retiring ON \"grant\" (id)", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_not_equal(store_open(f->path, &f->store, &e), 0);
	assert_non_null(strstr(e.what, "up to date"));
	assert_null(f->store);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	assert_int_equal(version, 1);
	assert_int_not_equal(sqlite3_exec(db, "SELECT * FROM tag", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP INDEX grant_retiring", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(f->path, &f->store, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_version_1_held_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(the_services_key_begins_to_rotate, setup, teardown),
		cmocka_unit_test_setup_teardown(old_material_is_the_first, setup, teardown),
		cmocka_unit_test_setup_teardown(an_old_database_becomes_what_a_new_one_is, setup, teardown),
		cmocka_unit_test_setup_teardown(a_migration_is_whole_or_not_at_all, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
