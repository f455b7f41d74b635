# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scripts/bench-latency says of its samples (bench.d/latency.sh). -v out=table|json, bound=RATIO, and for the JSON revision, kernel, accel.
#
# Devices are compared within a round; the median of the rounds' ratios counts. A cell is behind when dm-ecache's ratio to dm-crypt nwq is above the bound by more than the
# same dm-crypt again is off 1.

function median(list, n,    i, j, v) {
	for (i = 2; i <= n; i++) {
		v = list[i]
		for (j = i - 1; j >= 1 && list[j] > v; j--)
			list[j + 1] = list[j]
		list[j + 1] = v
	}
	if (!n)
		return ""
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# ratio: of two devices' P50 or P99
function ratio(cell, what, device, to,    r, n, list) {
	n = 0
	for (r = 1; r <= rounds; r++)
		if (ns[cell, r, device, what] > 0 && ns[cell, r, to, what] > 0)
			list[++n] = ns[cell, r, device, what] / ns[cell, r, to, what]
	return median(list, n)
}

function middle(cell, what, device,    r, n, list) {
	n = 0
	for (r = 1; r <= rounds; r++)
		if (ns[cell, r, device, what] > 0)
			list[++n] = ns[cell, r, device, what]
	return median(list, n)
}

function is_behind(cell, what,    again, own) {
	again = ratio(cell, what, "again", "nwq")
	own = ratio(cell, what, "ecache", "nwq")
	if (own == "" || again == "")
		return 1
	return own > bound + (again > 1 ? again - 1 : 1 - again)
}

$1 == "sample" {
	if (!($3 in known)) {
		known[$3]
		cells[++nr_cells] = $3
	}
	ns[$3, $2, $4, "p50"] = $5
	ns[$3, $2, $4, "p99"] = $6
	if ($2 > rounds)
		rounds = $2
}

function table(    i, c, p, w) {
	printf "%-36s %-4s %8s %8s %8s %8s   %s\n", "ecache /", "", "nwq", "default", "linear", "A/A", "ecache, us"
	for (i = 1; i <= nr_cells; i++) {
		c = cells[i]
		for (p = 50; p <= 99; p += 49) {
			w = "p" p
			printf "%-36s %-4s %8.3f %8.3f %8.3f %8.3f   %.1f%s\n", (p == 50 ? c : ""), w, ratio(c, w, "ecache", "nwq"), \
				ratio(c, w, "ecache", "default"), ratio(c, w, "ecache", "linear"), ratio(c, w, "again", "nwq"), \
				middle(c, w, "ecache") / 1000, (is_behind(c, w) ? "  BEHIND" : "")
		}
	}
}

function json(    i, c, p, w) {
	printf "{\"format\":1,\"revision\":\"%s\",\"kernel\":\"%s\",\"accel\":\"%s\",\"rounds\":%d,\"bound\":%s,\"cells\":{", revision, kernel, accel, rounds, bound
	for (i = 1; i <= nr_cells; i++) {
		c = cells[i]
		printf "%s\"%s\":{", (i > 1 ? "," : ""), c
		for (p = 50; p <= 99; p += 49) {
			w = "p" p
			printf "%s\"%s\":{\"to_nwq\":%.4f,\"to_default\":%.4f,\"to_linear\":%.4f,\"again_to_nwq\":%.4f,\"ns\":%d,\"behind_nwq\":%s}", \
				(p > 50 ? "," : ""), w, ratio(c, w, "ecache", "nwq"), ratio(c, w, "ecache", "default"), ratio(c, w, "ecache", "linear"), \
				ratio(c, w, "again", "nwq"), middle(c, w, "ecache"), (is_behind(c, w) ? "true" : "false")
		}
		printf "}"
	}
	print "}}"
}

END {
	if (!nr_cells)
		exit 2
	for (i = 1; i <= nr_cells; i++)
		if (is_behind(cells[i], "p50") || is_behind(cells[i], "p99"))
			bad = 1
	if (out == "json")
		json()
	else
		table()
	exit bad + 0
}
