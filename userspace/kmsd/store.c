// SPDX-License-Identifier: GPL-2.0-or-later
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "store_sql.h"

#define APPLICATION_ID 0x454b4d53	/* "EKMS" */
#define SCHEMA_VERSION 2
#define BUSY_MS 5000

/* Entry v takes a database from version v to v + 1. An entry never changes once released. */
static const char *const migrations[SCHEMA_VERSION] = {
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
	" disabled INTEGER NOT NULL, via TEXT, policy TEXT, created_ms INTEGER NOT NULL) STRICT;",

	/* Rotation: the service's own key rotates yearly. Tags. Grants to and by services. */
	"ALTER TABLE key ADD COLUMN rotation_days INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE key ADD COLUMN rotate_ms INTEGER;"
	"UPDATE key SET rotation_days = 365, rotate_ms = created_ms + 31536000000 WHERE aws_managed;"
	"CREATE INDEX key_rotation ON key (rotate_ms) WHERE rotate_ms IS NOT NULL;"
	"ALTER TABLE material ADD COLUMN nr INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE material ADD COLUMN rotation TEXT;"
	"DROP INDEX material_key;"
	"CREATE UNIQUE INDEX material_key ON material (key_id, nr);"
	"CREATE TABLE tag (key_id TEXT NOT NULL REFERENCES key (id) ON DELETE CASCADE, name TEXT NOT NULL,"
	" value TEXT NOT NULL, PRIMARY KEY (key_id, name)) STRICT;"
	"ALTER TABLE \"grant\" ADD COLUMN source_arn TEXT;"
	"ALTER TABLE \"grant\" ADD COLUMN grantee_is_service INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE \"grant\" ADD COLUMN retiring_is_service INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX grant_retiring ON \"grant\" (retiring, id) WHERE retiring IS NOT NULL;",
};

/*
 * SQLite has one writer at a time, and lets the others poll. Those of this process wait here instead, in no order, and
 * meet other processes one by one.
 */
struct store_writers {
	pthread_mutex_t lock;
	unsigned int users;	/* stores; changed under the lock */
	atomic_bool scrub;	/* the log holds what was deleted */
};

static struct store_writers *writers_new(void)
{
	struct store_writers *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	/* A server that was killed may have left it. */
	atomic_store(&w->scrub, true);
	return w;
}

static void writers_get(struct store_writers *w)
{
	pthread_mutex_lock(&w->lock);
	w->users++;
	pthread_mutex_unlock(&w->lock);
}

