// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "blob.h"
#include "root.h"
#include "store_sql.h"

_Static_assert(KEY_MATERIAL_SIZE + ROOT_WRAP_OVERHEAD == WRAPPED_MATERIAL_SIZE, "a wrapped key material");

static const char *const rotations[] = {
	[ROTATION_NONE] = NULL,
	[ROTATION_AUTOMATIC] = "AUTOMATIC",
	[ROTATION_ON_DEMAND] = "ON_DEMAND",
};

const char *rotation_name(enum rotation r)
{
	return rotations[r];
}

int store_material_add(struct store *s, const char *key_id, const struct material *m,
		       const uint8_t wrapped[WRAPPED_MATERIAL_SIZE])
{
	int rc = sql_run(s, "INSERT INTO material (id, key_id, wrapped, created_ms, rotation, nr) VALUES (?, ?, ?, ?, ?,"
			    " (SELECT ifnull(max(nr) + 1, 0) FROM material WHERE key_id = ?))", "ssbiss", m->id, key_id,
			 wrapped, (size_t)WRAPPED_MATERIAL_SIZE, m->created_ms, rotations[m->rotation], key_id);

	return rc ? rc : sql_change(s, "UPDATE key SET material_id = ? WHERE id = ?", "ss", m->id, key_id);
}

int store_material_get(struct store *s, const char *key_id, const char *material_id,
		       uint8_t wrapped[WRAPPED_MATERIAL_SIZE])
{
	sqlite3_stmt *st;
	int rc = sql_start(s, &st, "SELECT wrapped FROM material WHERE id = ? AND key_id = ?", "ss", material_id,
			   key_id);

	if (rc)
		return rc;
	rc = sql_step(s, st);
	if (rc == 1)
		rc = sql_blob(st, 0, wrapped, WRAPPED_MATERIAL_SIZE);
	else if (!rc)
		rc = -ENOENT;
	sql_finish(s, st);
	return rc;
}

int store_material_count(struct store *s, const char *key_id, enum rotation rotation, int64_t *nr)
{
	return sql_number(s, nr, "SELECT count(*) FROM material WHERE key_id = ? AND rotation IS ?", "ss", key_id,
			  rotations[rotation]);
}

static int read_material(sqlite3_stmt *st, struct material *out)
{
	char rotation[16];
	int rc = sql_text(st, 0, out->id, sizeof(out->id));

	if (!rc)
		rc = sql_text(st, 1, rotation, sizeof(rotation));
	out->nr = sqlite3_column_int64(st, 2);
	out->created_ms = sqlite3_column_int64(st, 3);
	if (rc)
		return rc;
	out->rotation = ROTATION_NONE;
	for (unsigned int i = ROTATION_AUTOMATIC; i <= ROTATION_ON_DEMAND; i++)
		if (!strcmp(rotation, rotations[i]))
			out->rotation = (enum rotation)i;
	return *rotation && out->rotation == ROTATION_NONE ? -EIO : 0;
}

int store_material_list(struct store *s, const char *key_id, int64_t from, unsigned int max, struct material *out,
			unsigned int *nr)
{
	sqlite3_stmt *st;
	int rc = sql_start(s, &st, "SELECT id, rotation, nr, created_ms FROM material WHERE key_id = ? AND nr >= ?"
				   " ORDER BY nr LIMIT ?", "sii", key_id, from, (int64_t)max);

	*nr = 0;
	if (rc)
		return rc;
	while ((rc = sql_step(s, st)) == 1 && *nr < max) {
		rc = read_material(st, &out[*nr]);
		if (rc)
			break;
		++*nr;
	}
	sql_finish(s, st);
	return rc;
}
