// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <sys/stat.h>

#include "pin.h"
#include "sample.h"
#include "scratch.h"

#define MUST "format=1\ncache-id=cache-1\nluks-uuid=" SAMPLE_UUID "\nkey-arn=" SAMPLE_ARN "\ndevice=/dev/vdb\n"

static void sample_pin(struct pin *p)
{
	pin_init(p);
	strcpy(p->cache_id, "cache-1");
	strcpy(p->luks_uuid, SAMPLE_UUID);
	strcpy(p->key_arn, SAMPLE_ARN);
	strcpy(p->device, "/dev/disk/by-id/x 1");
}

static void put(struct scratch *s, const char *text)
{
	scratch_write(s, "v1", text);
	assert_int_equal(chmod(s->path, 0600), 0);
}

static void defaults(void **state)
{
	struct scratch *s = *state;
	struct pin p;

	put(s, MUST);
	assert_int_equal(pin_load(s->dir, "v1", &p, NULL), 0);
	assert_string_equal(p.cache_id, "cache-1");
	assert_string_equal(p.luks_uuid, SAMPLE_UUID);
	assert_string_equal(p.key_arn, SAMPLE_ARN);
	assert_string_equal(p.device, "/dev/vdb");
	assert_string_equal(p.unit, "");
	assert_false(p.allow_discards);
	assert_int_equal(p.policy.set, 0);
	assert_int_equal(p.kind, VOLUME_DATA);
	assert_int_equal(p.swap_priority, SWAP_PRIORITY_ANY);
}

