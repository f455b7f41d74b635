#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ecache-kmsd as a program, driven by clients that know nothing of it: the aws CLI, boto3, botocore's signer, curl.

It builds the program first; KMSD=PROGRAM tests another one. Arguments go to unittest: kmsd_test.py -v Life.test_grant
runs one.
"""
import base64
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ACCOUNT = "123456789012"
REGION = "local-1"
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}


def find_program():
    if "KMSD" in os.environ:
        return os.path.abspath(os.environ["KMSD"])
    # What is tested is what is in the tree, not what was built last.
    target = "../build/userspace/ecache-kmsd"
    subprocess.run(["make", "-s", "-j2", "-C", os.path.join(TOP, "userspace"), target], check=True, stdout=sys.stderr)
    return os.path.normpath(os.path.join(TOP, "userspace", target))


PROGRAM = find_program()


def run(*args, code=0, **kw):
    done = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=60, **kw)
    if done.returncode != code:
        raise AssertionError(f"{args}: exit {done.returncode}, not {code}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Server:
    """A state directory and the server on it."""

    def __init__(self, region=REGION):
        self.region = region
        self.base = tempfile.mkdtemp(prefix="kmsd-test-")
        os.chmod(self.base, 0o755)
        self.state = os.path.join(self.base, "state")
        self.socket = os.path.join(self.base, "kms.sock")
        self.conf = os.path.join(self.base, "kmsd.conf")
        with open(self.conf, "w") as file:
            file.write("# nothing of this host's\n")
        run("init", "--state-dir", self.state, "--account", ACCOUNT, "--region", region)
        self.process = None
        self.port = None

    def start(self, *args, env=None):
        log = open(os.path.join(self.base, "log"), "a")
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--config", self.conf, "--state-dir", self.state, "--socket", self.socket,
             "--listen", "127.0.0.1:0", *args], stdout=subprocess.PIPE, stderr=log, text=True,
            env={**os.environ, **(env or {})})
        log.close()
        for line in self.process.stdout:
            if line.startswith("listening on http://127.0.0.1:"):
                self.port = int(line.rsplit(":", 1)[1])
                return self
        raise AssertionError("no server: " + open(os.path.join(self.base, "log")).read())

    def stop(self, sig=signal.SIGTERM):
        if not self.process:
            return None
        self.process.send_signal(sig)
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        self.process = None
        return code

    def remove(self):
        self.stop()
        shutil.rmtree(self.base)

    def add(self, name, policy=None, *options):
        if policy is not None:
            path = os.path.join(self.base, name + ".json")
            with open(path, "w") as file:
                json.dump(policy, file)
            options += ("--policy", path)
        run("principal", "add", name, "--state-dir", self.state, *options)

    def keys(self, name):
        with open(os.path.join(self.state, "credentials", name)) as file:
            lines = file.read().splitlines()
        assert lines[0] == f"[{name}]", lines
        values = dict(line.split(" = ") for line in lines[1:])
        return values["aws_access_key_id"], values["aws_secret_access_key"]

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def client(self, name, service="kms", retries=0):
        access, secret = self.keys(name)
        return boto3.client(service, region_name=self.region, endpoint_url=self.url(), aws_access_key_id=access,
                            aws_secret_access_key=secret, config=Config(retries={"max_attempts": retries}))

    def request(self, name, op, body, target="TrentService."):
        """A request signed by botocore's signer, as it goes over the wire."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        rq = AWSRequest("POST", self.url() + "/", data=data, headers={
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target + op, "Host": f"127.0.0.1:{self.port}"})
        SigV4Auth(Credentials(*self.keys(name)), "kms", self.region).add_auth(rq)
        return dict(rq.headers.items()), data

    def send(self, headers, data, method="POST", path="/"):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(conn):
            conn.request(method, path, data, headers)
            answer = conn.getresponse()
            text = answer.read()
        return answer.status, json.loads(text) if text else {}

    def call(self, name, op, **members):
        return self.send(*self.request(name, op, members))

    def aws(self, name, *args):
        env = {**os.environ, "AWS_SHARED_CREDENTIALS_FILE": os.path.join(self.state, "credentials", name),
               "AWS_PROFILE": name, "AWS_DEFAULT_REGION": self.region, "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true",
               "AWS_CONFIG_FILE": "/dev/null"}
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.url(), "--output", "json", *args],
                              capture_output=True, text=True, env=env, timeout=60)
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else {}, done.stderr


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()
        cls.server.add("host", None, "--role")
        cls.server.add("creator", ALL)
        cls.server.add("stranger")
        cls.kms = cls.server.client("admin")
        cls.host_arn = f"arn:aws:iam::{ACCOUNT}:role/host"

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()

    def key(self):
        return self.kms.create_key()["KeyMetadata"]["Arn"]

    def fails(self, name, call, *args, **kw):
        """The error's class name, that botocore made of it."""
        with self.assertRaises(ClientError) as caught:
            call(*args, **kw)
        self.assertEqual(caught.exception.response["Error"]["Code"], name)
        self.assertTrue(caught.exception.response["Error"]["Message"])
        self.assertRegex(caught.exception.response["ResponseMetadata"]["RequestId"], "^[0-9a-f-]{36}$")
        self.assertEqual(type(caught.exception).__name__,
                         name if hasattr(self.kms.exceptions, name) else "ClientError")
        return caught.exception


