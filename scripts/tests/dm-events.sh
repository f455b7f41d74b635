#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who waits is told, and only when it is true: a dm event and a uevent (ECACHE_STATE, ECACHE_REASON) for each change of key or state; the
# counters and tracepoints show what happens; no key is in any of it.
. "$(dirname "$0")/lib.sh"

load_module
ram_disks 1 16
new_key "$WORK/key"
hex=$(od -An -v -tx1 "$WORK/key" | tr -d ' \n')
tracing=/sys/kernel/tracing
[ -e $tracing/events ] || mount -t tracefs tracefs $tracing
echo > $tracing/trace
echo 1 > $tracing/events/ecache/enable

python3 - "$WORK/uevents" <<'END' &
import select, socket, sys, time

sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)
sock.bind((0, 1))
end = time.time() + 600
with open(sys.argv[1], "wb", buffering=0) as out:
    out.write(b"ready\n")
    while time.time() < end and select.select([sock], [], [], end - time.time())[0]:
        msg = sock.recv(65536)
        if b"ECACHE_STATE" in msg:
            out.write(b" ".join(w for w in msg.split(b"\0") if w.startswith((b"ACTION", b"ECACHE"))) + b"\n")
        if b"ECACHE_STATE=REVOKED" in msg:
            break
END
listener=$!
is_ready() {
	[ -s "$WORK/uevents" ]
}
until_true is_ready || fail "no listener"

dm e "0 32768 ecache aes-xts-plain64 64 0 /dev/ram0 0 2 sector_size:4096 lease:60"
# changed WORDS...: the message raises a dm event that a waiter sees
changed() {
	before=$(dmsetup info -c --noheadings -o events e)
	timeout 20 dmsetup wait --noflush e "$before" > "$WORK/waited" &
	waiter=$!
	dmsetup message e 0 "$@"
	wait $waiter || fail "no event after: $1 $2"
}

put_key "$WORK/key"
changed key set "$KEYREF"
[ "$(state e)" = ACTIVE ] || fail "$(state e)"
dd if=/dev/urandom of=/dev/mapper/e bs=64k count=4 oflag=direct status=none
dd if=/dev/mapper/e of=/dev/null bs=4k count=4 iflag=direct status=none
changed key wipe
changed key set "$KEYREF"
changed key revoke
wait $listener
cat > "$WORK/want" <<END
ready
ACTION=change ECACHE_STATE=ACTIVE ECACHE_REASON=key-set
ACTION=change ECACHE_STATE=LOCKED ECACHE_REASON=key-wipe
ACTION=change ECACHE_STATE=ACTIVE ECACHE_REASON=key-set
ACTION=change ECACHE_STATE=REVOKED ECACHE_REASON=key-revoke
END
diff "$WORK/want" "$WORK/uevents" || fail "other uevents"
say "a dm event and a uevent for each of set, wipe, set, revoke"

echo 0 > $tracing/events/ecache/enable
cp $tracing/trace "$WORK/trace"
for event in 'ecache_key_state: .* ACTIVE reason key-set epoch 1' 'ecache_key_state: .* LOCKED reason key-wipe' \
	'ecache_io_start: .* write 0 + 65536 epoch 1' 'ecache_io_done: .* read 0 + 4096 error 0' 'ecache_revoke: '"$(dmsetup info -c --noheadings --separator , -o major,minor e)"' REVOKED'; do
	grep -q "$event" "$WORK/trace" || { cat "$WORK/trace"; fail "no trace of '$event'"; }
done
starts=$(grep -c ecache_io_start "$WORK/trace")
dones=$(grep -c ecache_io_done "$WORK/trace")
{ [ "$starts" = "$dones" ] && [ "$starts" -ge 8 ]; } || fail "$starts I/Os started, $dones done"
say "tracepoints: $starts I/Os, each started and done once"

[ "$(stat_of e reads)/$(stat_of e writes)/$(stat_of e write_sectors)" = 4/4/512 ] || { dmsetup message e 0 stats; fail "counters"; }
[ "$(stat_of e key-set)/$(stat_of e key-wipe)/$(stat_of e key-revoke)" = 2/1/1 ] || { dmsetup message e 0 stats; fail "key events"; }
dmsetup message e 0 stats | grep -q '^write_latency [0-9]' || fail "no latency: the first bio of a CPU is timed"
say "counters and a latency"

dmsetup message e 0 stats > "$WORK/shown"
cat "$WORK/uevents" "$WORK/trace" >> "$WORK/shown"
dmesg >> "$WORK/shown"
if grep -qi "$(echo "$hex" | cut -c 1-16)" "$WORK/shown"; then
	fail "a key in an event, a trace or a counter"
fi
remove e
unload_module
