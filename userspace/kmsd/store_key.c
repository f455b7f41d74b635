// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_sql.h"

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
	struct material first = { .rotation = ROTATION_NONE, .created_ms = k->created_ms };
	int rc;

	rc = sql_run(s, "INSERT INTO key (id, aws_managed, state, description, policy, created_ms, material_id)"
			" VALUES (?, ?, ?, ?, ?, ?, ?)", "sisssis", k->id, (int64_t)k->aws_managed,
		     states[k->state], k->description, k->policy, k->created_ms, k->material_id);
	if (!rc && k->rotation_days)
		rc = store_key_set_rotation(s, k);
	memcpy(first.id, k->material_id, sizeof(first.id));
	return rc ? rc : store_material_add(s, k->id, &first, wrapped);
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
	out->rotation_days = sqlite3_column_int(st, 9);
	out->rotate_ms = sqlite3_column_int64(st, 10);
	return rc;
}

int store_key_get(struct store *s, const char *id, struct key *out)
{
	sqlite3_stmt *st;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = sql_start(s, &st, "SELECT id, aws_managed, state, description, policy, created_ms, deletion_ms,"
			       " pending_days, material_id, rotation_days, rotate_ms FROM key WHERE id = ?", "s", id);
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

int store_key_set_description(struct store *s, const char *id, const char *description)
{
	return sql_change(s, "UPDATE key SET description = ? WHERE id = ?", "ss", description, id);
}

int store_key_set_rotation(struct store *s, const struct key *k)
{
	if (!k->rotation_days)
		return sql_change(s, "UPDATE key SET rotation_days = 0, rotate_ms = NULL WHERE id = ?", "s", k->id);
	return sql_change(s, "UPDATE key SET rotation_days = ?, rotate_ms = ? WHERE id = ?", "iis",
			  (int64_t)k->rotation_days, k->rotate_ms, k->id);
}

int store_key_rotation_due(struct store *s, int64_t now_ms, char id[KEY_ID_SIZE])
{
	sqlite3_stmt *st;
	int rc = sql_start(s, &st, "SELECT id FROM key WHERE rotate_ms <= ? AND state = 'Enabled' LIMIT 1", "i",
			   now_ms);

	if (rc)
		return rc;
	rc = sql_step(s, st);
	if (rc == 1)
		rc = sql_text(st, 0, id, KEY_ID_SIZE);
	else if (!rc)
		rc = -ENOENT;
	sql_finish(s, st);
	return rc;
}

int store_key_count(struct store *s, int64_t *nr)
{
	return sql_number(s, nr, "SELECT count(*) FROM key WHERE NOT aws_managed", "");
}

/* take_ids - the rows of a statement that gives at most @max ids, to its end. */
static int take_ids(struct store *s, sqlite3_stmt *st, unsigned int max, struct key_ref *out, unsigned int *nr)
{
	int rc;

	while ((rc = sql_step(s, st)) == 1 && *nr < max) {
		rc = sql_text(st, 0, out[*nr].id, KEY_ID_SIZE);
		if (rc)
			break;
		++*nr;
	}
	sql_finish(s, st);
	return rc;
}

int store_key_list(struct store *s, const char *after, unsigned int max, struct key_ref *out, unsigned int *nr)
{
	sqlite3_stmt *st;
	int rc = sql_start(s, &st, "SELECT id FROM key WHERE id > ? ORDER BY id LIMIT ?", "si", after, (int64_t)max);

	*nr = 0;
	return rc ? rc : take_ids(s, st, max, out, nr);
}

static int delete_due(struct store *s, int64_t now_ms, unsigned int max, struct key_ref *gone, unsigned int *nr)
{
	sqlite3_stmt *st;
	int rc = sql_start(s, &st,
			   "DELETE FROM key WHERE id IN (SELECT id FROM key WHERE deletion_ms <= ? LIMIT ?) RETURNING id",
			   "ii", now_ms, (int64_t)max);

	return rc ? rc : take_ids(s, st, max, gone, nr);
}

int store_purge(struct store *s, int64_t now_ms, unsigned int max, struct key_ref *gone, unsigned int *nr)
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
	rc = store_end(s, delete_due(s, now_ms, max, gone, nr));
	if (rc)
		*nr = 0;
	if (*nr)
		sql_scrub(s, true);
	return rc;
}
