#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
#
# Volumes of cryptsetup's become ours, with their data: the KMS opens them, no passphrase does, but an earlier copy of the header does and
# adopt says so. What ecache cannot open is refused and left alone. Kept keyslots are said to be there wherever it counts.
. "$(dirname "$0")/lib-agent.sh"

PASS='correct horse battery staple'
CHEAP='--pbkdf pbkdf2 --pbkdf-force-iterations 1000 --batch-mode'

# luks DEV [OPT...]: a LUKS2 volume
luks() {
	l_dev=$1
	shift
	# shellcheck disable=SC2086 # words
	printf %s "$PASS" | cryptsetup luksFormat --type luks2 $CHEAP "$@" "$l_dev" -
}

# stock COMMAND...: cryptsetup with the passphrase
stock() {
	printf %s "$PASS" | cryptsetup --key-file - "$@"
}

# fill DEV: data through dm-crypt
fill() {
	stock open "$1" old
	dd if="$WORK/data" of=/dev/mapper/old bs=1M oflag=direct status=none
	cryptsetup close old
}

# adopt NAME DEV [OPT...]
adopt() {
	printf %s "$PASS" | as_creator ecachectl adopt "$@" --kms-key "$KEY" --key-file -
}

# refused TEXT NAME DEV: nothing is made, nothing is changed
refused() {
	r_text=$1 r_before=$(head -c 2M "$3" | sha256sum)
	shift
	says "$r_text" adopt "$@"
	[ ! -e "/etc/ecache/volumes.d/$1" ] || die "a pin of what was refused: $1"
	[ "$(grants)" = "$GRANTS" ] || die "$(grants) grants after a refusal"
	[ "$(head -c 2M "$2" | sha256sum)" = "$r_before" ] || die "the header of $2 was changed by a refusal"
}

agent_start probe-interval=5s
modprobe dm_crypt
ram_disks 4 40
new_customer_key
head -c 8M /dev/urandom > "$WORK/data"

luks /dev/ram0
fill /dev/ram0
cryptsetup luksHeaderBackup /dev/ram0 --header-backup-file "$WORK/header"
says 'Encrypt' adopt c1 /dev/ram0
[ "$(grants)" = 0 ] || die "a grant without the right to make it"
stock open --test-passphrase /dev/ram0 || die "a failure took the passphrase"
sed 's/"Decrypt", "DescribeKey"/"Decrypt", "Encrypt", "DescribeKey"/' "$SRC/Documentation/examples/creator-policy.json" > "$WORK/policy"
ecache-kmsd principal update creator --state-dir "$KMS_STATE" --policy "$WORK/policy" > /dev/null
does adopt c1 /dev/ram0
grep -q 'copies of the header made before' "$WORK/err" || die "nothing about earlier copies: $(cat "$WORK/err")"
[ "$(grants)" = 1 ] || die "$(grants) grants, not one"
owner ListGrants "{\"KeyId\":\"$KEY\"}" | jq -e '(.Grants[0].Operations | sort) == ["Decrypt", "DescribeKey", "RetireGrant"]' > /dev/null ||
	die "the grant is $(owner ListGrants "{\"KeyId\":\"$KEY\"}")"
cryptsetup luksDump /dev/ram0 | grep -q '^Keyslots:' || die "no luksDump"
[ "$(cryptsetup luksDump --dump-json-metadata /dev/ram0 | jq '.keyslots | length')" = 0 ] || die "keyslots are left"
stock open --test-passphrase /dev/ram0 2> /dev/null && die "the passphrase still opens it"
does ecachectl open c1
cmp -n 8388608 "$WORK/data" /dev/mapper/c1 || die "other data after adopt"
[ "$(status c1 .adopted) $(status c1 .revocable)" = "true true" ] || die "status: $(status c1 .)"
within 20 "the first probe answers ok" verdict_is c1 ok
does ecachectl close c1
does ecachectl open c1
say "adopted: the data is there, one grant, no keyslot"

says 'in use\|held by\|busy' adopt c9 /dev/ram0
does ecachectl close c1
stock open --header "$WORK/header" /dev/ram0 copy
cmp -n 8388608 "$WORK/data" /dev/mapper/copy || die "other data by the old header"
cryptsetup close copy
says 'no keyslot' adopt c9 /dev/ram0
say "an earlier copy of the header opens it, as adopt says"

does ecachectl open c1
revoke_grant
within 120 "the revocation ends it" is c1 revoked
says 'was revoked' ecachectl open c1
as_creator does ecachectl regrant c1
does ecachectl open c1
cmp -n 8388608 "$WORK/data" /dev/mapper/c1 || die "other data after regrant"
does ecachectl destroy c1 --yes
nothing_left c1 /dev/ram0
say "revoke, regrant, destroy: as any volume"