class Life(WithServer):
    """The whole life of keys and grants with boto3 and the aws CLI."""

    def test_key(self):
        meta = self.kms.create_key(Description="tenant key")["KeyMetadata"]
        arn = meta["Arn"]
        self.assertEqual(meta["KeyState"], "Enabled")
        self.kms.create_alias(AliasName="alias/tenant", TargetKeyId=arn)
        self.assertEqual(self.kms.describe_key(KeyId="alias/tenant")["KeyMetadata"]["Arn"], arn)
        listed = [k["KeyArn"] for page in self.kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1})
                  for k in page["Keys"]]
        self.assertIn(arn, listed)
        names = [a["AliasName"] for page in self.kms.get_paginator("list_aliases").paginate() for a in page["Aliases"]]
        self.assertIn("alias/tenant", names)
        context = {"ecache:cache-id": "c1", "snow": "☃"}
        made = self.kms.generate_data_key(KeyId="alias/tenant", NumberOfBytes=64, EncryptionContext=context)
        opened = self.kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
        self.assertEqual(made["Plaintext"], opened["Plaintext"])
        self.assertEqual(len(made["Plaintext"]), 64)
        self.assertEqual(opened["KeyId"], arn)
        sealed = self.kms.encrypt(KeyId=arn, Plaintext=b"\0\xff" * 2048, EncryptionContext=context)
        self.assertEqual(self.kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context,
                                          KeyId=arn)["Plaintext"], b"\0\xff" * 2048)
        self.kms.disable_key(KeyId=arn)
        self.fails("DisabledException", self.kms.decrypt, CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
        self.kms.enable_key(KeyId=arn)
        gone = self.kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
        self.assertEqual(gone["KeyState"], "PendingDeletion")
        self.assertAlmostEqual(gone["DeletionDate"].timestamp(), time.time() + 7 * 86400, delta=60)
        self.fails("KMSInvalidStateException", self.kms.encrypt, KeyId=arn, Plaintext=b"x")
        self.kms.cancel_key_deletion(KeyId=arn)
        self.assertEqual(self.kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"], "Disabled")

    def test_grant(self):
        arn = self.key()
        context = {"cache": "a"}
        host, creator = self.server.client("host"), self.server.client("creator")
        blob = creator.generate_data_key_without_plaintext(KeyId=arn, NumberOfBytes=64,
                                                           EncryptionContext=context)["CiphertextBlob"]
        self.fails("AccessDeniedException", host.decrypt, CiphertextBlob=blob, EncryptionContext=context)
        wanted = dict(KeyId=arn, GranteePrincipal=self.host_arn, RetiringPrincipal=f"arn:aws:iam::{ACCOUNT}:user/creator",
                      Operations=["Decrypt", "DescribeKey", "RetireGrant"], Name="cache-a",
                      Constraints={"EncryptionContextEquals": context})
        grant = creator.create_grant(**wanted)
        again = creator.create_grant(**wanted)
        self.assertEqual(grant["GrantId"], again["GrantId"])
        self.assertNotEqual(grant["GrantToken"], again["GrantToken"])
        self.assertEqual(len(host.decrypt(CiphertextBlob=blob, KeyId=arn, EncryptionContext=context,
                                          GrantTokens=[grant["GrantToken"]])["Plaintext"]), 64)
        self.assertEqual(host.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"], "Enabled")
        entry, = self.kms.list_grants(KeyId=arn)["Grants"]
        self.assertEqual(entry["Constraints"], {"EncryptionContextEquals": context})
        self.fails("AccessDeniedException", host.create_grant, **wanted)
        self.fails("AccessDeniedException", host.revoke_grant, KeyId=arn, GrantId=grant["GrantId"])
        self.kms.revoke_grant(KeyId=arn, GrantId=grant["GrantId"])
        self.fails("AccessDeniedException", host.decrypt, CiphertextBlob=blob, EncryptionContext=context)
        second = creator.create_grant(**wanted)
        self.assertNotEqual(second["GrantId"], grant["GrantId"])
        self.assertEqual(len(host.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"]), 64)
        creator.retire_grant(KeyId=arn, GrantId=second["GrantId"])
        self.assertEqual(self.kms.list_grants(KeyId=arn)["Grants"], [])

    def test_pages_of_grants(self):
        arn = self.key()
        made = {self.kms.create_grant(KeyId=arn, GranteePrincipal=self.host_arn, Operations=["Decrypt"])["GrantId"]
                for _ in range(12)}
        pages = list(self.kms.get_paginator("list_grants").paginate(KeyId=arn, PaginationConfig={"PageSize": 5}))
        self.assertEqual([len(p["Grants"]) for p in pages], [5, 5, 2])
        self.assertEqual({g["GrantId"] for p in pages for g in p["Grants"]}, made)

    def test_modelled_errors(self):
        arn, other = self.key(), self.key()
        blob = self.kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
        to_host = dict(KeyId=arn, GranteePrincipal=self.host_arn, Operations=["Decrypt"])
        policy = json.dumps({"Statement": []})
        for name, call, kw in [
                ("NotFoundException", self.kms.describe_key, dict(KeyId="alias/none")),
                ("InvalidCiphertextException", self.kms.decrypt, dict(CiphertextBlob=b"nonsense")),
                ("InvalidCiphertextException", self.kms.decrypt, dict(CiphertextBlob=blob, EncryptionContext={"a": "b"})),
                ("IncorrectKeyException", self.kms.decrypt, dict(CiphertextBlob=blob, KeyId=other)),
                ("InvalidKeyUsageException", self.kms.encrypt,
                 dict(KeyId=arn, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_1")),
                ("InvalidGrantTokenException", self.kms.decrypt, dict(CiphertextBlob=blob, GrantTokens=["x"])),
                ("InvalidGrantIdException", self.kms.revoke_grant, dict(KeyId=arn, GrantId="x")),
                ("NotFoundException", self.kms.revoke_grant, dict(KeyId=arn, GrantId="0" * 64)),
                ("InvalidMarkerException", self.kms.list_grants, dict(KeyId=arn, Marker="x")),
                ("InvalidArnException", self.kms.create_grant, {**to_host, "GranteePrincipal": "nobody"}),
                ("AlreadyExistsException", self.kms.create_alias, dict(AliasName="alias/twice", TargetKeyId=other)),
                ("InvalidAliasNameException", self.kms.create_alias, dict(AliasName="alias/aws/x", TargetKeyId=arn)),
                ("MalformedPolicyDocumentException", self.kms.create_key, dict(Policy=policy)),
                ("UnsupportedOperationException", self.kms.create_key, dict(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")),
                ("ValidationException", self.kms.generate_data_key, dict(KeyId=arn)),
                ("KMSInvalidStateException", self.kms.cancel_key_deletion, dict(KeyId=arn)),
        ]:
            with self.subTest(name=name, call=call.__name__):
                if name == "AlreadyExistsException":
                    self.kms.create_alias(AliasName="alias/twice", TargetKeyId=arn)
                self.fails(name, call, **kw)
        status, answer = self.server.call("admin", "Frobnicate")
        self.assertEqual((status, answer["__type"]), (400, "UnknownOperationException"))

    def test_dry_run(self):
        arn = self.key()
        blob = base64.b64encode(self.kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]).decode()
        status, answer = self.server.call("admin", "Decrypt", CiphertextBlob=blob, DryRun=True)
        self.assertEqual((status, answer["__type"]), (400, "DryRunOperationException"))
        status, answer = self.server.call("stranger", "Decrypt", CiphertextBlob=blob, DryRun=True)
        self.assertEqual((status, answer["__type"]), (400, "AccessDeniedException"))
        status, answer = self.server.call("admin", "Decrypt", KeyId=arn, DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"])
        self.assertEqual(answer["__type"], "DryRunOperationException")

    def test_identity(self):
        self.assertEqual(self.server.client("creator", "sts").get_caller_identity()["Arn"], f"arn:aws:iam::{ACCOUNT}:user/creator")
        me = self.server.client("host", "sts").get_caller_identity()
        self.assertEqual(me["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/host/static")
        self.assertEqual(me["Account"], ACCOUNT)

    def test_stock_cli(self):
        code, me, _ = self.server.aws("admin", "sts", "get-caller-identity")
        self.assertEqual((code, me["Arn"]), (0, f"arn:aws:iam::{ACCOUNT}:user/admin"))
        _, made, _ = self.server.aws("admin", "kms", "create-key", "--description", "by the CLI")
        arn = made["KeyMetadata"]["Arn"]
        _, grant, _ = self.server.aws("admin", "kms", "create-grant", "--key-id", arn, "--grantee-principal", self.host_arn,
                                      "--operations", "Decrypt", "--constraints", "EncryptionContextEquals={cache=a}")
        _, listed, _ = self.server.aws("admin", "kms", "list-grants", "--key-id", arn)
        self.assertEqual([g["GrantId"] for g in listed["Grants"]], [grant["GrantId"]])
        code, _, _ = self.server.aws("admin", "kms", "revoke-grant", "--key-id", arn, "--grant-id", grant["GrantId"])
        self.assertEqual(code, 0)
        code, _, text = self.server.aws("host", "kms", "describe-key", "--key-id", arn)
        self.assertNotEqual(code, 0)
        self.assertIn("AccessDeniedException", text)


class Wire(WithServer):
    """Signatures, HTTP and sockets."""

    def test_random_requests(self):
        rng = random.Random(1)
        text = "aäß☃ \"\\\n%&=+/?#"
        for _ in range(500):
            context = {"".join(rng.choices(text, k=rng.randint(1, 9))): "".join(rng.choices(text, k=rng.randint(0, 20)))}
            body = {"Limit": rng.randint(1, 1000), "Anything": context}
            headers, data = self.server.request("admin", "ListKeys", body)
            status, answer = self.server.send(headers, data)
            self.assertEqual(status, 200, answer)
            at = rng.randrange(len(data))
            bad = data[:at] + bytes([data[at] ^ rng.randint(1, 255)]) + data[at + 1:]
            status, answer = self.server.send(headers, bad)
            self.assertEqual((status, answer["__type"]), (400, "InvalidSignatureException"))

    def test_changed_headers(self):
        headers, data = self.server.request("admin", "ListKeys", {})
        for name in ("X-Amz-Target", "X-Amz-Date", "Content-Type"):
            with self.subTest(name):
                value = headers[name]
                changed = value[:-1] + chr(ord(value[-1]) ^ 1)
                status, answer = self.server.send({**headers, name: changed}, data)
                self.assertEqual(status, 400)
                self.assertIn(answer["__type"], ("InvalidSignatureException", "IncompleteSignatureException",
                                                 "UnknownOperationException"))

    def test_not_signed(self):
        status, answer = self.server.send({"X-Amz-Target": "TrentService.ListKeys"}, b"{}")
        self.assertEqual((status, answer["__type"]), (400, "MissingAuthenticationTokenException"))
        headers, data = self.server.request("admin", "ListKeys", {})
        status, answer = self.server.send(headers, data, method="PUT")
        self.assertEqual((status, answer["__type"]), (400, "UnknownOperationException"))

    def test_the_audit_log_says_from_where(self):
        self.server.call("admin", "ListAliases")
        self.curl()
        with open(os.path.join(self.server.state, "cloudtrail.log")) as file:
            records = [json.loads(line) for line in file]
        self.assertEqual({r["sourceIPAddress"] for r in records if r["eventName"] == "ListAliases"}, {"127.0.0.1"})
        self.assertIn("unix", {r["sourceIPAddress"] for r in records if r["eventName"] == "ListKeys"})

    def test_too_large(self):
        headers, data = self.server.request("admin", "ListKeys", b"{" + b" " * 262144 + b"}")
        status, answer = self.server.send(headers, data)
        self.assertEqual((status, answer["__type"]), (413, "RequestEntityTooLargeException"))
        self.assertEqual(self.server.call("admin", "ListKeys")[0], 200)

    def test_slow_and_silent_clients_cost_others_nothing(self):
        conns = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(50)]
        for conn in conns[::2]:
            conn.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        start = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.server.call("admin", "ListKeys")[0], 200)
        self.assertLess(time.monotonic() - start, 5)
        for conn in conns:
            conn.close()
        self.assertEqual(self.server.call("admin", "ListKeys")[0], 200)

    def test_noise(self):
        rng = random.Random(2)
        for _ in range(100):
            with socket.create_connection(("127.0.0.1", self.server.port)) as conn:
                conn.sendall(rng.randbytes(rng.randint(1, 400)) + b"\r\n\r\n")
        self.assertEqual(self.server.call("admin", "ListKeys")[0], 200)

    def curl(self, *options, user=None):
        access, secret = self.server.keys("admin")
        command = ["curl", "-sS", "--unix-socket", self.server.socket, "--aws-sigv4", f"aws:amz:{REGION}:kms", "--user",
                   f"{access}:{secret}", "-H", "X-Amz-Target: TrentService.ListKeys", "-H",
                   "Content-Type: application/x-amz-json-1.1", "-d", "{}", *options, "http://localhost/"]
        if user:
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

    def test_curl_on_the_unix_socket(self):
        done = self.curl()
        self.assertIn("Keys", json.loads(done.stdout), done.stderr)

    @unittest.skipIf(os.geteuid(), "only root can become another user")
    def test_another_user_is_kept_out(self):
        self.assertNotEqual(self.curl(user=65534).returncode, 0)
        os.chmod(self.server.socket, 0o666)
        done = self.curl(user=65534)
        self.assertEqual(json.loads(done.stdout)["__type"], "AccessDeniedException")


class Program(unittest.TestCase):
    """Verbs, exit codes, restarts, signals."""

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)

    def test_usage(self):
        self.assertIn("principal add NAME", run("--help"))
        for args in ([], ["frob"], ["init", "x"], ["init", "--frob"], ["principal"], ["principal", "frob"],
                     ["principal", "add"], ["principal", "add", "../x"], ["principal", "list", "x"],
                     ["principal", "list", "--role"], ["principal", "update", "x"], ["serve", "x"]):
            with self.subTest(args):
                self.assertIn("--help", run(*args, code=2))

    def test_the_manual_and_the_help_have_the_same_options(self):
        with open(os.path.join(TOP, "Documentation", "man", "ecache-kmsd.8")) as file:
            synopsis = file.read().split(".Sh SYNOPSIS")[1].split(".Sh ")[0]
        usage = run("--help")
        options = set(re.findall(r"--([a-z][a-z-]*)", usage)) - {"help", "version"}
        self.assertGreater(len(options), 15)
        self.assertEqual(set(re.findall(r"Fl -([a-z][a-z-]*)", synopsis)) - {"help"}, options)
        verbs = set(re.findall(r"^ {2,}(?:principal|inject) ([a-z-]+)", usage, re.M))
        for verb in verbs | {"init", "serve", "pending-deletion", "clock-offset", "throttle", "clear", "enable"}:
            self.assertRegex(synopsis, rf"(?m)^\.Cm .*\b{verb}\b")
            self.assertIn(verb, usage)

    def test_refusals_say_why(self):
        state = self.server.state
        self.assertIn("not empty", run("init", "--state-dir", state, code=1))
        self.assertIn("init", run("serve", "--state-dir", "/nonexistent/x", "--config", self.server.conf, code=1))
        self.assertIn("loopback", run("serve", "--state-dir", state, "--config", self.server.conf, "--listen", "0.0.0.0:0", code=1))
        self.assertIn("--listen", run("serve", "--state-dir", state, "--config", self.server.conf, "--socket", "none", code=1))
        said = run("principal", "add", "admin", "--state-dir", state, code=1)
        self.assertIn("already", said)
        self.assertIn("principal rotate", said)
        said = run("principal", "disable", "nobody", "--state-dir", state, code=1)
        self.assertIn("no principal", said)
        self.assertIn("principal list", said)
        with open(os.path.join(self.server.base, "p.json"), "w") as file:
            json.dump({"Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*",
                                      "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]}, file)
        self.assertIn("IpAddress", run("principal", "add", "x", "--policy", file.name, "--state-dir", state, code=1))
        self.assertFalse(os.path.exists(os.path.join(state, "credentials", "x")))
        self.assertNotIn('"x"', run("principal", "list", "--json", "--state-dir", state))

    def test_credentials_are_not_overwritten(self):
        out = os.path.join(self.server.base, "mine")
        with open(out, "w") as file:
            file.write("mine")
        self.assertIn("never overwritten", run("principal", "add", "x", "--out", out, "--state-dir", self.server.state, code=1))
        with open(out) as file:
            self.assertEqual(file.read(), "mine")
        os.unlink(out)
        run("principal", "add", "x", "--out", out, "--state-dir", self.server.state)
        self.assertEqual(os.stat(out).st_mode & 0o777, 0o600)

    def test_changes_reach_a_running_server(self):
        self.server.start()
        self.server.add("x", ALL)
        self.assertEqual(self.server.call("x", "ListKeys")[0], 200)
        old = self.server.request("x", "ListKeys", {})
        run("principal", "rotate", "x", "--state-dir", self.server.state)
        self.assertEqual(self.server.send(*old)[1]["__type"], "UnrecognizedClientException")
        self.assertEqual(self.server.call("x", "ListKeys")[0], 200)
        run("principal", "update", "x", "--policy", "", "--state-dir", self.server.state)
        self.assertEqual(self.server.call("x", "ListKeys")[1]["__type"], "AccessDeniedException")
        run("principal", "disable", "x", "--state-dir", self.server.state)
        self.assertEqual(self.server.call("x", "ListKeys")[1]["__type"], "UnrecognizedClientException")
        run("principal", "enable", "x", "--state-dir", self.server.state)
        self.assertEqual(self.server.call("x", "ListKeys")[1]["__type"], "AccessDeniedException")

    def test_what_was_answered_survives_a_kill(self):
        self.server.start()
        arn = self.server.call("admin", "CreateKey")[1]["KeyMetadata"]["Arn"]
        kept, revoked = (self.server.call("admin", "CreateGrant", KeyId=arn, Operations=["Decrypt"],
                                          GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/admin")[1]["GrantId"] for _ in "ab")
        self.assertEqual(self.server.call("admin", "RevokeGrant", KeyId=arn, GrantId=revoked)[0], 200)
        self.assertEqual(self.server.stop(signal.SIGKILL), -signal.SIGKILL)
        self.server.start()
        grants = self.server.call("admin", "ListGrants", KeyId=arn)[1]["Grants"]
        self.assertEqual([g["GrantId"] for g in grants], [kept])

    def test_one_server_per_state_and_a_clean_end(self):
        self.server.start()
        self.assertIn("another ecache-kmsd", run("serve", "--config", self.server.conf, "--state-dir", self.server.state,
                                                 "--socket", self.server.base + "/other.sock", code=1))
        with open(f"/proc/{self.server.process.pid}/limits") as limits:
            self.assertRegex(limits.read(), r"Max core file size\s+0\s+0")
        self.assertEqual(self.server.stop(), 0)
        self.assertFalse(os.path.exists(self.server.socket))

    def test_a_request_under_way_is_answered_before_the_end(self):
        self.server.start()
        headers, data = self.server.request("admin", "ListKeys", {})
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items() if k != "Content-Length")
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as conn:
            conn.sendall(f"POST / HTTP/1.1\r\n{head}Content-Length: {len(data)}\r\n\r\n".encode() + data[:1])
            time.sleep(0.3)
            self.server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", self.server.port), timeout=5)
            conn.sendall(data[1:])
            self.assertIn(b"200 OK", conn.recv(4096))
        self.assertEqual(self.server.process.wait(timeout=10), 0)

    def test_notify(self):
        path = os.path.join(self.server.base, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(path)
            sock.settimeout(10)
            self.server.start(env={"NOTIFY_SOCKET": path})
            self.assertIn(b"READY=1", sock.recv(4096))
            self.server.stop()
            said = b""
            while b"STOPPING=1" not in said:
                said = sock.recv(4096)

    def test_sockets_from_the_service_manager(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.bind(self.server.socket)
            sock.listen()
            starter = ("import os,sys; os.dup2(int(sys.argv[1]),3); os.environ.update(LISTEN_FDS='1',LISTEN_PID=str(os.getpid()));"
                       "os.execv(sys.argv[2],sys.argv[2:])")
            # --listen is one more: nobody passed a TCP socket
            process = subprocess.Popen([sys.executable, "-c", starter, str(sock.fileno()), PROGRAM, "serve", "--config", self.server.conf,
                                        "--state-dir", self.server.state, "--listen", "127.0.0.1:0"], pass_fds=(sock.fileno(), 3),
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        access, secret = self.server.keys("admin")
        done = subprocess.run(["curl", "-sS", "--unix-socket", self.server.socket, "--aws-sigv4", f"aws:amz:{REGION}:sts", "-u",
                               f"{access}:{secret}", "-d", "Action=GetCallerIdentity&Version=2011-06-15", "http://localhost/"],
                              capture_output=True, text=True, timeout=30)
        line = process.stdout.readline()
        address = line.split("//")[-1].strip()
        with socket.create_connection((address.split(":")[0], int(address.split(":")[1])), timeout=10):
            pass
        process.terminate()
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertEqual(process.stdout.read(), "")
        process.stdout.close()
        self.assertTrue(line.startswith("listening on http://127.0.0.1:"), line)
        self.assertIn("user/admin", done.stdout, done.stderr)
        self.assertTrue(os.path.exists(self.server.socket))


if __name__ == "__main__":
    # boto3 leaves its connections to the garbage collector.
    unittest.main(warnings="ignore")
