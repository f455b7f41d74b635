# SPDX-License-Identifier: GPL-2.0-or-later
"""dm-contexts.sh's I/O: fills the first megabytes of volumes, then reads them, small and large, several at a time."""
import os
import random
import sys

from blockio import READ, Aio, buffer, check

SIZE = 2 << 20
DEPTH = 8


def reads(path, small):
    fd = os.open(path, os.O_RDWR | os.O_DIRECT)
    data = buffer(SIZE)
    data[:] = random.randbytes(SIZE)
    check(os.pwritev(fd, [data], 0) == SIZE, f"{path}: write")
    aio = Aio()
    for _ in range(64 if small else 16):
        asked = {}
        for _ in range(DEPTH):
            size = 4096 if small else random.choice((4096, 8192, 16384, 20480, 65536))
            offset = 4096 * random.randrange((SIZE - size) // 4096)
            view = buffer(size)
            asked[aio.submit(READ, fd, view, offset)] = (view, offset)
        for number, result in aio.drain().items():
            view, offset = asked[number]
            check(result == len(view), f"{path}: read of {len(view)} at {offset}: {result}")
            check(view == data[offset:offset + len(view)], f"{path}: read of {len(view)} at {offset}: wrong data")


for name in sys.argv[1:]:
    reads(f"/dev/mapper/{name}", "ONLY_SMALL" in os.environ)
