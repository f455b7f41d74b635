// SPDX-License-Identifier: GPL-2.0-or-later
#include "upkeep.h"

#include <errno.h>

#include "common/log.h"
#include "keyref.h"
#include "material.h"

/* rotate - the key's schedule goes on from the day it was due, or from now when it was kept from rotating for long. */
static int rotate(struct call *c, const char *id)
{
	struct service *svc = c->svc;
	struct key k;
	int rc = store_key_get(svc->store, id, &k);

	if (rc)
		return rc;
	k.rotate_ms += k.rotation_days * DAY_MS;
	if (k.rotate_ms <= c->now_ms)
		k.rotate_ms = c->now_ms + k.rotation_days * DAY_MS;
	rc = material_rotate(svc, id, ROTATION_AUTOMATIC, c->now_ms);
	if (!rc)
		rc = store_key_set_rotation(svc->store, &k);
	key_free(&k);
	return rc;
}

/* rotate_all - -ENOENT from store_key_rotation_due() ends it: none is due, or another process was quicker. */
static int rotate_all(struct call *c)
{
	struct store *store = c->svc->store;
	char id[KEY_ID_SIZE];
	unsigned int nr = 0;
	int rc = store_key_rotation_due(store, c->now_ms, id);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	rc = store_begin(store);
	if (rc)
		return rc;
	while (!(rc = store_key_rotation_due(store, c->now_ms, id))) {
		rc = rotate(c, id);
		if (rc)
			break;
		nr++;
	}
	rc = store_end(store, rc == -ENOENT ? 0 : rc);
	if (!rc && nr)
		log_info("%u key%s rotated on schedule", nr, nr > 1 ? "s" : "");
	return rc;
}

enum fault upkeep(struct call *c)
{
	unsigned int nr;
	int rc = store_purge(c->svc->store, c->now_ms, &nr);

	if (nr)
		log_warn("%u key%s deleted at the end of the waiting period", nr, nr > 1 ? "s" : "");
	if (!rc)
		rc = rotate_all(c);
	return rc ? call_internal(c, rc) : FAULT_NONE;
}
