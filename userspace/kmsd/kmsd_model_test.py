#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ecache-kmsd held against botocore's model of AWS KMS.

For each operation of the model: each member of the request is honoured or refused by name, each member of the answer is
there and of its type, what is of the wrong type, size or set is refused, and each exception that the model knows is
provoked by a real condition. What cannot be is listed with its reason: a model that grows makes a test fail.
"""
import base64
import datetime
import json
import os
import re
import sqlite3
import sys
import unittest
import uuid

import boto3
import botocore
import botocore.exceptions
import botocore.loaders
from botocore.config import Config

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kmsd_test import ACCOUNT, REGION, Server

MODEL = botocore.loaders.Loader().load_service_model("kms", "service-2")
SHAPES = MODEL["shapes"]
USER = f"arn:aws:iam::{ACCOUNT}:user/admin"

# Only a fault in the server or its machine gives these; they are injected elsewhere.
INJECTED = {"KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException"}

# Operations that end with an exception, with a request that is complete.
REFUSED = {
    "ConnectCustomKeyStore": "CustomKeyStoreNotFoundException",
    "CreateCustomKeyStore": "UnsupportedOperationException",
    "DeleteCustomKeyStore": "CustomKeyStoreNotFoundException",
    "DeleteImportedKeyMaterial": "UnsupportedOperationException",
    "DeriveSharedSecret": "InvalidKeyUsageException",
    "DisconnectCustomKeyStore": "CustomKeyStoreNotFoundException",
    "GenerateDataKeyPair": "UnsupportedOperationException",
    "GenerateDataKeyPairWithoutPlaintext": "UnsupportedOperationException",
    "GenerateMac": "InvalidKeyUsageException",
    "GetKeyLastUsage": "UnsupportedOperationException",
    "GetParametersForImport": "UnsupportedOperationException",
    "GetPublicKey": "UnsupportedOperationException",
    "ImportKeyMaterial": "UnsupportedOperationException",
    "ReplicateKey": "UnsupportedOperationException",
    "Sign": "InvalidKeyUsageException",
    "UpdateCustomKeyStore": "CustomKeyStoreNotFoundException",
    "UpdatePrimaryRegion": "UnsupportedOperationException",
    "Verify": "InvalidKeyUsageException",
    "VerifyMac": "InvalidKeyUsageException",
}

# Members of requests that are refused by name, and with what.
REFUSED_MEMBERS = {
    ("CreateKey", "CustomKeyStoreId"): "CustomKeyStoreNotFoundException",
    ("CreateKey", "XksKeyId"): "UnsupportedOperationException",
    ("Decrypt", "Recipient"): "UnsupportedOperationException",
    ("GenerateDataKey", "Recipient"): "UnsupportedOperationException",
    ("GenerateRandom", "CustomKeyStoreId"): "CustomKeyStoreNotFoundException",
    ("GenerateRandom", "Recipient"): "UnsupportedOperationException",
    ("DescribeCustomKeyStores", "CustomKeyStoreId"): "CustomKeyStoreNotFoundException",
    ("DescribeCustomKeyStores", "CustomKeyStoreName"): "CustomKeyStoreNotFoundException",
}

# Members of answers that are not there, by shape and member.
ABSENT = {
    "CiphertextForRecipient": "only for enclaves",
    "OnDemandRotationStartDate": "a rotation is done when it is answered",
    "NextMarker": "only with Truncated; the pages are tested below",
    "GranteeServicePrincipal": "another kind of grantee",
    "RetiringServicePrincipal": "another kind of principal",
    "SourceArn": "another kind of constraint",
    "EncryptionContextSubset": "another kind of constraint",
    "DeletionDate": "only when it is pending deletion",
    "PendingDeletionWindowInDays": "only of multi-region keys",
    "ValidTo": "only of imported material",
    "ExpirationModel": "only of imported material",
    "KeyMaterialDescription": "only of imported material",
    "ImportState": "only of imported material",
    "CustomKeyStoreId": "only in key stores",
    "CloudHsmClusterId": "only in key stores",
    "XksKeyConfiguration": "only in key stores",
    "SigningAlgorithms": "another kind of key",
    "KeyAgreementAlgorithms": "another kind of key",
    "MacAlgorithms": "another kind of key",
    "MultiRegionConfiguration": "another kind of key",
}

# What models older than the server do not know in answers.
NEWER = {"KeyMaterialId", "SourceKeyMaterialId", "DestinationKeyMaterialId", "CurrentKeyMaterialId", "KeyMaterialState",
         "PolicyName", "RotationPeriodInDays", "NextRotationDate", "OnDemandRotationStartDate"}
# Of one operation only, since elsewhere they would hide a mistake.
NEWER_OF = {"GetKeyRotationStatus": {"KeyId"}}

# (operation, exception): why no condition gives it. The operation None stands for all.
NEVER = {
    (None, "CustomKeyStoreInvalidStateException"): "there are no key stores",
    (None, "CloudHsmClusterInvalidConfigurationException"): "there are no key stores",
    (None, "XksKeyInvalidConfigurationException"): "there are no key stores",
    (None, "XksKeyAlreadyInUseException"): "there are no key stores",
    (None, "XksKeyNotFoundException"): "there are no key stores",
    ("CreateKey", "InvalidArnException"): "bad principals of a policy give MalformedPolicyDocument, as at AWS",
    ("EnableKey", "LimitExceededException"): "keys are counted when they are made",
    ("DeleteAlias", "KMSInvalidStateException"): "allowed in every state",
    ("GenerateDataKey", "InvalidKeyUsageException"): "all keys are for encryption",
    ("GenerateDataKeyWithoutPlaintext", "InvalidKeyUsageException"): "all keys are for encryption",
    ("GetKeyPolicy", "KMSInvalidStateException"): "allowed in every state",
    ("GetKeyRotationStatus", "KMSInvalidStateException"): "allowed in every state",
    ("GetKeyRotationStatus", "UnsupportedOperationException"): "all keys are symmetric",
    ("ListGrants", "KMSInvalidStateException"): "allowed in every state",
    ("ListKeyPolicies", "KMSInvalidStateException"): "allowed in every state",
    ("ListKeyRotations", "KMSInvalidStateException"): "allowed in every state",
    ("ListKeyRotations", "UnsupportedOperationException"): "all keys are symmetric",
    ("ListRetirableGrants", "NotFoundException"): "a principal that is not there may have left grants behind",
    ("PutKeyPolicy", "KMSInvalidStateException"): "allowed in every state",
    ("PutKeyPolicy", "UnsupportedOperationException"): "the service's key is refused by its policy first",
    ("EnableKeyRotation", "UnsupportedOperationException"): "all keys are symmetric, with material of their own",
    ("DisableKeyRotation", "UnsupportedOperationException"): "all keys are symmetric, with material of their own",
    ("RotateKeyOnDemand", "UnsupportedOperationException"): "all keys are symmetric, with material of their own",
    ("RetireGrant", "KMSInvalidStateException"): "allowed in every state",
    ("RevokeGrant", "KMSInvalidStateException"): "allowed in every state",
}


def b64(data):
    return base64.b64encode(data).decode()


def shape(name):
    return SHAPES[name]


def request_members(op):
    name = MODEL["operations"][op].get("input", {}).get("shape")
    return shape(name)["members"] if name else {}


def required_members(op):
    name = MODEL["operations"][op].get("input", {}).get("shape")
    return shape(name).get("required", []) if name else []


def answer_shape(op):
    return MODEL["operations"][op].get("output", {}).get("shape")


def modelled(op):
    return {e["shape"] for e in MODEL["operations"][op].get("errors", [])}


SUPPORTED = sorted(set(MODEL["operations"]) - set(REFUSED))


class World:
    """A server, and requests that succeed: each call makes what it needs anew."""

    def __init__(self):
        self.server = Server().start()
        self.nr = 0
        access, secret = self.server.keys("admin")
        # what is wrong with a request is for the server to say
        self.boto = boto3.client("kms", region_name=REGION, endpoint_url=self.server.url(), aws_access_key_id=access,
                                 aws_secret_access_key=secret,
                                 config=Config(parameter_validation=False, retries={"max_attempts": 0}))

    def call(self, op, **members):
        return self.server.call("admin", op, **members)

    def good(self, op, **members):
        status, answer = self.call(op, **members)
        assert status == 200, (op, members, answer)
        return answer

    def fails(self, op, members):
        status, answer = self.call(op, **members)
        return answer["__type"] if status != 200 else ""

    def caught(self, op, members):
        """What boto3 makes of the answer: the class of the exception, or None."""
        kinds = {name: shape(ref["shape"])["type"] for name, ref in request_members(op).items()}
        members = {name: base64.b64decode(value) if kinds[name] == "blob" else value for name, value in members.items()}
        try:
            getattr(self.boto, botocore.xform_name(op))(**members)
        except botocore.exceptions.ClientError as error:
            return type(error)
        return None

    def key(self):
        return self.good("CreateKey")["KeyMetadata"]["Arn"]

    def pending(self):
        key = self.key()
        self.good("ScheduleKeyDeletion", KeyId=key)
        return key

    def disabled(self):
        key = self.key()
        self.good("DisableKey", KeyId=key)
        return key

    def alias(self, key=None):
        self.nr += 1
        name = f"alias/n{self.nr}"
        self.good("CreateAlias", AliasName=name, TargetKeyId=key or self.key())
        return name

    def blob(self, key):
        return self.good("Encrypt", KeyId=key, Plaintext=b64(b"x"))["CiphertextBlob"]

    def grant(self, key, **members):
        return self.good("CreateGrant", KeyId=key, GranteePrincipal=USER, Operations=["Decrypt", "RetireGrant"], **members)

    def request(self, op):
        """The smallest request that succeeds, on a key that is enabled."""
        key = self.key()
        special = {
            "CancelKeyDeletion": lambda: {"KeyId": self.pending()},
            "CreateAlias": lambda: {"AliasName": f"alias/x{uuid.uuid4()}", "TargetKeyId": key},
            "CreateGrant": lambda: {"KeyId": key, "GranteePrincipal": USER, "Operations": ["Decrypt"]},
            "CreateKey": lambda: {},
            "Decrypt": lambda: {"CiphertextBlob": self.blob(key)},
            "DeleteAlias": lambda: {"AliasName": self.alias()},
            "DescribeCustomKeyStores": lambda: {},
            "Encrypt": lambda: {"KeyId": key, "Plaintext": b64(b"x")},
            "GenerateDataKey": lambda: {"KeyId": key, "NumberOfBytes": 64},
            "GenerateDataKeyWithoutPlaintext": lambda: {"KeyId": key, "NumberOfBytes": 64},
            "GenerateRandom": lambda: {"NumberOfBytes": 8},
            "ListAliases": lambda: {"KeyId": self.aliased(key)},
            "ListGrants": lambda: {"KeyId": self.granted(key)},
            "ListKeys": lambda: {},
            "ListKeyRotations": lambda: {"KeyId": self.rotated(key)},
            "ListResourceTags": lambda: {"KeyId": self.tagged(key)},
            "ListRetirableGrants": lambda: {"RetiringPrincipal": self.retiring(key)},
            "GetKeyRotationStatus": lambda: {"KeyId": self.rotating(key)},
            "PutKeyPolicy": lambda: {"KeyId": key, "Policy": self.good("GetKeyPolicy", KeyId=key)["Policy"]},
            "ReEncrypt": lambda: {"CiphertextBlob": self.blob(key), "DestinationKeyId": key},
            "RetireGrant": lambda: {"KeyId": key, "GrantId": self.grant(key)["GrantId"]},
            "RevokeGrant": lambda: {"KeyId": key, "GrantId": self.grant(key)["GrantId"]},
            "TagResource": lambda: {"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": "b"}]},
            "UntagResource": lambda: {"KeyId": key, "TagKeys": ["a"]},
            "UpdateAlias": lambda: {"AliasName": self.alias(), "TargetKeyId": key},
            "UpdateKeyDescription": lambda: {"KeyId": key, "Description": ""},
        }
        return special.get(op, lambda: {"KeyId": key})()

    def aliased(self, key):
        self.alias(key)
        return key

    def granted(self, key):
        self.grant(key, Constraints={"EncryptionContextEquals": {"a": "b"}}, Name="n", RetiringPrincipal=USER)
        return key

    def retiring(self, key):
        self.granted(key)
        return USER

    def rotated(self, key):
        self.good("RotateKeyOnDemand", KeyId=key)
        return key

    def rotating(self, key):
        self.good("EnableKeyRotation", KeyId=key)
        return key

    def tagged(self, key):
        self.good("TagResource", KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
        return key

    def insert(self, sql, *values):
        """Straight into the database: limits that would take a hundred thousand requests."""
        db = sqlite3.connect(os.path.join(self.server.state, "kms.db"), timeout=20)
        with db:
            db.execute(sql, values)
        db.close()


class Model(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()

    @classmethod
    def tearDownClass(cls):
        cls.world.server.remove()


class Operations(Model):
    def test_each_is_known(self):
        for op in MODEL["operations"]:
            with self.subTest(op):
                self.assertNotEqual(self.world.fails(op, {}), "UnknownOperationException")
        self.assertEqual(self.world.fails("DescribeKeys", {}), "UnknownOperationException")
        self.assertEqual(self.world.fails("describeKey", {}), "UnknownOperationException")

    def test_refused(self):
        key = self.world.key()
        for op, exception in REFUSED.items():
            with self.subTest(op):
                self.assertEqual(self.world.fails(op, {"KeyId": key, "CustomKeyStoreId": "cks-1"}), exception)
                if op in MODEL["operations"] and op not in ("CreateCustomKeyStore", "GetKeyLastUsage"):
                    self.assertIn(exception, modelled(op))
        # a stranger learns that he may not, not what there is
        self.world.server.add("stranger")
        for op in REFUSED:
            with self.subTest(op, who="stranger"):
                _, answer = self.world.server.call("stranger", op, KeyId=key, CustomKeyStoreId="cks-1")
                self.assertEqual(answer["__type"], "AccessDeniedException")


def wrong_types(kind):
    """Values of every JSON type that is not this one's."""
    values = {"string": "x", "integer": 7, "boolean": True, "list": [], "map": {}, "float": 1.5}
    own = {"string": {"string"}, "integer": {"integer"}, "boolean": {"boolean"}, "list": {"list"}, "map": {"map"},
           "structure": {"map"}, "blob": {"string"}, "long": {"integer"}}[kind]
    return [v for k, v in values.items() if k not in own] + (["?", "YQ"] if kind == "blob" else [])


