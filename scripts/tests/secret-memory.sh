#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's half of scripts/secret-memory, which says what is promised: a volume is opened slowly and closed, another is revoked, and the host
# looks on. The controls: the two moments at which a process has to hold what is looked for, a third volume that is open all along, and at last
# copies that are kept on purpose.
. "$(dirname "$0")/lib-agent.sh"
. "$(dirname "$0")/lib-memory.sh"

# workers: those of ecache-net that are at work
workers() {
	pgrep -P "$NET"
}

no_workers() {
	! workers
}

# asked: a request waits for kmsd, whose worker has therefore signed it
asked() {
	ss -Hxl src "unix:$KMS_SOCKET" | awk '{ exit !($3 > 0) }'
}

agent_start probe-interval=1h
ram_disks 3 8
new_customer_key
for i in 1 2 3; do
	does create c$i /dev/ram$((i - 1))
done
does ecachectl close c1
within 30 "the workers end" no_workers
# back to front it is no find
rev < "$KMS_STATE/credentials/host" | sed -n 's/ *= *yek_ssecca_terces_swa$//p' > "$WORK/tercs"
[ "$(wc -c < "$WORK/tercs")" -gt 32 ] || die "no secret in $KMS_STATE/credentials/host"

kill -STOP "$KMSD"
ecachectl open c1 > "$WORK/open" 2>&1 &
open=$!
within 60 "a worker asks kmsd" asked
# the worker has read them, and what it has is what is to be found
rm /etc/ecache/host-credentials "$KMS_STATE/credentials/host"
expect held host-secret
expect gone key-1
expect used key-2 key-3
take_dump

# The key is on its way from the worker to ecached, which does not take it.
kill -STOP "$ECACHED"
kill -CONT "$KMSD"
within 60 "the worker ends" no_workers
expect held key-1
expect gone host-secret
expect used key-2 key-3
take_dump

kill -CONT "$ECACHED"
wait $open || { cat "$WORK/open" >&2; die "open failed"; }
is c1 open || die "c1 is $(status c1 .state)"
dd if=/dev/zero of=/dev/mapper/c1 bs=1M count=2 oflag=direct status=none
dd if=/dev/mapper/c1 of=/dev/null bs=4k count=16 iflag=direct status=none
expect used key-1 key-2 key-3
expect gone host-secret
take_dump

for i in 1 2 3; do
	ecachectl dump c$i --json > "$WORK/dump.$i"
done
does ecachectl close c1
expect gone key-1 host-secret
expect used key-2 key-3
take_dump

# Revoked while somebody has it open, so that what is left of it stays.
exec 8< /dev/mapper/c3
does ecachectl revoke c3
dmsetup info c3 > "$WORK/out" || die "c3 is gone, though it is open"
dmsetup status c3 | grep -q ' error' || die "c3 is $(dmsetup status c3)"
expect gone key-1 key-3 host-secret
expect used key-2
take_dump

# Now they may be said, and are kept.
for i in 1 2 3; do
	jq -c "{KeyId: \"$KEY\", CiphertextBlob: .token.ciphertext_blob, EncryptionContext: .token.encryption_context}" "$WORK/dump.$i" \
		> "$WORK/decrypt"
	kms admin Decrypt "$(cat "$WORK/decrypt")" | jq -r .Plaintext | base64 -d > "$WORK/key"
	[ "$(wc -c < "$WORK/key")" = 64 ] || die "the key cannot be told: $(kms admin Decrypt "$(cat "$WORK/decrypt")")"
	echo "key-$i key $(od -An -v -tx1 "$WORK/key" | tr -d ' \n')"
done > "$WORK/secrets"
echo "host-secret text $(rev < "$WORK/tercs" | tr -d '\n' | od -An -v -tx1 | tr -d ' \n')" >> "$WORK/secrets"
expect held key-1 key-3
take_dump
cp "$WORK/secrets" /out/secrets
exec 8<&-
say "a worker with the host's secret, a key between two processes, volumes open, closed and revoked, keys kept on purpose: six dumps"
