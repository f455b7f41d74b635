// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/log.h"
#include "store_sql.h"

/* json-c counts the values inside as a level. */
#define PAIRS_DEPTH 2
#define COLUMNS "id, key_id, name, grantee, retiring, issuer, operations, constraint_type, constraint_pairs, created_ms," \
		" source_arn, grantee_is_service, retiring_is_service"

static const char *const constraints[] = {
	[GRANT_UNCONSTRAINED] = NULL,
	[GRANT_CONTEXT_SUBSET] = "EncryptionContextSubset",
	[GRANT_CONTEXT_EQUALS] = "EncryptionContextEquals",
};

/* Names, not bit numbers, so that the order of the table in grant.c is nobody's business. */
static void put_operations(uint32_t bits, struct buf *out)
{
	for (unsigned int i = 0; grant_operation_name(i); i++) {
		if (!(bits & UINT32_C(1) << i))
			continue;
		if (out->len)
			buf_char(out, ' ');
		buf_str(out, grant_operation_name(i));
	}
}

static int read_operations(sqlite3_stmt *st, int col, uint32_t *bits)
{
	char text[512], *save, *word;
	int rc = sql_text(st, col, text, sizeof(text));

	*bits = 0;
	if (rc)
		return rc;
	/* A word of a newer program gives nothing. */
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		*bits |= grant_operation_bit(word);
	return 0;
}

int store_grant_add(struct store *s, const struct grant *g)
{
	struct buf operations = BUF_INIT;
	uint8_t hash[SHA256_SIZE];
	size_t hash_len = 0;
	const char *pairs = NULL;
	int rc = 0;

	put_operations(g->operations, &operations);
	if (g->constraint != GRANT_UNCONSTRAINED) {
		pairs = js_text(g->pairs.owner, NULL);
		rc = pairs ? 0 : -ENOMEM;
	}
	/* Only an Equals constraint can be looked up by the context; the others are looked at one by one. */
	if (!rc && g->constraint == GRANT_CONTEXT_EQUALS) {
		rc = context_folded_hash(&g->pairs, hash);
		hash_len = sizeof(hash);
	}
	if (!rc && operations.failed)
		rc = -ENOMEM;
	if (!rc)
		rc = sql_run(s, "INSERT INTO \"grant\" (" COLUMNS ", context_hash) VALUES"
				" (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "sssssssssisiib", g->id, g->key_id,
			     *g->name ? g->name : NULL, g->grantee, *g->retiring ? g->retiring : NULL, g->issuer,
			     operations.data, constraints[g->constraint], pairs, g->created_ms,
			     *g->source_arn ? g->source_arn : NULL, (int64_t)g->grantee_is_service,
			     (int64_t)g->retiring_is_service, hash, hash_len);
	buf_wipe(&operations);
	return rc;
}

/* read_constraint - what is not understood must not become "unconstrained". */
static int read_constraint(sqlite3_stmt *st, struct grant *out)
{
	const char *type = (const char *)sqlite3_column_text(st, 7);
	const char *pairs = (const char *)sqlite3_column_text(st, 8);
	struct json_object *o = NULL;
	int rc;

	out->constraint = GRANT_UNCONSTRAINED;
	if (!type)
		return 0;
	for (unsigned int i = GRANT_CONTEXT_SUBSET; i <= GRANT_CONTEXT_EQUALS; i++)
		if (!strcmp(type, constraints[i]))
			out->constraint = (enum grant_constraint)i;
	if (out->constraint == GRANT_UNCONSTRAINED || !pairs)
		return -EIO;
	rc = js_parse(pairs, strlen(pairs), PAIRS_DEPTH, &o, NULL);
	if (!rc)
		rc = context_from_json(&out->pairs, o);
	json_object_put(o);
	return rc;
}

