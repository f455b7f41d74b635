#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3
# Guest: --smp 1 --disk 256M --disk 256M
#
# Volumes that the host swaps to. create --swap under a KMS key: what a process in a small cgroup has swapped is not on the disk in clear, and is as
# it was afterwards. close is refused, and changes nothing, while there is no room for it; then it takes the area off. No process of the
# agent is ever in swap, whatever the pressure. While the swap's disk hangs, volumes are revoked in time, the swap volume too; whoever has lost pages
# ends with SIGBUS, and when the disk is back nothing is left. Without a KMS key: a new key at each open, on a device that nobody else uses.
. "$(dirname "$0")/lib-agent.sh"

zswap=/sys/module/zswap/parameters/enabled
[ ! -e $zswap ] || echo N > $zswap
# A host has the agent's files on a disk. Here all is in tmpfs, and pages of that are swapped, too: who reads one would wait for the disk that hangs.
in_ram="/var/lib /var/log /etc/ecache /run/ecache $WORK"
cleanup() {
	# shellcheck disable=SC2086 # words
	umount -l $in_ram
	agent_cleanup
}
trap cleanup EXIT
for dir in $in_ram; do
	mkdir -p "$dir"
	mount -t ramfs -o mode=0755 ramfs "$dir"
done
agent_start probe-interval=5s teardown-deadline=10s
ram_disks 1 16
new_customer_key
data_key=$KEY
does create c1 /dev/ram0
new_customer_key
dmsetup create base --table "0 $(sectors /dev/vda) linear /dev/vda 0"

# swapped_to NAME: it is an active area; used NAME: how many KiB of it
swapped_to() {
	grep -q "^/dev/mapper/$1 " /proc/swaps
}

used() {
	awk -v name="/dev/mapper/$1" '$1 == name { print $4 }' /proc/swaps
}

does create s1 /dev/mapper/base --swap
swapped_to s1 || die "not swapped to: $(cat /proc/swaps)"
within 10 "s1 is open" is s1 open
# told KINDS: what status says, which has no mappings for a machine too slow
told() {
	[ "$(ecachectl status --json | jq -r '[.volumes[] | .kind, .swap.on] | join(" ")')" = "$1" ]
}
within 20 "status tells kinds and use" told 'data  swap true'
[ "$(grants)" = 1 ] || die "$(grants) grants, not one"
does ecachectl open s1
say "create --swap: one grant, open, swapped to"

echo +memory > /sys/fs/cgroup/cgroup.subtree_control
small=/sys/fs/cgroup/small agents=/sys/fs/cgroup/agents
mkdir -p $small $agents
mkfifo "$WORK/ask"

# holds GROUP MIB MARK: a process in it; sets HOLDER. What it says is in $WORK/said, it is asked by lines to descriptor 9.
holds() {
	( exec sh -c 'echo $$ > '"$1"'/cgroup.procs && exec python3 "$@"' sh "$SRC/scripts/tests/long-agent-swap.py" "$2" "$3" ) \
		< "$WORK/ask" > "$WORK/said" 2> "$WORK/holder.log" &
	HOLDER=$!
	PIDS="$PIDS $HOLDER"
	exec 9> "$WORK/ask"
	within 240 "$2 MiB are written" grep -q holds "$WORK/said"
}

same_again() {
	echo >&9
	within 240 "the process has looked" grep -q 'same\|other' "$WORK/said"
	! grep -q other "$WORK/said" || die "its memory is not as it was"
	: > "$WORK/said"
}

echo 16M > $small/memory.max
mark="mark-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')"
holds $small 40 "$mark"
[ "$(used s1)" -gt 20000 ] || die "hardly swapped: $(used s1) KiB"
sync /dev/vda
[ "$(head -c 64M /dev/mapper/s1 | grep -ac "$mark")" -gt 0 ] || die "the search does not find the mark through the volume"
[ "$(head -c 64M /dev/vda | grep -ac "$mark")" = 0 ] || die "what was swapped is on the disk in clear"
same_again
say "40 MiB in a cgroup of 16 MiB: $(used s1) KiB swapped, none of it in clear, and they are as they were"

says 'have no room in the control group' ecachectl close s1
grep -q 'MemoryMax=' "$WORK/err" || die "no hint: $(cat "$WORK/err")"
swapped_to s1 || die "a refused close changed something"
within 10 "s1 is open" is s1 open
says 'have no room in the control group' ecachectl destroy s1 --yes
swapped_to s1 || die "a refused destroy changed something"
echo 64M > $small/memory.max
does ecachectl close s1
[ "$(wc -l < /proc/swaps)" = 1 ] || die "still on: $(cat /proc/swaps)"
within 10 "s1 is closed" is s1 closed
same_again
does ecachectl open s1
swapped_to s1 || die "open does not swap to it"
say "close: refused for want of memory, with nothing touched; with room, off and closed; open swaps to it again"

# Everything that can be taken from the agent's processes is taken. The control: the memory of a process among them goes.
agents() {
	pgrep -x 'ecached|ecache-net|ecache-kmsd|ecache-revoker'
}
for pid in $(agents); do
	echo "$pid" > $agents/cgroup.procs
done
sh -c 'echo $$ > '"$agents"'/cgroup.procs && exec python3 "$@"' sh "$SRC/scripts/tests/long-agent-swap.py" 16 control < "$WORK/ask" \
	> "$WORK/control" 2> /dev/null &
control=$!
PIDS="$PIDS $control"
within 240 "16 MiB are written" grep -q holds "$WORK/control"
# in_kib PID FIELD
in_kib() {
	awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"
}
for _ in 1 2 3 4 5; do
	echo 200M > $agents/memory.reclaim 2> /dev/null || true
