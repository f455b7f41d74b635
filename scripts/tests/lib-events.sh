# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# A queue of events, on top of lib-agent.sh: kmsd puts its events into a queue on this host (sqs.py), and ecached listens to it as an identity of
# its own.
#
#	events_start [LINE...]	agent_start with the queue
#	queue JSON		what sqs.py does for tests; the answer on stdout
#	events FILTER		jq on what status says of the queue
#	false_event NAME KEY [GRANT]	the text of an event that nobody's call has caused

. "$(dirname "$0")/lib-agent.sh"

QUEUE=http://127.0.0.1:9324/123456789012/host

# credentials PROFILE ACCESS_KEY
credentials() {
	printf '[%s]\naws_access_key_id = %s\naws_secret_access_key = ssssssssssssssssssssssssssssssssssssssss\n' "$1" "$2"
}

queue() {
	curl -s -d "$1" http://127.0.0.1:9324/test
}

events_start() {
	python3 "$SRC/scripts/tests/sqs.py" 9324 AKIATELLER AKIALISTENER >> "$WORK/sqs.log" 2>&1 &
	PIDS="$PIDS $!"
	within 30 "the queue answers" queue '{}'
	mkdir -p /etc/ecache
	credentials default AKIATELLER > /etc/ecache/teller-credentials
	chmod 600 /etc/ecache/teller-credentials
	{
		echo "events-queue=$QUEUE"
		echo "events-credentials=/etc/ecache/teller-credentials"
		echo "admin-socket=/run/ecache-kmsd/admin.sock"
	} > /etc/ecache/kmsd.conf
	agent_start "events-queue=$QUEUE" events-profile=listener "$@"
	credentials listener AKIALISTENER >> /etc/ecache/host-credentials
}

events() {
	ecachectl status --json | jq -r ".agent.events$1"
}

# hearing STATE
hearing() {
	[ "$(events .state)" = "$1" ]
}

false_event() {
	jq -cn --arg name "$1" --arg key "$2" --arg grant "${3-}" '{ "version": "0", "detail-type": "AWS API Call via CloudTrail",
		"source": "aws.kms", "resources": [], "detail": { "eventSource": "kms.amazonaws.com", "eventName": $name,
		"requestParameters": { "keyId": $key, "grantId": $grant }, "resources": [ { "ARN": $key } ] } }'
}

# put TEXT...: messages
put() {
	queue "$(for p_text; do printf '%s\n' "$p_text"; done | jq -R . | jq -cs '{ put: . }')" > /dev/null
}

# asked OPERATION: how often the host has called it, by the KMS's record
asked() {
	grep -c "assumed-role/host/.*\"eventName\":\"$1\"" "$KMS_STATE/cloudtrail.log" || true
}
