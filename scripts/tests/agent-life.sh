#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The life of a volume with the real programs: create makes one grant (or takes the owner's) and an open volume; data survives close and
# open; status, list and dump tell; destroy wipes the header and retires the grant. Who may ask what.
. "$(dirname "$0")/lib-agent.sh"

agent_start probe-interval=5s
ram_disks 2 32
new_customer_key

does create c1 /dev/ram0
[ "$(grants)" = 1 ] || die "$(grants) grants, not one"
is c1 open || die "c1 is $(status c1 .state)"
[ "$(status c1 .target.state)" = ACTIVE ] || die "the target is $(status c1 .target.state)"
[ "$(status c1 .grant_id)" = "$(grant_id)" ] || die "status shows another grant"
[ "$(status c1 .target.generic)" = false ] || die "generic AES: $(status c1 .target.driver)"
say "create: one grant, open, driver $(status c1 .target.driver)"

head -c 8M /dev/urandom > "$WORK/data"
dd if="$WORK/data" of=/dev/mapper/c1 bs=1M oflag=direct status=none
does ecachectl close c1
[ ! -e /dev/mapper/c1 ] || die "the node is still there"
[ "$(head -c 9437184 /dev/ram0 | tail -c 8388608 | sha256sum)" != "$(sha256sum < "$WORK/data")" ] ||
	die "the disk holds plaintext"
does ecachectl close c1
does ecachectl open c1
cmp -n 8388608 "$WORK/data" /dev/mapper/c1 || die "other data after open"
does ecachectl open c1
say "close and open: idempotent, the data is there"

# the LUKS uuid is not known yet: the owner's grant cannot name it
byhand=$(owner CreateGrant "{\"KeyId\":\"$KEY\",\"GranteePrincipal\":\"$HOST_ARN\",\"Name\":\"by-hand\",
	\"Operations\":[\"Decrypt\",\"DescribeKey\",\"RetireGrant\"],
	\"Constraints\":{\"EncryptionContextSubset\":{\"ecache:cache-id\":\"cache-512\",\"ecache:format\":\"1\"}}}" | jq -r .GrantId)
does create s512 /dev/ram1 --sector-size 512 --key-size 32 --cache-id cache-512 --grant-id "$byhand"
[ "$(grants)" = 2 ] || die "create made a grant besides the owner's"
[ "$(status s512 .grant_id)" = "$byhand" ] || die "status shows $(status s512 .grant_id), not the owner's grant"
dd if="$WORK/data" of=/dev/mapper/s512 bs=1M oflag=direct status=none
does ecachectl close s512
does ecachectl open s512
cmp -n 8388608 "$WORK/data" /dev/mapper/s512 || die "other data with sectors of 512 bytes"
does ecachectl destroy s512 --yes
[ "$(grants)" = 1 ] || die "destroy left the grant of s512"
say "the owner's grant, sectors of 512 bytes, AES-128: the same"

does as_creator ecachectl create d1 /dev/ram1
managed=$(owner DescribeKey '{"KeyId":"alias/aws/elasticache"}' | jq -r 'select(.KeyMetadata.KeyManager == "AWS") | .KeyMetadata.Arn')
[ "$(status d1 .key_arn)" = "$managed" ] || die "d1 is under $(status d1 .key_arn), not the service's key $managed"
owner DisableKey "{\"KeyId\":\"$managed\"}" | grep -q "UnsupportedOperation\|AccessDenied" || die "the service's key can be disabled"
customers=$KEY KEY=$managed
[ "$(grants)" = 1 ] || die "$(grants) grants under the service's key, not one"
does ecachectl destroy d1 --yes
[ "$(grants)" = 0 ] || die "destroy left the grant under the service's key"
KEY=$customers
say "without --kms-key: the KMS's own key, which nobody changes, under one grant all the same"

within 20 "the first probe answers ok" verdict_is c1 ok
ecachectl list | grep -q '^c1  *open  *ok' || die "list does not show c1: $(ecachectl list)"
ecachectl status c1 | grep -q "key  *$KEY" || die "status does not show the key"
ecachectl dump c1 > "$WORK/dump"
grep -q ciphertext_blob "$WORK/dump" || die "dump has no token"
ecachectl dump /dev/ram0 --json | jq -e '.token.format == 1' > /dev/null || die "dump of the device"
say "status, list, dump tell"

# nobody: no socket; a member of the group: status and list only
useradd -M outsider
useradd -M -G ecache member
chmod 755 "$WORK"
su outsider -s /bin/sh -c 'PATH='"$PATH"' ecachectl list' > "$WORK/out" 2>&1 && die "an outsider may list"
grep -q 'Permission denied' "$WORK/out" || die "outsider: $(cat "$WORK/out")"
su member -s /bin/sh -c 'PATH='"$PATH"' ecachectl list' | grep -q '^c1 ' || die "a member may not list"
su member -s /bin/sh -c 'PATH='"$PATH"' ecachectl close c1' > "$WORK/out" 2>&1 && die "a member may close"
grep -q 'only root may close' "$WORK/out" || die "member: $(cat "$WORK/out")"
is c1 open || die "c1 is $(status c1 .state)"
say "root may do all, group ecache status and list, others nothing"

mkdir "$WORK/mnt"
mkfs.ext4 -q /dev/mapper/c1
mount /dev/mapper/c1 "$WORK/mnt"
says "mounted on $WORK/mnt" ecachectl close c1
says "mounted on $WORK/mnt" ecachectl destroy c1 --yes
is c1 open || die "c1 is $(status c1 .state)"
umount "$WORK/mnt"
say "a mounted volume is not closed, and the message says where"

does ecachectl destroy c1 --yes
nothing_left c1 /dev/ram0
says 'no volume c1' ecachectl status c1
ecachectl list | grep -q 'no volumes' || die "list: $(ecachectl list)"
say "destroy: header wiped, grant retired, nothing left"
