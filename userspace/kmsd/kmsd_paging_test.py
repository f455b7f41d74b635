#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""boto3 and lists longer than a page, and its three ways to try again, against ecache-kmsd.

Arguments go to unittest.
"""
import http.client
import http.server
import re
import threading
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from kmsd_test import ACCOUNT, REGION, WithServer

HOST = f"arn:aws:iam::{ACCOUNT}:role/host"


class Flaky(http.server.ThreadingHTTPServer):
    """Between client and server: fails as it is told, then lets through. What is signed stays as it is, Host included."""

    daemon_threads = True

    def __init__(self, kmsd_port):
        super().__init__(("127.0.0.1", 0), Between)
        self.kmsd_port = kmsd_port
        self.failures = []
        self.attempts = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Between(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers, text):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("connection", "date"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.attempts.append(self.headers.get("amz-sdk-request"))
        failure = self.server.failures.pop(0) if self.server.failures else None
        if failure == "reset":
            self.close_connection = True
            return
        if failure:
            status, kind = failure
            text = b'{"__type":"%s","message":"not now"}' % kind.encode() if kind else b"<html>not now</html>"
            self.answer(status, [("Content-Length", str(len(text))), ("Content-Type", "application/x-amz-json-1.1")], text)
            return
        conn = http.client.HTTPConnection("127.0.0.1", self.server.kmsd_port, timeout=20)
        conn.request("POST", self.path, body, dict(self.headers))
        reply = conn.getresponse()
        self.answer(reply.status, reply.getheaders(), reply.read())
        conn.close()


class Pages(WithServer):
    """More than fits on a page, by boto3's paginators."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.arns = [cls.kms.create_key(Description=f"key {i}")["KeyMetadata"]["Arn"] for i in range(7)]
        for i, arn in enumerate(cls.arns):
            for name in ("a", "b"):
                cls.kms.create_alias(AliasName=f"alias/{name}{i}", TargetKeyId=arn)
        cls.grants = [cls.kms.create_grant(KeyId=cls.arns[0], GranteePrincipal=HOST, Operations=["Decrypt"])["GrantId"]
                      for _ in range(11)]

    def pages(self, operation, member, size, **members):
        found = list(self.kms.get_paginator(operation).paginate(**members, PaginationConfig={"PageSize": size}))
        for page in found[:-1]:
            self.assertEqual(len(page[member]), size)
            self.assertTrue(page["Truncated"] and page["NextMarker"])
        self.assertFalse(found[-1]["Truncated"])
        self.assertNotIn("NextMarker", found[-1])
        return [entry for page in found for entry in page[member]]

    def test_keys(self):
        for size in (1, 2, 3, 6, 7, 100):
            listed = [entry["KeyArn"] for entry in self.pages("list_keys", "Keys", size)]
            self.assertEqual(len(set(listed)), len(listed))
            self.assertLessEqual(set(self.arns), set(listed))

    def test_aliases(self):
        for size in (1, 4, 100):
            listed = [entry["AliasName"] for entry in self.pages("list_aliases", "Aliases", size)]
            self.assertEqual(listed, sorted(listed))
            self.assertLessEqual({f"alias/{name}{i}" for name in "ab" for i in range(7)}, set(listed))
        ours = self.pages("list_aliases", "Aliases", 1, KeyId=self.arns[3])
        self.assertEqual([(a["AliasName"], a["TargetKeyId"]) for a in ours],
                         [(f"alias/{name}3", self.arns[3].rsplit("/", 1)[1]) for name in "ab"])

    def test_grants(self):
        for size in (1, 5, 11, 1000):
            listed = [entry["GrantId"] for entry in self.pages("list_grants", "Grants", size, KeyId=self.arns[0])]
            self.assertEqual(sorted(listed), sorted(self.grants))
        self.assertEqual(len(self.pages("list_grants", "Grants", 4, KeyId=self.arns[0], GranteePrincipal=HOST)), 11)
        self.assertEqual(self.pages("list_grants", "Grants", 4, KeyId=self.arns[1]), [])

    def test_grants_to_retire(self):
        made = {self.kms.create_grant(KeyId=arn, GranteePrincipal=HOST, RetiringPrincipal=HOST, Operations=["Decrypt"])["GrantId"]
                for arn in self.arns[4:6] for _ in range(3)}
        for size in (1, 4, 6, 7):
            listed = self.pages("list_retirable_grants", "Grants", size, RetiringPrincipal=HOST)
            self.assertEqual(sorted(g["GrantId"] for g in listed), sorted(made))
            self.assertEqual({g["KeyId"] for g in listed}, set(self.arns[4:6]))

    def test_tags(self):
        wanted = [{"TagKey": f"t{i}", "TagValue": str(i)} for i in range(5)]
        self.kms.tag_resource(KeyId=self.arns[6], Tags=wanted)
        for size in (1, 2, 5, 50):
            self.assertEqual(self.pages("list_resource_tags", "Tags", size, KeyId=self.arns[6]), wanted)

    def test_policies(self):
        self.assertEqual(self.pages("list_key_policies", "PolicyNames", 1, KeyId=self.arns[6]), ["default"])

    def test_rotations(self):
        if not hasattr(self.kms, "list_key_rotations"):
            self.skipTest("newer than this botocore")
        arn = self.key()
        for _ in range(5):
            self.kms.rotate_key_on_demand(KeyId=arn)
        for size in (1, 2, 5, 6):
            listed = self.pages("list_key_rotations", "Rotations", size, KeyId=arn)
            self.assertEqual([r["RotationType"] for r in listed], ["ON_DEMAND"] * 5)
            self.assertEqual(sorted(listed, key=lambda r: r["RotationDate"]), listed)

    def test_what_goes_while_pages_are_turned(self):
        """A page that was read stays read; what is revoked in between is neither met again nor an error."""
        arn = self.arns[2]
        made = [self.kms.create_grant(KeyId=arn, GranteePrincipal=HOST, Operations=["Decrypt"])["GrantId"] for _ in range(6)]
        seen = []
        for page in self.kms.get_paginator("list_grants").paginate(KeyId=arn, PaginationConfig={"PageSize": 2}):
            for grant in page["Grants"]:
                seen.append(grant["GrantId"])
                self.kms.revoke_grant(KeyId=arn, GrantId=grant["GrantId"])
        self.assertEqual(sorted(seen), sorted(made))


