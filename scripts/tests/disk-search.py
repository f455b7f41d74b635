#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""disk-search.py SECRET-FILE PLACE...: is the secret anywhere there?

A PLACE is a file, a folder (every file below it, on its own file system), a block device (read past the page cache) or - for standard input. What
is looked for: 16 bytes of the secret in a row, as they are, in hex or in base64 at any alignment. The secret is never printed, and never an
argument. A line "PLACE: FORM at OFFSET" for the first find of each form in each file. Exit status: 0 found, 1 not found, 2 cannot look.
"""
import base64
import mmap
import os
import stat
import sys

CHUNK = 1 << 20
ZEROES = bytes(CHUNK)


def pieces(text, size, step):
    return {text[i:i + size] for i in range(0, len(text) - size + 1, step)}


def needles(secret):
    """By form, pieces of which any 16 bytes in a row have one: 8 bytes at a multiple of 8, and for base64, of whose groups of three bytes the
    first may begin at 0, 1 or 2, three of these groups."""
    if len(secret) < 16:
        raise ValueError("the secret has less than 16 bytes")
    forms = {"raw": pieces(secret, 8, 8), "hex": pieces(secret.hex().encode(), 16, 16)}
    forms["hex"] |= {p.upper() for p in forms["hex"]}
    forms["base64"] = set()
    for shift in range(3):
        forms["base64"] |= pieces(base64.b64encode(secret[shift:len(secret) - (len(secret) - shift) % 3]), 12, 4)
    return forms


class Search:
    def __init__(self, secret):
        self.forms = needles(secret)
        self.keep = max(len(n) for ns in self.forms.values() for n in ns) - 1
        self.found = False

    def stream(self, name, chunks):
        """chunks: pairs of offset and bytes, one after the other."""
        seen, tail = set(), b""
        for offset, chunk in chunks:
            data = tail + (chunk[:self.keep] if chunk == ZEROES else chunk)
            for form, texts in self.forms.items():
                at = [] if form in seen else [i for i in map(data.find, texts) if i >= 0]
                if at:
                    seen.add(form)
                    self.found = True
                    print(f"{name}: {form} at {offset - len(tail) + min(at)}")
            tail = data[-self.keep:]

    def file(self, path):
        mode = os.stat(path).st_mode
        if stat.S_ISBLK(mode):
            self.stream(path, device_chunks(path))
        elif stat.S_ISREG(mode):
            with open(path, "rb", buffering=0) as f:
                self.stream(path, file_chunks(f))

    def file_of_folder(self, path):
        if os.path.islink(path):
            return
        try:
            self.file(path)
        except FileNotFoundError:  # removed meanwhile
            pass

    def place(self, path):
        if path == "-":
            self.stream("standard input", file_chunks(sys.stdin.buffer))
        elif not os.path.isdir(path):
            self.file(path)
        else:
            here = os.stat(path).st_dev
            for folder, folders, files in os.walk(path, onerror=give_up):
                folders[:] = [d for d in folders if os.lstat(os.path.join(folder, d)).st_dev == here]
                for name in files:
                    self.file_of_folder(os.path.join(folder, name))


def give_up(error):
    raise error


def file_chunks(f):
    offset = 0
    while chunk := f.read(CHUNK):
        yield offset, chunk
        offset += len(chunk)


def device_chunks(path):
    """What is on the disk, whatever the page cache holds."""
    buffer = mmap.mmap(-1, CHUNK)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        offset = 0
        while n := os.preadv(fd, [buffer], offset):
            yield offset, buffer[:n]
            offset += n
    finally:
        os.close(fd)


def main(argv):
    if len(argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(argv[1], "rb") as f:
            search = Search(f.read())
        for path in argv[2:]:
            search.place(path)
    except (OSError, ValueError) as e:
        print(f"disk-search.py: {e}", file=sys.stderr)
        return 2
    return 0 if search.found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
