# SPDX-License-Identifier: GPL-2.0-or-later
"""dm-limits.sh's I/O."""
import os
import subprocess
import sys
import time

from blockio import IOPRIO_BE, IOPRIO_IDLE, IOPRIO_RT, READ, WRITE, Aio, Valve, buffer, check, device_number, what

QUEUED = "/sys/kernel/debug/block/nullb0/sched/queued"  # absent without mq-deadline: dm-limits.sh says so
CLASSES = {IOPRIO_RT: 0, IOPRIO_BE: 1, IOPRIO_IDLE: 2}  # mq-deadline's numbers


def queued():
    """How many requests of each class the disk's scheduler has."""
    with open(QUEUED, encoding="ascii") as f:
        return [int(n) for n in f.read().split()]


def priority(fd, aio, operation, name, priority_class):
    for _ in range(10):
        aio.submit(operation, fd, buffer(4096), 0, priority=priority_class << 13)
        seen = queued()
        in_time = not aio.events(0)
        aio.drain()
        if in_time:
            break
    check(in_time, "the disk was too fast to look at")
    want = [int(i == CLASSES[priority_class]) for i in range(3)]
    check(seen == want, f"{name} of class {priority_class}: the scheduler has {seen} requests of its classes")


def account(device):
    """Bytes (read, written) on the valve's account, on the device."""
    with open(f"{valve.folder}/io.stat", encoding="ascii") as f:
        for line in f:
            number, *fields = line.split()
            if number == device:
                numbers = dict(field.split("=") for field in fields)
                return int(numbers["rbytes"]), int(numbers["wbytes"])
    return 0, 0


def accounts():
    disk = device_number("/dev/ram0")
    fd = os.open("/dev/mapper/e", os.O_RDWR | os.O_DIRECT)
    before = account(disk)
    check(os.pwritev(fd, [buffer(3 << 20)], 0) == 3 << 20, "write")
    check(os.preadv(fd, [buffer(1 << 20)], 0) == 1 << 20, "read")
    after = account(disk)
    done = after[0] - before[0], after[1] - before[1]
    check(done == (1 << 20, 3 << 20), f"direct: {done} bytes on the account for 1 MiB read, 3 MiB written")
    cached = os.open("/dev/mapper/e", os.O_RDWR)
    os.pwrite(cached, bytes(2 << 20), 8 << 20)
    os.fsync(cached)
    written = account(disk)[1] - after[1]
    check(written == 2 << 20, f"buffered: {written} bytes on the account for 2 MiB")
    what("bytes on the account of the submitter's cgroup: all")


OTHER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from blockio import buffer
fd = os.open("/dev/mapper/e", os.O_RDWR | os.O_DIRECT)
print(os.pwritev(fd, [buffer(65536)], 65536), os.preadv(fd, [buffer(65536)], 0))
"""


def limits():
    disk = device_number("/dev/ram0")
    fd = os.open("/dev/mapper/e", os.O_RDWR | os.O_DIRECT)
    aio = Aio()
    valve.hold(disk)
    held = {aio.submit(operation, fd, buffer(65536), 0) for operation in (READ, WRITE)}
    other = subprocess.run([sys.executable, "-c", OTHER, os.path.dirname(__file__)], check=True, capture_output=True, text=True,
                           preexec_fn=lambda: valve.leave())
    check(other.stdout.split() == ["65536", "65536"], f"a process without limit: {other.stdout}")
    check(not aio.events(0), "a limit on the disk does not hold")
    valve.release(disk)
    check(set(aio.drain().values()) == {65536}, "what was held")
    what("a limit of the disk holds its cgroup's reads and writes, not another's")


valve = Valve(sys.argv[1])
slow = os.open("/dev/mapper/slow", os.O_RDWR | os.O_DIRECT)
queue = Aio()
if os.path.exists(QUEUED):
    for class_ in CLASSES:
        priority(slow, queue, READ, "a read", class_)
        priority(slow, queue, WRITE, "a write", class_)
    what("priority of reads and writes: the submitter's")
accounts()
limits()
