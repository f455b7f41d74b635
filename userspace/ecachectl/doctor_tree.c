// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_tree.h"

__attribute__((format(printf, 3, 0)))
static bool make_path(const struct doctor *d, char path[PATH_MAX], const char *fmt, va_list ap)
{
	size_t len = strlen(d->root);
	int n;

	if (len >= PATH_MAX)
		return false;
	memcpy(path, d->root, len + 1);
	n = vsnprintf(path + len, PATH_MAX - len, fmt, ap);
	return n > 0 && (size_t)n < PATH_MAX - len;
}

bool tree_read(const struct doctor *d, char *out, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	size_t len = 0;
	ssize_t n = -1;
	va_list ap;
	bool fits;
	int fd;

	*out = '\0';
	va_start(ap, fmt);
	fits = make_path(d, path, fmt, ap);
	va_end(ap);
	fd = fits ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (fd < 0)
		return false;
	while (len < size - 1) {
		n = read(fd, out + len, size - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += n;
	}
	close(fd);
	out[len] = '\0';
	if (len && out[len - 1] == '\n')
		out[len - 1] = '\0';
	return n >= 0;
}

bool tree_link(const struct doctor *d, char *out, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	ssize_t n;
	bool fits;

	*out = '\0';
	va_start(ap, fmt);
	fits = make_path(d, path, fmt, ap);
	va_end(ap);
	n = fits ? readlink(path, out, size) : -1;
	if (n <= 0 || (size_t)n >= size)
		return false;
	out[n] = '\0';
	return true;
}

bool tree_exists(const struct doctor *d, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	bool fits;

	va_start(ap, fmt);
	fits = make_path(d, path, fmt, ap);
	va_end(ap);
	return fits && !access(path, F_OK);
}

int tree_stat(const struct doctor *d, const char *path, struct stat *st)
{
	char whole[PATH_MAX];

	if (snprintf(whole, sizeof(whole), "%s%s", d->root, path) >= (int)sizeof(whole))
		return -ENAMETOOLONG;
	return stat(whole, st) ? -errno : 0;
}

void tree_each(const struct doctor *d, const char *dir, void (*fn)(void *ctx, const char *name), void *ctx)
{
	char path[PATH_MAX];
	struct dirent *de;
	DIR *dp;

	if (snprintf(path, sizeof(path), "%s%s", d->root, dir) >= (int)sizeof(path))
		return;
	dp = opendir(path);
	if (!dp)
		return;
	while ((de = readdir(dp))) {
		if (de->d_name[0] != '.')
			fn(ctx, de->d_name);
	}
	closedir(dp);
}

#define BLANKS " \t\n[]"

bool tree_word(const char *text, const char *word)
{
	size_t len = strlen(word), n;

	for (text += strspn(text, BLANKS); *text; text += n + strspn(text + n, BLANKS)) {
		n = strcspn(text, BLANKS);
		if (n == len && !strncmp(text, word, len))
			return true;
	}
	return false;
}

bool tree_value(const char *text, const char *key, char *out, size_t size)
{
	size_t len = strlen(key), n;
	bool found = false;

	for (text += strspn(text, BLANKS); *text; text += n + strspn(text + n, BLANKS)) {
		n = strcspn(text, BLANKS);
		if (n <= len || strncmp(text, key, len) || text[len] != '=')
			continue;
		snprintf(out, size, "%.*s", (int)(n - len - 1), text + len + 1);
		found = true;
	}
	return found;
}

bool tree_setting(const struct doctor *d, const char *path, const char *key, char *out, size_t size)
{
	char text[16384], *line, *rest = text, *value;
	bool found = false;

	if (!tree_read(d, text, sizeof(text), "%s", path))
		return false;
	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, " \t");
		value = strchr(line, '=');
		if (*line == '#' || !value)
			continue;
		line[strcspn(line, " \t=")] = '\0';
		if (strcmp(line, key))
			continue;
		value += 1 + strspn(value + 1, " \t");
		snprintf(out, size, "%.*s", (int)strcspn(value, " \t\r"), value);
		found = true;
	}
	return found;
}
