#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The search of scripts/key-memory: what it looks for is what AES and SHA-256 make of a key (by the vectors of FIPS-197
and by a hash done from the words), it finds that at every alignment and in part, and it finds nothing else."""
import hashlib
import importlib.util
import os
import random
import sys
import unittest

spec = importlib.util.spec_from_file_location("key_memory", os.path.join(os.path.dirname(__file__), "key-memory.py"))
km = importlib.util.module_from_spec(spec)
sys.modules["key_memory"] = km
spec.loader.exec_module(km)

KEY_128 = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
KEY_256 = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")


def noise(size):
    return random.Random(1).randbytes(size)


class Aes(unittest.TestCase):
    """FIPS-197, appendices A and B: some words, and a block through the whole schedule."""

    def test_schedule(self):
        short, long = km.schedule(KEY_128), km.schedule(KEY_256)
        self.assertEqual((len(short), len(long)), (11 * 16, 15 * 16))
        self.assertEqual(short[:16], KEY_128)
        self.assertEqual(short[16:20].hex(), "a0fafe17")
        self.assertEqual(short[-16:].hex(), "d014f9a8c9ee2589e13f0cc8b6630ca6")
        self.assertEqual(long[32:36].hex(), "9ba35411")
        self.assertEqual(long[48:52].hex(), "a8b09c1a")
        self.assertEqual(long[-16:].hex(), "fe4890d1e6188d0b046df344706c631e")

    def test_inverse(self):
        """A block encrypted with the schedule comes back through the equivalent inverse cipher."""
        key = bytes(range(16))
        plain = bytes(0x11 * i for i in range(16))
        cipher = bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a")
        keys = km.inverse_schedule(km.schedule(key))
        keys = [keys[i:i + 16] for i in range(0, len(keys), 16)]
        back = {value: x for x, value in enumerate(km.SBOX)}
        state = km.xor(cipher, keys[0])
        for number in range(1, len(keys)):
            state = bytes(back[state[(i - 4 * (i % 4)) % 16]] for i in range(16))
            if number + 1 < len(keys):
                state = b"".join(km.unmixed(state[i:i + 4]) for i in range(0, 16, 4))
            state = km.xor(state, keys[number])
        self.assertEqual(state, plain)


class Sha(unittest.TestCase):
    def test_words(self):
        """SHA-256 done from the words that are looked for is SHA-256."""
        state = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]
        text = b"abc" + b"\x80" + bytes(58) + (24).to_bytes(2, "big")
        a, b, c, d, e, f, g, h = state
        for word, constant in zip(km.message_words(text), km.SHA_CONSTANTS):
            one = (h + (km.rotated(e, 6) ^ km.rotated(e, 11) ^ km.rotated(e, 25)) + (e & f ^ ~e & g) + constant + word)
            two = (km.rotated(a, 2) ^ km.rotated(a, 13) ^ km.rotated(a, 22)) + (a & b ^ a & c ^ b & c)
            a, b, c, d, e, f, g, h = (one + two) & 0xffffffff, a, b, c, (d + one) & 0xffffffff, e, f, g
        digest = b"".join((x + y & 0xffffffff).to_bytes(4, "big") for x, y in zip(state, (a, b, c, d, e, f, g, h)))
        self.assertEqual(digest, hashlib.sha256(b"abc").digest())

    def test_only_the_secret(self):
        """The first words of a block are the input; those without a byte of the secret are not looked for."""
        text = bytes(20) + KEY_256 + KEY_256
        found = list(km.hash_traces(text, range(20, len(text))))
        self.assertEqual(found[0], ("SHA-256 words", km.swapped(text[20:64])))
        self.assertEqual(found[4], ("SHA-256 words", km.swapped(text[64:84])))


class Search(unittest.TestCase):
    key = km.make_key(0x0123456789abcdef, 3, "full")
    traces = list(km.traces_of("k", key))

    def find(self, image):
        return km.search(image, self.traces)

    def test_every_form_at_every_alignment(self):
        for trace in self.traces:
            if len(trace.data) < km.LEAST:
                continue
            for shift in range(8):
                image = noise(4096 + shift) + trace.data + noise(999)
                self.assertIn((trace.what, 4096 + shift), [(f.trace.what, f.address) for f in self.find(image) if f.whole()],
                              f"{trace.what} at {shift}")

    def test_parts(self):
        for start in range(0, 240 - 16):
            part = km.schedule(self.key[:32])[start:start + 16]
            finds = self.find(noise(1001) + part + noise(1000))
            self.assertTrue([f for f in finds if f.address <= 1001 and f.length >= 16], start)

    def test_nothing(self):
        self.assertEqual(self.find(noise(1 << 20)), [])
        self.assertEqual(self.find(bytes(1 << 20)), [])
        self.assertEqual(self.find(noise(1000) + self.key[:15] + noise(1000)), [])
        other = km.make_key(0x0123456789abcdef, 4, "full")
        self.assertEqual(self.find(b"".join(t.data for t in km.traces_of("other", other))), [])

    def test_over_the_edge_of_a_chunk(self):
        self.assertTrue(self.find(bytes(km.CHUNK - 20) + self.key[8:40] + bytes(4096)))


class Verdict(unittest.TestCase):
    key = Search.key
    transform = b"".join(km.schedule(half) + noise(16) + km.inverse_schedule(km.schedule(half)) + noise(32)
                         for half in (key[:32], key[32:]))

    def why_not(self, expected, image):
        return km.why_not(expected, km.search(image, Search.traces))

    def test_gone(self):
        self.assertIsNone(self.why_not("gone", noise(4096)))
        self.assertIn("schedule 1", self.why_not("gone", noise(4096) + self.transform))
        self.assertIn("16 bytes", self.why_not("gone", noise(100) + self.key[20:36] + noise(100)))

    def test_used(self):
        self.assertIsNone(self.why_not("used", noise(4096) + self.transform))
        self.assertIn("cannot be trusted", self.why_not("used", noise(4096)))
        self.assertIn("cannot be trusted", self.why_not("used", noise(4096) + self.transform[:-300]))
        self.assertIn("besides", self.why_not("used", self.transform + noise(100) + self.transform))
        self.assertIn("besides", self.why_not("used", self.transform + noise(100) + self.key))
        self.assertIn("besides", self.why_not("used", self.transform + noise(100) + self.key.hex().encode()))

    def test_a_byte_by_chance(self):
        """The byte before a schedule may be the one that precedes the key's second half in the key."""
        self.assertIsNone(self.why_not("used", noise(4095) + self.key[31:32] + self.transform[528:] + self.transform[:528]))

    def test_held(self):
        self.assertIsNone(self.why_not("held", noise(100) + self.key.hex().encode() + noise(100)))
        self.assertIn("cannot be trusted", self.why_not("held", noise(100) + self.key[:60] + noise(100)))


if __name__ == "__main__":
    unittest.main()
