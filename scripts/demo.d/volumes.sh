# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The two caches' volumes, their file systems, and the unencrypted control.

volume() {
	echo "ecache-demo-$1"
}

mount_of() {
	echo "$work/mnt/$1"
}

# status_of CACHE FILTER: from ecachectl status.
status_of() {
	ecachectl status "$(volume "$1")" --json | jq -r ".volumes[0] | $2"
}

# dm_state CACHE: what the target says: ACTIVE, LOCKED, REVOKED; the target's name if it is another;
# "-" without device.
dm_state() {
	dmsetup status --noflush "$(volume "$1")" 2>/dev/null | awk '{ print $3 == "ecache" ? $4 : $3; found = 1 } END { if (!found) print "-" }'
}

step_create() {
	for c_cache in 1 2; do
		ecachectl create "$(volume $c_cache)" "$(disk $c_cache)" --kms-key "alias/cache-$c_cache" --cache-id "demo-$c_cache" \
			--creator-credentials "$kms_state/credentials/creator" --creator-profile creator \
			--unit "$(valkey_unit $c_cache)" --json >"$run/create.$c_cache" || fail "ecachectl create"
		[ "$(jq -r .key_arn "$run/create.$c_cache")" = "$(kept key.$c_cache)" ] || fail "another key than asked for"
		keep grant.$c_cache "$(jq -r .grant_id "$run/create.$c_cache")"
		keep uuid.$c_cache "$(jq -r .luks_uuid "$run/create.$c_cache")"
		keep cache-id.$c_cache "$(jq -r .cache_id "$run/create.$c_cache")"
		[ "$(dm_state $c_cache)" = ACTIVE ] || fail "the target is $(dm_state $c_cache), not ACTIVE"
	done
	created 1 &
	c_other=$!
	created 2
	wait $c_other
}

created() {
	one_grant "$1" "$(kept "grant.$1")"
	note "$(volume "$1") on $(disk "$1"): driver $(status_of "$1" .target.driver)," \
		"grant $(kept "grant.$1" | cut -c1-16)..., the only one of its key"
}

# make_fs NAME DEVICE
make_fs() {
	mkfs.ext4 -q -F "$2"
	mkdir -p "$(mount_of "$1")"
	mount_fs "$1" "$2"
	chown "$valkey_user:" "$(mount_of "$1")"
	chmod 0700 "$(mount_of "$1")"
}

mount_fs() {
	within 10 "$2 appears" test -b "$2"
	mount -t ext4 "$2" "$(mount_of "$1")"
}

# step_fill: a Valkey on each cache and on the control, which gets the values of both caches.
step_fill() {
	valkey_units
	for f_cache in 1 2; do
		make_markers $f_cache "$keys"
		make_fs $f_cache "/dev/mapper/$(volume $f_cache)"
	done
	make_fs control "$(disk 4)"
	for f_name in 1 2 control; do
		valkey_conf $f_name "$(mount_of $f_name)"
		valkey_start $f_name
	done
	for f_cache in 1 2; do
		doing "cache $f_cache: $keys keys"
		make_commands $f_cache "cache$f_cache" >"$data/commands"
		valkey_load $f_cache "$data/commands" &
		f_other=$!
		valkey_load control "$data/commands"
		wait $f_other
	done
	rm "$data/commands"
	for f_name in 1 2 control; do
		doing "BGSAVE, AOF fsync: $f_name"
		valkey_save $f_name
	done
	sync
	echo 3 >/proc/sys/vm/drop_caches
	for f_cache in 1 2; do
		note "cache $f_cache: $(vk $f_cache dbsize) keys," \
			"RDB $(stat -c %s "$(mount_of $f_cache)/dump.rdb") bytes," \
			"AOF $(du -sb "$(mount_of $f_cache)/appendonlydir" | cut -f 1) bytes"
		keep dbsize.$f_cache "$(vk $f_cache dbsize)"
		keep digest.$f_cache "$(vk $f_cache debug digest)"
		[ "$(kept dbsize.$f_cache)" -ge "$keys" ] || fail "cache $f_cache has $(kept dbsize.$f_cache) keys"
	done
}

# every_key CACHE: as many as before, and the digest over all keys and values is the same.
every_key() {
	[ "$(vk "$1" dbsize)" = "$(kept "dbsize.$1")" ] || fail "cache $1 has $(vk "$1" dbsize) keys, had $(kept "dbsize.$1")"
	[ "$(vk "$1" debug digest)" = "$(kept "digest.$1")" ] || fail "cache $1: keys or values differ from before"
	note "cache $1: all $(kept "dbsize.$1") keys there, digest over keys and values $(kept "digest.$1" | cut -c1-16)... as before"
}

# stop_cache CACHE: an orderly end, up to the closed volume.
stop_cache() {
	systemctl stop "$(valkey_unit "$1")"
	umount "$(mount_of "$1")"
}

start_cache() {
	mount_fs "$1" "/dev/mapper/$(volume "$1")"
	valkey_start "$1"
}