class Retries(WithServer):
    """botocore's three ways to try again: each attempt is signed anew, and let in."""

    def client_in(self, mode, proxy, attempts=4):
        access, secret = self.server.keys("admin")
        return boto3.client("kms", region_name=REGION, endpoint_url=f"http://127.0.0.1:{proxy.server_address[1]}",
                            aws_access_key_id=access, aws_secret_access_key=secret,
                            config=Config(retries={"mode": mode, "total_max_attempts": attempts}))

    def test_what_passes_is_tried_again(self):
        proxy = Flaky(self.server.port)
        self.addCleanup(proxy.server_close)
        self.addCleanup(proxy.shutdown)
        arn = self.key()
        for mode in ("legacy", "standard", "adaptive"):
            kms = self.client_in(mode, proxy)
            for failure in ("reset", (500, "KMSInternalException"), (503, None), (400, "ThrottlingException")):
                with self.subTest(mode=mode, failure=failure):
                    proxy.failures, proxy.attempts = [failure], []
                    answer = kms.describe_key(KeyId=arn)
                    self.assertEqual(answer["KeyMetadata"]["Arn"], arn)
                    self.assertEqual(answer["ResponseMetadata"]["RetryAttempts"], 1)
                    self.assertEqual([re.search(r"attempt=\d", a)[0] for a in proxy.attempts], ["attempt=1", "attempt=2"])

    def test_what_is_refused_is_not(self):
        proxy = Flaky(self.server.port)
        self.addCleanup(proxy.server_close)
        self.addCleanup(proxy.shutdown)
        for mode in ("legacy", "standard", "adaptive"):
            proxy.attempts = []
            with self.subTest(mode), self.assertRaises(ClientError) as caught:
                self.client_in(mode, proxy).describe_key(KeyId="alias/none")
            self.assertEqual(caught.exception.response["Error"]["Code"], "NotFoundException")
            self.assertEqual(len(proxy.attempts), 1)

    def test_a_retry_makes_nothing_twice(self):
        """The answer of the first attempt was lost; the same Name gives the same grant."""
        arn = self.key()
        wanted = dict(KeyId=arn, GranteePrincipal=HOST, Operations=["Decrypt"], Name="once")
        self.assertEqual(self.kms.create_grant(**wanted)["GrantId"], self.kms.create_grant(**wanted)["GrantId"])
        self.assertEqual(len(self.kms.list_grants(KeyId=arn)["Grants"]), 1)


if __name__ == "__main__":
    # boto3 leaves its connections to the garbage collector.
    unittest.main(warnings="ignore")
