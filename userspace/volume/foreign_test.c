// SPDX-License-Identifier: GPL-2.0-or-later
/* Headers of cryptsetup's: what can be adopted, what cannot, and what takes them back. */
#include "../common/test.h"

#include <errno.h>
#include <stdlib.h>

#include "foreign.h"
#include "foreign_fixture.h"
#include "header.h"
#include "pin.h"
#include "sample.h"
#include "scratch.h"

static char disk[96];
static struct secret passphrase = SECRET_INIT;

static int make_scratch(void **state)
{
	scratch_make(state);
	snprintf(disk, sizeof(disk), "%s/disk", ((struct scratch *)*state)->dir);
	foreign_passphrase(0, &passphrase);
	return 0;
}

static int drop_scratch(void **state)
{
	secret_wipe(&passphrase);
	return scratch_drop(state);
}

static int load(enum header_shape shape, struct header *h, struct err *e)
{
	*e = (struct err)ERR_INIT;
	return header_load_as(disk, shape, h, e);
}

/* refused - as foreign, saying @why. */
static void refused(const struct foreign_spec *spec, const char *why)
{
	struct header h;
	struct err e;

	foreign_make(disk, spec);
	assert_int_equal(load(HEADER_FOREIGN, &h, &e), -EBADMSG);
	if (!strstr(e.what, why))
		fail_msg("\"%s\" does not say \"%s\"", e.what, why);
}

static void a_volume_of_cryptsetups_can_be_adopted(void **state)
{
	static const struct foreign_spec specs[] = {
		FOREIGN_SPEC,
		{ CRYPT_LUKS2, "xts-plain64", FOREIGN_UUID, "sha512", 32, 4096, 1 },
	};
	struct header h;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
		foreign_make(disk, &specs[i]);
		assert_int_equal(load(HEADER_FOREIGN, &h, &e), 0);
		assert_string_equal(h.luks_uuid, FOREIGN_UUID);
		assert_int_equal(h.data_offset, FOREIGN_OFFSET);
		assert_int_equal(h.sector_size, specs[i].sector_size);
		assert_int_equal(h.keyslots, specs[i].keyslots);
	}
}

static void what_ecache_cannot_open_is_not_adopted(void **state)
{
	struct foreign_spec spec = FOREIGN_SPEC;

	(void)state;
	spec.mode = "cbc-essiv:sha256";
	spec.key_size = 32;
	refused(&spec, "aes-xts-plain64");
	spec = (struct foreign_spec)FOREIGN_SPEC;
	spec.keyslots = 0;
	refused(&spec, "no keyslot");
	spec = (struct foreign_spec)FOREIGN_SPEC;
	spec.hash = "sha1";
	refused(&spec, "digest 0 must be");
	spec = (struct foreign_spec)FOREIGN_SPEC;
	spec.type = CRYPT_LUKS1;
	refused(&spec, "version 1");
}

static void the_key_comes_by_any_keyslot(void **state)
{
	const struct foreign_spec spec = FOREIGN_SPEC;
	struct secret key = SECRET_INIT, wrong = SECRET_INIT;
	struct err e = ERR_INIT;
	unsigned int i;

	(void)state;
	foreign_make(disk, &spec);
	for (i = 0; i < spec.keyslots; i++) {
		foreign_passphrase(i, &passphrase);
		assert_int_equal(foreign_key(disk, &passphrase, &key, &e), 0);
		assert_int_equal(key.len, 64);
		assert_int_equal(key.data[1], 13 + 5);
		assert_int_equal(header_verify_key(disk, &key, &e), 0);
		secret_wipe(&key);
	}
	foreign_passphrase(7, &wrong);
	assert_int_equal(foreign_key(disk, &wrong, &key, &e), -EKEYREJECTED);
	assert_null(key.data);
	secret_wipe(&wrong);
	foreign_passphrase(0, &passphrase);
}

/* put_token - as adopt does, with what the header says. */
static void put_token(void)
{
	struct token *t = calloc(1, sizeof(*t));
	struct header h;
	struct err e;

	assert_non_null(t);
	assert_int_equal(load(HEADER_FOREIGN, &h, &e), 0);
	sample_token(t);
	strcpy(t->luks_uuid, h.luks_uuid);
	strcpy(t->digest, h.digest);
	t->sector_size = h.sector_size;
	t->key_size = 64;
	assert_int_equal(header_write_token(disk, t, &e), 0);
	free(t);
}

