#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints the kernel's uevents as they come, a line each, after a line that says that it listens. Without udev nobody else does."""
import socket

NETLINK_KOBJECT_UEVENT = 15
KERNEL = 1

events = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_KOBJECT_UEVENT)
events.bind((0, KERNEL))
print("listening", flush=True)
while True:
    print(events.recv(65536).replace(b"\0", b" ").decode(errors="replace"), flush=True)
