# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What scripts share that run several tests in one guest: the state of the kernel is not reset between them.

# leftovers: a test leaves no dm device
leftovers() {
	[ "$(dmsetup ls)" = "No devices found" ] || {
		echo "devices left: $(dmsetup ls)" >&2
		return 1
	}
}

# take_away: requests that are held, mounts, swap, devices that are suspended or in use (their tables become errors)
take_away() {
	for fake in /sys/module/ecache_fake_*/parameters; do
		[ ! -e "$fake/hold" ] || echo 0 > "$fake/hold"
		[ ! -e "$fake/reset" ] || echo 1 > "$fake/reset"
	done
	swapoff -a
	awk '$2 ~ "^/tmp/" { print $2 }' /proc/mounts | tac | xargs -r umount -l
	for left in $(dmsetup ls | sed 's/[[:space:]].*//; /^No$/d'); do
		timeout 10 dmsetup wipe_table --force --noflush "$left"
		timeout 10 dmsetup resume "$left"
	done
	timeout 30 dmsetup remove_all --force
}

# clear_away: what a failed test left goes by force, so that the next one tells of itself; false when that hangs, as it does behind a bio that never ends
clear_away() {
	take_away > /dev/null 2>&1 &
	away=$!
	for _ in $(seq 30); do
		kill -0 $away 2> /dev/null || return 0
		sleep 1
	done
	return 1
}

# unload: the modules that tests load; false when ours stays
unload() {
	rmdir /sys/kernel/config/nullb/*/
	for module in dm_ecache ecache_fake_inline ecache_fake_accel null_blk brd dm_delay; do
		rmmod $module
	done
	! grep -q '^dm_ecache ' /proc/modules
} 2> /dev/null

# uptime: seconds of this guest
uptime() {
	cut -d ' ' -f 1 /proc/uptime
}
