#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a volume's life costs: see long-life.sh, which has made the disks.

    long-life.py BIG-DISK SMALL-DISK RUNS TARGETS JSON

Talks to device-mapper by its ioctls, since a program for each message would cost more than the message. Prints a table, writes JSON, and
fails on what a volume does wrong and on what it costs too much.
"""
import ctypes
import fcntl
import json
import mmap
import os
import signal
import struct
import subprocess
import sys
import time

CREATE, REMOVE, RESUME, LOAD, STATUS, MESSAGE = 3, 4, 6, 9, 12, 14
SECURE_DATA = 1 << 15
HEADER = struct.Struct("=3I I I I i I I I Q 128s 129s 7s")
SPEC = struct.Struct("=QQiI16s")

VOLUME_SECTORS = 128
CONTROLS = 100          # devices of each other kind whose memory is compared
WORKERS = 8             # processes that make, use and remove many volumes
WIPE_P99_MS = 50

libc = ctypes.CDLL(None, use_errno=True)


class Dm:
    """One process's way to device-mapper."""

    def __init__(self):
        self.fd = os.open("/dev/mapper/control", os.O_RDWR)

    def call(self, number, name, payload=b"", count=0, room=0):
        size = HEADER.size + len(payload) + room
        buf = bytearray(HEADER.pack(4, 0, 0, size, HEADER.size, count, 0, SECURE_DATA, 0, 0, 0, name.encode(), b"", b""))
        buf += payload + bytes(room)
        fcntl.ioctl(self.fd, 0xC138FD00 | number, buf, True)
        return buf

    def create(self, name, target, sectors, params):
        """Returns the node, which devtmpfs made."""
        minor = HEADER.unpack_from(self.call(CREATE, name))[10]
        minor = (minor & 0xff) | (minor >> 12 & 0xfff00)
        text = params.encode() + b"\0"
        text += bytes(-len(text) % 8)
        self.call(LOAD, name, SPEC.pack(0, sectors, 0, SPEC.size + len(text), target.encode()) + text, count=1)
        self.call(RESUME, name)
        return f"/dev/dm-{minor}"

    def remove(self, name):
        for _ in range(50):
            try:
                self.call(REMOVE, name)
                return
            except OSError as e:
                if e.errno != 16:
                    raise
                time.sleep(0.1)
        raise OSError(16, f"{name} is in use")

    def message(self, name, text):
        self.call(MESSAGE, name, struct.pack("=Q", 0) + text.encode() + b"\0")

    def timed(self, name, text):
        """Milliseconds that the call took."""
        payload = struct.pack("=Q", 0) + text.encode() + b"\0"
        size = HEADER.size + len(payload)
        buf = bytearray(HEADER.pack(4, 0, 0, size, HEADER.size, 0, 0, SECURE_DATA, 0, 0, 0, name.encode(), b"", b""))
        buf += payload
        start = time.monotonic_ns()
        fcntl.ioctl(self.fd, 0xC138FD00 | MESSAGE, buf, True)
        return (time.monotonic_ns() - start) / 1e6

    def state(self, name):
        buf = self.call(STATUS, name, room=1024)
        start = HEADER.unpack_from(buf)[4] + SPEC.size
        return buf[start:].split(b" ", 1)[0].decode()


failures = []
results = {"format": 1, "kernel": os.uname().release, "processors": os.cpu_count()}


def expect(good, text):
    if not good:
        print(f"FAILED: {text}", file=sys.stderr)
        failures.append(text)


