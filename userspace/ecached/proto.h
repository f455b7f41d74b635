/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_PROTO_H
#define ECACHED_PROTO_H

/*
 * The conversation between ecachectl and ecached, one connection a command (framing:
 * common/ipc.h). Not a promise between versions; both come from one build.
 *
 *   ecachectl  {"verb":S, "name":S, ...}		the request; its members are in request.c's table
 *   ecached    {"type":"progress", "text":S}		any number, for a person
 *              {"type":"progress", "text":S, "done":N, "total":N, "ms":N}	long work: bytes, and since when
 *              {"type":"volume", ...}			any number: list, status and doctor, one packet each; backups
 *              {"type":"ask", "ask":"grant", ...}	for create and others: what only the creator may do
 *              {"type":"ask", "ask":"retire", ...}	the undo of it
 *              {"type":"ask", "ask":"revoke", ...}	revoke --grant: RevokeGrant by who runs ecachectl
 *              {"type":"ack"}				what ecachectl answered is on disk
 *              {"type":"result", ...}			the end: it worked
 *              {"type":"error", "what":S, "hint":S, "errno":N}	the end: it failed and nothing is half-made
 *
 * Answers to "grant", each acknowledged before the next is made, so that whatever exists in the
 * KMS is in the intent record first:
 *
 *   {"answer":"key", "key_arn":S}
 *   {"answer":"grant", "grant_id":S, "grant_token":S}
 *   {"answer":"blob", "blob":BASE64}			create and rewrap
 *   {"answer":"failed", "what":S, "hint":S}		at any point
 *   {"answer":"cancel"}				at any time, unasked: the user gave up
 *
 * To "retire": {"answer":"retired"} or {"answer":"failed", ...}; to "revoke" the same with "revoked".
 *
 * Adopt asks for two grants, the first with "wrap": it lets the host encrypt, and is retired before the other is made.
 *
 * With the request for unwrap comes a descriptor (SCM_RIGHTS) for ecached to write the key
 * into: ecachectl never has it. With the one for adopt comes the sealed memfd of a struct secret,
 * the passphrase; "secret_bytes" says how much of it counts.
 */
#define PROTO_VERB "verb"
#define PROTO_TYPE "type"
#define PROTO_ASK "ask"
#define PROTO_ANSWER "answer"

#define PROTO_PROGRESS "progress"
#define PROTO_VOLUME "volume"
#define PROTO_ACK "ack"
#define PROTO_RESULT "result"
#define PROTO_ERROR "error"

#define PROTO_ASK_GRANT "grant"
#define PROTO_ASK_RETIRE "retire"
#define PROTO_ASK_REVOKE "revoke"

#define PROTO_ANSWER_KEY "key"
#define PROTO_ANSWER_GRANT "grant"
#define PROTO_ANSWER_BLOB "blob"
#define PROTO_ANSWER_FAILED "failed"
#define PROTO_ANSWER_CANCEL "cancel"
#define PROTO_ANSWER_RETIRED "retired"
#define PROTO_ANSWER_REVOKED "revoked"

/* ecachectl answers an ask within this time (KMS retries included); a request comes within PROTO_REQUEST_MS. */
#define PROTO_ANSWER_MS 180000
#define PROTO_REQUEST_MS 5000

#endif
