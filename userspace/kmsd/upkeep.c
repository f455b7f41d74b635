// SPDX-License-Identifier: GPL-2.0-or-later
#include "upkeep.h"

#include <errno.h>

#include "common/log.h"
#include "events.h"
#include "keyref.h"
#include "material.h"

/* Keys in one transaction. */
#define BATCH 64

/* rotate - the key's schedule goes on from the day it was due, or from now when it was kept from rotating for long. */
static int rotate(struct service *svc, const char *id, int64_t now_ms)
{
	struct key k;
	int rc = store_key_get(svc->store, id, &k);

	if (rc)
		return rc;
	k.rotate_ms += k.rotation_days * DAY_MS;
	if (k.rotate_ms <= now_ms)
		k.rotate_ms = now_ms + k.rotation_days * DAY_MS;
	rc = material_rotate(svc, id, ROTATION_AUTOMATIC, now_ms);
	if (!rc)
		rc = store_key_set_rotation(svc->store, &k);
	key_free(&k);
	return rc;
}

/* rotate_some - at most BATCH. -ENOENT from store_key_rotation_due(): none is due, or somebody else was quicker. */
static int rotate_some(struct service *svc, int64_t now_ms, unsigned int *nr)
{
	struct store *store = svc->store;
	struct key_ref done[BATCH];
	int rc = store_key_rotation_due(store, now_ms, done[0].id);

	*nr = 0;
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	rc = store_begin(store);
	if (rc)
		return rc;
	while (*nr < BATCH && !(rc = store_key_rotation_due(store, now_ms, done[*nr].id))) {
		rc = rotate(svc, done[*nr].id, now_ms);
		if (rc)
			break;
		++*nr;
	}
	rc = store_end(store, rc == -ENOENT ? 0 : rc);
	for (unsigned int i = 0; !rc && i < *nr; i++) {
		log_info("key %s is rotated on schedule", done[i].id);
		events_key(svc, EVENT_KEY_ROTATION, done[i].id, now_ms);
	}
	return rc;
}

static int purge_some(struct service *svc, int64_t now_ms, unsigned int *nr)
{
	struct key_ref gone[BATCH];
	int rc = store_purge(svc->store, now_ms, BATCH, gone, nr);

	for (unsigned int i = 0; i < *nr; i++) {
		log_warn("key %s is deleted at the end of its waiting period", gone[i].id);
		events_key(svc, EVENT_KEY_DELETION, gone[i].id, now_ms);
	}
	return rc;
}

int upkeep(struct service *svc, int64_t now_ms)
{
	unsigned int nr;
	int rc;

	do
		rc = purge_some(svc, now_ms, &nr);
	while (!rc && nr == BATCH);
	if (rc)
		return rc;
	do
		rc = rotate_some(svc, now_ms, &nr);
	while (!rc && nr == BATCH);
	return rc;
}
