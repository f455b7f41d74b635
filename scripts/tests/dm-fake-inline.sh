#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fake disk with inline encryption does what tests of the inline engine take for granted. It stores the ciphertext that the CPU
# would have made; it needs a keyslot for a key, reuses the few that it has and forgets the keys that are evicted; failures to
# program and to evict, and a disk that does not answer, happen when they are asked for; without keyslots each request brings its key;
# without a profile the CPU does the work. The users are ext4 with fscrypt and, where the kernel has it, dm-inlinecrypt, with dm-crypt
# as its oracle. Not for kernels that keep blk-crypto to themselves.
. "$(dirname "$0")/lib.sh"

case $(uname -r) in
6.*)
	say "kernel $KERNEL has no blk-crypto for modules: nothing to test"
	exit 0
	;;
esac
fake=/sys/module/ecache_fake_inline/parameters
mnt=$WORK/mnt
mkdir "$mnt"

# disk PARAMETER=VALUE...: a new /dev/ecfi0
disk() {
	if grep -q '^ecache_fake_inline ' /proc/modules; then
		rmmod ecache_fake_inline
	fi
	insmod "$MODULES/ecache_fake_inline.ko" "$@"
	[ -b /dev/ecfi0 ] || fail "no /dev/ecfi0"
}

# is COUNTER NUMBER
is() {
	read -r value < "$fake/$1"
	[ "$value" -eq "$2" ] || fail "$1 is $value, not $2: $(grep -s . $fake/*)"
}

# at_least COUNTER NUMBER
at_least() {
	read -r value < "$fake/$1"
	[ "$value" -ge "$2" ] || fail "$1 is $value, less than $2: $(grep -s . $fake/*)"
}

# A file system whose files have a key each, under the key in $WORK/fskey.
mount_with_key() {
	mount "$@" /dev/ecfi0 "$mnt"
	id=$(xfs_io -c add_enckey "$mnt" < "$WORK/fskey" | sed 's/.*identifier //')
}

make_fs() {
	mkfs.ext4 -q -b 4096 -O encrypt -E lazy_itable_init=1 /dev/ecfi0
	mount_with_key -o inlinecrypt
	mkdir "$mnt/dir"
	xfs_io -c "set_encpolicy -v 2 $id" "$mnt/dir"
}

unmount() {
	xfs_io -c "rm_enckey $id" "$mnt" > /dev/null
	umount "$mnt"
}

# put NAME: the data, straight to the disk
put() {
	dd if="$WORK/data" of="$mnt/dir/$1" bs=128k oflag=direct conv=fsync status=none
}

# by_cpu NAME...: what the disk encrypted is what the CPU decrypts
by_cpu() {
	mount_with_key
	echo 1 > $fake/reset
	for name; do
		cmp "$WORK/data" "$mnt/dir/$name" || fail "the CPU finds other data in $name"
	done
	is encrypted 0
	unmount
}

fscrypt_tests() {
	disk keyslots=2
	make_fs
	for name in a b c d; do
		put $name
	done
	at_least programmed 4
	is slots_used 2
	at_least encrypted 4
	block=$(filefrag -v "$mnt/dir/a" | awk '$1 == "0:" { sub(/\.\..*/, "", $4); print $4 }')
	dd if=/dev/ecfi0 of="$WORK/raw" bs=4k skip="$block" count=1 iflag=direct status=none
	! cmp -s -n 4096 "$WORK/raw" "$WORK/data" || fail "plaintext on the disk"
	! cmp -s -n 4096 "$WORK/raw" /dev/zero || fail "nothing on the disk"
	unmount
	is slots_used 0
	at_least evicted 2
	by_cpu a b c d
	say "keyslots: shared, reused, emptied; the CPU reads what the disk wrote"

	mount_with_key -o inlinecrypt
	for context in task softirq hardirq; do
		echo $context > $fake/context
		dd if="$mnt/dir/a" bs=128k iflag=direct status=none | cmp - "$WORK/data" || fail "completion in $context"
		put b
	done
	dd if="$mnt/dir/c" of=/dev/null bs=4k count=1 iflag=direct status=none
	echo 1 > $fake/program_fail_next
	! dd if="$mnt/dir/d" of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null || fail "read without a keyslot"
	is program_errors 1
	dd if="$mnt/dir/d" of=/dev/null bs=4k count=1 iflag=direct status=none
	say "completion in each context; a keyslot that cannot be programmed fails the request, once"

	echo 1 > $fake/hold
	dd if="$mnt/dir/d" of=/dev/null bs=4k count=1 iflag=direct status=none &
	pid=$!
	queued=0
	while [ "$queued" = 0 ] && kill -0 $pid; do
		read -r queued < $fake/queued
	done
	sleep 0.3
	kill -0 $pid || fail "a disk on hold answered"
	at_least queued 1	# ext4 may have come with a write of its own
	echo 0 > $fake/hold
	wait $pid || fail "the held read failed"
	is queued 0
	echo 1 > $fake/evict_fail_next
	unmount
	is evict_errors 1
	is slots_used 1
	say "hold; a key that is not evicted stays in its slot"

	disk keyslots=0
	make_fs
	put a
	at_least encrypted 1
	is programmed 0
	unmount
	by_cpu a
	disk keyslots=-1
	make_fs
	put a
	is encrypted 0
	at_least plain 1
	unmount
	[ ! -e /sys/block/ecfi0/queue/crypto ] || fail "no keyslots, but a profile"
	say "a key with each request; no profile"
}

inlinecrypt_tests() {
	disk keyslots=2 size_mb=8
	ram_disks 1 8
	new_key "$WORK/key"
	put_key "$WORK/key"
	for options in '' ' 2 sector_size:4096 iv_large_sectors'; do
		dm fake "0 16384 inlinecrypt aes-xts-plain64 $KEYREF 0 /dev/ecfi0 0$options"
		dm plain "0 16384 crypt aes-xts-plain64 $KEYREF 0 /dev/ram0 0$options"
		for name in fake plain; do
			dd if="$WORK/data" of=/dev/mapper/$name bs=128k oflag=direct status=none
		done
		cmp -n "$(stat -c %s "$WORK/data")" /dev/ecfi0 /dev/ram0 || fail "other bytes than dm-crypt's$options"
		cmp "$WORK/data" - < /dev/mapper/fake 2> "$WORK/cmp" || grep -q EOF "$WORK/cmp" || fail "not what was written$options"
		is slots_used 1
		remove fake plain
		is slots_used 0
	done
	say "dm-inlinecrypt writes what dm-crypt writes"
}

head -c 256k /dev/urandom > "$WORK/data"
new_key "$WORK/fskey"
tested=
if modprobe -q ext4 && [ -e /sys/fs/ext4/features/encryption ]; then
	fscrypt_tests
	tested=yes
fi
if dmsetup targets | grep -q '^inlinecrypt '; then
	inlinecrypt_tests
	tested=yes
fi
[ -n "$tested" ] || fail "this kernel has no user of blk-crypto"
rmmod ecache_fake_inline
