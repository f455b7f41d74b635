#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
#
# backup and restore with a real Valkey: its data set goes round from a mounted volume, and from a closed one; stock cryptsetup opens an image as any
# volume. The file system stands still meanwhile and is thawed however the backup ends: in time, too late, interrupted, with ecached killed, with its
# watchdog killed, torn down. What fails leaves no file, no grant and no record.
. "$(dirname "$0")/lib-agent.sh"

MNT=$WORK/mnt
OUT=$WORK/out.d
SOCK=$WORK/valkey.sock

# audited FILTER: how many audit records
audited() {
	jq -s "map(select($1)) | length" /var/log/ecache/audit.log
}

valkey_start() {
	valkey-server --port 0 --unixsocket "$SOCK" --dir "$1" --save '' --appendonly yes --appendfsync always --daemonize no \
		--enable-debug-command local > "$WORK/valkey.log" 2>&1 &
	VALKEY=$!
	PIDS="$PIDS $VALKEY"
	within 60 "Valkey answers" answers
}

vk() {
	valkey-cli -s "$SOCK" "$@"
}

answers() {
	[ "$(vk ping)" = PONG ]
}

valkey_stop() {
	vk shutdown nosave > /dev/null 2>&1 || true
	wait "$VALKEY" || true
}

# shaped DEFINITION: $WORK/out is as the schema has it
shaped() {
	"$SRC/scripts/tests/json-schema.py" "$1" < "$WORK/out" > "$WORK/shape" 2>&1 || die "$1: $(cat "$WORK/shape" "$WORK/out")"
}

# digest: of the whole data set
digest() {
	vk debug digest
}

backup() {
	b_name=$1 b_file=$2
	shift 2
	as_creator ecachectl backup "$b_name" "$b_file" "$@"
}

restore() {
	r_file=$1 r_name=$2 r_dev=$3
	shift 3
	as_creator ecachectl restore "$r_file" "$r_name" "$r_dev" "$@"
}

# writable: the file system is not frozen
writable() {
	timeout 5 sh -c "echo x > $MNT/probe && sync -f $MNT/probe"
}

no_file() {
	for f in "$1" "$1.partial"; do
		[ ! -e "$f" ] || die "$f is left"
	done
}

# nothing_of FILE GRANTS: no image, no record, and so many grants
nothing_of() {
	within 60 "the end of a backup that failed" test ! -e /var/lib/ecache/intents/c1.json
	no_file "$1"
	[ "$(grants)" = "$2" ] || die "$(grants) grants, not $2"
}

# frozen: a backup is in the middle of it
frozen() {
	grep -q '^copying' "$WORK/backup.log"
}

# delay NAME DEV MS: the mapping NAME over DEV, which takes that long
delay() {
	d_table="0 $(sectors "$2") delay $2 0 $3"
	if dmsetup info "$1" > /dev/null 2>&1; then
		dmsetup suspend --nolockfs "$1"
		dmsetup load "$1" --table "$d_table"
		dmsetup resume "$1"
	else
		dmsetup create "$1" --table "$d_table"
	fi
}

# start_backup FILE OPT...: in the background, of a volume that takes long enough; returns when it copies
start_backup() {
	sb_file=$1
	shift
	delay slow /dev/ram0 150
	: > "$WORK/backup.log"
	ecachectl backup c1 "$sb_file" --creator-profile creator --creator-credentials "$KMS_STATE/credentials/creator" "$@" \
		> "$WORK/backup.log" 2>&1 &
	backing=$!
	within 60 "a backup copies" frozen
}

agent_start probe-interval=5s
modprobe dm_crypt
modprobe dm_delay
modprobe loop
ram_disks 3 64
delay slow /dev/ram0 0
delay slow2 /dev/ram2 0
mkdir -p "$MNT" "$OUT"
mkfs.ext4 -q -F /dev/vda
mount /dev/vda "$OUT"
trap 'umount "$MNT" 2> /dev/null || true; agent_cleanup; umount "$OUT" || true' EXIT
new_customer_key
does create c1 /dev/mapper/slow
mkfs.ext4 -q /dev/mapper/c1
mount /dev/mapper/c1 "$MNT"
valkey_start "$MNT"
vk debug populate 20000 key 200 > /dev/null
vk bgrewriteaof > /dev/null
rewritten() {
	[ "$(vk info persistence | tr -d '\r' | sed -n 's/^aof_rewrite_in_progress://p')" = 0 ] &&
		[ "$(vk info persistence | tr -d '\r' | sed -n 's/^aof_rewrite_scheduled://p')" = 0 ]
}
within 60 "the AOF is rewritten" rewritten
vk set last written > /dev/null
before=$(digest)

