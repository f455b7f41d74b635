// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "../common/encode.h"
#include "plaintext.h"
#include "scan.h"

int plaintext_take(char *body, size_t len, uint8_t *out, size_t cap)
{
	struct scan_member m = { .name = "Plaintext", .required = true };
	ssize_t n = -EBADMSG;

	if (scan_object(body, len, &m, 1)) {
		n = base64_decode(m.at, m.len, out, cap);
		memset(m.at, 'x', m.raw_len);
	}
	/* Whatever this is, there may be a key in it. */
	if (n <= 0) {
		memset(body, ' ', len);
		explicit_bzero(out, cap);
		return -EBADMSG;
	}
	return n;
}
