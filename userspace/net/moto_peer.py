#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ecache-net against moto_server, a KMS, an EventBridge and an SQS by people who never heard of us: encoding, signatures,
encryption context, events.

It needs python3-moto with its server's modules (python3-flask-cors, python3-jsonpath-ng), which Debian 12 has not: `make
check` runs it in the toolbox root. Where moto is not like AWS says Documentation/moto.md, which moto_table.py compares with
moto; what is asserted about that here is marked so. NET=PROGRAM says which ecache-net. Arguments go to unittest.
"""
import base64
import fcntl
import json
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"
CONTEXT = {"ecache:cache-id": "c1", "ecache:format": "1", "snow": "\u2603 \"\\"}
KEY_BYTES = 64
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["kms:*", "sts:*", "sqs:*"],
                                               "Resource": "*"}]}


def example(name):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Documentation/examples", name)) as file:
        return file.read()


class Net:
    """ecache-net with some credentials, and the requests that ecached would send (kms/net.h)."""

    def __init__(self, endpoint, access_key, secret, *lines):
        self.dir = tempfile.mkdtemp(prefix="moto-peer-")
        self.socket = os.path.join(self.dir, "net.sock")
        credentials = self.write("credentials", f"[host]\naws_access_key_id={access_key}\naws_secret_access_key={secret}\n")
        conf = self.write("ecached.conf", f"region={REGION}\nkms-endpoint={endpoint}\nhost-profile=host\n"
                          f"host-principal=arn:aws:iam::123456789012:role/host\nhost-credentials={credentials}\n"
                          f"net-socket={self.socket}\n" + "".join(f"{line}\n" for line in lines))
        self.process = subprocess.Popen([os.environ["NET"], "--config", conf, "--allow-uid", str(os.getuid())])
        for _ in range(500):
            if os.path.exists(self.socket):
                return
            time.sleep(0.01)
        raise AssertionError("no ecache-net")

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o600)
        return path

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.dir)

    def ask(self, op, fd=None, **members):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            sock.settimeout(60)
            sock.connect(self.socket)
            socket.send_fds(sock, [json.dumps({"op": op, **members}).encode()], [fd] if fd is not None else [])
            return json.loads(sock.recv(65536))

    def unwrap(self, **members):
        fd = os.memfd_create("secret", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(fd, os.sysconf("SC_PAGESIZE"))
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
            return self.ask("unwrap", fd, bytes=KEY_BYTES, **members), os.pread(fd, KEY_BYTES, 0)
        finally:
            os.close(fd)


class Moto(unittest.TestCase):
    """moto_server with one key, and with a user "host" who may do everything."""

    @classmethod
    def setUpClass(cls):
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
        cls.url = f"http://127.0.0.1:{port}"
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        server.start()
        cls.addClassCleanup(server.stop)
        # One process, one world: what another class made is still there.
        cls.post("reset")
        cls.kms = cls.client("kms")
        cls.access_key, cls.secret = cls.user("host", ALL)
        cls.arn = cls.kms.create_key()["KeyMetadata"]["Arn"]

    @classmethod
    def client(cls, service, access_key="x", secret="x"):
        return boto3.client(service, region_name=REGION, endpoint_url=cls.url, aws_access_key_id=access_key,
                            aws_secret_access_key=secret, config=Config(retries={"max_attempts": 0}))

    @classmethod
    def user(cls, name, policy):
        iam = cls.client("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    @classmethod
    def post(cls, what, data=b""):
        """moto's own interface."""
        urllib.request.urlopen(urllib.request.Request(f"{cls.url}/moto-api/{what}", data, {"Content-Type": "text/plain"}),
                               timeout=20).close()

    @classmethod
    def check_signatures(cls, on):
        """From now on moto verifies who asks, or lets everybody in, as it does by default."""
        cls.post("reset-auth", b"0" if on else b"Infinity")


class Peer(Moto):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = cls.kms.generate_data_key(KeyId=cls.arn, NumberOfBytes=KEY_BYTES, EncryptionContext=CONTEXT)
        cls.plaintext = made["Plaintext"]
        cls.wrapped = dict(key_arn=cls.arn, context=CONTEXT, blob=base64.b64encode(made["CiphertextBlob"]).decode())
        cls.net = Net(cls.url, cls.access_key, cls.secret)
        cls.addClassCleanup(cls.net.stop)
        cls.impostor = Net(cls.url, cls.access_key, cls.secret[::-1])
        cls.addClassCleanup(cls.impostor.stop)

    def test_a_data_key_is_unwrapped(self):
        answer, key = self.net.unwrap(**self.wrapped)
        self.assertEqual((answer["transport"], answer["http_status"]), ("answered", 200))
        self.assertEqual(key, self.plaintext)

    def test_another_context_opens_nothing(self):
        for context in ({}, {**CONTEXT, "snow": "rain"}, {**CONTEXT, "more": "x"}, {"ecache:cache-id": "c1"}):
            answer, key = self.net.unwrap(**{**self.wrapped, "context": context})
            with self.subTest(context):
                self.assertEqual((answer["http_status"], answer["code"]), (400, "InvalidCiphertextException"))
                self.assertEqual(key, bytes(KEY_BYTES))

    def test_a_probe(self):
        # moto: DryRun is ignored and the plaintext comes; a KMS that knows no dry run says yes by a 200.
        self.assertEqual(self.net.ask("probe", **self.wrapped)["http_status"], 200)
        answer = self.net.ask("probe", **{**self.wrapped, "blob": base64.b64encode(b"x" * 100).decode()})
        self.assertNotEqual(answer["http_status"], 200)

    def test_a_key_is_described(self):
        answer = self.net.ask("describe", key_arn=self.arn)
        self.assertEqual((answer["key_arn"], answer["key_state"], answer["symmetric"]), (self.arn, "Enabled", True))
        # moto: DisableKey wants the bare id
        self.kms.disable_key(KeyId=self.arn.rsplit("/", 1)[1])
        self.addCleanup(self.kms.enable_key, KeyId=self.arn.rsplit("/", 1)[1])
        self.assertEqual(self.net.ask("describe", key_arn=self.arn)["key_state"], "Disabled")
        answer = self.net.ask("describe", key_arn=self.arn[:-12] + "0" * 12)
        self.assertEqual((answer["http_status"], answer["code"]), (400, "NotFoundException"))

    def test_a_grant_is_retired(self):
        grant = self.kms.create_grant(KeyId=self.arn, GranteePrincipal="arn:aws:iam::123456789012:role/host", Operations=["Decrypt"])
        self.assertEqual(self.net.ask("retire", key_arn=self.arn, grant_id=grant["GrantId"])["http_status"], 200)
        self.assertEqual(self.kms.list_grants(KeyId=self.arn)["Grants"], [])

    def test_signatures(self):
        self.check_signatures(True)
        self.addCleanup(self.check_signatures, False)
        answer, key = self.net.unwrap(**self.wrapped)
        self.assertEqual((answer["http_status"], key), (200, self.plaintext))
        self.assertIn(":user/host", self.net.ask("caller")["arn"])
        # moto: 403 and XML where KMS has 400 and JSON; the status alone speaks, and no key comes
        answer, key = self.impostor.unwrap(**self.wrapped)
        self.assertEqual((answer["transport"], answer["http_status"]), ("answered", 403))
        self.assertEqual(key, bytes(KEY_BYTES))


class Events(Moto):
    """A queue that a rule of EventBridge fills, as operations.md says."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sqs, cls.bridge, cls.sns = cls.client("sqs"), cls.client("events"), cls.client("sns")
        cls.queue = cls.sqs.create_queue(QueueName="cache-host-17",
                                         Attributes={"Policy": example("events-queue-policy.json")})["QueueUrl"]
        queue_arn = cls.sqs.get_queue_attributes(QueueUrl=cls.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for rule, pattern in ("ecache-calls", "events-rule.json"), ("ecache-kms", "events-rule-kms.json"):
            cls.bridge.put_rule(Name=rule, EventPattern=example(pattern))
            cls.bridge.put_targets(Rule=rule, Targets=[{"Id": "host", "Arn": queue_arn}])
        cls.topic = cls.sns.create_topic(Name="keys")["TopicArn"]
        cls.sns.subscribe(TopicArn=cls.topic, Protocol="sqs", Endpoint=queue_arn)
        # moto: only Resource "*" matches, and DeleteMessageBatch is a right of its own
        policy = json.loads(example("listener-policy.json"))
        policy["Statement"][0]["Resource"] = "*"
        policy["Statement"][0]["Action"].append("sqs:DeleteMessageBatch")
        cls.access_key, cls.secret = cls.user("listener", policy)
        cls.net = Net(cls.url, cls.access_key, cls.secret, f"events-queue={cls.queue}")
        cls.addClassCleanup(cls.net.stop)

    def setUp(self):
        self.sqs.purge_queue(QueueUrl=self.queue)

    def put(self, name, source="aws.kms", **detail):
        """A call, as CloudTrail tells it."""
        self.put_event("AWS API Call via CloudTrail", source, [], {
            "eventVersion": "1.08", "eventSource": "kms.amazonaws.com", "eventName": name, "requestParameters": None,
            "resources": [{"accountId": "123456789012", "type": "AWS::KMS::Key", "ARN": self.arn}], **detail})

    def put_event(self, kind, source, resources, detail):
        answer = self.bridge.put_events(Entries=[{"Source": source, "DetailType": kind, "Resources": resources,
                                                  "Detail": json.dumps(detail)}])
        self.assertEqual(answer["FailedEntryCount"], 0)

    def left(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return sum(int(n) for n in self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"].values())

    def test_a_rule_brings_events(self):
        self.put("RevokeGrant", requestParameters={"keyId": self.arn, "grantId": "ab12"})
        self.put("RetireGrant", additionalEventData={"grantId": "cd34"})
        self.put("DisableKey", requestParameters={"keyId": self.arn})
        self.put_event("KMS CMK Deletion", "aws.kms", [self.arn], {"key-id": "1234abcd"})
        # not by the rule
        self.put("CreateGrant")
        self.put("RevokeGrant", errorCode="AccessDenied")
        self.put("DisableKey", source="aws.s3")
        look, messages = [], 0
        while messages < 4:
            answer = self.net.ask("events")
            self.assertIn("events", answer)
            self.assertEqual((answer["transport"], answer["http_status"], answer["code"]), ("answered", 200, ""))
            messages += answer["events"]["messages"]
            self.assertEqual((answer["events"]["unread"], answer["events"]["left"]), (0, 0))
            look += answer["events"]["look"]
        self.assertCountEqual([(e["name"], e["key_arn"], e.get("grant_id")) for e in look], [
            ("RevokeGrant", self.arn, "ab12"), ("RetireGrant", self.arn, "cd34"), ("DisableKey", self.arn, None),
            ("KMS CMK Deletion", self.arn, None)])
        self.assertEqual((messages, self.left()), (4, 0))

    def test_sns_in_between(self):
        event = {"source": "aws.kms", "detail-type": "KMS CMK Deletion", "resources": [self.arn]}
        self.sns.publish(TopicArn=self.topic, Message=json.dumps(event))
        answer = self.net.ask("events")
        self.assertEqual([e["key_arn"] for e in answer["events"]["look"]], [self.arn])
        self.assertEqual(self.left(), 0)

    def test_what_is_no_event_goes_too(self):
        self.sqs.send_message(QueueUrl=self.queue, MessageBody="rubbish \u2603")
        answer = self.net.ask("events")
        self.assertEqual((answer["events"]["messages"], answer["events"]["unread"], answer["events"]["look"]), (1, 1, []))
        self.assertEqual(self.left(), 0)

    def test_a_question_waits_for_an_event(self):
        timer = threading.Timer(3, self.put, ["EnableKey"])
        timer.start()
        begin = time.monotonic()
        answer = self.net.ask("events")
        self.assertGreater(time.monotonic() - begin, 2.5)
        self.assertLess(time.monotonic() - begin, 15)
        timer.join()
        self.assertEqual(answer["events"]["look"][0]["name"], "EnableKey")

    def test_two_rights_are_enough_and_a_signature_is_needed(self):
        self.put("DisableKey")
        impostor = Net(self.url, self.access_key, self.secret[::-1], f"events-queue={self.queue}")
        self.addCleanup(impostor.stop)
        self.check_signatures(True)
        self.addCleanup(self.check_signatures, False)
        # moto: 403 and XML where SQS has 400 and JSON
        answer = impostor.ask("events")
        self.assertEqual((answer["transport"], answer["http_status"]), ("answered", 403))
        self.assertNotIn("events", answer)
        answer = self.net.ask("events")
        self.assertEqual((answer["events"]["look"][0]["name"], answer["events"]["left"]), ("DisableKey", 0))

    def test_no_such_queue(self):
        lost = Net(self.url, self.access_key, self.secret, f"events-queue={self.queue}-not")
        self.addCleanup(lost.stop)
        answer = lost.ask("events")
        self.assertEqual((answer["http_status"], answer["code"]), (400, "QueueDoesNotExist"))
        self.assertIn("correct events-queue", answer["message"])


if __name__ == "__main__":
    # boto3 leaves its connections to the garbage collector.
    unittest.main(warnings="ignore")
