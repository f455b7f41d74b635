# SPDX-License-Identifier: GPL-2.0-or-later
"""A process of so many MiB that looks twice whether its memory is as it left it."""
import mmap
import sys

PAGE = 4096


def page(number, turn):
    return (number * 2 + turn).to_bytes(8, "little") * (PAGE // 8)


memory = mmap.mmap(-1, int(sys.argv[1]) << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
count = len(memory) // PAGE
for i in range(count):
    memory[i * PAGE:(i + 1) * PAGE] = page(i, 0)
for turn in 0, 1:
    for i in range(count):
        if memory[i * PAGE:(i + 1) * PAGE] != page(i, turn):
            sys.exit(f"page {i} is not as it was")
        memory[i * PAGE:(i + 1) * PAGE] = page(i, turn + 1)
