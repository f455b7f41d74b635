#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The search for a secret on a disk finds it in each of its forms, in part, at every alignment and across the pieces that are read, and nothing
else."""
import base64
import contextlib
import importlib.util
import io
import os
import random
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.join(os.path.dirname(__file__), "disk-search.py")
spec = importlib.util.spec_from_file_location("disk_search", PROGRAM)
disk_search = importlib.util.module_from_spec(spec)
spec.loader.exec_module(disk_search)
CHUNK = 1 << 20
dice = random.Random(1)
SECRET = dice.randbytes(32)


class DiskSearch(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        with open(os.path.join(self.folder.name, "secret"), "wb") as f:
            f.write(SECRET)
        os.mkdir(self.path("place"))

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def search(self, *places, data=b""):
        done = subprocess.run([sys.executable, PROGRAM, self.path("secret"), *places], input=data, capture_output=True, check=False)
        return done.returncode, done.stdout.decode()

    def test_any_sixteen_bytes_in_any_form(self):
        forms = {"raw": bytes, "hex": lambda b: b.hex().encode(), "base64": base64.b64encode}
        for form, encode in forms.items():
            for start in range(0, 17):
                for before in range(3):
                    text = b"x" * 5 + encode(dice.randbytes(before) + SECRET[start:start + 16] + dice.randbytes(7))
                    out = io.StringIO()
                    with contextlib.redirect_stdout(out):
                        disk_search.Search(SECRET).stream("text", [(0, text)])
                    self.assertTrue(out.getvalue().startswith(f"text: {form} at "), f"{form} {start} {before}")
        self.assertEqual(self.search("-", data=SECRET.hex().upper().encode())[0], 0)

    def test_less_is_not_found(self):
        self.assertEqual(self.search("-", data=dice.randbytes(100000) + SECRET[:7] + SECRET[25:])[0], 1)
        self.assertEqual(self.search("-", data=b"")[0], 1)

    def test_across_what_is_read_at_once(self):
        for offset in (0, CHUNK - 31, CHUNK - 1, CHUNK, 3 * CHUNK - 16):
            with open(self.path("place/file"), "wb") as f:
                f.seek(offset)
                f.write(SECRET)
                f.truncate(5 * CHUNK)
            rc, out = self.search(self.path("place"))
            self.assertEqual(rc, 0)
            found = int(out.split(" at ")[1])
            self.assertTrue(offset <= found < offset + 32, f"{found}, not {offset}")

    def test_folders_are_searched_and_what_is_not_there_is_an_error(self):
        os.makedirs(self.path("place/a/b"))
        self.assertEqual(self.search(self.path("place"))[0], 1)
        with open(self.path("place/a/b/c"), "wb") as f:
            f.write(SECRET)
        rc, out = self.search(self.path("place"))
        self.assertEqual(rc, 0)
        self.assertTrue(out.startswith(self.path("place/a/b/c") + ": raw at 0"))
        self.assertEqual(self.search(self.path("nowhere"))[0], 2)

    def test_what_it_prints_is_not_the_secret(self):
        rc, out = self.search("-", data=SECRET)
        self.assertEqual(rc, 0)
        self.assertEqual(self.search("-", data=out.encode())[0], 1)


if __name__ == "__main__":
    unittest.main()
