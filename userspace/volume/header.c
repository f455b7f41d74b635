// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libcryptsetup.h>

#include "../common/fsio.h"
#include "../common/log.h"
#include "header.h"
#include "header_json.h"
#include "header_luks.h"
#include "text.h"

#define METADATA_SIZE	(16 * 1024)	/* each of the two copies */
#define KEYSLOTS_SIZE	(16 * 1024)	/* too small for any keyslot: no passphrase can be added beside the KMS */
#define LABEL_MAX	47
#define SUBSYSTEM	"ecache"

/* The first 512 bytes of each copy; all integers big endian. LUKS2 On-Disk Format Specification, 2.1. */
struct luks2_binary {
	uint8_t magic[6];
	uint8_t version[2];
	uint8_t hdr_size[8];
	uint8_t seqid[8];
	char label[48];
	char checksum_alg[32];
	uint8_t salt[64];
	char uuid[40];
	char subsystem[48];
	uint8_t hdr_offset[8];
	uint8_t padding[184];
	uint8_t checksum[64];
};

_Static_assert(sizeof(struct luks2_binary) == 512, "LUKS2 binary header");

static const uint8_t magic_first[6] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };
static const uint8_t magic_second[6] = { 'S', 'K', 'U', 'L', 0xba, 0xbe };

static void luks_log(int level, const char *msg, void *usr)
{
	struct luks *l = usr;
	size_t len = strcspn(msg, "\n");

	if (level == CRYPT_LOG_ERROR)
		snprintf(l->last, sizeof(l->last), "%.*s", (int)len, msg);
	log_debug("libcryptsetup: %.*s", (int)len, msg);
}

static int luks_init(struct luks *l, const char *path, struct err *e)
{
	int rc;

	memset(l, 0, sizeof(*l));
	/* Our token has no plugin, and none is looked for: a header must not make us load code. */
	crypt_token_external_disable();
	rc = crypt_init(&l->cd, path);
	if (rc)
		return err_sys(e, rc, "cannot open %s", path);
	crypt_set_log_callback(l->cd, luks_log, l);
	return 0;
}

void luks_free(struct luks *l)
{
	crypt_free(l->cd);
}

int luks_err(struct luks *l, struct err *e, int rc, const char *what)
{
	if (l->last[0])
		return err_set(e, rc, "%s: %s", what, l->last);
	return err_sys(e, rc, "%s", what);
}

int luks_load(struct luks *l, const char *path, struct err *e)
{
	int rc = luks_init(l, path, e);

	if (rc)
		return rc;
	rc = crypt_load(l->cd, CRYPT_LUKS2, NULL);
	if (!rc)
		return 0;
	if (rc == -EINVAL) {
		/* libcryptsetup gives its reasons to its debug log only. */
		rc = err_set(e, -EBADMSG, "the LUKS2 header is damaged or inconsistent%s%s", l->last[0] ? ": " : "",
			     l->last);
		err_hint(e, "cryptsetup luksDump --debug says why");
	} else {
		luks_err(l, e, rc, "cannot read the LUKS2 header");
	}
	luks_free(l);
	return rc;
}

int header_format(const char *path, const struct header_spec *spec, const struct secret *key,
		  char digest[TOKEN_DIGEST_MAX + 1], struct err *e)
{
	const struct crypt_pbkdf_type pbkdf = {
		/* A volume key is random, not guessable: iterations would only make `open` slow. */
		.type = CRYPT_KDF_PBKDF2,
		.hash = HEADER_DIGEST_HASH,
		.iterations = HEADER_DIGEST_ITERATIONS,
		.flags = CRYPT_PBKDF_NO_BENCHMARK,
	};
	char label[LABEL_MAX + 1];
	struct crypt_params_luks2 params = {
		.pbkdf = &pbkdf,
		.sector_size = spec->sector_size,
		.label = label,
		.subsystem = SUBSYSTEM,
	};
	struct luks l;
	int rc;

	digest[0] = '\0';
	if (key->len != 32 && key->len != 64)
		return err_set(e, -EINVAL, "the volume key has %zu bytes, not 32 or 64", key->len);
	snprintf(label, sizeof(label), "%.*s", LABEL_MAX, spec->cache_id);
	rc = luks_init(&l, path, e);
	if (rc)
		return rc;
	rc = crypt_set_metadata_size(l.cd, METADATA_SIZE, KEYSLOTS_SIZE);
	if (!rc)
		rc = crypt_set_data_offset(l.cd, HEADER_BYTES / 512);
	if (!rc)
		rc = crypt_format(l.cd, CRYPT_LUKS2, "aes", "xts-plain64", spec->luks_uuid,
				  (const char *)key->data, key->len, &params);
	if (rc)
		luks_err(&l, e, rc, "cannot write a LUKS2 header");
	else
		rc = header_json_digest(l.cd, digest, e);
	luks_free(&l);
	return rc;
}

