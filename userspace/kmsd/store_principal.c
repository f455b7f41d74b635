// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "root.h"
#include "store_sql.h"

#define COLUMNS "name, unique_id, access_key, wrapped, role, admin, disabled, via, policy, created_ms"

_Static_assert(SECRET_KEY_SIZE - 1 + ROOT_WRAP_OVERHEAD == WRAPPED_SECRET_SIZE, "a wrapped secret access key");

void principal_free(struct principal *p)
{
	free(p->policy);
	p->policy = NULL;
}

int store_principal_add(struct store *s, const struct principal *p)
{
	return sql_run(s, "INSERT INTO principal (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "sssbiiissi",
		       p->name, p->unique_id, p->access_key, p->wrapped, (size_t)WRAPPED_SECRET_SIZE,
		       (int64_t)p->role, (int64_t)p->admin, (int64_t)p->disabled, *p->via ? p->via : NULL, p->policy,
		       p->created_ms);
}

int store_principal_update(struct store *s, const struct principal *p)
{
	return sql_change(s, "UPDATE principal SET access_key = ?, wrapped = ?, disabled = ?, via = ?, policy = ?"
			     " WHERE name = ?", "sbisss", p->access_key, p->wrapped, (size_t)WRAPPED_SECRET_SIZE,
			  (int64_t)p->disabled, *p->via ? p->via : NULL, p->policy, p->name);
}

static int read_principal(sqlite3_stmt *st, struct principal *out)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = sql_text(st, 0, out->name, sizeof(out->name));
	if (!rc)
		rc = sql_text(st, 1, out->unique_id, sizeof(out->unique_id));
	if (!rc)
		rc = sql_text(st, 2, out->access_key, sizeof(out->access_key));
	if (!rc)
		rc = sql_blob(st, 3, out->wrapped, sizeof(out->wrapped));
	out->role = sqlite3_column_int(st, 4);
	out->admin = sqlite3_column_int(st, 5);
	out->disabled = sqlite3_column_int(st, 6);
	if (!rc)
		rc = sql_text(st, 7, out->via, sizeof(out->via));
	if (!rc)
		rc = sql_strdup(st, 8, &out->policy);
	out->created_ms = sqlite3_column_int64(st, 9);
	return rc;
}

static int get_one(struct store *s, const char *sql, const char *value, struct principal *out)
{
	sqlite3_stmt *st;
	int rc = sql_start(s, &st, sql, "s", value);

	if (rc)
		return rc;
	rc = sql_step(s, st);
	if (rc == 1)
		rc = read_principal(st, out);
	else if (!rc)
		rc = -ENOENT;
	sql_finish(s, st);
	return rc;
}

int store_principal_get(struct store *s, const char *name, struct principal *out)
{
	return get_one(s, "SELECT " COLUMNS " FROM principal WHERE name = ?", name, out);
}

int store_principal_by_access_key(struct store *s, const char *access_key, struct principal *out)
{
	return get_one(s, "SELECT " COLUMNS " FROM principal WHERE access_key = ?", access_key, out);
}

int store_principal_each(struct store *s, int (*fn)(void *ctx, const struct principal *p), void *ctx)
{
	sqlite3_stmt *st;
	struct principal p;
	int rc = sql_start(s, &st, "SELECT " COLUMNS " FROM principal ORDER BY name", "");

	if (rc)
		return rc;
	while ((rc = sql_step(s, st)) == 1) {
		rc = read_principal(st, &p);
		if (rc)
			break;
		rc = fn(ctx, &p);
		principal_free(&p);
		if (rc)
			break;
	}
	sql_finish(s, st);
	return rc;
}
