// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "../volume/dm.h"
#include "../volume/pin.h"
#include "bench_cell.h"
#include "bench_disk.h"
#include "bench_host.h"
#include "bench_report.h"
#include "bench_run.h"
#include "bench_target.h"
#include "call.h"
#include "output.h"
#include "verb.h"

#define DEVICES_MAX 8
#define MIB (1024 * 1024)
#define BUSY_MS 2000

struct args {
	const char *output;
	const char *cells;
	const char *accel;
	const char *fio;
	const char *counter;
	unsigned int rounds;
	unsigned int seconds;
	unsigned int ios;
	unsigned int size;
	unsigned int sector_size;
	bool json;
};

static int usage(const char *what)
{
	fprintf(stderr, "ecachectl bench: %s\n", what);
	return EXIT_USAGE;
}

static int check(struct args *a)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";

	if (!a->rounds || a->rounds > BENCH_ROUNDS_MAX)
		return usage("--rounds wants 1 to 100");
	if (a->seconds && a->ios)
		return usage("either --seconds or --ios");
	if (!a->seconds && !a->ios)
		a->seconds = 3;
	if (!a->size)
		return usage("--size wants some MiB");
	if (a->sector_size != 512 && a->sector_size != 1024 && a->sector_size != 2048 && a->sector_size != 4096)
		return usage("--sector-size must be 512, 1024, 2048 or 4096");
	/* It goes into a command of fio's. */
	if (a->counter && strspn(a->counter, plain) != strlen(a->counter))
		return usage("--counter wants a path of plain characters");
	return EXIT_OK;
}

static void progress(void *ctx, unsigned int done, unsigned int of, const char *what)
{
	fprintf(stderr, "%s: %u of %u: %s\n", (const char *)ctx, done + 1, of, what);
}

static void announce(const struct bench *b, const char *name)
{
	unsigned int samples = b->nr_cells * b->nr_targets * b->rounds;

	fprintf(stderr, "%s: %u kinds of I/O on %u targets, %u rounds", name, b->nr_cells, b->nr_targets, b->rounds);
	if (b->seconds)
		fprintf(stderr, " of %u s: %u minutes", b->seconds, samples * b->seconds / 60 + 1);
	fprintf(stderr, "\n");
}

