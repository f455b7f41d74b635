// SPDX-License-Identifier: GPL-2.0-or-later
/* Ciphertexts: the one that we sealed opens, and nothing else does, however little it differs. */
#include "fuzz/fuzz.h"

#include <errno.h>

#include "blob.h"

static const uint8_t material[KEY_MATERIAL_SIZE] = { 1, 2, 3 };
static const char plain[] = "a data key";
static struct buf sealed;

static void seal(void)
{
	struct blob_id id = { .key_id = "6d1c2b1e-0000-4000-8000-000000000001" };
	const struct context none = CONTEXT_INIT;

	memset(id.material_id, 'a', HEX_ID_SIZE - 1);
	fuzz_check(!blob_seal(&id, material, &none, (const uint8_t *)plain, sizeof(plain), &sealed));
}

static void read_blob(const uint8_t *blob, size_t len, int ours)
{
	const struct context none = CONTEXT_INIT;
	uint8_t out[BLOB_PLAIN_MAX];
	struct blob_id id;
	int rc = blob_identify(blob, len, &id);

	fuzz_check(!rc || rc == -EBADMSG);
	if (rc) {
		fuzz_check(!ours);
		return;
	}
	fuzz_check(ident_key_id_ok(id.key_id) && ident_hex_id_ok(id.material_id));
	fuzz_check(blob_open(material, &none, blob, len, out) == (ours ? 0 : -EBADMSG));
	if (ours)
		fuzz_check(!memcmp(out, plain, sizeof(plain)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t changed[BLOB_OVERHEAD + sizeof(plain)];

	if (!sealed.len)
		seal();
	read_blob(data, size, 0);
	/* the input as a mask over ours, and how much of it is left */
	memcpy(changed, sealed.data, sealed.len);
	for (size_t i = 0; i < size && i < sealed.len; i++)
		changed[i] ^= data[i];
	read_blob(changed, sealed.len, !memcmp(changed, sealed.data, sealed.len));
	read_blob(changed, size % sealed.len, 0);
	return 0;
}
