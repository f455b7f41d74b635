// SPDX-License-Identifier: GPL-2.0-or-later
#include "material.h"

#include <stdio.h>
#include <string.h>

#include "root.h"

#define NAME_SIZE (KEY_ID_SIZE + HEX_ID_SIZE)

static void wrap_name(const char *key_id, const char *id, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "%s/%s", key_id, id);
}

int material_new(const struct service *svc, const char *key_id, char id[HEX_ID_SIZE],
		 uint8_t wrapped[WRAPPED_MATERIAL_SIZE])
{
	uint8_t plain[KEY_MATERIAL_SIZE];
	char name[NAME_SIZE];
	int rc = ident_new_hex(id);

	if (rc)
		return rc;
	rc = crypto_random(plain, sizeof(plain));
	wrap_name(key_id, id, name);
	if (!rc)
		rc = root_wrap(&svc->root, ROOT_KEY_MATERIAL, name, plain, sizeof(plain), wrapped);
	explicit_bzero(plain, sizeof(plain));
	return rc;
}

int material_load(const struct service *svc, const char *key_id, const char *id, uint8_t out[KEY_MATERIAL_SIZE])
{
	uint8_t wrapped[WRAPPED_MATERIAL_SIZE];
	char name[NAME_SIZE];
	int rc = store_material_get(svc->store, key_id, id, wrapped);

	wrap_name(key_id, id, name);
	if (!rc)
		rc = root_unwrap(&svc->root, ROOT_KEY_MATERIAL, name, wrapped, sizeof(wrapped), out);
	return rc;
}

int material_rotate(const struct service *svc, const char *key_id, enum rotation how, int64_t now_ms)
{
	struct material m = { .rotation = how, .created_ms = now_ms };
	uint8_t wrapped[WRAPPED_MATERIAL_SIZE];
	int rc = material_new(svc, key_id, m.id, wrapped);

	return rc ? rc : store_material_add(svc->store, key_id, &m, wrapped);
}
