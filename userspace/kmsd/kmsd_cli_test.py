#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of a key and its grants against ecache-kmsd, led by the stock aws CLI: its arguments, pages and exit codes.

An invocation takes the CLI a second: what has no form of its own there is asked for through boto3. Arguments go to unittest.
"""
import base64
import datetime
import unittest

from kmsd_test import ACCOUNT, WithServer

REFUSED = 254	# the CLI's exit code for a service's error


class Cli(WithServer):
    def aws(self, name, *args):
        code, answer, text = self.server.aws(name, "kms", *args)
        self.assertEqual((code, text), (0, ""))
        return answer

    def refused(self, kind, operation, name, *args):
        code, answer, text = self.server.aws(name, "kms", *args)
        self.assertEqual((code, answer), (REFUSED, {}), text)
        self.assertIn(f"An error occurred ({kind}) when calling the {operation} operation: ", text)
        return text

    def key_with_alias(self, alias):
        meta = self.aws("admin", "create-key", "--description", "by the CLI \u2603", "--tags",
                        "TagKey=team,TagValue=cache", "TagKey=empty,TagValue=")["KeyMetadata"]
        self.assertEqual((meta["KeyState"], meta["KeyManager"], meta["MultiRegion"]), ("Enabled", "CUSTOMER", False))
        self.aws("admin", "create-alias", "--alias-name", alias, "--target-key-id", meta["KeyId"])
        self.assertEqual(self.aws("admin", "describe-key", "--key-id", alias)["KeyMetadata"], meta)
        self.assertEqual(self.kms.list_resource_tags(KeyId=meta["KeyId"])["Tags"],
                         [{"TagKey": "empty", "TagValue": ""}, {"TagKey": "team", "TagValue": "cache"}])
        return meta["Arn"]

    def material(self, blob):
        status, answer = self.server.call("admin", "Decrypt", CiphertextBlob=base64.b64encode(blob).decode())
        self.assertEqual(status, 200, answer)
        return answer["KeyMaterialId"]

    def test_key(self):
        arn = self.key_with_alias("alias/cli")
        sealed = self.kms.encrypt(KeyId=arn, Plaintext=b"before")["CiphertextBlob"]
        self.kms.enable_key_rotation(KeyId=arn)
        # Newer than the CLI and the boto3 of Debian 12: signed by botocore, but not in its model.
        self.assertEqual(self.server.call("admin", "RotateKeyOnDemand", KeyId=arn), (200, {"KeyId": arn}))
        status, listed = self.server.call("admin", "ListKeyRotations", KeyId=arn)
        self.assertEqual((status, [r["RotationType"] for r in listed["Rotations"]]), (200, ["ON_DEMAND"]))
        self.assertIs(self.aws("admin", "get-key-rotation-status", "--key-id", arn)["KeyRotationEnabled"], True)
        current = listed["Rotations"][0]["KeyMaterialId"]
        self.assertEqual(self.material(self.kms.encrypt(KeyId=arn, Plaintext=b"after")["CiphertextBlob"]), current)
        self.assertNotEqual(self.material(sealed), current)
        opened = self.aws("admin", "decrypt", "--ciphertext-blob", base64.b64encode(sealed).decode())
        self.assertEqual((base64.b64decode(opened["Plaintext"]), opened["KeyId"]), (b"before", arn))

        self.kms.disable_key(KeyId=arn)
        text = self.refused("DisabledException", "Encrypt", "admin", "encrypt", "--key-id", "alias/cli", "--plaintext",
                            base64.b64encode(b"x").decode())
        self.assertIn(arn, text)
        self.kms.enable_key(KeyId=arn)

        gone = self.aws("admin", "schedule-key-deletion", "--key-id", arn, "--pending-window-in-days", "7")
        self.assertEqual((gone["KeyState"], gone["KeyId"], gone["PendingWindowInDays"]), ("PendingDeletion", arn, 7))
        left = datetime.datetime.fromisoformat(gone["DeletionDate"]) - datetime.datetime.now(datetime.timezone.utc)
        self.assertAlmostEqual(left.total_seconds(), 7 * 86400, delta=120)
        self.refused("KMSInvalidStateException", "EnableKey", "admin", "enable-key", "--key-id", arn)
        self.kms.cancel_key_deletion(KeyId=arn)
        self.assertEqual(self.kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"], "Disabled")

    def test_grant(self):
        arn = self.key()
        grant = self.aws("admin", "create-grant", "--key-id", arn, "--grantee-principal", self.host_arn, "--operations",
                         "Decrypt", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
                         "--constraints", "EncryptionContextSubset={cache=a}", "--name", "cli")
        made = self.aws("host", "generate-data-key-without-plaintext", "--key-id", arn, "--number-of-bytes", "64",
                        "--encryption-context", "cache=a,volume=1")
        moved = self.aws("host", "re-encrypt", "--ciphertext-blob", made["CiphertextBlob"], "--destination-key-id", arn,
                         "--source-encryption-context", "cache=a,volume=1",
                         "--destination-encryption-context", '{"cache": "a", "volume": "\u2603"}')
        self.assertEqual((moved["SourceKeyId"], moved["KeyId"]), (arn, arn))
        opening = ("decrypt", "--ciphertext-blob", moved["CiphertextBlob"], "--encryption-context", "cache=a,volume=\u2603")
        opened = self.aws("host", *opening)
        self.assertEqual(len(base64.b64decode(opened["Plaintext"])), 64)
        self.assertEqual(opened["Plaintext"], self.aws_plaintext(made, {"cache": "a", "volume": "1"}))

        self.aws("admin", "revoke-grant", "--key-id", arn, "--grant-id", grant["GrantId"])
        text = self.refused("AccessDeniedException", "Decrypt", "host", *opening)
        self.assertIn(f"arn:aws:sts::{ACCOUNT}:assumed-role/host/", text)

    def aws_plaintext(self, made, context):
        """What boto3 reads in what the CLI was given."""
        plain = self.kms.decrypt(CiphertextBlob=base64.b64decode(made["CiphertextBlob"]), EncryptionContext=context)["Plaintext"]
        return base64.b64encode(plain).decode()

    def test_pages_of_grants(self):
        arn = self.key()
        made = {self.kms.create_grant(KeyId=arn, GranteePrincipal=self.host_arn, Operations=["Decrypt", "RetireGrant"])["GrantId"]
                for _ in range(7)}
        listing = ("list-grants", "--key-id", arn, "--page-size", "3")
        # Of the second page one entry: the token says where in a page to go on, whatever went from the first.
        part = self.aws("admin", *listing, "--max-items", "4")
        self.assertEqual(len(part["Grants"]), 4)
        first = part["Grants"][0]
        self.assertEqual((first["GranteePrincipal"], first["Operations"]), (self.host_arn, ["Decrypt", "RetireGrant"]))
        self.aws("host", "retire-grant", "--key-id", arn, "--grant-id", first["GrantId"])
        rest = self.aws("admin", *listing, "--starting-token", part["NextToken"])
        self.assertNotIn("NextToken", rest)
        self.assertEqual(len(rest["Grants"]), 3)
        self.assertEqual({g["GrantId"] for g in part["Grants"] + rest["Grants"]}, made)
        self.assertNotIn(first["GrantId"], [g["GrantId"] for g in self.kms.list_grants(KeyId=arn)["Grants"]])


if __name__ == "__main__":
    # boto3 leaves its connections to the garbage collector.
    unittest.main(warnings="ignore")
