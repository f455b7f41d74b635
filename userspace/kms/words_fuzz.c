// SPDX-License-Identifier: GPL-2.0-or-later
/* Command lines: what is split fits its room, and reads the same when each word is put into quotes. */
#include "fuzz/fuzz.h"

#include <errno.h>

#include "words.h"

static size_t count(const struct words *w)
{
	size_t nr = 0;

	while (nr <= WORDS_MAX && w->argv[nr])
		nr++;
	return nr;
}

/* quote - the words as a line; its length, more than WORDS_TEXT when it does not fit. */
static size_t quote(const struct words *w, char *out)
{
	size_t len = 0;

	for (size_t i = 0; w->argv[i]; i++) {
		if (len + 2 * strlen(w->argv[i]) + 3 > WORDS_TEXT)
			return WORDS_TEXT + 1;
		out[len++] = '"';
		for (const char *p = w->argv[i]; *p; p++) {
			if (*p == '"' || *p == '\\')
				out[len++] = '\\';
			out[len++] = *p;
		}
		out[len++] = '"';
		out[len++] = ' ';
	}
	return len;
}

static void check_again(const struct words *w, size_t nr)
{
	static struct words again;
	static char line[WORDS_TEXT];
	size_t len = quote(w, line);

	if (len >= WORDS_TEXT)
		return;
	fuzz_check(!words_split(line, len, &again, NULL));
	fuzz_check(count(&again) == nr);
	for (size_t i = 0; i < nr; i++)
		fuzz_check(!strcmp(w->argv[i], again.argv[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct words w;
	struct err e = ERR_INIT;
	int rc = words_split((const char *)data, size, &w, &e);
	size_t nr = count(&w);

	if (rc) {
		fuzz_check(rc == -EINVAL && e.what[0] && !nr);
		return 0;
	}
	fuzz_check(nr >= 1 && nr <= WORDS_MAX && *w.argv[0]);
	for (size_t i = 0; i < nr; i++) {
		fuzz_check(w.argv[i] >= w.text && w.argv[i] < w.text + sizeof(w.text));
		fuzz_check(memchr(w.argv[i], '\0', (size_t)(w.text + sizeof(w.text) - w.argv[i])));
	}
	check_again(&w, nr);
	return 0;
}
