// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/conf.h"
#include "../common/fsio.h"
#include "device.h"
#include "names.h"
#include "pin.h"
#include "text.h"

#define PIN_TEXT_MAX (64 * 1024)

static const char *const kinds[] = {
	[VOLUME_DATA] = "data",
	[VOLUME_SWAP] = "swap",
	[VOLUME_BOOT_SWAP] = "boot-swap",
};

const char *volume_kind_name(enum volume_kind k)
{
	return kinds[k];
}

static const char *const adoptions[] = {
	[HEADER_CREATED] = "no",
	[HEADER_ADOPTED] = "yes",
	[HEADER_WITH_KEYSLOTS] = "with-keyslots",
};

void pin_init(struct pin *p)
{
	memset(p, 0, sizeof(*p));
	p->swap_priority = SWAP_PRIORITY_ANY;
	policies_init(&p->policy);
}

static int parse_format(void *ctx, const char *value, struct err *e)
{
	(void)ctx;
	return strcmp(value, "1") ? err_set(e, -EINVAL, "this version reads format 1 only") : 0;
}

static int parse_kind(void *ctx, const char *value, struct err *e)
{
	struct pin *p = ctx;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcmp(value, kinds[i])) {
			p->kind = i;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "must be data, swap or boot-swap");
}

static int parse_adopted(void *ctx, const char *value, struct err *e)
{
	struct pin *p = ctx;
	size_t i;

	for (i = 0; i < sizeof(adoptions) / sizeof(*adoptions); i++) {
		if (!strcmp(value, adoptions[i])) {
			p->shape = i;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "must be no, yes or with-keyslots");
}

static int parse_swap_priority(void *ctx, const char *value, struct err *e)
{
	size_t len = strlen(value);
	struct pin *p = ctx;

	if (!len || len > 5 || strspn(value, "0123456789") != len || atoi(value) > SWAP_PRIORITY_MAX)
		return err_set(e, -EINVAL, "must be a number from 0 to %d", SWAP_PRIORITY_MAX);
	p->swap_priority = atoi(value);
	return 0;
}

static int parse_cache_id(void *ctx, const char *value, struct err *e)
{
	struct pin *p = ctx;

	return cache_id_check(value, e) ? -EINVAL : text_set(p->cache_id, value);
}

static int parse_luks_uuid(void *ctx, const char *value, struct err *e)
{
	struct pin *p = ctx;

	return luks_uuid_check(value, e) ? -EINVAL : text_set(p->luks_uuid, value);
}

static int parse_key_arn(void *ctx, const char *value, struct err *e)
{
	struct pin *p = ctx;

	return key_arn_check(value, e) ? -EINVAL : text_set(p->key_arn, value);
}

static int parse_device(void *ctx, const char *value, struct err *e)
{
	struct pin *p = ctx;

	if (value[0] != '/')
		return err_set(e, -EINVAL, "not an absolute path");
	return text_set(p->device, value) ? err_set(e, -EINVAL, "path too long") : 0;
}

static int parse_discards(void *ctx, const char *value, struct err *e)
{
	struct pin *p = ctx;

	p->allow_discards = !strcmp(value, "yes");
	if (!p->allow_discards && strcmp(value, "no"))
		return err_set(e, -EINVAL, "must be yes or no");
	return 0;
}

/*
 * parse_unit - the characters systemd allows in a unit name; it goes to D-Bus and, with its slashes refused, into a
 * path.
 */
static int parse_unit(void *ctx, const char *value, struct err *e)
{
	static const char set[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
	struct pin *p = ctx;

	if (!strchr(value, '.') || value[0] == '.' || strspn(value, set) != strlen(value) ||
	    text_set(p->unit, value))
		return err_set(e, -EINVAL, "not the name of a systemd unit, as in \"valkey@a.service\"");
	return 0;
}

static int parse_on_revoke(void *ctx, const char *value, struct err *e)
{
	return policies_on_revoke(&((struct pin *)ctx)->policy, value, e);
}

static int parse_on_disabled(void *ctx, const char *value, struct err *e)
{
	return policies_on_disabled(&((struct pin *)ctx)->policy, value, e);
}

static int parse_unreachable(void *ctx, const char *value, struct err *e)
{
	return policies_unreachable(&((struct pin *)ctx)->policy, value, e);
}

static int parse_lease(void *ctx, const char *value, struct err *e)
{
	return policies_lease(&((struct pin *)ctx)->policy, value, e);
}

static int parse_after_lock(void *ctx, const char *value, struct err *e)
{
	return policies_after_lock(&((struct pin *)ctx)->policy, value, e);
}

static int parse_probe_interval(void *ctx, const char *value, struct err *e)
{
	return policies_probe_interval(&((struct pin *)ctx)->policy, value, e);
}

static int parse_teardown_deadline(void *ctx, const char *value, struct err *e)
{
	return policies_teardown_deadline(&((struct pin *)ctx)->policy, value, e);
}

static int parse_hook(void *ctx, const char *value, struct err *e)
{
	return policies_hook(&((struct pin *)ctx)->policy, value, e);
}

static const struct conf_key keys[] = {
	{ "format", parse_format, 1 },
	{ "kind", parse_kind, 0 },
	{ "cache-id", parse_cache_id, 0 },	/* these two: check_kind() */
	{ "luks-uuid", parse_luks_uuid, 1 },
	{ "key-arn", parse_key_arn, 0 },
	{ "device", parse_device, 1 },
	{ "allow-discards", parse_discards, 0 },
	{ "adopted", parse_adopted, 0 },
	{ "swap-priority", parse_swap_priority, 0 },
	{ "unit", parse_unit, 0 },
	{ "on-revoke", parse_on_revoke, 0 },
	{ "on-disabled", parse_on_disabled, 0 },
	{ "unreachable", parse_unreachable, 0 },
	{ "lease", parse_lease, 0 },
	{ "after-lock", parse_after_lock, 0 },
	{ "probe-interval", parse_probe_interval, 0 },
	{ "teardown-deadline", parse_teardown_deadline, 0 },
	{ "hook", parse_hook, 0 },
	{ NULL, NULL, 0 },
};

/* check_kind - what a kind needs, and what it has no use for. */
static int check_kind(const char *path, const struct pin *p, struct err *e)
{
	const char *key = p->cache_id[0] ? "key-arn" : "cache-id";

	if (p->kind == VOLUME_BOOT_SWAP && (p->cache_id[0] || p->key_arn[0])) {
		key = p->cache_id[0] ? "cache-id" : "key-arn";
		err_set(e, -EINVAL, "kind=boot-swap has no key of a KMS: no %s=", key);
		err_hint(e, "take the line out, or set kind=swap for a swap area under that key");
	} else if (p->kind == VOLUME_BOOT_SWAP && !device_name_is_stable(p->device)) {
		key = "device";
		err_set(e, -EINVAL, "kind=boot-swap needs a device under " DEVICE_STABLE_NAMES);
		err_hint(e, "ls -l /dev/disk/by-partuuid tells its name");
	} else if (p->kind != VOLUME_BOOT_SWAP && (!p->cache_id[0] || !p->key_arn[0])) {
		err_set(e, -EINVAL, "required key \"%s\" is missing", key);
		err_hint(e, "add a line %s=...; `ecachectl dump DEVICE` tells what the header says", key);
	} else if (p->kind == VOLUME_DATA && p->swap_priority != SWAP_PRIORITY_ANY) {
		key = "swap-priority";
		err_set(e, -EINVAL, "swap-priority= is for kind=swap and kind=boot-swap");
		err_hint(e, "take the line out");
	} else if (p->kind == VOLUME_BOOT_SWAP && p->shape != HEADER_CREATED) {
		key = "adopted";
		err_set(e, -EINVAL, "kind=boot-swap has no header: nothing of it was adopted");
		err_hint(e, "take the line out");
	} else {
		return 0;
	}
	conf_blame(path, key, e);
	return -EINVAL;
}

static int check_owner(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st))
		return err_sys(e, -errno, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EPERM, "%s is not a regular file", path);
	if (st.st_uid != geteuid() || (st.st_mode & 0022)) {
		err_set(e, -EPERM, "%s could be written by others, so it pins nothing", path);
		err_hint(e, "check its content, then: chown root:root %s && chmod 600 %s", path, path);
		return -EPERM;
	}
	return 0;
}

