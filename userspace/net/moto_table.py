#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The last column of the table in Documentation/moto.md, row by row, against moto_server.

A row that is not tried here, and a test whose row is gone, is a failure. Arguments go to unittest.
"""
import base64
import http.client
import json
import os
import unittest

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from moto_peer import REGION, Moto

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Documentation/moto.md")
HOST = "arn:aws:iam::123456789012:role/host"
# Rows about something that moto has not: there is nothing to ask it.
NOTHING_TO_ASK = {"CloudTrail, events"}
TRIED = {}


def row(*names):
    def note(function):
        TRIED.update(dict.fromkeys(names, function.__name__))
        return function
    return note


def policy(**statement):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*", **statement}]}


class Answer:
    def __init__(self, reply):
        self.status, self.type, self.text = reply.status, reply.getheader("Content-Type"), reply.read().decode()

    @property
    def json(self):
        return json.loads(self.text)


class Table(Moto):
    def setUp(self):
        self.key = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.id = self.key.rsplit("/", 1)[1]
        self.blob = self.ask("Encrypt", KeyId=self.key, Plaintext="c2VjcmV0").json["CiphertextBlob"]

    def ask(self, op, access_key="x", secret="x", **members):
        """One request, and what came over the wire for it."""
        rq = AWSRequest("POST", self.url + "/", data=json.dumps(members).encode(), headers={
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService." + op})
        SigV4Auth(Credentials(access_key, secret), "kms", REGION).add_auth(rq)
        conn = http.client.HTTPConnection(self.url.split("//")[1], timeout=20)
        try:
            conn.request("POST", "/", rq.data, dict(rq.headers.items()))
            return Answer(conn.getresponse())
        finally:
            conn.close()

    def decrypts(self, answer):
        self.assertEqual(answer.status, 200)
        self.assertEqual(base64.b64decode(answer.json["Plaintext"]), b"secret")

    def refused_as_xml(self, answer, code):
        self.assertEqual(answer.status, 403)
        self.assertIn(f"<Code>{code}</Code>", answer.text)

    def authorize(self):
        self.check_signatures(True)
        self.addCleanup(self.check_signatures, False)

    @row("Decrypt under another context")
    def test_context(self):
        answer = self.ask("Decrypt", CiphertextBlob=self.blob, EncryptionContext={"a": "b"})
        self.assertEqual((answer.status, answer.json["__type"]), (400, "InvalidCiphertextException"))
        self.assertFalse(answer.json.get("message"))

    @row("a wrong signature")
    def test_signature(self):
        self.assertEqual(self.ask("ListKeys", self.access_key, "wrong").status, 200)
        self.authorize()
        self.assertEqual(self.ask("ListKeys", self.access_key, self.secret).status, 200)
        self.refused_as_xml(self.ask("ListKeys", self.access_key, "wrong"), "SignatureDoesNotMatch")

    @row("an action not allowed", "policies")
    def test_policies(self):
        users = {
            "none": policy(Action="s3:*"), "key": policy(Resource=self.key), "all": policy(),
            "condition": policy(Condition={"StringEquals": {"kms:ViaService": "nobody"}}),
        }
        keys = {name: self.user(name, p) for name, p in users.items()}
        for name in users:
            self.assertEqual(self.ask("DescribeKey", *keys[name], KeyId=self.key).status, 200, name)
        self.authorize()
        for name in "none", "key":
            self.refused_as_xml(self.ask("DescribeKey", *keys[name], KeyId=self.key), "AccessDenied")
        for name in "all", "condition":
            self.assertEqual(self.ask("DescribeKey", *keys[name], KeyId=self.key).status, 200, name)

    @row("key policies")
    def test_key_policies(self):
        self.ask("PutKeyPolicy", KeyId=self.id, PolicyName="default", Policy=json.dumps(policy(Effect="Deny", Principal="*")))
        answer = self.ask("DescribeKey", KeyId=self.key)
        self.assertEqual((answer.status, answer.json["__type"]), (400, "AccessDeniedException"))
        self.decrypts(self.ask("Decrypt", CiphertextBlob=self.blob))

    @row("grants: enforcement")
    def test_grants_allow_nothing(self):
        access = self.user("grantee", policy(Action="s3:*"))
        self.ask("CreateGrant", KeyId=self.key, GranteePrincipal="arn:aws:iam::123456789012:user/grantee", Operations=["Decrypt"])
        self.authorize()
        self.assertEqual(self.ask("Decrypt", *access, CiphertextBlob=self.blob).status, 403)

    def grant(self, **members):
        answer = self.ask("CreateGrant", **{"KeyId": self.key, "GranteePrincipal": HOST, "Operations": ["Decrypt"], **members})
        self.assertEqual(answer.status, 200)
        return answer.json["GrantId"]

    @row("grants: the same Name again", "grants: an operation that is not for the key")
    def test_grants(self):
        self.assertNotEqual(self.grant(Name="n"), self.grant(Name="n"))
        self.grant(Operations=["Sign"])

    @row("ListGrants")
    def test_list_grants(self):
        for _ in range(3):
            self.grant()
        answer = self.ask("ListGrants", KeyId=self.key, Limit=1).json
        self.assertEqual((len(answer["Grants"]), answer["Truncated"]), (3, False))
        for grant in answer["Grants"]:
            self.assertEqual(grant["KeyId"], self.id)
            self.assertFalse({"CreationDate", "IssuingAccount"} & {k for k, v in grant.items() if v is not None})

    @row("RetireGrant with a token that is none", "GrantTokens that are none")
    def test_tokens(self):
        self.assertEqual(self.ask("RetireGrant", GrantToken="none").status, 200)
        self.decrypts(self.ask("Decrypt", CiphertextBlob=self.blob, GrantTokens=["none"]))

    @row("Decrypt and others with a key that is disabled")
    def test_disabled(self):
        self.ask("DisableKey", KeyId=self.id)
        self.assertEqual(self.ask("DescribeKey", KeyId=self.key).json["KeyMetadata"]["KeyState"], "Disabled")
        self.decrypts(self.ask("Decrypt", CiphertextBlob=self.blob))

    @row("the same, pending deletion", "EnableKey, pending deletion", "ScheduleKeyDeletion of 3 days")
    def test_pending_deletion(self):
        answer = self.ask("ScheduleKeyDeletion", KeyId=self.id, PendingWindowInDays=3)
        self.assertEqual((answer.status, answer.json), (200, {"KeyId": self.id, "DeletionDate": None}))
        self.assertEqual(self.ask("DescribeKey", KeyId=self.key).json["KeyMetadata"]["KeyState"], "Enabled")
        answer = self.ask("ScheduleKeyDeletion", KeyId=self.id, PendingWindowInDays=7)
        self.assertEqual((answer.status, set(answer.json)), (200, {"KeyId", "DeletionDate"}))
        self.assertEqual(self.ask("DescribeKey", KeyId=self.key).json["KeyMetadata"]["KeyState"], "PendingDeletion")
        self.decrypts(self.ask("Decrypt", CiphertextBlob=self.blob))
        self.assertEqual(self.ask("EnableKey", KeyId=self.id).status, 200)
        self.assertEqual(self.ask("DescribeKey", KeyId=self.key).json["KeyMetadata"]["KeyState"], "Enabled")

    @row("DisableKey, CancelKeyDeletion by ARN")
    def test_by_arn(self):
        for op in "DisableKey", "CancelKeyDeletion":
            answer = self.ask(op, KeyId=self.key)
            self.assertEqual(answer.status, 500)
            self.assertIn("<html", answer.text)
            self.assertEqual(self.ask(op, KeyId=self.id).status, 200)

    @row("DryRun")
    def test_dry_run(self):
        self.decrypts(self.ask("Decrypt", CiphertextBlob=self.blob, DryRun=True))
        self.grant(DryRun=True)
        self.assertEqual(len(self.ask("ListGrants", KeyId=self.key).json["Grants"]), 1)

    @row("DescribeKey: members without a value", "Content-Type of answers")
    def test_form(self):
        key = self.ask("CreateKey", KeyUsage=None).json["KeyMetadata"]["Arn"]
        answer = self.ask("DescribeKey", KeyId=key)
        self.assertIn(None, answer.json["KeyMetadata"].values())
        self.assertTrue(answer.type.startswith("text/html"))

    def test_the_document_has_these_rows(self):
        with open(DOCUMENT) as file:
            rows = [line.split("|")[1].strip() for line in file if line.startswith("|")]
        self.assertEqual(rows[:2], ["what", "---"])
        self.assertEqual(sorted(rows[2:]), sorted(set(TRIED) | NOTHING_TO_ASK))


if __name__ == "__main__":
    # boto3 leaves its connections to the garbage collector.
    unittest.main(warnings="ignore")
