#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Guest: --smp 1 --disk 64M --disk 64M
# Check: long
#
# Two caches under systemd, one with its mount in fstab, one with a mount unit. All of it stops in the reverse order, as at a shutdown, and nothing is
# left open or mounted; it starts in order. A volume opened by hand is taken over by its unit, one closed by hand ends it. A disabled key ends cache
# and mount, in order, and both are there again when it is enabled. A revocation fails the unit, with the reason, and ends what is bound to it.
# The journal has all of it in fields.
. "$(dirname "$0")/lib-systemd.sh"
. "$(dirname "$0")/lib-caches.sh"

DEADLINE=30
systemd_install
kms_init
agent_conf probe-interval=3s teardown-deadline=${DEADLINE}s
starts ecache-kmsd ecached
caches_create c1 c2
starts c1 c2
writes c1
writes c2

# in one go, as a shutdown and a boot do
all="network-online.target ecache-kmsd.service ecached.service ecache@c1.service srv-c1.mount c1.service"
systemctl stop c1 c2 srv-c1.mount srv-c2.mount ecache@c1 ecache@c2 ecached ecache-net.socket ecache-net ecache-kmsd.socket ecache-kmsd
ordered InactiveEnter c1.service srv-c1.mount ecache@c1.service ecached.service ecache-kmsd.service
ordered InactiveEnter c2.service srv-c2.mount ecache@c2.service ecached.service ecache-kmsd.service
for c in c1 c2; do
	has_ended $c || die "$c is left: $(dmsetup ls) $(grep $c /proc/mounts)"
	[ "$(property ecache@$c Result)" = success ] || die "ecache@$c: $(property ecache@$c Result)"
	systemctl show -p Conflicts ecache@$c | grep -q 'umount.target' || die "a shutdown does not stop ecache@$c"
done
systemctl stop network-online.target
starts ecache-kmsd ecached c1 c2
# shellcheck disable=SC2086 # words
ordered ActiveEnter $all
say "stopped in the reverse order, with nothing left; started in order"

systemctl stop c2 srv-c2.mount
does ecachectl close c2
within 20 "ecache@c2 ends with its volume" state_is ecache@c2 inactive
[ "$(property ecache@c2 Result)" = success ] || die "ecache@c2: $(property ecache@c2 Result)"
does ecachectl open c2
starts ecache@c2 c2
writes c2
systemctl stop c2 srv-c2.mount ecache@c2
has_ended c2 || die "c2 is left: $(dmsetup ls)"
starts c2
say "closed by hand: its unit ends; opened by hand: its unit takes it over"

# event NAME FILTER: the newest entry of this event holds it
event() {
	journalctl --sync
	journalctl -b -q -o json -u ecached ECACHE_EVENT="$1" | tail -n 1 > "$WORK/entry"
	jq -e "$2" "$WORK/entry" > /dev/null || die "journal, $1: not $2: $(cat "$WORK/entry")"
}

event audit-head '.ECACHE_AUDIT_HEAD | test("^[0-9a-f]{64}$")'
grep -q "$(jq -r .ECACHE_AUDIT_HEAD "$WORK/entry")" /var/log/ecache/audit.log || die "the head in the journal is not in the audit log"
within 30 "c1 is ok" verdict_is c1 ok
within 30 "c2 is ok" verdict_is c2 ok
event verdict '.ECACHE_VERDICT == "ok" and .PRIORITY == "6" and .SYSLOG_IDENTIFIER == "ecached" and (.ECACHE_REQUEST_ID | length > 8)'

owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
for c in c1 c2; do
	within 60 "$c is locked" is $c locked
	within 10 "systemctl status says so" status_says ecache@$c '^locked'
	running ecache@$c || die "ecache@$c is $(property ecache@$c ActiveState) while locked"
	! running $c || die "$c.service goes on"
	! mountpoint -q /srv/$c || die "$c is still mounted"
	status $c '.teardown.steps[] | select(.name == "stop-unit") | .outcome' | grep -qx ok || die "$c: $(status $c .teardown.steps)"
done
event teardown '(.ECACHE_VOLUME | test("^c[12]$")) and .ECACHE_VERDICT == "revoked" and .PRIORITY == "4" and
	(.ECACHE_KEY_GONE_MS | tonumber) < '$((DEADLINE * 1000))' and ._SYSTEMD_UNIT == "ecached.service"'
owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
for c in c1 c2; do
	within 60 "$c runs again" running $c
	mountpoint -q /srv/$c || die "$c runs without its mount"
	writes $c
	within 10 "systemctl status says so" status_says ecache@$c '^open$'
done
event reopen '(.ECACHE_VOLUME | test("^c[12]$")) and (.ECACHE_REQUEST_ID | length > 8)'
say "key disabled: cache and mount ended by systemd, volume locked; enabled: all of it again"

does ecachectl revoke c2
within 30 "ecache@c2 fails" state_is ecache@c2 failed
status_says ecache@c2 'c2 was revoked: ecachectl revoke on this host' || die "ecache@c2: $(property ecache@c2 StatusText)"
has_ended c2 || die "c2 is left: $(dmsetup ls)"
! running c2 || die "c2.service goes on"
refuses ecache@c2 'c2 was revoked on .*: ecachectl revoke on this host' 'ecachectl regrant c2'
does as_creator ecachectl regrant c2
starts c2
writes c2
say "revoked: its unit fails with the reason, and does not start again before regrant"
