/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_STORE_SQL_H
#define KMSD_STORE_SQL_H

#include <sqlite3.h>

#include "store.h"

/* What the store_*.c files share: statements with their values, rows into fixed buffers, errors into errnos. */

struct store {
	sqlite3 *db;
};

/*
 * @types has one letter per '?' in @sql: 's' const char * (NULL gives NULL), 'i' int64_t, 'b' const void * and size_t.
 * Every value must live until the statement is done: nothing is copied.
 */
int sql_start(struct store *s, sqlite3_stmt **st, const char *sql, const char *types, ...);

/* sql_step - 1: a row, 0: done, or a negative errno. */
int sql_step(struct store *s, sqlite3_stmt *st);

/* sql_run - start, step to the end, finalize. */
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
