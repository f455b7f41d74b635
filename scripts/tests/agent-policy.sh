#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
#
# The policies that have a clock. Three volumes: "leased" has a lease, "failing" fail-after, "staying" after-lock=stay. A KMS that is away leaves
# the first alone, locks the second to the second, and both are open again when it is back. A stopped and a killed ecached lose the leased key to
# the kernel; when they are back, the mounted file system is ended in order and the volume reopens. A hook is told all of it, and one that hangs
# delays nothing.
. "$(dirname "$0")/lib-agent.sh"

# Without systemd this says what WatchdogSec is: the shortest lease is 3 x (1 + 5) s.
WATCHDOG_USEC=1000000
export WATCHDOG_USEC
LEASE=18

# pin NAME LINE...: policies of a volume
pin() {
	p_file=/etc/ecache/volumes.d/$1
	shift
	for line; do
		sed -i "/^${line%%=*}=/d" "$p_file"
		echo "$line" >> "$p_file"
	done
}

# reload: and an answer, which comes after it: the signal was there first
reload() {
	kill -HUP "$ECACHED"
	does ready
}

# the two hooks: one writes down what it is told, one hangs
cat > /usr/local/sbin/noting-hook <<-EOF2
	#!/bin/sh
	echo "\$1 \$2 \$ECACHE_VERDICT" >> $WORK/hooked
EOF2
cat > /usr/local/sbin/hanging-hook <<-EOF2
	#!/bin/sh
	sleep 1000
EOF2
chmod 755 /usr/local/sbin/noting-hook /usr/local/sbin/hanging-hook
touch "$WORK/hooked"

agent_start probe-interval=4s teardown-deadline=10s hook=/usr/local/sbin/noting-hook
ram_disks 3 16
new_customer_key
does create leased /dev/ram0 --no-open
does create failing /dev/ram1 --no-open
does create staying /dev/ram2

pin leased lease=$((LEASE - 1))s
says "lease: $((LEASE - 1))s is under ${LEASE}s" ecachectl open leased
grep -q "set lease=${LEASE}s or more" "$WORK/err" || die "no remedy: $(cat "$WORK/err")"
pin failing unreachable=fail-after=11s
says 'fail-after=11s is under three times the probe-interval' ecachectl open failing
pin leased lease=${LEASE}s
pin failing unreachable=fail-after=12s hook=/usr/local/sbin/hanging-hook
pin staying after-lock=stay
does ecachectl open leased
does ecachectl open failing
reload
say "what does not go together is refused, with the reason and what to do"

# problem: what the agent says of its configuration
problem() {
	ecachectl list --json | jq -er .agent.problem
}

no_problem() {
	! problem
}

cp /etc/ecache/ecached.conf "$WORK/conf"
does ecached --check-config
sed -i 's/^teardown-deadline=.*/teardown-deadline=soon/; s/^probe-interval=.*/probe-interval=1h/' /etc/ecache/ecached.conf
cp /etc/ecache/volumes.d/staying "$WORK/pin"
pin staying on-revoke=alarm
status=0
ecached --check-config > "$WORK/out" || status=$?
[ $status -eq 1 ] || die "--check-config: status $status"
grep -q 'ecached.conf:[0-9]*: teardown-deadline: not a duration' "$WORK/out" || die "--check-config: $(cat "$WORK/out")"
reload
within 5 "the mistake is told" problem
problem | grep -q 'the settings from before stay.*teardown-deadline: not a duration' || die "problem: $(problem)"
[ "$(status leased .policy.probe_interval)" = 4 ] || die "policy: $(status leased .policy)"
cp "$WORK/conf" /etc/ecache/ecached.conf
reload
within 5 "the problem is gone" no_problem
status staying .problem | grep -q 'on-revoke: must be' || die "problem: $(status staying .problem)"
does ecachectl list
status=0
ecached --check-config > "$WORK/out" || status=$?
[ $status -eq 1 ] || die "--check-config: status $status"
grep -q 'staying:[0-9]*: on-revoke: must be teardown, lock or hold' "$WORK/out" || die "--check-config: $(cat "$WORK/out")"
cp "$WORK/pin" /etc/ecache/volumes.d/staying
sed -i 's/^region=.*/region=local-2/' /etc/ecache/ecached.conf
reload
problem | grep -q 'systemctl restart ecache-net ecached.*: region' || die "problem: $(problem)"
cp "$WORK/conf" /etc/ecache/ecached.conf
reload
within 5 "the problem is gone" no_problem
say "reload: a mistake is told and changes nothing, what needs a restart is named, and --check-config says it before"

mkdir "$WORK/mnt"
mkfs.ext4 -q /dev/mapper/leased
mount /dev/mapper/leased "$WORK/mnt"
head -c 1M /dev/urandom > "$WORK/data"
cp "$WORK/data" "$WORK/mnt/data"
sync -f "$WORK/mnt"
dd if="$WORK/data" of=/dev/mapper/failing bs=1M oflag=direct status=none
for v in leased failing staying; do
	within 20 "a probe of $v answers ok" verdict_is $v ok
