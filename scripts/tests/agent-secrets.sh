#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
#
# No secret is in what the agent leaves behind: logs at debug level, audit log, states, pins, header dumps, outputs, command lines, the kernel's log
# and tables, cores. After a life with refused opens, a revocation and a crash. The secrets: data keys, secret access keys, the KMS's root
# secret; as they are, in hex and in base64.
. "$(dirname "$0")/lib-agent.sh"

kmsd_start() {
	ecache-kmsd serve --state-dir "$KMS_STATE" --socket "$KMS_SOCKET" --log-level debug >> "$WORK/kmsd.log" 2>&1 &
	KMSD=$!
	PIDS="$PIDS $KMSD"
	within 30 "ecache-kmsd listens" test -S "$KMS_SOCKET"
}

net_start() {
	ecache-net --debug >> "$WORK/net.log" 2>&1 &
	NET=$!
	PIDS="$PIDS $NET"
	within 30 "ecache-net listens" test -S /run/ecache-net/net.sock
}

ecached_start() {
	ecached --debug >> "$WORK/ecached.log" 2>&1 &
	ECACHED=$!
	PIDS="$PIDS $ECACHED"
	within 30 "ecached answers" ready
}

# said NAME COMMAND...: what it says on both its outputs is searched, too
said() {
	n=$1
	shift
	"$@" > "$WORK/said.$n" 2>&1 || true
}

# secret NAME: of what is on standard input
secret() {
	echo "$1 $(od -An -v -tx1 | tr -d ' \n')" >> "$WORK/secrets"
}

# data_key NAME: of the volume, as its grantee gets it
data_key() {
	ecachectl dump "$1" --json > "$WORK/dump"
	jq -c "{KeyId: \"$KEY\", CiphertextBlob: .token.ciphertext_blob, EncryptionContext: .token.encryption_context}" "$WORK/dump" \
		> "$WORK/decrypt"
	kms admin Decrypt "$(cat "$WORK/decrypt")" | jq -r .Plaintext | base64 -d > "$WORK/key"
	[ "$(wc -c < "$WORK/key")" = 64 ] || die "the key of $1 cannot be told"
	secret "data-key-of-$1" < "$WORK/key"
}

access_keys() {
	for who in admin owner creator host; do
		sed -n 's/^aws_secret_access_key *= *//p' "$KMS_STATE/credentials/$who" | tr -d '\n' | secret "secret-of-$who"
	done
}

# a core would come, did they not forbid it themselves
# shellcheck disable=SC3045 # dash has it
ulimit -c unlimited
mkdir "$WORK/cores"
core_pattern=$(cat /proc/sys/kernel/core_pattern)
trap 'echo "$core_pattern" > /proc/sys/kernel/core_pattern; agent_cleanup' EXIT
echo "$WORK/cores/%p" > /proc/sys/kernel/core_pattern

agent_start probe-interval=2s
ram_disks 2 8
new_customer_key
said create-1 as_creator ecachectl create c1 /dev/ram0 --kms-key "$KEY"
said create-2 as_creator ecachectl create c2 /dev/ram1 --kms-key "$KEY" --json
is c1 open || die "c1 is $(status c1 .state): $(cat "$WORK/said.create-1")"
is c2 open || die "c2 is $(status c2 .state): $(cat "$WORK/said.create-2")"
data_key c1
data_key c2
access_keys
secret root-secret < "$KMS_STATE/root.secret"
within 30 "a probe is ok" verdict_is c1 ok

said close ecachectl close c1
said open ecachectl open c1 --json
said status ecachectl status --json
said list ecachectl list
said doctor ecachectl doctor
ecachectl unwrap c1 --to-fd 3 3>&1 > "$WORK/said.unwrap" 2>&1 | cat > "$WORK/key"
[ "$(wc -c < "$WORK/key")" = 64 ] || die "unwrap gave no key: $(cat "$WORK/said.unwrap")"
said close-2 ecachectl close c2
said disable owner DisableKey "{\"KeyId\":\"$KEY\"}"
said open-disabled ecachectl open c2
said enable owner EnableKey "{\"KeyId\":\"$KEY\"}"
within 60 "c1 is open again" is c1 open
kmsd_stop
said open-no-kms ecachectl open c2
kmsd_start
ecached_kill
ecached_start
within 60 "c1 is open after a crash of the agent" is c1 open
said dump ecachectl dump c1 --json
said revoke ecachectl revoke c2
said regrant as_creator ecachectl regrant c2
said open-again ecachectl open c2
is c2 open || die "c2 is $(status c2 .state): $(cat "$WORK/said.open-again")"
for pid in $KMSD $NET $ECACHED; do
	cat "/proc/$pid/cmdline" "/proc/$pid/environ" >> "$WORK/said.processes"
done
said tables dmsetup table --showkeys
said messages dmsetup message c1 0 stats
said kernel dmesg

# searched: all that is left but what is there to hold them
rm -rf "$WORK/key" "$WORK/decrypt" /etc/ecache/host-credentials
cp -r "$KMS_STATE" "$WORK/kmsd-state"
rm -r "$WORK/kmsd-state/root.secret" "$WORK/kmsd-state/credentials"
mv "$WORK/secrets" /run/secrets-of-test
look() {
	python3 "$SRC/userspace/net/needles.py" /run/secrets-of-test "$@"
}
for log in kmsd net ecached; do
	[ -s "$WORK/$log.log" ] || die "$log logged nothing"
done
grep -q 'unwrap' "$WORK/net.log" || die "ecache-net's log is not at debug level"
look "$WORK" /var/log/ecache /var/lib/ecache /etc/ecache /run/ecache > "$WORK.found" || die "secrets: $(cat "$WORK.found")"
say "$(wc -l < /run/secrets-of-test) secrets, in nothing that the agent wrote or said"

# the search finds them where they are: in a file each, as they are, in hex and in base64
mkdir "$WORK/controls"
python3 - /run/secrets-of-test "$WORK/controls" <<-EOT
	import base64, sys
	for line in open(sys.argv[1]):
	    name, value = line.split()
	    data = b"x" + bytes.fromhex(value) + b"y"
	    for form, text in ("plain", data), ("hex", data.hex().encode()), ("base64", base64.b64encode(data)):
	        open(f"{sys.argv[2]}/{name}.{form}", "wb").write(text)
EOT
look "$WORK/controls" > "$WORK.found" || true
while read -r name _; do
	for form in plain hex base64; do
		grep -qx "$WORK/controls/$name.$form: $name" "$WORK.found" || die "$name is not found in $form"
	done
done < /run/secrets-of-test
rm -r /run/secrets-of-test "$WORK.found" "$WORK/controls"
say "and found in each form where they were put"

cores() {
	ls "$WORK/cores"
}
sleep 60 &
kill -ABRT $!
wait $! || true
[ -n "$(cores)" ] || die "this guest writes no cores at all"
rm "$WORK"/cores/*
for pid in $ECACHED $NET $KMSD; do
	kill -ABRT "$pid"
	wait "$pid" || true
	[ -z "$(cores)" ] || die "there are cores: $(cores)"
done
rm -f "$KMS_SOCKET" /run/ecache-net/net.sock
say "aborted, none of the three leaves a core; another program does"
