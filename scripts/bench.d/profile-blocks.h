/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_PROFILE_BLOCKS_H
#define BENCH_PROFILE_BLOCKS_H

#include <stdint.h>

#define BLOCKS_MAX (1u << 18)
#define BLOCKS_PROGRAMS 0	/* the address that stands for all that is not the kernel's */

/* What profile-blocks.c writes: of @block the first @number, which only become more, at places that stay. */
struct blocks {
	uint64_t number;
	uint64_t lost;		/* instructions of blocks beyond BLOCKS_MAX */
	struct block {
		uint64_t address;
		uint64_t instructions;
	} block[BLOCKS_MAX];
};

#endif