says "would be on the volume" backup c1 "$MNT/c1.img"
does backup c1 "$OUT/c1.img"
grep -q 'Revoking the cache.s grant does not revoke this backup' "$WORK/out" || die "backup: $(cat "$WORK/out")"
grep -q 'stood still for' "$WORK/out" || die "no pause is told: $(cat "$WORK/out")"
grep -q '^copying 100 %' "$WORK/err" || die "no progress: $(cat "$WORK/err")"
pause=$(sed -n 's/.*stood still for \([0-9.]*\) s.*/\1/p' "$WORK/out")
writable || die "still frozen"
[ "$(grants)" = 1 ] || die "$(grants) grants: the backup's is not retired"
[ "$(audited '.event == "backup" and .volume == "c1" and .request_id != ""')" = 1 ] || die "no audit record of the backup"
[ "$(ecachectl list --backups --json | jq -r '.backups[0] | "\(.volume) \(.present) \(.file)"')" = "c1 true $OUT/c1.img" ] ||
	die "$(ecachectl list --backups --json)"
does ecachectl list --backups --json
shaped list-backups
does ecachectl list --backups
grep -q "^c1 .* there  *$OUT/c1.img" "$WORK/out" || die "list --backups: $(cat "$WORK/out")"
[ "$(stat -c %a "$OUT/c1.img")" = 600 ] || die "others may read the image"
[ $(($(stat -c %b "$OUT/c1.img") * 512)) -lt $((60 * 1048576)) ] || die "what was never written takes space"
says 'exists' backup c1 "$OUT/c1.img"
vk set last after > /dev/null
say "a Valkey that writes is backed up with its volume mounted; it stood still for $pause s"

does restore "$OUT/c1.img" c2 /dev/ram1 --cache-id second --json
shaped restore
valkey_stop
umount "$MNT"
mount /dev/mapper/c2 "$MNT"
valkey_start "$MNT"
[ "$(digest)" = "$before" ] || die "another data set came back"
[ "$(vk get last)" = written ] || die "last is $(vk get last)"
valkey_stop
umount "$MNT"
[ "$(grants)" = 2 ] || die "$(grants) grants after restore"
e2fsck -fn /dev/mapper/c2 > "$WORK/out" 2>&1 || die "the file system: $(cat "$WORK/out")"
[ "$(audited '.event == "create" and .volume == "c2" and .restored_from != null')" = 1 ] || die "no audit record of restore"
does ecachectl destroy c2 --yes
say "its data set comes back in another volume, under another key and grant"

does ecachectl close c1
sha256sum < /dev/mapper/slow > "$WORK/sum"
does backup c1 "$OUT/closed.img" --json
shaped backup
[ "$(sha256sum < /dev/mapper/slow)" = "$(cat "$WORK/sum")" ] || die "backup of a closed volume wrote to it"
is c1 closed || die "c1 is $(status c1 .state)"
! dmsetup ls | grep -q '^c1' || die "a mapping is left"
does ecachectl open c1
# the image by stock cryptsetup: somebody whom the key's owner lets decrypt its key
echo '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}' > "$WORK/policy"
ecache-kmsd principal add rescuer --state-dir "$KMS_STATE" --policy "$WORK/policy" > /dev/null
blob=$(cryptsetup token export --token-id 0 "$OUT/closed.img" | jq -r .ciphertext_blob)
context=$(cryptsetup token export --token-id 0 "$OUT/closed.img" | jq -c .encryption_context)
kms rescuer Decrypt "{\"KeyId\":\"$KEY\",\"CiphertextBlob\":\"$blob\",\"EncryptionContext\":$context}" |
	jq -r .Plaintext | base64 -d > "$WORK/image.key"
[ "$(stat -c %s "$WORK/image.key")" = 64 ] || die "the image's key cannot be decrypted"
loop=$(losetup --find --show "$OUT/closed.img")
cryptsetup open --type luks2 --volume-key-file "$WORK/image.key" --key-size 512 "$loop" image
mount -o ro,noload /dev/mapper/image "$MNT"
mkdir "$WORK/second"
mount -o ro,noload /dev/mapper/c1 "$WORK/second"
diff -r "$MNT" "$WORK/second" || die "stock cryptsetup finds something else in the image"
umount "$WORK/second"
umount "$MNT"
cryptsetup close image
losetup -d "$loop"
rm "$WORK/image.key"
say "a closed volume is read without being opened, and stock cryptsetup opens the image as any volume"

mount /dev/mapper/c1 "$MNT"
start_backup "$OUT/late.img" --max-freeze 6s
timeout 0.5 sh -c "echo x > $MNT/probe" && die "a write went through while the file system was frozen"
wait $backing && die "a backup that took too long succeeded"
grep -q 'had been frozen for 6 s' "$WORK/backup.log" || die "$(cat "$WORK/backup.log")"
delay slow /dev/ram0 0
writable || die "still frozen after --max-freeze"
nothing_of "$OUT/late.img" 1
say "--max-freeze: thawed by then, and no backup"

