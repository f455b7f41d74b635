#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make demo VM=no` as root on a real host: this guest (systemd, udev) plays it, with its own kernel's headers, a copy of the
# sources as an administrator has it, and /var/lib on a disk. Afterwards nothing of the demo is left on the host.
set -eu

say() {
	echo "  $*"
}

# seen: what a demo could leave behind; most of it is not there, which is no failure
seen() {
	set +e
	dmsetup ls
	losetup -n -O NAME,BACK-FILE
	ls -d /etc/ecache /var/lib/ecache* /var/log/ecache* /run/ecache* /run/systemd/system/*ecache* /run/udev/rules.d/* 2> /dev/null
	getent passwd | cut -d : -f 1
	getent group | cut -d : -f 1
	grep '^dm_ecache ' /proc/modules
	cat /proc/swaps
	set -e
}

mkfs.ext4 -q /dev/vda
mkdir /run/disk
mount /dev/vda /run/disk
cp -a /var/lib/. /run/disk/
umount /run/disk
mount /dev/vda /var/lib

# as demo-host-build.sh left it
cp -a /src/build/demo-host /root/dm-ecache
cd /root/dm-ecache

rmmod dm_ecache 2> /dev/null || true
seen > /run/before
make demo VM=no
jq -e 'length > 0 and all(.[]; .ok)' build/demo/report.json > /dev/null
seen > /run/after
diff /run/before /run/after || {
	echo "FAILED: the demo left these on the host" >&2
	exit 1
}
say "every step held, and the host is as before"
