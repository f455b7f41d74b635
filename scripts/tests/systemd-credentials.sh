#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
# Guest: --smp 1 --tpm --disk 256M --disk 64M
#
# The root secret of ecache-kmsd held by systemd credentials and a TPM, as operations.md has one type it. A secret that was in its file is
# nowhere on the host's disk afterwards (state, configuration, sealed credential, journal, the raw disk), on no command line and in no environment; what
# is planted in each of these places is found. Principals, keys, grants and volumes work with it, over restarts. Altered, under another name, of another
# KMS, without the TPM, with another boot, with a TPM that was cleared: the service does not start and says why, its state stays as it was, an
# open volume goes on; and mended, all is there again.
. "$(dirname "$0")/lib-systemd.sh"
. "$(dirname "$0")/lib-docs.sh"

SEALED=/etc/credstore.encrypted/kms-root
SAFE=/run/safe
search=$SRC/scripts/tests/disk-search.py

# host_disk: what the host keeps is on /dev/vda: state, configuration, sealed credentials, the host's own secret of systemd-creds, the journal
host_disk() {
	mkfs.ext4 -q /dev/vda
	mount /dev/vda /mnt
	# dpkg's and apt's are large, and no matter here
	tar -C /var/lib --exclude=./dpkg --exclude=./apt -cf - . | tar -C /mnt -xf -
	umount /mnt
	mount /dev/vda /var/lib
	for dir in /etc/ecache /etc/credstore.encrypted /var/log; do
		mkdir -p "/var/lib/disk$dir" "$dir"
		mount --bind "/var/lib/disk$dir" "$dir"
	done
	mkdir -p /etc/systemd/journald.conf.d /var/log/journal
	printf '[Journal]\nStorage=persistent\n' > /etc/systemd/journald.conf.d/zz-disk.conf
	systemctl restart systemd-journald
	journalctl --flush
}

# look SECRET-FILE PLACE...: lines of finds; what cannot be searched ends the test
look() {
	"$search" "$@" || [ $? -eq 1 ] || die "cannot search for $1 in: $*"
}

# finds SECRET-FILE: where it is, of all places
finds() {
	sync
	journalctl --sync
	look "$1" /dev/vda /var/lib/ecache-kmsd /var/lib/systemd /etc/ecache /etc/credstore.encrypted /etc/systemd/system /var/log
	journalctl -b -q -o export | look "$1" - | sed 's/^/journal, /'
	dmesg | look "$1" - | sed 's/^/kernel log, /'
	cat /proc/[0-9]*/cmdline 2> /dev/null | look "$1" - | sed 's/^/command lines, /'
	cat /proc/[0-9]*/environ 2> /dev/null | look "$1" - | sed 's/^/environments, /'
}

# kms_state: everything that is in the KMS's state directory, in one word
kms_state() {
	(cd /var/lib/ecache-kmsd && find . -ls | awk '{ print $3, $5, $6, $NF }' && find . -type f -exec sha256sum {} +) | sort | sha256sum
}

# type_block N: of the section; the variables that it names are set
type_block() {
	section 'The root secret in the TPM' "$1" > "$WORK/block"
	grep -q '^# block' "$WORK/block" || die "operations.md has no block $1 about the root secret"
	COPY=$SAFE/kms-root sh -eux "$WORK/block" > "$WORK/typed" 2>&1 || {
		cat "$WORK/typed" >&2
		die "block $1 of operations.md does not work"
	}
}

# works: the volume's data, by way of the KMS; its only grant; as many keys as before
works() {
	within 60 "c1 is ok" verdict_is c1 ok
	does ecachectl close c1
	does ecachectl open c1
	cmp -n 1048576 "$WORK/data" /dev/mapper/c1 || die "other data after open"
	[ "$(grants)" = 1 ] || die "$(grants) grants, not one"
	[ "$(owner ListKeys '{}' | jq '.Keys | length')" = 2 ] || die "keys are lost: $(owner ListKeys '{}')"
}

# fails WHAT TEXT...: the KMS does not start, changes nothing, and the volume goes on
fails() {
	f_what=$1
	shift
	# with its socket, or the next probe starts it
	systemctl stop ecache-kmsd.socket ecache-kmsd
	f_before=$(kms_state)
	refuses ecache-kmsd "$@"
	systemctl stop ecache-kmsd.socket ecache-kmsd
	[ "$(kms_state)" = "$f_before" ] || die "$f_what: the state has changed: $(ls -lR /var/lib/ecache-kmsd)"
	is c1 open || die "$f_what: c1 is $(status c1 .state)"
	dd if=/dev/mapper/c1 iflag=direct bs=1M count=1 status=none | cmp -n 1048576 - "$WORK/data" || die "$f_what: c1 has other data"
	say "$f_what: it does not start, nothing is changed, the volume goes on: $(since ecache-kmsd | grep -m 1 -- "$1")"
}

