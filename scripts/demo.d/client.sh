# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# A client of the second cache: one connection that writes and reads back without a pause longer
# than 50 ms. Any other answer than the right one, or the end of the connection, is an error. Writes
# $run/client.result: requests, errors, the longest answer in hundredths of a second.

client_key=ecache-demo:client

client_begin() {
	rm -f "$run/client.stop" "$run/client.result" "$run/client.in" "$run/client.out"
	mkfifo "$run/client.in" "$run/client.out"
	client_run >"$run/client.log" 2>&1 &
	echo $! >"$run/client.pid"
}

client_run() {
	set +e
	vk 2 <"$run/client.in" >"$run/client.out" 2>&1 &
	exec 5>"$run/client.in" 6<"$run/client.out"
	client_n=0 client_errors=0 client_worst=0
	while [ ! -e "$run/client.stop" ]; do
		client_n=$((client_n + 1))
		client_ask "SET $client_key $client_n" OK
		client_ask "GET $client_key" "$client_n"
		echo "$((client_n * 2)) $client_errors $client_worst" >"$run/client.now"
		[ $client_errors -lt 20 ] || break
		sleep 0.05
	done
	client_ask "DEL $client_key" 1
	echo "$((client_n * 2)) $client_errors $client_worst" >"$run/client.result"
}

# client_ask COMMAND ANSWER
client_ask() {
	tick
	client_from=$tick
	client_answer=
	echo "$1" >&5
	read -r client_answer <&6
	tick
	[ "$client_answer" = "$2" ] || {
		client_errors=$((client_errors + 1))
		echo "$1: '$client_answer', not '$2'"
	}
	[ $((tick - client_from)) -le "$client_worst" ] || client_worst=$((tick - client_from))
}

# client_end: how it went; fails on any error.
client_end() {
	: >"$run/client.stop"
	within 60 "the client of cache 2 ends" test -s "$run/client.result"
	read -r ce_requests ce_errors ce_worst <"$run/client.result"
	[ "$ce_errors" -eq 0 ] || fail "the client of cache 2 saw $ce_errors errors: $(tail -n 3 "$run/client.log")"
	[ "$ce_requests" -ge 200 ] || fail "the client of cache 2 made only $ce_requests requests"
	note "meanwhile cache 2 served $ce_requests requests without an error, the slowest in $(seconds "$ce_worst") s"
}
