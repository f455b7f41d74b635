// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "command.h"
#include "credsdoc.h"
#include "provider.h"

enum look creds_of_process(const struct creds_source *src, const struct span *command, struct creds *out, struct err *e)
{
	static const char where[] = "credential_process";
	struct secret text = SECRET_INIT;
	enum look look = FAILED;
	struct found f;
	int rc;

	if (src->run)
		rc = src->run(src->run_ctx, command->at, command->len, &text, e);
	else
		rc = command_run(command->at, command->len, COMMAND_MS, &text, e);
	if (!rc)
		rc = credsdoc_process((char *)text.data, text.len, &f, e);
	if (rc)
		err_prefix(e, "%s", where);
	else
		look = provider_keep(out, &f, where, e);
	secret_wipe(&text);
	return look;
}
