// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "dmline.h"
#include "text.h"

int dm_table_params(const struct dm_table *t, char *out, size_t size, struct err *e)
{
	char lease[24] = "";
	int n;

	if (!t->sectors || !t->sector_size || t->sectors % (t->sector_size / 512))
		return err_set(e, -EINVAL, "the mapping is not a whole number of crypto sectors");
	if (keyid_check(t->key_id) || cache_id_check(t->cache_id, e))
		return err_set(e, -EINVAL, "bad key id or cache id for a table line");
	if (t->lease)
		snprintf(lease, sizeof(lease), " lease:%u", t->lease);
	n = snprintf(out, size, "%s %u 0 %u:%u %llu %d sector_size:%u key_id:%s cache_id:%s%s%s", t->cipher,
		     t->key_size, major(t->dev), minor(t->dev), (unsigned long long)t->offset,
		     3 + t->allow_discards + !!t->lease, t->sector_size, t->key_id, t->cache_id,
		     t->allow_discards ? " allow_discards" : "", lease);
	if (n < 0 || (size_t)n >= size)
		return err_set(e, -ENOSPC, "table line too long");
	return 0;
}

uint64_t dm_table_sectors(uint64_t bytes, uint64_t offset, unsigned int sector_size)
{
	if (bytes <= offset)
		return 0;
	return (bytes - offset) / sector_size * (sector_size / 512);
}

static const char *const states[] = {
	[DM_STATE_LOCKED] = "LOCKED",
	[DM_STATE_ACTIVE] = "ACTIVE",
	[DM_STATE_REVOKING] = "REVOKING",
	[DM_STATE_REVOKED] = "REVOKED",
};

const char *dm_state_name(enum dm_state s)
{
	return states[s];
}

/* Fields of the line, in order; more may follow in later versions of the target. */
enum {
	F_STATE, F_ENGINE, F_DRIVER, F_KEY_ID, F_LEASE, F_READS, F_WRITES, F_READ_SECTORS, F_WRITE_SECTORS, F_INLINE,
	F_DEFERRED, F_ERRORS, F_REASON, F_NR
};

static int parse_state(const char *word, enum dm_state *out)
{
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (!strcmp(word, states[i])) {
			*out = i;
			return 0;
		}
	}
	return -EBADMSG;
}

static int parse_u64(const char *word, uint64_t *out)
{
	size_t len = strlen(word);

	if (!len || strspn(word, "0123456789") != len)
		return -EBADMSG;
	errno = 0;
	*out = strtoull(word, NULL, 10);
	return errno ? -EBADMSG : 0;
}

static int parse_lease(const char *word, int64_t *out)
{
	uint64_t n;

	*out = -1;
	if (!strcmp(word, "-"))
		return 0;
	if (parse_u64(word, &n) || n > INT64_MAX)
		return -EBADMSG;
	*out = n;
	return 0;
}

static int parse_key_id(const char *word, char id[KEYID_LEN + 1])
{
	id[0] = '\0';
	if (!strcmp(word, "-"))
		return 0;
	return keyid_check(word) ? -EBADMSG : text_copy(id, KEYID_LEN + 1, word);
}

static int parse_words(char *const word[F_NR], struct dm_status *st)
{
	uint64_t *const numbers[] = { &st->reads, &st->writes, &st->read_sectors, &st->write_sectors, &st->inline_ios,
				      &st->deferred, &st->errors };
	int i;

	if (parse_state(word[F_STATE], &st->state) || text_set(st->engine, word[F_ENGINE]) ||
	    text_set(st->driver, word[F_DRIVER]) || parse_key_id(word[F_KEY_ID], st->key_id) ||
	    parse_lease(word[F_LEASE], &st->lease) || text_set(st->reason, word[F_REASON]))
		return -EBADMSG;
	for (i = F_READS; i <= F_ERRORS; i++) {
		if (parse_u64(word[i], numbers[i - F_READS]))
			return -EBADMSG;
	}
	return 0;
}

int dm_status_parse(const char *line, struct dm_status *st)
{
	char copy[DM_LINE_MAX], *word[F_NR], *save = NULL, *p;
	int nr = 0;

	memset(st, 0, sizeof(*st));
	if (text_set(copy, line))
		return -EBADMSG;
	for (p = strtok_r(copy, " ", &save); p && nr < F_NR; p = strtok_r(NULL, " ", &save))
		word[nr++] = p;
	if (nr < F_NR || parse_words(word, st)) {
		memset(st, 0, sizeof(*st));
		return -EBADMSG;
	}
	return 0;
}