GRANTS=0
dd if=/dev/zero of=/dev/ram1 bs=1M count=20 status=none
refused 'no LUKS2 header' x1 /dev/ram1
printf %s "$PASS" | cryptsetup luksFormat --type luks1 --pbkdf-force-iterations 1000 --batch-mode /dev/ram1 -
refused 'version 1' x1 /dev/ram1
luks /dev/ram1 --cipher aes-cbc-essiv:sha256 --key-size 256
refused 'aes-xts-plain64' x1 /dev/ram1
if modprobe dm_integrity 2> /dev/null; then
	luks /dev/ram1 --integrity hmac-sha256 --integrity-no-wipe
	refused 'integrity' x1 /dev/ram1
fi
luks /dev/ram1
stock reencrypt --init-only --resilience checksum --batch-mode /dev/ram1
refused 'reencryption' x1 /dev/ram1
luks /dev/ram1
stock open /dev/ram1 busy
says 'held by\|in use' adopt x1 /dev/ram1
cryptsetup close busy
PASS2=$PASS PASS=wrong
refused 'no keyslot opens' x1 /dev/ram1
PASS=$PASS2
says 'terminal' setsid -w ecachectl adopt x1 /dev/ram1 --kms-key "$KEY"
stock open --test-passphrase /dev/ram1 || die "a refusal took the passphrase"
say "refused and left alone: no LUKS, LUKS1, another cipher, integrity, a reencryption, one that is open, a wrong passphrase"

# a passphrase that takes memory, another key file, sectors of 512 bytes, two keyslots: both are kept
printf %s "$PASS" | cryptsetup luksFormat --type luks2 --pbkdf argon2id --pbkdf-memory 65536 --pbkdf-force-iterations 4 --sector-size 512 \
	--batch-mode /dev/ram2 -
head -c 4096 /dev/urandom > "$WORK/keyfile"
chmod 600 "$WORK/keyfile"
printf %s "$PASS" > "$WORK/pass"
cryptsetup luksAddKey --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$WORK/pass" /dev/ram2 "$WORK/keyfile"
rm "$WORK/pass"
fill /dev/ram2
does as_creator ecachectl adopt k1 /dev/ram2 --kms-key "$KEY" --key-file "$WORK/keyfile" --keep-keyslots --json
jq -e '.revocable == false and .keyslots_removed == 0' "$WORK/out" > /dev/null || die "adopt --json: $(cat "$WORK/out")"
grep -q 'not revocable' "$WORK/err" || die "nothing about the keyslots: $(cat "$WORK/err")"
stock open --test-passphrase /dev/ram2 || die "the first keyslot is gone"
does ecachectl open k1
cmp -n 8388608 "$WORK/data" /dev/mapper/k1 || die "other data with kept keyslots"
[ "$(status k1 .revocable)" = false ] || die "status: $(status k1 .)"
ecachectl status k1 | grep -q 'revocable  no' || die "status: $(ecachectl status k1)"
ecachectl doctor --json > "$WORK/doctor" 2> /dev/null || true
jq -e '.checks[] | select(.name == "keyslots") | .outcome == "warning" and (.found | contains("k1"))' "$WORK/doctor" > /dev/null ||
	die "doctor: $(jq -c .checks "$WORK/doctor")"
does ecachectl close k1
cryptsetup erase --batch-mode /dev/ram2
sed -i 's/^adopted=with-keyslots$/adopted=yes/' /etc/ecache/volumes.d/k1
does ecachectl open k1
[ "$(status k1 .revocable)" = true ] || die "status: $(status k1 .)"
cmp -n 8388608 "$WORK/data" /dev/mapper/k1 || die "other data after erase"
does ecachectl close k1
say "kept keyslots: adopt, status and doctor say so; without them it is revocable, too"

# somebody adds a keyslot to an adopted volume, where there is room: it does not open any more
printf %s "$PASS" > "$WORK/pass"
ecachectl unwrap k1 --to-fd 1 | cryptsetup luksAddKey --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
	--volume-key-file /proc/self/fd/0 --key-size 512 --new-keyfile "$WORK/pass" /dev/ram2 2> "$WORK/err" ||
	ecachectl unwrap k1 --to-fd 1 | cryptsetup luksAddKey --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
		--master-key-file /proc/self/fd/0 --key-size 512 /dev/ram2 "$WORK/pass"
rm "$WORK/pass"
says 'has keyslots' ecachectl open k1
say "a keyslot added later is refused"

! grep -rl "$PASS" "$WORK"/*.log /var/log/ecache /run/ecache /var/lib/ecache || die "the passphrase is in a file"
[ "$(jq -s 'map(select(.event == "adopt" and .request_id != "" and .requests.Encrypt != "")) | length' /var/log/ecache/audit.log)" = 2 ] ||
	die "audit: $(jq -c 'select(.event | startswith("adopt"))' /var/log/ecache/audit.log)"
say "audited with the KMS's request ids; the passphrase is in no file"
