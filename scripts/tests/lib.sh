# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the system tests share. A test is a script that runs in a guest as root and ends with status 0 when all it
# promises in its first comment held. It says what it proves as it goes and stops at the first thing that does not hold.
#
# In the guest: the repository read-only at /src, a writable folder at /out, no udev (DM_DISABLE_UDEV=1).

set -eu
export DM_DISABLE_UDEV=1
SRC=${SRC:-/src}
WORK=$(mktemp -d /tmp/test.XXXXXX)

case $(uname -r) in
*-debug) # the two debug kernels have one name
	KERNEL=debug
	[ ! -e /sys/kernel/debug/kcsan ] || KERNEL=kcsan
	;;
6.1.*) KERNEL=6.1 ;;
6.12.*) KERNEL=6.12 ;;
7.3.*) KERNEL=7.3 ;;
*) KERNEL=$(uname -r) ;;
esac
# KiB that a test which compares all that was written writes, or a multiple of it: with KASAN or KCSAN, and that under emulation, a cipher is slow
# shellcheck disable=SC2034 # for the tests
case $KERNEL in
debug | kcsan) AMOUNT=128 ;;
*) AMOUNT=1024 ;;
esac
MODULES=${MODULES:-$SRC/build/modules/$KERNEL}

say() {
	echo "  $*"
}

fail() {
	echo "FAILED: $*" >&2
	dmesg | tail -n 15 >&2
	exit 1
}

# refused TEXT COMMAND...: the command fails, and its output or the kernel's newest lines say TEXT.
refused() {
	text=$1
	shift
	dmesg -C
	if "$@" > "$WORK/refused" 2>&1; then
		fail "accepted: $*"
	fi
	dmesg >> "$WORK/refused"
	grep -q -- "$text" "$WORK/refused" || {
		cat "$WORK/refused" >&2
		fail "refused, but without saying '$text': $*"
	}
}

# built_in MODULE: part of this kernel, so that it cannot be unloaded; the debug kernels have nearly everything so
built_in() {
	modinfo -F filename "$1" | grep -qxF '(builtin)'
}

# lacks FEATURE: so a part of the test is left out, which only a debug kernel may be the reason for
lacks() {
	case $KERNEL in
	debug | kcsan) say "left out: this kernel has no $1" ;;
	*) fail "this kernel has no $1" ;;
	esac
}

load_module() {
	modprobe -q aesni_intel || true
	modprobe dm_mod
	grep -q '^dm_ecache ' /proc/modules || insmod "$MODULES/dm-ecache.ko"
}

# A device that never gives a request back keeps the module for good: who provoked that says so with pin_module.
unload_module() {
	[ -e /run/ecache-pinned ] || rmmod dm_ecache
}

pin_module() {
	: > /run/ecache-pinned
}

# ram_disks NUMBER MIB: /dev/ram0... freshly made
ram_disks() {
	if grep -q '^brd ' /proc/modules; then
		rmmod brd
	fi
	modprobe brd rd_nr="$1" rd_size=$(($2 * 1024))
	[ -b /dev/ram0 ] || fail "no /dev/ram0"
}

sectors() {
	blockdev --getsz "$1"
}

# new_key FILE [BYTES]: a throw-away key
new_key() {
	head -c "${2:-64}" /dev/urandom > "$1"
}

# put_key FILE: into the user keyring as logon key ecache-test:KEY; sets KEYREF
put_key() {
	keyctl padd logon ecache-test:key @u < "$1" > /dev/null
	KEYREF=":$(stat -c %s "$1"):logon:ecache-test:key"
}

# dm NAME TABLE: creates it; the node must be a block device, else a test would write a plain file
dm() {
	dmsetup create "$1" --table "$2"
	[ -b "/dev/mapper/$1" ] || fail "no device node for $1"
}

state() {
	field "$1" 1
}

# field NAME N: the Nth field of the target's status line (1: state). No pipe: a program costs an emulated guest 50 ms.
field() {
	f_number=$2
	# shellcheck disable=SC2046
	set -- $(dmsetup status "$1")
	shift $((2 + f_number))
	echo "$1"
}

key_set() {
	put_key "$2"
	dmsetup message "$1" 0 key set "$KEYREF"
	[ "$(state "$1")" = ACTIVE ] || fail "$1 is $(state "$1") after key set"
}

# stat_of NAME COUNTER: of the answer to the message stats
stat_of() {
	dmsetup message "$1" 0 stats | sed -n "s/^$2 //p"
}

# until_true COMMAND...: tried for ten seconds
until_true() {
	until_try=0
	until "$@"; do
		until_try=$((until_try + 1))
		[ $until_try -lt 100 ] || return 1
		sleep 0.1
	done
}

# ecache NAME DEV OFFSET LENGTH KEYFILE [OPTIONS]: a volume that is ACTIVE
ecache() {
	v_name=$1 v_dev=$2 v_offset=$3 v_length=$4 v_key=$5
	shift 5
	dm "$v_name" "0 $v_length ecache ${CIPHER:-aes-xts-plain64} $(stat -c %s "$v_key") ${IV_OFFSET:-0} $v_dev $v_offset $# $*"
	key_set "$v_name" "$v_key"
}

# crypt NAME DEV OFFSET LENGTH KEYFILE [OPTIONS]: the same bytes by dm-crypt
crypt() {
	v_name=$1 v_dev=$2 v_offset=$3 v_length=$4 v_key=$5
	shift 5
	put_key "$v_key"
	if [ $# -gt 0 ]; then
		set -- $# "$@"
	fi
	dm "$v_name" "0 $v_length crypt ${CIPHER:-aes-xts-plain64} $KEYREF ${IV_OFFSET:-0} $v_dev $v_offset $*"
}

remove() {
	for v_name; do
		dmsetup remove --retry "$v_name"
	done
}

# scsi_disk DRIVER: the node of that SCSI host's first disk
scsi_disk() {
	for host in /sys/class/scsi_host/host*; do
		grep -q "$1" "$host/proc_name" || continue
		set -- "$host"/device/target*/*/block/sd*
		echo "/dev/${1##*/}"
	done
}

# valve: a cgroup whose processes' I/O can be held before a disk, for as long as its io.max says so: MAJOR:MINOR rbps=2 wbps=2; with
# "max" instead of numbers it goes on. Prints its folder.
valve() {
	echo +io > /sys/fs/cgroup/cgroup.subtree_control
	mkdir -p /sys/fs/cgroup/valve
	echo /sys/fs/cgroup/valve
}

now_ms() {
	date +%s%3N
}
