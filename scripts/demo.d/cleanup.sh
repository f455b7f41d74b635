# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The end, whatever happened before: nothing of the demo stays. And what to keep of a failed step.

diagnose() {
	echo "== $1 failed"
	cat "$run/notes"
	echo "== device-mapper"
	dmsetup info -c
	dmsetup table
	echo "== agent"
	ecachectl status --json
	echo "== units"
	systemctl --no-pager --full status 'ecache*' | head -n 60
	echo "== journal"
	journalctl --no-pager -o short-monotonic -u 'ecache*' -n 150
	echo "== kernel"
	dmesg | tail -n 40
}

collect() {
	journalctl --no-pager -o short-monotonic -u 'ecache*' --since "$started" >"$out/journal.txt"
	dmesg >"$out/dmesg.txt"
	[ ! -e /var/log/ecache/audit.log ] || cp /var/log/ecache/audit.log "$out/audit.log"
	[ ! -e /var/lib/ecache-kmsd/cloudtrail.log ] || cp /var/lib/ecache-kmsd/cloudtrail.log "$out/cloudtrail.log"
	ecachectl status --json >"$out/status.json"
}

remove_mapping() {
	dmsetup remove --retry "$1" || dmsetup wipe_table "$1"
}

cleanup() {
	[ ! -e "$run/client.pid" ] || kill "$(cat "$run/client.pid")" 2>/dev/null
	systemctl stop 'ecache-demo-valkey@*.service'
	swapoff /dev/mapper/ecache-demo-swap
	swapoff "$(disk 5)"
	[ ! -e "$run/kept.zswap" ] || cat "$run/kept.zswap" >/sys/module/zswap/parameters/enabled
	for cu_mount in "$work"/mnt/*; do
		umount "$cu_mount" || umount -l "$cu_mount"
	done
	systemctl stop 'ecache@ecache-demo-*.service'
	ecachectl close ecache-demo-1
	ecachectl close ecache-demo-2
	systemctl stop ecached.service ecache-net.socket ecache-net.service ecache-kmsd.socket ecache-kmsd.service
	dmsetup ls | awk '/^ecache-demo-/ { print $1 }' | while read -r cu_name; do
		remove_mapping "$cu_name"
	done
	rm -f /run/systemd/system/ecache-demo-valkey@.service
	rm -rf /run/systemd/system.control/ecache-demo-valkey@swapped.service.d
	[ "$guest" = yes ] || remove_beside
	[ ! -e "$run/kept.module" ] || rmmod dm_ecache
	systemctl daemon-reload
	systemctl reset-failed 'ecache*'
	detach_disks
	rm -rf --one-file-system "$run" "$work"
}

# left: what cleanup should have removed and did not.
left() {
	dmsetup ls | grep '^ecache-demo-'
	grep -E "$work/|ecache-demo" /proc/self/mountinfo /proc/swaps
	losetup -n -O BACK-FILE 2>/dev/null | grep "$work/"
	for l_path in "$work" "$run" /run/systemd/system/ecache-demo-valkey@.service; do
		[ ! -e "$l_path" ] || echo "$l_path"
	done
}
