// SPDX-License-Identifier: GPL-2.0-or-later
#include "fault.h"

#include <stddef.h>

struct fault_info {
	const char *name;
	int status;
	const char *query_name;		/* NULL: as @name */
	int query_status;		/* 0: as @status */
};

/* In the JSON protocol all that is the client's doing is 400, a dry run that would have succeeded included. */
static const struct fault_info faults[FAULT_NR] = {
	[FAULT_NONE]			= { "", 200, NULL, 0 },
	[FAULT_ACCESS_DENIED]		= { "AccessDeniedException", 400, "AccessDenied", 403 },
	[FAULT_ALREADY_EXISTS]		= { "AlreadyExistsException", 400, NULL, 0 },
	[FAULT_CONFLICT]		= { "ConflictException", 400, NULL, 0 },
	[FAULT_DEPENDENCY_TIMEOUT]	= { "DependencyTimeoutException", 500, NULL, 0 },
	[FAULT_DISABLED]		= { "DisabledException", 400, NULL, 0 },
	[FAULT_DRY_RUN]			= { "DryRunOperationException", 400, NULL, 0 },
	[FAULT_INCOMPLETE_SIGNATURE]	= { "IncompleteSignatureException", 400, "IncompleteSignature", 0 },
	[FAULT_INCORRECT_KEY]		= { "IncorrectKeyException", 400, NULL, 0 },
	[FAULT_INTERNAL]		= { "KMSInternalException", 500, "InternalFailure", 0 },
	[FAULT_INVALID_ACTION]		= { "InvalidAction", 400, NULL, 0 },
	[FAULT_INVALID_ALIAS_NAME]	= { "InvalidAliasNameException", 400, NULL, 0 },
	[FAULT_INVALID_ARN]		= { "InvalidArnException", 400, NULL, 0 },
	[FAULT_INVALID_CIPHERTEXT]	= { "InvalidCiphertextException", 400, NULL, 0 },
	[FAULT_INVALID_GRANT_ID]	= { "InvalidGrantIdException", 400, NULL, 0 },
	[FAULT_INVALID_GRANT_TOKEN]	= { "InvalidGrantTokenException", 400, NULL, 0 },
	[FAULT_INVALID_KEY_USAGE]	= { "InvalidKeyUsageException", 400, NULL, 0 },
	[FAULT_INVALID_MARKER]		= { "InvalidMarkerException", 400, NULL, 0 },
	[FAULT_INVALID_SIGNATURE]	= { "InvalidSignatureException", 400, "SignatureDoesNotMatch", 403 },
	[FAULT_INVALID_STATE]		= { "KMSInvalidStateException", 400, NULL, 0 },
	[FAULT_KEY_UNAVAILABLE]		= { "KeyUnavailableException", 500, NULL, 0 },
	[FAULT_LIMIT_EXCEEDED]		= { "LimitExceededException", 400, NULL, 0 },
	[FAULT_MALFORMED_POLICY]	= { "MalformedPolicyDocumentException", 400, NULL, 0 },
	[FAULT_MISSING_TOKEN]		= { "MissingAuthenticationTokenException", 400, "MissingAuthenticationToken",
					    403 },
	[FAULT_NOT_FOUND]		= { "NotFoundException", 400, NULL, 0 },
	[FAULT_SERIALIZATION]		= { "SerializationException", 400, NULL, 0 },
	[FAULT_STORE_NOT_FOUND]		= { "CustomKeyStoreNotFoundException", 400, NULL, 0 },
	[FAULT_TAG]			= { "TagException", 400, NULL, 0 },
	[FAULT_THROTTLING]		= { "ThrottlingException", 400, "Throttling", 0 },
	[FAULT_TOO_LARGE]		= { "RequestEntityTooLargeException", 413, NULL, 0 },
	[FAULT_UNKNOWN_OPERATION]	= { "UnknownOperationException", 400, "InvalidAction", 0 },
	[FAULT_UNRECOGNIZED_CLIENT]	= { "UnrecognizedClientException", 400, "InvalidClientTokenId", 403 },
	[FAULT_UNSUPPORTED]		= { "UnsupportedOperationException", 400, NULL, 0 },
	[FAULT_VALIDATION]		= { "ValidationException", 400, "ValidationError", 0 },
};

const char *fault_name(enum fault f)
{
	return faults[f].name;
}

int fault_status(enum fault f)
{
	return faults[f].status;
}

const char *fault_query_name(enum fault f)
{
	return faults[f].query_name ? faults[f].query_name : faults[f].name;
}

int fault_query_status(enum fault f)
{
	return faults[f].query_status ? faults[f].query_status : faults[f].status;
}
