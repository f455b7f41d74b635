# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What gcov counted in dm-ecache/.

# gcov_report MIN DIR: reads gcov's listings, writes DIR/FILE.gcov, prints the table; fails below MIN percent. A header is listed
# once per object: its lines count as run where they ran in any.
gcov_report() {
	awk -v min="$1" -v dir="$2" '
	function share(part, whole) {
		# rounded down: 90.0% means 90
		return sprintf("%d.%d%%", part * 100 / whole, int(part * 1000 / whole) % 10)
	}
	match($0, /^ *[^ :]+: *[0-9]+:/) {
		split($0, field, ":")
		count = field[1]
		line = field[2] + 0
		text = substr($0, RLENGTH + 1)
		gsub(/[ *]/, "", count)
		if (line == 0) {
			if (text ~ /^Source:/) {
				file = ""
				if (text ~ /\/ecache\/dm-ecache\/[^\/]*\.[ch]$/) {
					file = text
					sub(/.*\//, "", file)
				}
			}
			next
		}
		if (file == "")
			next
		if (!(file in last))
			files[++n] = file
		if (line > last[file])
			last[file] = line
		source[file, line] = text
		if (count == "-")
			next
		code[file, line] = 1
		ran[file, line] += count
	}
	END {
		for (i = 1; i <= n; i++) {
			file = files[i]
			lines = covered = 0
			out = dir "/" file ".gcov"
			for (l = 1; l <= last[file]; l++) {
				count = "-"
				if ((file, l) in code) {
					lines++
					count = ran[file, l]
					if (count > 0)
						covered++
					else
						count = "#####"
				}
				printf "%9s:%5d:%s\n", count, l, source[file, l] > out
			}
			close(out)
			if (lines == 0)
				continue
			printf "%-16s %5d of %5d lines  %6s\n", file, covered, lines, share(covered, lines) | "sort"
			all += lines
			all_covered += covered
		}
		close("sort")
		if (all == 0) {
			print "no line was counted"
			exit 1
		}
		printf "lines that never ran: grep -n \"#####\" build/coverage/*.gcov\n"
		print "coverage " share(all_covered, all)
		exit (all_covered * 100 < min * all)
	}'
}
