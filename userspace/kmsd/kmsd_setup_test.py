#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ecache-kmsd set up otherwise: TLS for other addresses, the root secret elsewhere, limits. With boto3, curl and openssl.

It builds the program first; KMSD=PROGRAM tests another one. Arguments go to unittest.
"""
import os
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kmsd_test import PROGRAM, Server, run  # noqa: E402

import boto3  # noqa: E402
import botocore.exceptions  # noqa: E402
from botocore.config import Config  # noqa: E402


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.ca, cls.certificate, cls.key = (os.path.join(cls.server.base, name) for name in ("ca.pem", "kms.pem", "kms.key"))
        ca_key, request = os.path.join(cls.server.base, "ca.key"), os.path.join(cls.server.base, "kms.csr")
        names = os.path.join(cls.server.base, "names")
        with open(names, "w") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        for args in (["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test CA",
                      "-days", "2", "-keyout", ca_key, "-out", cls.ca],
                     ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=kms",
                      "-keyout", cls.key, "-out", request],
                     ["x509", "-req", "-in", request, "-CA", cls.ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2",
                      "-extfile", names, "-out", cls.certificate]):
            subprocess.run(["openssl", *args], check=True, capture_output=True, timeout=60)
        os.chmod(cls.key, 0o600)
        with open(cls.server.conf, "a") as file:
            file.write(f"tls-certificate={cls.certificate}\ntls-key={cls.key}\n")
        cls.server.process = subprocess.Popen(
            [PROGRAM, "serve", "--config", cls.server.conf, "--state-dir", cls.server.state, "--socket", cls.server.socket,
             "--listen", "0.0.0.0:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in cls.server.process.stdout:
            if line.startswith("listening on https://0.0.0.0:"):
                cls.server.port = int(line.rsplit(":", 1)[1])
                break

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()

    def client(self, verify):
        access, secret = self.server.keys("admin")
        return boto3.client("kms", region_name="local-1", endpoint_url=f"https://127.0.0.1:{self.server.port}", verify=verify,
                            aws_access_key_id=access, aws_secret_access_key=secret, config=Config(retries={"max_attempts": 0}))

    def test_with_the_right_ca(self):
        kms = self.client(self.ca)
        arn = kms.create_key()["KeyMetadata"]["Arn"]
        made = kms.generate_data_key(KeyId=arn, NumberOfBytes=64)
        self.assertEqual(kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"], made["Plaintext"])

    def test_with_another_ca(self):
        with self.assertRaises(botocore.exceptions.SSLError):
            self.client("/etc/ssl/certs/ca-certificates.crt").list_keys()

    def test_versions(self):
        for version, code in (("1.3", 0), ("1.2", 0), ("1.1", 35)):
            with self.subTest(version):
                done = subprocess.run(["curl", "-sS", "--cacert", self.ca, f"--tlsv{version}", "--tls-max", version, "--ciphers",
                                       "DEFAULT:@SECLEVEL=0", f"https://127.0.0.1:{self.server.port}/"], capture_output=True, timeout=30)
                self.assertEqual(done.returncode, code, done.stderr)

    def test_nothing_in_the_clear(self):
        done = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{self.server.port}/"], capture_output=True, timeout=30)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn(b"Exception", done.stdout)

    def test_the_unix_socket_has_none(self):
        done = subprocess.run(["curl", "-sS", "--unix-socket", self.server.socket, "http://localhost/"], capture_output=True,
                              timeout=30)
        self.assertIn(b"UnknownOperationException", done.stdout)

    def test_refusals_say_why(self):
        other = Server()
        self.addCleanup(other.remove)

        def refusal(*lines):
            with open(other.conf, "w") as file:
                file.write("\n".join(lines) + "\n")
            return run("serve", "--config", other.conf, "--state-dir", other.state, "--socket", "none", "--listen", "0.0.0.0:0", code=1)

        self.assertIn("loopback", refusal())
        self.assertIn("together", refusal(f"tls-key={self.key}"))
        self.assertIn("PEM", refusal(f"tls-certificate={self.ca}", f"tls-key={self.key}"))
        os.chmod(self.key, 0o644)
        self.assertIn("0600", refusal(f"tls-certificate={self.certificate}", f"tls-key={self.key}"))
        os.chmod(self.key, 0o600)


class RootSecret(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)

    def test_a_file_of_another_place(self):
        state, secret = os.path.join(self.server.base, "s2"), os.path.join(self.server.base, "elsewhere")
        run("init", "--state-dir", state, "--root-secret", "file:" + secret)
        self.assertEqual(os.stat(secret).st_size, 32)
        self.assertFalse(os.path.exists(os.path.join(state, "root.secret")))
        self.assertIn("--root-secret", run("principal", "list", "--state-dir", state, code=1))
        run("principal", "list", "--state-dir", state, "--root-secret", "file:" + secret)
        run("principal", "list", "--state-dir", state, "--root-secret", "frob", code=1)

    def test_a_secret_moves_into_a_credential(self):
        """The manual's way: the same bytes, passed by the service manager, and the file deleted."""
        self.server.start()
        arn = self.server.call("admin", "CreateKey")[1]["KeyMetadata"]["Arn"]
        blob = self.server.call("admin", "Encrypt", KeyId=arn, Plaintext="c2VjcmV0")[1]["CiphertextBlob"]
        self.server.stop()
        credentials = os.path.join(self.server.base, "credentials")
        os.mkdir(credentials)
        os.rename(os.path.join(self.server.state, "root.secret"), os.path.join(credentials, "kms-root"))
        with open(self.server.conf, "a") as file:
            file.write("root-secret=credential:kms-root\n")
        self.assertIn("LoadCredentialEncrypted", run("serve", "--config", self.server.conf, "--state-dir", self.server.state, code=1))
        self.server.start(env={"CREDENTIALS_DIRECTORY": credentials})
        self.assertEqual(self.server.call("admin", "Decrypt", CiphertextBlob=blob)[1]["Plaintext"], "c2VjcmV0")


class Limits(unittest.TestCase):
    def serve(self, *lines):
        server = Server()
        self.addCleanup(server.remove)
        with open(server.conf, "a") as file:
            file.write("\n".join(lines) + "\n")
        return server.start()

    def silent(self, server, said=b""):
        conn = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self.addCleanup(conn.close)
        conn.sendall(said)
        return conn

    def test_who_says_nothing_is_hung_up_on(self):
        server = self.serve("idle-timeout=1s")
        begin = time.monotonic()
        for conn in (self.silent(server), self.silent(server, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")):
            self.assertIn(conn.recv(4096)[:12], (b"", b"HTTP/1.1 408"))
        self.assertGreater(time.monotonic() - begin, 0.9)
        self.assertLess(time.monotonic() - begin, 15)
        self.assertEqual(server.call("admin", "ListKeys")[0], 200)

    def test_more_than_allowed_wait(self):
        """Until one of those that are there goes; nobody is turned away."""
        server = self.serve("max-connections=3", "idle-timeout=3s")
        for _ in range(3):
            self.silent(server)
        time.sleep(0.5)
        begin = time.monotonic()
        self.assertEqual(server.call("admin", "ListKeys")[0], 200)
        self.assertGreater(time.monotonic() - begin, 1)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
