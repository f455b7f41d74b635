#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends a message to a dm device, its end read from standard input: a key never stands in an argument.

    printf %s HEX | dm-message.py NAME "key set "

The buffer is marked DM_SECURE_DATA_FLAG, so the kernel wipes its copy.
"""
import fcntl
import os
import struct
import sys

DM_TARGET_MSG = 0xC138FD0E
DM_SECURE_DATA_FLAG = 1 << 15
HEADER = struct.Struct("=3I I I I i I I I Q 128s 129s 7s")


def main():
    name, start = sys.argv[1], sys.argv[2]
    text = start.encode() + sys.stdin.buffer.read() + b"\0"
    size = HEADER.size + 8 + len(text)
    buf = bytearray(HEADER.pack(4, 0, 0, size, HEADER.size, 0, 0, DM_SECURE_DATA_FLAG, 0, 0, 0,
                                name.encode(), b"", b""))
    buf += struct.pack("=Q", 0) + text
    fd = os.open("/dev/mapper/control", os.O_RDWR)
    try:
        fcntl.ioctl(fd, DM_TARGET_MSG, buf, True)
    except OSError as e:
        sys.exit(f"message: {e.strerror}")
    finally:
        for i in range(len(buf)):
            buf[i] = 0


main()
