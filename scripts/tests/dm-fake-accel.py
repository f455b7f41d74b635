#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dm-fake-accel.py TEST...: the fake accelerator under dm-crypt, as dm-fake-accel.sh set it up:
/dev/mapper/fake on /dev/ram1 uses it, /dev/mapper/plain on /dev/ram0 has the same key and does not.
A sector of 512 bytes is a request.
"""
import errno
import mmap
import os
import sys
import threading
import time

PARAMETERS = "/sys/module/ecache_fake_accel/parameters/"
FAULTS = ("rude", "fail", "error", "hang")
OLD = b"\xaa" * 512


def get(name):
    with open(PARAMETERS + name) as f:
        return f.read().strip()


def count(name):
    return int(get(name))


def put(**switches):
    for name, value in switches.items():
        with open(PARAMETERS + name, "w") as f:
            f.write(str(value))


def calm():
    """Every switch as after loading, counters zero."""
    put(delay_us=0, depth=0, context="task", order="fifo", dma_align=0, dma_apart=0, reset=1,
        **{f"{fault}_{when}": 0 for fault in FAULTS for when in ("every", "next")})


def check(condition, what):
    if not condition:
        counters = {name: get(name) for name in sorted(os.listdir(PARAMETERS)) if name not in ("release", "reset")}
        sys.exit(f"FAILED: not so: {what}\n{counters}")


def until(name, value):
    for _ in range(500):
        if count(name) == value:
            return
        time.sleep(0.01)
    check(False, f"{name} became {value}")


def page_aligned(data):
    buf = mmap.mmap(-1, max(len(data), mmap.PAGESIZE))
    buf.write(data)
    return buf


class Disk:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_DIRECT)

    def write(self, data, sector=0):
        with memoryview(page_aligned(data)) as view:
            os.pwrite(self.fd, view[:len(data)], sector * 512)

    def read(self, size=512, sector=0, buf=None):
        with memoryview(buf or page_aligned(bytes(size))) as view:
            os.preadv(self.fd, [view[:size]], sector * 512)
            return bytes(view[:size])


class Job(threading.Thread):
    """Something beside others."""

    def __init__(self, call, *args):
        super().__init__(daemon=True)
        self.call, self.args = call, args
        self.result = None
        self.start()

    def run(self):
        self.result = self.call(*self.args)


def fails(call, *args):
    try:
        call(*args)
    except OSError as e:
        check(e.errno == errno.EIO, f"EIO, not {e}")
        return True
    return False


def test_bytes():
    for context in ("task", "softirq", "hardirq"):
        for order in ("fifo", "reverse", "random"):
            put(context=context, order=order, delay_us=1000)
            for size in (512, 4096, 5 * 4096):
                data = os.urandom(size)
                plain.write(data)
                put(reset=1)
                fake.write(data)
                check(ram1.read(size) == ram0.read(size), f"{size} bytes are encrypted alike, {context}, {order}")
                check(fake.read(size) == data, f"{size} bytes are decrypted, {context}, {order}")
                check(count("requests") == 2 * size // 512, "each sector is a request")


def test_delays():
    put(delay_us=1000000)
    start = time.monotonic()
    for job in [Job(fake.write, OLD, n) for n in range(4)]:
        job.join()
    took = time.monotonic() - start
    check(1 <= took < 3, f"four delays of a second side by side, not {took:.2f} s")
    check(count("max_in_flight") == 4, "four in flight")


def test_backlog():
    data = os.urandom(64 * 512)
    plain.write(data)
    put(delay_us=2000, depth=4, order="random", reset=1)
    fake.write(data)
    check(ram1.read(len(data)) == ram0.read(len(data)), "the same bytes")
    check(count("max_in_flight") == 4, "four in flight")
    check(count("backlogged") >= 15, "the others waited")
    check(count("waiting") == count("in_flight") == 0, "and came all back")


def test_errors():
    for switch in ("error_next", "fail_next"):
        put(**{switch: 1})
        check(fails(fake.write, OLD), f"{switch} is an error")
        check(not fails(fake.write, OLD), f"only one after {switch}")
    check(count("errors") == 2, "errors are counted")
    put(reset=1, error_every=3)
    check([fails(fake.write, OLD) for _ in range(9)] == 3 * [False, False, True], "every third is an error")


def test_hangs():
    new = os.urandom(512)
    for sector in (0, 1):
        plain.write(new, sector)
        fake.write(OLD, sector)
    before = ram1.read(2 * 512)
    put(reset=1, hang_next=2)
    jobs = []
    for sector in (0, 1):
        jobs.append(Job(fake.write, new, sector))
        until("hung", sector + 1)
    fake.write(new, 2)
    check(fake.read(sector=2) == new, "others pass the hung")
    check(ram1.read(2 * 512) == before, "what hangs was not written")
    put(release=1)
    check(count("late") == 1 and count("hung") == 1, "one was released")
    jobs[0].join()
    check(ram1.read() == ram0.read() and jobs[1].is_alive(), "the oldest ends right, the other hangs")
    put(release="all")
    jobs[1].join()
    check(ram1.read(sector=1) == ram0.read(sector=1), "and so does the other")
    check(count("late") == 2 and count("in_flight") == 0, "all are back")

    # dm-crypt decrypts in the reader's own page: it changes when the request is released
    buf = page_aligned(OLD)
    put(hang_next=1)
    job = Job(fake.read, 512, 0, buf)
    until("hung", 1)
    check(buf[:512] == ram1.read(), "no plaintext while the read hangs")
    put(release="all")
    check(buf[:512] == new, "plaintext when the release returns")
    job.join()

    put(depth=1, hang_next=1)
    jobs = [Job(fake.write, OLD, 0)]
    until("hung", 1)
    jobs.append(Job(fake.write, OLD, 1))
    until("waiting", 1)
    check(count("in_flight") == 1, "a hung request keeps its place")
    put(release="all")
    for job in jobs:
        job.join()
    check(fake.read(sector=1) == OLD, "released, and the one behind it")


def test_dma():
    put(dma_align=1, dma_apart=1)
    fake.write(OLD)
    check(count("misaligned") == 0 and count("shared") == 0, "dm-crypt's write is fine")
    fake.read()
    check(count("shared") == 1, "its read is decrypted in place")
    put(dma_align=1024)
    fake.read()
    check(count("misaligned") == 1, "512 bytes are not aligned to 1024")


plain, fake, ram0, ram1 = (Disk("/dev/" + name) for name in ("mapper/plain", "mapper/fake", "ram0", "ram1"))
for test in sys.argv[1:]:
    calm()
    globals()["test_" + test]()
    print("  " + test)
calm()
