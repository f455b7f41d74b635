#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# later.sh DEB OUT: the package DEB once more as if of a later version, in the folder OUT; for tests of an upgrade. Inside the toolbox.
set -eu

deb=$1 out=$2
dir=$(mktemp -d)
dpkg-deb -R "$deb" "$dir"
version=$(dpkg-deb -f "$deb" Version)
sed -i "s/^Version: .*/Version: $version+later/" "$dir/DEBIAN/control"
if [ -e "$dir/usr/src/dm-ecache-$version" ]; then
	mv "$dir/usr/src/dm-ecache-$version" "$dir/usr/src/dm-ecache-$version+later"
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$version+later\"/" "$dir/usr/src/dm-ecache-$version+later/dkms.conf"
	sed -i "s/^DKMS_VERSION=.*/DKMS_VERSION=$version+later/" "$dir/DEBIAN/postinst" "$dir/DEBIAN/prerm"
	sed -i "s|usr/src/dm-ecache-$version/|usr/src/dm-ecache-$version+later/|" "$dir/DEBIAN/md5sums"
fi
mkdir -p "$out"
dpkg-deb --root-owner-group -b "$dir" "$out" > /dev/null
rm -r "$dir"
