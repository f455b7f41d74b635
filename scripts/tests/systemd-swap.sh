#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Guest: --smp 1 --disk 128M --disk 128M
# Check: long
#
# Swap of the host by ecache@NAME, as ecachectl(8) says it: on a partition of its own under a new key at each start, and under a KMS key. The unit's start
# is the swapon, its stop the swapoff. A unit that wants the swap starts after it and stops before it. What a process has in swap is there after the
# stop. A stop for which there is no room in memory fails and leaves the area in use. A revocation ends the swap and fails the unit.
. "$(dirname "$0")/lib-systemd.sh"
. "$(dirname "$0")/lib-caches.sh"

systemd_install
kms_init
agent_conf probe-interval=3s teardown-deadline=20s
starts ecache-kmsd ecached
new_customer_key

swapped_to() {
	grep -q "^$(readlink -f "/dev/mapper/$1")[[:space:]]" /proc/swaps
}

ended() {
	! swapped_to "$1" && ! dmsetup info "$1" > /dev/null 2>&1
}

echo 'type=swap' | sfdisk -q /dev/vda
udevadm settle
part=$(find /dev/disk/by-partuuid -lname '*/vda1')
does ecachectl create boot "$part" --swap
does create host /dev/vdb --swap
for s in boot host; do
	does ecachectl close $s
	ended $s || die "$s is left after close: $(cat /proc/swaps)"
done

# The cache counts on the swap, and keeps MIB of memory there, whose limit is half of that.
cat > /usr/local/sbin/keeps <<'E2'
#!/usr/bin/python3
import os, signal, sys
held = bytearray(os.urandom(1 << 20)) * 48
pages = [held[i] for i in range(0, len(held), 4096)]
def look(number, frame):
    same = [held[i] for i in range(0, len(held), 4096)] == pages
    open('/run/looked', 'w').write('same\n' if same else 'lost\n')
signal.signal(signal.SIGUSR1, look)
open('/run/keeps', 'w').write('ready\n')
while True:
    signal.pause()
E2
chmod 755 /usr/local/sbin/keeps
cat > /etc/systemd/system/keeps.service <<'E2'
[Unit]
Wants=ecache@host.service
After=ecache@host.service
[Service]
ExecStart=/usr/local/sbin/keeps
MemoryMax=24M
E2
systemctl daemon-reload
starts keeps
within 60 "the process has its memory" test -e /run/keeps
ordered ActiveEnter ecache@host.service keeps.service
swapped_to host || die "not swapped to: $(cat /proc/swaps)"
used() {
	awk -v dev="$(readlink -f /dev/mapper/host)" '$1 == dev { print $4 }' /proc/swaps
}
[ "$(used)" -gt 16384 ] || die "$(used) KiB are in swap"
say "a unit that wants the swap started after it, and has $(used) KiB there"

# Its limit leaves no room: the stop is refused, the swap goes on.
mark
systemctl stop ecache@host || true
swapped_to host || die "the swap was taken off although there was no room"
is host open || die "host is $(status host .state)"
said ecache@host 'MiB' || die "not told what is missing: $(since ecache@host)"
say "stopped without room for it: refused, still in use"

systemctl reset-failed ecache@host 2> /dev/null || true
starts ecache@host
systemctl set-property --runtime keeps.service MemoryMax=256M
pid=$(property keeps MainPID)
systemctl stop ecache@host
ended host || die "host is left: $(cat /proc/swaps)"
rm -f /run/looked
kill -USR1 "$pid"
within 30 "it has looked" test -s /run/looked
[ "$(cat /run/looked)" = same ] || die "the process has lost memory"
systemctl stop keeps
say "stopped with room: everything is back in memory, nothing is left"

starts ecache@boot
swapped_to boot || die "boot is not swapped to: $(cat /proc/swaps)"
systemctl stop ecache@boot
ended boot || die "boot is left: $(cat /proc/swaps)"
starts ecache@boot
swapped_to boot || die "boot is not swapped to a second time"
say "under a key of its own: started, stopped, started"

starts ecache@host
revoke_grant
has_ended_revoked() {
	ended host && state_is ecache@host failed
}
within 150 "the revoked swap has ended" has_ended_revoked
status_says ecache@host 'was revoked' || die "ecache@host: $(property ecache@host StatusText)"
swapped_to boot || die "boot has ended with it"
systemctl stop ecache@boot
say "revoked: the swap has ended, its unit says why; the other area goes on"
