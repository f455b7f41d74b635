#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's half of scripts/key-memory: runs the guest, takes its memory when it says so, and looks for keys.

    key-memory.py run DIR VER [OPTION of scripts/vm...]

The guest (key-memory.sh) says in DIR/keys which keys there are (NUMBER NAME KIND), and before each dump, in
DIR/expect.N, what must be found of them:

    used NAME    the schedules of both halves of an XTS key, once, and nothing outside of them
    held NAME    one form of it, whole
    gone NAME    nothing

What is looked for: the key, its hex in both cases, the AES schedules of it, of its halves and of its hash (ESSIV's
key), those of the equivalent inverse cipher, each also with the bytes of its words in the other order, and the words
that SHA-256 makes of it. A run of 16 bytes that memory has in common with any of these, at any alignment, is a find.
"""
import contextlib
import hashlib
import json
import mmap
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

LEAST = 16
MEMORY_MIB = 320
KEY_ID_LABEL = b"dm-ecache key id v1"
LIMIT = 420     # seconds for the guest to say something


# --- AES -----------------------------------------------------------------------------------------------------------

def times(a, b):
    """The product in GF(2^8)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11b if a & 0x80 else 0)
        b >>= 1
    return product


def make_sbox():
    sbox = []
    for x in range(256):
        inverse = next((y for y in range(256) if times(x, y) == 1), 0)
        out = 0x63
        for turn in range(5):
            out ^= (inverse << turn | inverse >> (8 - turn)) & 0xff
        sbox.append(out)
    return bytes(sbox)


SBOX = make_sbox()
INVERSE_MIX = [[times(x, by) for x in range(256)] for by in (14, 11, 13, 9)]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def schedule(key):
    """FIPS-197's expanded key, all round keys in a row; 16 or 32 bytes of key."""
    size = len(key) // 4
    words = [key[i:i + 4] for i in range(0, len(key), 4)]
    constant = 1
    while len(words) < 4 * (size + 7):
        last = words[-1]
        if len(words) % size == 0:
            last = xor((last[1:] + last[:1]).translate(SBOX), bytes((constant, 0, 0, 0)))
            constant = times(constant, 2)
        elif size == 8 and len(words) % size == 4:
            last = last.translate(SBOX)
        words.append(xor(words[-size], last))
    return b"".join(words)


def unmixed(word):
    a, b, c, d = INVERSE_MIX
    return bytes(a[word[i]] ^ b[word[(i + 1) % 4]] ^ c[word[(i + 2) % 4]] ^ d[word[(i + 3) % 4]] for i in range(4))


def inverse_schedule(forward):
    """The round keys of the equivalent inverse cipher, in the order in which it uses them."""
    rounds = [forward[i:i + 16] for i in range(0, len(forward), 16)]
    inner = [b"".join(unmixed(r[i:i + 4]) for i in range(0, 16, 4)) for r in rounds[1:-1]]
    return b"".join([rounds[-1], *reversed(inner), rounds[0]])


def swapped(data):
    """Every word of four bytes back to front."""
    return b"".join(data[i:i + 4][::-1] for i in range(0, len(data), 4))


# --- SHA-256: what it stores of its input ----------------------------------------------------------------------------

def primes(count):
    found = []
    candidate = 2
    while len(found) < count:
        if all(candidate % p for p in found):
            found.append(candidate)
        candidate += 1
    return found


def cube_root(n):
    root = 1 << (n.bit_length() // 3 + 1)
    while root ** 3 > n:
        root -= (root ** 3 - n + 3 * root ** 2 - 1) // (3 * root ** 2)
    return root


# The first 32 bits behind the point of the cube roots of the first 64 primes.
SHA_CONSTANTS = [cube_root(p << 96) & 0xffffffff for p in primes(64)]


def rotated(x, n):
    return (x >> n | x << (32 - n)) & 0xffffffff


def message_words(block):
    words = [int.from_bytes(block[i:i + 4], "big") for i in range(0, 64, 4)]
    for i in range(16, 64):
        a, b = words[i - 15], words[i - 2]
        words.append((words[i - 16] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) + words[i - 7] +
                      (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10)) & 0xffffffff)
    return words


