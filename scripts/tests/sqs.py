#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""sqs.py PORT ACCESS_KEY...: a queue that speaks SQS's JSON protocol, as far as ecache-kmsd and ecache-net use it.

Who signs with one of the access keys may ask; signatures are not verified (moto does that in userspace/net/moto_peer.py).
What a test wants of it comes as POST /test, a JSON object of any of these, and is answered by what there is:

    "fail": "CODE" or ""   refuse everything from now on, also who waits, with this error; or no more
    "put": [TEXT...]       messages
"""
import json
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VISIBILITY = 30
WAIT_MAX = 20
BATCH_MAX = 10


class Refused(Exception):
    pass


class Queue:
    def __init__(self):
        self.changed = threading.Condition()
        self.messages = {}  # by receipt: [visible from, body]
        self.fail = ""
        self.count = {"sent": 0, "received": 0, "deleted": 0, "polls": 0, "refused": 0}

    def check(self):
        if self.fail:
            self.count["refused"] += 1
            raise Refused(self.fail)

    def put(self, body):
        self.messages[uuid.uuid4().hex] = [0, body]
        self.count["sent"] += 1
        self.changed.notify_all()

    def take(self, most):
        now = time.monotonic()
        receipts = [r for r, (visible, _) in self.messages.items() if visible <= now][:most]
        for receipt in receipts:
            self.messages[receipt][0] = now + VISIBILITY
        self.count["received"] += len(receipts)
        return [{"MessageId": r, "ReceiptHandle": r, "Body": self.messages[r][1]} for r in receipts]

    def send_message(self, rq):
        self.put(rq["MessageBody"])
        return {"MessageId": uuid.uuid4().hex}

    def receive_message(self, rq):
        most, wait = rq.get("MaxNumberOfMessages", 1), rq.get("WaitTimeSeconds", 0)
        if not 1 <= most <= BATCH_MAX or not 0 <= wait <= WAIT_MAX:
            raise Refused("InvalidParameterValue")
        self.count["polls"] += 1
        end = time.monotonic() + wait
        while True:
            self.check()
            messages = self.take(most)
            left = end - time.monotonic()
            if messages or left <= 0:
                return {"Messages": messages} if messages else {}
            self.changed.wait(left)

    def delete_message_batch(self, rq):
        if not 1 <= len(rq["Entries"]) <= BATCH_MAX:
            raise Refused("TooManyEntriesInBatchRequest")
        done, failed = [], []
        for entry in rq["Entries"]:
            if self.messages.pop(entry["ReceiptHandle"], None):
                self.count["deleted"] += 1
                done.append({"Id": entry["Id"]})
            else:
                failed.append({"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid", "SenderFault": True})
        return {"Successful": done, "Failed": failed}

    def test(self, rq):
        with self.changed:
            self.fail = rq.get("fail", self.fail)
            for body in rq.get("put", []):
                self.put(body)
            self.changed.notify_all()
            return {**self.count, "messages": len(self.messages)}

    def answer(self, target, rq):
        operations = {"AmazonSQS.SendMessage": self.send_message, "AmazonSQS.ReceiveMessage": self.receive_message,
                      "AmazonSQS.DeleteMessageBatch": self.delete_message_batch}
        with self.changed:
            self.check()
            if target not in operations:
                raise Refused("InvalidAction")
            return operations[target](rq)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    queue = Queue()
    access_keys = []

    def authorized(self):
        text = self.headers.get("Authorization", "")
        return any(text.startswith(f"AWS4-HMAC-SHA256 Credential={key}/") and "/sqs/aws4_request" in text
                   for key in self.access_keys)

    def do_POST(self):
        rq = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        status = 200
        try:
            if self.path == "/test":
                answer = self.queue.test(rq)
            elif not self.authorized():
                raise Refused("AccessDeniedException")
            else:
                answer = self.queue.answer(self.headers.get("X-Amz-Target"), rq)
        except Refused as refused:
            status, answer = 400, {"__type": f"com.amazonaws.sqs#{refused}", "message": "refused"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("x-amzn-RequestId", uuid.uuid4().hex)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    Handler.access_keys = sys.argv[2:]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
