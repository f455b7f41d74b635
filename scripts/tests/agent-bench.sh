#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
#
# ecachectl bench: a device with anything on it is refused and not touched; a blank one is measured on every target that this kernel has, and is
# blank again afterwards, also when it was told to stop in the middle; the key is in no argument, keyring or file.
. "$(dirname "$0")/lib.sh"
PATH=${BIN:-$SRC/build/guest}:$PATH
export PATH

load_module
modprobe dm-crypt
ram_disks 2 32

# blank DISK: nothing but zeroes
blank() {
	cmp -s -n $((32 << 20)) "$1" /dev/zero
}

# mappings: those of a benchmark
mappings() {
	dmsetup ls | grep -c '^bench-' || true
}

# refuses TEXT DISK...: says so, and every disk is as it was
refuses() {
	r_text=$1
	shift
	r_before=$(sha256sum /dev/ram0 /dev/ram1)
	if ecachectl bench "$@" --size 32 > "$WORK/out" 2>&1; then
		fail "measured: $*"
	fi
	grep -q -- "$r_text" "$WORK/out" || fail "refused without '$r_text': $(cat "$WORK/out")"
	[ "$(sha256sum /dev/ram0 /dev/ram1)" = "$r_before" ] || fail "a refused disk was written to"
	[ "$(mappings)" = 0 ] || fail "refused, and mapped"
}

mkswap -q /dev/ram0
refuses 'holds a swap' /dev/ram0
swapon /dev/ram0
refuses 'in use: swap' /dev/ram0
swapoff /dev/ram0
blkdiscard -f -z /dev/ram0
dm used "0 65536 linear /dev/ram0 0"
refuses 'held by .*used' /dev/ram0
remove used
printf x | dd of=/dev/ram0 bs=1 seek=20000001 status=none
refuses 'holds data' /dev/ram0
# the blank one is not measured before the other is refused
refuses '/dev/ram0 holds data' /dev/ram1 /dev/ram0
blkdiscard -f -z /dev/ram0
mkdir -p /etc/ecache/volumes.d /dev/disk/by-id
ln -s ../../ram0 /dev/disk/by-id/bench
printf 'format=1\nkind=boot-swap\nluks-uuid=5f0b9a4e-0a44-4b6c-9c55-3d1f6a4a7c11\ndevice=/dev/disk/by-id/bench\n' > "$WORK/pin"
install -m 600 "$WORK/pin" /etc/ecache/volumes.d/swap1
refuses 'device of volume swap1' /dev/ram0
rm -r /etc/ecache /dev/disk/by-id/bench
refuses 'not a block device' "$WORK/pin"
say "refused: a swap area, in use, held, data without a header, a swap volume's disk, a file"

# watch: what is to be seen of the key while it runs
watch() {
	while [ ! -e "$WORK/over" ]; do
		cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\0' '\n' | grep -E '[0-9a-f]{64}' >> "$WORK/seen" || true
		grep 'ecache:bench' /proc/keys > "$WORK/keys" || true
		dmsetup ls | sed -n 's/^bench-[0-9]*-\([a-z-]*\).*/\1/p' >> "$WORK/names"
		sleep 0.5
	done
}

: > "$WORK/seen"
watch &
watcher=$!
ecachectl bench /dev/ram0 --size 32 --rounds 1 --ios 64 --cells 4k-mixed-32 --output "$WORK" --json > "$WORK/out" 2> "$WORK/err" ||
	fail "bench: $(cat "$WORK/err")"
: > "$WORK/over"
wait "$watcher"
[ ! -s "$WORK/seen" ] || fail "an argument looks like a key: $(cat "$WORK/seen")"
[ ! -s "$WORK/keys" ] || fail "the key stays in a keyring: $(cat "$WORK/keys")"
blank /dev/ram0 || fail "not blank afterwards"
[ "$(mappings)" = 0 ] || fail "mappings are left: $(dmsetup ls)"
for name in raw linear crypt crypt-nwq ecache ecache-again ecache-inline; do
	case $KERNEL,$name in 6.*,ecache-inline) continue ;; esac
	jq -e --arg name "$name" '.devices[0].cells[0].targets[] | select(.name == $name) |
		.iops.median > 0 and .cpu_us_per_io.median >= 0 and .read_p50_us.median > 0 and .write_p999_us.median > 0' \
		"$WORK/out" > /dev/null || fail "$name was not measured: $(cat "$WORK/out")"
done
jq -e '.devices[0].cells[0].targets[] | select(.name == "ecache") | .to_raw.iops.rounds == 1 and .to_crypt_nwq.iops.median > 0' \
	"$WORK/out" > /dev/null || fail "no ratios: $(cat "$WORK/out")"
cmp -s "$WORK/out" "$WORK/bench.json" || fail "bench.json is another"
grep -q 'dm-ecache' "$WORK/bench.html" || fail "no page"
grep -q '4 KiB random, 70 % read' "$WORK/bench.txt" || fail "no table"
sort -u "$WORK/names" | tr '\n' ' ' | grep -q 'crypt.*ecache' || fail "no mappings were seen"
say "measured: $(jq -r '[.devices[0].targets[].name] | join(", ")' "$WORK/out"), blank again"

ecachectl bench /dev/ram0 --size 32 --rounds 50 --seconds 2 --cells 4k-randread-1 > "$WORK/out" 2>&1 &
bench=$!
until_true grep -q '^.*: 1 of 50' "$WORK/out" || until_true grep -q '^.*: 1 of 50' "$WORK/out" || fail "does not begin: $(cat "$WORK/out")"
kill "$bench"
status=0
wait "$bench" || status=$?
[ "$status" = 1 ] || fail "told to stop: status $status"
grep -q 'stopped by a signal' "$WORK/out" || fail "told to stop: $(cat "$WORK/out")"
blank /dev/ram0 || fail "stopped, and not blank"
[ "$(mappings)" = 0 ] || fail "stopped, and mappings are left: $(dmsetup ls)"
say "told to stop in the middle: blank again, no mapping left"

python3 "$SRC/scripts/tests/json-schema.py" bench < "$WORK/bench.json" || fail "bench.json is not as its schema says"
say "bench.json is as its schema says"
rmmod brd
unload_module
