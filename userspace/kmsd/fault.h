/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_FAULT_H
#define KMSD_FAULT_H

/* The errors a client can get, by the names that AWS's clients turn into exceptions. */
enum fault {
	FAULT_NONE,
	FAULT_ACCESS_DENIED,
	FAULT_ALREADY_EXISTS,
	FAULT_CONFLICT,
	FAULT_DEPENDENCY_TIMEOUT,
	FAULT_DISABLED,
	FAULT_DRY_RUN,
	FAULT_INCOMPLETE_SIGNATURE,
	FAULT_INCORRECT_KEY,
	FAULT_INTERNAL,
	FAULT_INVALID_ACTION,
	FAULT_INVALID_ALIAS_NAME,
	FAULT_INVALID_ARN,
	FAULT_INVALID_CIPHERTEXT,
	FAULT_INVALID_GRANT_ID,
	FAULT_INVALID_GRANT_TOKEN,
	FAULT_INVALID_KEY_USAGE,
	FAULT_INVALID_MARKER,
	FAULT_INVALID_SIGNATURE,
	FAULT_INVALID_STATE,
	FAULT_KEY_UNAVAILABLE,
	FAULT_LIMIT_EXCEEDED,
	FAULT_MALFORMED_POLICY,
	FAULT_MISSING_TOKEN,
	FAULT_NOT_FOUND,
	FAULT_SERIALIZATION,
	FAULT_STORE_NOT_FOUND,
	FAULT_TAG,
	FAULT_THROTTLING,
	FAULT_TOO_LARGE,
	FAULT_UNKNOWN_OPERATION,
	FAULT_UNRECOGNIZED_CLIENT,
	FAULT_UNSUPPORTED,
	FAULT_VALIDATION,
	FAULT_NR,
};

/* fault_name - "NotFoundException"; fault_status - the HTTP status that goes with it in the JSON protocol. */
const char *fault_name(enum fault f);
int fault_status(enum fault f);

/* The same two for STS's query protocol, which has names and statuses of its own. */
const char *fault_query_name(enum fault f);
int fault_query_status(enum fault f);

#endif