static void round_trip(void **state)
{
	struct scratch *s = *state;
	struct pin p, q;
	struct stat st;

	sample_pin(&p);
	p.allow_discards = true;
	strcpy(p.unit, "valkey@a.service");
	p.policy.set = POLICY_SET_ON_REVOKE | POLICY_SET_LEASE | POLICY_SET_HOOK;
	p.policy.on_revoke = POLICY_HOLD;
	p.policy.lease = 900;
	strcpy(p.policy.hook, "/etc/ecache/hook");
	assert_int_equal(pin_create(s->dir, "v1", &p, NULL), 0);
	assert_int_equal(stat(scratch_path(s, "v1"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(pin_load(s->dir, "v1", &q, NULL), 0);
	assert_memory_equal(&p, &q, sizeof(p));
	assert_int_equal(pin_create(s->dir, "v1", &p, NULL), -EEXIST);
	p.policy.on_revoke = POLICY_LOCK;
	assert_int_equal(pin_replace(s->dir, "v1", &p, NULL), 0);
	assert_int_equal(pin_load(s->dir, "v1", &q, NULL), 0);
	assert_int_equal(q.policy.on_revoke, POLICY_LOCK);
	assert_int_equal(pin_remove(s->dir, "v1", NULL), 0);
	assert_int_equal(pin_remove(s->dir, "v1", NULL), 0);
	assert_int_equal(pin_load(s->dir, "v1", &q, NULL), -ENOENT);
}

#define OTHER_ARN "arn:aws:kms:eu-central-1:123456789012:key/99999999-12ab-34cd-56ef-1234567890ab"

/* A pin is its owner's: what he wrote into it is still there under another key. */
static void another_key_leaves_the_rest_of_the_file_as_it_is(void **state)
{
	static const char before[] = "# of team blue\nformat=1\ncache-id=cache-1\nluks-uuid=" SAMPLE_UUID "\n\n"
				     "  key-arn = " SAMPLE_ARN "\n# not by-id yet\ndevice=/dev/vdb\nlease=900";
	static const char after[] = "# of team blue\nformat=1\ncache-id=cache-1\nluks-uuid=" SAMPLE_UUID "\n\n"
				    "key-arn=" OTHER_ARN "\n# not by-id yet\ndevice=/dev/vdb\nlease=900";
	struct scratch *s = *state;
	char *text;
	int again;

	put(s, before);
	for (again = 0; again < 2; again++) {
		assert_int_equal(pin_set_key(s->dir, "v1", OTHER_ARN, NULL), 0);
		text = scratch_read(s, "v1");
		assert_string_equal(text, after);
		free(text);
	}
	assert_int_equal(pin_set_key(s->dir, "v1", "alias/x", NULL), -EINVAL);
	assert_int_equal(pin_set_key(s->dir, "v2", OTHER_ARN, NULL), -ENOENT);
	put(s, "format=1\nkind=boot-swap\nluks-uuid=" SAMPLE_UUID "\ndevice=/dev/disk/by-partuuid/1-2\n");
	assert_int_equal(pin_set_key(s->dir, "v1", OTHER_ARN, NULL), -EINVAL);
}

static void bad_lines_are_named(void **state)
{
	static const char *const bad[] = {
		"more=1\n", "cache-id=x\n", "allow-discards=true\n", "unit=a b\n", "unit=../x.service\n", "unit=valkey\n",
		"on-revoke=maybe\n", "on-disabled=\n", "unreachable=fail-after=\n", "unreachable=teardown\n",
		"lease=0\n", "after-lock=reopen\n", "hook=hook\n",
		"kind=Data\n", "kind=\n", "swap-priority=-1\n", "swap-priority=32768\n", "swap-priority=99999999999\n",
		"probe-interval=0\n", "probe-interval=2d\n", "teardown-deadline=1s\n", "teardown-deadline=11m\n", "x\n",
	};
	struct scratch *s = *state;
	char text[1024];
	struct pin p;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		snprintf(text, sizeof(text), MUST "%s", bad[i]);
		put(s, text);
		assert_int_equal(pin_load(s->dir, "v1", &p, &e), -EINVAL);
		assert_non_null(strstr(e.what, "v1:6: "));
	}
}

static void every_identity_is_required(void **state)
{
	static const char *const lines[] = { "format=1\n", "cache-id=cache-1\n", "luks-uuid=" SAMPLE_UUID "\n",
					     "key-arn=" SAMPLE_ARN "\n", "device=/dev/vdb\n" };
	struct scratch *s = *state;
	char text[1024];
	struct pin p;
	size_t skip, i;

	for (skip = 0; skip < 5; skip++) {
		text[0] = '\0';
		for (i = 0; i < 5; i++) {
			if (i != skip)
				strcat(text, lines[i]);
		}
		put(s, text);
		assert_int_equal(pin_load(s->dir, "v1", &p, NULL), -EINVAL);
	}
}

static void kinds(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		/* what a boot-swap has not, and what only swap has */
		{ "kind=boot-swap\n" MUST, "v1:3: kind=boot-swap has no key of a KMS: no cache-id=" },
		{ "format=1\nkind=boot-swap\nkey-arn=" SAMPLE_ARN "\nluks-uuid=" SAMPLE_UUID "\ndevice=/dev/disk/by-id/x\n",
		  "v1:3: kind=boot-swap has no key of a KMS: no key-arn=" },
		{ "format=1\nkind=boot-swap\nluks-uuid=" SAMPLE_UUID "\n device = /dev/vdb\n",
		  "v1:4: kind=boot-swap needs a device" },
		{ "format=1\nkind=boot-swap\nluks-uuid=" SAMPLE_UUID "\ndevice=/dev/disk/by-id/\n",
		  "v1:4: kind=boot-swap needs a device" },
		{ "format=1\nkind=boot-swap\ndevice=/dev/disk/by-id/x\n", "v1: required key \"luks-uuid\" is missing" },
		{ "format=1\nkind=swap\nluks-uuid=" SAMPLE_UUID "\ndevice=/dev/disk/by-id/x\n",
		  "v1: required key \"cache-id\" is missing" },
		{ MUST "#swap-priority=4\nswap-priority=5\n", "v1:7: swap-priority= is for" },
	};
	struct scratch *s = *state;
	struct pin p, q;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		put(s, bad[i].text);
		assert_int_equal(pin_load(s->dir, "v1", &p, &e), -EINVAL);
		if (!strstr(e.what, bad[i].why) || !*e.hint)
			fail_msg("\"%s -- %s\" where \"%s\" was expected", e.what, e.hint, bad[i].why);
	}
	assert_int_equal(pin_remove(s->dir, "v1", NULL), 0);
	pin_init(&p);
	p.kind = VOLUME_BOOT_SWAP;
	p.swap_priority = 0;
	strcpy(p.luks_uuid, SAMPLE_UUID);
	strcpy(p.device, "/dev/disk/by-partuuid/x");
	assert_int_equal(pin_create(s->dir, "v1", &p, NULL), 0);
	assert_int_equal(pin_load(s->dir, "v1", &q, NULL), 0);
	assert_memory_equal(&p, &q, sizeof(p));
	sample_pin(&p);
	p.kind = VOLUME_SWAP;
	p.swap_priority = SWAP_PRIORITY_MAX;
	assert_int_equal(pin_replace(s->dir, "v1", &p, NULL), 0);
	assert_int_equal(pin_load(s->dir, "v1", &q, NULL), 0);
	assert_memory_equal(&p, &q, sizeof(p));
	p.kind = VOLUME_DATA;
	assert_int_equal(pin_replace(s->dir, "v1", &p, NULL), -EINVAL);
}