static void only_who_expects_keyslots_takes_them(void **state)
{
	const struct foreign_spec spec = FOREIGN_SPEC;
	struct header h;
	struct err e;

	(void)state;
	foreign_make(disk, &spec);
	assert_int_equal(load(HEADER_WITH_KEYSLOTS, &h, &e), -EBADMSG);
	put_token();
	assert_int_equal(load(HEADER_WITH_KEYSLOTS, &h, &e), 0);
	assert_int_equal(h.keyslots, 2);
	assert_int_equal(h.key_size, 64);
	assert_int_equal(load(HEADER_ADOPTED, &h, &e), -EBADMSG);
	assert_non_null(strstr(e.what, "has keyslots"));
	assert_int_equal(header_load(disk, &h, &e), -EBADMSG);
	assert_int_equal(load(HEADER_FOREIGN, &h, &e), -EBADMSG);
	assert_non_null(strstr(e.what, "already"));
}

static void without_keyslots_no_passphrase_opens_it(void **state)
{
	const struct foreign_spec spec = FOREIGN_SPEC;
	struct secret key = SECRET_INIT;
	struct header h;
	struct err e = ERR_INIT;

	(void)state;
	foreign_make(disk, &spec);
	put_token();
	assert_int_equal(foreign_drop_keyslots(disk, &e), 0);
	assert_int_equal(foreign_drop_keyslots(disk, &e), 0);
	assert_int_equal(load(HEADER_ADOPTED, &h, &e), 0);
	assert_int_equal(h.keyslots, 0);
	assert_int_not_equal(foreign_key(disk, &passphrase, &key, &e), 0);
	/* create's has no room for a keyslot: this one is no such header */
	assert_int_equal(header_load(disk, &h, &e), -EBADMSG);
}

static void without_the_token_it_is_what_it_was(void **state)
{
	const struct foreign_spec spec = FOREIGN_SPEC;
	struct secret key = SECRET_INIT;
	struct header h;
	struct err e = ERR_INIT;

	(void)state;
	foreign_make(disk, &spec);
	put_token();
	assert_int_equal(foreign_drop_token(disk, &e), 0);
	assert_int_equal(foreign_drop_token(disk, &e), 0);
	assert_int_equal(load(HEADER_FOREIGN, &h, &e), 0);
	assert_int_equal(h.keyslots, 2);
	assert_int_equal(foreign_key(disk, &passphrase, &key, &e), 0);
	secret_wipe(&key);
}

/* blank - whether all from @from to @to is zeros. */
static bool blank(off_t from, off_t to)
{
	char buf[4096];
	bool zero = true;
	ssize_t n;
	int fd = open(disk, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	for (; zero && from < to; from += n) {
		n = pread(fd, buf, sizeof(buf), from);
		assert_int_equal(n, sizeof(buf));
		zero = !buf[0] && !memcmp(buf, buf + 1, sizeof(buf) - 1);
	}
	close(fd);
	return zero;
}

static void a_wipe_reaches_the_last_keyslot(void **state)
{
	struct foreign_spec spec = FOREIGN_SPEC;
	struct err e = ERR_INIT;

	(void)state;
	spec.keyslots = 4;		/* the last one lies beyond the first MiB */
	foreign_make(disk, &spec);
	assert_false(blank(HEADER_BYTES - 64 * 1024, FOREIGN_OFFSET));
	assert_int_equal(header_wipe(disk, &e), 0);
	assert_true(blank(0, FOREIGN_OFFSET));
}

static void the_pin_chooses_the_shape(void **state)
{
	const struct foreign_spec spec = FOREIGN_SPEC;
	struct err e = ERR_INIT;
	struct header h;
	struct pin p;

	(void)state;
	foreign_make(disk, &spec);
	put_token();
	assert_int_equal(header_load_as(disk, HEADER_WITH_KEYSLOTS, &h, &e), 0);
	pin_init(&p);
	strcpy(p.luks_uuid, h.luks_uuid);
	strcpy(p.cache_id, h.token.cache_id);
	strcpy(p.key_arn, h.token.key_arn);
	assert_int_equal(pin_header(&p, disk, &h, &e), -EBADMSG);
	p.shape = HEADER_WITH_KEYSLOTS;
	assert_int_equal(pin_header(&p, disk, &h, &e), 0);
	strcpy(p.cache_id, "another");
	assert_int_equal(pin_header(&p, disk, &h, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_of_cryptsetups_can_be_adopted),
		cmocka_unit_test(what_ecache_cannot_open_is_not_adopted),
		cmocka_unit_test(the_key_comes_by_any_keyslot),
		cmocka_unit_test(only_who_expects_keyslots_takes_them),
		cmocka_unit_test(without_keyslots_no_passphrase_opens_it),
		cmocka_unit_test(without_the_token_it_is_what_it_was),
		cmocka_unit_test(a_wipe_reaches_the_last_keyslot),
		cmocka_unit_test(the_pin_chooses_the_shape),
	};

	return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
