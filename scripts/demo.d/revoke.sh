# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The owner takes the grant of the first cache back, and later gives it again.

revoke_limit=90

# since CENTIS: seconds from then to now.
since() {
	tick
	seconds $((tick - $1))
}

# watch_key FROM: until the target has no key; says what the agent thinks meanwhile.
watch_key() {
	wk_verdict='' wk_round=0
	while [ "$(dm_state 1)" = ACTIVE ]; do
		tick
		[ $((tick - $1)) -lt $((revoke_limit * 100 + 3000)) ] || fail "the key is still there $(since "$1") s after the revoke"
		wk_round=$((wk_round + 1))
		if [ $((wk_round % 10)) -eq 0 ]; then
			wk_now=$(status_of 1 '.probe.verdict')
			[ "$wk_now" = "$wk_verdict" ] || note "+$(since "$1") s: the agent's verdict on cache 1: $wk_now"
			wk_verdict=$wk_now
		fi
		sleep 0.1
	done
}

teardown_done() {
	[ "$(status_of 1 .teardown.done)" = true ]
}

# teardown_report: the agent's own times, which count from the verdict.
teardown_report() {
	within 60 "the teardown's end" teardown_done
	status_of 1 .teardown >"$out/teardown.json"
	jq -e --argjson limit $((deadline * 1000)) '.key_gone and .in_time and .key_gone_ms >= 0 and .key_gone_ms <= $limit' \
		"$out/teardown.json" >/dev/null || fail "teardown not in time: $(jq -c . "$out/teardown.json")"
	note "teardown after the verdict: key gone at $(jq .key_gone_ms "$out/teardown.json") ms, end at $(jq .total_ms "$out/teardown.json") ms (deadline $deadline s)"
	jq -r '.steps[] | "  \(.name): \(.outcome) at \(.start_ms) ms, \(.ms) ms\(if (.text // "") == "" then "" else " (\(.text))" end)"' \
		"$out/teardown.json" >"$run/teardown-steps"
	while IFS= read -r tr_line; do
		note "$tr_line"
	done <"$run/teardown-steps"
}

# nothing_left PID: what used the volume has ended or gets errors; 7 is a descriptor of the device,
# 8 one of a file on it.
nothing_left() {
	refused 'Input/output error' dd of=/dev/null bs=4096 count=1 iflag=direct <&7
	refused 'Input/output error' dd of=/dev/null bs=4096 count=1 <&7
	refused 'Input/output error' dd of=/dev/null bs=4096 count=1 <&8
	note "descriptors opened before, of the device and of a file: Input/output error"
	nl_key=$(head -c 64 /dev/urandom | keyctl padd logon ecache-demo:late @s)
	refused . dmsetup message "$(volume 1)" 0 key set :64:logon:ecache-demo:late
	keyctl revoke "$nl_key"
	note "key set: refused (table: $(dmsetup table "$(volume 1)"))"
	[ ! -d "/proc/$1" ] || fail "Valkey's process $1 is still there"
	! grep -q " $(mount_of 1) " /proc/self/mountinfo || fail "$(mount_of 1) is still mounted"
	note "Valkey's process $1 is gone, its file system is not mounted"
}

device_gone() {
	[ "$(dm_state 1)" = - ]
}

step_revoke() {
	client_begin
	rv_pid=$(valkey_pid 1)
	[ "$rv_pid" -gt 1 ] || fail "cache 1 has no Valkey"
	exec 7<"/dev/mapper/$(volume 1)" 8<"$(mount_of 1)/dump.rdb"
	dd of=/dev/null bs=4096 count=2 iflag=direct status=none <&7
	dd of=/dev/null bs=4096 count=1 status=none <&8
	within 60 "the agent's ok on cache 1" agent_ok 1

	aws_as owner kms revoke-grant --key-id "$(kept key.1)" --grant-id "$(kept grant.1)"
	rv_from=$(centis)
	note "+0 s: aws kms revoke-grant returned"
	# Our descriptors are to be the last: a redirection of the function would keep copies, to restore them.
	(
		exec 7<&- 8<&-
		one_grant 2 "$(kept grant.2)"
	) &
	rv_other=$!
	watch_key "$rv_from"
	rv_took=$(since "$rv_from")
	note "+$rv_took s: the key is gone from the kernel (target: $(dm_state 1))"
	[ "${rv_took%.*}" -lt $revoke_limit ] || fail "key gone only $rv_took s after the revoke"
	teardown_report
	nothing_left "$rv_pid"
	exec 7<&- 8<&-
	within 30 "the target's removal" device_gone
	note "+$(since "$rv_from") s: descriptors closed, the target is removed"
	refused '[Rr]evoked|grant' ecachectl open "$(volume 1)"
	note "ecachectl open: $refusal"
	client_end
	every_key 2
	wait $rv_other
}

# agent_ok CACHE: the agent has asked the KMS about it and may go on.
agent_ok() {
	[ "$(status_of "$1" .probe.verdict)" = ok ]
}

step_regrant() {
	aws_as owner kms create-grant --key-id "$(kept key.1)" --grantee-principal "$(kept arn.host)" \
		--retiring-principal "$(kept arn.creator)" --name "ecache:$(kept cache-id.1):volume" \
		--operations Decrypt DescribeKey RetireGrant --constraints "{\"EncryptionContextEquals\":$(context_of 1)}" \
		>"$run/grant-again"
	rg_id=$(jq -r .GrantId "$run/grant-again")
	[ "$rg_id" != "$(kept grant.1)" ] || fail "the same grant id as before"
	note "the owner's new grant: $(echo "$rg_id" | cut -c1-16)..."
	ecachectl regrant "$(volume 1)" --grant-id "$rg_id" --creator-credentials "$kms_state/credentials/creator" \
		--creator-profile creator >"$run/regrant" || fail "ecachectl regrant"
	one_grant 1 "$rg_id"
	ecachectl open "$(volume 1)" >/dev/null || fail "ecachectl open after regrant"
	start_cache 1
	every_key 1
	within 60 "the agent's ok on cache 1" agent_ok 1
	note "cache 1: open, agent says $(status_of 1 .probe.verdict)"
}