/* told_to_stop - between the programs that we run, which look by themselves. */
static bool told_to_stop(int signals)
{
	struct pollfd p = { .fd = signals, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* measure_on - the device is ours, and blank. */
static int measure_on(struct bench *b, struct device *d, const struct args *a, int signals, char *name, struct err *e)
{
	struct bench_targets t;
	struct bench_runner r = { .fio = a->fio, .counter = a->counter, .signals = signals, .fd = t.fd,
				  .progress = progress, .ctx = name };
	struct err late = ERR_INIT;
	int rc, end;

	rc = bench_targets_open(&t, b, d, a->accel, e);
	if (!rc && told_to_stop(signals))
		rc = err_set(e, -EINTR, "stopped by a signal");
	if (!rc) {
		announce(b, name);
		rc = bench_fill(b, &r, e);
	}
	if (!rc)
		rc = bench_run(b, &r, e);
	end = bench_targets_close(&t, b, &late);
	if (end && !rc) {
		rc = end;
		*e = late;
	}
	return rc;
}

static int measure(struct bench *b, char *name, const struct args *a, int signals, struct err *e)
{
	struct device d = DEVICE_INIT;
	struct err late = ERR_INIT;
	int rc, end;

	b->disk.area = (uint64_t)a->size * MIB;
	rc = bench_disk_take(&d, name, 0, PIN_DIR, &b->disk.area, e);
	if (rc)
		return rc;
	b->disk.bytes = d.bytes;
	snprintf(b->disk.name, sizeof(b->disk.name), "%.*s", BENCH_TEXT - 1, name);
	bench_disk_read("", d.rdev, &b->disk);
	rc = measure_on(b, &d, a, signals, name, e);
	/* Whatever happened: what was written goes. */
	end = bench_disk_give_back(&d, b->disk.area, &late);
	if (end && !rc) {
		rc = end;
		*e = late;
	}
	return rc;
}

/* look_at_all - refuses before hours were spent on the first one. */
static int look_at_all(char **names, unsigned int nr, const struct args *a, struct err *e)
{
	struct device d = DEVICE_INIT;
	uint64_t area;
	unsigned int i;
	int rc;

	for (i = 0; i < nr; i++) {
		area = (uint64_t)a->size * MIB;
		rc = bench_disk_take(&d, names[i], 0, PIN_DIR, &area, e);
		if (rc)
			return rc;
		device_close(&d);
	}
	return 0;
}

static void print_json(FILE *to, const struct bench *b, unsigned int nr)
{
	struct json_object *o = bench_json(b, nr);

	fprintf(to, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
							   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static int save(const char *dir, const char *name, void (*print)(FILE *to, const struct bench *b, unsigned int nr),
		const struct bench *b, unsigned int nr, struct err *e)
{
	char path[PATH_MAX], *text = NULL;
	size_t len = 0;
	FILE *to;
	int rc;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return err_sys(e, -ENAMETOOLONG, "%.64s...", dir);
	to = open_memstream(&text, &len);
	if (!to)
		return err_set(e, -ENOMEM, "out of memory");
	print(to, b, nr);
	rc = fclose(to) ? err_set(e, -ENOMEM, "out of memory") : fsio_replace(path, text, len, 0644, e);
	free(text);
	return rc;
}

static int report(const struct args *a, const struct bench *b, unsigned int nr, struct err *e)
{
	int rc = 0;

	if (a->output) {
		rc = save(a->output, "bench.json", print_json, b, nr, e);
		if (!rc)
			rc = save(a->output, "bench.txt", bench_table_print, b, nr, e);
		if (!rc)
			rc = save(a->output, "bench.html", bench_html, b, nr, e);
	}
	/* What took so long is worth printing even where it cannot be kept. */
	if (a->json)
		print_json(stdout, b, nr);
	else
		bench_table_print(stdout, b, nr);
	return rc;
}

static int run(const struct args *a, char **names, unsigned int nr, struct bench *b, struct err *e)
{
	unsigned int i, version[3];
	struct bench_host host;
	int signals, rc = 0;

	signals = call_signals(e);
	if (signals < 0)
		return signals;
	rc = look_at_all(names, nr, a, e);
	bench_host_read("", &host);
	host.busy = rc ? 0 : bench_busy(BUSY_MS);
	for (i = 0; !rc && i < nr; i++) {
		b[i].host = host;
		b[i].rounds = a->rounds;
		b[i].seconds = a->seconds;
		b[i].ios = a->ios;
		b[i].sector_size = a->sector_size;
		rc = bench_choose_cells(&b[i], a->cells, e);
		if (!rc)
			rc = measure(&b[i], names[i], a, signals, e);
		/* loaded by the first table of its, if not before */
		if (!dm_target_version("ecache", version))
			snprintf(b[i].host.module, sizeof(b[i].host.module), "%u.%u.%u", version[0], version[1],
				 version[2]);
	}
	close(signals);
	return rc ? rc : report(a, b, nr, e);
}

static int cmd_bench(const struct verb *v, int argc, char **argv)
{
	struct args a = { .fio = "fio", .rounds = 5, .size = 1024, .sector_size = 4096 };
	const char *operands[DEVICES_MAX] = { NULL };
	char *names[DEVICES_MAX] = { NULL };
	struct bench *b, cells;
	struct err e = ERR_INIT;
	unsigned int i, nr = 0;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	status = check(&a);
	if (status)
		return status;
	if (bench_choose_cells(&cells, a.cells, &e)) {
		call_fail(&e, a.json);
		return EXIT_USAGE;
	}
	while (nr < DEVICES_MAX && operands[nr]) {
		names[nr] = out_device_path(operands[nr]);
		nr++;
	}
	b = calloc(nr, sizeof(*b));
	if (!b)
		abort();
	if (run(&a, names, nr, b, &e))
		status = call_fail(&e, a.json);
	for (i = 0; i < nr; i++) {
		free(b[i].samples);
		free(names[i]);
	}
	free(b);
	return status;
}

static const struct opt opts[] = {
	{ "output", "DIR", "also write bench.html, bench.json and bench.txt there", OPT_STRING,
	  offsetof(struct args, output) },
	{ "cells", "A,B", "only these kinds of I/O (default: all nine)", OPT_STRING, offsetof(struct args, cells) },
	{ "rounds", "N", "samples of each kind on each target (default 5; below 3 nothing is judged)", OPT_NUMBER,
	  offsetof(struct args, rounds) },
	{ "seconds", "N", "length of a sample (default 3)", OPT_NUMBER, offsetof(struct args, seconds) },
	{ "ios", "N", "length of a sample in I/Os instead: where time means nothing", OPT_NUMBER,
	  offsetof(struct args, ios) },
	{ "size", "MIB", "how much of the device is used, from its start (default 1024)", OPT_NUMBER,
	  offsetof(struct args, size) },
	{ "sector-size", "BYTES", "crypto sectors of 512, 1024, 2048 or 4096 (default)", OPT_NUMBER,
	  offsetof(struct args, sector_size) },
	{ "accel", "DRIVER", "crypto driver of an accelerator, as /proc/crypto names it (default: one that is there)",
	  OPT_STRING, offsetof(struct args, accel) },
	{ "fio", "PATH", "the program fio (default: in PATH)", OPT_STRING, offsetof(struct args, fio) },
	{ "counter", "FILE", "numbers of 8 bytes that count executed instructions (scripts/bench)", OPT_STRING,
	  offsetof(struct args, counter) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_bench = {
	.name = "bench",
	.operands = "DEVICE...",
	.min_operands = 1,
	.max_operands = DEVICES_MAX,
	.summary = "Measure what encryption costs on blank devices, next to dm-crypt",
	.details = "The disk itself, dm-linear, dm-crypt, dm-inlinecrypt and dm-ecache by turns, under a key that nobody\n"
		   "keeps. Nothing but zeroes is ever overwritten: a device that is in use, holds something that blkid\n"
		   "knows, or is not zero where it would be written, is refused. Afterwards it is zero again. Needs fio;\n"
		   "ecached is not asked.",
	.opts = opts,
	.func = cmd_bench,
};
