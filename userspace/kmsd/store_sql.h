/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_STORE_SQL_H
#define KMSD_STORE_SQL_H

#include <sqlite3.h>

#include "store.h"

/* What the store_*.c files share: statements with their values, rows into fixed buffers, errors into errnos. */

#define SQL_IDLE_MAX 48

struct store_writers;

/* One connection: one thread at a time. */
struct store {
	sqlite3 *db;
	char *path;
	struct store_writers *writers;	/* shared with its clones */
	bool writing;				/* holds writers' lock */
	struct sqlite3_stmt *idle[SQL_IDLE_MAX];	/* prepared, without values; last used last */
	unsigned int nr_idle;
};

/*
 * @types has one letter per '?' in @sql: 's' const char * (NULL gives NULL), 'i' int64_t, 'b' const void * and size_t.
 * Every value must live until the statement is done: nothing is copied.
 */
int sql_start(struct store *s, sqlite3_stmt **st, const char *sql, const char *types, ...);

/* sql_finish - what ends every sql_start(): the statement is forgotten, or kept prepared for the next time. */
void sql_finish(struct store *s, sqlite3_stmt *st);

/* sql_forget_all - before the connection is closed. */
void sql_forget_all(struct store *s);

/*
 * sql_scrub - the log still holds pages as they were before something was deleted: with @deleted, or where that is
 * due from before, write it back and cut it to nothing. What cannot be done now (somebody reads, the disk is full) is
 * done the next time.
 */
void sql_scrub(struct store *s, bool deleted);

/* sql_step - 1: a row, 0: done, or a negative errno. */
int sql_step(struct store *s, sqlite3_stmt *st);

/* sql_run - start, step to the end, finish. */
int sql_run(struct store *s, const char *sql, const char *types, ...);

/* sql_change - sql_run() that must have changed a row: -ENOENT. */
int sql_change(struct store *s, const char *sql, const char *types, ...);

/* sql_number - the one number that a query gives. */
int sql_number(struct store *s, int64_t *out, const char *sql, const char *types, ...);

/* Columns of the current row; -EIO when it does not fit (the database is not what we wrote). NULL reads as "". */
int sql_text(sqlite3_stmt *st, int col, char *out, size_t size);
int sql_blob(sqlite3_stmt *st, int col, void *out, size_t size);
int sql_strdup(sqlite3_stmt *st, int col, char **out);	/* NULL stays NULL; -ENOMEM */

#endif
