# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# QEMU of the toolbox root, started on the host: its own loader and libraries.

# qemu KERNEL INITRAMFS CMDLINE SECONDS ARG...: runs a guest as the script's child, at most
# SECONDS long (then status 124). stdin should never end: at its end QEMU closes the stdio
# character device, and the guest waits for ever to write to it.
qemu() {
	qemu_kernel=$1 qemu_initrd=$2 qemu_cmdline=$3 qemu_seconds=$4
	shift 4
	supervise timeout --foreground -k 1 "$qemu_seconds" \
		setpriv --pdeathsig KILL \
		"$root/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" \
		"$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" \
		-machine q35 -nodefaults -no-user-config -no-reboot -display none -net none \
		-kernel "$qemu_kernel" -initrd "$qemu_initrd" -append "$qemu_cmdline" "$@"
}

# qemu_share TAG DIR [OPTIONS]: arguments for a 9p share, appended to qemu_args (one per
# line; no path here holds a newline).
qemu_share() {
	qemu_args="$qemu_args
-fsdev
local,id=$1,path=$2,security_model=none,multidevs=remap${3:+,$3}
-device
virtio-9p-pci,fsdev=$1,mount_tag=$1"
}
