// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "doctor_tree.h"
#include "output.h"

/* The checks of the kernel, the module and the cipher that it uses. */

#define TARGET_MAJOR 1		/* of the target's version: another one may speak another language */
#define LOADED "/sys/module/dm_ecache"
#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* The kernels that the tests run on; what lies between is built and expected to work. */
static const struct { unsigned int major, minor; } tested[] = { { 6, 1 }, { 6, 12 }, { 7, 3 } };

#define TESTED (sizeof(tested) / sizeof(tested[0]))

static int compare(unsigned int major, unsigned int minor, size_t i)
{
	return major != tested[i].major ? (int)major - (int)tested[i].major : (int)minor - (int)tested[i].minor;
}

static void check_kernel(const struct doctor *d, struct finding *f)
{
	unsigned int major, minor;
	char release[128];
	size_t i;

	if (!tree_read(d, release, sizeof(release), "/proc/sys/kernel/osrelease") ||
	    sscanf(release, "%u.%u", &major, &minor) != 2) {
		find(f, DOCTOR_UNKNOWN, "Run doctor on the host itself: /proc is not there.",
		     "/proc/sys/kernel/osrelease cannot be read");
		return;
	}
	for (i = 0; i < TESTED; i++) {
		if (!compare(major, minor, i)) {
			find(f, DOCTOR_OK, NULL, "%s, of a series that is tested", release);
			return;
		}
	}
	if (compare(major, minor, 0) < 0)
		find(f, DOCTOR_FAULT, "Use Linux 6.1 or later.", "%s is older than dm-ecache knows", release);
	else if (compare(major, minor, TESTED - 1) > 0)
		find(f, DOCTOR_WARNING, "Run the tests on it, or use 6.1, 6.12 or 7.3.",
		     "%s is newer than what is tested", release);
	else
		find(f, DOCTOR_OK, NULL, "%s, between those that are tested", release);
}

/* module_file - where the module for the running kernel is, below the root. */
static bool module_file(const struct doctor *d, char path[PATH_MAX])
{
	static const char *const places[] = { "updates/dkms", "updates", "extra", "weak-updates", "kernel/drivers/md" };
	static const char *const endings[] = { "", ".xz", ".zst", ".gz" };
	char release[128];
	size_t i, j;

	if (!tree_read(d, release, sizeof(release), "/proc/sys/kernel/osrelease"))
		return false;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (j = 0; j < sizeof(endings) / sizeof(endings[0]); j++) {
			snprintf(path, PATH_MAX, "/lib/modules/%s/%s/dm-ecache.ko%s", release, places[i], endings[j]);
			if (tree_exists(d, "%s", path))
				return true;
		}
	}
	return false;
}

static void check_module(const struct doctor *d, struct finding *f)
{
	char path[PATH_MAX], source[64];

	if (!tree_exists(d, LOADED) && !d->have_target) {
		if (module_file(d, path))
			find(f, DOCTOR_OK, NULL, "not loaded yet; it is %s", path);
		else
			find(f, DOCTOR_FAULT, "Build and install it for this kernel (make install).",
			     "not loaded, and there is none for this kernel");
		return;
	}
	if (!tree_read(d, source, sizeof(source), LOADED "/srcversion"))
		strcpy(source, "unknown");
	if (!d->have_target)
		find(f, DOCTOR_UNKNOWN, "Run doctor as root.",
		     "loaded, source %s; device-mapper was not asked for its version", source);
	else if (d->target[0] != TARGET_MAJOR)
		find(f, DOCTOR_FAULT, "Install module and programs of one version, and load that module.",
		     "target version %u.%u.%u, these programs know %d.x", d->target[0], d->target[1], d->target[2],
		     TARGET_MAJOR);
	else
		find(f, DOCTOR_OK, NULL, "loaded, target version %u.%u.%u, source %s", d->target[0], d->target[1],
		     d->target[2], source);
}

static const char slow[] = "Load the CPU's own AES before the volumes are opened: `modprobe aesni_intel` (x86) or "
	"aes_ce_blk (arm64), and the same word in /etc/modules-load.d/. Volumes that are open keep their driver until "
	"they are closed.";

/* driver_of_crypto - the driver of xts(aes) with the highest priority in /proc/crypto. */
static bool driver_of_crypto(const struct doctor *d, char out[128])
{
	char *text = malloc(256 * 1024), *line, *rest = text, value[128], driver[128] = "";
	bool wanted = false, found = false;
	long best = -1, priority;

	if (text && tree_read(d, text, 256 * 1024, "/proc/crypto")) {
		while ((line = strsep(&rest, "\n"))) {
			if (sscanf(line, "name : %127s", value) == 1) {
				wanted = !strcmp(value, "xts(aes)") || !strcmp(value, "__xts(aes)");
			} else if (sscanf(line, "driver : %127s", value) == 1) {
				strcpy(driver, value);
			} else if (wanted && sscanf(line, "priority : %ld", &priority) == 1 && priority > best) {
				best = priority;
				strcpy(out, driver);
				found = true;
			}
		}
	}
	free(text);
	return found;
}

