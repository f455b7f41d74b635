#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3 6.12 6.1
# Guest: --smp 2 --mem 448M --disk 1G
#
# long-swap.sh [SECONDS]: a small machine that swaps to a volume of the agent's. Valkey in a memory cgroup smaller than its data set
# answers under load for as long (60 s if nothing is said), while another process takes most of the memory that is left and a file is written
# through another volume on the same disk. Nothing ever stands still, no process of the agent is in swap, every value is as it was; close is refused
# while Valkey runs, and done when it has ended.
. "$(dirname "$0")/lib-agent.sh"

duration=${1:-60}
zswap=/sys/module/zswap/parameters/enabled
[ ! -e $zswap ] || echo N > $zswap
limit=40M fixed=50000 random=40000

agent_start probe-interval=5s
new_customer_key
half=$(($(sectors /dev/vda) / 2))
dmsetup create low --table "0 $half linear /dev/vda 0"
dmsetup create high --table "0 $half linear /dev/vda $half"
does create s1 /dev/mapper/low --swap
does create c1 /dev/mapper/high

echo +memory > /sys/fs/cgroup/cgroup.subtree_control
group=/sys/fs/cgroup/valkey
mkdir $group
( exec sh -c 'echo $$ > '$group'/cgroup.procs && exec valkey-server "$@"' sh --unixsocket "$WORK/valkey.sock" --port 0 \
	--save '' --appendonly no --dir "$WORK" ) > "$WORK/valkey.log" 2>&1 &
valkey=$!
PIDS="$PIDS $valkey"
# five minutes are a deadlock; less may be a slow machine
vk() {
	timeout 300 valkey-cli -s "$WORK/valkey.sock" "$@" || echo "status $?"
}
within 60 "valkey answers" test -S "$WORK/valkey.sock"
[ "$(vk ping)" = PONG ] || die "valkey does not answer"

# The values that nobody changes, and whether they are as they were.
value="string.rep(redis.sha1hex('$$' .. i), 25)"
make="for i = 1, $fixed do redis.call('SET', 'fixed:' .. i, $value) end return 'made'"
look="for i = 1, $fixed do if redis.call('GET', 'fixed:' .. i) ~= $value then return i end end return 'same'"
[ "$(vk eval "$make" 0)" = made ] || die "the values cannot be set"
echo $limit > $group/memory.max
[ "$(vk eval "$look" 0)" = same ] || die "other values after the first swapping"
say "$fixed values made, and read again when most of them were swapped"

# load: without end, and started again should it come to one
load() {
	while [ ! -e "$WORK/stop" ]; do
		valkey-benchmark -s "$WORK/valkey.sock" -t set,get -r $random -d 1000 -c 8 -n 100000 --csv > "$WORK/benchmark.log" 2>&1 || exit 1
	done
}
load &
loader=$!
most=$(awk '/^MemTotal:/ { print int($2 / 1024 * 2 / 3) }' /proc/meminfo)
walk() {
	while [ ! -e "$WORK/stop" ]; do
		python3 "$SRC/scripts/tests/dm-reclaim.py" "$most" || exit 1
	done
}
walk &
walker=$!
head -c 4M /dev/urandom > "$WORK/data"
write() {
	rounds=0
	while [ ! -e "$WORK/stop" ]; do
		dd if="$WORK/data" of=/dev/mapper/c1 bs=1M seek=$((rounds % 64 * 4)) conv=notrunc status=none || exit 1
		rounds=$((rounds + 1))
		echo $rounds > "$WORK/rounds"
	done
}
write &
writer=$!
PIDS="$PIDS $loader $walker $writer"

commands() {
	vk info stats | tr -d '\r' | sed -n 's/^total_commands_processed://p'
}
# agents_in_memory: none of the agent's processes has a page in swap
agents_in_memory() {
	for pid in $(pgrep 'ecache'); do
		swapped=$(sed -n 's/^VmSwap:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status" 2> /dev/null) || continue
		[ "${swapped:-0}" = 0 ] || die "$(cat "/proc/$pid/comm"): $swapped KiB in swap"
	done
}
end=$(($(now_ms) + duration * 1000)) last=0 least=999999999
while [ "$(now_ms)" -lt $end ]; do
	sleep 5
	for pid in $loader $walker $writer; do
		kill -0 "$pid" 2> /dev/null || die "a load has ended: $(cat "$WORK/benchmark.log")"
	done
	now=$(commands)
	[ "${now:-0}" -gt "$last" ] || die "valkey stands still at $last commands"
	[ $((now - last)) -gt $least ] || least=$((now - last))
	last=$now
	agents_in_memory
done
: > "$WORK/stop"
wait $walker || die "the walker: status $?"
wait $writer || die "the writer: status $?"
# its last round may take long, and is of no interest
kill $loader 2> /dev/null || true
pkill -x valkey-benchmar || true
[ "$(vk eval "$look" 0)" = same ] || die "other values than before"
used=$(vk info memory | tr -d '\r' | sed -n 's/^used_memory://p')
[ "$used" -gt 62914560 ] || die "the data set has only $used bytes"
swapped=$(cat $group/memory.swap.current)
[ "$swapped" -gt 31457280 ] || die "only $swapped bytes of valkey are swapped"
sync
rounds=$(cat "$WORK/rounds")
i=0
while [ $i -lt "$rounds" ] && [ $i -lt 64 ]; do
	dd if=/dev/mapper/c1 bs=1M skip=$((i * 4)) count=4 iflag=direct status=none | cmp - "$WORK/data" || die "the file is not as it was written"
	i=$((i + 1))
done
say "$duration s: $last commands on $((used >> 20)) MiB in a cgroup of $limit ($((swapped >> 20)) MiB swapped), at least $least in 5 s; $((rounds * 4)) MiB of a file"
say "$(field s1 7) writes and $(field s1 6) reads of swap, $(stat_of s1 reserve) from the reserve"
{ [ "$(field s1 6)" -gt 5000 ] && [ "$(field s1 7)" -gt 100 ]; } || die "hardly swapped: $(dmsetup status s1)"
[ "$(field s1 12)$(field c1 12)" = 00 ] || die "errors: $(dmsetup status)"

says 'have no room in the control group' ecachectl close s1
grep -q '^/dev/mapper/s1 ' /proc/swaps || die "a refused close took the area off"
[ "$(vk ping)" = PONG ] || die "valkey does not answer after a refused close"
kill $valkey
wait $valkey || true
within 30 "valkey has ended" rmdir $group
does ecachectl close s1
for i in s1 c1; do
	does ecachectl destroy $i --yes
done
[ "$(grants)" = 0 ] || die "$(grants) grants are left"
dmsetup remove low high
say "close: refused while valkey has no room, done when it has ended"
unload_module
