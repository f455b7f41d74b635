// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "root.h"
#include "store_sql.h"

_Static_assert(KEY_MATERIAL_SIZE + ROOT_WRAP_OVERHEAD == WRAPPED_MATERIAL_SIZE, "a wrapped key material");

static const char *const states[] = {
	[KEY_ENABLED] = "Enabled",
	[KEY_DISABLED] = "Disabled",
	[KEY_PENDING_DELETION] = "PendingDeletion",
};

const char *key_state_name(enum key_state s)
{
	return states[s];
}

void key_free(struct key *k)
{
	free(k->description);
	free(k->policy);
	k->description = NULL;
	k->policy = NULL;
}

int store_key_add(struct store *s, const struct key *k, const uint8_t wrapped[WRAPPED_MATERIAL_SIZE])
{
	int rc;

	rc = sql_run(s, "INSERT INTO key (id, aws_managed, state, description, policy, created_ms, material_id)"
			" VALUES (?, ?, ?, ?, ?, ?, ?)", "sisssis", k->id, (int64_t)k->aws_managed,
		     states[k->state], k->description, k->policy, k->created_ms, k->material_id);
	if (!rc)
		rc = sql_run(s, "INSERT INTO material (id, key_id, wrapped, created_ms) VALUES (?, ?, ?, ?)", "ssbi",
			     k->material_id, k->id, wrapped, (size_t)WRAPPED_MATERIAL_SIZE, k->created_ms);
	return rc;
}

static int read_state(sqlite3_stmt *st, int col, enum key_state *out)
{
	char text[32];
	int rc = sql_text(st, col, text, sizeof(text));

	if (rc)
		return rc;
	for (unsigned int i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (!strcmp(states[i], text)) {
			*out = (enum key_state)i;
			return 0;
		}
	}
	return -EIO;
}

static int read_key(sqlite3_stmt *st, struct key *out)
{
	int rc = sql_text(st, 0, out->id, sizeof(out->id));

	out->aws_managed = sqlite3_column_int(st, 1);
	if (!rc)
		rc = read_state(st, 2, &out->state);
	if (!rc)
		rc = sql_strdup(st, 3, &out->description);
	if (!rc)
		rc = sql_strdup(st, 4, &out->policy);
	out->created_ms = sqlite3_column_int64(st, 5);
	out->deletion_ms = sqlite3_column_int64(st, 6);
	out->pending_days = sqlite3_column_int(st, 7);
	if (!rc)
		rc = sql_text(st, 8, out->material_id, sizeof(out->material_id));
	return rc;
}

int store_key_get(struct store *s, const char *id, struct key *out)
{
	sqlite3_stmt *st;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = sql_start(s, &st, "SELECT id, aws_managed, state, description, policy, created_ms, deletion_ms,"
			       " pending_days, material_id FROM key WHERE id = ?", "s", id);
	if (rc)
		return rc;
	rc = sql_step(s, st);
	if (rc == 1)
		rc = read_key(st, out);
	else if (!rc)
		rc = -ENOENT;
	sql_finish(s, st);
	if (rc)
		key_free(out);
	return rc;
}

int store_key_set_state(struct store *s, const struct key *k)
{
	if (k->state == KEY_PENDING_DELETION)
		return sql_change(s, "UPDATE key SET state = ?, deletion_ms = ?, pending_days = ? WHERE id = ?", "siis",
				  states[k->state], k->deletion_ms, (int64_t)k->pending_days, k->id);
	return sql_change(s, "UPDATE key SET state = ?, deletion_ms = NULL, pending_days = NULL WHERE id = ?", "ss",
			  states[k->state], k->id);
}

int store_key_set_policy(struct store *s, const char *id, const char *policy)
{
	return sql_change(s, "UPDATE key SET policy = ? WHERE id = ?", "ss", policy, id);
}

int store_key_list(struct store *s, const char *after, unsigned int max, struct key_ref *out, unsigned int *nr)
{
	sqlite3_stmt *st;
	int rc = sql_start(s, &st, "SELECT id FROM key WHERE id > ? ORDER BY id LIMIT ?", "si", after, (int64_t)max);

	*nr = 0;
	if (rc)
		return rc;
	while ((rc = sql_step(s, st)) == 1 && *nr < max) {
		rc = sql_text(st, 0, out[*nr].id, KEY_ID_SIZE);
		if (rc)
			break;
		++*nr;
	}
	sql_finish(s, st);
	return rc;
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

int store_purge(struct store *s, int64_t now_ms, unsigned int *nr)
{
	int64_t due;
	int rc;

	*nr = 0;
	sql_scrub(s, false);
	rc = sql_number(s, &due, "SELECT count(*) FROM key WHERE deletion_ms <= ?", "i", now_ms);
	if (rc || !due)
		return rc;
	rc = store_begin(s);
	if (rc)
		return rc;
	rc = sql_number(s, &due, "SELECT count(*) FROM key WHERE deletion_ms <= ?", "i", now_ms);
	if (!rc)
		rc = sql_run(s, "DELETE FROM key WHERE deletion_ms <= ?", "i", now_ms);
	rc = store_end(s, rc);
	if (rc || !due)
		return rc;
	*nr = (unsigned int)due;
	sql_scrub(s, true);
	return 0;
}
