# SPDX-License-Identifier: GPL-2.0-or-later
"""dm-nowait.sh's I/O."""
import errno
import os
import random
import subprocess
import sys

from blockio import PAGE, READ, RWF_NOWAIT, WRITE, Aio, Unslept, Valve, bounce_cap, buffer, check, errno_of, status, stay_in_memory, what

BIG = 64 << 10  # a write that the disk below takes in one piece: it may not be split


def dmsetup(*words):
    subprocess.run(["dmsetup", *words], check=True)


def can_go():
    fd = os.open("/dev/mapper/e", os.O_RDWR | os.O_DIRECT)
    crypt = os.open("/dev/mapper/c", os.O_RDONLY | os.O_DIRECT)
    for size, offset in ((PAGE, 0), (3 * PAGE, 8 * PAGE), (256 << 10, 1 << 20), (1 << 20, 4 << 20)):
        data, back = buffer(size), buffer(size)
        data[:] = random.randbytes(size)
        with Unslept("a write that can go"):
            done = os.pwritev(fd, [data], offset, RWF_NOWAIT)
        check(done == size, f"wrote {done} of {size}")
        check(os.preadv(crypt, [back], offset) == size and back == data, "dm-crypt reads other bytes than were written")
        back[:] = bytes(size)
        with Unslept("a read that can go"):
            done = os.preadv(fd, [back], offset, RWF_NOWAIT)
        check(done == size and back == data, "other bytes than were written")
    what(f"what can go does; dm-crypt answers {os.strerror(errno_of(os.preadv, crypt, [buffer(PAGE)], 0, RWF_NOWAIT))}")
    return fd


def suspended(fd):
    errors = status("e")[12]
    dmsetup("suspend", "e")
    with Unslept("I/O to a suspended volume"):
        answers = [errno_of(f, fd, [buffer(PAGE)], 0, RWF_NOWAIT) for f in (os.preadv, os.pwritev)]
    dmsetup("resume", "e")
    check(answers == [errno.EAGAIN] * 2, f"suspended: {answers}")
    check(status("e")[12] == errors, "counted as an error")
    what("suspended volume: EAGAIN")


def locked(fd):
    dmsetup("message", "e", "0", "key", "wipe")
    with Unslept("I/O to a LOCKED volume"):
        answers = [errno_of(f, fd, [buffer(PAGE)], 0, RWF_NOWAIT) for f in (os.preadv, os.pwritev)]
    check(answers == [errno.EIO] * 2, f"LOCKED: {answers}")
    what("LOCKED volume: EIO")


def suspended_below(fd):
    errors = status("held")[12]
    dmsetup("suspend", "below")
    with Unslept("I/O with a suspended device below"):
        answers = [errno_of(f, fd, [buffer(PAGE)], 0, RWF_NOWAIT) for f in (os.preadv, os.pwritev)]
    dmsetup("resume", "below")
    check(answers == [errno.EAGAIN] * 2, f"suspended below: {answers}")
    check(status("held")[12] == errors, "EAGAIN from below is counted as an error")
    what("suspended device below: EAGAIN")


def used_up(fd, valve, disk):
    """Writes that the disk does not take, until their bounce pages are all there may be."""
    aio = Aio()
    data = buffer(BIG)
    valve.hold(disk)
    try:
        read, patient = fill(fd, aio, data)
    finally:
        valve.release(disk)  # or this program would never end
    ended = aio.drain()
    check(ended[read] == PAGE, f"a read, which needs no bounce memory, ended with {ended[read]}")
    check(ended[patient] == BIG, f"a write that may wait ended with {ended[patient]}")
    again = aio.submit(WRITE, fd, data, 0, RWF_NOWAIT)
    check(aio.drain()[again] == BIG, "EAGAIN has not gone with its cause")


def fill(fd, aio, data):
    """While the disk is held. Returns the numbers of a read and a write that wait for it."""
    cap = bounce_cap()
    taken, refused = 0, None
    while not refused and taken <= 2 * cap:
        with Unslept("a write below the cap, or the first above it"):
            refused = errno_of(aio.submit, WRITE, fd, data, taken, RWF_NOWAIT) or -min([0, *aio.events(0).values()])
        taken += BIG
    check(refused == errno.EAGAIN, f"{taken} bytes are on their way, {refused}")
    check(cap * 3 // 4 <= taken <= cap * 5 // 4, f"EAGAIN after {taken} bytes where the cap is {cap}")
    with Unslept("writes with no bounce memory left"):
        answers = {errno_of(os.pwritev, fd, [data], 0, RWF_NOWAIT) for _ in range(32)}
    check(answers == {errno.EAGAIN}, f"{answers}")
    with Unslept("a read, and a write from the reserve"):
        read = aio.submit(READ, fd, buffer(PAGE), 0, RWF_NOWAIT)
        patient = aio.submit(WRITE, fd, data, 0)
        check(not aio.events(0), "the disk was not held: this proves nothing")
    what(f"bounce memory used up after {taken >> 10} KiB (cap {cap >> 10} KiB): EAGAIN")
    return read, patient


def main():
    stay_in_memory()
    fd = can_go()
    suspended(fd)
    locked(fd)
    fd = os.open("/dev/mapper/held", os.O_RDWR | os.O_DIRECT)
    suspended_below(fd)
    valve, disk = sys.argv[1:]
    used_up(fd, Valve(valve), disk)


main()
