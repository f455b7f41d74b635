# SPDX-License-Identifier: GPL-2.0-or-later
"""A process that holds so many MiB, and for every line that it reads tells whether they are as it left them.

    long-agent-swap.py MIB MARK

Each page begins with MARK and its number; "holds" is said when all are written, "same" or "other" for a line.
"""
import mmap
import sys

PAGE = 4096
MARK = sys.argv[2].encode()


def page(number):
    return (MARK + b" %d " % number).ljust(PAGE, b"\xa5")


memory = mmap.mmap(-1, int(sys.argv[1]) << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
count = len(memory) // PAGE
for i in range(count):
    memory[i * PAGE:(i + 1) * PAGE] = page(i)
print("holds", flush=True)
for _ in sys.stdin:
    same = all(memory[i * PAGE:(i + 1) * PAGE] == page(i) for i in range(count))
    print("same" if same else "other", flush=True)
