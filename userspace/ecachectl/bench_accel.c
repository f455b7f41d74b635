// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_target.h"

/* One entry of /proc/crypto: lines "name : value" up to an empty one. */
struct entry {
	char name[64], driver[64], module[64];
	bool async, internal;
	long priority;
};

static void take(struct entry *a, const char *field, const char *value)
{
	if (!strcmp(field, "name"))
		snprintf(a->name, sizeof(a->name), "%s", value);
	else if (!strcmp(field, "driver"))
		snprintf(a->driver, sizeof(a->driver), "%s", value);
	else if (!strcmp(field, "module"))
		snprintf(a->module, sizeof(a->module), "%s", value);
	else if (!strcmp(field, "async"))
		a->async = !strcmp(value, "yes");
	else if (!strcmp(field, "internal"))
		a->internal = !strcmp(value, "yes");
	else if (!strcmp(field, "priority"))
		a->priority = strtol(value, NULL, 10);
}

/*
 * is_accel - until 6.12 the CPU's own drivers are marked asynchronous, too, since they cannot be used everywhere.
 * They belong to these modules, or are built in.
 */
static bool is_accel(const struct entry *a)
{
	static const char *const own[] = {
		"kernel", "aesni_intel", "aes_ce_blk", "aes_neon_bs", "aes_neon_blk", "cryptd", "crypto_simd",
	};
	size_t i;

	if (strcmp(a->name, "xts(aes)") || !a->async || a->internal || !*a->module)
		return false;
	for (i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (!strcmp(a->module, own[i]))
			return false;
	}
	return true;
}

bool bench_find_accel(const char *text, char *driver, size_t size)
{
	struct entry a = { 0 };
	char field[32], value[64];
	bool found = false;
	long best = 0;

	for (;; text += strcspn(text, "\n"), text += *text == '\n') {
		if (*text && *text != '\n') {
			if (sscanf(text, "%31s : %63[^\n]", field, value) == 2)
				take(&a, field, value);
			continue;
		}
		if (is_accel(&a) && (!found || a.priority > best)) {
			snprintf(driver, size, "%s", a.driver);
			best = a.priority;
			found = true;
		}
		if (!*text)
			return found;
		a = (struct entry){ 0 };
	}
}
