# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The way out: stock dm-crypt reads what dm-ecache wrote. The owner unwraps the volume key with the
# aws CLI, from the token that stock cryptsetup shows; the key is only ever in a pipe and in a file
# of root in memory.

oracle=ecache-demo-oracle

files_sum() {
	(cd "$1" && find . -type f ! -path './lost+found/*' -exec sha256sum {} + | sort -k 2)
}

step_close() {
	for cl_cache in 1 2; do
		stop_cache $cl_cache
	done
	mount -o ro,noload "/dev/mapper/$(volume 1)" "$(mount_of 1)"
	files_sum "$(mount_of 1)" >"$run/files.ecache"
	umount "$(mount_of 1)"
	keep device-sum "$(sha256sum <"/dev/mapper/$(volume 1)")"
	for cl_cache in 1 2; do
		ecachectl close "$(volume $cl_cache)" >/dev/null
		[ "$(dm_state $cl_cache)" = - ] || fail "$(volume $cl_cache) is still there"
	done
	note "both volumes closed; $(wc -l <"$run/files.ecache") files of cache 1 remembered"
}

# context_of CACHE: its encryption context, as aws wants it.
context_of() {
	jq -c .encryption_context "$run/token.$1"
}

# unwrap_as_owner FILE: the owner allows himself Decrypt in this context, for the time of one call.
unwrap_as_owner() {
	cryptsetup token export --token-id 0 "$(disk 1)" >"$run/token.1"
	jq -r .ciphertext_blob "$run/token.1" | base64 -d >"$run/blob.1"
	aws_as owner kms create-grant --key-id "$(kept key.1)" --grantee-principal "$(kept arn.owner)" --operations Decrypt \
		--constraints "{\"EncryptionContextEquals\":$(context_of 1)}" >"$run/owner-grant"
	aws_as owner kms decrypt --key-id "$(kept key.1)" --ciphertext-blob "fileb://$run/blob.1" \
		--encryption-context "$(context_of 1)" --grant-tokens "$(jq -r .GrantToken "$run/owner-grant")" \
		--query Plaintext --output text | base64 -d >"$1"
	aws_as owner kms revoke-grant --key-id "$(kept key.1)" --grant-id "$(jq -r .GrantId "$run/owner-grant")"
	[ "$(stat -c %s "$1")" -eq 64 ] || fail "the owner's decrypt gave no 64-byte key"
}

step_oracle() {
	umask 077
	unwrap_as_owner "$run/volume-key"
	cryptsetup open --type luks2 --readonly --volume-key-file "$run/volume-key" --key-size 512 "$(disk 1)" $oracle
	shred -u "$run/volume-key"
	dmsetup table $oracle | grep -q ' crypt aes-xts-plain64 ' || fail "not dm-crypt: $(dmsetup table $oracle)"
	[ "$(sha256sum <"/dev/mapper/$oracle")" = "$(kept device-sum)" ] || fail "dm-crypt reads another device than dm-ecache showed"
	mount -o ro,noload "/dev/mapper/$oracle" "$(mount_of 1)"
	files_sum "$(mount_of 1)" >"$run/files.crypt"
	umount "$(mount_of 1)"
	cmp "$run/files.ecache" "$run/files.crypt" || fail "files differ through dm-crypt"
	note "dm-crypt: the whole device ($(blockdev --getsize64 "/dev/mapper/$oracle") bytes)" \
		"and every file equal: sha256 $(kept device-sum | cut -c1-16)..."
	cryptsetup close $oracle
}

# step_reopen: one by the command, one by the shipped unit.
step_reopen() {
	ecachectl open "$(volume 1)" >/dev/null || fail "ecachectl open"
	systemctl start "ecache@$(volume 2).service" || fail "ecache@$(volume 2).service"
	for r_cache in 1 2; do
		[ "$(dm_state $r_cache)" = ACTIVE ] || fail "$(volume $r_cache) is $(dm_state $r_cache)"
		start_cache $r_cache
		every_key $r_cache
	done
}
