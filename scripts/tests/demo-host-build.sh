#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For demo-host.sh, inside the toolbox root, before its guest: compiles what an administrator would have compiled, in a folder of the same name, so
# that `make` in the emulated guest, where a compiler is slow, finds it done. The result is in build/demo-host.
set -eu

mkdir -p /src/build/demo-host
mount -t tmpfs tmpfs /root
mkdir /root/dm-ecache
mount --bind /src/build/demo-host /root/dm-ecache
tar -C /src --exclude ./build --exclude ./.git -c . | tar -C /root/dm-ecache -x
set -- /lib/modules/7.3.*/build
make -s -C /root/dm-ecache module KDIR="$1"
make -s -C /root/dm-ecache/userspace -j"$(nproc)" all PREFIX=/usr
