#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
#
# A teardown always ends, and its key goes by the deadline, whatever is in its way: a Valkey under load; a process that never closes its file; one with
# the file mapped and dirty, while ecache-net hangs; a mount namespace that holds the mount (xfs); mounts over and below it and a full disk
# under the audit log and the states; a disk that does not answer, and ecached killed in the middle. Meanwhile the other
# volume's user goes on, and status answers within a second.
. "$(dirname "$0")/lib-teardown.sh"

# audit log and states on a small disk that will be full
ram_disks 3 320
mkdir -p /full
mkfs.ext4 -q -m 0 /dev/vda 16M
mount /dev/vda /full
cleanup() {
	umount -l "$WORK/bound" "$WORK/mnt" 2> /dev/null || true
	agent_cleanup
	umount -l /full
	rmdir /full
	dd if=/dev/zero of=/dev/vda bs=1M count=16 status=none
}
trap cleanup EXIT
AUDIT=/full/audit.log
agent_start probe-interval=3s teardown-deadline=15s on-disabled=teardown audit-log=$AUDIT state-dir=/full/state
mkdir "$WORK/mnt" "$WORK/bound"
watch_start

# volume NAME FS [OPTION...]: a new one on /dev/ram1, mounted on $WORK/mnt
volume() {
	v_name=$1 v_fs=$2
	shift 2
	new_customer_key
	does create "$v_name" /dev/ram1 "$@"
	case $v_fs in
	xfs) mkfs.xfs -q /dev/mapper/"$v_name" ;;
	*) mkfs.ext4 -q /dev/mapper/"$v_name" ;;
	esac
	mount /dev/mapper/"$v_name" "$WORK/mnt"
}

# finish NAME: its device is free again
finish() {
	within 30 "the mapping of $1 is removed" gone "$1"
	! grep -q "/dev/mapper/$1 " /proc/mounts || die "$1 is still mounted: $(grep "/dev/mapper/$1 " /proc/mounts)"
	owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
	does ecachectl destroy "$1" --yes
}

volume busy ext4 --unit valkey-busy.service
group=/sys/fs/cgroup/valkey-busy.service
mkdir $group
( exec sh -c 'echo $$ > '$group'/cgroup.procs && exec valkey-server "$@"' sh --unixsocket "$WORK/valkey.sock" --port 0 --dir "$WORK/mnt" \
	--appendonly yes --appendfsync always --save '1 1' ) > "$WORK/valkey.log" 2>&1 &
PIDS="$PIDS $!"
within 60 "valkey answers" test -S "$WORK/valkey.sock"
nice -n 19 valkey-benchmark -s "$WORK/valkey.sock" -t set -r 20000 -d 500 -c 4 -n 10000000 -q > /dev/null 2>&1 &
PIDS="$PIDS $!"
# its files grow
busy() {
	[ "$(du -s "$WORK/mnt" | cut -f 1)" -gt 400 ]
}
within 180 "valkey writes" busy
begin "busy Valkey: AOF always, RDB every second" busy
revoked busy
over busy
[ "$(cat $group/cgroup.procs)" = "" ] || die "valkey lives"
finish busy
rmdir $group

volume open ext4
echo some > "$WORK/mnt/file"
( exec 4<> "$WORK/mnt/file"; exec sleep 1000 ) &
holder=$!
PIDS="$PIDS $holder"
begin "a process that never closes its file" open
revoked open
over open
! cat "/proc/$holder/fd/4" > /dev/null 2>&1 || die "its file can still be read"
! { echo more >> "/proc/$holder/fd/4"; } 2> /dev/null || die "its file can still be written"
[ "$(status open .teardown.removed)" = false ] || die "removed, while a process has a file open"
kill $holder
finish open

volume mapped ext4
helper map "$WORK/mnt/file" "$WORK/mapped"
holder=$HELPER_PID
within 30 "the file is mapped" grep -q mapped "$WORK/mapped"
kill -STOP "$NET"
begin "a dirty file mapped, ecache-net hangs" mapped
revoked mapped
over mapped
kill -CONT "$NET"
kill -9 "$holder"
finish mapped

modprobe xfs
volume spaces xfs
unshare -m --propagation private sleep 1000 &
holder=$!
PIDS="$PIDS $holder"
elsewhere() {
	grep -q "/dev/mapper/spaces" "/proc/$holder/mounts" && [ "$(readlink /proc/$holder/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]
}
within 10 "another namespace has the mount" elsewhere
echo some > "$WORK/mnt/file"
begin "another namespace has the mount (xfs)" spaces
revoked spaces
over spaces
! grep -q "/dev/mapper/spaces" /proc/$holder/mounts || die "still mounted there"
finish spaces
kill $holder

volume nested ext4
mkdir "$WORK/mnt/dir" "$WORK/mnt/tmp"
echo some > "$WORK/mnt/dir/file"
mount --bind "$WORK/mnt/dir" "$WORK/bound"
mount --bind "$WORK/mnt/dir" "$WORK/mnt/tmp"
mount -t tmpfs below "$WORK/mnt/tmp"
dd if=/dev/zero of=/full/rest bs=64k status=none 2> /dev/null || true
dd if=/dev/zero of=/full/rest bs=512 oflag=append conv=notrunc status=none 2> /dev/null || true
! { echo more > /full/more; } 2> /dev/null || die "/full is not full"
begin "mounts over and below, the audit disk is full" nested
revoked nested
over nested
jq -e .revoked /full/state/volumes/nested.json > /dev/null || die "the revocation is not in the state: $(cat /full/state/volumes/nested.json)"
says 'was revoked' ecachectl open nested
rm /full/rest
finish nested

# A disk that does not answer. The order is the watcher's, since it is ecached that dies.
dmsetup create base --table "0 $(sectors /dev/ram1) linear /dev/ram1 0"
new_customer_key
does create hung /dev/mapper/base
mkfs.ext4 -q /dev/mapper/hung
mount /dev/mapper/hung "$WORK/mnt"
within 20 "hung is watched" verdict_is hung ok
dd if=/dev/zero of="$WORK/mnt/file" bs=64k count=16 status=none
dmsetup suspend --noflush --nolockfs base
begin "a disk hangs, ecached killed in the middle" ""
until_tearing hung
ecached_kill
ecached_again
# over already, when the host is so busy that the deadline has passed
state=$(status hung .state)
[ "$state" = tearing-down ] || [ "$state" = revoked ] || die "hung is $state in the eyes of the next ecached"
over hung
[ "$(grep -c '"event":"revoke","volume":"hung"' $AUDIT)" = 1 ] || die "not one record of it: $(grep hung $AUDIT)"
dmsetup resume base
finish hung
dmsetup remove --retry base

table
watch_stop
