#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With a probe-interval of an hour: a disabled key locks its volume within seconds of the event, an enabled one brings it back; false events make the
# host ask, and nothing else; a queue that fails is told, and no verdict comes of it.
. "$(dirname "$0")/lib-events.sh"

events_start probe-interval=1h teardown-deadline=10s
ram_disks 2 16
new_customer_key
other_key=$KEY
does create other /dev/ram1
new_customer_key
does create c1 /dev/ram0
head -c 1M /dev/urandom > "$WORK/data"
dd if="$WORK/data" of=/dev/mapper/c1 bs=1M oflag=direct status=none
within 30 "events are heard" hearing listening

# both_open: and c1 is readable
both_open() {
	is c1 open || die "c1 is $(status c1 .state)"
	is other open || die "other is $(status other .state)"
	cmp -n 65536 "$WORK/data" /dev/mapper/c1 || die "c1 cannot be read"
}

from=$(now_ms)
owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
within 20 "c1 is locked" is c1 locked
took=$(($(now_ms) - from))
is other open || die "other is $(status other .state)"
from=$(now_ms)
owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
within 40 "c1 is open again" is c1 open
both_open
say "DisableKey locks after $took ms, EnableKey brings it back after $(($(now_ms) - from)) ms; probes are an hour apart"

# Events by nobody: the grant stands, and so does everything else.
grant=$(status c1 .grant_id)
before=$(events .ours)
log_before=$(grep -c 'ECACHE_EVENT=events' "$WORK/ecached.log" || true)
decrypts=$(asked Decrypt)
set --
for i in $(seq 20); do
	set -- "$@" "$(false_event RevokeGrant "$KEY" "$grant")" "$(false_event DisableKey "$other_key")" \
		"$(false_event RevokeGrant "$KEY" "another$i")" "$(false_event DisableKey "${KEY%/*}/nobody$i")" "rubbish $i"
done
put "$@"
all_heard() {
	[ "$(queue '{}' | jq .messages)" = 0 ]
}
within 30 "100 messages are heard" all_heard
within 30 "c1 was asked about" verdict_is c1 ok
sleep 3
both_open
[ "$(events .ours)" -ge $((before + 2)) ] || die "events: $(events '')"
[ "$(events .unread)" -ge 20 ] || die "events: $(events '')"
[ $(($(asked Decrypt) - decrypts)) -le 8 ] || die "$(($(asked Decrypt) - decrypts)) Decrypts for false events"
[ $(($(grep -c 'ECACHE_EVENT=events' "$WORK/ecached.log" || true) - log_before)) -le 2 ] || die "a line in the log for each event"
say "100 false events: $(($(asked Decrypt) - decrypts)) questions, nothing else"

queue '{"fail":"QueueDoesNotExist"}' > /dev/null
within 30 "the failure is seen" hearing failing
events .problem | grep -q 'QueueDoesNotExist.*correct events-queue' || die "problem: $(events .problem)"
does ecachectl list
grep -q 'no events are heard' "$WORK/err" || die "list says nothing: $(cat "$WORK/err")"
ecachectl doctor --json > "$WORK/doctor" 2> "$WORK/err" || true
[ "$(jq -r '.checks[] | select(.name == "events") | .outcome' "$WORK/doctor")" = warning ] ||
	die "doctor: $(jq -c '.checks[] | select(.name == "events")' "$WORK/doctor")"
both_open
verdict_is c1 ok || die "verdict: $(status c1 .probe)"
queue '{"fail":""}' > /dev/null
put "$(false_event DisableKey "$KEY")"
within 30 "events are heard again" hearing listening
both_open
say "a queue that fails: told by list and doctor, no verdict; heard again by itself"

does ecachectl destroy c1 --yes
nothing_left c1 /dev/ram0
KEY=$other_key
does ecachectl destroy other --yes
nothing_left other /dev/ram1
