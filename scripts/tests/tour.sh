#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The README's five minutes, typed in order into one shell, in a guest with systemd and one scratch disk; what `make install` installs is in
# build/stage.
set -eu
src=/src
cp -a $src/build/stage/. /
systemd-sysusers ecache.conf
systemd-tmpfiles --create ecache.conf
udevadm control --reload
systemctl daemon-reload
modprobe dm_mod
modprobe -q aesni_intel || true
insmod $src/build/modules/7.3/dm-ecache.ko

awk '/^```sh/ { inside = 1; print "# block"; next } /^```/ { inside = 0 } inside' $src/README.md > /tmp/tour
[ "$(grep -c '^# block' /tmp/tour)" -ge 7 ] || { echo "found no tour in the README"; exit 1; }
cd $src
export DISK=/dev/vda AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
if ! sh -eux /tmp/tour > /tmp/tour.out 2>&1; then
	cat /tmp/tour.out
	journalctl -b -u 'ecache*' --no-pager | tail -n 40
	exit 1
fi
grep -v '^+' /tmp/tour.out
[ "$(grep -cx hello /tmp/tour.out)" -ge 2 ] || { echo "the file did not come back"; exit 1; }
grep -qi 'revoked' /tmp/tour.out || { echo "nothing says that the grant was revoked"; exit 1; }
