// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../volume/mounts.h"
#include "doctor_block.h"
#include "doctor_tree.h"
#include "output.h"

/* The checks of where this host may put what it has in memory. */

#define SMALL 4096
#define NO_PROC "Run doctor on the host itself: /proc is not there."
#define NO_SYS "Run doctor on the host itself: /sys is not there."
#define CONFIG_MAX (1024 * 1024)

static void judge_swap(const struct doctor *d, const char *name, bool is_file, struct finding *f)
{
	static const char remedy[] = "Memory of tenants goes to a disk in the clear: swapoff it, and swap to an ecache "
		"or dm-crypt volume under a random key, or to zram (Documentation/operations.md).";

	switch (is_file ? block_kind_of_file(d, name) : block_kind_of_node(d, name)) {
	case BLOCK_PLAIN:
		find(f, DOCTOR_FAULT, remedy, "%s is not encrypted", name);
		break;
	case BLOCK_UNKNOWN:
		find(f, DOCTOR_UNKNOWN, "Look at `lsblk -s` yourself.", "%s: cannot tell what it is on", name);
		break;
	case BLOCK_ENCRYPTED:
		find(f, DOCTOR_OK, NULL, "%s is encrypted", name);
		break;
	case BLOCK_MEMORY:
		find(f, DOCTOR_OK, NULL, "%s is memory", name);
		break;
	}
}

/* data_volume_of - a cache under this key; NULL: none. */
static const char *data_volume_of(struct json_object *list, const char *key_arn)
{
	size_t n = json_object_array_length(list), i;
	struct json_object *v;

	for (i = 0; i < n; i++) {
		v = json_object_array_get_idx(list, i);
		if (!strcmp(out_str(v, "kind"), "data") && !strcmp(out_str(v, "key_arn"), key_arn))
			return out_str(v, "name");
	}
	return NULL;
}

/* judge_swap_keys - the host's swap ends with its key, so that is nobody's who has but a cache here. */
static void judge_swap_keys(const struct doctor *d, struct finding *f)
{
	static const char remedy[] = "Swap is the host's: make it anew under a key of the host's operator, or under none "
		"(ecachectl(8), SWAP VOLUMES).";
	struct json_object *list = json_object_object_get(d->status, "volumes"), *v;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0, i;
	const char *cache;

	for (i = 0; i < n; i++) {
		v = json_object_array_get_idx(list, i);
		if (strcmp(out_str(v, "kind"), "swap"))
			continue;
		cache = data_volume_of(list, out_str(v, "key_arn"));
		if (cache)
			find(f, DOCTOR_WARNING, remedy, "%s is under the key of %s", out_str(v, "name"), cache);
	}
}

static void check_swap(const struct doctor *d, struct finding *f)
{
	char text[16384], name[PATH_MAX], type[32], *line, *rest = text;

	if (!tree_read(d, text, sizeof(text), "/proc/swaps")) {
		find(f, DOCTOR_UNKNOWN, NO_PROC, "/proc/swaps cannot be read");
		return;
	}
	while ((line = strsep(&rest, "\n"))) {
		if (*line != '/' || sscanf(line, "%4095s %31s", name, type) != 2)
			continue;
		mounts_unescape(name);
		judge_swap(d, name, !strcmp(type, "file"), f);
	}
	judge_swap_keys(d, f);
	if (!*f->found)
		find(f, DOCTOR_OK, NULL, "this host does not swap");
}

/* resume_device - where a hibernated host comes back from: its number; false: nowhere. */
static bool resume_device(const struct doctor *d, char number[32])
{
	return tree_read(d, number, 32, "/sys/power/resume") && *number && strcmp(number, "0:0");
}

/* cannot_hibernate - the kernel does not know how, or was told not to. */
static bool cannot_hibernate(const struct doctor *d, const char *states)
{
	char text[SMALL];

	if (!tree_word(states, "disk"))
		return true;
	if (tree_read(d, text, sizeof(text), "/proc/cmdline") && tree_word(text, "nohibernate"))
		return true;
	return tree_read(d, text, sizeof(text), "/sys/power/disk") && strstr(text, "[disabled]");
}

/* all_masked - each of the ways to the disk is a target of its own. */
static bool all_masked(const struct doctor *d)
{
	static const char *const ways[] = { "hibernate", "hybrid-sleep", "suspend-then-hibernate" };
	char target[64];
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!tree_link(d, target, sizeof(target), "/etc/systemd/system/%s.target", ways[i]) ||
		    strcmp(target, "/dev/null"))
			return false;
	}
	return true;
}

