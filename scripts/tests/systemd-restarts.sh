#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Guest: --smp 1 --disk 64M --disk 64M
# Check: long
#
# Each process is killed, restarted, replaced by another build and stopped for good, with caches writing: these go on as the same processes, the
# volumes stay open, are watched again and closed in the end. Who asks the KMS while it dies gets an answer. Who hangs is found out by the watchdog.
. "$(dirname "$0")/lib-systemd.sh"
. "$(dirname "$0")/lib-caches.sh"

systemd_install
kms_init
agent_conf probe-interval=3s
starts ecache-kmsd ecached
caches_create c1 c2
starts c1 c2
pid1=$(property c1 MainPID) pid2=$(property c2 MainPID)

# unharmed WHAT: nobody above has noticed
unharmed() {
	for c in c1 c2; do
		within 60 "$c is open and watched, $1" verdict_is $c ok
		is $c open || die "$c is $(status $c .state), $1"
		running ecache@$c || die "ecache@$c is $(property ecache@$c ActiveState), $1"
		writes $c
	done
	[ "$(property c1 MainPID) $(property c2 MainPID)" = "$pid1 $pid2" ] || die "a cache was started again, $1"
}

# another UNIT PID: it runs as another process than PID
another() {
	running "$1" && [ "$(property "$1" MainPID)" != "$2" ] && [ "$(property "$1" MainPID)" != 0 ]
}

unharmed "before anything"
for u in ecached ecache-net ecache-kmsd ecache@c1; do
	pid=$(property $u MainPID)
	systemctl kill -s KILL --kill-whom=main $u
	within 30 "$u is back" another $u "$pid"
	unharmed "after kill -9 of $u"
	say "kill -9 of $u: nobody above has noticed"
done
status_says ecache@c1 '^open$' || die "ecache@c1: $(property ecache@c1 StatusText)"

for p in ecached ecache-net ecache-kmsd ecachectl; do
	cp /usr/sbin/$p /usr/sbin/$p.new
	mv /usr/sbin/$p.new /usr/sbin/$p
done
systemctl daemon-reload
systemctl restart ecache-kmsd ecache-net ecached
unharmed "after an upgrade"
say "upgrade of all: nobody above has noticed"

systemctl stop ecached ecache-net
sleep 5
for c in c1 c2; do
	writes $c
	running ecache@$c || die "ecache@$c is $(property ecache@$c ActiveState) without ecached"
done
starts ecached
unharmed "after a stop of the agent"
say "agent stopped and started: the volumes were open all along"

for round in 1 2 3; do
	systemctl kill -s KILL ecache-kmsd
	owner ListKeys '{}' | jq -e '.Keys | length > 0' > /dev/null || die "round $round: no answer from a KMS that is starting"
done
say "who asked the KMS right after its death was answered"

for u in ecached ecache-net ecache-kmsd; do
	drop_in $u.service watchdog <<-'EOF2'
		[Service]
		WatchdogSec=10
	EOF2
done
systemctl restart ecache-kmsd ecache-net ecached
unharmed "with short watchdogs"
for u in ecached ecache-net ecache-kmsd; do
	pid=$(property $u MainPID)
	kill -STOP "$pid"
	within 60 "the watchdog has ended $u" another $u "$pid"
	unharmed "after the watchdog of $u"
	say "$u stopped: the watchdog has it started again"
done

# What ecached cannot do because it is not there is told, not forgotten.
systemctl stop c2 srv-c2.mount ecached
mark
systemctl stop ecache@c2
state_is ecache@c2 failed || die "ecache@c2 is $(property ecache@c2 ActiveState)"
said ecache@c2 'c2 stays open: cannot' || die "not told: $(since ecache@c2)"
dmsetup status c2 | grep -q ACTIVE || die "c2 is closed"
starts ecached ecache@c2
systemctl stop ecache@c2
has_ended c2 || die "c2 is left"
say "a stop without ecached: the unit fails and says that the volume stays open"
