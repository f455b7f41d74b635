#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
#
# Whoever dies, and whenever: ecachectl or ecached killed with SIGKILL, ecachectl interrupted, in the middle of create; afterwards there is a
# whole volume or a blank device without a grant. ecached killed or stopped with a volume open: the volume goes on and is watched again.
# While a job hangs in a disk that does not answer, status answers within a second.
. "$(dirname "$0")/lib-agent.sh"

agent_start probe-interval=2s
ram_disks 2 16
new_customer_key

# settled: no record of unfinished work, and nobody at work
settled() {
	[ ! -e /var/lib/ecache/intents/c1.json ] && ! ecachectl status c1 --json | grep -q '"state": "creating"'
}

# whole_or_clean AFTER: and clean again for the next round. A grant whose id nobody could note is named in the log.
whole_or_clean() {
	within 30 "nothing unfinished $1" settled
	if [ -e /etc/ecache/volumes.d/c1 ]; then
		[ "$(grants)" = 1 ] || die "$(grants) grants of a whole volume, $1"
		does ecachectl open c1
		does ecachectl destroy c1 --yes
		whole=$((whole + 1))
	else
		if [ "$(grants)" = 1 ] && grep -q "if the KMS lists a grant named ecache:.*$KEY" "$WORK/ecached.log"; then
			revoke_grant
			named=$((named + 1))
		fi
		clean=$((clean + 1))
	fi
	nothing_left c1 /dev/ram0
}

# a plain command, so that $! is ecachectl itself
start_create() {
	ecachectl create c1 /dev/ram0 --kms-key "$KEY" --creator-profile creator \
		--creator-credentials "$KMS_STATE/credentials/creator" > "$WORK/create.log" 2>&1 &
	creating=$!
}

whole=0 clean=0 named=0
# how long a create takes when everything is in memory: the second one
for round in 1 2; do
	started=$(now_ms)
	start_create
	wait $creating || die "create: $(cat "$WORK/create.log")"
	takes=$(($(now_ms) - started))
	does ecachectl destroy c1 --yes
	nothing_left c1 /dev/ram0
done

rounds=6
for round in $(seq 1 $rounds); do
	start_create
	sleep "$(awk "BEGIN { print $takes * ($round - 0.5) / $rounds / 1000 }")"
	kill -9 $creating 2> /dev/null || true
	wait $creating 2> /dev/null || true
	whole_or_clean "after kill -9 of ecachectl, round $round"
done
say "ecachectl killed $rounds times over the $takes ms of a create: $whole whole, $clean clean ($named with a grant named in the log)"

whole=0 clean=0 named=0
for round in $(seq 1 3); do
	start_create
	sleep "$(awk "BEGIN { print $takes * $round / 4 / 1000 }")"
	kill -TERM $creating 2> /dev/null || true
	wait $creating 2> /dev/null || true
	whole_or_clean "after an interrupt, round $round"
done
say "ecachectl interrupted 3 times: $whole whole, $clean clean ($named with a grant named in the log)"

whole=0 clean=0 named=0
for round in $(seq 1 $rounds); do
	start_create
	sleep "$(awk "BEGIN { print $takes * ($round - 0.5) / $rounds / 1000 }")"
	ecached_kill
	wait $creating 2> /dev/null || true
	ecached_start
	whole_or_clean "after kill -9 of ecached, round $round"
done
say "ecached killed $rounds times during a create: $whole whole, $clean clean ($named with a grant named in the log)"

does create c1 /dev/ram0
head -c 4M /dev/urandom > "$WORK/data"
dd if="$WORK/data" of=/dev/mapper/c1 bs=1M oflag=direct status=none
ecached_kill
cmp -n 4194304 "$WORK/data" /dev/mapper/c1 || die "the volume ended with ecached"
ecached_start
is c1 open || die "c1 is $(status c1 .state) after kill -9 and start"
within 20 "c1 is watched again" verdict_is c1 ok
ecached_stop
cmp -n 4194304 "$WORK/data" /dev/mapper/c1 || die "the volume ended with ecached"
ecached_start
within 20 "c1 is watched again" verdict_is c1 ok
say "killed or stopped with a volume open: it goes on, and is watched again"

# a mapping that an open left between mapping and key, as after kill -9: removed by the next start
does ecachectl close c1
ecached_stop
uuid=$(sed -n 's/^luks-uuid=//p' /etc/ecache/volumes.d/c1)
dmsetup create c1 --uuid "ECACHE-$uuid-c1" --table "0 8192 ecache aes-xts-plain64 64 0 /dev/ram0 2048 1 sector_size:4096"
ecached_start
unmapped() {
	! dmsetup info c1 > /dev/null 2>&1
}
within 20 "the half-open mapping is removed" unmapped
is c1 closed || die "c1 is $(status c1 .state)"
say "a mapping left without a key is removed"

# a disk that does not answer: a linear mapping below, suspended
does ecachectl destroy c1 --yes
dmsetup create base --table "0 $(sectors /dev/ram1) linear /dev/ram1 0"
does create h1 /dev/mapper/base
does create c1 /dev/ram0
does ecachectl close h1
elapsed() {
	e_started=$(now_ms)
	does "$@"
	ELAPSED=$(($(now_ms) - e_started))
}
elapsed ecachectl status c1
calm=$ELAPSED
dmsetup suspend --noflush --nolockfs base
ecachectl open h1 > "$WORK/open.log" 2>&1 &
opening=$!
PIDS="$PIDS $opening"
within 10 "h1 is opening" is h1 opening
elapsed ecachectl status c1
say "status while a job hangs in its disk: $ELAPSED ms (before: $calm ms)"
[ "$ELAPSED" -lt $((1000 + calm)) ] || die "status took $ELAPSED ms"
elapsed ecachectl list
[ "$ELAPSED" -lt $((1000 + calm)) ] || die "list took $ELAPSED ms"
says 'busy: opening' ecachectl close h1
dmsetup resume base
wait $opening || die "open after the disk came back: $(cat "$WORK/open.log")"
is h1 open || die "h1 is $(status h1 .state)"
say "the job goes on when the disk answers again"

does ecachectl destroy h1 --yes
does ecachectl destroy c1 --yes
dmsetup remove --retry base
nothing_left c1 /dev/ram0
