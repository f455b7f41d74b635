# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests need to send I/O of one exact shape to a block device: aligned buffers, flags of preadv2 and pwritev2,
asynchronous submission, and whether a call slept.

A test that uses it runs as a program of its own and ends with status 0; what() and check() speak as lib.sh's say and fail do.
"""
import ctypes
import mmap
import os
import resource
import struct
import subprocess
import sys
import threading
import time

PAGE = 4096
HUGE = 2 << 20
RWF_HIPRI, RWF_DSYNC, RWF_NOWAIT, RWF_ATOMIC = 0x1, 0x2, 0x8, 0x40
READ, WRITE = 0, 1
IOPRIO_RT, IOPRIO_BE, IOPRIO_IDLE = 1, 2, 3
IOCB_FLAG_IOPRIO = 2
MCL_CURRENT, MCL_FUTURE = 1, 2
PR_SET_THP_DISABLE = 41

# x86-64
IO_SETUP, IO_GETEVENTS, IO_SUBMIT = 206, 208, 209
libc = ctypes.CDLL(None, use_errno=True)


def stay_in_memory():
    """No page of this program is read from its file or moved any more: a page fault may sleep, and is not what Unslept is about."""
    check(libc.mlockall(MCL_CURRENT | MCL_FUTURE) == 0, "mlockall")
    # Not by khugepaged, and not by compaction, which a write's large pages may wake and which moves locked pages, too.
    check(libc.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0, "PR_SET_THP_DISABLE")
    for name in "compact_unevictable_allowed", "compaction_proactiveness":
        path = f"/proc/sys/vm/{name}"
        if os.path.exists(path):
            with open(path, "w", encoding="ascii") as f:
                f.write("0")


def what(text):
    print(f"  {text}", flush=True)


def check(holds, text):
    if not holds:
        sys.exit(f"FAILED: {text}")


def buffer(size, offset=0, huge=False):
    """size writable bytes that begin offset bytes after a page boundary; with huge in huge pages, where there are any."""
    room = size + offset + (2 * HUGE if huge else 0)
    area = mmap.mmap(-1, room, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    start = offset
    if huge:
        area.madvise(mmap.MADV_HUGEPAGE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(area))
        start = -address % HUGE + offset
    view = memoryview(area)[start:start + size]
    view[:] = bytes(size)  # touched: a page fault is not what is measured
    return view


def status(name):
    """The fields of a volume's status line, counted from 1 as in the documentation."""
    line = subprocess.run(["dmsetup", "status", name], check=True, capture_output=True, text=True).stdout
    return [None, *line.split()[3:]]


def device_number(path):
    """MAJOR:MINOR of a block device."""
    number = os.stat(path).st_rdev
    return f"{os.major(number)}:{os.minor(number)}"


def queue_limit(path, name):
    """A number from a block device's queue folder."""
    with open(f"/sys/dev/block/{device_number(path)}/queue/{name}", encoding="ascii") as f:
        return int(f.read())


def bounce_cap():
    """How many bytes of bounce pages a volume may have: what bounce.c makes of all memory."""
    with open("/proc/meminfo", encoding="ascii") as f:
        total = int(f.readline().split()[1]) * 1024
    return max(total // 64, 16 << 20)


def errno_of(call, *args):
    """0, or the errno with which call fails."""
    try:
        call(*args)
    except OSError as error:
        return error.errno
    return 0


class Unslept:
    """with Unslept(): the body does not sleep, that is, never gives the processor away of its own accord."""

    def __init__(self, text):
        self.text = text

    @staticmethod
    def switches():
        return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw

    def __enter__(self):
        self.before = self.switches()

    def __exit__(self, kind, *_):
        slept = self.switches() - self.before
        if kind is None:
            check(slept == 0, f"{self.text}: slept {slept} times")


class Aio:
    """Kernel asynchronous I/O: submit() returns when the request is with the device, or with the error that it met."""

    def __init__(self, depth=1024):
        self.context = ctypes.c_ulong(0)
        check(libc.syscall(IO_SETUP, depth, ctypes.byref(self.context)) == 0, "io_setup")
        self.pending = {}
        self.next = 0

    def submit(self, operation, fd, view, offset, flags=0, priority=0):
        """Returns a number by which events() will name it."""
        self.next += 1
        address = ctypes.addressof(ctypes.c_char.from_buffer(view))
        block = ctypes.create_string_buffer(struct.pack("<QIIHhIQQqQII", self.next, 0, flags, operation, priority, fd, address,
                                                        len(view), offset, 0, IOCB_FLAG_IOPRIO if priority else 0, 0))
        list_ = (ctypes.c_void_p * 1)(ctypes.addressof(block))
        if libc.syscall(IO_SUBMIT, self.context, 1, list_) != 1:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
        self.pending[self.next] = view
        return self.next

    def events(self, least, seconds=0.0):
        """{number: bytes done or -errno} of those that have ended, waiting for at least so many."""
        room = max(len(self.pending), 1)
        results = ctypes.create_string_buffer(32 * room)
        limit = struct.pack("<qq", int(seconds), int(seconds % 1 * 1e9))
        got = libc.syscall(IO_GETEVENTS, self.context, least, room, results, limit)
        check(got >= 0, "io_getevents")
        ended = {}
        for i in range(got):
            number, _, result, _ = struct.unpack_from("<QQqq", results, 32 * i)
            del self.pending[number]
            ended[number] = result
        return ended

    def drain(self, seconds=30.0):
        """events() of everything."""
        end = time.monotonic() + seconds
        ended = {}
        while self.pending:
            check(time.monotonic() < end, f"{len(self.pending)} requests did not end in {seconds} s")
            ended.update(self.events(1, 1.0))
        return ended


class Valve:
    """lib.sh's valve, with this process behind it."""

    def __init__(self, folder):
        self.folder = folder
        self.timer = None
        self._join(folder)

    @staticmethod
    def _join(folder):
        with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as f:
            f.write(str(os.getpid()))

    def leave(self):
        self._join("/sys/fs/cgroup")

    def _limit(self, disk, text):
        with open(f"{self.folder}/io.max", "w", encoding="ascii") as f:
            f.write(f"{disk} rbps={text} wbps={text}")

    def hold(self, disk):
        """For half a minute at most: who waits for the disk where he should not must not hang the test."""
        self._limit(disk, "2")
        self.timer = threading.Timer(30, self._limit, (disk, "max"))
        self.timer.daemon = True
        self.timer.start()

    def release(self, disk):
        self.timer.cancel()
        self._limit(disk, "max")
