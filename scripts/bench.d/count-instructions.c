// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin for QEMU's emulation: counts the instructions that each of the guest's processors executes, into a file
 * that the guest reads (scripts/bench). The file is 64 numbers of 8 bytes, one a processor, always up to date: it
 * is mapped, and QEMU serves it to the guest from the page cache. A block counts when it begins, so one that an
 * interrupt or a fault leaves early counts whole.
 *
 * -plugin count-instructions.so,out=FILE
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "qemu-plugin.h"

#define CPUS 64
#define BYTES (CPUS * sizeof(*counts))

int qemu_plugin_version = QEMU_PLUGIN_API;

static uint64_t *counts;

/* A processor's number is written by its own thread only. */
static void executed(unsigned int cpu, void *instructions)
{
	counts[cpu % CPUS] += (uintptr_t)instructions;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, (void *)(uintptr_t)qemu_plugin_tb_n_insns(tb));
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
	if (!ftruncate(fd, BYTES))
		counts = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (!counts || counts == MAP_FAILED)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
