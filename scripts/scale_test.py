#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/scale, and by it what ecached asks of a KMS: a small fleet, whose numbers are those of a large one, divided.

SCALE_CACHES=1000000 in the environment takes a fleet of that size. Arguments go to unittest.
"""
import json
import os
import subprocess
import unittest

SCALE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scale")
CACHES = int(os.environ.get("SCALE_CACHES", "1000"))
INTERVAL = 300
MEAN = CACHES / INTERVAL
# A second in which nothing special happens may have more than the mean: what chance gives thousands of seconds of a small fleet.
PEAK = 1.5 * MEAN + 25


def scale(*args):
    return subprocess.run([SCALE, *args], capture_output=True, text=True, check=False)


class Fleet(unittest.TestCase):
    def fleet(self, case, *args, interval=INTERVAL):
        done = scale("--json", "--interval", str(interval), "--case", case, *args, str(CACHES))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(json.loads(done.stdout)), 1)
        return json.loads(done.stdout)[0]

    def test_usage(self):
        self.assertEqual(scale("--help").returncode, 0)
        for args in (["--bogus"], ["--interval"], ["--interval", "0"], ["--case", "none"], ["--seed", "x"], ["0"], ["1e6"], ["-5"]):
            done = scale(*args)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)

    def test_table(self):
        done = scale("--case", "steady", "--sample", "1", "2000")
        self.assertEqual(done.returncode, 0)
        self.assertIn("2000 caches, 8 hosts of 250, 10 keys, 10 a host; probe-interval=300s", done.stdout)

    def test_steady(self):
        f = self.fleet("steady")
        s = f["cases"]["steady"]
        a_minute = 60 * (s["decrypt"]["mean_per_s"] + s["describe_key"]["mean_per_s"])
        keys = f["hosts"] * f["keys_per_host"] * 60 / INTERVAL
        self.assertLessEqual(a_minute, 1.2 * (60 * MEAN + keys))
        self.assertGreaterEqual(s["decrypt"]["mean_per_s"], 0.9 * MEAN)
        self.assertEqual(s["list_grants"]["mean_per_s"], 0)
        self.assertLessEqual(s["receive_message"]["mean_per_s"], f["hosts"] / 19)
        self.assertLessEqual(s["agents_start"]["peak_per_s"], PEAK, "agents that start at once: no herd")
        self.assertEqual(s["teardowns"] + s["locks"] + s["brakes"], 0)

    def test_seed(self):
        """The same one, the same numbers."""
        f = self.fleet("steady", "--sample", "1")
        self.assertEqual(self.fleet("steady", "--sample", "1"), f)
        self.assertNotEqual(self.fleet("steady", "--sample", "1", "--seed", "2")["cases"], f["cases"])

    def test_boot(self):
        f = self.fleet("boot")
        b = f["cases"]["boot"]
        self.assertEqual(b["opened"], CACHES)
        # Opened within a minute or two, asked about after 0.8 to 1.2 of the interval.
        self.assertLessEqual(b["probes_after"]["peak_per_s"], 2.6 * MEAN + 25)
        self.assertEqual(b["wrong"], 0)

    def test_boot_throttled(self):
        """A quota for a tenth of the calls: who is refused comes again later, not at once."""
        quota = CACHES // 100
        b = self.fleet("boot", "--quota", str(quota), "--boot", "0")["cases"]["boot"]
        self.assertEqual(b["opened"], CACHES)
        self.assertGreater(b["refused_by_kms"], 0)
        self.assertLessEqual(b["refused_by_kms"], 20 * CACHES)

    def test_outage(self):
        o = self.fleet("outage")["cases"]["outage"]
        self.assertEqual(o["teardowns"] + o["locks"] + o["wrong"], 0)
        self.assertLessEqual(o["meanwhile"]["mean_per_s"], 1.1 * MEAN)
        self.assertLessEqual(o["after"]["peak_per_s"], PEAK, "no herd when it is back")
        self.assertLessEqual(o["ok_again_after"]["max_s"], 1.25 * INTERVAL)

    @unittest.skipIf(CACHES > 1000, "about one host")
    def test_outage_with_more_questions_than_may_wait(self):
        o = self.fleet("outage", "--per-host", "1000", interval=60)["cases"]["outage"]
        self.assertEqual(o["teardowns"] + o["locks"] + o["wrong"], 0)
        self.assertLessEqual(o["meanwhile"]["mean_per_s"], 32 / 10)

    def test_throttled(self):
        """Every second call: nothing ends whose right nobody took, and what was taken does."""
        t = self.fleet("throttled", "--per-host", "50")["cases"]["throttled"]
        self.assertEqual((t["wrong"], t["missed"]), (0, 0))
        self.assertGreater(t["teardowns"], 0)

    def test_revoked(self):
        """A KMS that knows at once: an interval and a minute; by events their own time in place of the interval."""
        r = self.fleet("revoked", "--spread", "0", "--per-host", "50")["cases"]["revoked"]
        self.assertLessEqual(r["grant_by_poll"]["late"]["max_s"], 1.2 * INTERVAL + 65)
        self.assertGreaterEqual(r["grant_by_poll"]["late"]["p50_s"], 60, "three denials in a minute")
        self.assertLessEqual(r["grant_by_push"]["late"]["p50_s"], 15 + 65)
        self.assertLessEqual(r["key_by_poll"]["late"]["max_s"], 1.2 * INTERVAL + 5)
        self.assertLessEqual(r["key_by_push"]["late"]["p99_s"], 5 * 15 + 10)
        for case in r.values():
            self.assertEqual((case["wrong"], case["missed"]), (0, 0))


if __name__ == "__main__":
    unittest.main()
