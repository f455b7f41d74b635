#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Record what the aws CLI and boto3 and ecache-kmsd say to each other, for recorded_test.c here and in ../kmsd.

usage: record.py > recorded.jsonl

The first line says who took part, with keys that were made for this recording and are gone with its server. Each other line
is a request and its answer as they came through a proxy: bodies byte for byte, the server's clock in milliseconds.
It needs a botocore that knows DryRun (1.31 or later).
"""
import base64
import http.client
import http.server
import json
import os
import sys
import threading
import time

from botocore.exceptions import ClientError

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kmsd"))
from kmsd_test import ACCOUNT, ALL, REGION, Server  # noqa: E402

CONTEXT = {"ecache:cache-id": "c1", "ecache:format": "1", "ecache:luks-uuid": "6d1c2b1e-0000-4000-8000-000000000001"}
HOST = f"arn:aws:iam::{ACCOUNT}:role/host"
# Left out: how the connection is kept, and which program it was. The rest is signed, or says what the body is.
DROPPED = ("user-agent", "connection", "accept-encoding", "content-length", "date", "accept")


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kmsd_port = None
    lines = []

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        conn = http.client.HTTPConnection("127.0.0.1", self.kmsd_port, timeout=20)
        clock = time.time_ns() // 1000000
        conn.request("POST", self.path, body, dict(self.headers))
        answer = conn.getresponse()
        text = answer.read()
        conn.close()
        self.lines.append({
            "clock": clock, "headers": {k: v for k, v in self.headers.items() if k.lower() not in DROPPED},
            "body": body.decode(), "status": answer.status,
            "answer_headers": {k: v for k, v in answer.getheaders() if k.lower() not in DROPPED}, "answer": text.decode()})
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "date"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)


def refused(name, call, **members):
    try:
        call(**members)
    except ClientError as error:
        assert error.response["Error"]["Code"] == name, error
        return
    raise AssertionError(f"{name} was expected")


def cli(server, *args, code=0):
    status, answer, text = server.aws("admin", *args)
    assert status == code, text
    return answer


def talk(server):
    """The life of a key and its grants: as ecached and ecachectl ask, but by clients that nobody here wrote."""
    owner, creator, host = (server.client(name) for name in ("admin", "creator", "host"))
    cli(server, "sts", "get-caller-identity")
    server.client("host", "sts").get_caller_identity()
    arn = cli(server, "kms", "create-key", "--description", "tenant \u2603")["KeyMetadata"]["Arn"]
    creator.describe_key(KeyId=arn)
    wanted = dict(KeyId=arn, GranteePrincipal=HOST, RetiringPrincipal=f"arn:aws:iam::{ACCOUNT}:user/creator", Name="ecache:c1:volume",
                  Operations=["Decrypt", "DescribeKey", "RetireGrant"], Constraints={"EncryptionContextEquals": CONTEXT})
    grant = creator.create_grant(**wanted)
    creator.create_grant(**wanted)
    blob = creator.generate_data_key_without_plaintext(KeyId=arn, NumberOfBytes=64, EncryptionContext=CONTEXT)["CiphertextBlob"]
    wrapped = dict(KeyId=arn, CiphertextBlob=blob, EncryptionContext=CONTEXT)
    host.decrypt(**wrapped, GrantTokens=[grant["GrantToken"]])
    host.decrypt(**wrapped)
    refused("DryRunOperationException", host.decrypt, **wrapped, DryRun=True)
    refused("AccessDeniedException", host.decrypt, **{**wrapped, "EncryptionContext": {"ecache:cache-id": "c2"}})
    refused("AccessDeniedException", host.create_grant, **wanted)
    refused("InvalidCiphertextException", creator.decrypt, **{**wrapped, "EncryptionContext": {"a": "b"}})
    host.describe_key(KeyId=arn, GrantTokens=[grant["GrantToken"]])
    cli(server, "kms", "list-grants", "--key-id", arn)
    cli(server, "kms", "disable-key", "--key-id", arn)
    refused("DisabledException", host.decrypt, **wrapped)
    host.describe_key(KeyId=arn)
    cli(server, "kms", "enable-key", "--key-id", arn)
    host.retire_grant(KeyId=arn, GrantId=grant["GrantId"])
    refused("AccessDeniedException", host.decrypt, **wrapped)
    second = creator.create_grant(**{**wanted, "Name": "ecache:c1:again"})
    owner.revoke_grant(KeyId=arn, GrantId=second["GrantId"])
    refused("NotFoundException", owner.revoke_grant, KeyId=arn, GrantId=second["GrantId"])
    refused("NotFoundException", owner.describe_key, KeyId=arn[:-12] + "000000000000")
    data = creator.generate_data_key(KeyId=arn, KeySpec="AES_256", EncryptionContext={"snow": "\u2603", "A": "\U0001d11e"})
    creator.decrypt(CiphertextBlob=data["CiphertextBlob"], EncryptionContext={"snow": "\u2603", "A": "\U0001d11e"}, KeyId=arn)
    cli(server, "kms", "encrypt", "--key-id", arn, "--plaintext", base64.b64encode(b"by the CLI").decode())
    cli(server, "kms", "schedule-key-deletion", "--key-id", arn, "--pending-window-in-days", "7")
    refused("KMSInvalidStateException", creator.generate_data_key_without_plaintext, KeyId=arn, NumberOfBytes=64,
            EncryptionContext=CONTEXT)
    cli(server, "kms", "cancel-key-deletion", "--key-id", arn)


def main():
    server = Server().start()
    try:
        server.add("host", None, "--role")
        server.add("creator", ALL)
        Proxy.kmsd_port = server.port
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        server.port = proxy.server_address[1]
        talk(server)
        proxy.shutdown()
        principals = [{"name": name, "access_key": server.keys(name)[0], "secret": server.keys(name)[1]}
                      for name in ("admin", "creator", "host")]
    finally:
        server.remove()
    head = {"comment": "SPDX-License-Identifier: GPL-2.0-or-later. Written by record.py; these keys open nothing.",
            "account": ACCOUNT, "region": REGION, "principals": principals}
    for line in [head, *Proxy.lines]:
        print(json.dumps(line, separators=(",", ":")))


if __name__ == "__main__":
    main()
