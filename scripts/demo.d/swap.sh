# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Swap belongs to the host: a plain table under a key of this boot alone, which no header and no KMS
# knows. A Valkey larger than its memory limit is pushed onto it, and afterwards onto an unencrypted
# control.

swap_name=ecache-demo-swap
swap_need=$((64 * 1024 * 1024))

# swap_cgroup FILE: the path, of the swapped Valkey's control group.
swap_cgroup() {
	echo "/sys/fs/cgroup$(systemctl show -p ControlGroup --value "$(valkey_unit swapped)")/$1"
}

# swap_volume DEVICE: the key goes from the random source into the keyring and from there into the
# target.
swap_volume() {
	dmsetup create $swap_name --table "0 $(blockdev --getsz "$1") ecache aes-xts-plain64 64 0 $1 0 1 sector_size:4096"
	swap_key=$(head -c 64 /dev/urandom | keyctl padd logon ecache-demo:swap @s)
	dmsetup message $swap_name 0 key set :64:logon:ecache-demo:swap
	keyctl revoke "$swap_key"
	keyctl unlink "$swap_key" @s >/dev/null
	dmsetup status $swap_name | grep -q ' ecache ACTIVE ' || fail "the swap volume is not ACTIVE: $(dmsetup status $swap_name)"
	refused 'logon|[Ii]nvalid|[Nn]o such|[Rr]equired key' dmsetup message $swap_name 0 key set :64:logon:ecache-demo:swap
}

step_swap() {
	swap_zswap=/sys/module/zswap/parameters/enabled
	if [ -e $swap_zswap ] && [ "$(cat $swap_zswap)" = Y ]; then
		keep zswap Y
		echo N >$swap_zswap
	fi
	swap_volume "$(disk 3)"
	mkswap /dev/mapper/$swap_name >/dev/null
	swapon -p 32767 /dev/mapper/$swap_name
	note "$swap_name: $(dmsetup table $swap_name)"

	make_markers swapped $((swap_values * 64))
	mkdir -p "$work/valkey/swapped"
	chown "$valkey_user:" "$work/valkey/swapped"
	valkey_conf swapped "$work/valkey/swapped" 'appendonly no'
	valkey_start swapped
	doing "$swap_values values of 64 markers each, then a memory limit of $swap_limit"
	make_commands swapped swapped 64 >"$data/commands"
	valkey_load swapped "$data/commands"
	rm "$data/commands"
	keep digest.swapped "$(vk swapped debug digest)"
	push_out
	[ "$(swap_written)" -ge $swap_need ] || fail "only $(swap_written) bytes went through $swap_name"
	note "a Valkey of $(vk swapped info memory | tr -d '\r' | sed -n 's/^used_memory_human://p'):" \
		"memory.current $(cat "$(swap_cgroup memory.current)")," \
		"memory.swap.current $(cat "$(swap_cgroup memory.swap.current)")"
}

# push_out: below the limit first, because whoever sets a limit waits for the swapping, and systemd
# should not; then the limit, which systemd must know: it writes what it knows again whenever it
# looks at the group.
push_out() {
	po_limit=$(($(numfmt --from=iec "$swap_limit") * 3 / 4))
	within 120 "memory below $swap_limit" pushed_below $po_limit
	systemctl set-property --runtime "$(valkey_unit swapped)" MemoryMax="$swap_limit"
	within 60 "64 MiB in swap" swapped_out
}

pushed_below() {
	pb_over=$(($(cat "$(swap_cgroup memory.current)") - $1))
	[ $pb_over -le 0 ] || { echo $pb_over >"$(swap_cgroup memory.reclaim)" && false; }
}

# swap_written: what the target has written so far, in bytes.
swap_written() {
	echo $(($(dmsetup status $swap_name | cut -d ' ' -f 12) * 512))
}

swapped_out() {
	[ "$(cat "$(swap_cgroup memory.swap.current)")" -ge $swap_need ]
}

# swap_control: the same pages onto the unencrypted control: read through the target, written to the
# plain device.
swap_control() {
	mkswap "$(disk 5)" >/dev/null
	swapon -p 32766 "$(disk 5)"
	swapoff /dev/mapper/$swap_name
	within 60 "64 MiB in the control swap" swapped_out
	sync
}

# swap_end: every value came through both swaps, and the volume is gone.
swap_end() {
	[ "$(vk swapped debug digest)" = "$(kept digest.swapped)" ] || fail "values of the swapped Valkey differ after swap"
	systemctl stop "$(valkey_unit swapped)"
	swapoff "$(disk 5)"
	dmsetup remove --retry $swap_name
}