static void a_pin_that_others_may_write_pins_nothing(void **state)
{
	struct scratch *s = *state;
	struct err e = ERR_INIT;
	struct pin p;

	put(s, MUST);
	assert_int_equal(chmod(s->path, 0644), 0);
	assert_int_equal(pin_load(s->dir, "v1", &p, NULL), 0);
	assert_int_equal(chmod(s->path, 0660), 0);
	assert_int_equal(pin_load(s->dir, "v1", &p, &e), -EPERM);
	assert_non_null(strstr(e.hint, "chmod"));
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(symlink("/etc/passwd", s->path), 0);
	assert_int_equal(pin_load(s->dir, "v1", &p, NULL), -EPERM);
}

static void names_cannot_leave_the_directory(void **state)
{
	struct scratch *s = *state;
	struct pin p;

	sample_pin(&p);
	assert_int_equal(pin_load(s->dir, "../etc/passwd", &p, NULL), -EINVAL);
	assert_int_equal(pin_create(s->dir, "a/b", &p, NULL), -EINVAL);
	assert_int_equal(pin_remove(s->dir, "..", NULL), -EINVAL);
}

static void what_would_not_load_is_not_written(void **state)
{
	struct scratch *s = *state;
	struct pin p;

	sample_pin(&p);
	strcpy(p.device, "/dev/x\non-revoke=hold");
	assert_int_equal(pin_create(s->dir, "v1", &p, NULL), -EINVAL);
	strcpy(p.device, "/dev/x ");
	assert_int_equal(pin_create(s->dir, "v1", &p, NULL), -EINVAL);
	sample_pin(&p);
	strcpy(p.key_arn, "alias/x");
	assert_int_equal(pin_create(s->dir, "v1", &p, NULL), -EINVAL);
	assert_int_equal(access(scratch_path(s, "v1"), F_OK), -1);
}

static void header_must_say_the_same(void **state)
{
	struct header h;
	struct pin p;

	(void)state;
	sample_header(&h);
	sample_pin(&p);
	assert_int_equal(pin_match(&p, &h, NULL), 0);
	strcpy(p.cache_id, "cache-2");
	assert_int_equal(pin_match(&p, &h, NULL), -EBADMSG);
	sample_pin(&p);
	p.luks_uuid[0] = 'f';
	assert_int_equal(pin_match(&p, &h, NULL), -EBADMSG);
	sample_pin(&p);
	p.key_arn[strlen(p.key_arn) - 1] = '0';
	assert_int_equal(pin_match(&p, &h, NULL), -EBADMSG);
}

static int collect(void *ctx, const char *name)
{
	strcat(ctx, name);
	strcat(ctx, ",");
	return strcmp(name, "stop") ? 0 : 7;
}

static void each_in_order_without_strangers(void **state)
{
	struct scratch *s = *state;
	char seen[256] = "";

	scratch_write(s, "b", "");
	scratch_write(s, "a", "");
	scratch_write(s, ".hidden.tmp", "");
	scratch_write(s, "README.txt", "");
	assert_int_equal(pin_each(s->dir, collect, seen, NULL), 0);
	assert_string_equal(seen, "a,b,");
	scratch_write(s, "stop", "");
	scratch_write(s, "z", "");
	seen[0] = '\0';
	assert_int_equal(pin_each(s->dir, collect, seen, NULL), 7);
	assert_string_equal(seen, "a,b,stop,");
	assert_int_equal(pin_each("/nonexistent", collect, seen, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(defaults),
		scratch_test(round_trip),
		scratch_test(another_key_leaves_the_rest_of_the_file_as_it_is),
		scratch_test(bad_lines_are_named),
		scratch_test(every_identity_is_required),
		scratch_test(kinds),
		scratch_test(a_pin_that_others_may_write_pins_nothing),
		scratch_test(names_cannot_leave_the_directory),
		scratch_test(what_would_not_load_is_not_written),
		cmocka_unit_test(header_must_say_the_same),
		scratch_test(each_in_order_without_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