static void check_driver(const struct doctor *d, struct finding *f)
{
	struct json_object *list = json_object_object_get(d->status, "volumes"), *v, *t;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0, i;
	char driver[128];
	bool generic;

	for (i = 0; i < n; i++) {
		v = json_object_array_get_idx(list, i);
		t = out_obj(v, "target");
		if (!t)
			continue;
		generic = out_bool(t, "generic");
		find(f, generic ? DOCTOR_WARNING : DOCTOR_OK, generic ? slow : NULL, "%s: %s", out_str(v, "name"),
		     out_str(t, "driver"));
	}
	if (*f->found)
		return;
	if (!driver_of_crypto(d, driver)) {
		find(f, DOCTOR_UNKNOWN, "Ask again when a volume is open.",
		     "no volume is open, and nobody has used AES-XTS yet");
		return;
	}
	generic = strstr(driver, "generic");
	find(f, generic ? DOCTOR_WARNING : DOCTOR_OK, generic ? slow : NULL, "%s (no volume is open)", driver);
}

/* secure_boot - the variable has four bytes of attributes and one of value. */
static bool secure_boot(const struct doctor *d)
{
	char path[PATH_MAX], value[5];
	bool on = false;
	int fd;

	snprintf(path, sizeof(path), "%s" SECURE_BOOT, d->root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (!read_all(fd, value, sizeof(value)))
		on = value[4] == 1;
	close(fd);
	return on;
}

/* enforced - does this kernel refuse modules that are not signed? */
static bool enforced(const struct doctor *d)
{
	char text[128];

	if (tree_read(d, text, sizeof(text), "/sys/module/module/parameters/sig_enforce") && *text == 'Y')
		return true;
	return tree_read(d, text, sizeof(text), "/sys/kernel/security/lockdown") && !strstr(text, "[none]");
}

/* is_signed - by the mark at the end of a module file. */
static bool is_signed(const struct doctor *d, const char *path)
{
	static const char mark[] = "~Module signature appended~\n";
	char whole[PATH_MAX], end[sizeof(mark) - 1];
	bool found = false;
	off_t size;
	int fd;

	if (snprintf(whole, sizeof(whole), "%s%s", d->root, path) >= (int)sizeof(whole))
		return false;
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size = lseek(fd, 0, SEEK_END);
	if (size >= (off_t)sizeof(end) && !pread_all(fd, end, sizeof(end), size - (off_t)sizeof(end)))
		found = !memcmp(end, mark, sizeof(end));
	close(fd);
	return found;
}

static void check_signature(const struct doctor *d, struct finding *f)
{
	static const char remedy[] = "Sign the module with a key that the machine's firmware or its owner's list (MOK) "
		"knows: for DKMS `mokutil --import /var/lib/dkms/mok.pub`, and reboot.";
	bool boot = secure_boot(d), must = enforced(d), compressed;
	const char *state = boot ? "Secure Boot is on" : "Secure Boot is off or not there";
	char path[PATH_MAX], taint[32];

	if (tree_read(d, taint, sizeof(taint), LOADED "/taint")) {
		if (!strchr(taint, 'E'))
			find(f, DOCTOR_OK, NULL, "%s; the module is signed, or the kernel knows no signatures", state);
		else
			find(f, boot ? DOCTOR_WARNING : DOCTOR_OK, boot ? remedy : NULL, "%s; the module is not signed",
			     state);
		return;
	}
	if (!module_file(d, path)) {
		find(f, DOCTOR_UNKNOWN, "Build and install it for this kernel (make install).",
		     "%s; there is no module to look at", state);
		return;
	}
	compressed = strcmp(strrchr(path, '.'), ".ko");
	if (!must)
		find(f, DOCTOR_OK, NULL, "%s; this kernel takes modules that are not signed", state);
	else if (compressed)
		find(f, DOCTOR_UNKNOWN, "Load it, and ask again: modprobe dm-ecache.", "%s; %s is compressed", state,
		     path);
	else if (is_signed(d, path))
		find(f, DOCTOR_OK, NULL, "%s; %s is signed", state, path);
	else
		find(f, DOCTOR_FAULT, remedy, "%s; this kernel takes signed modules only, and %s is not", state, path);
}

const struct check doctor_kernel_checks[] = {
	{ "kernel", check_kernel },
	{ "module", check_module },
	{ "driver", check_driver },
	{ "signature", check_signature },
	{ NULL, NULL },
};