class Requests(Model):
    """Nothing that a request says is passed over."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What is refused leaves them as they were.
        cls.bases = {op: cls.world.request(op) for op in SUPPORTED}

    def members(self):
        for op, base in self.bases.items():
            for name, member in request_members(op).items():
                yield op, base, name, shape(member["shape"])

    def refuses(self, op, base, name, value, *exceptions):
        got = self.world.fails(op, {**base, name: value})
        self.assertIn(got, exceptions, f"{op} {name}={str(value)[:60]}")

    def test_members_are_refused_by_name(self):
        for (op, name), exception in REFUSED_MEMBERS.items():
            if name not in request_members(op):
                continue
            with self.subTest(op=op, member=name):
                value = "x" if shape(request_members(op)[name]["shape"])["type"] == "string" else {}
                _, answer = self.world.call(op, **{**self.world.request(op), name: value})
                self.assertEqual(answer["__type"], exception)
                if exception == "UnsupportedOperationException":
                    self.assertIn(name, answer["message"])

    def test_wrong_types(self):
        for op, base, name, kind in self.members():
            if (op, name) in REFUSED_MEMBERS and kind["type"] == "structure":
                continue
            for value in wrong_types(kind["type"]):
                with self.subTest(op=op, member=name, value=value):
                    self.refuses(op, base, name, value, "SerializationException")

    def test_elements_of_the_wrong_type(self):
        for op, base, name, kind in self.members():
            if kind["type"] == "list":
                item = shape(kind["member"]["shape"])["type"]
                for value in wrong_types(item) + [None]:
                    with self.subTest(op=op, member=name, element=value):
                        self.refuses(op, base, name, [value], "SerializationException", "ValidationException")
            elif kind["type"] == "map":
                for value in wrong_types("string") + [None]:
                    with self.subTest(op=op, member=name, value=value):
                        self.refuses(op, base, name, {"a": value}, "SerializationException", "ValidationException")

    def test_null_and_absent(self):
        required = {"Decrypt": ["CiphertextBlob"], "ReEncrypt": ["CiphertextBlob"], "GenerateRandom": ["NumberOfBytes"],
                    "CreateGrant": ["GranteePrincipal"]}
        for op, base in self.bases.items():
            names = set(required_members(op)) | set(required.get(op, []))
            # older models require it; AWS made it optional
            names -= {"PolicyName"}
            for name in names:
                with self.subTest(op=op, member=name):
                    self.refuses(op, base, name, None, "ValidationException")
                    rest = {k: v for k, v in base.items() if k != name}
                    self.assertEqual(self.world.fails(op, rest), "ValidationException")
            for name in set(request_members(op)) - set(base):
                with self.subTest(op=op, null=name):
                    self.assertEqual(self.world.fails(op, {**self.world.request(op), name: None}), "")

    def test_sizes(self):
        # What is longer than anything that exists is not found, not invalid, for some: the server says which.
        for op, base, name, kind in self.members():
            if (op, name) in REFUSED_MEMBERS:
                continue
            low, high = kind.get("min"), kind.get("max")
            if kind["type"] in ("string", "blob") and not kind.get("enum"):
                make = (lambda n: "x" * n) if kind["type"] == "string" else (lambda n: b64(b"x" * n))
                values = ([make(low - 1)] if low else []) + ([make(high + 1)] if high and high < 150000 else [])
            elif kind["type"] in ("integer", "long"):
                values = ([low - 1] if low is not None else []) + ([high + 1] if high is not None else [])
            elif kind["type"] == "list" and high is not None:
                values = [["x"] * (high + 1)]
            else:
                continue
            for value in values:
                with self.subTest(op=op, member=name, size=len(value) if hasattr(value, "__len__") else value):
                    self.refuses(op, base, name, value, "ValidationException")

    def test_sets(self):
        for op, base, name, kind in self.members():
            if kind.get("enum"):
                with self.subTest(op=op, member=name):
                    self.refuses(op, base, name, "NONSENSE", "ValidationException")
            elif kind["type"] == "list" and shape(kind["member"]["shape"]).get("enum"):
                with self.subTest(op=op, member=name):
                    self.refuses(op, base, name, ["NONSENSE"], "ValidationException")

    def test_every_value_of_a_set(self):
        """Known ones are honoured or refused as what they are, never as nonsense."""
        for op, base, name, kind in self.members():
            for value in kind.get("enum", []):
                with self.subTest(op=op, member=name, value=value):
                    request = {k: v for k, v in {**self.world.request(op), name: value}.items()
                               if not (name == "KeySpec" and k == "NumberOfBytes")}
                    self.assertIn(self.world.fails(op, request),
                                  ("", "UnsupportedOperationException", "InvalidKeyUsageException"))

    def test_patterns(self):
        bad = {"KeyId": None, "Marker": None, "PolicyName": "de fault", "Policy": '{"Statement": "☃"}', "Name": "a b",
               "AliasName": "alias/a b", "GranteePrincipal": "a b", "RetiringPrincipal": "a b"}
        other = {("CreateAlias", "AliasName"): "InvalidAliasNameException",
                 ("CreateGrant", "GranteePrincipal"): "InvalidArnException",
                 ("CreateGrant", "RetiringPrincipal"): "InvalidArnException",
                 ("ListGrants", "GranteePrincipal"): "",
                 ("ListRetirableGrants", "RetiringPrincipal"): "InvalidArnException"}
        for op, base, name, kind in self.members():
            if not kind.get("pattern") or (op, name) in REFUSED_MEMBERS or bad.get(name, "") is None:
                continue
            with self.subTest(op=op, member=name):
                self.refuses(op, base, name, bad[name], other.get((op, name), "ValidationException"))

    def test_dry_runs(self):
        for op in SUPPORTED:
            if "DryRun" not in request_members(op):
                continue
            with self.subTest(op):
                request = self.world.request(op)
                self.assertEqual(self.world.fails(op, {**request, "DryRun": True}), "DryRunOperationException")
                self.assertEqual(self.world.fails(op, {**request, "DryRun": False}), "")


class Answers(Model):
    """Each member is there, and is what the model says."""

    def check(self, value, name, path):
        kind = shape(name)
        what = kind["type"]
        if what == "structure":
            self.assertIsInstance(value, dict, path)
            unknown = set(value) - set(kind["members"]) - NEWER - NEWER_OF.get(path, set())
            self.assertFalse(unknown, f"{path} has {unknown}")
            for member, ref in kind["members"].items():
                if member in value:
                    self.check(value[member], ref["shape"], f"{path}.{member}")
                else:
                    self.assertIn(member, ABSENT, path)
                    self.assertNotIn(member, kind.get("required", []), path)
        elif what == "list":
            self.assertIsInstance(value, list, path)
            if name not in ("CustomKeyStoresList",):
                self.assertTrue(value, path)
            for item in value:
                self.check(item, kind["member"]["shape"], path + "[]")
        elif what == "map":
            for key, item in value.items():
                self.check(key, kind["key"]["shape"], path)
                self.check(item, kind["value"]["shape"], path)
        else:
            self.scalar(value, kind, path)

    def scalar(self, value, kind, path):
        what = kind["type"]
        if what == "blob":
            size = len(base64.b64decode(value, validate=True))
            self.assertTrue(kind.get("min", 0) <= size <= kind.get("max", 1 << 20), path)
        elif what == "timestamp":
            self.assertIsInstance(value, float, path)
            self.assertLess(abs(value - datetime.datetime.now().timestamp()), 40 * 86400 * 365, path)
        elif what == "string":
            self.assertIsInstance(value, str, path)
            self.assertTrue(kind.get("min", 0) <= len(value) <= kind.get("max", 1 << 20), path)
            if "enum" in kind:
                self.assertIn(value, kind["enum"], path)
            if "pattern" in kind:
                self.assertRegex(value, re.compile("(?:" + kind["pattern"] + ")$"), path)
        else:
            self.assertIs(type(value), {"boolean": bool, "integer": int, "long": int}[what], path)

    def test_answers(self):
        for op in SUPPORTED:
            with self.subTest(op):
                answer = self.world.good(op, **self.world.request(op))
                if answer_shape(op):
                    self.check(answer, answer_shape(op), op)
                else:
                    self.assertEqual(answer, {})

    def test_members_that_need_an_occasion(self):
        world = self.world
        key = world.pending()
        meta = world.good("DescribeKey", KeyId=key)["KeyMetadata"]
        self.check(meta["DeletionDate"], "DateType", "DeletionDate")
        for op, list_name, request in (("ListKeys", "Keys", {}), ("ListAliases", "Aliases", {})):
            for _ in range(2):
                world.alias()
            page = world.good(op, Limit=1, **request)
            self.assertTrue(page["Truncated"])
            self.check(page["NextMarker"], "MarkerType", op)
            self.assertEqual(len(page[list_name]), 1)


class Exceptions(Model):
    """Each of the model's, by a real condition."""

    def always(self, op, exception):
        """Conditions that are the same for every operation with that member; None: there is none."""
        world, request, members = self.world, self.world.request(op), request_members(op)
        key = next((m for m in ("KeyId", "DestinationKeyId", "TargetKeyId") if m in members), None)
        if exception == "NotFoundException" and key:
            return {**request, key: str(uuid.uuid4())}
        if exception == "InvalidArnException" and "KeyId" in members:
            return {**request, "KeyId": USER}
        if exception in ("DisabledException", "KMSInvalidStateException") and key:
            return {**request, key: world.disabled() if exception == "DisabledException" else world.pending()}
        if exception == "InvalidMarkerException":
            return {**request, "Marker": "x"}
        if exception == "InvalidGrantTokenException" and "GrantTokens" in members:
            return {**request, "GrantTokens": ["x"]}
        if exception == "InvalidGrantIdException":
            return {**request, "GrantId": "x"}
        if exception == "DryRunOperationException":
            return {**request, "DryRun": True}
        if exception == "InvalidCiphertextException":
            return {**request, "CiphertextBlob": b64(b"nonsense")}
        if exception == "InvalidKeyUsageException" and "EncryptionAlgorithm" in members:
            return {**request, "EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}
        return None

    def special(self):
        """(operation, exception): the request, made when it is asked for."""
        world = self.world
        policy = json.dumps({"Statement": []})
        long_policy = json.dumps({"Statement": [], "Id": "x" * 32768})
        tags = [{"TagKey": str(i), "TagValue": ""} for i in range(51)]
        reserved = [{"TagKey": "aws:x", "TagValue": ""}]

        def on_demand():
            key = world.key()
            for _ in range(25):
                world.good("RotateKeyOnDemand", KeyId=key)
            return {"KeyId": key}

        def conflict():
            key = world.rotating(world.key())
            world.insert("UPDATE key SET rotate_ms = rotate_ms - 365 * 86400000 + 600000 WHERE id = ?", key.rsplit("/", 1)[1])
            return {"KeyId": key}

        def aliases():
            key = world.key()
            for _ in range(50):
                world.alias(key)
            return key

        def many_grants():
            key = world.key()
            world.insert("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) INSERT INTO \"grant\""
                         " (id, key_id, grantee, issuer, operations, context_hash, created_ms) SELECT printf('%064x', i), ?, ?,"
                         " ?, 'Decrypt', x'', 0 FROM n", key.rsplit("/", 1)[1], USER, USER)
            return {"KeyId": key, "GranteePrincipal": USER, "Operations": ["Decrypt"]}

        def other_key(op, member):
            return lambda: {**world.request(op), member: world.key()}

        def with_members(op, **members):
            return lambda: {**world.request(op), **members}

        return {
            ("CancelKeyDeletion", "KMSInvalidStateException"): lambda: {"KeyId": world.key()},
            ("CreateAlias", "AlreadyExistsException"): lambda: {"AliasName": world.alias(), "TargetKeyId": world.key()},
            ("CreateAlias", "InvalidAliasNameException"): with_members("CreateAlias", AliasName="alias/aws/x"),
            ("CreateAlias", "LimitExceededException"): lambda: {"AliasName": "alias/more", "TargetKeyId": aliases()},
            ("CreateGrant", "LimitExceededException"): many_grants,
            ("CreateKey", "MalformedPolicyDocumentException"): lambda: {"Policy": policy},
            ("CreateKey", "UnsupportedOperationException"): lambda: {"KeySpec": "RSA_2048"},
            ("CreateKey", "LimitExceededException"): lambda: {"Tags": tags},
            ("CreateKey", "TagException"): lambda: {"Tags": reserved},
            ("CreateKey", "CustomKeyStoreNotFoundException"): lambda: {"CustomKeyStoreId": "cks-1"},
            ("Decrypt", "DisabledException"): self.sealed("Decrypt", "DisableKey"),
            ("Decrypt", "KMSInvalidStateException"): self.sealed("Decrypt", "ScheduleKeyDeletion"),
            ("Decrypt", "IncorrectKeyException"): other_key("Decrypt", "KeyId"),
            ("DeleteAlias", "NotFoundException"): lambda: {"AliasName": "alias/none"},
            ("DescribeCustomKeyStores", "CustomKeyStoreNotFoundException"): lambda: {"CustomKeyStoreId": "cks-1"},
            ("GenerateRandom", "UnsupportedOperationException"): with_members("GenerateRandom", Recipient={}),
            ("GenerateRandom", "CustomKeyStoreNotFoundException"): with_members("GenerateRandom", CustomKeyStoreId="cks-1"),
            ("ListRetirableGrants", "InvalidArnException"): lambda: {"RetiringPrincipal": "nobody"},
            ("PutKeyPolicy", "MalformedPolicyDocumentException"): with_members("PutKeyPolicy", Policy=policy),
            ("PutKeyPolicy", "LimitExceededException"): with_members("PutKeyPolicy", Policy=long_policy),
            ("ReEncrypt", "InvalidKeyUsageException"): with_members("ReEncrypt", SourceEncryptionAlgorithm="SM2PKE"),
            ("ReEncrypt", "IncorrectKeyException"): other_key("ReEncrypt", "SourceKeyId"),
            ("RetireGrant", "InvalidGrantTokenException"): lambda: {"GrantToken": "x"},
            ("RotateKeyOnDemand", "LimitExceededException"): on_demand,
            ("RotateKeyOnDemand", "ConflictException"): conflict,
            ("TagResource", "LimitExceededException"): with_members("TagResource", Tags=tags),
            ("TagResource", "TagException"): with_members("TagResource", Tags=reserved),
            ("UntagResource", "TagException"): with_members("UntagResource", TagKeys=["aws:x"]),
            ("UpdateAlias", "NotFoundException"): lambda: {"AliasName": "alias/none", "TargetKeyId": world.key()},
            ("UpdateAlias", "LimitExceededException"): lambda: {"AliasName": world.alias(), "TargetKeyId": aliases()},
        }

    def sealed(self, op, then):
        def make():
            key = self.world.key()
            request = {"CiphertextBlob": self.world.blob(key)}
            self.world.good(then, KeyId=key)
            return request
        return make

    def test_each_is_provoked(self):
        special = self.special()
        for op in SUPPORTED:
            for exception in sorted(modelled(op) - INJECTED):
                if (None, exception) in NEVER or (op, exception) in NEVER:
                    continue
                with self.subTest(op=op, exception=exception):
                    if (op, exception) in special:
                        request = special[op, exception]()
                    else:
                        request = self.always(op, exception)
                    self.assertIsNotNone(request, "no condition is known")
                    status, answer = self.world.call(op, **request)
                    self.assertEqual(answer.get("__type"), exception)
                    self.assertEqual(status, 400)
                    self.assertTrue(answer["message"])
                    # an older botocore does not send what it does not know
                    if request.keys() <= request_members(op).keys():
                        self.assertIs(self.world.caught(op, request), getattr(self.world.boto.exceptions, exception))

    def test_a_hundred_thousand_keys(self):
        """Last of its class: the keys stay."""
        self.world.insert("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO key (id,"
                          " aws_managed, state, description, policy, created_ms, material_id) SELECT printf('%036x', i), 0,"
                          " 'Enabled', '', '{}', 0, '' FROM n")
        self.assertEqual(self.world.fails("CreateKey", {}), "LimitExceededException")
        self.world.insert("DELETE FROM key WHERE created_ms = 0")
        self.assertEqual(self.world.fails("CreateKey", {}), "")

    def test_lists_are_no_longer_than_the_model(self):
        """What the lists above name is in the model, or in a newer one: nothing is left over from an older."""
        for op, exception in NEVER:
            if op is not None and op in MODEL["operations"]:
                self.assertIn(exception, modelled(op), op)
        for (op, exception) in self.special():
            if op in MODEL["operations"]:
                self.assertIn(exception, modelled(op) | {"DryRunOperationException"}, op)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
