#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3
# Guest: --smp 1 --mem 3G --timeout 3600
#
# Teardowns that take long. A disk behind dm-delay that answers after a day: ext4 and xfs, mounted over and below; ecached killed with all its
# helpers; a hundred volumes of one key that is disabled, each mounted: at most 16 at a time, all keys gone by the deadline; forty whose disks
# hang, so that keys go ahead of their turn; and forty more with ecached killed, while most still wait. Meanwhile another volume's user goes
# on, and status answers within a second.
. "$(dirname "$0")/lib-teardown.sh"

# long-teardown.sh [VOLUMES [HUNG]]: how many; 0 leaves those cases out
volumes=${1:-100} hung=${2:-40}
most=$((volumes > hung ? volumes : hung))
modprobe dm_delay
modprobe xfs
ram_disks $((most + 1)) 320
# A hundred volumes that are asked about every few seconds would be all that an emulated processor does.
agent_start probe-interval=60s teardown-deadline=15s on-disabled=teardown
mkdir "$WORK/mnt" "$WORK/bound" "$WORK/m"
# What hangs answers again before anything is unmounted: whoever waits for it could not be ended.
cleanup() {
	dmsetup ls 2> /dev/null | awk '$1 ~ /^(base|low[0-9]+)$/ { print $1 }' > "$WORK/below"
	while read -r below; do
		dmsetup suspend --noflush --nolockfs "$below" || true
		dmsetup table "$below" | awk '{ $3 = "linear"; print $1, $2, $3, $4, $5 }' | dmsetup load "$below" || true
		dmsetup resume "$below" || true
	done < "$WORK/below"
	agent_cleanup
}
trap cleanup EXIT
watch_start

# disable: the owner ends access to all of them
disable() {
	owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
}

finish() {
	within 60 "the mapping of $1 is removed" gone "$1"
	owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
	does ecachectl destroy "$1" --yes
}

# delay DEV MS: base is DEV, answering so late
delay() {
	d_table="0 $(sectors "$1") delay $1 0 $2"
	if dmsetup info base > /dev/null 2>&1; then
		dmsetup suspend --noflush --nolockfs base
		dmsetup load base --table "$d_table"
		dmsetup resume base
	else
		dmsetup create base --table "$d_table"
	fi
}

for fs in ext4 xfs; do
	delay /dev/ram1 0
	new_customer_key
	does create slow /dev/mapper/base
	"mkfs.$fs" -q /dev/mapper/slow
	mount /dev/mapper/slow "$WORK/mnt"
	mkdir "$WORK/mnt/dir" "$WORK/mnt/below"
	mount --bind "$WORK/mnt/dir" "$WORK/bound"
	mount -t tmpfs below "$WORK/mnt/below"
	sync -f "$WORK/mnt"
	delay /dev/ram1 86400000
	dd if=/dev/zero of="$WORK/mnt/dir/file" bs=64k count=32 status=none
	timeout 1 sync -f "$WORK/mnt" &
	sleep 1
	begin "a disk that answers after a day, nested mounts ($fs)" ""
	revoked slow
	over slow
	delay /dev/ram1 0
	finish slow
	dmsetup remove --retry base
	say "$fs: the disk is back, nothing is left"
done

# All that was at it dies with ecached; the next one knows by the mark in the state.
dmsetup create base --table "0 $(sectors /dev/ram1) linear /dev/ram1 0"
new_customer_key
does create killed /dev/mapper/base
mkfs.ext4 -q /dev/mapper/killed
mount /dev/mapper/killed "$WORK/mnt"
dd if=/dev/zero of="$WORK/mnt/file" bs=64k count=16 status=none
dmsetup suspend --noflush --nolockfs base
begin "a disk hangs, ecached and all its helpers killed" ""
until_tearing killed
ecached_kill
for pid in $(pgrep -x 'ecache-teardown|ecache-revoker|ecache-step'); do
	kill -9 "$pid"
done
grep -q '"revoked": *{' /var/lib/ecache/volumes/killed.json || die "a teardown began before the state was marked"
[ "$(dmsetup status killed | awk '{ print $4 }')" = ACTIVE ] || die "the key went before anybody was killed: $(dmsetup status killed)"
ecached_again
over killed
dmsetup resume base
finish killed
dmsetup remove --retry base

# many NAME COUNT: as many volumes of one key, NAME1 ..., each with a file system that is mounted, on a disk low1 ... of its own
many() {
	NAMES=$1 COUNT=$2
	kill -STOP "$PROBER"
	new_customer_key
	for i in $(seq "$COUNT"); do
		dmsetup create "low$i" --table "0 $(sectors "/dev/ram$i") linear /dev/ram$i 0"
		does create "$NAMES$i" "/dev/mapper/low$i"
		mkfs.ext4 -q "/dev/mapper/$NAMES$i" 16M
		mkdir -p "$WORK/m/$i"
		mount "/dev/mapper/$NAMES$i" "$WORK/m/$i"
		sync -f "$WORK/m/$i"
		echo some > "$WORK/m/$i/file"
	done
	kill -CONT "$PROBER"
	# the answer that it was stopped in is none
	m_from=$(now_ms)
	within 60 "status answers again" answered "$m_from" 2
	within 180 "all are open" all_are open
	say "$COUNT volumes of one key are open and mounted"
}

# begin_many CASE: an answer is one about all of them, and what the kernel does for sixteen teardowns comes before any program, whatever its priority:
# twice what a case of one volume is allowed.
begin_many() {
	begin "$1" ""
	LIMIT=$((2 * LIMIT))
}

# each_low VERB: of dmsetup, for their disks
each_low() {
	for i in $(seq "$COUNT"); do
		case $1 in
		suspend) dmsetup suspend --noflush --nolockfs "low$i" ;;
		*) dmsetup "$1" "low$i" ;;
		esac
	done
}