done
[ "$(status leased .policy.lease)" = $LEASE ] || die "policy: $(status leased .policy)"
[ "$(status leased .target.lease)" -le $LEASE ] || die "lease left: $(status leased .target.lease)"
[ "$(status failing .policy.fail_after)" = 12 ] || die "policy: $(status failing .policy)"
[ "$(status staying .policy.after_lock)" = stay ] || die "policy: $(status staying .policy)"

readable() {
	dd if="/dev/mapper/$1" of=/dev/null bs=4k count=1 iflag=direct 2> /dev/null
}

# lost: the kernel has taken the key of "leased"
lost() {
	dmsetup status leased | grep -q 'LOCKED .* lease-expired'
}

# come_back: locked in order, the mount gone, open again, the data there
come_back() {
	within 30 "leased is open again" is leased open
	[ "$(ls "$WORK/mnt")" = "" ] || die "the dead file system is still mounted"
	[ "$(status leased .teardown.verdict)" = key-lost ] || die "report: $(status leased .teardown)"
	mount /dev/mapper/leased "$WORK/mnt"
	cmp "$WORK/data" "$WORK/mnt/data" || die "other data after the lease ran out"
	within 10 "the hook was told" grep -q '^reopened leased ok' "$WORK/hooked"
	grep -q '^lock leased key-lost' "$WORK/hooked" || die "hook: $(cat "$WORK/hooked")"
	grep -q '^lock-done leased key-lost' "$WORK/hooked" || die "hook: $(cat "$WORK/hooked")"
	: > "$WORK/hooked"
}

# the KMS is away for longer than lease and fail-after
kmsd_stop
gone=$(now_ms)
within 20 "failing is locked" is failing locked
took=$(($(now_ms) - gone))
[ $took -ge 6000 ] || die "locked after $took ms"
! readable failing || die "failing can be read"
[ "$(status failing .teardown.verdict)" = fail-after ] || die "report: $(status failing .teardown)"
[ "$(status failing .teardown.in_time)" = true ] || die "late: $(status failing .teardown)"
[ "$(status failing .revoked)" = null ] || die "fail-after is marked as a revocation"
say "fail-after=12s: locked $took ms after the KMS went, key gone $(status failing .teardown.key_gone_ms) ms after the order, a hanging hook beside it"
# whatever was renewed before the KMS went is over by then
while [ $(($(now_ms) - gone)) -lt $(((LEASE + 1) * 1000)) ]; do
	sleep 1
done
is leased open || die "leased is $(status leased .state)"
is staying open || die "staying is $(status staying .state)"
cmp "$WORK/data" "$WORK/mnt/data" || die "leased cannot be read"
kmsd_start
within 20 "failing is open again by itself" is failing open
cmp -n 1048576 "$WORK/data" /dev/mapper/failing || die "other data after fail-after"
say "KMS away for $((LEASE + 1)) s: the lease is renewed all along; failing is open again when it is back"

# ecached is stopped: nobody renews
kill -STOP "$ECACHED"
within $((LEASE + 3)) "the kernel takes the key" lost
! readable leased || die "leased can be read"
kill -CONT "$ECACHED"
come_back
say "SIGSTOP: the kernel took the key, ecached ended the file system and opened it again"

# staying is locked meanwhile; an orderly stop leaves the whole lease, a kill what there was
owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
within 20 "staying is locked" is staying locked
within 20 "leased is locked" is leased locked
owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
within 20 "leased is open again" is leased open
within 20 "failing is open again" is failing open
within 20 "a probe of staying answers ok" verdict_is staying ok
is staying locked || die "staying is $(status staying .state)"
status staying .problem | grep -q 'ecachectl open staying' || die "problem: $(status staying .problem)"
does ecachectl open staying
is staying open || die "staying is $(status staying .state)"
say "after-lock=stay: locked until ecachectl open"

mountpoint -q "$WORK/mnt" && die "still mounted after the lock"
mount /dev/mapper/leased "$WORK/mnt"
within 20 "a probe of leased answers ok" verdict_is leased ok
sleep 3
ecached_stop
left=$(dmsetup status leased | awk '{ print $8 }')
[ "$left" -ge $((LEASE - 2)) ] || die "$left s are left after a stop"
ecached_start
within 20 "a probe of leased answers ok" verdict_is leased ok
is leased open || die "leased is $(status leased .state)"
: > "$WORK/hooked"
ecached_kill
# that it takes the whole lease was seen above
dmsetup message leased 0 key renew 3
within 10 "the kernel takes the key" lost
ecached_start
come_back
say "a stop left $left s, a restart lost nothing; kill -9 lost the key to the kernel, and the next start brought it back"
umount "$WORK/mnt"

for v in leased failing staying; do
	does ecachectl destroy $v --yes
done
nothing_left leased /dev/ram0
nothing_left failing /dev/ram1
nothing_left staying /dev/ram2
