# SPDX-License-Identifier: GPL-2.0-or-later
"""dm-atomic.sh's I/O."""
import errno
import os
import random
import re
import sys

from blockio import PAGE, RWF_ATOMIC, RWF_NOWAIT, WRITE, Aio, Valve, bounce_cap, buffer, check, device_number, errno_of, queue_limit, what

TRACING = "/sys/kernel/tracing"
CAP = 1 << 20  # what the target encrypts in one piece
SIZE = 8 << 20


class Requests:
    """with Requests(disk) as r: the body; r.writes are the requests that reached the disk meanwhile: (kind, bytes)."""

    def __init__(self, path):
        number = os.stat(path).st_rdev
        self.pattern = re.compile(rf"block_rq_issue: {os.major(number)},{os.minor(number)} (W\w*) (\d+) ")

    def _write(self, path, text):
        with open(f"{TRACING}/{path}", "w", encoding="ascii") as f:
            f.write(text)

    def __enter__(self):
        if not os.path.exists(f"{TRACING}/trace"):
            os.system(f"mount -t tracefs tracefs {TRACING}")
        self._write("trace", "")
        self._write("events/block/block_rq_issue/enable", "1")
        return self

    def __exit__(self, *_):
        self._write("events/block/block_rq_issue/enable", "0")
        with open(f"{TRACING}/trace", encoding="ascii") as f:
            self.writes = [(kind, int(size)) for kind, size in self.pattern.findall(f.read())]


def limits(disk):
    """Returns the largest write that the volume offers to do atomically. The disk's largest is less than its hardware's, by as much as its
    blocks are smaller than pages; what the volume offers, the disk must take."""
    below = queue_limit(disk, "atomic_write_unit_max_bytes"), queue_limit(disk, "atomic_write_max_bytes")
    check(below[1] > CAP, f"the disk takes atomic writes of {below[1]} bytes: this proves nothing")
    least, most, whole = (queue_limit(volume, f"atomic_write_{name}_bytes") for name in ("unit_min", "unit_max", "max"))
    check(0 < least <= PAGE and most == min(CAP, below[0]) and whole == CAP,
          f"atomic writes of {least} to {most}, merged to {whole} bytes on a disk with {below}")
    check(queue_limit(volume, "atomic_write_boundary_bytes") == 0, "a boundary")
    what(f"atomic writes of {least} to {most} bytes, merged to {whole}; the disk's to {below[0]}, merged to {below[1]}")
    return most


def atomic(fd, disk, size, position):
    data = buffer(size)
    data[:] = random.randbytes(size)
    with Requests(disk) as requests:
        check(os.pwritev(fd, [data], position, RWF_ATOMIC) == size, f"an atomic write of {size}")
    check(len(requests.writes) == 1 and requests.writes[0][1] == size and "U" in requests.writes[0][0],
          f"an atomic write of {size} arrived as {requests.writes}")
    model[position:position + size] = data


def refused(fd, most):
    for size, position, why in ((2 * most, 0, "too large"), (3 * PAGE, 0, "no power of two"), (4 * PAGE, PAGE, "not aligned to its size")):
        answer = errno_of(os.pwritev, fd, [buffer(size)], position, RWF_ATOMIC)
        check(answer == errno.EINVAL, f"an atomic write {why}: {answer}")
    what("atomic writes too large, of odd size or odd place: EINVAL")


def from_reserve(fd, disk, most):
    """With the bounce memory used up, single pages from the reserve are all there is."""
    valve = Valve(sys.argv[2])
    aio = Aio()
    filler, data = buffer(most // 8), buffer(most)
    data[:] = random.randbytes(most)
    valve.hold(device_number(disk))
    for _ in range(2 * bounce_cap() // len(filler)):
        if errno_of(aio.submit, WRITE, fd, filler, SIZE, RWF_NOWAIT) or aio.events(0):
            break
    check(errno_of(os.pwritev, fd, [data], most, RWF_ATOMIC | RWF_NOWAIT) == errno.EAGAIN, "there is bounce memory left: this proves nothing")
    with Requests(disk) as requests:
        number = aio.submit(WRITE, fd, data, most, RWF_ATOMIC)
        valve.release(device_number(disk))
        ended = aio.drain()
    check(ended[number] == most, f"an atomic write from the reserve: {ended[number]}")
    atomics = [write for write in requests.writes if "U" in write[0]]
    check([size for _, size in atomics] == [most], f"an atomic write from the reserve arrived as {atomics}")
    model[most:2 * most] = data
    what("an atomic write from the reserve: one request")


volume = "/dev/mapper/e"
model = bytearray(SIZE)
handle = os.open(volume, os.O_RDWR | os.O_DIRECT)
os.pwritev(handle, [buffer(SIZE)], 0)
largest = limits(sys.argv[1])
for length, place in ((PAGE, PAGE), (64 << 10, 64 << 10), (256 << 10, 2 << 20), (largest, 3 << 20)):
    atomic(handle, sys.argv[1], length, place)
what("each arrives as one atomic request")
refused(handle, largest)
from_reserve(handle, sys.argv[1], largest)
with open(sys.argv[3], "wb") as out:
    out.write(model)
