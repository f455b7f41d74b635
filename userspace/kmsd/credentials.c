// SPDX-License-Identifier: GPL-2.0-or-later
#include "credentials.h"

#include <errno.h>

#include "buf.h"
#include "common/fsio.h"

int credentials_write(const char *path, const char *profile, const char *access_key, const char *secret, bool replace,
		      struct err *e)
{
	struct buf text = BUF_INIT;
	int rc;

	buf_str(&text, "[");
	buf_str(&text, profile);
	buf_str(&text, "]\naws_access_key_id = ");
	buf_str(&text, access_key);
	buf_str(&text, "\naws_secret_access_key = ");
	buf_str(&text, secret);
	buf_str(&text, "\n");
	if (text.failed)
		rc = err_sys(e, -ENOMEM, "credentials file");
	else if (replace)
		rc = fsio_replace(path, text.data, text.len, 0600, e);
	else
		rc = fsio_create(path, text.data, text.len, 0600, e);
	buf_wipe(&text);
	return rc;
}
