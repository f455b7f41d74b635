// SPDX-License-Identifier: GPL-2.0-or-later
#include "ident.h"

#include <stdio.h>
#include <string.h>

#include "common/encode.h"
#include "crypto.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool ident_account_ok(const char *s)
{
	return strlen(s) == ACCOUNT_SIZE - 1 && strspn(s, DIGITS) == ACCOUNT_SIZE - 1;
}

bool ident_region_ok(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len < REGION_SIZE && s[0] >= 'a' && s[0] <= 'z' && s[len - 1] != '-' &&
	       strspn(s, LOWER DIGITS "-") == len;
}

bool ident_key_id_ok(const char *s)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(s) != KEY_ID_SIZE - 1)
		return false;
	for (unsigned int i = 0; form[i]; i++)
		if (form[i] == '-' ? s[i] != '-' : !strchr(DIGITS "abcdef", s[i]))
			return false;
	return true;
}

bool ident_hex_id_ok(const char *s)
{
	return strlen(s) == HEX_ID_SIZE - 1 && strspn(s, DIGITS "abcdef") == HEX_ID_SIZE - 1;
}

bool ident_principal_name_ok(const char *s)
{
	size_t len = strlen(s);

	/* The name becomes a file name and a section of an INI file: no leading dot, none of its special characters. */
	return len > 0 && len < PRINCIPAL_NAME_SIZE && s[0] != '.' && s[0] != '-' &&
	       strspn(s, UPPER LOWER DIGITS "+=,.@_-") == len;
}

bool ident_alias_ok(const char *s)
{
	size_t len;

	if (strncmp(s, "alias/", 6))
		return false;
	s += 6;
	len = strlen(s);
	return len > 0 && len <= 250 && strspn(s, UPPER LOWER DIGITS "/_-") == len;
}

/* random_text - @len characters of @set; its size divides 256 or a rejection keeps them uniform. */
static int random_text(const char *set, char *out, size_t len)
{
	size_t nr = strlen(set), i = 0;
	uint8_t byte;
	int rc = 0;

	while (i < len) {
		rc = crypto_random(&byte, 1);
		if (rc)
			break;
		if (byte < 256 - 256 % nr)
			out[i++] = set[byte % nr];
	}
	out[i] = '\0';
	return rc;
}

int ident_new_account(char out[ACCOUNT_SIZE])
{
	int rc = random_text("123456789", out, 1);

	return rc ? rc : random_text(DIGITS, out + 1, ACCOUNT_SIZE - 2);
}

int ident_new_uuid(char out[KEY_ID_SIZE])
{
	uint8_t b[16];
	int rc = crypto_random(b, sizeof(b));

	if (rc)
		return rc;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(out, KEY_ID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return 0;
}

int ident_new_hex(char out[HEX_ID_SIZE])
{
	uint8_t b[32];
	int rc = crypto_random(b, sizeof(b));

	if (!rc)
		hex_encode(b, sizeof(b), out);
	return rc;
}

int ident_new_access_key(char out[ACCESS_KEY_SIZE])
{
	strcpy(out, "AKIA");
	return random_text(UPPER "234567", out + 4, ACCESS_KEY_SIZE - 5);
}

int ident_new_unique_id(bool role, char out[UNIQUE_ID_SIZE])
{
	strcpy(out, role ? "AROA" : "AIDA");
	return random_text(UPPER "234567", out + 4, UNIQUE_ID_SIZE - 5);
}

int ident_new_secret_key(char out[SECRET_KEY_SIZE])
{
	return random_text(UPPER LOWER DIGITS "+/", out, SECRET_KEY_SIZE - 1);
}

/* take_part - copy up to the next colon and step over it. */
static const char *take_part(const char *s, char *out, size_t size)
{
	const char *end = strchr(s, ':');

	if (!end || (size_t)(end - s) >= size)
		return NULL;
	memcpy(out, s, (size_t)(end - s));
	out[end - s] = '\0';
	return end + 1;
}

bool arn_parse(const char *s, struct arn *out)
{
	if (strncmp(s, "arn:", 4))
		return false;
	s = take_part(s + 4, out->partition, sizeof(out->partition));
	if (s)
		s = take_part(s, out->service, sizeof(out->service));
	if (s)
		s = take_part(s, out->region, sizeof(out->region));
	if (s)
		s = take_part(s, out->account, sizeof(out->account));
	if (!s || !*s)
		return false;
	out->resource = s;
	return true;
}
