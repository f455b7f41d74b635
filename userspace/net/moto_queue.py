#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ecache-kmsd's events in a queue of moto_server: an SQS by people who never heard of us, signatures verified.

As moto_peer.py, in the toolbox root. KMSD=PROGRAM says which ecache-kmsd. Arguments go to unittest.
"""
import json
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "kmsd"))
from kmsd_test import ACCOUNT, Server  # noqa: E402
from moto_peer import REGION, Moto  # noqa: E402

SEND = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
PATIENCE = 60


class Queue(Moto):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url_of_queue = cls.client("sqs").create_queue(QueueName="kms-events")["QueueUrl"]
        cls.sender, cls.reader = cls.user("sender", SEND), cls.user("reader", READ)
        cls.check_signatures(True)
        cls.addClassCleanup(cls.check_signatures, False)

    def kmsd(self, access_key, secret):
        """A server that sends its events as who has these keys."""
        server = Server(REGION)
        self.addCleanup(server.remove)
        credentials = os.path.join(server.base, "queue")
        with open(os.open(credentials, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(f"[default]\naws_access_key_id={access_key}\naws_secret_access_key={secret}\n")
        with open(server.conf, "a") as file:
            file.write(f"events-queue={self.url_of_queue}\nevents-credentials={credentials}\n")
        return server.start()

    def take(self):
        """The next event, which the queue then forgets."""
        sqs = self.client("sqs", *self.reader)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for message in sqs.receive_message(QueueUrl=self.url_of_queue, WaitTimeSeconds=1).get("Messages", []):
                sqs.delete_message(QueueUrl=self.url_of_queue, ReceiptHandle=message["ReceiptHandle"])
                return json.loads(message["Body"])
        raise AssertionError("no event came")

    def test_events_arrive(self):
        server = self.kmsd(*self.sender)
        kms = server.client("admin")
        arn = kms.create_key(Description="of \u2603 and \"quotes\"")["KeyMetadata"]["Arn"]
        event = self.take()
        self.assertEqual((event["source"], event["detail-type"], event["account"], event["region"]),
                         ("aws.kms", "AWS API Call via CloudTrail", ACCOUNT, REGION))
        self.assertEqual((event["detail"]["eventName"], event["detail"]["requestParameters"]["description"]),
                         ("CreateKey", "of \u2603 and \"quotes\""))
        self.assertEqual(event["detail"]["resources"][0]["ARN"], arn)
        grant = kms.create_grant(KeyId=arn, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/admin", Operations=["Decrypt"])
        kms.revoke_grant(KeyId=arn, GrantId=grant["GrantId"])
        self.assertEqual(self.take()["detail"]["responseElements"]["grantId"], grant["GrantId"])
        event = self.take()
        self.assertEqual((event["detail"]["eventName"], event["detail"]["requestParameters"]["grantId"]),
                         ("RevokeGrant", grant["GrantId"]))
        with open(os.path.join(server.state, "cloudtrail.log")) as file:
            self.assertIn(event["detail"], [json.loads(line) for line in file])

    def test_a_wrong_secret_sends_nothing(self):
        server = self.kmsd(self.sender[0], self.sender[1][::-1])
        server.client("admin").create_key()
        log, until = "", time.monotonic() + PATIENCE
        while "not delivered" not in log and time.monotonic() < until:
            time.sleep(0.5)
            with open(os.path.join(server.base, "log")) as file:
                log = file.read()
        self.assertIn("1 event not delivered to the queue " + self.url_of_queue, log)
        found = self.client("sqs", *self.reader).receive_message(QueueUrl=self.url_of_queue, WaitTimeSeconds=1)
        self.assertEqual(found.get("Messages", []), [])


if __name__ == "__main__":
    # boto3 leaves its connections to the garbage collector.
    unittest.main(warnings="ignore")
