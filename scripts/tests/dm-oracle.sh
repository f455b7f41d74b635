#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dm-ecache writes byte for byte what dm-crypt writes, and reads what dm-crypt wrote: for every sector size, both key sizes, IV
# forms, device offsets and IV offsets; the disk never holds the plaintext.
. "$(dirname "$0")/lib.sh"

load_module
modprobe dm_crypt
ram_disks 1 16

head -c ${AMOUNT}k /dev/urandom > "$WORK/data"
head -c ${AMOUNT}k /dev/urandom > "$WORK/other"

# pair OFFSET KEYBYTES OPTIONS...
pair() {
	offset=$1 bytes=$2
	shift 2
	length=$((2 * AMOUNT))
	new_key "$WORK/key" "$bytes"
	ecache e /dev/ram0 "$offset" "$length" "$WORK/key" "$@"
	dd if="$WORK/data" of=/dev/mapper/e bs=64k oflag=direct status=none
	[ "$(field e 7)" -gt 0 ] || fail "the target counted no write"
	cmp "$WORK/data" /dev/mapper/e
	remove e

	dd if=/dev/ram0 bs=512 skip="$offset" count="$length" of="$WORK/raw" status=none
	if cmp -s -n 4096 "$WORK/raw" "$WORK/data"; then
		fail "plaintext on the disk"
	fi

	crypt c /dev/ram0 "$offset" "$length" "$WORK/key" "$@"
	cmp "$WORK/data" /dev/mapper/c || fail "dm-crypt reads other bytes ($*)"
	dd if="$WORK/other" of=/dev/mapper/c bs=256k oflag=direct status=none
	remove c

	ecache e /dev/ram0 "$offset" "$length" "$WORK/key" "$@"
	dd if=/dev/mapper/e of="$WORK/back" bs=256k iflag=direct status=none
	cmp "$WORK/other" "$WORK/back" || fail "other bytes than dm-crypt wrote ($*)"
	[ "$(field e 12)" = 0 ] || fail "errors counted: $(dmsetup status e)"
	remove e
	say "key $bytes offset $offset iv_offset ${IV_OFFSET:-0}: $*"
}

sectors='512 1024 2048 4096'
[ "$KERNEL" != debug ] || sectors='512 4096'
for sector in $sectors; do
	pair 0 64 "sector_size:$sector"
	IV_OFFSET=4096 pair "$((4096 + sector / 512))" 32 "sector_size:$sector"
	IV_OFFSET=4294967288 pair 16 64 "sector_size:$sector" iv_large_sectors
done
