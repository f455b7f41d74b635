// SPDX-License-Identifier: GPL-2.0-or-later
#include "store_sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* sql_errno - what an SQLite result means for the caller; logs what a client can do nothing about. */
static int sql_errno(struct store *s, int result)
{
	switch (result & 0xff) {
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
		log_err("database: %s", sqlite3_errmsg(s->db));
		return -EBUSY;
	case SQLITE_FULL:
		log_err("database: %s", sqlite3_errmsg(s->db));
		return -ENOSPC;
	default:
		log_err("database: %s (%d)", sqlite3_errmsg(s->db), result);
		return -EIO;
	}
}

static int bind_values(sqlite3_stmt *st, const char *types, va_list ap)
{
	int r = SQLITE_OK;

	for (int i = 1; *types && r == SQLITE_OK; types++, i++) {
		switch (*types) {
		case 's':
			r = sqlite3_bind_text(st, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
			break;
		case 'i':
			r = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
			break;
		case 'b': {
			const void *data = va_arg(ap, const void *);

			r = sqlite3_bind_blob64(st, i, data, va_arg(ap, size_t), SQLITE_STATIC);
			break;
		}
		default:
			r = SQLITE_MISUSE;
		}
	}
	return r;
}

/* take_idle - whoever uses a statement has it alone: a query inside another one's rows gets a second statement. */
static sqlite3_stmt *take_idle(struct store *s, const char *sql)
{
	for (unsigned int i = s->nr_idle; i; i--) {
		sqlite3_stmt *st = s->idle[i - 1];

		if (strcmp(sqlite3_sql(st), sql))
			continue;
		memmove(&s->idle[i - 1], &s->idle[i], (s->nr_idle - i) * sizeof(*s->idle));
		s->nr_idle--;
		return st;
	}
	return NULL;
}

void sql_finish(struct store *s, sqlite3_stmt *st)
{
	if (!st)
		return;
	/* Of a step that failed this says the same again. */
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	if (s->nr_idle == SQL_IDLE_MAX) {
		sqlite3_finalize(s->idle[0]);
		memmove(s->idle, s->idle + 1, --s->nr_idle * sizeof(*s->idle));
	}
	s->idle[s->nr_idle++] = st;
}

void sql_forget_all(struct store *s)
{
	while (s->nr_idle)
		sqlite3_finalize(s->idle[--s->nr_idle]);
}

static int start(struct store *s, sqlite3_stmt **st, const char *sql, const char *types, va_list ap)
{
	int r = SQLITE_OK;

	*st = take_idle(s, sql);
	if (!*st)
		r = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
	if (r == SQLITE_OK)
		r = bind_values(*st, types, ap);
	if (r == SQLITE_OK)
		return 0;
	r = sql_errno(s, r);
	sqlite3_finalize(*st);
	*st = NULL;
	return r;
}

int sql_start(struct store *s, sqlite3_stmt **st, const char *sql, const char *types, ...)
{
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = start(s, st, sql, types, ap);
	va_end(ap);
	return rc;
}

int sql_step(struct store *s, sqlite3_stmt *st)
{
	int r = sqlite3_step(st);

	if (r == SQLITE_ROW)
		return 1;
	return r == SQLITE_DONE ? 0 : sql_errno(s, r);
}

static int run(struct store *s, const char *sql, const char *types, va_list ap)
{
	sqlite3_stmt *st;
	int rc = start(s, &st, sql, types, ap);

	if (rc)
		return rc;
	do {
		rc = sql_step(s, st);
	} while (rc == 1);
	sql_finish(s, st);
	return rc;
}

int sql_run(struct store *s, const char *sql, const char *types, ...)
{
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = run(s, sql, types, ap);
	va_end(ap);
	return rc;
}

int sql_change(struct store *s, const char *sql, const char *types, ...)
{
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = run(s, sql, types, ap);
	va_end(ap);
	if (!rc && !sqlite3_changes(s->db))
		rc = -ENOENT;
	return rc;
}

int sql_number(struct store *s, int64_t *out, const char *sql, const char *types, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = start(s, &st, sql, types, ap);
	va_end(ap);
	if (rc)
		return rc;
	rc = sql_step(s, st);
	if (rc == 1)
		*out = sqlite3_column_int64(st, 0);
	sql_finish(s, st);
	if (rc == 1)
		return 0;
	return rc ? rc : -ENOENT;
}

int sql_text(sqlite3_stmt *st, int col, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, col);
	size_t len = text ? (size_t)sqlite3_column_bytes(st, col) : 0;

	if (len >= size) {
		log_err("database: column %s is too long", sqlite3_column_name(st, col));
		return -EIO;
	}
	if (text)
		memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}

int sql_blob(sqlite3_stmt *st, int col, void *out, size_t size)
{
	const void *data = sqlite3_column_blob(st, col);

	if (!data || (size_t)sqlite3_column_bytes(st, col) != size) {
		log_err("database: column %s has a wrong size", sqlite3_column_name(st, col));
		return -EIO;
	}
	memcpy(out, data, size);
	return 0;
}

int sql_strdup(sqlite3_stmt *st, int col, char **out)
{
	const char *text = (const char *)sqlite3_column_text(st, col);

	*out = text ? strdup(text) : NULL;
	return text && !*out ? -ENOMEM : 0;
}
