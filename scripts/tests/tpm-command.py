#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tpm-command.py clear|extend PCR

clear: TPM2_Clear with the (empty) lockout authorization, as a new owner of the machine does it: a new storage seed, so that nothing sealed before can
be opened. extend PCR: TPM2_PCR_Extend of a SHA-256 bank with 32 ones, as if something else had booted. Status 1: the TPM refused.
"""
import os
import struct
import sys

TAG_SESSIONS = 0x8002
CC_CLEAR, CC_PCR_EXTEND = 0x126, 0x182
RH_LOCKOUT = 0x4000000A
ALG_SHA256 = 0x000B
# one session: RS_PW, without nonce, attributes and password
EMPTY_PASSWORD = struct.pack(">IIHBH", 9, 0x40000009, 0, 0, 0)


def command(code, handle, parameters=b""):
    body = struct.pack(">I", handle) + EMPTY_PASSWORD + parameters
    fd = os.open("/dev/tpmrm0", os.O_RDWR)
    try:
        os.write(fd, struct.pack(">HII", TAG_SESSIONS, 10 + len(body), code) + body)
        answer = os.read(fd, 4096)
    finally:
        os.close(fd)
    return struct.unpack(">I", answer[6:10])[0]


def main(argv):
    if argv[1:] == ["clear"]:
        rc = command(CC_CLEAR, RH_LOCKOUT)
    elif len(argv) == 3 and argv[1] == "extend":
        rc = command(CC_PCR_EXTEND, int(argv[2]), struct.pack(">IH", 1, ALG_SHA256) + b"\1" * 32)
    else:
        print(__doc__, file=sys.stderr)
        return 2
    if rc:
        print(f"the TPM answers {rc:#x}", file=sys.stderr)
    return 1 if rc else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
