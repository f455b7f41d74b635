#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
#
# What ecachectl prints: JSON as its schema has it, for every verb; tables; a live view that gives the terminal back.
. "$(dirname "$0")/lib-agent.sh"

# shaped DEFINITION COMMAND...: its output is as the schema has it; whether the command fails is told by the definition
shaped() {
	s_name=$1
	shift
	"$@" > "$WORK/json" 2> "$WORK/err" || [ "$s_name" = error ] || [ "$s_name" = doctor ] || die "failed: $*: $(cat "$WORK/err")"
	"$SRC/scripts/tests/json-schema.py" "$s_name" < "$WORK/json" > "$WORK/out" 2>&1 || die "$*: $(cat "$WORK/out" "$WORK/json")"
}

agent_start probe-interval=5s lease=15m
ram_disks 3 40
new_customer_key
shaped status ecachectl status --json
shaped create create c1 /dev/ram0 --json
shaped create ecachectl create s1 /dev/ram1 --swap --kms-key "$KEY" --creator-profile creator \
	--creator-credentials "$KMS_STATE/credentials/creator" --json
within 20 "the first probe answers ok" verdict_is c1 ok
shaped status ecachectl status --json
jq -e '.volumes | length == 2 and (map(select(.name == "c1")) | .[0].target.reads >= 0)' "$WORK/json" > /dev/null || die "$(cat "$WORK/json")"
shaped list ecachectl list --json
shaped close ecachectl close c1 --json
shaped open ecachectl open c1 --json
shaped open ecachectl open c1 --json
shaped dump ecachectl dump c1 --json
shaped dump ecachectl dump /dev/ram0 --json
shaped doctor ecachectl doctor --json
shaped audit-verify ecachectl audit verify --json
shaped audit-show ecachectl audit show --json
shaped error ecachectl open nobody --json
shaped error ecachectl confirm --json
ecachectl unwrap c1 --to-fd 3 --json 3>&1 > "$WORK/json" 2> "$WORK/err" | wc -c | grep -qx 64 || die "unwrap: $(cat "$WORK/err")"
"$SRC/scripts/tests/json-schema.py" unwrap < "$WORK/json" || die "unwrap: $(cat "$WORK/json")"
say "status, create, open, close, dump, doctor, audit, unwrap and errors are as the schema has them"

# in a pipe: no colours, nothing cut, columns in line
TERM=xterm ecachectl list > "$WORK/list"
grep -q "$(printf '\033')" "$WORK/list" && die "colours in a pipe"
awk 'NR == 1 { at = index($0, "STATE") } substr($0, at - 2, 2) != "  " || substr($0, at, 1) == " " { exit 1 }' "$WORK/list" ||
	die "not in line: $(cat "$WORK/list")"
grep -q '^c1 .* open .* ok .* s  */dev/ram0$' "$WORK/list" || die "list: $(cat "$WORK/list")"
ecachectl top --once > "$WORK/top"
head -1 "$WORK/top" | grep -q '^NAME .* R/S .* LEASE' || die "top: $(cat "$WORK/top")"
grep -q '^c1  *open .* ok ' "$WORK/top" || die "top: $(cat "$WORK/top")"
"$SRC/scripts/tests/agent-terminal.py" || die "on a terminal"
say "list and top: in line in a pipe; on a terminal coloured unless NO_COLOR, resized, ended by q and Ctrl-C, given back"

owner RevokeGrant "{\"KeyId\":\"$KEY\",\"GrantId\":\"$(status c1 .grant_id)\"}" > /dev/null
within 120 "the revocation ends it" is c1 revoked
shaped status ecachectl status c1 --json
jq -e '.volumes[0] | .teardown.key_gone and .revoked.request_id != ""' "$WORK/json" > /dev/null || die "$(cat "$WORK/json")"
ecachectl status c1 | grep -q '^  teardown   key gone after' || die "$(ecachectl status c1)"
shaped regrant as_creator ecachectl regrant c1 --json
does ecachectl open c1
shaped revoke ecachectl revoke c1 --json
shaped destroy ecachectl destroy c1 --yes --json
shaped destroy ecachectl destroy s1 --yes --json
printf pass | cryptsetup luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --batch-mode /dev/ram2 -
printf pass > "$WORK/pass"
sed 's/"Decrypt", "DescribeKey"/"Decrypt", "Encrypt", "DescribeKey"/' "$SRC/Documentation/examples/creator-policy.json" > "$WORK/policy"
ecache-kmsd principal update creator --state-dir "$KMS_STATE" --policy "$WORK/policy" > /dev/null
shaped adopt as_creator ecachectl adopt a1 /dev/ram2 --kms-key "$KEY" --key-file "$WORK/pass" --json
shaped status ecachectl status --json
shaped dump ecachectl dump a1 --json
shaped audit-show ecachectl audit show --json
say "revoked, regranted, adopted: the same"
