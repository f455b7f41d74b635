#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ecachectl on a terminal: colours unless NO_COLOR, lines cut at its edge, and top gives the terminal back whatever ends it."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 60


class Terminal:
    """A program on a pseudo-terminal of its own, which stays open when the program ends."""

    def __init__(self, *argv, cols=200, **env):
        self.shown = b""
        self.master, self.slave = pty.openpty()
        self.resize(cols, 20)
        self.before = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if not self.pid:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(self.slave, fd)
            os.execvpe(argv[0], argv, {**os.environ, "TERM": "xterm", **env})

    def resize(self, cols, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def read(self, seconds):
        while select.select([self.master], [], [], seconds)[0]:
            self.shown += os.read(self.master, 65536)
            seconds = 0.1
        return self.shown

    def wait_for(self, pattern):
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.read(0.1)):
            if time.monotonic() > end:
                sys.exit(f"not seen: {pattern!r} in {self.shown!r}")
        self.shown = self.shown[re.search(pattern, self.shown).start():]

    def end(self):
        end = time.monotonic() + PATIENCE
        while True:
            self.read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0.1)
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                sys.exit(f"it does not end: {self.shown!r}")

    def given_back(self):
        return termios.tcgetattr(self.slave) == self.before and self.shown.rstrip().endswith(b"\033[?25h\033[?1049l")


def check(truth, what, t):
    if not truth:
        sys.exit(f"{what}: {t.shown!r}")


def tables():
    t = Terminal("ecachectl", "list")
    check(t.end() == 0 and b"\033[32mopen\033[0m" in t.shown, "list has no colours", t)
    t = Terminal("ecachectl", "list", NO_COLOR="1")
    check(t.end() == 0 and b"\033" not in t.shown and b"open" in t.shown, "list has colours", t)
    t = Terminal("ecachectl", "list", cols=20, NO_COLOR="1")
    check(t.end() == 0 and max(map(len, t.shown.decode().split("\r\n"))) <= 20, "lines are not cut", t)


def top():
    for keys, resize in ((b"q", False), (b"\x03", True)):
        t = Terminal("ecachectl", "top", "--interval", "1")
        t.wait_for(rb"NAME.*\n.*c1 .*open")
        if resize:
            t.resize(30, 6)
            t.shown = b""
            t.wait_for(rb"q ends")
            lines = re.sub(rb"\033\[[0-9;?]*[A-Za-z]", b"", t.shown).split(b"\r\n")
            check(max(map(len, lines)) <= 30, "resized, but not drawn anew", t)
        os.write(t.master, keys)
        check(t.end() == 0, "another status than 0", t)
        check(t.given_back(), "the terminal is not as it was", t)
    t = Terminal("ecachectl", "top")
    t.wait_for(rb"NAME")
    os.kill(t.pid, signal.SIGTERM)
    check(t.end() == 0 and t.given_back(), "SIGTERM: the terminal is not as it was", t)


def passphrase():
    t = Terminal("ecachectl", "adopt", "x1", "/dev/ram0")
    t.wait_for(rb"Passphrase of /dev/ram0: ")
    end = time.monotonic() + PATIENCE
    while termios.tcgetattr(t.slave)[3] & termios.ECHO and time.monotonic() < end:
        time.sleep(0.01)
    os.write(t.master, b"open sesame\n")
    check(t.end() == 1, "what is open already was adopted", t)
    check(b"sesame" not in t.shown, "the passphrase was shown", t)
    check(termios.tcgetattr(t.slave) == t.before, "the terminal is not as it was", t)


tables()
top()
passphrase()
