#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# latency.sh ROUNDS SECONDS: the guest's part of scripts/bench-latency. Over null_blk, which completes by a timer's interrupt, and virtio-blk: dm-linear, dm-crypt
# (nwq, the same again, default) and dm-ecache under one key, one fio for all of them in a fresh order in each round. A line each to /out/samples:
#
#	sample ROUND CELL DEVICE P50-NS P99-NS IOPS
. "$(dirname "$0")/../tests/lib.sh"

rounds=$1 seconds=$2
devices='linear nwq again default ecache'

# map PREFIX DISK: all of them over the same sectors
map() {
	length=$(($(sectors "$2") / 8 * 8))
	dm "$1-linear" "0 $length linear $2 0"
	crypt "$1-nwq" "$2" 0 "$length" "$WORK/key" sector_size:4096 no_read_workqueue no_write_workqueue
	crypt "$1-again" "$2" 0 "$length" "$WORK/key" sector_size:4096 no_read_workqueue no_write_workqueue
	crypt "$1-default" "$2" 0 "$length" "$WORK/key" sector_size:4096
	ecache "$1-ecache" "$2" 0 "$length" "$WORK/key" sector_size:4096
}

# jobs PREFIX RW DEPTH, tail_jobs PREFIX: fio's file; each device after the other, in an order of this call
jobs() {
	for device in $(echo "$devices" | tr ' ' '\n' | shuf); do
		printf '[%s]\nstonewall\nfilename=/dev/mapper/%s-%s\nrw=%s\nbs=4k\niodepth=%s\n' "$device" "$1" "$device" "$2" "$3"
	done
}

# one process's 1M writes beside another's 4K reads
tail_jobs() {
	for device in $(echo "$devices" | tr ' ' '\n' | shuf); do
		printf '[writer]\nstonewall\nfilename=/dev/mapper/%s-%s\nrw=write\nbs=1m\niodepth=4\n' "$1" "$device"
		printf '[%s]\nfilename=/dev/mapper/%s-%s\nrw=randread\nbs=4k\niodepth=1\n' "$device" "$1" "$device"
	done
}

# run ROUND CELL DIRECTION: the jobs on stdin
run() {
	{
		printf '[global]\ndirect=1\nioengine=libaio\nthread\ntime_based\nramp_time=500ms\nruntime=%s\nnorandommap\nrandrepeat=0\n' "$seconds"
		cat
	} > "$WORK/jobs"
	fio --output-format=json --percentile_list=50:99 --output="$WORK/json" "$WORK/jobs" > "$WORK/fio" 2>&1 || {
		cat "$WORK/fio" "$WORK/json"
		fail "fio: $2"
	}
	awk -v round="$1" -v cell="$2" -v direction="$3" '
		function value(text) { sub(/.*: */, "", text); sub(/,.*/, "", text); return text }
		/^ *"jobname" : / { job = value($0); gsub(/"/, "", job) }
		/^ *"(read|write|trim|sync)" : [{]/ { split($0, words, "\""); part = words[2] }
		part != direction { next }
		/^ *"iops" : / { iops = value($0) }
		/^ *"[a-z]*lat_ns" : [{]/ { split($0, words, "\""); what = words[2] }
		what == "clat_ns" && /^ *"50\.0*" : / { p50 = value($0) }
		what == "clat_ns" && /^ *"99\.0*" : / {
			if (job != "writer")
				print "sample", round, cell, job, p50, value($0), int(iops)
			what = ""
		}' "$WORK/json" >> /out/samples
}

load_module
modprobe dm_crypt
new_key "$WORK/key"
modprobe null_blk nr_devices=0
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 1024 > size && nproc > submit_queues && echo 2 > irqmode && echo 10000 > completion_nsec &&
	echo 4096 > blocksize && echo 1 > power )
dd if=/dev/zero of=/dev/vda bs=1M oflag=direct status=none 2> /dev/null || true
map null /dev/nullb0
map virtio /dev/vda
: > /out/samples
for round in $(seq "$rounds"); do
	say "round $round of $rounds"
	for disk in null virtio; do
		for depth in 1 32; do
			jobs $disk randread $depth | run "$round" $disk-4k-randread-$depth read
			jobs $disk randwrite $depth | run "$round" $disk-4k-randwrite-$depth write
		done
		tail_jobs $disk | run "$round" $disk-4k-randread-beside-1m-write read
	done
done
dmsetup status null-ecache | cut -d ' ' -f 6 > /out/driver
for disk in null virtio; do
	for device in $devices; do
		remove $disk-"$device"
	done
done
unload_module
