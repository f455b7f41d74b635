#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demo itself, as root on the machine that it is about: a guest of scripts/vm, or a real host
# (scripts/demo decides). Documentation/demo.md tells what it shows.
#
# usage: inside.sh guest|host STAGE MODULE OUT
#
#   STAGE   tree that `make install DESTDIR=` filled
#   MODULE  dm-ecache.ko for the running kernel
#   OUT     folder for report.json, timeline.txt and logs
#
# A guest brings five disks: cache 1, cache 2, swap, control, control swap. A host gets sparse files
# as loop devices.
#
# shellcheck disable=SC2034,SC2317 # most is used in the parts
set -u
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")" && pwd)
for part in report markers valkey install kms volumes swap search oracle client revoke cleanup; do
	# shellcheck disable=SC1090
	. "$here/$part.sh"
done

# What the demo is made of.
keys=100000 swap_values=14000 swap_limit=24M deadline=20
disk_sizes="96M 96M 128M 128M 128M"	# as in scripts/demo

guest=no stage=$2 module=$3 out=$4
[ "$1" != guest ] || guest=yes
examples=$here/../../Documentation/examples
run=/run/ecache-demo work=/var/lib/ecache-demo
data=$work/data
started=$(date '+%F %T')
export PATH="$work/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# disk N: its device.
disk() {
	sed -n "$1p" "$run/disks"
}

# tools: what the demo needs of the machine.
tools() {
	valkey_server=$(command -v valkey-server || command -v redis-server)
	valkey_cli=$(command -v valkey-cli || command -v redis-cli)
	valkey_user=root
	for t_user in valkey redis; do
		! getent passwd $t_user >/dev/null || valkey_user=$t_user
	done
	t_missing=''
	for t_tool in aws jq cryptsetup dmsetup mkfs.ext4 keyctl blockdev mkswap swapon losetup udevadm systemctl journalctl; do
		command -v $t_tool >/dev/null || t_missing="$t_missing $t_tool"
	done
	[ -n "$valkey_server" ] && [ -n "$valkey_cli" ] || t_missing="$t_missing valkey-server(or redis-server)"
	[ -z "$t_missing" ] || {
		echo "demo: missing programs:$t_missing" >&2
		echo "demo: Debian has them in: awscli jq cryptsetup-bin dmsetup e2fsprogs keyutils valkey-server (12: redis-server)" >&2
		exit 1
	}
}

attach_disks() {
	ad_n=0
	for ad_size in $disk_sizes; do
		ad_n=$((ad_n + 1))
		if [ "$guest" = yes ]; then
			ls "/dev/disk/by-id/virtio-disk$((ad_n - 1))"
		else
			truncate -s "$ad_size" "$work/disk$ad_n" && attach_file "$work/disk$ad_n"
		fi || return 1
	done >"$run/disks"
}

# attach_file FILE: past the page cache where the file system can: its pages would count for the
# swapped Valkey, too.
attach_file() {
	losetup --show -f --direct-io=on "$1" 2>/dev/null || losetup --show -f "$1"
}

detach_disks() {
	[ "$guest" = no ] || return 0
	while read -r dd_disk; do
		losetup -d "$dd_disk"
	done <"$run/disks"
}

# begin: the folders; refuses to run where dm-ecache is used or the demo already runs.
begin() {
	exec 9>/run/ecache-demo.lock
	# finish removes the file: the one that is locked must be the one that others find
	if ! flock -n 9 || [ "$(stat -Lc %i /dev/fd/9)" != "$(stat -c %i /run/ecache-demo.lock 2>/dev/null)" ]; then
		echo "demo: it is already running on this machine" >&2
		exit 1
	fi
	if [ "$guest" = no ] && { systemctl -q is-active ecached.service || [ -e /etc/ecache/ecached.conf ]; }; then
		echo "demo: this host uses dm-ecache (ecached runs, or /etc/ecache/ecached.conf is there): not touching it" >&2
		exit 1
	fi
	if [ -e $work ] || [ -e $run ]; then
		echo "demo: cleaning up after a run that was killed"
		cleanup >/dev/null 2>&1
	fi
	umask 022
	mkdir -p "$run" "$work/mnt" "$data"
	chmod 0700 "$run" "$data"
	attach_disks || {
		echo "demo: no disks" >&2
		exit 1
	}
}

finish() {
	trap - EXIT INT TERM HUP
	collect >/dev/null 2>&1
	cleanup >"$out/cleanup.txt" 2>&1
	finish_left=$(left 2>/dev/null)
	[ -z "$finish_left" ] || {
		echo "demo: left behind:"
		echo "$finish_left"
		[ "$1" -ne 0 ] || set -- 1
	}
	rm -f /run/ecache-demo.lock
	exit "$1"
}

tools
mkdir -p "$out"
rm -f "$out"/*.txt "$out"/*.json "$out"/*.log
begin
trap 'finish $?' EXIT
trap 'finish 130' INT
trap 'finish 143' TERM HUP

report_begin
step "programs, units, module" step_install
step "ecache-kmsd and three identities" step_kms
step "two customer keys by the aws CLI" step_keys
step "ecached and ecache-net" step_agent
step "two caches, one grant each" step_create
step "the host may neither grant nor revoke" step_denied
step "a Valkey on each: $keys keys, RDB and AOF" step_fill
step "swap of the host: 64 MiB pushed out" step_swap
step "raw devices searched for the markers" step_search
step "stop and close" step_close
step "the same bytes through stock dm-crypt" step_oracle
step "open again: every key there" step_reopen
step "the owner revokes the grant of cache 1" step_revoke
step "the owner grants again: cache 1 is back" step_regrant
report_end
finish $?