done
[ "$(in_kib $control VmSwap)" -gt 8000 ] || die "no pressure: only $(in_kib $control VmSwap) KiB of the control are swapped"
looked=0
for pid in $(agents); do
	[ "$(in_kib "$pid" VmSwap)" = 0 ] || die "$(cat "/proc/$pid/comm") has $(in_kib "$pid" VmSwap) KiB in swap"
	[ "$(in_kib "$pid" VmLck)" -gt 0 ] || die "$(cat "/proc/$pid/comm") has no locked memory"
	looked=$((looked + 1))
done
[ $looked -ge 4 ] || die "only $looked processes of the agent"
within 10 "s1 is open" is s1 open
say "under pressure: $(in_kib $control VmSwap) KiB of the control in swap, nothing of $looked processes of the agent"
kill $control
for pid in $(agents); do
	echo "$pid" > /sys/fs/cgroup/cgroup.procs
done
within 10 "the group is empty" rmdir $agents

# The swap's disk hangs, with what is swapped on it, and a process waits for it.
echo 16M > $small/memory.max
[ "$(used s1)" -gt 20000 ] || die "hardly swapped: $(used s1) KiB"
started=$(now_ms)
does ecachectl status
calm=$(($(now_ms) - started))
# with room, so that a swapoff is tried
echo 64M > $small/memory.max
dmsetup suspend --noflush --nolockfs base
echo >&9
started=$(now_ms)
does ecachectl status
took=$(($(now_ms) - started))
[ $took -lt $((1000 + calm)) ] || die "status took $took ms"
# in_time NAME: its key went by the deadline
in_time() {
	status "$1" .teardown > "$WORK/report"
	jq -e '.key_gone and .in_time and .key_gone_ms <= 10000' "$WORK/report" > /dev/null || die "$1: $(cat "$WORK/report")"
}
does ecachectl revoke c1
in_time c1
say "the swap's disk hangs: status after $took ms, c1 revoked, its key gone $(jq .key_gone_ms "$WORK/report") ms after the order"
ecachectl revoke s1 > "$WORK/out" 2>&1 || true
in_time s1
[ "$(jq -r '.steps[] | select(.name == "swapoff") | .outcome' "$WORK/report")" = abandoned ] || die "no swapoff was tried: $(cat "$WORK/report")"
say "s1 revoked: its key gone $(jq .key_gone_ms "$WORK/report") ms after the order; $(jq -c '[.steps[] | {(.name): .outcome}] | add' "$WORK/report")"
dmsetup message s1 0 key set ":64:logon:x:y" 2> /dev/null && die "s1 takes a key"

dmsetup resume base
status=0
wait "$HOLDER" || status=$?
# SIGSEGV when the page that the signal would be put on, its stack, is lost as well
[ $status = 135 ] || [ $status = 139 ] || die "a process that has lost pages ended with status $status, not of SIGBUS or SIGSEGV; it said: $(cat "$WORK/said")"
# what a scan, once a minute, does as well
ecached_stop
ecached_start
nothing_of_s1() {
	! swapped_to s1 && ! dmsetup info s1 > /dev/null 2>&1
}
within 30 "swap area and mapping are gone" nothing_of_s1
! pgrep -l -r D 'ecache|python3' > "$WORK/waiting" || die "in D state: $(cat "$WORK/waiting")"
does ecachectl destroy s1 --yes
nothing_left s1 /dev/mapper/base
dmsetup remove --retry base
rmdir $small
say "the disk is back: SIGBUS for whoever lost pages, area and mapping are gone, nothing waits"

# Without a KMS key
mkdir -p /dev/disk/by-partuuid
ln -sf /dev/vdb /dev/disk/by-partuuid/agent-swap
made=$(grep -c CreateGrant "$KMS_STATE/cloudtrail.log")
says 'another disk after the next boot' ecachectl create b1 /dev/vdb --swap
mkfs.ext4 -q /dev/vdb
says 'wipefs' ecachectl create b1 /dev/disk/by-partuuid/agent-swap --swap
grep -q ext4 "$WORK/err" || die "does not say what is there: $(cat "$WORK/err")"
wipefs -qa /dev/vdb
does ecachectl create b1 /dev/disk/by-partuuid/agent-swap --swap
swapped_to b1 || die "not swapped to: $(cat /proc/swaps)"
[ "$(status b1 .kind)" = boot-swap ] || die "status: $(ecachectl status b1 --json)"
within 20 "b1 is open" is b1 open
first=$(status b1 .target.key_id)
does ecachectl close b1
mkfs.ext4 -q /dev/vdb
says 'ext4' ecachectl open b1
wipefs -qa /dev/vdb
does ecachectl open b1
swapped_to b1 || die "not swapped to: $(cat /proc/swaps)"
[ "$(status b1 .target.key_id)" != "$first" ] || die "the same key again"
ecached_stop
ecached_start
within 10 "b1 is open after a restart" is b1 open
does ecachectl revoke b1
in_time b1
! swapped_to b1 || die "revoked, but swapped to"
does ecachectl open b1
does ecachectl destroy b1 --yes
[ ! -e /etc/ecache/volumes.d/b1 ] || die "a pin file is left"
[ "$(wc -l < /proc/swaps)" = 1 ] || die "still on: $(cat /proc/swaps)"
[ "$(grep -c CreateGrant "$KMS_STATE/cloudtrail.log")" = "$made" ] || die "a grant was made for b1"
rm -r /dev/disk/by-partuuid
say "without a KMS key: a new key at each open; a device that holds something, or whose name may change, is refused"

KEY=$data_key
does ecachectl destroy c1 --yes
nothing_left c1 /dev/ram0
