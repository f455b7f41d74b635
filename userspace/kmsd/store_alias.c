// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "store_sql.h"

int store_alias_add(struct store *s, const struct alias *a)
{
	return sql_run(s, "INSERT INTO alias (name, key_id, created_ms, updated_ms) VALUES (?, ?, ?, ?)", "ssii",
		       a->name, a->key_id, a->created_ms, a->updated_ms);
}

int store_alias_set_key(struct store *s, const struct alias *a)
{
	return sql_change(s, "UPDATE alias SET key_id = ?, updated_ms = ? WHERE name = ?", "sis", a->key_id,
			  a->updated_ms, a->name);
}

int store_alias_delete(struct store *s, const char *name)
{
	return sql_change(s, "DELETE FROM alias WHERE name = ?", "s", name);
}

int store_alias_count(struct store *s, const char *key_id, int64_t *nr)
{
	return sql_number(s, nr, "SELECT count(*) FROM alias WHERE key_id = ?", "s", key_id);
}

static int read_alias(sqlite3_stmt *st, struct alias *out)
{
	int rc = sql_text(st, 0, out->name, sizeof(out->name));

	if (!rc)
		rc = sql_text(st, 1, out->key_id, sizeof(out->key_id));
	out->created_ms = sqlite3_column_int64(st, 2);
	out->updated_ms = sqlite3_column_int64(st, 3);
	return rc;
}

int store_alias_get(struct store *s, const char *name, struct alias *out)
{
	sqlite3_stmt *st;
	int rc = sql_start(s, &st, "SELECT name, key_id, created_ms, updated_ms FROM alias WHERE name = ?", "s", name);

	if (rc)
		return rc;
	rc = sql_step(s, st);
	if (rc == 1)
		rc = read_alias(st, out);
	else if (!rc)
		rc = -ENOENT;
	sql_finish(s, st);
	return rc;
}

int store_alias_list(struct store *s, const char *key_id, const char *after, unsigned int max, struct alias *out,
		     unsigned int *nr)
{
	sqlite3_stmt *st;
	int rc;

	*nr = 0;
	if (key_id)
		rc = sql_start(s, &st, "SELECT name, key_id, created_ms, updated_ms FROM alias WHERE key_id = ? AND name > ?"
				       " ORDER BY name LIMIT ?", "ssi", key_id, after, (int64_t)max);
	else
		rc = sql_start(s, &st, "SELECT name, key_id, created_ms, updated_ms FROM alias WHERE name > ?"
				       " ORDER BY name LIMIT ?", "si", after, (int64_t)max);
	if (rc)
		return rc;
	while ((rc = sql_step(s, st)) == 1 && *nr < max) {
		rc = read_alias(st, &out[*nr]);
		if (rc)
			break;
		++*nr;
	}
	sql_finish(s, st);
	return rc;
}
