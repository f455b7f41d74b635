# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Markers: what a value holds and a disk is searched for. A value is TAG:MARKER. The tag is random
# and the same in all values of a data set, so one search counts them all; a marker is 48 random
# bytes in base64, so 64 bytes that are nowhere else and that nothing compresses. Some are also
# searched for one by one, without the tag.

samples=200

# make_markers SET NUMBER: $data/SET.tag, .markers (one a line), .sample
make_markers() {
	printf 'ecache-demo-%s\n' "$(od -An -v -tx1 -N 12 /dev/urandom | tr -d ' \n')" >"$data/$1.tag"
	head -c $(($2 * 48)) /dev/urandom | base64 -w 64 >"$data/$1.markers"
	awk -v every=$(($2 / samples)) 'NR % every == 0' "$data/$1.markers" >"$data/$1.sample"
}

# make_commands SET PREFIX [REPEAT]: the data set as Valkey's protocol, REPEAT markers in a value
# (default 1).
make_commands() {
	LC_ALL=C awk -v tag="$(cat "$data/$1.tag")" -v prefix="$2" -v repeat="${3:-1}" '
		{ value = value tag ":" $0 ";" }
		NR % repeat == 0 {
			key = prefix ":" NR / repeat
			printf "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", length(key), key, length(value), value
			value = ""
		}' "$data/$1.markers"
}

# raw_text DEVICE: what the device itself holds, past the page cache, long runs of zeroes cut.
raw_text() {
	dd if="$1" bs=1M iflag=direct status=none | LC_ALL=C tr -s '\0' '\n'
}

# search DEVICE SET...: writes $data/found.DEVICE: one line for each tag found, and the sampled
# markers found.
search() {
	search_device=$1
	search_name=${1##*/}
	shift
	: >"$data/patterns.$search_name"
	for search_set; do
		cat "$data/$search_set.tag" "$data/$search_set.sample" >>"$data/patterns.$search_name"
	done
	raw_text "$search_device" | LC_ALL=C grep -aoF -f "$data/patterns.$search_name" >"$data/found.$search_name" || true
}

# tags_found DEVICE SET: how many values' tags are on the device.
tags_found() {
	grep -cxF -f "$data/$2.tag" "$data/found.${1##*/}" || true
}

# samples_found DEVICE SET: how many of the sampled markers are.
samples_found() {
	grep -xF -f "$data/$2.sample" "$data/found.${1##*/}" | sort -u | wc -l
}

# sample_size SET
sample_size() {
	wc -l <"$data/$1.sample"
}
