// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "err.h"

/* Texts are built beside the target first: an argument may point into the error that is being changed. */

int err_set(struct err *e, int rc, const char *fmt, ...)
{
	char text[ERR_TEXT];
	va_list ap;

	if (!e)
		return rc;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(e->what, text, sizeof(text));
	e->hint[0] = '\0';
	e->rc = rc;
	return rc;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	char text[ERR_TEXT];
	va_list ap;

	if (!e)
		return -EIO;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(e->hint, text, sizeof(text));
	return e->rc;
}

/* append - what does not fit is cut: an error is for people. */
static void append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text), n = strlen(more);

	if (n > size - used - 1)
		n = size - used - 1;
	memcpy(text + used, more, n);
	text[used + n] = '\0';
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char text[ERR_TEXT];
	va_list ap;

	if (!e)
		return -EIO;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	append(text, sizeof(text), ": ");
	append(text, sizeof(text), e->what);
	memcpy(e->what, text, sizeof(text));
	return e->rc;
}

int err_sys(struct err *e, int rc, const char *fmt, ...)
{
	char text[ERR_TEXT];
	char reason[128];
	va_list ap;

	if (!e)
		return rc;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	append(text, sizeof(text), ": ");
	append(text, sizeof(text), strerror_r(-rc, reason, sizeof(reason)));
	return err_set(e, rc, "%s", text);
}