static int read_grant(sqlite3_stmt *st, struct grant *out)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = sql_text(st, 0, out->id, sizeof(out->id));
	if (!rc)
		rc = sql_text(st, 1, out->key_id, sizeof(out->key_id));
	if (!rc)
		rc = sql_text(st, 2, out->name, sizeof(out->name));
	if (!rc)
		rc = sql_text(st, 3, out->grantee, sizeof(out->grantee));
	if (!rc)
		rc = sql_text(st, 4, out->retiring, sizeof(out->retiring));
	if (!rc)
		rc = sql_text(st, 5, out->issuer, sizeof(out->issuer));
	if (!rc)
		rc = read_operations(st, 6, &out->operations);
	if (!rc)
		rc = read_constraint(st, out);
	out->created_ms = sqlite3_column_int64(st, 9);
	if (!rc)
		rc = sql_text(st, 10, out->source_arn, sizeof(out->source_arn));
	out->grantee_is_service = sqlite3_column_int(st, 11);
	out->retiring_is_service = sqlite3_column_int(st, 12);
	if (rc) {
		log_err("database: grant %s is damaged", out->id);
		grant_free(out);
	}
	return rc;
}

int store_grant_get(struct store *s, const char *id, struct grant *out)
{
	sqlite3_stmt *st;
	int rc = sql_start(s, &st, "SELECT " COLUMNS " FROM \"grant\" WHERE id = ?", "s", id);

	if (rc)
		return rc;
	rc = sql_step(s, st);
	if (rc == 1)
		rc = read_grant(st, out);
	else if (!rc)
		rc = -ENOENT;
	sql_finish(s, st);
	return rc;
}

int store_grant_delete(struct store *s, const char *id)
{
	return sql_change(s, "DELETE FROM \"grant\" WHERE id = ?", "s", id);
}

int store_grant_count(struct store *s, const char *key_id, int64_t *nr)
{
	return sql_number(s, nr, "SELECT count(*) FROM \"grant\" WHERE key_id = ?", "s", key_id);
}

/* start_filter - a key of fifty thousand grants to one principal must not be searched one by one for each Decrypt. */
static int start_filter(struct store *s, sqlite3_stmt **st, const struct grant_filter *f)
{
	const char *value[5];
	struct buf sql = BUF_INIT;
	unsigned int nr = 0;
	int rc = -ENOMEM;

	buf_str(&sql, "SELECT " COLUMNS " FROM \"grant\" WHERE ");
	buf_str(&sql, f->key_id ? "key_id = ?" : "retiring = ?");
	value[nr++] = f->key_id ? f->key_id : f->retiring;
	if (f->grantee) {
		buf_str(&sql, " AND grantee = ?");
		value[nr++] = f->grantee;
	}
	if (f->name) {
		buf_str(&sql, " AND name = ?");
		value[nr++] = f->name;
	}
	if (f->operation) {
		buf_str(&sql, " AND instr(' ' || operations || ' ', ' ' || ? || ' ')");
		value[nr++] = f->operation;
	}
	if (f->after) {
		buf_str(&sql, " AND id > ?");
		value[nr++] = f->after;
	}
	if (f->hash)
		buf_str(&sql, " AND context_hash IN (x'', ?)");
	if (f->after)
		buf_str(&sql, " ORDER BY id");
	if (!sql.failed)
		rc = sql_start(s, st, sql.data, "");
	for (unsigned int i = 0; !rc && i < nr; i++)
		rc = sqlite3_bind_text(*st, (int)i + 1, value[i], -1, SQLITE_STATIC) == SQLITE_OK ? 0 : -ENOMEM;
	if (!rc && f->hash &&
	    sqlite3_bind_blob(*st, (int)nr + 1, f->hash, SHA256_SIZE, SQLITE_STATIC) != SQLITE_OK)
		rc = -ENOMEM;
	buf_wipe(&sql);
	return rc;
}

int store_grant_each(struct store *s, const struct grant_filter *f, int (*fn)(void *ctx, struct grant *g), void *ctx)
{
	sqlite3_stmt *st = NULL;
	struct grant g;
	int rc = start_filter(s, &st, f);

	if (rc) {
		sql_finish(s, st);
		return rc;
	}
	while ((rc = sql_step(s, st)) == 1) {
		rc = read_grant(st, &g);
		if (rc)
			break;
		rc = fn(ctx, &g);
		grant_free(&g);
		if (rc)
			break;
	}
	sql_finish(s, st);
	return rc;
}
