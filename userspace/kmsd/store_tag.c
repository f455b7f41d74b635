// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "store_sql.h"

int store_tag_set(struct store *s, const char *key_id, const char *name, const char *value)
{
	return sql_run(s, "INSERT INTO tag (key_id, name, value) VALUES (?, ?, ?)"
			  " ON CONFLICT (key_id, name) DO UPDATE SET value = excluded.value", "sss", key_id, name,
		       value);
}

int store_tag_delete(struct store *s, const char *key_id, const char *name)
{
	return sql_run(s, "DELETE FROM tag WHERE key_id = ? AND name = ?", "ss", key_id, name);
}

int store_tag_each(struct store *s, const char *key_id, const char *after, int (*fn)(void *ctx, const struct tag *t),
		   void *ctx)
{
	struct tag t;
	sqlite3_stmt *st;
	int rc = sql_start(s, &st, "SELECT name, value FROM tag WHERE key_id = ? AND name > ? ORDER BY name", "ss",
			   key_id, after);

	if (rc)
		return rc;
	while ((rc = sql_step(s, st)) == 1) {
		rc = sql_text(st, 0, t.name, sizeof(t.name));
		if (!rc)
			rc = sql_text(st, 1, t.value, sizeof(t.value));
		if (!rc)
			rc = fn(ctx, &t);
		if (rc)
			break;
	}
	sql_finish(s, st);
	return rc;
}

int store_tag_count(struct store *s, const char *key_id, int64_t *nr)
{
	return sql_number(s, nr, "SELECT count(*) FROM tag WHERE key_id = ?", "s", key_id);
}
