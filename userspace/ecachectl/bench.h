/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_H
#define ECACHECTL_BENCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What `ecachectl bench` measures, and what came of it. One struct bench is one device: cells (ways of doing I/O)
 * times targets (ways of reaching the disk) times rounds. bench_run.c fills it, bench_json.c, bench_table.c and
 * bench_html.c print it.
 */
#define BENCH_CELLS_MAX 16
#define BENCH_TARGETS_MAX 12
#define BENCH_ROUNDS_MAX 100
#define BENCH_TEXT 128

struct bench_cell {
	const char *name;	/* "4k-randread-1" */
	const char *title;	/* "4 KiB random read, depth 1" */
	const char *rw;		/* as fio calls it */
	unsigned int bytes;
	unsigned int depth;
	bool reads, writes;
};

/* bench_cells - all of them, ended by a NULL name. */
extern const struct bench_cell bench_cells[];

/* What a sample is made of; a measure that it lacks is NAN. */
enum bench_measure {
	BENCH_IOPS,
	BENCH_MIB,		/* MiB per second */
	BENCH_READ_P50,		/* microseconds */
	BENCH_READ_P99,
	BENCH_READ_P999,
	BENCH_WRITE_P50,
	BENCH_WRITE_P99,
	BENCH_WRITE_P999,
	BENCH_CPU,		/* microseconds of all processors per I/O */
	BENCH_INSNS,		/* instructions per I/O, where they can be counted */
	BENCH_MEASURES,
};

struct bench_sample {
	double v[BENCH_MEASURES];
};

enum bench_kind {
	BENCH_RAW,
	BENCH_LINEAR,
	BENCH_CRYPT,		/* dm-crypt as it is */
	BENCH_CRYPT_NWQ,	/* with no_read_workqueue and no_write_workqueue */
	BENCH_INLINECRYPT,
	BENCH_ECACHE,
	BENCH_AGAIN,		/* the control: the same table a second time */
	BENCH_ECACHE_INLINE,
	BENCH_ECACHE_ACCEL,
	BENCH_KINDS,
};

struct bench_target {
	enum bench_kind kind;
	const char *name;	/* "crypt-nwq" */
	const char *title;
	char driver[64];	/* who encrypts, "" when it does not say */
};

/* What is not measured, and why. */
struct bench_left_out {
	const char *name;
	char why[2 * BENCH_TEXT];
};

struct bench_host {
	char cpu[BENCH_TEXT];
	unsigned int cpus;
	char memory[32];
	char kernel[BENCH_TEXT];
	char governor[32];	/* "" when the kernel does not scale the clock */
	char module[32];	/* version of the target in the kernel */
	char fio[32];
	bool emulated;		/* QEMU without KVM: only instructions repeat */
	double busy;		/* share of all processors, 0..1, while nothing was measured */
};

struct bench_disk {
	char name[BENCH_TEXT];	/* as given */
	char model[BENCH_TEXT];
	char scheduler[BENCH_TEXT];
	uint64_t bytes;
	uint64_t area;		/* of it used, from its start */
};

struct bench {
	struct bench_host host;
	struct bench_disk disk;
	const struct bench_cell *cells[BENCH_CELLS_MAX];
	unsigned int nr_cells;
	struct bench_target targets[BENCH_TARGETS_MAX];
	unsigned int nr_targets;
	struct bench_left_out left_out[BENCH_KINDS];
	unsigned int nr_left_out;
	unsigned int sector_size;
	unsigned int rounds;
	unsigned int seconds;	/* of a sample; 0: @ios counts */
	unsigned int ios;
	bool counted;		/* there are instructions */
	struct bench_sample *samples;	/* [cell][target][round] */
};

static inline struct bench_sample *bench_at(const struct bench *b, unsigned int cell, unsigned int target,
					    unsigned int round)
{
	return b->samples + ((cell * b->nr_targets + target) * b->rounds + round);
}

/* bench_find - the index of a kind among the targets, -1: not measured. */
int bench_find(const struct bench *b, enum bench_kind kind);

#endif