systemd_install
mkdir -m 0700 $SAFE
[ -c /dev/tpmrm0 ] || die "this guest has no TPM: scripts/vm systemd --tpm"
host_disk
kms_init
install -m 0600 "$KMS_STATE/root.secret" $SAFE/kms-root
finds $SAFE/kms-root > "$WORK/finds"
grep -q '^/dev/vda: raw' "$WORK/finds" || die "the secret in its file is not found on the raw disk"
grep -q "^$KMS_STATE/root.secret: raw" "$WORK/finds" || die "the secret is not found in its file"
say "by default it is on the disk: $(cut -d : -f 1 "$WORK/finds" | tr '\n' ' ')"

type_block 1
[ "$(property ecache-kmsd ActiveState)" = active ] || die "it does not run"
type_block 2
[ ! -e "$KMS_STATE/root.secret" ] || die "the file is still there"
type_block 3
for name in owner creator host; do
	grep -q "^$name " "$WORK/typed" || die "principal list does not show $name"
done
say "moved into the TPM, and principals are managed with it"

agent_conf probe-interval=5s
starts ecache-net ecached
new_customer_key
owner CreateKey '{}' > /dev/null
does create c1 /dev/vdb
head -c 1M /dev/urandom > "$WORK/data"
dd if="$WORK/data" of=/dev/mapper/c1 oflag=direct bs=1M status=none
works
ecachectl doctor | grep -q '^ok  *root-secret .*credential' || die "doctor on the root secret: $(ecachectl doctor | grep -A1 root-secret)"
say "keys, a grant, a volume"

systemctl restart ecache-kmsd || die "no restart"
works
systemctl stop ecached ecache-net.socket ecache-net ecache-kmsd.socket ecache-kmsd
systemctl start ecache-kmsd ecache-net ecached || die "not all start"
works
say "restarts keep all"

# the same places, by a secret of no use
head -c 32 /dev/urandom > $SAFE/decoy
cp $SAFE/decoy /etc/ecache/decoy
hex=$(od -An -v -tx1 $SAFE/decoy | tr -d ' \n')
echo "$hex" | systemd-cat -t decoy
echo "$hex" > /dev/kmsg
mkfifo "$WORK/fifo"
DECOY=$(base64 -w 0 $SAFE/decoy) sh -c 'read -r _' "$hex" <> "$WORK/fifo" &
holder=$!
sleep 1
finds $SAFE/decoy > "$WORK/finds"
kill $holder
for place in /dev/vda: /etc/ecache/decoy: /var/log/journal/ 'journal,' 'kernel log,' 'command lines,' 'environments,'; do
	grep -q "^$place" "$WORK/finds" || die "what is planted is not found in: $place $(cat "$WORK/finds")"
done
finds $SAFE/kms-root > "$WORK/finds"
[ ! -s "$WORK/finds" ] || die "the root secret is in: $(cat "$WORK/finds")"
say "the root secret is nowhere; a planted one is found in each place"

cp $SEALED $SAFE/sealed
size=$(stat -c %s $SEALED)
middle=$(dd if=$SEALED bs=1 skip=$((size / 2)) count=1 status=none)
other=A
[ "$middle" != A ] || other=B
printf %s $other | dd of=$SEALED bs=1 seek=$((size / 2)) conv=notrunc status=none
fails "an altered credential" "Failed to unseal secret using TPM2" CREDENTIALS
within 60 "c1 is held without the KMS" verdict_is c1 unreachable
systemd-creds encrypt --with-key=tpm2 --tpm2-pcrs=7 --name=other $SAFE/kms-root $SEALED
fails "a credential of another name" "does not match filename" CREDENTIALS
systemd-creds encrypt --with-key=tpm2 --tpm2-pcrs=7 --name=kms-root $SAFE/decoy $SEALED
fails "the root secret of another KMS" "does not belong to this database"
rm $SEALED
fails "no sealed file" CREDENTIALS
cp $SAFE/sealed $SEALED
mv /etc/systemd/system/ecache-kmsd.service.d/root-secret.conf $SAFE/
systemctl daemon-reload
fails "no drop-in" "there is no credential kms-root" "LoadCredentialEncrypted=kms-root"
mv $SAFE/root-secret.conf /etc/systemd/system/ecache-kmsd.service.d/
systemctl daemon-reload

mv /dev/tpmrm0 /dev/tpm-away
fails "no TPM" "/dev/tpmrm0: No such file" CREDENTIALS
mv /dev/tpm-away /dev/tpmrm0
starts ecache-kmsd
works
say "mended, all is there again"

systemd-creds encrypt --with-key=host+tpm2 --tpm2-pcrs=7 --name=kms-root $SAFE/kms-root $SEALED
systemctl restart ecache-kmsd || die "no start with host+tpm2"
works
say "host+tpm2 does as well"

cp $SAFE/sealed $SEALED
"$SRC/scripts/tests/tpm-command.py" extend 7 || die "PCR 7 is not extended"
fails "another boot" "Failed to unseal secret using TPM2: Operation not permitted" CREDENTIALS
"$SRC/scripts/tests/tpm-command.py" clear || die "the TPM is not cleared"
fails "a TPM that was cleared" "Failed to unseal secret using TPM2: State not recoverable" CREDENTIALS
type_block 4
works
finds $SAFE/kms-root > "$WORK/finds"
[ ! -s "$WORK/finds" ] || die "the root secret is in: $(cat "$WORK/finds")"
say "sealed anew from the copy, all is there again, and the secret nowhere else"