def percentiles(samples):
    ordered = sorted(samples)
    last = len(ordered) - 1
    return {"runs": len(ordered), "p50_ms": round(ordered[last // 2], 3), "p99_ms": round(ordered[last * 99 // 100], 3),
            "max_ms": round(ordered[last], 3)}


def report(name, what, samples):
    results.setdefault("latency", {})[name] = found = percentiles(samples)
    print(f"  {what:58s} p50 {found['p50_ms']:8.2f}  p99 {found['p99_ms']:8.2f}  max {found['max_ms']:8.2f} ms  ({found['runs']} runs)", flush=True)
    return found


def used_kib():
    """Memory that is not free and no cache of files."""
    with open("/proc/meminfo", encoding="ascii") as f:
        fields = {line.split(":")[0]: int(line.split()[1]) for line in f}
    return fields["MemTotal"] - fields["MemFree"] - fields["Buffers"] - fields["Cached"]


def settled_kib():
    """The same when what is freed later (RCU, work) is free."""
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("3")
    last = used_kib()
    for _ in range(20):
        time.sleep(0.2)
        now = used_kib()
        if abs(now - last) < 64:
            break
        last = now
    return now


def in_parallel(count, work):
    """work(dm, i) for each i below count, by WORKERS processes; the seconds it took."""
    start = time.monotonic()
    children = []
    for first in range(WORKERS):
        child = os.fork()
        if not child:
            status = 1
            i = first
            try:
                dm = Dm()
                for i in range(first, count, WORKERS):
                    work(dm, i)
                status = 0
            except Exception as e:  # a child may not go on as its parent
                print(f"FAILED: {work.__name__} {i}: {e}", file=sys.stderr, flush=True)
            os._exit(status)
        children.append(child)
    if [child for child in children if os.waitpid(child, 0)[1]]:
        sys.exit(1)
    return time.monotonic() - start


def key_of(i):
    return os.pread(keys, 64, 64 * i).hex()


def volume_params(i):
    return f"aes-xts-plain64 64 0 {small} {i * VOLUME_SECTORS} 1 sector_size:4096"


def make_linear(dm, i):
    dm.create(f"l{i}", "linear", VOLUME_SECTORS, f"{small} {i * VOLUME_SECTORS}")


def make_crypt(dm, i):
    dm.create(f"c{i}", "crypt", VOLUME_SECTORS, f"aes-xts-plain64 {key_of(i)} 0 {small} {i * VOLUME_SECTORS} 1 sector_size:4096")


def make_volume(dm, i):
    dm.create(f"v{i}", "ecache", VOLUME_SECTORS, volume_params(i))


def set_key(dm, i):
    dm.message(f"v{i}", f"key set {key_of(i)}")


def wipe_key(dm, i):
    dm.message(f"v{i}", "key wipe")
    if dm.state(f"v{i}") != "LOCKED":
        raise ValueError("not LOCKED after key wipe")


def node_of(dm, name):
    minor = HEADER.unpack_from(dm.call(STATUS, name, room=1024))[10]
    return f"/dev/dm-{(minor & 0xff) | (minor >> 12 & 0xfff00)}"


def use_volume(dm, i):
    """What is written is read again, and is not what lies on the disk."""
    data = mmap.mmap(-1, 4096)
    data[:] = struct.pack("=Q", i) * 512
    back = mmap.mmap(-1, 4096)
    fd = os.open(node_of(dm, f"v{i}"), os.O_RDWR | os.O_DIRECT)
    os.pwritev(fd, [data], 0)
    os.preadv(fd, [back], 0)
    os.close(fd)
    if back[:] != data[:]:
        raise ValueError("reads other bytes than were written")
    fd = os.open(small, os.O_RDONLY | os.O_DIRECT)
    os.preadv(fd, [back], i * VOLUME_SECTORS * 512)
    os.close(fd)
    if back[:] == data[:]:
        raise ValueError("plaintext on the disk")


def removal(letter):
    def remove(dm, i):
        dm.remove(f"{letter}{i}")
    return remove


def memory_of(letter, make, count):
    """KiB of a device of a kind; they are left there."""
    before = settled_kib()
    seconds = in_parallel(count, make)
    return (settled_kib() - before) / count, seconds


class Load:
    """fio on a device, until the end of the with; errors are what a locked volume gives."""

    def __init__(self, node, jobs):
        self.args = ["fio", "--name=load", f"--filename={node}", "--direct=1", "--rw=randrw", "--bsrange=4k-256k", "--blockalign=4k",
                     "--ioengine=libaio", "--iodepth=16", f"--numjobs={jobs}", "--thread", "--time_based", "--runtime=3600",
                     "--continue_on_error=all", "--norandommap", "--randrepeat=0", "--group_reporting", "--output=/dev/null"]

    def __enter__(self):
        self.process = subprocess.Popen(self.args, stderr=subprocess.DEVNULL)
        time.sleep(4)
        expect(self.process.poll() is None, "the load did not start")
        return self

    def __exit__(self, *_):
        expect(self.process.poll() is None, "the load ended early")
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def memory_under_load(node):
    """KiB more than before, with 4 jobs of 16 bios of up to 256 KiB: the median of some looks."""
    before = settled_kib()
    with Load(node, 4):
        looks = []
        for _ in range(15):
            looks.append(used_kib())
            time.sleep(0.2)
    return sorted(looks)[len(looks) // 2] - before


def grace_period_ms():
    """The kernel's own, by the system call that does nothing else (membarrier, MEMBARRIER_CMD_GLOBAL)."""
    start = time.monotonic_ns()
    expect(libc.syscall(324, 1, 0) == 0, "no membarrier")
    return (time.monotonic_ns() - start) / 1e6


def set_and_wipe(dm, runs):
    """On a volume that is under load itself, beside another one that is all the time."""
    key = os.urandom(64).hex()
    samples = {name: [] for name in ("set", "wipe", "nothing", "grace")}
    dm.message("busy1", f"key set {key}")
    expect(dm.state("busy1") == "ACTIVE", "not ACTIVE after key set")
    with Load(busy_node, 2), Load(wiped_node, 2):
        dm.message("busy1", "key wipe")
        for i in range(runs):
            samples["set"].append(dm.timed("busy1", f"key set {key}"))
            # a while in which bios find the key
            time.sleep(0.005)
            samples["wipe"].append(dm.timed("busy1", "key wipe"))
            if i % 50 == 0:
                expect(dm.state("busy1") == "LOCKED", "not LOCKED after key wipe")
            if i % 4 == 0:
                samples["nothing"].append(dm.timed("busy1", "key wipe"))
                samples["grace"].append(grace_period_ms())
    return samples


def hammer(slots, number, nodes):
    """Reads and writes one volume after the other, each until it fails; slots[number] says how many it has begun with."""
    data = mmap.mmap(-1, 65536)
    for i, node in enumerate(nodes):
        fd = os.open(node, os.O_RDWR | os.O_DIRECT)
        try:
            while True:
                (os.pwritev if number else os.preadv)(fd, [data], 0)
                struct.pack_into("=Q", slots, 8 * number, i + 1)
        except OSError as e:
            if e.errno != 5:
                raise
        os.close(fd)


def revoke_each(dm, nodes):
    """Each while one process reads it and another one writes it."""
    slots = mmap.mmap(-1, 4096)
    children = []
    samples = []
    for number in range(2):
        child = os.fork()
        if not child:
            status = 1
            try:
                hammer(slots, number, nodes)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    with Load(busy_node, 4):
        for i in range(len(nodes)):
            patience = time.monotonic() + 20
            while min(struct.unpack_from("=2Q", slots)) <= i and time.monotonic() < patience:
                time.sleep(0.001)
            expect(time.monotonic() < patience, f"no I/O on v{i}")
            samples.append(dm.timed(f"v{i}", "key revoke"))
    for child in children:
        expect(os.waitpid(child, 0)[1] == 0, "a revoked volume gave another error than EIO")
    for i in range(0, len(nodes), 7):
        expect(dm.state(f"v{i}") == "REVOKED", f"v{i} is not REVOKED after key revoke")
    return samples


def lives(dm, targets):
    """Memory, and many at once; leaves the volumes there, ACTIVE."""
    memory = results["memory"] = {}
    for kind, letter, make in ("dm-linear", "l", make_linear), ("dm-crypt", "c", make_crypt):
        memory[kind], _ = memory_of(letter, make, CONTROLS)
        in_parallel(CONTROLS, removal(letter))
    memory["locked"], made = memory_of("v", make_volume, targets)
    before = settled_kib()
    keyed = in_parallel(targets, set_key)
    memory["key"] = (settled_kib() - before) / targets
    memory["active"] = memory["locked"] + memory["key"]
    used = in_parallel(targets, use_volume)
    wiped = in_parallel(targets, wipe_key)
    in_parallel(targets, set_key)
    print(f"  {targets} at once: made in {made:.1f} s, keys set in {keyed:.1f}, each written and read in {used:.1f}, keys wiped in {wiped:.1f}")
    print(f"  KiB a device: dm-linear {memory['dm-linear']:.0f}, dm-crypt {memory['dm-crypt']:.0f}, dm-ecache {memory['locked']:.0f}, "
          f"with its key {memory['active']:.0f}", flush=True)
    expect(memory["active"] <= memory["dm-crypt"] * 1.1 + 64, "a volume takes more memory than dm-crypt's")
    results["targets"] = {"number": targets, "make_s": made, "set_s": keyed, "use_s": used, "wipe_s": wiped}


def loads(dm):
    memory = results["memory"]
    key = os.urandom(64).hex()
    sectors = 1 << 20
    for kind, target, params in (("dm-linear", "linear", f"{big} 0"),
                                 ("dm-crypt", "crypt", f"aes-xts-plain64 {key} 0 {big} 0 1 sector_size:4096")):
        node = dm.create("other", target, sectors, params)
        memory[kind + "_load"] = memory_under_load(node)
        dm.remove("other")
    memory["load"] = memory_under_load(busy_node)
    cap = max(os.sysconf("SC_PHYS_PAGES") * 4 >> 6, 16384)
    print(f"  KiB under load, fio's own among them: dm-linear {memory['dm-linear_load']}, dm-crypt {memory['dm-crypt_load']}, "
          f"dm-ecache {memory['load']}; the cap is {cap}", flush=True)
    expect(memory["load"] - memory["dm-linear_load"] <= cap + 8192, "more memory under load than the cap of bounce pages")


def latencies(dm, runs, nodes):
    samples = set_and_wipe(dm, runs)
    report("nothing", "a message that changes nothing", samples["nothing"])
    grace = report("grace_period", "a grace period of the kernel (membarrier)", samples["grace"])
    report("set", "key set", samples["set"])
    wipe = report("wipe", "key wipe", samples["wipe"])
    report("revoke", "key revoke, of one volume after the other", revoke_each(dm, nodes))
    bound = max(WIPE_P99_MS, 3 * grace["p99_ms"])
    results["wipe_bound_ms"] = bound
    expect(wipe["p99_ms"] <= bound, f"key wipe: p99 {wipe['p99_ms']} ms, more than {bound}")


def main():
    global big, small, keys, busy_node, wiped_node
    big, small = sys.argv[1:3]
    runs, targets = int(sys.argv[3]), int(sys.argv[4])
    keys = os.memfd_create("keys")
    os.write(keys, os.urandom(64 * targets))
    dm = Dm()
    begin = settled_kib()
    lives(dm, targets)
    nodes = [node_of(dm, f"v{i}") for i in range(targets)]
    sectors = 1 << 20
    busy_node = dm.create("busy0", "ecache", sectors, f"aes-xts-plain64 64 0 {big} 0 1 sector_size:4096")
    wiped_node = dm.create("busy1", "ecache", sectors, f"aes-xts-plain64 64 0 {big} {sectors} 1 sector_size:4096")
    dm.message("busy0", f"key set {os.urandom(64).hex()}")
    loads(dm)
    latencies(dm, runs, nodes[:runs])
    expect(dm.state("busy0") == "ACTIVE", "the volume beside them is not ACTIVE any more")
    seconds = in_parallel(targets, removal("v"))
    for name in "busy0", "busy1":
        dm.remove(name)
    left = settled_kib() - begin
    print(f"  all removed in {seconds:.1f} s; {left} KiB are still in use")
    expect(left <= targets * 64, "memory is not given back")
    results["targets"]["remove_s"] = seconds
    results["memory"]["left"] = left
    results["memory"] = {name: round(value, 1) for name, value in results["memory"].items()}
    results["failures"] = failures
    with open(sys.argv[5], "w", encoding="ascii") as f:
        json.dump(results, f, indent=1, sort_keys=True)
        f.write("\n")
    sys.exit(1 if failures else 0)


main()
