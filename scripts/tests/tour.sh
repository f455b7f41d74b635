#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The README's five minutes, typed in order into one shell, in a guest with systemd and one scratch disk; what `make install` installs is in
# build/stage. Then the runbooks of Documentation/operations.md, each after what it is for.
set -eu
src=/src
. $src/scripts/tests/lib-docs.sh
cp -a $src/build/stage/. /
systemd-sysusers ecache.conf
systemd-tmpfiles --create ecache.conf
udevadm control --reload
systemctl daemon-reload
modprobe dm_mod
modprobe -q aesni_intel || true
insmod $src/build/modules/7.3/dm-ecache.ko

readme_tour > /tmp/tour
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

{
	section 'Before the first volume'
	section 'What to watch'

	cat <<-'EOT'
		umount /mnt
		ecachectl close sessions
		systemctl stop ecache-kmsd.socket ecache-kmsd
		if ecachectl open sessions; then exit 1; fi
		systemctl start ecache-kmsd
	EOT
	section 'The KMS is back after an outage'

	cat <<-'EOT'
		[ -b /dev/mapper/sessions ]
		ecachectl revoke sessions
		if ecachectl open sessions; then exit 1; fi
	EOT
	section 'The owner granted again'

	cat <<-'EOT'
		grep hello /mnt/file
		umount /mnt
		ecachectl close sessions
		rm -r /var/lib/ecache/volumes /etc/ecache/volumes.d/sessions
		ecache-kmsd principal add host2 --role
		sed 's|role/host"|role/host*"|' Documentation/examples/creator-policy.json > /tmp/policy
		ecache-kmsd principal update creator --policy /tmp/policy
		install -m 0600 /var/lib/ecache-kmsd/credentials/host2 /etc/ecache/host-credentials
		sed -i 's|role/host$|role/host2|; s|^host-profile.*|host-profile = host2|' /etc/ecache/ecached.conf
		systemctl restart ecache-net ecached
	EOT
	section 'The host died, the disk moved'

	cat <<-'EOT'
		grep hello /mnt/file
		cp /etc/ecache/ecached.conf /tmp/ecached.conf
		echo nonsense >> /etc/ecache/ecached.conf
		systemctl restart ecached || sleep 2
		if systemctl is-active ecached; then exit 1; fi
	EOT
	section 'The agent does not stay up' 1
	echo 'grep hello /mnt/file'
	echo 'cp /tmp/ecached.conf /etc/ecache/ecached.conf'
	section 'The agent does not stay up' 2

	section 'Reading a volume without dm-ecache'

	# the examples, with this volume's name
	cat <<-'EOT'
		systemctl stop ecache@sessions
		mkdir -p /srv/sessions
		sed s/cache1/sessions/g Documentation/examples/fstab >> /etc/fstab
		sed s/cache1/sessions/g Documentation/examples/valkey-cache1.service > /etc/systemd/system/valkey-sessions.service
		systemctl daemon-reload
		systemctl start srv-sessions.mount
		grep hello /srv/sessions/file
		systemctl show -p Requires srv-sessions.mount | grep ecache@sessions.service
		chown valkey: /srv/sessions
		systemctl start valkey-sessions
		valkey-cli -p 6380 set hello world
		systemctl stop valkey-sessions srv-sessions.mount
		sed -i '/sessions/d' /etc/fstab
		sed s/cache1/sessions/g Documentation/examples/srv-cache1.mount > /etc/systemd/system/srv-sessions.mount
		systemctl daemon-reload
		systemctl start valkey-sessions
		valkey-cli -p 6380 get hello
	EOT
} > /tmp/runbooks
[ "$(grep -c '^# block' /tmp/runbooks)" -ge 10 ] || { echo "found no runbooks"; exit 1; }
if ! sh -eux /tmp/runbooks > /tmp/runbooks.out 2>&1; then
	cat /tmp/runbooks.out
	journalctl -b -u 'ecache*' --no-pager | tail -n 40
	exit 1
fi
grep -v '^+' /tmp/runbooks.out
[ "$(tail -n 1 /tmp/runbooks.out)" = world ] || { echo "Valkey has lost its key"; exit 1; }
