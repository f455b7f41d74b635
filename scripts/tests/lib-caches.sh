# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Caches as the examples have them, on top of lib-systemd.sh: the volumes c1 and c2, their mounts /srv/c1 (a line of fstab) and /srv/c2 (a mount
# unit), and what writes to them, c1.service and c2.service, which the volumes' pins name as their units.

EXAMPLES=$SRC/Documentation/examples

# The cache appends to a file, and ends when it cannot. It ends on SIGTERM, unless it is stubborn.
cat > /usr/local/sbin/cache <<-'EOF2'
	#!/bin/sh
	trap '[ -e /run/stubborn ] || exit 0' TERM
	exec 3>> "$1/log" || exit 1
	while echo "$$ $(date +%s)" >&3; do
		sleep 0.3
	done
	exit 1
EOF2
chmod 755 /usr/local/sbin/cache

# cache_unit NAME: the example's dependencies
cache_unit() {
	{
		sed -n '/^\[Unit\]/,/^$/p' "$EXAMPLES/valkey-cache1.service" | sed "s/cache1/$1/g"
		printf '[Service]\nExecStart=/usr/local/sbin/cache /srv/%s\n' "$1"
	} > "/etc/systemd/system/$1.service"
}

# caches_create NAME...: c1 on /dev/vda, c2 on /dev/vdb, under one key; closed
caches_create() {
	sed 's/cache1/c1/g' "$EXAMPLES/fstab" > /etc/fstab
	sed 's/cache1/c2/g' "$EXAMPLES/srv-cache1.mount" > /etc/systemd/system/srv-c2.mount
	for c; do
		mkdir -p "/srv/$c"
		cache_unit "$c"
	done
	systemctl daemon-reload
	new_customer_key
	for c; do
		[ "$c" = c1 ] && disk=/dev/vda || disk=/dev/vdb
		does create "$c" "$disk" --unit "$c.service"
		mkfs.ext4 -q "/dev/mapper/$c"
		does ecachectl close "$c"
	done
}

state_is() {
	[ "$(property "$1" ActiveState)" = "$2" ]
}

running() {
	state_is "$1" active
}

# status_says UNIT TEXT: the status line of systemctl status
status_says() {
	property "$1" StatusText | grep -q -- "$2"
}

# ordered PROPERTY UNIT...: in time
ordered() {
	o_property=$1 o_last=0 o_unit=
	shift
	for u; do
		o_at=$(property "$u" "${o_property}TimestampMonotonic")
		[ "$o_at" -ge "$o_last" ] || die "$o_property: $u ($o_at) before $o_unit ($o_last)"
		o_last=$o_at o_unit=$u
	done
}

# lines NAME: what its cache has written; a service is active before its program has begun
lines() {
	[ ! -e "/srv/$1/log" ] || wc -l < "/srv/$1/log"
}

# writes NAME: its cache is still writing
writes() {
	w_lines=$(lines "$1")
	within 15 "$1 goes on" more_lines "$1" "${w_lines:-0}"
}

more_lines() {
	[ "$(lines "$1")" -gt "$2" ]
}

# has_ended NAME: no mapping, no mount
has_ended() {
	! mountpoint -q "/srv/$1" && ! dmsetup info "$1" > /dev/null 2>&1
}
