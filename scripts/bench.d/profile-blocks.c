// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin for QEMU's emulation: counts the instructions that a guest with one processor executes in each block of
 * its kernel's code, into a file that is mapped and so always up to date (scripts/bench-instructions;
 * profile-blocks.h is the file). Programs' instructions are one sum. A block counts when it begins, so one that an
 * interrupt or a fault leaves early counts whole.
 *
 * -plugin profile-blocks.so,out=FILE
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "profile-blocks.h"
#include "qemu-plugin.h"

#define SLOTS (4 * BLOCKS_MAX)

int qemu_plugin_version = QEMU_PLUGIN_API;

static struct blocks *blocks;
static uint32_t index_of[SLOTS];	/* by address: a block's number and 1, or 0 */

struct visit {
	uint64_t *sum;
	size_t instructions;
};

static void executed(unsigned int cpu, void *data)
{
	const struct visit *v = data;

	(void)cpu;
	*v->sum += v->instructions;
}

/* sum_of - the block at @address; the last one stands for all that find no place. */
static uint64_t *sum_of(uint64_t address)
{
	uint64_t slot = (address * 0x9e3779b97f4a7c15ULL >> 40) % SLOTS;

	for (; index_of[slot]; slot = (slot + 1) % SLOTS) {
		if (blocks->block[index_of[slot] - 1].address == address)
			return &blocks->block[index_of[slot] - 1].instructions;
	}
	if (blocks->number == BLOCKS_MAX)
		return &blocks->lost;
	blocks->block[blocks->number].address = address;
	blocks->number++;
	index_of[slot] = (uint32_t)blocks->number;
	return &blocks->block[index_of[slot] - 1].instructions;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	struct visit *v = malloc(sizeof(*v));	/* for as long as QEMU keeps the block, which it does not tell */

	(void)id;
	if (!v)
		abort();
	v->sum = sum_of(address >> 63 ? address : BLOCKS_PROGRAMS);
	v->instructions = qemu_plugin_tb_n_insns(tb);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, v);
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	int fd;

	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return 1;
	fd = open(argv[0] + 4, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return 1;
	if (!ftruncate(fd, sizeof(*blocks)))
		blocks = mmap(NULL, sizeof(*blocks), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (!blocks || blocks == MAP_FAILED)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
