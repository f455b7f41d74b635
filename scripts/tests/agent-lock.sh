#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is not a revocation for good. A disabled key locks the volumes of that key, and they reopen by themselves when it is enabled; so does
# a key pending deletion. A KMS that is away, ecache-net that is away, and credentials that are refused change nothing.
. "$(dirname "$0")/lib-agent.sh"

agent_start probe-interval=2s teardown-deadline=10s
ram_disks 2 16
new_customer_key
other_key=$KEY
does create other /dev/ram1
new_customer_key
does create c1 /dev/ram0
head -c 4M /dev/urandom > "$WORK/data"
dd if="$WORK/data" of=/dev/mapper/c1 bs=1M oflag=direct status=none
within 20 "a probe of c1 answers ok" verdict_is c1 ok

locked_and_back() {
	within 20 "c1 is locked" is c1 locked
	[ "$(status c1 .target.state)" = LOCKED ] || die "the target is $(status c1 .target.state)"
	dd if=/dev/mapper/c1 of=/dev/null bs=4k count=1 iflag=direct 2> /dev/null && die "a locked volume can be read"
	is other open || die "other is $(status other .state)"
	says "$1" ecachectl open c1
	is c1 locked || die "c1 is $(status c1 .state)"
}

owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
locked_and_back DisabledException
owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
within 20 "c1 is open again by itself" is c1 open
cmp -n 4194304 "$WORK/data" /dev/mapper/c1 || die "other data after the lock"
[ "$(status c1 .revoked)" = null ] || die "a lock is marked as a revocation"
say "DisableKey locks, EnableKey brings it back; the other key's volume is open all along"

owner ScheduleKeyDeletion "{\"KeyId\":\"$KEY\",\"PendingWindowInDays\":7}" > /dev/null
locked_and_back 'DisabledException\|KMSInvalidStateException'
ecached_stop
ecached_start
is c1 locked || die "c1 is $(status c1 .state) after a restart"
owner CancelKeyDeletion "{\"KeyId\":\"$KEY\"}" > /dev/null
owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
within 20 "c1 is open again by itself" is c1 open
say "ScheduleKeyDeletion locks, also across a restart of ecached; CancelKeyDeletion and EnableKey bring it back"

# untouched SECONDS VERDICT: both stay open and readable, and the verdict is seen, for two more probes
untouched() {
	within "$1" "the verdict $2" verdict_is c1 "$2"
	sleep 5
	is c1 open || die "c1 is $(status c1 .state)"
	is other open || die "other is $(status other .state)"
	cmp -n 65536 "$WORK/data" /dev/mapper/c1 || die "c1 cannot be read"
}
kmsd_stop
untouched 20 unreachable
kmsd_start
within 20 "the verdict ok" verdict_is c1 ok
kill "$NET"
wait "$NET" 2> /dev/null || true
untouched 40 unreachable
net_start
within 20 "the verdict ok" verdict_is c1 ok
cp /etc/ecache/host-credentials "$WORK/credentials"
sed 's/^aws_secret_access_key.*/aws_secret_access_key = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/' "$WORK/credentials" \
	> /etc/ecache/host-credentials
untouched 20 agent-fault
cp "$WORK/credentials" /etc/ecache/host-credentials
within 20 "the verdict ok" verdict_is c1 ok
does ecache-kmsd principal rotate host --state-dir "$KMS_STATE"
within 20 "the verdict agent-fault" verdict_is c1 agent-fault
install -m 600 "$KMS_STATE/credentials/host" /etc/ecache/host-credentials.new
mv /etc/ecache/host-credentials.new /etc/ecache/host-credentials
within 20 "the verdict ok" verdict_is c1 ok
is c1 open || die "c1 is $(status c1 .state)"
say "KMS away, ecache-net away, wrong credentials, rotated ones: held, and ok again afterwards"

# on-disabled=hold in the pin file, read again on SIGHUP
sed -i '/^on-disabled=/d' /etc/ecache/volumes.d/c1
echo on-disabled=hold >> /etc/ecache/volumes.d/c1
kill -HUP "$ECACHED"
owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
within 20 "the verdict revoked" verdict_is c1 revoked
sleep 3
is c1 open || die "c1 is $(status c1 .state) under on-disabled=hold"
owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
within 20 "the verdict ok" verdict_is c1 ok
say "on-disabled=hold: an alarm only"

does ecachectl destroy c1 --yes
nothing_left c1 /dev/ram0
KEY=$other_key
does ecachectl destroy other --yes
nothing_left other /dev/ram1