int header_write_token(const char *path, const struct token *t, struct err *e)
{
	struct luks l;
	char *text;
	int rc, i, slot = CRYPT_ANY_TOKEN;

	rc = token_text(t, &text, e);
	if (rc)
		return rc;
	rc = luks_load(&l, path, e);
	if (rc)
		goto free_text;
	for (i = 0; i < crypt_token_max(CRYPT_LUKS2); i++) {
		const char *type = NULL;

		if (crypt_token_status(l.cd, i, &type) != CRYPT_TOKEN_INACTIVE && type && !strcmp(type, TOKEN_TYPE)) {
			slot = i;
			break;
		}
	}
	rc = crypt_token_json_set(l.cd, slot, text);
	rc = rc < 0 ? luks_err(&l, e, rc, "cannot write the LUKS2 token") : 0;
	luks_free(&l);
free_text:
	free(text);
	return rc;
}

static uint64_t be64(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static int read_copies(const char *path, struct luks2_binary copy[2], struct err *e)
{
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	rc = pread_all(fd, &copy[0], sizeof(copy[0]), 0);
	if (!rc)
		rc = pread_all(fd, &copy[1], sizeof(copy[1]), METADATA_SIZE);
	close(fd);
	if (rc == -ENODATA)
		return err_set(e, -ENOENT, "no LUKS2 header: the device is too small to hold one");
	return rc ? err_sys(e, rc, "cannot read the LUKS2 header") : 0;
}

static bool is_copy(const struct luks2_binary *b, const uint8_t magic[6])
{
	return !memcmp(b->magic, magic, sizeof(b->magic));
}

static bool is_luks1(const struct luks2_binary *b)
{
	return is_copy(b, magic_first) && !b->version[0] && b->version[1] == 1;
}

/* The JSON areas are libcryptsetup's to check; both binary headers must be of our size and say the same. */
static int check_copies(const struct luks2_binary copy[2], uint64_t *epoch, struct err *e)
{
	int i;

	if (!is_copy(&copy[0], magic_first) || !is_copy(&copy[1], magic_second))
		return err_set(e, -EBADMSG, "one of the two LUKS2 header copies is missing or not at 16 KiB");
	for (i = 0; i < 2; i++) {
		if (copy[i].version[0] || copy[i].version[1] != 2)
			return err_set(e, -EBADMSG, "the LUKS header is not version 2");
		if (be64(copy[i].hdr_size) != METADATA_SIZE)
			return err_set(e, -EBADMSG, "the LUKS2 metadata size is not %d bytes", METADATA_SIZE);
	}
	if (memcmp(copy[0].seqid, copy[1].seqid, sizeof(copy[0].seqid)) ||
	    memcmp(copy[0].uuid, copy[1].uuid, sizeof(copy[0].uuid)))
		return err_set(e, -EBADMSG, "the two LUKS2 header copies differ");
	*epoch = be64(copy[0].seqid);
	if (*epoch > INT64_MAX)		/* the state file's number is signed; nobody writes that often */
		return err_set(e, -EBADMSG, "the LUKS2 header's sequence number is not credible");
	return 0;
}

int header_epoch(const char *path, uint64_t *epoch, struct err *e)
{
	struct luks2_binary copy[2] = { 0 };
	int rc;

	*epoch = 0;
	rc = read_copies(path, copy, e);
	return rc ? rc : check_copies(copy, epoch, e);
}

/* The token repeats what segment and digest say; only a header where all three agree was made as a whole. */
static int check_agreement(const struct header *h, struct err *e)
{
	const struct token *t = &h->token;

	if (strcmp(t->luks_uuid, h->luks_uuid))
		return err_set(e, -EBADMSG, "the token belongs to the header %s, this one is %s", t->luks_uuid,
			       h->luks_uuid);
	if (t->sector_size != h->sector_size)
		return err_set(e, -EBADMSG, "sector size: the token says %u, the segment %u", t->sector_size,
			       h->sector_size);
	if (strcmp(t->digest, h->digest))
		return err_set(e, -EBADMSG, "the token belongs to another volume key digest");
	return 0;
}

static int load_checked(struct luks *l, enum header_shape shape, struct header *h, struct err *e)
{
	const char *uuid = crypt_get_uuid(l->cd);
	int rc;

	if (!uuid)
		uuid = "";
	rc = luks_uuid_check(uuid, e);
	if (rc)
		return rc;
	text_set(h->luks_uuid, uuid);
	rc = header_json_check(l->cd, shape, h, e);
	if (rc || shape == HEADER_FOREIGN)
		return rc;
	rc = check_agreement(h, e);
	if (rc)
		return rc;
	h->key_size = h->token.key_size;
	return token_hash(&h->token, h->token_sha256, e);
}

int header_load_as(const char *path, enum header_shape shape, struct header *h, struct err *e)
{
	struct luks2_binary copy[2] = { 0 };
	struct luks l;
	int rc;

	memset(h, 0, sizeof(*h));
	rc = read_copies(path, copy, e);
	if (rc)
		return rc;
	if (!is_copy(&copy[0], magic_first) && !is_copy(&copy[1], magic_second))
		return err_set(e, -ENOENT, "no LUKS2 header");
	if (is_luks1(&copy[0])) {
		err_set(e, -EBADMSG, "the header is LUKS version 1, not 2");
		return err_hint(e, "cryptsetup convert --type luks2 makes it one; save it first (cryptsetup luksHeaderBackup)");
	}
	rc = luks_load(&l, path, e);
	if (rc)
		return rc;
	/* crypt_load() has mended a copy that a crash left behind; now they must be equal. */
	rc = header_epoch(path, &h->epoch, e);
	if (!rc)
		rc = load_checked(&l, shape, h, e);
	luks_free(&l);
	if (!rc)
		return 0;
	memset(h, 0, sizeof(*h));
	/* The forms are checked by functions that also serve what people type, where a bad one is -EINVAL. */
	if (rc == -EINVAL)
		rc = -EBADMSG;
	if (e)
		e->rc = rc;
	return rc;
}

int header_load(const char *path, struct header *h, struct err *e)
{
	return header_load_as(path, HEADER_CREATED, h, e);
}

int header_verify_key(const char *path, const struct secret *key, struct err *e)
{
	struct luks l;
	int rc;

	rc = luks_load(&l, path, e);
	if (rc)
		return rc;
	rc = crypt_volume_key_verify(l.cd, (const char *)key->data, key->len);
	if (rc == -EPERM)
		rc = err_set(e, -EKEYREJECTED, "the key is not this volume's: the LUKS2 digest does not match");
	else if (rc < 0)
		luks_err(&l, e, rc, "cannot verify the volume key");
	else
		rc = 0;
	luks_free(&l);
	return rc;
}

static int wipe_range(int fd, off_t from, off_t to)
{
	static const uint8_t zeros[64 * 1024];
	size_t n;
	int rc = 0;

	for (; !rc && from < to; from += n) {
		n = to - from < (off_t)sizeof(zeros) ? (size_t)(to - from) : sizeof(zeros);
		rc = pwrite_all(fd, zeros, n, from);
	}
	return rc;
}

/* areas_end - where metadata and keyslots end; 0 when no header says it. */
static off_t areas_end(const char *path)
{
	uint64_t metadata = 0, keyslots = 0;
	struct err e = ERR_INIT;
	off_t end = 0;
	struct luks l;

	if (luks_load(&l, path, &e))
		return 0;
	if (!crypt_get_metadata_size(l.cd, &metadata, &keyslots))
		end = 2 * metadata + keyslots;
	luks_free(&l);
	return end;
}

int header_wipe(const char *path, struct err *e)
{
	off_t end = areas_end(path);
	int fd, rc;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	/* What says how far to wipe goes last: an interrupted wipe is done again as a whole. */
	rc = wipe_range(fd, HEADER_BYTES, end);
	if (!rc)
		rc = wipe_range(fd, 0, HEADER_BYTES);
	if (!rc && fsync(fd))
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	return rc ? err_sys(e, rc, "cannot wipe the header") : 0;
}
