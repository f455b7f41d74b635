#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of teardowns need beside them. Times are milliseconds since the epoch, as `date +%s%3N` has them.

  write FILE LOG      writes and syncs FILE again and again: a line "END MS" in LOG for each; ends at the first error
  status LOG          asks `ecachectl status` again and again, with ecached's priority, since it is ecached that is measured: a line "END MS" each
  read NODE LOG       reads NODE with O_DIRECT until that fails: "reading" in LOG, then a line "LAST-GOOD FIRST-BAD ERRNO"
  map FILE LOG        maps FILE, makes its pages dirty without end; "mapped" in LOG, "sigbus" when it loses them
"""

import ctypes
import mmap
import os
import signal
import subprocess
import sys
import time


def now():
    return int(time.time() * 1000)


def log_to(path):
    return open(path, "a", buffering=1)


def write(path, log):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    out = log_to(log)
    n = 0
    while True:
        begin = now()
        n += 1
        data = b"%020d" % n
        os.pwrite(fd, data, 0)
        os.fdatasync(fd)
        end = now()
        out.write("%d %d\n" % (end, end - begin))
        time.sleep(0.05)


def status(log):
    os.nice(-10)
    out = log_to(log)
    while True:
        begin = now()
        rc = subprocess.call(["ecachectl", "status"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = now()
        out.write("%d %d\n" % (end, end - begin if rc == 0 else 999999))
        time.sleep(0.1)


def read(node, log):
    fd = os.open(node, os.O_RDONLY | os.O_DIRECT)
    buf = mmap.mmap(-1, 4096)
    out = log_to(log)
    good = 0
    while True:
        try:
            begin = now()
            os.preadv(fd, [buf], 0)
            if not good:
                out.write("reading\n")
            good = begin
        except OSError as e:
            bad = now()
            os.close(fd)
            out.write("%d %d %d\n" % (good, bad, e.errno))
            return
        time.sleep(0.02)


def map_dirty(path, log):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    size = 4 << 20
    os.truncate(fd, size)
    m = mmap.mmap(fd, size)
    out = log_to(log)

    def lost(_signal, _frame):
        os._exit(7)

    signal.signal(signal.SIGBUS, lost)
    base = ctypes.addressof(ctypes.c_char.from_buffer(m))
    n = 0
    while True:
        n = (n + 1) % 256
        for at in range(0, size, 4096):
            ctypes.memset(base + at, n, 16)
        if n == 1:
            out.write("mapped\n")
        time.sleep(0.05)


if __name__ == "__main__":
    {"write": write, "status": status, "read": read, "map": map_dirty}[sys.argv[1]](*sys.argv[2:])
