#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3
# Guest: --smp 1 --mem 3G --timeout 2400
#
# Five hundred volumes of one key on one host: opened, asked about no more often than their interval says, in no more than 64 MiB of ecached and
# ecache-net together, and all without a key within 30 s of the verdict when the owner disables it. One volume alone is the measure for the last.
. "$(dirname "$0")/lib-agent.sh"

# long-many.sh [VOLUMES [MINUTES]]: how many, and how long their probes are counted
volumes=${1:-500} minutes=${2:-3}
interval=120
memory_kib=65536
limit_ms=30000

ram_disks $((volumes + 1)) 20
agent_start probe-interval=${interval}s teardown-deadline=20s on-disabled=teardown

# agent_pids: ecached, ecache-net and all that they have forked
agent_pids() {
	pgrep -x 'ecached|ecache-net|ecache-revoker|ecache-teardown|ecache-step'
}

# memory FIELD: of them all, in KiB; a page that several share counts once in Pss, and in Rss for each
memory() {
	for pid in $(agent_pids); do
		cat "/proc/$pid/smaps_rollup" 2> /dev/null || true
	done | awk -v field="$1:" '$1 == field { sum += $2 } END { print sum + 0 }'
}

# asked: questions about volumes and keys that the KMS has on record
asked() {
	grep -c '"eventName":"\(Decrypt\|DescribeKey\)"' "$KMS_STATE/cloudtrail.log" || true
}

# nr_of STATE: mappings that the target says are in it
nr_of() {
	dmsetup status --target ecache | grep '^v[0-9]' | grep -c " $1 " || true
}

all_watched() {
	[ "$(ecachectl status v1 --json | jq .agent.watched)" = "$1" ]
}

# When a mapping goes while it looks, dmsetup fails with half of its list: that is no answer.
none_has_a_key() {
	dmsetup status --target ecache > "$WORK/status" 2> /dev/null && ! grep -q '^v[0-9].* ACTIVE ' "$WORK/status"
}

# reports: of the teardowns, when each of them is over
reports() {
	ecachectl status --json | jq '[.volumes[] | select(.name | startswith("v")) | .teardown | select(.done)]' > "$WORK/reports"
	[ "$(jq length "$WORK/reports")" = "$volumes" ]
}

one_is_over() {
	[ "$(status one .teardown.done)" = true ]
}

# One volume under a key of its own.
new_customer_key
does create one /dev/ram0
owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
within $((2 * interval)) "one volume is torn down" one_is_over
alone=$(status one .teardown.key_gone_ms)
say "one volume: key gone after $alone ms"

# The header, and with it the wrapped key and its grant, is made once: what counts here is how many are open, not that each was created.
new_customer_key
does create v1 /dev/ram1
dd if=/dev/ram1 of="$WORK/header" bs=64k count=16 status=none
began=$(now_ms)
for i in $(seq 2 "$volumes"); do
	dd if="$WORK/header" of="/dev/ram$i" bs=1M conv=notrunc status=none
	sed "s|^device=.*|device=/dev/ram$i|" /etc/ecache/volumes.d/v1 > "/etc/ecache/volumes.d/v$i"
	chmod 600 "/etc/ecache/volumes.d/v$i"
	does ecachectl open "v$i"
done
[ "$(nr_of ACTIVE)" = "$volumes" ] || die "$(nr_of ACTIVE) are open"
within 60 "all are watched" all_watched "$volumes"
say "$volumes volumes are open after $((($(now_ms) - began) / 1000)) s"

# Probes, and memory meanwhile.
before=$(asked) most=0 resident=0 slowest=0
end=$(($(now_ms) + minutes * 60000))
while [ "$(now_ms)" -lt $end ]; do
	m_now=$(memory Pss)
	[ "$m_now" -le "$most" ] || most=$m_now
	m_now=$(memory Rss)
	[ "$m_now" -le "$resident" ] || resident=$m_now
	m_now=$(now_ms)
	does ecachectl status v7
	m_now=$(($(now_ms) - m_now))
	[ "$m_now" -le "$slowest" ] || slowest=$m_now
	sleep 5
done
count=$(($(asked) - before))
most_asked=$((minutes * (volumes * 60 * 12 / interval / 10 + 60 / interval + 1)))
say "$count questions in $minutes minutes ($most_asked may be), memory at most $most KiB (resident $resident KiB), slowest status $slowest ms"
[ "$count" -le "$most_asked" ] || die "$count questions are more than $most_asked"
[ "$count" -ge $((most_asked / 2)) ] || die "only $count questions in $minutes minutes"
[ "$most" -le $memory_kib ] || die "$most KiB are more than $memory_kib"
none=$(grep -c '"event":"\(revoke\|lock\)","volume":"v' /var/log/ecache/audit.log || true)
[ "$none" = 0 ] || die "$none volumes were ended"

# The owner ends it.
owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
most=0 processes=0
end=$(($(now_ms) + 2 * interval * 1000))
until none_has_a_key; do
	[ "$(now_ms)" -lt $end ] || die "$(nr_of ACTIVE) keys are still there"
	m_now=$(memory Pss)
	[ "$m_now" -le "$most" ] || most=$m_now
	m_now=$(teardowns)
	[ "$m_now" -le "$processes" ] || processes=$m_now
	sleep 0.5
done
within 300 "all are torn down" reports
jq -e "all(.[]; .key_gone)" "$WORK/reports" > /dev/null || die "$(jq -c '.[] | select(.key_gone | not)' "$WORK/reports")"
last=$(jq 'map(.key_gone_ms) | max' "$WORK/reports")
say "keys gone $(jq 'map(.key_gone_ms) | min' "$WORK/reports") to $last ms after the verdict ($((last / (alone + 1))) times one volume's), $(jq 'map(select(.ahead)) | length' "$WORK/reports") ahead of their turn; all finished after $(jq 'map(.total_ms) | max' "$WORK/reports") ms"
say "meanwhile at most $processes teardowns at once, memory $most KiB"
[ "$processes" -gt 0 ] || die "whoever counts the teardowns has seen none"
[ "$last" -le $limit_ms ] || die "the last key went $last ms after the verdict"
[ "$processes" -le 16 ] || die "$processes teardowns at once"
