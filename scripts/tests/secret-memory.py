#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's half of scripts/secret-memory: runs the guest, takes its memory when it says so, and looks for secrets.

    secret-memory.py run DIR VER [OPTION of scripts/vm...]

Key and secret are made in the guest; it tells them when the last dump is taken, in DIR/secrets (NAME KIND HEX), and only
then the dumps are searched. DIR/expect.N says what must be found, in the words of key-memory.py. Kinds:

    key     a data key: what key-memory.py looks for, and the base64 in which KMS sends it
    text    a secret access key: as it is, and what the first HMAC of a signature (SigV4) makes of it
"""
import base64
import importlib.util
import os
import sys

spec = importlib.util.spec_from_file_location("key_memory", os.path.join(os.path.dirname(__file__), "key-memory.py"))
km = importlib.util.module_from_spec(spec)
sys.modules["key_memory"] = km
spec.loader.exec_module(km)

HMAC_BLOCK = 64


def traces_of_key(name, key):
    yield from km.traces_of(name, key)
    for shift in range(3):
        # the quanta that lie wholly in the key, were there @shift bytes before it
        whole = key[-shift % 3:]
        yield km.Trace(name, f"base64 at {shift}", base64.b64encode(whole[:len(whole) // 3 * 3]))


def traces_of_text(name, text):
    yield km.Trace(name, "text", text)
    yield km.Trace(name, "base64", base64.b64encode(text)[:len(text) // 3 * 4])
    key = b"AWS4" + text
    for what, pad in (("inner pad", 0x36), ("outer pad", 0x5c)):
        block = bytes(b ^ pad for b in key.ljust(HMAC_BLOCK, b"\0"))
        yield km.Trace(name, what, block[:len(key)])
        for words, data in km.hash_traces(block, range(len(key))):
            yield km.Trace(name, f"{what}: {words}", data)


class SecretRun(km.Run):
    SCRIPT = "secret-memory.sh"
    taken = 0

    def take(self, number, image):
        os.rename(image, self.path(f"memory.{number}"))
        self.taken = number

    def traces(self):
        kinds = {"key": traces_of_key, "text": traces_of_text}
        return [trace for name, kind, value in self.read("secrets")
                for trace in kinds[kind](name, bytes.fromhex(value))]

    def conclude(self):
        for number in range(1, self.taken + 1):
            self.search_dump(number, self.path(f"memory.{number}"))


if __name__ == "__main__":
    km.main(SecretRun)
