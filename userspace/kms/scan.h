/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_SCAN_H
#define ECACHE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * JSON that holds a secret is read where it lies: a library that makes a tree of it leaves copies that nobody wipes.
 * RFC 8259, read once from left to right; any doubt is a refusal, since a lenient reader could see another member.
 */
struct scan_member {
	const char *name;
	bool required;
	bool word;		/* a number, true, false or null instead of a string */
	char *at;		/* its text, NULL when absent or null; a string's escapes are undone in place */
	size_t len;
	size_t raw_len;		/* of the string as it stood there, so that all of it can be overwritten */
	bool seen;		/* private */
};

/*
 * scan_object - find @members of the object that is all of @body. False when it is not one such object, a member comes
 * twice, is of another kind, is missing although required, or holds an escape outside of ASCII. A string may be null:
 * then it is absent.
 */
bool scan_object(char *body, size_t len, struct scan_member *members, size_t nr);

#endif