static void check_hibernation(const struct doctor *d, struct finding *f)
{
	static const char remedy[] = "Put nohibernate on the kernel's command line, or `systemctl mask "
		"hibernate.target hybrid-sleep.target suspend-then-hibernate.target`.";
	char state[SMALL], number[32];

	if (!tree_read(d, state, sizeof(state), "/sys/power/state")) {
		if (tree_exists(d, "/sys/kernel"))
			find(f, DOCTOR_OK, NULL, "this kernel does not sleep");
		else
			find(f, DOCTOR_UNKNOWN, NO_SYS, "/sys/power/state cannot be read");
		return;
	}
	if (cannot_hibernate(d, state))
		find(f, DOCTOR_OK, NULL, "the kernel does not hibernate");
	else if (all_masked(d))
		find(f, DOCTOR_OK, NULL, "its targets are masked");
	else if (!resume_device(d, number))
		find(f, DOCTOR_WARNING, remedy, "the host may hibernate: keys are wiped before, memory is not");
	else if (block_kind_of_number(d, number) == BLOCK_ENCRYPTED)
		find(f, DOCTOR_WARNING, remedy, "the host hibernates, tenants' memory with it, to an encrypted device");
	else
		find(f, DOCTOR_FAULT, remedy, "the host hibernates, tenants' memory with it, to device %s", number);
}

static void check_kdump(const struct doctor *d, struct finding *f)
{
	char text[32];

	if (!tree_read(d, text, sizeof(text), "/sys/kernel/kexec_crash_loaded")) {
		if (tree_exists(d, "/sys/kernel"))
			find(f, DOCTOR_OK, NULL, "this kernel knows no crash dumps");
		else
			find(f, DOCTOR_UNKNOWN, NO_SYS, "/sys/kernel/kexec_crash_loaded cannot be read");
	} else if (!strcmp(text, "1")) {
		find(f, DOCTOR_WARNING, "A dump holds the keys of open volumes and tenants' data: let it go to an "
		     "encrypted place, or disable kdump (kdump-config unload).", "a crash kernel is loaded");
	} else {
		find(f, DOCTOR_OK, NULL, "no crash kernel is loaded");
	}
}

enum answer { NO, YES, NO_ANSWER };

/*
 * by_kernel_log - the kernel's own word, which counts what overrules the others (page
 * poisoning); it may have scrolled out.
 */
static enum answer by_kernel_log(const struct doctor *d)
{
	static const char word[] = "heap free:";
	const char *line = d->kernel_log ? strstr(d->kernel_log, "mem auto-init:") : NULL;
	const char *at = line ? strstr(line, word) : NULL;

	if (!at || memchr(line, '\n', at - line))
		return NO_ANSWER;
	return !strncmp(at + strlen(word), "on", 2) ? YES : NO;
}

static enum answer by_cmdline(const struct doctor *d)
{
	char text[SMALL], value[16];

	if (!tree_read(d, text, sizeof(text), "/proc/cmdline") || !tree_value(text, "init_on_free", value,
									      sizeof(value)))
		return NO_ANSWER;
	if (!*value)
		return NO_ANSWER;	/* the kernel takes it for nothing */
	return strchr("1yY", *value) || !strcmp(value, "on") ? YES : NO;
}

static enum answer by_config(const struct doctor *d)
{
	static const char option[] = "CONFIG_INIT_ON_FREE_DEFAULT_ON";
	char release[128], *text = malloc(CONFIG_MAX), *at = NULL;
	enum answer a = NO_ANSWER;

	if (text && tree_read(d, release, sizeof(release), "/proc/sys/kernel/osrelease") &&
	    tree_read(d, text, CONFIG_MAX, "/boot/config-%s", release))
		at = strstr(text, option);
	if (at)
		a = !strncmp(at + strlen(option), "=y", 2) ? YES : NO;
	free(text);
	return a;
}

static void check_init_on_free(const struct doctor *d, struct finding *f)
{
	static const struct {
		enum answer (*ask)(const struct doctor *d);
		const char *source;
	} sources[] = {
		{ by_kernel_log, "the kernel's log" },
		{ by_cmdline, "the kernel's command line" },
		{ by_config, "the kernel's configuration" },
	};
	enum answer a = NO_ANSWER;
	size_t i;

	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		a = sources[i].ask(d);
		if (a != NO_ANSWER)
			break;
	}
	if (a == YES)
		find(f, DOCTOR_OK, NULL, "on, says %s", sources[i].source);
	else if (a == NO)
		find(f, DOCTOR_WARNING, "Put init_on_free=1 on the kernel's command line: pages that had a key or a "
		     "tenant's data in them are then wiped when they are freed.", "off, says %s", sources[i].source);
	else
		find(f, DOCTOR_UNKNOWN, "Look at `journalctl -k -b | grep auto-init`.",
		     "neither log nor command line nor configuration of the kernel says");
}

const struct check doctor_host_checks[] = {
	{ "swap", check_swap },
	{ "hibernation", check_hibernation },
	{ "kdump", check_kdump },
	{ "init-on-free", check_init_on_free },
	{ NULL, NULL },
};