# all_are STATE: states.log, which a failed test shows, has which there are, and of how many
all_are() {
	ecachectl status --json > "$WORK/all" || return 1
	jq -c "[.volumes[] | select(.name | startswith(\"$NAMES\")) | .state] | group_by(.) | map({(.[0]): length}) | add" "$WORK/all" > "$WORK/states.log"
	[ "$(cat "$WORK/states.log")" = "{\"$1\":$COUNT}" ]
}

# active: how many of them have a key
active() {
	dmsetup status --target ecache | grep "^${NAMES}[0-9]" | grep -c ' ACTIVE ' || true
}

no_key() {
	[ "$(active)" = 0 ]
}

# all_over: the pass rule for all of them, and a line of the table with the latest of each
all_over() {
	within 180 "the keys of $NAMES are gone" no_key
	within 180 "all of $NAMES are revoked" all_are revoked
	ecachectl status --json | jq "[.volumes[] | select(.name | startswith(\"$NAMES\")) | .teardown]" > "$WORK/reports"
	jq -e "length == $COUNT and all(.[]; .done and .key_gone and .in_time and .key_gone_ms <= $DEADLINE)" "$WORK/reports" > /dev/null ||
		die "$CASE: $(jq -c '.[] | select(.in_time | not)' "$WORK/reports")"
	[ "$(active)" = 0 ] || die "$CASE: $(active) keys are still there"
	for i in $(seq "$COUNT"); do
		grep -q '"event":"revoke","volume":"'"$NAMES$i"'"' /var/log/ecache/audit.log || die "$CASE: no audit record of $NAMES$i"
		unreadable "$NAMES$i" || die "$CASE: the device of $NAMES$i can still be read"
	done
	a_answer=$(worst "$WORK/answers" "$ANSWERS") a_gap=$(worst "$WORK/writes" "$FROM")
	kill -0 "$WRITER" || die "$CASE: the other volume's user saw an error: $(cat "$WORK/helper.log")"
	printf '%s|%s|%s|%s|%s\n' "$CASE" "$(jq 'map(.key_gone_ms) | max' "$WORK/reports")" "$(jq 'map(.total_ms) | max' "$WORK/reports")" \
		"$a_answer" "$a_gap" >> "$WORK/table"
	AHEAD=$(jq 'map(select(.ahead)) | length' "$WORK/reports")
	say "$CASE: first key after $(jq 'map(.key_gone_ms) | min' "$WORK/reports") ms, last after $(jq 'map(.key_gone_ms) | max' "$WORK/reports") ms, $AHEAD ahead of their turn"
	[ "$a_answer" -lt "$LIMIT" ] || die "$CASE: an answer of status took $a_answer ms (before: $CALM ms)"
	[ "$a_gap" -lt $GAP ] || die "$CASE: a write to the other volume took $a_gap ms"
}

none_mapped() {
	! dmsetup ls | grep -q "^${NAMES}[0-9]"
}

end_all() {
	kill -STOP "$PROBER"
	within 90 "all mappings of $NAMES are removed" none_mapped
	within 30 "nothing waits in D state: $(waiting)" none_waits
	owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
	for i in $(seq "$COUNT"); do
		does ecachectl destroy "$NAMES$i" --yes
	done
	each_low remove
	kill -CONT "$PROBER"
}

# most_at_once: the largest number of supervisors that were seen at a time, in $WORK/most, until at_most_16 looks
most_at_once() {
	m_most=0
	while [ ! -e "$WORK/stop" ]; do
		m_now=$(teardowns)
		[ "$m_now" -le "$m_most" ] || m_most=$m_now
		echo "$m_most" > "$WORK/most"
		sleep 0.5
	done
	rm "$WORK/stop"
}

at_most_16() {
	: > "$WORK/stop"
	[ "$(cat "$WORK/most")" -gt 0 ] || die "$CASE: whoever counts the teardowns has seen none"
	[ "$(cat "$WORK/most")" -le 16 ] || die "$CASE: $(cat "$WORK/most") teardowns at once"
	say "at most $(cat "$WORK/most") teardowns at once"
}

one_key() {
	many v "$volumes"
	begin_many "$volumes volumes of one key"
	most_at_once &
	PIDS="$PIDS $!"
	renice -n -10 -p $! > /dev/null		# sixteen teardowns leave it no turn otherwise
	disable
	all_over
	at_most_16
	end_all
}

# Each disk hangs, so that the first turns end after the deadline: the others' keys go ahead.
all_hang() {
	many w "$hung"
	each_low suspend
	begin_many "$hung volumes of one key, all disks hang"
	most_at_once &
	PIDS="$PIDS $!"
	renice -n -10 -p $! > /dev/null		# sixteen teardowns leave it no turn otherwise
	disable
	all_over
	[ "$AHEAD" -ge $((hung - 16)) ] || die "$CASE: only $AHEAD keys went ahead"
	at_most_16
	each_low resume
	end_all
}

marked() {
	[ "$(grep -l '"revoked": *{' /var/lib/ecache/volumes/x*.json | wc -l)" = "$COUNT" ]
}

killed_meanwhile() {
	many x "$hung"
	each_low suspend
	begin_many "$hung volumes, disks hang, ecached killed"
	disable
	within 120 "all are marked" marked
	[ "$(active)" = "$COUNT" ] || die "killed too late: $(active) keys are there"
	ecached_kill
	ecached_again
	all_over
	each_low resume
	end_all
}

[ "$volumes" = 0 ] || one_key
[ "$hung" = 0 ] || all_hang
[ "$hung" = 0 ] || killed_meanwhile
table
watch_stop
