#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# CBC with ESSIV and Adiantum, every key size: dm-ecache writes byte for byte what dm-crypt writes and reads what it wrote. Of Adiantum the
# source is copied before it is encrypted: a buffer that changes while it is written still decrypts to something that it held.
. "$(dirname "$0")/lib.sh"

load_module
modprobe dm_crypt
ram_disks 1 16
head -c ${AMOUNT}k /dev/urandom > "$WORK/data"
head -c ${AMOUNT}k /dev/urandom > "$WORK/other"

# pair CIPHER BYTES OPTIONS...
pair() {
	CIPHER=$1
	new_key "$WORK/key" "$2"
	bytes=$2
	shift 2
	ecache e /dev/ram0 8 $((2 * AMOUNT)) "$WORK/key" "$@"
	dd if="$WORK/data" of=/dev/mapper/e bs=64k oflag=direct status=none
	cmp "$WORK/data" /dev/mapper/e
	driver=$(field e 3)
	remove e
	crypt c /dev/ram0 8 $((2 * AMOUNT)) "$WORK/key" "$@"
	cmp "$WORK/data" /dev/mapper/c || fail "dm-crypt reads other bytes ($CIPHER $*)"
	dd if="$WORK/other" of=/dev/mapper/c bs=256k oflag=direct status=none
	remove c
	ecache e /dev/ram0 8 $((2 * AMOUNT)) "$WORK/key" "$@"
	dd if=/dev/mapper/e of="$WORK/back" bs=256k iflag=direct status=none
	cmp "$WORK/other" "$WORK/back" || fail "other bytes than dm-crypt wrote ($CIPHER $*)"
	[ "$(field e 12)" = 0 ] || fail "errors counted: $(dmsetup status e)"
	remove e
	say "$CIPHER key $bytes $* ($driver)"
}

for bytes in 16 24 32; do
	pair aes-cbc-essiv:sha256 $bytes sector_size:512
done
pair aes-cbc-essiv:sha256 32 sector_size:4096
pair aes-cbc-essiv:sha256 16 sector_size:4096 iv_large_sectors
pair xchacha12,aes-adiantum-plain64 32 sector_size:4096
pair xchacha12,aes-adiantum-plain64 32 sector_size:512

# Each sector holds one byte value throughout; two threads change them while a third writes the buffer with O_DIRECT. A sector
# that was read twice by the cipher, before and after a change, decrypts to noise.
CIPHER=xchacha12,aes-adiantum-plain64
new_key "$WORK/key" 32
ecache e /dev/ram0 0 2048 "$WORK/key" sector_size:512
python3 - <<'END' || fail "a sector holds what the buffer never held"
import mmap, os, threading

SECTOR, SIZE = 512, 65536
buf = mmap.mmap(-1, SIZE)
stop = False


def change():
    value = 0
    while not stop:
        value = (value + 1) % 256
        for at in range(0, SIZE, SECTOR):
            buf[at:at + 16] = bytes([value]) * 16


fd = os.open("/dev/mapper/e", os.O_RDWR | os.O_DIRECT)
thread = threading.Thread(target=change)
thread.start()
bad = 0
back = mmap.mmap(-1, SIZE)
for _ in range(20):
    os.pwritev(fd, [buf], 0)
    os.preadv(fd, [back], 0)
    for at in range(0, SIZE, SECTOR):
        # beyond the first 16 bytes nothing ever changes
        bad += back[at + 16:at + SECTOR] != bytes(SECTOR - 16)
stop = True
thread.join()
raise SystemExit(bad != 0)
END
remove e
say "Adiantum of a buffer that changes under it"
unload_module
