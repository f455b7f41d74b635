# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The raw devices are searched for what the caches hold. Encrypted ones must not show any of it; the
# unencrypted control volume and control swap must, or the search itself is broken.

# hidden DEVICE WHAT SET...: no tag and no sampled marker on it.
hidden() {
	hidden_device=$1 hidden_what=$2
	shift 2
	[ ! -s "$data/found.${hidden_device##*/}" ] ||
		fail "$hidden_what $hidden_device shows $(wc -l <"$data/found.${hidden_device##*/}") markers in clear"
	for hidden_set; do
		[ "$(sample_size "$hidden_set")" -ge "$samples" ] || fail "only $(sample_size "$hidden_set") markers to look for"
	done
	note "$hidden_what $hidden_device: none of the markers"
}

step_search() {
	doing "encrypted: $(disk 1), $(disk 2), $(disk 3)"
	search "$(disk 1)" 1 &
	search_first=$!
	search "$(disk 2)" 2
	wait $search_first || fail "searching $(disk 1)"
	search "$(disk 3)" 1 2 swapped &
	search_first=$!
	search "$(disk 4)" 1 2
	wait $search_first || fail "searching $(disk 3)"
	hidden "$(disk 1)" "cache disk" 1
	hidden "$(disk 2)" "cache disk" 2
	hidden "$(disk 3)" "swap disk" 1 2 swapped
	doing "controls: $(disk 4), $(disk 5)"
	for s_set in 1 2; do
		s_tags=$(tags_found "$(disk 4)" $s_set) s_samples=$(samples_found "$(disk 4)" $s_set)
		[ "$s_tags" -ge "$keys" ] || fail "the control volume shows $s_tags values of set $s_set, $keys were written"
		[ "$s_samples" -eq "$(sample_size $s_set)" ] || fail "the control volume shows $s_samples of $(sample_size $s_set) sampled markers"
		note "control disk $(disk 4): $s_tags values of cache $s_set in clear (RDB and AOF), $s_samples of $s_samples sampled markers"
	done
	swap_control
	search "$(disk 5)" swapped
	s_tags=$(tags_found "$(disk 5)" swapped) s_samples=$(samples_found "$(disk 5)" swapped)
	{ [ "$s_tags" -ge $((swap_need / 128)) ] && [ "$s_samples" -ge $((samples / 3)) ]; } ||
		fail "the control swap shows $s_tags markers and $s_samples of the sample: the search would prove nothing"
	note "control swap $(disk 5): $s_tags markers in clear, $s_samples of $(sample_size swapped) sampled"
	swap_end
	note "the swapped Valkey's values came back unchanged through both swaps"
}
