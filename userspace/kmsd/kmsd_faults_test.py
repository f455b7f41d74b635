#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults that ecache-kmsd is asked for on its admin socket, as boto3 and plain sockets meet them.

It builds the program first; KMSD=PROGRAM tests another one. Arguments go to unittest.
"""
import json
import os
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kmsd_test import ACCOUNT, ALL, PROGRAM, Server, run  # noqa: E402

import botocore.exceptions  # noqa: E402
from botocore.config import Config  # noqa: E402
import boto3  # noqa: E402


class WithFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.admin = os.path.join(cls.server.base, "admin.sock")
        with open(cls.server.conf, "a") as file:
            file.write(f"admin-socket={cls.admin}\n")
        cls.server.start()
        cls.server.add("host")
        cls.server.add("creator", ALL)
        cls.kms = cls.server.client("admin")

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()

    def tearDown(self):
        self.inject("clear")

    def inject(self, *args, code=0):
        return run("inject", *args, "--admin-socket", self.admin, code=code)

    def client(self, name="admin", timeout=60, attempts=0):
        access, secret = self.server.keys(name)
        return boto3.client("kms", region_name="local-1", endpoint_url=self.server.url(), aws_access_key_id=access,
                            aws_secret_access_key=secret,
                            config=Config(retries={"max_attempts": attempts}, read_timeout=timeout))

    def keys(self):
        return len(self.kms.list_keys(Limit=1000)["Keys"])


class Errors(WithFaults):
    def test_errors_that_nothing_else_provokes(self):
        for kind, name in [("internal", "KMSInternalException"), ("dependency-timeout", "DependencyTimeoutException"),
                           ("key-unavailable", "KeyUnavailableException")]:
            with self.subTest(kind):
                self.inject("fault", kind, "--operation", "Encrypt", "--count", "1")
                with self.assertRaises(getattr(self.kms.exceptions, name)) as caught:
                    self.kms.encrypt(KeyId="alias/aws/elasticache", Plaintext=b"x")
                self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 500)
        self.kms.list_keys()

    def test_a_client_that_retries_gets_through(self):
        self.inject("fault", "internal", "--count", "2")
        self.client(attempts=4).list_keys()
        listed = json.loads(self.inject("list"))
        self.assertEqual(listed["faults"], [])

    def test_throttling(self):
        self.inject("throttle", "ListKeys", "0")
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            self.kms.list_keys()
        self.assertEqual(caught.exception.response["Error"]["Code"], "ThrottlingException")
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.inject("clear")
        self.kms.list_keys()

    def test_a_wrong_clock(self):
        self.inject("clock-offset", "-3600000")
        headers, data = self.server.request("admin", "ListKeys", {})
        done = subprocess.run(["curl", "-sSi", *[x for k, v in headers.items() for x in ("-H", f"{k}: {v}")], "--data-binary",
                               "@-", self.server.url()], input=data, capture_output=True, timeout=30)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        self.assertEqual(json.loads(body)["__type"], "InvalidSignatureException")
        date, = [line[6:].decode() for line in head.split(b"\r\n") if line.lower().startswith(b"date: ")]
        then = time.mktime(time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone
        self.assertAlmostEqual(then, time.time() - 3600, delta=30)

    def test_a_key_pending_deletion_ends_in_either_exception(self):
        arn = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
        for name in ("KMSInvalidStateException", "DisabledException"):
            with self.subTest(name):
                self.inject("pending-deletion", name)
                self.assertEqual(json.loads(self.inject("list"))["pending-deletion"], name)
                with self.assertRaises(getattr(self.kms.exceptions, name)) as caught:
                    self.kms.encrypt(KeyId=arn, Plaintext=b"x")
                self.assertIn("is pending deletion", str(caught.exception))
                with self.assertRaises(self.kms.exceptions.KMSInvalidStateException):
                    self.kms.enable_key(KeyId=arn)

    def test_grants_take_effect_late(self):
        arn = self.kms.create_key()["KeyMetadata"]["Arn"]
        blob = self.kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
        host = self.client("host")
        self.inject("grant-delay", "3600000")
        grant = self.kms.create_grant(KeyId=arn, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/host", Operations=["Decrypt"])
        with self.assertRaises(botocore.exceptions.ClientError):
            host.decrypt(CiphertextBlob=blob)
        self.assertEqual(host.decrypt(CiphertextBlob=blob, GrantTokens=[grant["GrantToken"]])["Plaintext"], b"x")
        self.inject("grant-delay", "0")
        self.assertEqual(host.decrypt(CiphertextBlob=blob)["Plaintext"], b"x")
        self.inject("grant-delay", "2000")
        time.sleep(2.1)
        self.kms.revoke_grant(KeyId=arn, GrantId=grant["GrantId"])
        self.assertEqual(host.decrypt(CiphertextBlob=blob)["Plaintext"], b"x")
        time.sleep(2.1)
        with self.assertRaises(botocore.exceptions.ClientError):
            host.decrypt(CiphertextBlob=blob)


class Connections(WithFaults):
    def test_hang(self):
        before = self.keys()
        self.inject("fault", "hang", "--operation", "CreateKey", "--count", "1")
        with self.assertRaises(botocore.exceptions.ReadTimeoutError):
            self.client(timeout=1).create_key()
        self.assertEqual(self.keys(), before)

    def test_a_hang_does_not_hold_the_end_of_the_server(self):
        self.inject("fault", "hang", "--operation", "ListAliases", "--count", "1")
        headers, data = self.server.request("admin", "ListAliases", {})
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as conn:
            conn.sendall(f"POST / HTTP/1.1\r\n{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
            time.sleep(0.5)
            begin = time.monotonic()
            self.assertEqual(self.server.stop(), 0)
            self.assertLess(time.monotonic() - begin, 8)
            self.assertEqual(conn.recv(100), b"")
        self.server.start()
        type(self).kms = self.server.client("admin")

    def test_reset(self):
        before = self.keys()
        self.inject("fault", "reset", "--operation", "CreateKey", "--count", "2")
        with self.assertRaises((botocore.exceptions.ConnectionClosedError, botocore.exceptions.EndpointConnectionError)):
            self.client().create_key()
        headers, data = self.server.request("admin", "CreateKey", {})
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as conn:
            conn.sendall(f"POST / HTTP/1.1\r\n{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
            with self.assertRaises(ConnectionResetError):
                conn.recv(100)
        self.assertEqual(self.keys(), before)

    def test_done_but_not_answered(self):
        before = self.keys()
        self.inject("fault", "reset", "--operation", "CreateKey", "--count", "1", "--done")
        with self.assertRaises(botocore.exceptions.ConnectionClosedError):
            self.client().create_key()
        self.assertEqual(self.keys(), before + 1)

    def test_slow(self):
        self.inject("fault", "slow", "--delay-ms", "1500", "--operation", "ListKeys", "--count", "1")
        begin = time.monotonic()
        late = self.client()
        late.list_keys()
        self.assertGreater(time.monotonic() - begin, 1.4)
        self.assertLess(time.monotonic() - begin, 15)

    def test_a_slow_answer_costs_others_nothing(self):
        self.inject("fault", "slow", "--delay-ms", "60000", "--principal", "creator")
        headers, data = self.server.request("creator", "ListKeys", {})
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        conns = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(30)]
        for conn in conns:
            conn.sendall(f"POST / HTTP/1.1\r\n{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        begin = time.monotonic()
        for _ in range(20):
            self.kms.list_keys()
        self.assertLess(time.monotonic() - begin, 20)
        for conn in conns:
            conn.close()

    def test_truncated_and_garbled(self):
        self.inject("fault", "truncate", "--operation", "ListKeys", "--count", "1")
        headers, data = self.server.request("admin", "ListKeys", {})
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as conn:
            conn.sendall(f"POST / HTTP/1.1\r\n{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
            got = b""
            while part := conn.recv(4096):
                got += part
        head, _, body = got.partition(b"\r\n\r\n")
        length, = [int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: ")]
        self.assertLess(len(body), length)
        self.assertTrue(body.startswith(b'{"Keys"'))
        self.inject("fault", "garbage", "--operation", "ListKeys", "--count", "1")
        with self.assertRaises(Exception):
            self.client().list_keys()
        self.kms.list_keys()


class Admin(WithFaults):
    def test_off_unless_configured(self):
        plain = Server()
        self.addCleanup(plain.remove)
        plain.start()
        self.assertIn("admin-socket", run("inject", "list", "--admin-socket", plain.base + "/admin.sock", code=1))

    def test_only_for_root_and_its_own_user(self):
        self.assertEqual(os.stat(self.admin).st_mode & 0o777, 0o600)
        if os.geteuid():
            self.skipTest("only root can become another user")
        os.chmod(self.admin, 0o666)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM, "inject", "list",
                               "--admin-socket", self.admin], capture_output=True, text=True, timeout=30)
        os.chmod(self.admin, 0o600)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("faults", done.stdout)

    def test_nothing_outlives_the_server(self):
        self.inject("fault", "internal")
        self.inject("throttle", "ListKeys", "0")
        self.server.stop()
        self.assertFalse(os.path.exists(self.admin))
        self.server.start()
        type(self).kms = self.server.client("admin")
        self.kms.list_keys()
        listed = json.loads(self.inject("list"))
        self.assertEqual((listed["faults"], listed["rates"]), ([], []))

    def test_lines(self):
        with socket.socket(socket.AF_UNIX) as conn:
            conn.settimeout(20)
            conn.connect(self.admin)
            conn.sendall(b'{"do":"list"}\n{"do":')
            self.assertTrue(json.loads(conn.recv(65536))["ok"])
            conn.sendall(b'"frob"}\n')
            self.assertFalse(json.loads(conn.recv(65536))["ok"])
            conn.sendall(b"x" * 4096)
            self.assertEqual(conn.recv(100), b"")

    def test_usage(self):
        for args in (["--help"], ["-h"], ["fault", "--help"], ["fault", "internal", "--help"]):
            with self.subTest(args):
                self.assertIn("inject fault KIND", run("inject", *args))
        for args in (["frob"], ["fault"], ["fault", "internal", "x"], ["fault", "internal", "--count", "x"], ["list", "x"],
                     ["throttle", "ListKeys"], ["clock-offset", "x"], ["list", "--count", "1"], ["fault", "internal", "--frob"]):
            with self.subTest(args):
                self.assertIn("--help", run("inject", *args, code=2))
        for args in (["fault", "frob"], ["clear", "77"], ["throttle", "Frob", "1"], ["grant-delay", "-1"],
                     ["pending-deletion", "NotFoundException"]):
            with self.subTest(args):
                self.assertNotIn("--help", self.inject(*args, code=1))


if __name__ == "__main__":
    unittest.main(warnings="ignore")