start_backup "$OUT/stopped.img"
kill -TERM $backing
wait $backing && die "an interrupted backup succeeded"
delay slow /dev/ram0 0
writable || die "still frozen after an interrupt"
nothing_of "$OUT/stopped.img" 1
start_backup "$OUT/gone.img"
kill -9 $backing
wait $backing || true
delay slow /dev/ram0 0
within 20 "thawed after kill -9 of ecachectl" writable
nothing_of "$OUT/gone.img" 1
say "ecachectl interrupted or killed: thawed, nothing is left"

start_backup "$OUT/killed.img"
ecached_kill
delay slow /dev/ram0 0
within 20 "thawed after kill -9 of ecached" writable
wait $backing && die "a backup without ecached succeeded"
[ ! -e "$OUT/killed.img" ] || die "an image that is not complete has its name"
ecached_start
nothing_of "$OUT/killed.img" 1
is c1 open || die "c1 is $(status c1 .state)"
within 20 "c1 is watched" verdict_is c1 ok
start_backup "$OUT/dogless.img"
pkill -9 -x ecache-thaw
wait $backing && die "a backup without its watchdog succeeded"
delay slow /dev/ram0 0
writable || die "still frozen without the watchdog"
nothing_of "$OUT/dogless.img" 1
start_backup "$OUT/both.img"
pkill -9 -x ecache-thaw
ecached_kill
wait $backing || true
delay slow /dev/ram0 0
ecached_start
within 30 "thawed by the next start" writable
nothing_of "$OUT/both.img" 1
say "ecached, the watchdog, and both of them killed: thawed, nothing is left"

# restore: killed in the middle, then whole
delay slow2 /dev/ram2 50
ecachectl restore "$OUT/closed.img" c3 /dev/mapper/slow2 --cache-id third --creator-profile creator \
	--creator-credentials "$KMS_STATE/credentials/creator" > "$WORK/restore.log" 2>&1 &
restoring=$!
filling() {
	grep -q '"step":"fill"' /var/lib/ecache/intents/c3.json
}
within 60 "a restore fills" filling
ecached_kill
wait $restoring && die "a restore without ecached succeeded"
delay slow2 /dev/ram2 0
ecached_start
restored() {
	[ ! -e /var/lib/ecache/intents/c3.json ]
}
within 60 "an interrupted restore is undone" restored
[ ! -e /etc/ecache/volumes.d/c3 ] || die "a pin of a restore that was killed"
[ "$(head -c 1048576 /dev/ram2 | tr -d '\000' | wc -c)" = 0 ] || die "a header is left"
[ "$(grants)" = 1 ] || die "$(grants) grants after an interrupted restore"
does restore "$OUT/closed.img" c3 /dev/mapper/slow2 --cache-id third
does ecachectl destroy c3 --yes
cp --sparse=always "$OUT/closed.img" "$OUT/rotten.img"
printf x | dd of="$OUT/rotten.img" bs=1 seek=$((1048576 + 1024)) conv=notrunc status=none
says 'is damaged' restore "$OUT/rotten.img" c3 /dev/mapper/slow2 --cache-id third
[ "$(grants)" = 1 ] || die "$(grants) grants after a restore of a damaged image"
say "a restore that is killed leaves nothing, a damaged image is told"

# a revocation ends a backup that is under way, and does not reach one that is made
start_backup "$OUT/revoked.img" --max-freeze 10m
started=$(now_ms)
does ecachectl revoke c1
wait $backing && die "a backup of a revoked volume succeeded"
took=$(($(now_ms) - started))
[ "$(status c1 .teardown.key_gone)" = true ] || die "the key is still there"
delay slow /dev/ram0 0
[ $took -lt 60000 ] || die "a teardown took $took ms during a backup"
within 60 "nothing unfinished" test ! -e /var/lib/ecache/intents/c1.json
no_file "$OUT/revoked.img"
says 'revoked' backup c1 "$OUT/after.img"
does restore "$OUT/c1.img" c4 /dev/ram1 --cache-id fourth
mount /dev/mapper/c4 "$MNT"
valkey_start "$MNT"
[ "$(digest)" = "$before" ] || die "another data set came back"
valkey_stop
umount "$MNT"
say "a teardown ends a backup under way ($took ms); revoking the cache's grant does not reach a backup that is made"

does ecachectl destroy c4 --yes
does ecachectl destroy c1 --yes
dmsetup remove --retry slow
dmsetup remove --retry slow2
[ "$(grants)" = 0 ] || die "$(grants) grants are left"
