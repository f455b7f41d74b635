#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""No secret in what ecache-kmsd and ecache-net leave behind: logs at debug level, audit log, database, command lines,
memory that a core dump would hold, cores. After a whole life of keys, grants and unwraps, failing ones among them.

The secrets: secret access keys, the KMS's root secret, data keys, what was encrypted. Each is looked for as bytes, in
hex and in base64. Arguments go to unittest; KMSD=PROGRAM and NET=PROGRAM test others than those of the tree.
"""
import base64
import contextlib
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "kmsd"))
from kmsd_test import ACCOUNT, ALL, PROGRAM, REGION, Server, run  # noqa: E402
from needles import Needle, findings  # noqa: E402

CONTEXT = {"ecache:cache-id": "c1", "ecache:format": "1"}
KEY_BYTES = 64
PAGE = resource.getpagesize()
NOTHING = bytes(PAGE)


def find_net():
    if "NET" in os.environ:
        return os.path.abspath(os.environ["NET"])
    subprocess.run(["make", "-s", "-j2", "-C", os.path.dirname(HERE), "../build/userspace/ecache-net"], check=True,
                   stdout=sys.stderr)
    return os.path.join(os.path.dirname(PROGRAM), "ecache-net")


def memory(pid):
    """What a core dump of the process would hold: its writable memory but what it has left out (MADV_DONTDUMP)."""
    with open(f"/proc/{pid}/smaps") as file:
        smaps = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", file.read())[1:]
    with open(f"/proc/{pid}/mem", "rb", 0) as file:
        for area in smaps:
            start, end, rights, rest = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) (.*)", area).groups()
            if "w" not in rights or " dd" in re.search(r"(?m)^VmFlags:.*", area)[0]:
                continue
            file.seek(int(start, 16))
            data = file.read(int(end, 16) - int(start, 16))
            pages = (data[at:at + PAGE] for at in range(0, len(data), PAGE))
            yield rest.split()[-1], b"".join(page for page in pages if page != NOTHING)


class Net:
    """ecache-net as the host, and the requests that ecached would send."""

    def __init__(self, server):
        self.socket = os.path.join(server.base, "net.sock")
        self.log = os.path.join(server.base, "net.log")
        conf = os.path.join(server.base, "ecached.conf")
        with open(conf, "w") as file:
            file.write(f"region={REGION}\nkms-endpoint=unix:{server.socket}\nhost-principal=arn:aws:iam::{ACCOUNT}:role/host\n"
                       f"host-profile=host\nhost-credentials={server.state}/credentials/host\nnet-socket={self.socket}\n")
        os.chmod(conf, 0o600)
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([find_net(), "--config", conf, "--debug", "--allow-uid", str(os.getuid())],
                                            stdout=log, stderr=log, cwd=server.base)
        for _ in range(500):
            if os.path.exists(self.socket):
                return
            time.sleep(0.01)
        raise AssertionError("no ecache-net: " + open(self.log).read())

    def ask(self, op, fd=None, **members):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            sock.settimeout(30)
            sock.connect(self.socket)
            packet = json.dumps({"op": op, **members}).encode()
            socket.send_fds(sock, [packet], [fd] if fd is not None else [])
            return json.loads(sock.recv(65536))

    def unwrap(self, **members):
        """The answer, and the key that came in the sealed memory which went with the request (common/secret.h)."""
        fd = os.memfd_create("secret", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(fd, PAGE)
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
            answer = self.ask("unwrap", fd, bytes=KEY_BYTES, **members)
            return answer, os.pread(fd, KEY_BYTES, 0)
        finally:
            os.close(fd)


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server = Server()
        cls.addClassCleanup(server.remove)
        server.start("--log-level", "debug")
        server.add("host", None, "--role")
        server.add("creator", ALL)
        cls.needles = []
        cls.net = Net(server)
        cls.addClassCleanup(cls.net.process.wait, 20)
        cls.addClassCleanup(cls.net.process.terminate)
        with open(os.path.join(server.state, "root.secret"), "rb") as file:
            cls.secret("root secret", file.read())
        cls.remember_credentials()
        cls.life()
        run("principal", "rotate", "creator", "--state-dir", server.state)
        run("principal", "list", "--state-dir", server.state)
        cls.remember_credentials()
        cls.last_words()
        # The answer is sent before all of it is forgotten.
        time.sleep(0.5)

    @classmethod
    def secret(cls, name, value):
        cls.needles.append(Needle(name, value))

    @classmethod
    def remember_credentials(cls):
        for name in ("admin", "creator", "host"):
            cls.secret("secret access key of " + name, cls.server.keys(name)[1].encode())

    @classmethod
    def life(cls):
        """A key, a grant, data keys; unwrapped, denied, revoked, retired, deleted; and requests that are refused."""
        owner, creator = cls.server.client("admin"), cls.server.client("creator")
        arn = owner.create_key()["KeyMetadata"]["Arn"]
        wanted = dict(KeyId=arn, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:role/host", Name="c1",
                      Operations=["Decrypt", "DescribeKey", "RetireGrant"], Constraints={"EncryptionContextEquals": CONTEXT})
        grant = creator.create_grant(**wanted)
        made = creator.generate_data_key(KeyId=arn, NumberOfBytes=KEY_BYTES, EncryptionContext=CONTEXT)
        cls.secret("data key that the creator got", made["Plaintext"])
        text = b"what was encrypted, and is nobody's business"
        cls.secret("plaintext", text)
        creator.decrypt(CiphertextBlob=creator.encrypt(KeyId=arn, Plaintext=text)["CiphertextBlob"])
        blob = creator.generate_data_key_without_plaintext(KeyId=arn, NumberOfBytes=KEY_BYTES, EncryptionContext=CONTEXT)
        wrapped = dict(key_arn=arn, context=CONTEXT, blob=base64.b64encode(blob["CiphertextBlob"]).decode())
        for token in ({"grant_token": grant["GrantToken"]}, {}):
            answer, key = cls.net.unwrap(**wrapped, **token)
            assert answer["http_status"] == 200 and key.strip(b"\0"), answer
        cls.secret("data key that the host got", key)
        for op, members in [("caller", {}), ("describe", {"key_arn": arn}), ("probe", wrapped)]:
            answer = cls.net.ask(op, **members)
            assert answer["transport"] == "answered", answer
        answer, nothing = cls.net.unwrap(**{**wrapped, "context": {"another": "context"}})
        assert answer["code"] == "AccessDeniedException" and not nothing.strip(b"\0"), answer
        cls.server.send({"X-Amz-Target": "TrentService.Decrypt"}, json.dumps({"Plaintext": "x"}).encode())
        headers, data = cls.server.request("admin", "Encrypt", {"KeyId": arn, "Plaintext": base64.b64encode(text).decode()})
        cls.server.send(headers, data + b" ")
        cls.server.send(*cls.server.request("admin", "Encrypt", data[:-1]))
        owner.revoke_grant(KeyId=arn, GrantId=grant["GrantId"])
        assert cls.net.unwrap(**wrapped)[0]["code"] == "AccessDeniedException"
        again = creator.create_grant(**wanted)["GrantId"]
        assert cls.net.unwrap(**wrapped)[0]["http_status"] == 200
        assert cls.net.ask("retire", key_arn=arn, grant_id=again)["http_status"] == 200
        owner.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)

    @classmethod
    def last_words(cls):
        """Large, one in an answer and one in a request, and nothing comes after them that could lie over them by chance."""
        creator = cls.server.client("creator")
        arn = creator.create_key()["KeyMetadata"]["Arn"]
        text = os.urandom(1024)
        cls.secret("large plaintext", text)
        cls.secret("large data key", creator.generate_data_key(KeyId=arn, NumberOfBytes=1024)["Plaintext"])
        creator.encrypt(KeyId=arn, Plaintext=text)

    def clean(self, where, data):
        self.assertEqual(findings(self.needles, data), [], where)

    def test_the_search_finds_them_where_they_belong(self):
        state = self.server.state
        with open(os.path.join(state, "root.secret"), "rb") as file:
            self.assertEqual(findings(self.needles, file.read()), ["root secret"])
        with open(os.path.join(state, "credentials", "host"), "rb") as file:
            self.assertIn("secret access key of host", findings(self.needles, file.read()))
        secret = bytes(range(200, 248))
        for part in (secret, secret[:24], secret[24:], secret[3:27]):
            for before in (b"", b"a", b"ab", b"abc"):
                inside = before + part + b"\xff"
                for text in (inside, inside.hex().encode(), base64.b64encode(inside), base64.urlsafe_b64encode(inside)):
                    self.assertEqual(findings([Needle("x", secret)], b"{" + text + b"}"), ["x"])
        self.assertEqual(findings([Needle("x", secret)], base64.b64encode(secret[:15] + secret[16:31])), [])

    def test_logs(self):
        logs = {}
        for path in (os.path.join(self.server.base, "log"), self.net.log, os.path.join(self.server.state, "cloudtrail.log")):
            with open(path, "rb") as file:
                logs[os.path.basename(path)] = file.read()
        # they are at debug level, and about what happened
        self.assertRegex(logs["log"], b"AccessDeniedException")
        self.assertRegex(logs["net.log"], b"unwrap")
        self.assertRegex(logs["cloudtrail.log"], b"GenerateDataKey")
        for name, data in logs.items():
            self.clean(name, data)

    def test_files(self):
        looked = 0
        for folder, _, names in os.walk(self.server.base):
            for name in names:
                path = os.path.join(folder, name)
                if name == "root.secret" or folder.endswith("/credentials") or not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    self.clean(path, file.read())
                looked += 1
        self.assertGreater(looked, 4)

    def test_command_lines_and_environments(self):
        for process in (self.server.process, self.net.process):
            for name in ("cmdline", "environ"):
                with open(f"/proc/{process.pid}/{name}", "rb") as file:
                    self.clean(name, file.read())

    @unittest.skipIf(os.geteuid(), "only root reads the memory of a process that is not dumpable")
    def test_memory(self):
        for process, known in ((self.server.process, self.server.state), (self.net.process, self.net.socket)):
            seen = b""
            for area, data in memory(process.pid):
                self.clean(f"{process.args[0]} {area}", data)
                seen += known.encode() if known.encode() in data else b""
            # it was read: what must be there is
            self.assertTrue(seen)

    def test_z_no_core_is_written(self):
        """Last of all. An abort leaves no core; where we may take the limit away first, because they are not dumpable."""
        cores = os.path.join(self.server.base, "cores")
        os.mkdir(cores)
        control = subprocess.Popen(["sleep", "60"], cwd=cores)
        if not self.dumps_core(control):
            self.skipTest("this machine writes no cores at all")
        for process in (self.server.process, self.net.process):
            with self.subTest(process.args[0]):
                self.assertFalse(self.dumps_core(process))
        shutil.rmtree(cores)
        for folder, _, names in os.walk(self.server.base):
            self.assertEqual([name for name in names if name.startswith("core")], [], folder)

    def dumps_core(self, process):
        with contextlib.suppress(PermissionError):
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        process.send_signal(signal.SIGABRT)
        status = os.waitpid(process.pid, 0)[1]
        process.returncode = -os.WTERMSIG(status)
        self.assertEqual(os.WTERMSIG(status), signal.SIGABRT)
        return os.WCOREDUMP(status)


if __name__ == "__main__":
    # boto3 leaves its connections to the garbage collector.
    unittest.main(warnings="ignore")