int pin_load(const char *dir, const char *name, struct pin *p, struct err *e)
{
	char path[PATH_MAX];
	int rc;

	pin_init(p);
	rc = name_path(dir, name, "", path, e);
	if (!rc)
		rc = check_owner(path, e);
	if (!rc)
		rc = conf_parse_file(path, keys, p, e);
	if (!rc)
		rc = check_kind(path, p, e);
	if (rc)
		pin_init(p);
	return rc;
}

enum volume_kind pin_kind(const char *dir, const char *name)
{
	struct pin *p = malloc(sizeof(*p));
	enum volume_kind kind = VOLUME_DATA;

	if (p && !pin_load(dir, name, p, NULL))
		kind = p->kind;
	free(p);
	return kind;
}

static int pin_write(const char *dir, const char *name, const struct pin *p, bool create, struct err *e)
{
	char path[PATH_MAX], *text = NULL, *policies;
	struct pin again;
	size_t len = 0;
	FILE *f;
	int rc;

	rc = name_path(dir, name, "", path, e);
	if (rc)
		return rc;
	f = open_memstream(&text, &len);
	if (!f)
		return err_set(e, -ENOMEM, "out of memory");
	fprintf(f, "# Volume %s; see ecached.conf(5).\nformat=1\nkind=%s\n", name, volume_kind_name(p->kind));
	if (p->kind != VOLUME_BOOT_SWAP)
		fprintf(f, "cache-id=%s\nkey-arn=%s\n", p->cache_id, p->key_arn);
	fprintf(f, "luks-uuid=%s\ndevice=%s\nallow-discards=%s\n", p->luks_uuid, p->device,
		p->allow_discards ? "yes" : "no");
	if (p->shape != HEADER_CREATED)
		fprintf(f, "adopted=%s\n", adoptions[p->shape]);
	if (p->swap_priority != SWAP_PRIORITY_ANY)
		fprintf(f, "swap-priority=%d\n", p->swap_priority);
	if (p->unit[0])
		fprintf(f, "unit=%s\n", p->unit);
	policies = policies_text(&p->policy);
	if (policies)
		fputs(policies, f);
	if (fclose(f) || !policies) {
		free(policies);
		free(text);
		return err_set(e, -ENOMEM, "out of memory");
	}
	free(policies);
	/* A pin that would not load is not written. */
	pin_init(&again);
	rc = conf_parse_buf(path, text, len, keys, &again, e);
	if (!rc)
		rc = check_kind(path, &again, e);
	if (!rc && strcmp(again.device, p->device))
		rc = err_set(e, -EINVAL, "a device path must not begin or end with a blank");
	if (!rc)
		rc = create ? fsio_create(path, text, len, 0600, e) : fsio_replace(path, text, len, 0600, e);
	free(text);
	return rc;
}

