#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dkms.sh VERSION RELEASE...: dm-ecache-dkms on a host with these kernels: installed, DKMS builds and installs the module for each; after an
# upgrade only the new version is there, after a removal nothing. Inside the toolbox, whose root may be written to. The last kernel's module, as
# built, goes to build/deb, for a guest in which a compiler would take half an hour.
set -eu

version=$1
shift
deb=/src/build/deb/dm-ecache-dkms_${version}_all.deb

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# installed VERSION RELEASE: dkms says so, and modprobe would find it
installed() {
	dkms status -m dm-ecache -v "$1" -k "$2" | grep -q ': installed' || fail "$2: $(dkms status)"
	modinfo -k "$2" dm-ecache > /tmp/modinfo || fail "$2: no module"
	grep -q "^vermagic: *$2 " /tmp/modinfo || fail "$2: $(grep vermagic /tmp/modinfo)"
}

# Of the debug kernel there is a link only. A host's own kernel is not among these: then all of them get the module.
rm -f /lib/modules/*-debug
dpkg -i "$deb"
for release; do
	installed "$version" "$release"
	if grep -i 'warning' "/var/lib/dkms/dm-ecache/$version/$release/x86_64/log/make.log"; then
		fail "$release: warnings"
	fi
	echo "$release: built and installed"
done
dkms mktarball -m dm-ecache -v "$version" -k "$release" --archive "dm-ecache-$version.dkms.tar.gz"
cp "/var/lib/dkms/dm-ecache/$version/tarball/dm-ecache-$version.dkms.tar.gz" /src/build/deb/

sh /src/scripts/deb.d/later.sh "$deb" /tmp/later
dpkg -i /tmp/later/*.deb
installed "$version+later" "$release"
[ ! -e "/var/lib/dkms/dm-ecache/$version" ] || fail "the old version is still there"
[ ! -e "/usr/src/dm-ecache-$version" ] || fail "the old sources are still there"
echo "upgraded: $(dkms status)"

dpkg -P dm-ecache-dkms
left=$(find /lib/modules -name 'dm-ecache*'; ls -d /usr/src/dm-ecache-* /var/lib/dkms/dm-ecache 2> /dev/null || true)
[ -z "$left" ] || fail "left behind: $left"
echo "removed: nothing is left"
