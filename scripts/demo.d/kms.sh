# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The KMS, who may do what with it, and the customers' keys; with the stock aws CLI.

kms_state=/var/lib/ecache-kmsd
kms_region=local-1

# aws_as WHO ARGUMENT...: the aws CLI with the credentials of owner, creator, host or admin.
aws_as() {
	aws_who=$1
	shift
	env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN AWS_CONFIG_FILE=/dev/null \
		AWS_SHARED_CREDENTIALS_FILE="$kms_state/credentials/$aws_who" AWS_PROFILE="$aws_who" \
		AWS_EC2_METADATA_DISABLED=true AWS_PAGER='' \
		aws --region $kms_region --endpoint-url "$(kept kms.url)" "$@"
}

step_kms() {
	mkdir -p /etc/ecache
	echo 'listen = 127.0.0.1:0' >/etc/ecache/kmsd.conf
	ecache-kmsd init --state-dir $kms_state --region $kms_region >"$run/kmsd-init"
	ecache-kmsd principal add owner --state-dir $kms_state --policy "$examples/owner-policy.json" >"$run/arn.owner"
	ecache-kmsd principal add creator --state-dir $kms_state --policy "$examples/creator-policy.json" >"$run/arn.creator"
	ecache-kmsd principal add host --state-dir $kms_state --role >"$run/arn.host"
	for kms_who in owner creator host; do
		kms_arn=$(grep -o 'arn:aws:iam::[^[:space:]]*' "$run/arn.$kms_who") || fail "no ARN of $kms_who"
		keep "arn.$kms_who" "$kms_arn"
		note "$kms_who is $kms_arn"
	done
	systemctl start ecache-kmsd.service || fail "ecache-kmsd does not start"
	kms_url=$(journalctl -u ecache-kmsd.service -o cat | grep -o 'http://127\.0\.0\.1:[0-9]*' | tail -n 1)
	[ -n "$kms_url" ] || fail "ecache-kmsd does not say where it listens"
	keep kms.url "$kms_url"
	note "ecache-kmsd serves unix:/run/ecache-kmsd/kms.sock, and $kms_url for the aws CLI"
}

# step_keys: two customer keys of the owner, by name. Two at once here and below: under emulation
# the aws CLI needs seconds to start.
step_keys() {
	new_key 1 &
	keys_other=$!
	new_key 2
	wait $keys_other
}

new_key() {
	key_arn=$(aws_as owner kms create-key --description "cache $1" --query KeyMetadata.Arn --output text)
	aws_as owner kms create-alias --alias-name "alias/cache-$1" --target-key-id "$key_arn"
	keep "key.$1" "$key_arn"
	note "customer key alias/cache-$1 is $key_arn"
}

# step_agent: the host's credentials and configuration, and the two daemons.
step_agent() {
	install -m 0600 $kms_state/credentials/host /etc/ecache/host-credentials
	cat >/etc/ecache/ecached.conf <<-END
		kms-endpoint = unix:/run/ecache-kmsd/kms.sock
		region = $kms_region
		host-principal = $(kept arn.host)
		host-profile = host
		probe-interval = 5s
		teardown-deadline = ${deadline}s
	END
	systemctl start ecache-net.service ecached.service || fail "the agent does not start"
	ecachectl list >/dev/null || fail "ecached does not answer"
	note "ecached and ecache-net run; probe interval 5 s, teardown deadline $deadline s"
}

# grants_of CACHE: the grants on its key, as JSON.
grants_of() {
	aws_as owner kms list-grants --key-id "$(kept "key.$1")"
}

# one_grant CACHE ID: exactly one grant, this one, named after the cache and bound to its context.
one_grant() {
	grants_of "$1" >"$run/grants.$1"
	jq -e --arg id "$2" --arg host "$(kept arn.host)" --arg name "ecache:$(kept "cache-id.$1"):volume" '
		.Grants | length == 1 and (.[0] | .GrantId == $id and .GranteePrincipal == $host and .Name == $name and
		(.Operations | sort) == ["Decrypt", "DescribeKey", "RetireGrant"] and
		(.Constraints.EncryptionContextEquals | keys) == ["ecache:cache-id", "ecache:format", "ecache:luks-uuid"])' \
		"$run/grants.$1" >/dev/null || fail "not exactly one grant as it should be on key $1: $(jq -c . "$run/grants.$1")"
}

# step_denied: the host can neither give access nor take it.
step_denied() {
	denied create-grant --grantee-principal "$(kept arn.host)" --operations Decrypt &
	denied_other=$!
	denied revoke-grant --grant-id "$(kept grant.1)"
	wait $denied_other
	one_grant 1 "$(kept grant.1)"
}

# denied OPERATION OPTION...: on the key of cache 1, by the host.
denied() {
	denied_operation=$1
	shift
	if aws_as host kms "$denied_operation" --key-id "$(kept key.1)" "$@" >"$run/denied.$denied_operation" 2>&1; then
		fail "the host may $denied_operation"
	fi
	grep -q 'AccessDeniedException' "$run/denied.$denied_operation" ||
		fail "$denied_operation by the host: $(cat "$run/denied.$denied_operation")"
	note "$denied_operation by the host: $(sed -n 's/.*(\(AccessDenied[A-Za-z]*\)).*\( not authorized to perform: [^ ]*\).*/\1:\2/p' \
		"$run/denied.$denied_operation")"
}
