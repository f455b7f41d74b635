// SPDX-License-Identifier: GPL-2.0-or-later
/* The syntax of configuration files: what is read is trimmed, comes once, and reads the same when written again. */
#include "fuzz/fuzz.h"

#include <ctype.h>
#include <errno.h>

#include "common/conf.h"

#define NAME "some.conf"

struct values {
	char *path;
	char *duration;
	unsigned int seconds;
};

static int keep(char **slot, const char *value)
{
	size_t len = strlen(value);

	/* a key comes once */
	fuzz_check(!*slot && len <= 4096);
	for (size_t i = 0; i < len; i++)
		fuzz_check(!iscntrl((unsigned char)value[i]) || value[i] == '\t');
	if (len)
		fuzz_check(!strchr(" \t", value[0]) && !strchr(" \t", value[len - 1]));
	*slot = strdup(value);
	if (!*slot)
		abort();
	return 0;
}

static int set_path(void *ctx, const char *value, struct err *e)
{
	(void)e;
	return keep(&((struct values *)ctx)->path, value);
}

static int set_duration(void *ctx, const char *value, struct err *e)
{
	struct values *v = ctx;
	int rc = conf_duration(value, 5, 7200, &v->seconds, e);

	if (rc)
		return rc;
	fuzz_check(v->seconds >= 5 && v->seconds <= 7200);
	return keep(&v->duration, value);
}

static const struct conf_key keys[] = {
	{ "path", set_path, 1 },
	{ "duration", set_duration, 0 },
	{ 0 },
};

static void free_values(struct values *v)
{
	free(v->path);
	free(v->duration);
}

static void check_again(const struct values *v)
{
	struct values again = { 0 };
	char number[32] = "", *text;
	int len;

	if (v->duration)
		snprintf(number, sizeof(number), "duration=%us\n", v->seconds);
	len = asprintf(&text, "path=%s\n%s", v->path, number);
	fuzz_check(len > 0);
	/* of the longest lines, the blanks around what was kept made the difference */
	if (strlen(v->path) + strlen("path=") <= 4096) {
		fuzz_check(!conf_parse_buf(NAME, text, (size_t)len, keys, &again, NULL));
		fuzz_check(!strcmp(again.path, v->path) && again.seconds == v->seconds);
	}
	free(text);
	free_values(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct values v = { 0 };
	struct err e = ERR_INIT;
	int rc = conf_parse_buf(NAME, (const char *)data, size, keys, &v, &e);

	if (rc)
		fuzz_check(rc == -EINVAL && !strncmp(e.what, NAME ":", strlen(NAME ":")));
	else
		check_again(&v);
	free_values(&v);
	return 0;
}