def hash_traces(text, secret):
    """What SHA-256 may leave behind of a text: its words, alone and with the round's constant added. @secret: the
    offsets in it that are; words without anything of them are left out."""
    padded = text + b"\x80" + bytes(-(len(text) + 9) % 64) + (8 * len(text)).to_bytes(8, "big")
    for start in range(0, len(padded), 64):
        words = message_words(padded[start:start + 64])
        first = max(0, secret.start - start + 3) // 4
        end = min(16, max(0, secret.stop - start) // 4)
        if first >= end:
            continue
        for what, values in (("SHA-256 words", words),
                             ("SHA-256 words + K", [(w + k) & 0xffffffff for w, k in zip(words, SHA_CONSTANTS)])):
            in_memory = [v.to_bytes(4, "little") for v in values]
            yield what, b"".join(in_memory[first:end])
            # from here on each word is made of several before it
            yield what, b"".join(in_memory[16:])


# --- keys ------------------------------------------------------------------------------------------------------------

MASK = (1 << 64) - 1


def mixed(counter):
    """As in key-memory.c."""
    x = counter * 0x9e3779b97f4a7c15 & MASK
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & MASK
    x = (x ^ x >> 27) * 0x94d049bb133111eb & MASK
    return x ^ x >> 31


def make_key(seed, number, kind):
    words = [mixed(seed + number * 8 + (i % 4 if kind == "weak" else i)) for i in range(8)]
    key = b"".join(w.to_bytes(8, "little") for w in words)
    return key[:32] if kind == "half" else key


@dataclass(frozen=True)
class Trace:
    """Bytes that would give a key away."""
    name: str
    what: str
    data: bytes


def aes_keys(key):
    """What ciphers give to AES, by name."""
    half = len(key) // 2
    yield "schedule 1", key[:half]
    yield "schedule 2", key[half:]
    if len(key) == 32:
        yield "schedule", key
        yield "ESSIV schedule", hashlib.sha256(key).digest()


def traces_of(name, key):
    """Every form of a key that is looked for."""
    yield Trace(name, "key", key)
    yield Trace(name, "key swapped", swapped(key))
    yield Trace(name, "hex", key.hex().encode())
    yield Trace(name, "HEX", key.hex().upper().encode())
    for what, part in aes_keys(key):
        forward = schedule(part)
        inverse = inverse_schedule(forward)
        yield Trace(name, what, forward)
        yield Trace(name, f"inverse {what}", inverse)
        yield Trace(name, f"{what} swapped", swapped(forward))
        yield Trace(name, f"inverse {what} swapped", swapped(inverse))
    # the key id's input, and that of ESSIV's key
    for text in (KEY_ID_LABEL + key, key):
        for what, data in hash_traces(text, range(len(text) - len(key), len(text))):
            yield Trace(name, what, data)


# --- the search ------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Find:
    trace: Trace
    address: int
    offset: int     # in the trace
    length: int

    def whole(self):
        return self.length == len(self.trace.data)

    def __str__(self):
        part = "" if self.whole() else f"{self.length} bytes from byte {self.offset} of "
        return f"{self.trace.name}: {part}{self.trace.what} at {self.address:#x}"


def index_of(traces, least):
    """Every eight bytes of every trace: a run of 15 bytes or more covers eight aligned ones, whatever its alignment."""
    index = {}
    for trace in traces:
        if len(trace.data) < least:
            continue
        for offset in range(len(trace.data) - 7):
            value = int.from_bytes(trace.data[offset:offset + 8], "little")
            index.setdefault(value, []).append((trace, offset))
    return index


def common_run(image, at, data, offset):
    """The longest run around image[at:at + 8] == data[offset:offset + 8]: where in the image, where in data, its length."""
    back = 0
    while back < min(at, offset) and image[at - back - 1] == data[offset - back - 1]:
        back += 1
    ahead = 8
    while at + ahead < len(image) and offset + ahead < len(data) and image[at + ahead] == data[offset + ahead]:
        ahead += 1
    return at - back, offset - back, back + ahead


CHUNK = 64 * 1024


def search(image, traces, least=LEAST):
    """Finds of at least @least (15 or more) bytes in a memory image, by address."""
    index = index_of(traces, least)
    wanted = set(index)
    whole = len(image) // 8 * 8
    if len(image) > whole:
        image, whole = bytes(image) + bytes(8), whole + 8
    finds = set()
    view = memoryview(image)
    words = view[:whole].cast("Q")
    zero = bytes(CHUNK)
    for start in range(0, whole, CHUNK):
        if view[start:start + CHUNK] == zero:
            continue
        chunk = words[start // 8:(start + CHUNK) // 8]
        there = wanted.intersection(chunk)
        if not there:
            continue
        for i, value in enumerate(chunk):
            for trace, offset in index[value] if value in there else ():
                address, begin, length = common_run(view, start + 8 * i, trace.data, offset)
                if length >= least:
                    finds.add(Find(trace, address, begin, length))
    words.release()
    return sorted(finds, key=lambda f: (f.address, -f.length, f.trace.what))


def without_echoes(finds):
    """Without those that are in others but for a few bytes: a schedule begins with the key, and the byte that comes next
    may by chance be the right one."""
    kept = []
    for find in sorted(finds, key=lambda f: (-f.length, f.address)):
        alone = set(range(find.address, find.address + find.length))
        for other in kept:
            alone -= set(range(other.address, other.address + other.length))
        if len(alone) >= 8:
            kept.append(find)
    return sorted(kept, key=lambda f: f.address)


# --- the verdict -----------------------------------------------------------------------------------------------------

def why_not(expected, finds):
    """Why what was found of one key is not what was expected, or None."""
    whole = [f.trace.what for f in finds if f.whole()]
    if expected == "gone":
        return str(finds[0]) if finds else None
    if expected == "held":
        return None if whole else "it is not found: the search cannot be trusted"
    if not {"schedule 1", "schedule 2"} <= set(whole):
        return "its schedules are not found: the search cannot be trusted"
    for find in without_echoes(finds):
        if not find.whole() or "schedule" not in find.trace.what or whole.count(find.trace.what) > 1:
            return f"besides the transform, {find}"
    return None


# --- the guest -------------------------------------------------------------------------------------------------------

class Monitor:
    """QEMU's, over QMP."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        for line in self.lines:
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
        raise RuntimeError(f"{command}: QEMU is gone")


class Run:
    """One guest and its dumps."""
    SCRIPT = "key-memory.sh"    # beside this file

    def __init__(self, folder):
        self.folder = folder
        self.seed = int.from_bytes(os.urandom(8), "little")
        self.failures = 0
        self.guest = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return [line.split() for line in file]

    def say(self, text):
        print(f"  {text}", flush=True)

    def fail(self, text):
        self.failures += 1
        print(f"FAILED: {text}", flush=True)

    def traces(self):
        return [trace for number, name, kind in self.read("keys")
                for trace in traces_of(name, make_key(self.seed, int(number), kind))]

    def wait(self, *names):
        """Until the guest has made one of these files; which, or None if it ended without."""
        for _ in range(LIMIT * 20):
            ended = self.guest.poll() is not None
            for name in names:
                if os.path.exists(self.path(name)):
                    return name
            if ended:
                return None
            time.sleep(0.05)
        return None

    def dump(self, monitor, number):
        """The guest stands still for it, and goes on afterwards."""
        image = self.path("memory")
        monitor.execute("stop")
        monitor.execute("pmemsave", val=0, size=MEMORY_MIB << 20, filename=image)
        monitor.execute("cont")
        with open(self.path(f"go.{number}"), "w", encoding="utf-8"):
            pass
        return image

    def search_dump(self, number, image):
        start = time.monotonic()
        with open(image, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
            finds = search(memory, self.traces())
        os.unlink(image)
        with open(self.path(f"finds.{number}"), "w", encoding="utf-8") as file:
            file.writelines(f"{find}\n" for find in without_echoes(finds))
        wrong = 0
        counts = {}
        for expected, name in self.read(f"expect.{number}"):
            why = why_not(expected, [f for f in finds if f.trace.name == name])
            counts[expected] = counts.get(expected, 0) + 1
            if why:
                wrong += 1
                self.fail(f"dump {number}: {name} should be {expected}: {why}")
        if not wrong:
            self.say(f"dump {number}: " + ", ".join(f"{n} keys {what}" for what, n in sorted(counts.items())) +
                     f" ({time.monotonic() - start:.1f} s)")

    def search_shown(self):
        """What the guest showed anybody who asked: tables, status, log, replies, uevents, trace."""
        traces = self.traces()
        for name in sorted(os.listdir(self.path("shown"))):
            with open(self.path(f"shown/{name}"), "rb") as file:
                text = file.read()
            if not text:
                self.fail(f"{name} is empty: nothing was collected")
            closed_up = re.sub(rb"0x|[\s:,.-]", b"", text)
            finds = search(text, traces) + search(closed_up, traces)
            if finds:
                self.fail(f"{name} shows a key: {finds[0]}")
            else:
                self.say(f"no key in {name} ({len(text)} bytes)")

    def take(self, number, image):
        """What becomes of a dump."""
        self.search_dump(number, image)

    def conclude(self):
        """When the guest has ended well."""
        self.search_shown()

    def go(self, version, options):
        vm = os.path.join(os.path.dirname(__file__), "..", "vm")
        with contextlib.ExitStack() as stack:
            sockets = stack.enter_context(tempfile.TemporaryDirectory())
            qmp = os.path.join(sockets, "qmp")
            self.guest = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", vm, "run", "--mem", f"{MEMORY_MIB}M", "--share", self.folder, *options,
                 "--qemu", "-qmp", "--qemu", f"unix:{qmp},server=on,wait=off",
                 version, f"scripts/tests/{self.SCRIPT}", f"{self.seed:016x}"])
            stack.callback(self.guest.wait)
            stack.callback(self.guest.terminate)
            number = 1
            while self.wait(f"ready.{number}", "done") == f"ready.{number}":
                if number == 1:
                    monitor = Monitor(qmp)
                self.take(number, self.dump(monitor, number))
                number += 1
            if self.guest.wait() != 0:
                self.fail(f"the guest ended with status {self.guest.returncode}")
            elif number < 3:
                self.fail("fewer than two dumps")
            else:
                self.conclude()
        return self.failures == 0


def main(kind):
    if len(sys.argv) < 4 or sys.argv[1] != "run":
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} run DIR VER [OPTION of scripts/vm...]")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(0 if kind(os.path.abspath(sys.argv[2])).go(sys.argv[3], sys.argv[4:]) else 1)


if __name__ == "__main__":
    main(Run)
