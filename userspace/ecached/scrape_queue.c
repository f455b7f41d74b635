// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "scrape_queue.h"

static unsigned int waiting(const struct scrape_queue *q, uid_t uid)
{
	unsigned int i, n = 0;

	for (i = 0; i < SCRAPE_CLIENTS; i++)
		n += q->slot[i].used && q->slot[i].uid == uid;
	return n;
}

static unsigned int running(const struct scrape_queue *q, uid_t uid)
{
	unsigned int i, n = 0;

	for (i = 0; i < q->nr_running; i++)
		n += q->running[i] == uid;
	return n;
}

static int free_slot(const struct scrape_queue *q)
{
	int i;

	for (i = 0; i < SCRAPE_CLIENTS; i++) {
		if (!q->slot[i].used)
			return i;
	}
	return -1;
}

/* longest_silent - of @uid, or of anybody. */
static int longest_silent(const struct scrape_queue *q, bool of_one, uid_t uid)
{
	const struct scrape_slot *s;
	int i, found = -1;

	for (i = 0; i < SCRAPE_CLIENTS; i++) {
		s = &q->slot[i];
		if (!s->used || s->ready || (of_one && s->uid != uid))
			continue;
		if (found < 0 || s->order < q->slot[found].order)
			found = i;
	}
	return found;
}

int scrape_queue_add(struct scrape_queue *q, uid_t uid, int64_t now_ms, int *out)
{
	bool too_many = waiting(q, uid) >= SCRAPE_CLIENTS_OF_ONE;
	int slot = free_slot(q);

	*out = -1;
	if (too_many || slot < 0) {
		slot = longest_silent(q, too_many, uid);
		*out = slot;
	}
	if (slot < 0)
		return -1;
	q->slot[slot] = (struct scrape_slot){ .used = true, .uid = uid, .since_ms = now_ms, .order = ++q->order };
	return slot;
}

void scrape_queue_ready(struct scrape_queue *q, int slot)
{
	q->slot[slot].ready = true;
}

void scrape_queue_remove(struct scrape_queue *q, int slot)
{
	memset(&q->slot[slot], 0, sizeof(q->slot[slot]));
}

static bool may_run(const struct scrape_queue *q, const struct scrape_slot *s)
{
	return s->used && s->ready && running(q, s->uid) < SCRAPES_OF_ONE;
}

/* first_in_line - who may be served when it is time; -1 nobody. */
static int first_in_line(const struct scrape_queue *q)
{
	int i, found = -1;

	if (q->nr_running >= SCRAPES_MAX)
		return -1;
	for (i = 0; i < SCRAPE_CLIENTS; i++) {
		if (may_run(q, &q->slot[i]) && (found < 0 || q->slot[i].order < q->slot[found].order))
			found = i;
	}
	return found;
}

int scrape_queue_take(struct scrape_queue *q, int64_t now_ms, uid_t *uid)
{
	int slot = now_ms < q->next_ms ? -1 : first_in_line(q);

	if (slot < 0)
		return -1;
	*uid = q->slot[slot].uid;
	q->running[q->nr_running++] = *uid;
	q->next_ms = now_ms + SCRAPE_GAP_MS;
	scrape_queue_remove(q, slot);
	return slot;
}

void scrape_queue_ended(struct scrape_queue *q, uid_t uid)
{
	unsigned int i;

	for (i = 0; i < q->nr_running; i++) {
		if (q->running[i] == uid) {
			q->running[i] = q->running[--q->nr_running];
			return;
		}
	}
}

int scrape_queue_silent(struct scrape_queue *q, int64_t now_ms)
{
	int slot = longest_silent(q, false, 0);

	if (slot < 0 || now_ms < q->slot[slot].since_ms + SCRAPE_SILENT_MS)
		return -1;
	scrape_queue_remove(q, slot);
	return slot;
}

int64_t scrape_queue_due(const struct scrape_queue *q)
{
	int slot = longest_silent(q, false, 0);
	int64_t due = slot < 0 ? INT64_MAX : q->slot[slot].since_ms + SCRAPE_SILENT_MS;

	if (first_in_line(q) >= 0 && q->next_ms < due)
		due = q->next_ms;
	return due;
}
