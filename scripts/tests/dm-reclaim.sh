#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Memory: buffered writes of three times what their cgroup may hold come to an end; a process of twice its cgroup's limit, swapped to a volume, finds its
# memory as it was, twice over. What the target allocates on the way, in tasks that free memory and may use the kernel's reserves, never
# comes from these and never waits for others to free memory.
. "$(dirname "$0")/lib.sh"

load_module
new_key "$WORK/key"
ram_disks 2 64
ecache e /dev/ram0 0 "$(sectors /dev/ram0)" "$WORK/key" sector_size:4096
ecache s /dev/ram1 0 "$(sectors /dev/ram1)" "$WORK/key" sector_size:4096
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
small=/sys/fs/cgroup/small
mkdir $small

# inside MIB COMMAND...: with so much memory
inside() {
	echo "$1M" > $small/memory.max
	shift
	( exec sh -c 'echo $$ > '$small'/cgroup.procs && exec "$@"' sh timeout 120 "$@" )
}

head -c 24M /dev/urandom > "$WORK/data"
inside 8 dd if="$WORK/data" of=/dev/mapper/e bs=256k conv=fsync status=none || fail "24 MiB into a cgroup of 8 MiB: status $?"
dd if=/dev/mapper/e bs=1M count=24 iflag=direct status=none | cmp "$WORK/data" - || fail "other bytes than were written"
say "24 MiB of buffered writes by a cgroup of 8 MiB"

tracing=/sys/kernel/tracing
[ -e $tracing/events ] || mount -t tracefs tracefs $tracing
mkswap /dev/mapper/s > "$WORK/mkswap"
swapon /dev/mapper/s
hist='hist:keys=gfp_flags,stacktrace:size=16384'
traced=yes
echo "$hist" > $tracing/events/kmem/mm_page_alloc/trigger || traced=''
inside 16 python3 "$SRC/scripts/tests/dm-reclaim.py" 20 || fail "a process of 20 MiB in a cgroup of 16 MiB: status $?"
if [ -n "$traced" ]; then
	cat $tracing/events/kmem/mm_page_alloc/hist > "$WORK/hist"
	echo "!$hist" > $tracing/events/kmem/mm_page_alloc/trigger
fi
swapoff /dev/mapper/s
{ [ "$(field s 6)" -gt 1000 ] && [ "$(field s 7)" -gt 100 ]; } || fail "hardly swapped: $(dmsetup status s)"
[ "$(field s 12)$(field e 12)" = 00 ] || fail "errors: $(dmsetup status)"
say "swapped: $(field s 7) writes, $(field s 6) reads"
rmdir $small
remove e s
unload_module

if [ -z "$traced" ]; then
	lacks "histogram of events"
	exit 0
fi
# One entry: { gfp_flags: N, stacktrace:, functions, } hitcount: N. The bits are HIGH, DIRECT_RECLAIM, MEMALLOC; NOMEMALLOC.
awk '/gfp_flags:/ { flags = $3 + 0; below = 0; frees = 0 }
	/ecache_bounce_get/ { below = 1 }
	/try_to_free|shrink_folio_list|pageout/ { frees = 1 }
	/hitcount:/ && below { print flags, frees, $NF }' "$WORK/hist" > "$WORK/allocations"
total=0 freeing=0
while read -r flags frees hits; do
	{ [ $((flags & 0x20420)) = 0 ] && [ $((flags & 0x80000)) != 0 ]; } || fail "allocates with flags $flags: $(cat "$WORK/hist")"
	total=$((total + hits)) freeing=$((freeing + frees * hits))
done < "$WORK/allocations"
[ $freeing -gt 0 ] || fail "no bounce page was allocated by a task that frees memory: this proves nothing"
say "$total allocations, $freeing of them by tasks that free memory: none from the reserves"
