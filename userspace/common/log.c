// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <systemd/sd-journal.h>

#include "log.h"

#define LOG_TEXT 2048
#define LOG_FIELDS 16

/* Set once by log_init() in main, before any thread or child; read-only after. */
static struct {
	const char *program;
	int max_level;
	bool journal;
} log_to = { .program = "ecache", .max_level = LOG_INFO };

/* systemd sets JOURNAL_STREAM to the device and inode of the stream it gave us; a redirected stderr differs. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char rest;

	if (!stream || sscanf(stream, "%llu:%llu%c", &dev, &ino, &rest) != 2)
		return false;
	return !fstat(STDERR_FILENO, &st) && st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *program, int max_level)
{
	log_to.program = program;
	log_to.max_level = max_level;
	log_to.journal = stderr_is_journal();
}

/* One write a line, so that lines of several processes do not mix; a control character cannot forge a line. */
static void to_stderr(const char *text)
{
	char line[LOG_TEXT + 128];
	char *p;
	int n;

	n = snprintf(line, sizeof(line) - 1, "%s: %s", log_to.program, text);
	if (n < 0)
		return;
	for (p = line; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	*p++ = '\n';
	if (write(STDERR_FILENO, line, p - line) < 0)
		return;		/* nobody is left to tell */
}

void log_msg(int level, const char *fmt, ...)
{
	char text[LOG_TEXT];
	va_list ap;

	if (level > log_to.max_level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (log_to.journal)
		sd_journal_send("MESSAGE=%s", text, "PRIORITY=%i", level, "SYSLOG_IDENTIFIER=%s", log_to.program,
				NULL);
	else
		to_stderr(text);
}

static bool add_field(struct iovec *iov, const char *name, const char *value)
{
	char *field;
	int n;

	n = asprintf(&field, "%s=%s", name, value ? value : "");
	if (n < 0)
		return false;
	iov->iov_base = field;
	iov->iov_len = n;
	return true;
}

static void to_journal(int level, const char *message, va_list ap)
{
	struct iovec iov[LOG_FIELDS + 3];
	const char *name;
	char priority[8];
	int nr = 0;

	snprintf(priority, sizeof(priority), "%d", level);
	nr += add_field(&iov[nr], "MESSAGE", message);
	nr += add_field(&iov[nr], "PRIORITY", priority);
	nr += add_field(&iov[nr], "SYSLOG_IDENTIFIER", log_to.program);
	while ((name = va_arg(ap, const char *)) && nr < LOG_FIELDS + 3)
		nr += add_field(&iov[nr], name, va_arg(ap, const char *));
	sd_journal_sendv(iov, nr);
	while (nr > 0)
		free(iov[--nr].iov_base);
}

static void fields_to_stderr(const char *message, va_list ap)
{
	char text[LOG_TEXT];
	const char *name, *value;
	size_t used;

	snprintf(text, sizeof(text), "%s", message);
	while ((name = va_arg(ap, const char *))) {
		value = va_arg(ap, const char *);
		used = strlen(text);
		snprintf(text + used, sizeof(text) - used, " %s=%s", name, value ? value : "");
	}
	to_stderr(text);
}

void log_fields(int level, const char *message, ...)
{
	va_list ap;

	if (level > log_to.max_level)
		return;
	va_start(ap, message);
	if (log_to.journal)
		to_journal(level, message, ap);
	else
		fields_to_stderr(message, ap);
	va_end(ap);
}
