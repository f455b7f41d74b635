/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_IDENT_H
#define KMSD_IDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names and identifiers: account, region, key ids, access keys, ARNs. The random ones need crypto_random() to work. */

#define ACCOUNT_SIZE 13			/* with NUL, as all of these */
#define REGION_SIZE 65
#define KEY_ID_SIZE 37			/* a UUID */
#define HEX_ID_SIZE 65			/* grant ids and key material ids: 64 hex digits */
#define ACCESS_KEY_SIZE 21
#define SECRET_KEY_SIZE 41
#define UNIQUE_ID_SIZE 22
#define PRINCIPAL_NAME_SIZE 65
#define ALIAS_SIZE 257
#define ARN_SIZE 512
#define TAG_NAME_SIZE 513		/* 128 characters of at most four bytes */
#define TAG_VALUE_SIZE 1025		/* 256 */

bool ident_account_ok(const char *s);		/* 12 digits */
bool ident_region_ok(const char *s);		/* lowercase letters, digits, hyphens; begins with a letter */
bool ident_key_id_ok(const char *s);		/* lowercase UUID */
bool ident_hex_id_ok(const char *s);
bool ident_principal_name_ok(const char *s);	/* 1..64 of letters, digits and +=,.@_- */
bool ident_alias_ok(const char *s);		/* "alias/" and 1..250 of letters, digits and /_- */

int ident_new_account(char out[ACCOUNT_SIZE]);
int ident_new_uuid(char out[KEY_ID_SIZE]);
int ident_new_hex(char out[HEX_ID_SIZE]);
int ident_new_access_key(char out[ACCESS_KEY_SIZE]);
int ident_new_unique_id(bool role, char out[UNIQUE_ID_SIZE]);
/* ident_new_secret_key - 40 characters of base64, 240 random bits; the caller wipes it. */
int ident_new_secret_key(char out[SECRET_KEY_SIZE]);

/* An ARN cut at its colons: "arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE"; the resource may hold colons. */
struct arn {
	char partition[17];
	char service[33];
	char region[REGION_SIZE];
	char account[65];
	const char *resource;		/* points into the parsed string */
};

/* arn_parse - false when it is not of that form or a part is too long. */
bool arn_parse(const char *s, struct arn *out);

#endif
