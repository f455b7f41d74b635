#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Guest: --smp 1 --disk 64M
#
# A cache under systemd, the programs as they are installed. The units have the privileges that they claim. Started without its KMS, the volume's
# unit waits and says so, and with it everything above; when the KMS is there all of it starts, in order. A kill -9 of ecached in the middle of a
# teardown does not save the key; the volume's unit fails with the reason, and what is bound to it ends.
. "$(dirname "$0")/lib-systemd.sh"
. "$(dirname "$0")/lib-caches.sh"

# A stubborn unit keeps its key for half of it: time enough to interrupt the teardown on a busy host.
DEADLINE=120
systemd_install
kms_init
agent_conf probe-interval=3s teardown-deadline=${DEADLINE}s
starts ecache-kmsd ecached
caches_create c1

pid=$(property ecached MainPID)
[ "$(readlink "/proc/$pid/ns/mnt")" = "$(readlink /proc/1/ns/mnt)" ] || die "ecached has a mount namespace of its own"
[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/1/ns/net)" ] || die "ecached is in the host's network"
# SYS_RESOURCE, SYS_ADMIN, SYS_PTRACE, SYS_CHROOT, DAC_OVERRIDE
grep -q '^CapBnd:[[:space:]]*00000000012c0002$' "/proc/$pid/status" || die "capabilities: $(grep Cap "/proc/$pid/status")"
grep -q '^VmLck:[[:space:]]*[1-9]' "/proc/$pid/status" || die "memory is not locked: $(grep Vm "/proc/$pid/status")"
revoker=$(pgrep -x ecache-revoker)
[ "$(cat "/proc/$revoker/oom_score_adj")" = -1000 ] || die "the revoker may be killed for memory: $(cat "/proc/$revoker/oom_score_adj")"
[ "$(ps -o ni= -p "$pid" -p "$revoker" | tr -d ' \n')" = -10-10 ] || die "priorities: $(ps -o ni,comm -p "$pid" -p "$revoker")"
[ "$(stat -c %U:%G:%a /run/ecache/ecached.sock)" = root:ecache:660 ] || die "control socket: $(stat -c %U:%G:%a /run/ecache/ecached.sock)"
[ "$(stat -c %U:%G:%a /run/ecache-kmsd/kms.sock)" = root:ecache:660 ] || die "KMS's socket: $(stat -c %U:%G:%a /run/ecache-kmsd/kms.sock)"
for u in ecache-net ecache-kmsd; do
	pid=$(property $u MainPID)
	grep -q '^CapBnd:[[:space:]]*0000000000000000$' "/proc/$pid/status" || die "$u: $(grep Cap "/proc/$pid/status")"
done
say "ecached: the host's mount namespace, no network, five capabilities, memory locked; ecache-net and ecache-kmsd: none"

# as after a boot without the KMS
systemctl stop ecached ecache-net.socket ecache-net ecache-kmsd.socket ecache-kmsd
systemctl start --no-block c1
waits() {
	state_is ecache@c1 activating && status_says ecache@c1 'no answer from the KMS'
}
within 60 "the volume's unit waits for the KMS" waits
sleep 4
waits || die "ecache@c1: $(property ecache@c1 ActiveState), $(property ecache@c1 StatusText)"
for u in srv-c1.mount c1; do
	! running $u || die "$u runs without its volume"
done
started=$(now_ms)
starts ecache-kmsd
within 60 "c1 runs" running c1
writes c1
ordered ActiveEnter ecached.service ecache@c1.service srv-c1.mount c1.service
status_says ecache@c1 '^open$' || die "ecache@c1: $(property ecache@c1 StatusText)"
say "started without the KMS: waited, and said so; $(($(now_ms) - started)) ms after it was there the cache ran"

# Nobody starts ecached again, so that it is not a new teardown that ends the volume.
drop_in ecached.service no-restart <<-'EOF2'
	[Service]
	Restart=no
EOF2
touch /run/stubborn
ordered_at=$(now_ms)
ecachectl revoke c1 > "$WORK/revoke" 2>&1 &
recorded() {
	[ "$(status c1 .revoked.verdict)" = revoked ]
}
within 30 "the teardown has begun" recorded
is c1 tearing-down || die "c1 is $(status c1 .state), nothing to interrupt"
supervisor=$(pgrep -x -o ecache-teardown)
[ "$(ps -o ni= -p "$supervisor" | tr -d ' ')" = 0 ] || die "a teardown has more than its share: $(ps -o ni,comm -p "$supervisor")"
systemctl kill -s KILL --kill-whom=main ecached
killed=$(($(now_ms) - ordered_at))
key_gone() {
	! dmsetup status c1 | grep -q ACTIVE
}
! key_gone || die "the key was gone before the kill"
within 10 "ecached is dead" state_is ecached failed
kill -0 "$supervisor" || die "systemd has killed the teardown"
within $DEADLINE "the key is gone" key_gone
gone=$(($(now_ms) - ordered_at))
[ $gone -le $((DEADLINE * 1000)) ] || die "the key was there for $gone ms"
rm /run/stubborn
rm /etc/systemd/system/ecached.service.d/no-restart.conf
systemctl daemon-reload
starts ecached
within 30 "c1 is revoked" is c1 revoked
has_left() {
	has_ended c1 && ! running c1 && state_is ecache@c1 failed
}
within 60 "nothing is left of c1" has_left
status_says ecache@c1 'c1 was revoked: ecachectl revoke on this host' || die "ecache@c1: $(property ecache@c1 StatusText)"
say "kill -9 of ecached $killed ms into a teardown: key gone after $gone ms of $((DEADLINE * 1000)); the volume's unit fails and says why"
