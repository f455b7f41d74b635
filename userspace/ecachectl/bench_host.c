// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "../common/fsio.h"
#include "bench_host.h"

#define TEXT_MAX (4 * 1024 * 1024)	/* /proc/cpuinfo of a large host */

/* read_text - a file below the root, to be freed; NULL: not there. */
__attribute__((format(printf, 2, 3)))
static char *read_text(const char *root, const char *fmt, ...)
{
	char path[PATH_MAX], *text;
	va_list ap;
	size_t len;
	int n;

	n = snprintf(path, sizeof(path), "%s", root);
	va_start(ap, fmt);
	vsnprintf(path + n, sizeof(path) - n, fmt, ap);
	va_end(ap);
	return fsio_read(path, TEXT_MAX, &text, &len, NULL) ? NULL : text;
}

/* keep_line - the first line of @text, which is freed; without blanks at its ends. */
static void keep_line(char *text, char *out, size_t size)
{
	char *start, *end;

	if (!text)
		return;
	start = text + strspn(text, " \t");
	end = start + strcspn(start, "\n");
	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	snprintf(out, size, "%.*s", (int)(end - start), start);
	free(text);
}

static void read_cpus(const char *text, struct bench_host *h)
{
	const char *line, *colon;

	for (line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (!strncmp(line, "processor", 9))
			h->cpus++;
		colon = strchr(line, ':');
		if (colon && !*h->cpu && !strncmp(line, "model name", 10))
			snprintf(h->cpu, sizeof(h->cpu), "%.*s", (int)strcspn(colon + 1, "\n") - 1, colon + 2);
	}
	/* QEMU's own model of a processor says how it is run. */
	h->emulated = strstr(h->cpu, "QEMU TCG");
}

static void read_memory(const char *text, struct bench_host *h)
{
	unsigned long long kib;
	const char *line = text ? strstr(text, "MemTotal:") : NULL;

	if (line && sscanf(line, "MemTotal: %llu kB", &kib) == 1)
		snprintf(h->memory, sizeof(h->memory), "%.1f GiB", (double)kib / 1048576);
}

void bench_host_read(const char *root, struct bench_host *h)
{
	char *text;

	*h = (struct bench_host){ 0 };
	text = read_text(root, "/proc/cpuinfo");
	read_cpus(text, h);
	free(text);
	text = read_text(root, "/proc/meminfo");
	read_memory(text, h);
	free(text);
	keep_line(read_text(root, "/proc/sys/kernel/osrelease"), h->kernel, sizeof(h->kernel));
	keep_line(read_text(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), h->governor,
		  sizeof(h->governor));
}

/* read_of_disk - a partition's queue and model are its disk's. */
static void read_of_disk(const char *root, dev_t rdev, const char *file, char *out, size_t size)
{
	char *text = read_text(root, "/sys/dev/block/%u:%u/%s", major(rdev), minor(rdev), file);

	if (!text)
		text = read_text(root, "/sys/dev/block/%u:%u/../%s", major(rdev), minor(rdev), file);
	keep_line(text, out, size);
}

void bench_disk_read(const char *root, dev_t rdev, struct bench_disk *d)
{
	read_of_disk(root, rdev, "device/model", d->model, sizeof(d->model));
	read_of_disk(root, rdev, "queue/scheduler", d->scheduler, sizeof(d->scheduler));
}
