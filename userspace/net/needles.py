#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Secrets that are looked for where they must not be, in every form in which they would give themselves away.

    needles.py SECRETS PATH...

SECRETS has a line "NAME HEX" for each. Files are read, directories with all in them; each that holds one is said, with its
name. Exit status: 0 nothing was found, 1 something.
"""
import base64
import os
import sys

PART = 16


class Needle:
    """A secret, in every form in which it or a good part of it would give itself away: 16 bytes in a row and more."""

    def __init__(self, name, secret):
        assert len(secret) >= PART, name
        self.name = name
        self.forms = set()
        for at in range(0, len(secret) - PART + 1, 8):
            part = secret[at:at + PART]
            self.forms |= {part, part.hex().encode(), part.hex().upper().encode()}
            # Base64 of a text with the part in it, at each of the three alignments, less what its neighbours decide.
            for before in range(3):
                for encode in (base64.b64encode, base64.urlsafe_b64encode):
                    text = encode(b"\0" * before + part)
                    self.forms.add(text[(before * 8 + 5) // 6:(before + PART) * 8 // 6])

    def found(self, data):
        return any(form in data for form in self.forms)


def findings(needles, data):
    return [needle.name for needle in needles if needle.found(data)]


def files(paths):
    for path in paths:
        if os.path.isfile(path):
            yield path
        for folder, _, names in os.walk(path):
            yield from (os.path.join(folder, name) for name in names if os.path.isfile(os.path.join(folder, name)))


def main(secrets, paths):
    with open(secrets) as file:
        needles = [Needle(name, bytes.fromhex(value)) for name, value in (line.split() for line in file)]
    looked, found = 0, 0
    for path in files(paths):
        with open(path, "rb") as file:
            names = findings(needles, file.read())
        looked += 1
        found += len(names)
        for name in names:
            print(f"{path}: {name}")
    print(f"{len(needles)} secrets, {looked} files", file=sys.stderr)
    return 1 if found or not looked or not needles else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
