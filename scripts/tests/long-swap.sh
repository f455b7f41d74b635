#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3
# Guest: --smp 2 --mem 320M --disk 1G
#
# A small machine that swaps to a volume: three processes that together want half as much again as there is memory find theirs as it was, twice over, while
# a file is written through another volume on the same disk; all of it ends, with no error.
. "$(dirname "$0")/lib.sh"

load_module
new_key "$WORK/key"
half=$(($(sectors /dev/vda) / 2))
ecache s /dev/vda 0 $half "$WORK/key" sector_size:4096
ecache e /dev/vda $half $half "$WORK/key" sector_size:4096
mkswap /dev/mapper/s > "$WORK/mkswap"
swapon /dev/mapper/s
each=$(awk '/^MemTotal:/ { print int($2 / 1024 / 2) }' /proc/meminfo)

walkers=''
for _ in 1 2 3; do
	python3 "$SRC/scripts/tests/dm-reclaim.py" "$each" &
	walkers="$walkers $!"
done
head -c 4M /dev/urandom > "$WORK/data"
rounds=0
while kill -0 "${walkers##* }" 2> /dev/null && [ $rounds -lt 64 ]; do
	dd if="$WORK/data" of=/dev/mapper/e bs=1M seek=$((rounds * 4)) conv=notrunc status=none
	rounds=$((rounds + 1))
done
for pid in $walkers; do
	wait "$pid" || fail "a process of $each MiB: status $?"
done
sync
i=0
while [ $i -lt $rounds ]; do
	dd if=/dev/mapper/e bs=1M skip=$((i * 4)) count=4 iflag=direct status=none | cmp - "$WORK/data" || fail "the file is not as it was written"
	i=$((i + 1))
done
say "three processes of $each MiB, $((rounds * 4)) MiB of a file: $(field s 7) writes and $(field s 6) reads of swap, $(stat_of s reserve) from the reserve"
{ [ "$(field s 6)" -gt 5000 ] && [ "$(field s 7)" -gt 100 ]; } || fail "hardly swapped: $(dmsetup status s)"
[ "$(field s 12)$(field e 12)" = 00 ] || fail "errors: $(dmsetup status)"
swapoff /dev/mapper/s
remove e s
unload_module
