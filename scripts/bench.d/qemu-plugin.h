/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_QEMU_PLUGIN_H
#define BENCH_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

/*
 * The part of QEMU's plugin interface that count-instructions.c and profile-blocks.c use, as QEMU 10 has it (version 4 of the
 * interface): Debian packages no header of it.
 */
#define QEMU_PLUGIN_API 4
#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))

struct qemu_info_t;		/* of the emulator: not looked at */
struct qemu_plugin_tb;		/* a block of translated instructions */

QEMU_PLUGIN_EXPORT extern int qemu_plugin_version;
QEMU_PLUGIN_EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc, char **argv);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*fn)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*fn)(unsigned int cpu, void *data),
					  int flags, void *data);

#endif