static void writers_put(struct store_writers *w)
{
	bool last;

	pthread_mutex_lock(&w->lock);
	last = !--w->users;
	pthread_mutex_unlock(&w->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static int exec(struct store *s, const char *sql)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	log_err("database: %s", sqlite3_errmsg(s->db));
	return -EIO;
}

static int configure(struct store *s)
{
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return exec(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
		       "PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;");
}

/* migrate - bring the schema up to date, all or nothing. */
static int migrate(struct store *s, int64_t version)
{
	char set_version[64];
	int rc = store_begin(s);

	if (rc)
		return rc;
	for (int64_t v = version; !rc && v < SCHEMA_VERSION; v++)
		rc = exec(s, migrations[v]);
	sqlite3_snprintf(sizeof(set_version), set_version, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
			 APPLICATION_ID, SCHEMA_VERSION);
	if (!rc)
		rc = exec(s, set_version);
	return store_end(s, rc);
}

/* open_file - @writers NULL: the first of its kind. */
static int open_file(const char *path, int flags, struct store_writers *writers, struct store **out, struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return err_sys(e, -ENOMEM, "database");
	s->path = strdup(path);
	s->writers = writers ? writers : writers_new();
	if (s->writers)
		writers_get(s->writers);
	if (!s->path || !s->writers) {
		store_close(s);
		return err_sys(e, -ENOMEM, "database");
	}
	if (sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK) {
		err_set(e, -EIO, "cannot open the database %s: %s", path, sqlite3_errmsg(s->db));
		store_close(s);
		return -EIO;
	}
	*out = s;
	return 0;
}

int store_create(const char *path, struct store **out, struct err *e)
{
	int rc, fd;

	/* SQLite would take a file that is there, and the umask's mode; journals get the mode of this file. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make the database %s", path);
	close(fd);
	rc = open_file(path, SQLITE_OPEN_READWRITE, NULL, out, e);
	if (rc)
		return rc;
	rc = configure(*out);
	if (!rc)
		rc = migrate(*out, 0);
	if (rc) {
		err_set(e, rc, "cannot make the database %s: %s", path, sqlite3_errmsg((*out)->db));
		store_close(*out);
		*out = NULL;
	}
	return rc;
}

static int check_version(struct store *s, const char *path, int64_t *version, struct err *e)
{
	int64_t id = 0;

	if (sql_number(s, &id, "PRAGMA application_id", "") || sql_number(s, version, "PRAGMA user_version", "") ||
	    id != APPLICATION_ID) {
		err_set(e, -EBADMSG, "%s is not a database of ecache-kmsd", path);
		return err_hint(e, "put the right one in its place, from a backup; nothing was changed");
	}
	if (*version > SCHEMA_VERSION) {
		err_set(e, -EBADMSG, "%s has schema version %d; this program knows up to %d", path, (int)*version,
			SCHEMA_VERSION);
		return err_hint(e, "use the newer ecache-kmsd that wrote it");
	}
	return 0;
}

int store_open(const char *path, struct store **out, struct err *e)
{
	int64_t version = 0;
	int rc = open_file(path, SQLITE_OPEN_READWRITE, NULL, out, e);

	if (rc)
		return rc;
	rc = configure(*out);
	if (rc)
		err_set(e, rc, "cannot read the database %s: %s", path, sqlite3_errmsg((*out)->db));
	else
		rc = check_version(*out, path, &version, e);
	if (!rc && version < SCHEMA_VERSION) {
		rc = migrate(*out, version);
		if (rc) {
			err_set(e, rc, "cannot bring the database %s up to date", path);
			err_hint(e, "the log says why; it is as it was, and an older ecache-kmsd still serves it");
		}
	}
	if (rc) {
		store_close(*out);
		*out = NULL;
	}
	return rc;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	sql_forget_all(s);
	sqlite3_close(s->db);
	if (s->writers)
		writers_put(s->writers);
	free(s->path);
	free(s);
}

int store_clone(const struct store *s, struct store **out, struct err *e)
{
	int rc = open_file(s->path, SQLITE_OPEN_READWRITE, s->writers, out, e);

	if (rc)
		return rc;
	rc = configure(*out);
	if (rc) {
		err_set(e, rc, "cannot read the database %s: %s", s->path, sqlite3_errmsg((*out)->db));
		store_close(*out);
		*out = NULL;
	}
	return rc;
}

int store_check(struct store *s, struct err *e)
{
	sqlite3_stmt *st;
	char finding[256] = "";
	int rc = sql_start(s, &st, "PRAGMA quick_check(1)", "");

	if (rc)
		return err_sys(e, rc, "cannot check the database");
	if (sql_step(s, st) == 1)
		sql_text(st, 0, finding, sizeof(finding));
	sql_finish(s, st);
	if (!strcmp(finding, "ok"))
		return 0;
	err_set(e, -EBADMSG, "the database is damaged: %s", finding);
	return err_hint(e, "keep a copy of %s, look for what damaged the disk, and restore a backup", s->path);
}

void sql_scrub(struct store *s, bool deleted)
{
	int64_t busy = 1;

	if (deleted)
		atomic_store(&s->writers->scrub, true);
	if (!atomic_load(&s->writers->scrub))
		return;
	/* No waiting for readers: there will be a next time. */
	sqlite3_busy_timeout(s->db, 0);
	if (!sql_number(s, &busy, "PRAGMA wal_checkpoint(TRUNCATE)", "") && !busy)
		atomic_store(&s->writers->scrub, false);
	sqlite3_busy_timeout(s->db, BUSY_MS);
}

int store_begin(struct store *s)
{
	int rc;

	pthread_mutex_lock(&s->writers->lock);
	/* IMMEDIATE: a later upgrade from read to write could fail with SQLITE_BUSY at once. */
	rc = sql_run(s, "BEGIN IMMEDIATE", "");
	if (rc)
		pthread_mutex_unlock(&s->writers->lock);
	else
		s->writing = true;
	return rc;
}

int store_end(struct store *s, int rc)
{
	if (!rc)
		rc = sql_run(s, "COMMIT", "");
	/* Some errors (a full disk) have rolled back already. */
	if (rc && !sqlite3_get_autocommit(s->db))
		sql_run(s, "ROLLBACK", "");
	s->writing = false;
	pthread_mutex_unlock(&s->writers->lock);
	return rc;
}

int store_begin_read(struct store *s)
{
	return sql_run(s, "BEGIN", "");
}

void store_end_read(struct store *s)
{
	if (!s->writing && !sqlite3_get_autocommit(s->db))
		sql_run(s, "ROLLBACK", "");
}

bool store_writing(const struct store *s)
{
	return s->writing;
}

int store_meta_set(struct store *s, const char *name, const void *value, size_t len)
{
	return sql_run(s, "INSERT INTO meta (name, value) VALUES (?, ?)", "sb", name, value, len);
}

int store_meta_get(struct store *s, const char *name, void *value, size_t size, size_t *len)
{
	sqlite3_stmt *st;
	int rc = sql_start(s, &st, "SELECT value FROM meta WHERE name = ?", "s", name);

	if (rc)
		return rc;
	rc = sql_step(s, st);
	if (rc == 1) {
		*len = (size_t)sqlite3_column_bytes(st, 0);
		rc = *len <= size ? sql_blob(st, 0, value, *len) : -EIO;
	} else if (!rc) {
		rc = -ENOENT;
	}
	sql_finish(s, st);
	return rc;
}