int pin_create(const char *dir, const char *name, const struct pin *p, struct err *e)
{
	return pin_write(dir, name, p, true, e);
}

int pin_replace(const char *dir, const char *name, const struct pin *p, struct err *e)
{
	return pin_write(dir, name, p, false, e);
}

/* with_line - the text with @line in place of its line @nr (from 1); to be freed, NULL: out of memory. */
static char *with_line(const char *text, unsigned int nr, const char *line, size_t *len)
{
	const char *at = text, *end;
	char *out = NULL;
	FILE *f;

	for (; nr > 1; nr--)
		at += strcspn(at, "\n") + 1;
	end = at + strcspn(at, "\n");
	f = open_memstream(&out, len);
	if (!f)
		return NULL;
	fprintf(f, "%.*s%s%s", (int)(at - text), text, line, end);
	if (!fclose(f))
		return out;
	free(out);
	return NULL;
}

int pin_set_key(const char *dir, const char *name, const char *key_arn, struct err *e)
{
	char path[PATH_MAX], line[sizeof("key-arn=") + KMS_ARN_MAX], *text, *changed;
	struct pin was, again;
	size_t len;
	int rc;

	rc = pin_load(dir, name, &was, e);
	if (!rc)
		rc = name_path(dir, name, "", path, e);
	if (!rc)
		rc = fsio_read(path, PIN_TEXT_MAX, &text, &len, e);
	if (rc)
		return rc;
	snprintf(line, sizeof(line), "key-arn=%s", key_arn);
	changed = with_line(text, conf_line(path, "key-arn"), line, &len);
	free(text);
	if (!changed)
		return err_set(e, -ENOMEM, "out of memory");
	pin_init(&again);
	rc = conf_parse_buf(path, changed, len, keys, &again, e);
	if (!rc)
		rc = check_kind(path, &again, e);
	if (!rc && (strcmp(again.key_arn, key_arn) || strcmp(again.luks_uuid, was.luks_uuid)))
		rc = err_set(e, -EINVAL, "%s changes under our hands", path);
	if (!rc)
		rc = fsio_replace(path, changed, len, 0600, e);
	free(changed);
	return rc;
}

int pin_remove(const char *dir, const char *name, struct err *e)
{
	char path[PATH_MAX];
	int rc = name_path(dir, name, "", path, e);

	return rc ? rc : fsio_unlink(path, e);
}

int pin_match(const struct pin *p, const struct header *h, struct err *e)
{
	const struct {
		const char *what, *pin, *header;
	} same[] = {
		{ "LUKS uuid", p->luks_uuid, h->luks_uuid },
		{ "cache id", p->cache_id, h->token.cache_id },
		{ "key ARN", p->key_arn, h->token.key_arn },
	};
	size_t i;

	for (i = 0; i < sizeof(same) / sizeof(*same); i++) {
		if (!strcmp(same[i].pin, same[i].header))
			continue;
		err_set(e, -EBADMSG, "pin and header disagree on the %s: %.100s and %.100s", same[i].what,
			same[i].pin, same[i].header);
		err_hint(e, "is it the right device? nothing was asked of the KMS");
		return -EBADMSG;
	}
	return 0;
}

int pin_header(const struct pin *p, const char *path, struct header *h, struct err *e)
{
	int rc;

	if (p->shape == HEADER_CREATED)
		rc = header_load(path, h, e);
	else
		rc = header_load_as(path, p->shape, h, e);
	return rc ? rc : pin_match(p, h, e);
}

int pin_each(const char *dir, int (*fn)(void *ctx, const char *name), void *ctx, struct err *e)
{
	return name_each(dir, "", fn, ctx, e);
}
