#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Lays a host's audit log and the KMS's record of calls side by side, by request id: agent-audit.py HOST TRAIL AUDIT...

Each request id in the audit log is that of a call in the trail, of the operation and under the key that the record says. Each call with
which HOST (the start of its ARN) had a key unwrapped or wrapped, not as a dry run, is in the audit log, once.
"""
import json
import sys

# The record's own request id is that of the unwrap. (That of a verdict may be a DescribeKey's.)
DECRYPTS = {"create", "open", "unwrap", "regrant", "adopt"}


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def calls(record):
    """(operation or None, request id) of all calls that a record of the audit log names."""
    if record["request_id"]:
        yield ("Decrypt" if record["event"] in DECRYPTS else None), record["request_id"]
    groups = [record.get("requests") or {}]
    while groups:
        for name, value in groups.pop().items():
            if isinstance(value, dict):
                groups.append(value)
            else:
                yield name, value


def told(record):
    return f"audit record {record['seq']} ({record['event']} {record['volume']})"


def check_records(records, trail):
    """Complaints about records; which calls the log has."""
    bad, named = [], {}
    for record in records:
        for operation, request in calls(record):
            call = trail.get(request)
            named.setdefault(request, []).append(record)
            if not call:
                bad.append(f"{told(record)}: the KMS knows no request {request}")
            elif operation and call["eventName"] != operation:
                bad.append(f"{told(record)}: request {request} was {call['eventName']}, not {operation}")
            elif "key_arn" in record and record["key_arn"] not in [r["ARN"] for r in call.get("resources", [])]:
                bad.append(f"{told(record)}: request {request} was about {call.get('resources')}")
    return bad, named


def check_calls(trail, named, host):
    """Complaints about keys that came or went without a record."""
    bad, nr = [], 0
    for request, call in trail.items():
        if not call["userIdentity"]["arn"].startswith(host) or call["eventName"] not in ("Decrypt", "Encrypt"):
            continue
        if call.get("errorCode"):       # denied, or a dry run: nobody had a key
            continue
        nr += 1
        records = [r for r in named.get(request, []) if r["event"] != "verdict"]
        if len(records) != 1:
            bad.append(f"{call['eventName']} {request} at {call['eventTime']} is in {len(records)} audit records")
    return bad, nr


def main():
    host, trail_path, *audit_paths = sys.argv[1:]
    trail = {}
    for call in lines(trail_path):
        if call["requestID"] in trail:
            sys.exit(f"{trail_path}: two calls have the request id {call['requestID']}")
        trail[call["requestID"]] = call
    records = [record for path in audit_paths for record in lines(path)]
    bad, named = check_records(records, trail)
    more, nr = check_calls(trail, named, host)
    for complaint in bad + more:
        print(complaint)
    print(f"{len(named)} requests in {len(records)} audit records, {nr} keys unwrapped or wrapped in {len(trail)} calls")
    if not named or not nr:
        sys.exit("nothing was compared")
    sys.exit(bool(bad or more))


main()
