# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Programs, units, rules and the module. A guest is thrown away, so it gets them where `make
# install` puts them; a real host gets the same files below $work and /run, and loses them at the
# end.

step_install() {
	[ -x "$stage/usr/sbin/ecached" ] || fail "no programs in $stage"
	if [ "$guest" = yes ]; then
		cp -a "$stage/." /
		systemd-sysusers ecache.conf
		systemd-tmpfiles --create ecache.conf
	else
		install_beside
	fi
	mkdir -p "$out"
	udevadm control --reload
	systemctl daemon-reload
	if ! grep -q '^dm_ecache ' /proc/modules; then
		modprobe dm_mod
		modprobe -q aesni_intel || true
		insmod "$module" || fail "insmod $module"
		keep module loaded
	fi
	dmsetup targets | grep -q '^ecache ' || fail "device-mapper knows no target ecache"
	note "$(ecachectl --version), module $(dmsetup targets | awk '$1 == "ecache" { print $2 }'), kernel $(uname -r)"
}

# install_beside: every file of the stage, units pointing to it; nothing outside /run, $work, and
# what did not exist.
install_beside() {
	mkdir -p "$work/sbin" /run/udev/rules.d
	cp "$stage"/usr/sbin/ecache* "$work/sbin/"
	for ib_unit in "$stage"/usr/lib/systemd/system/*; do
		sed "s|/usr/sbin/ecache|$work/sbin/ecache|g" "$ib_unit" >"/run/systemd/system/${ib_unit##*/}"
	done
	cp "$stage"/usr/lib/udev/rules.d/*ecache* /run/udev/rules.d/
	if ! getent group ecache >/dev/null; then
		systemd-sysusers "$stage/usr/lib/sysusers.d/ecache.conf"
		keep group made
	fi
	for ib_dir in /etc/ecache /var/lib/ecache /var/log/ecache /var/lib/ecache-kmsd; do
		[ ! -e "$ib_dir" ] || fail "$ib_dir exists: this host uses dm-ecache already"
		echo "$ib_dir" >>"$run/kept.dirs"
	done
	systemd-tmpfiles --create "$stage/usr/lib/tmpfiles.d/ecache.conf"
}

# remove_beside: undoes install_beside.
remove_beside() {
	for rb_unit in "$stage"/usr/lib/systemd/system/*; do
		rm -f "/run/systemd/system/${rb_unit##*/}"
	done
	for rb_rule in "$stage"/usr/lib/udev/rules.d/*ecache*; do
		rm -f "/run/udev/rules.d/${rb_rule##*/}"
	done
	[ ! -e "$run/kept.group" ] || groupdel ecache
	rm -rf /run/ecache /run/ecache-net /run/ecache-kmsd /run/ecache-demo-valkey
	if [ -e "$run/kept.dirs" ]; then
		while read -r rb_dir; do
			rm -rf --one-file-system "$rb_dir"
		done <"$run/kept.dirs"
	fi
	udevadm control --reload
}
