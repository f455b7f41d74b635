#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a megabyte to a disk and reads it, past the page cache, and then does nothing but saying so."""
import mmap
import os
import signal
import sys

disk = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 1 << 20)
os.pwritev(disk, [page], 0)
os.preadv(disk, [page], 0)
os.write(1, b"done\n")
signal.pause()
