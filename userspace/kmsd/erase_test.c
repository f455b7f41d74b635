// SPDX-License-Identifier: GPL-2.0-or-later
/* A deleted key leaves no copy of its wrapped material in any file; those of the keys that stay are there. */
#include "service_test.h"

#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store_sql.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define KEYS 120
#define ROTATIONS 4

struct copy {
	uint8_t wrapped[KEYS * ROTATIONS][WRAPPED_MATERIAL_SIZE];
	unsigned int nr;
};

/* remember - the wrapped materials of a key. */
static void remember(struct kit *k, const char *arn, struct copy *c)
{
	sqlite3_stmt *st;

	assert_int_equal(sql_start(k->svc.store, &st, "SELECT wrapped FROM material WHERE key_id = ?", "s",
				   strstr(arn, "key/") + 4), 0);
	while (sql_step(k->svc.store, st) == 1) {
		assert_true(c->nr < KEYS * ROTATIONS);
		assert_int_equal(sql_blob(st, 0, c->wrapped[c->nr++], WRAPPED_MATERIAL_SIZE), 0);
	}
	sqlite3_finalize(st);
}

/* in_files - how many of the copies are in files of the state directory, each in at least one. */
static unsigned int in_files(struct kit *k, const struct copy *c)
{
	static bool seen[KEYS * ROTATIONS];
	DIR *d = opendir(k->dir);
	struct dirent *entry;
	unsigned int nr = 0;

	assert_non_null(d);
	memset(seen, 0, sizeof(seen));
	while ((entry = readdir(d))) {
		char path[512];
		struct stat sb;
		uint8_t *data;
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", k->dir, entry->d_name);
		if (stat(path, &sb) || !S_ISREG(sb.st_mode) || !sb.st_size)
			continue;
		file = fopen(path, "r");
		assert_non_null(file);
		data = malloc((size_t)sb.st_size);
		assert_int_equal(fread(data, 1, (size_t)sb.st_size, file), sb.st_size);
		fclose(file);
		for (unsigned int i = 0; i < c->nr; i++)
			seen[i] |= !!memmem(data, (size_t)sb.st_size, c->wrapped[i], WRAPPED_MATERIAL_SIZE);
		free(data);
	}
	closedir(d);
	for (unsigned int i = 0; i < c->nr; i++)
		nr += seen[i];
	return nr;
}

/* grow - keys with rotations, tags, aliases and policies of many sizes, so that pages split and are joined. */
static void grow(struct kit *k, char arns[KEYS][ARN_SIZE])
{
	uint64_t seed = 7;

	for (unsigned int i = 0; i < KEYS; i++) {
		char text[2000];

		memset(text, 'x', sizeof(text));
		text[test_random(&seed) % (sizeof(text) - 1)] = '\0';
		text[sizeof(text) - 1] = '\0';
		kit_key(k, arns[i]);
		assert_string_equal(kit_fails(k, "admin", "UpdateKeyDescription",
					      "{\"KeyId\":\"%s\",\"Description\":\"%s\"}", arns[i], text), "");
		assert_string_equal(kit_fails(k, "admin", "CreateAlias",
					      "{\"TargetKeyId\":\"%s\",\"AliasName\":\"alias/%u\"}", arns[i], i), "");
		for (unsigned int r = 0; r < test_random(&seed) % ROTATIONS; r++)
			assert_string_equal(kit_fails(k, "admin", "RotateKeyOnDemand", "{\"KeyId\":\"%s\"}",
						      arns[test_random(&seed) % (i + 1)]), "");
	}
}

static void no_copy_is_left(void **state)
{
	static char arns[KEYS][ARN_SIZE];
	static struct copy gone, kept;
	struct kit *k = *state;
	uint64_t seed = 11;

	gone.nr = 0;
	kept.nr = 0;
	grow(k, arns);
	for (unsigned int i = 0; i < KEYS; i++) {
		bool stays = test_random(&seed) % 3 == 0;

		remember(k, arns[i], stays ? &kept : &gone);
		if (!stays)
			assert_string_equal(kit_fails(k, "admin", "ScheduleKeyDeletion",
						      "{\"KeyId\":\"%s\",\"PendingWindowInDays\":%u}", arns[i],
						      7 + (unsigned int)(test_random(&seed) % 24)), "");
	}
	assert_true(gone.nr > 60 && kept.nr > 30);
	assert_int_equal(in_files(k, &gone), gone.nr);
	assert_int_equal(in_files(k, &kept), kept.nr);
	for (unsigned int day = 0; day < 31; day++) {
		kit_now += DAY_MS;
		assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "");
	}
	assert_int_equal(in_files(k, &gone), 0);
	assert_int_equal(in_files(k, &kept), kept.nr);
	kit_reopen(k);
	assert_int_equal(in_files(k, &gone), 0);
	assert_int_equal(in_files(k, &kept), kept.nr);
}

/* delete_one - a key whose waiting period is over with the next request; its material in @gone. */
static void delete_one(struct kit *k, struct copy *gone)
{
	char arn[ARN_SIZE];

	gone->nr = 0;
	kit_key(k, arn);
	remember(k, arn, gone);
	assert_string_equal(kit_fails(k, "admin", "ScheduleKeyDeletion",
				      "{\"KeyId\":\"%s\",\"PendingWindowInDays\":7}", arn), "");
	kit_now += 7 * DAY_MS;
}

/* Another process that reads keeps the log from being emptied; requests go on, and it is emptied when that is done. */
static void a_reader_delays_it_and_nobody(void **state)
{
	struct kit *k = *state;
	static struct copy gone;
	struct timespec before, after;
	char path[128];
	sqlite3 *db;

	delete_one(k, &gone);
	snprintf(path, sizeof(path), "%s/" STATE_DATABASE, k->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM key", NULL, NULL, NULL), SQLITE_OK);
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (unsigned int i = 0; i < 3; i++)
		assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "");
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 4);
	assert_int_equal(in_files(k, &gone), 1);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_string_equal(kit_fails(k, "admin", "ListKeys", "{}"), "");
	assert_int_equal(in_files(k, &gone), 0);
}

/* Killed between the deletion and the emptying of the log: the next server sees to it. */
static void a_kill_in_between_is_made_good(void **state)
{
	struct kit *k = *state;
	static struct copy gone;
	struct key_ref ref;
	unsigned int nr;
	int status;
	pid_t pid;

	delete_one(k, &gone);
	state_close(&k->svc);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		kit_reopen(k);
		if (sql_run(k->svc.store, "DELETE FROM key WHERE deletion_ms <= ?", "i", kit_now))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(in_files(k, &gone), 1);
	kit_reopen(k);
	assert_int_equal(store_purge(k->svc.store, kit_now, 1, &ref, &nr), 0);
	assert_int_equal(nr, 0);
	assert_int_equal(in_files(k, &gone), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_copy_is_left, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_reader_delays_it_and_nobody, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_kill_in_between_is_made_good, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
