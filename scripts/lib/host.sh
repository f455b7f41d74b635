# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The host's own packages. Needs: say.sh, cache.sh.

# list_packages FILE...: the names in package lists.
list_packages() {
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@"
}

# missing_packages FILE...: those that are not installed.
missing_packages() {
	# shellcheck disable=SC2046 # one argument per name
	dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $(list_packages "$@") 2>/dev/null |
		sed -n 's/^ii  *//p' | sort -u >"$host_tmp"
	list_packages "$@" | sort -u | comm -23 - "$host_tmp"
}

# ensure_host: what makes the toolbox and checks the project.
ensure_host() {
	install_missing "$boxd/build-packages" "$boxd/host-packages"
}

# ensure_build_host: no more than builds module and programs.
ensure_build_host() {
	install_missing "$boxd/build-packages"
}

# install_missing FILE...: installs what is missing; asks nothing of the network otherwise.
install_missing() {
	command -v apt-get >/dev/null || die "the host has no apt-get: Debian is needed"
	host_tmp=$(mktemp) || die "cannot make a temporary file"
	host_missing=$(missing_packages "$@")
	rm -f "$host_tmp"
	[ -n "$host_missing" ] || return 0
	need_root "installing packages"
	# shellcheck disable=SC2086 # one argument per name
	set -- $host_missing
	say "installing $# packages on the host: $*"
	take_lock host
	mkdir -p "$cache/log"
	supervise_logged "$cache/log/host" env DEBIAN_FRONTEND=noninteractive sh -c '
		apt-get -q -o DPkg::Lock::Timeout=300 update &&
		apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"' sh "$@" ||
		die "the host's packages could not be installed"
	drop_lock
}
