# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# KVM where it really works, else TCG (QEMU's own emulation). On some machines /dev/kvm
# opens and guests hang, so it is tried: once per boot of this machine.

accel_probe() {
	[ -c /dev/kvm ] && [ -r /dev/kvm ] && [ -w /dev/kvm ] || return 1
	ensure_initramfs 7.3
	accel_kernel=$(kernel_image 7.3) || exit 1
	accel_log=$(mktemp) || die "cannot make a temporary file"
	qemu "$accel_kernel" "$initramfs_file" "console=ttyS0 panic=-1 ecache.probe" 20 \
		-accel kvm -cpu max -smp 1 -m 256M -serial "file:$accel_log" </dev/null 2>/dev/null
	accel_ok=1
	grep -aq 'ecache: guest runs' "$accel_log" && accel_ok=0
	rm -f "$accel_log"
	return "$accel_ok"
}

# accelerator: sets accel to kvm or tcg. ECACHE_ACCEL overrides.
accelerator() {
	case ${ECACHE_ACCEL:-} in
	kvm | tcg)
		accel=$ECACHE_ACCEL
		return 0
		;;
	'') ;;
	*) die "ECACHE_ACCEL is '$ECACHE_ACCEL': kvm or tcg" ;;
	esac
	accel_file=$cache/accel
	accel_boot=$(cat /proc/sys/kernel/random/boot_id)
	if [ -r "$accel_file" ]; then
		read -r accel_seen accel <"$accel_file"
		[ "$accel_seen" = "$accel_boot" ] && return 0
	fi
	accel=tcg
	accel_probe && accel=kvm
	say "guests run with $accel on this machine"
	echo "$accel_boot $accel" >"$accel_file.$$"
	mv "$accel_file.$$" "$accel_file"
}
