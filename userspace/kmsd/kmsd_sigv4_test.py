#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""botocore's signer against ecache-kmsd's verifier: what it signs is let in, and nothing that differs by one byte is.

Arguments go to unittest. SEED=N gives other requests; a failure says which seed and which request it was.
"""
import datetime
import http.client
import json
import os
import random
import unittest

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from kmsd_test import REGION, WithServer

REQUESTS = 1000
SEED = int(os.environ.get("SEED", "1"))
TEXT = "abcXYZ 019 äöß€☃𝄞 \"\\\n\t\r%&=+/?#<>{}[]:;,.'`~!@$^*()|-_\u007f\u00a0\u2028"
# Of header values: printable, with blanks that the canonical form folds.
ASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789  \t!#$%&'*+-.^_`|~;:/?=()<>@,\"[]{}\\"
TARGET = "TrentService."


def random_text(rng, most):
    return "".join(rng.choices(TEXT, k=rng.randint(0, most)))


def random_body(rng):
    """A request that every operation of LISTS answers with a success: what it does not know, it does not look at."""
    body = {"Limit": rng.randint(1, 100), "Ignored": random_text(rng, 200)}
    for _ in range(rng.randint(0, 4)):
        body["x" + random_text(rng, 20)] = {random_text(rng, 9): random_text(rng, 40), "n": [rng.random(), None, True]}
    return json.dumps(body, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1])).encode()


def random_headers(rng):
    """Headers besides those of the protocol; botocore signs them all."""
    headers = {}
    for _ in range(rng.randint(0, 3)):
        name = rng.choice(["X-Amz-", "X-", ""]) + "".join(rng.choices("abcXYZ019-_", k=rng.randint(1, 12))) + "q"
        headers[name] = "".join(rng.choices(ASCII, k=rng.randint(1, 60))).strip()
    return headers


def another(rng, old, alphabet="abcdefghijklmnopqrstuvwxyz0123456789"):
    return rng.choice([c for c in alphabet if c != old.lower()])


def change(rng, value, start, end, alphabet="abcdefghijklmnopqrstuvwxyz0123456789"):
    """One character of value[start:end] replaced by another of the alphabet, neither of them a blank."""
    at = rng.choice([i for i in range(start, end) if not value[i].isspace()])
    return value[:at] + another(rng, value[at], alphabet) + value[at + 1:]


def between(value, before, after):
    start = value.index(before) + len(before)
    return start, value.index(after, start) if after else len(value)


def change_date(rng, headers):
    headers["X-Amz-Date"] = date = change(rng, headers["X-Amz-Date"], 0, 16, "0123456789z")
    try:
        datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
    except ValueError:
        return "IncompleteSignatureException"
    # a year of one or two digits is none
    return "InvalidSignatureException" if date[0] != "0" else "IncompleteSignatureException"


def change_target(rng, headers):
    value = headers["X-Amz-Target"]
    if rng.random() < 0.5:
        headers["X-Amz-Target"] = change(rng, value, len(TARGET), len(value))
        return "InvalidSignatureException"
    headers["X-Amz-Target"] = change(rng, value, 0, len(TARGET))
    return "UnknownOperationException"


def change_authorization(before, after, error, alphabet="abcdefghijklmnopqrstuvwxyz0123456789"):
    def changed(rng, headers):
        value = headers["Authorization"]
        headers["Authorization"] = change(rng, value, *between(value, before, after), alphabet)
        return error
    return changed


def change_header(name):
    def changed(rng, headers):
        headers[name] = change(rng, headers[name], 0, len(headers[name]))
        return "InvalidSignatureException"
    return changed


def change_other_header(rng, headers):
    names = [n for n in headers if n.endswith("q") and headers[n].strip()]
    return change_header(rng.choice(names))(rng, headers) if names else change_header("Host")(rng, headers)


def leave_out_header(rng, headers):
    signed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    name = rng.choice([n for n in headers if n.lower() in signed and n.lower() not in ("x-amz-date", "x-amz-target", "host")])
    del headers[name]
    return "InvalidSignatureException"


def add_header(rng, headers):
    headers["X-Amz-Added"] = str(rng.random())
    return "InvalidSignatureException"


# What is changed in a request, and what the server says then: each returns the name of the exception.
CHANGES = {
    "date": change_date,
    "target": change_target,
    "content type": change_header("Content-Type"),
    "host": change_header("Host"),
    "other header": change_other_header,
    "header left out": leave_out_header,
    "header added": add_header,
    "signature": change_authorization("Signature=", None, "InvalidSignatureException", "0123456789abcdef"),
    "signature, not hex": change_authorization("Signature=", None, "IncompleteSignatureException", "ghxyz"),
    "access key": change_authorization("Credential=", "/", "UnrecognizedClientException", "01234567"),
    "scope: region": change_authorization("/" + REGION[:1], "/kms", "InvalidSignatureException"),
    "scope: service": change_authorization("/" + REGION + "/", "/aws4", "InvalidSignatureException"),
    "scope: end": change_authorization("/kms/", ",", "IncompleteSignatureException"),
    "algorithm": change_authorization("AWS4", " ", "IncompleteSignatureException"),
}


class Signatures(WithServer):
    LISTS = ["ListKeys", "ListAliases"]

    def setUp(self):
        self.rng = random.Random(SEED)
        self.conn = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        self.addCleanup(self.conn.close)

    def sign(self, op, body, extra, token=None):
        request = AWSRequest("POST", self.server.url() + "/", data=body, headers={
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": TARGET + op,
            "Host": f"127.0.0.1:{self.server.port}", **extra})
        SigV4Auth(Credentials(*self.server.keys("admin"), token), "kms", REGION).add_auth(request)
        return dict(request.headers.items())

    def send(self, headers, body):
        self.conn.request("POST", "/", body, headers)
        answer = self.conn.getresponse()
        text = answer.read()
        return answer.status, json.loads(text)

    def refused(self, headers, body, error, what):
        status, answer = self.send(headers, body)
        self.assertEqual((status, answer.get("__type")), (400, error), f"seed {SEED}, {what}: {headers} {body!r}")
        self.assertTrue(answer.get("message"))

    def test_signed_requests_are_let_in_and_changed_ones_are_not(self):
        rng, tried = self.rng, dict.fromkeys(CHANGES, 0)
        for number in range(REQUESTS):
            body, extra = random_body(rng), random_headers(rng)
            headers = self.sign(rng.choice(self.LISTS), body, extra)
            status, answer = self.send(headers, body)
            self.assertEqual(status, 200, f"seed {SEED}, request {number}: {headers} {body!r}: {answer}")
            at = rng.randrange(len(body))
            bad = body[:at] + bytes([body[at] ^ rng.randint(1, 255)]) + body[at + 1:]
            self.refused(headers, bad, "InvalidSignatureException", f"request {number}, body byte {at}")
            what = list(CHANGES)[number % len(CHANGES)]
            changed = dict(headers)
            error = CHANGES[what](rng, changed)
            self.refused(changed, body, error, f"request {number}, {what}")
            tried[what] += 1
        self.assertGreater(min(tried.values()), REQUESTS // len(CHANGES) - 1)

    def test_the_date_of_the_scope(self):
        for _ in range(20):
            headers = self.sign("ListKeys", b"{}", {})
            value = headers["Authorization"]
            start, _ = between(value, "Credential=", "/")
            start = value.index("/", start) + 1
            headers["Authorization"] = change(self.rng, value, start, start + 8, "0123456789")
            self.refused(headers, b"{}", "InvalidSignatureException", value)

    def test_the_list_of_signed_headers(self):
        """A name that is not there is signed as empty by nobody; a list out of order is none."""
        for _ in range(100):
            headers = self.sign("ListKeys", b"{}", {})
            value = headers["Authorization"]
            headers["Authorization"] = change(self.rng, value, *between(value, "SignedHeaders=", ","))
            status, answer = self.send(headers, b"{}")
            self.assertEqual(status, 400)
            self.assertIn(answer["__type"], ("InvalidSignatureException", "IncompleteSignatureException"))

    def test_session_tokens_are_signed_and_refused(self):
        """There are no temporary credentials here: the signature is right, and still nobody is known by the token."""
        for _ in range(20):
            token = "".join(self.rng.choices("abcdefghijklmnopqrstuvwxyz/+=", k=self.rng.randint(1, 500)))
            headers = self.sign("ListKeys", b"{}", {}, token)
            self.assertEqual(headers["X-Amz-Security-Token"], token)
            self.assertIn("x-amz-security-token", headers["Authorization"])
            self.refused(headers, b"{}", "UnrecognizedClientException", token)
            # not under the signature, it is not even looked at
            headers = self.sign("ListKeys", b"{}", {})
            self.refused({**headers, "X-Amz-Security-Token": token}, b"{}", "InvalidSignatureException", token)

    def test_a_clock_that_is_off(self):
        now = datetime.datetime.utcnow()
        for seconds, error in [(-400, "expired"), (400, "not yet current"), (-200, None), (200, None)]:
            request = AWSRequest("POST", self.server.url() + "/", data=b"{}", headers={
                "X-Amz-Target": TARGET + "ListKeys", "Host": f"127.0.0.1:{self.server.port}"})
            signer = SigV4Auth(Credentials(*self.server.keys("admin")), "kms", REGION)
            stamp = (now + datetime.timedelta(seconds=seconds)).strftime("%Y%m%dT%H%M%SZ")
            # what add_auth() does, at another time
            request.context["timestamp"] = stamp
            signer._modify_request_before_signing(request)
            text = signer.string_to_sign(request, signer.canonical_request(request))
            signer._inject_signature_to_request(request, signer.signature(text, request))
            status, answer = self.send(dict(request.headers.items()), b"{}")
            with self.subTest(seconds):
                self.assertEqual((status, answer.get("__type")), (400, "InvalidSignatureException") if error else (200, None))
                self.assertIn(error or "", answer.get("message", ""))


if __name__ == "__main__":
    # boto3 leaves its connections to the garbage collector.
    unittest.main(warnings="ignore")
