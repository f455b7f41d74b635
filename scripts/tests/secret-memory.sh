#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's half of scripts/secret-memory, which says what is promised: a volume is opened slowly, and the host looks on. The controls are the
# two moments at which a process has to hold what is looked for.
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
ram_disks 1 32
new_customer_key
does create c1 /dev/ram0
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
expect gone data-key
take_dump

# The key is on its way from the worker to ecached, which does not take it.
kill -STOP "$ECACHED"
kill -CONT "$KMSD"
within 60 "the worker ends" no_workers
expect held data-key
expect gone host-secret
take_dump

kill -CONT "$ECACHED"
wait $open || { cat "$WORK/open" >&2; die "open failed"; }
is c1 open || die "c1 is $(status c1 .state)"
dd if=/dev/zero of=/dev/mapper/c1 bs=1M count=2 oflag=direct status=none
dd if=/dev/mapper/c1 of=/dev/null bs=4k count=16 iflag=direct status=none
expect used data-key
expect gone host-secret
take_dump

ecachectl dump c1 --json > "$WORK/dump"
does ecachectl close c1
expect gone data-key host-secret
take_dump

# Now they may be said.
jq -c "{KeyId: \"$KEY\", CiphertextBlob: .token.ciphertext_blob, EncryptionContext: .token.encryption_context}" "$WORK/dump" > "$WORK/decrypt"
kms admin Decrypt "$(cat "$WORK/decrypt")" | jq -r .Plaintext | base64 -d > "$WORK/key"
[ "$(wc -c < "$WORK/key")" = 64 ] || die "the key cannot be told: $(kms admin Decrypt "$(cat "$WORK/decrypt")")"
{
	echo "data-key key $(od -An -v -tx1 "$WORK/key" | tr -d ' \n')"
	echo "host-secret text $(rev < "$WORK/tercs" | tr -d '\n' | od -An -v -tx1 | tr -d ' \n')"
} > /out/secrets
say "a worker with the host's secret, a key between two processes, an open volume, a closed one: four dumps"
