// SPDX-License-Identifier: GPL-2.0-or-later
#include "jsonw.h"

#include <inttypes.h>
#include <string.h>

#include "common/encode.h"

static void put_string(struct buf *b, const char *s)
{
	const char *plain = s;

	buf_char(b, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(b, plain, (size_t)(s - plain));
		plain = s + 1;
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else
			buf_printf(b, "\\u%04x", c);
	}
	buf_add(b, plain, (size_t)(s - plain));
	buf_char(b, '"');
}

static void put_key(struct jsonw *w, const char *key)
{
	if (w->comma)
		buf_char(w->b, ',');
	w->comma = true;
	if (!key)
		return;
	put_string(w->b, key);
	buf_char(w->b, ':');
}

void jsonw_open(struct jsonw *w, const char *key, char bracket)
{
	put_key(w, key);
	buf_char(w->b, bracket);
	w->comma = false;
}

void jsonw_close(struct jsonw *w, char bracket)
{
	buf_char(w->b, bracket);
	w->comma = true;
}

void jsonw_string(struct jsonw *w, const char *key, const char *value)
{
	put_key(w, key);
	put_string(w->b, value);
}

void jsonw_int(struct jsonw *w, const char *key, int64_t value)
{
	put_key(w, key);
	buf_printf(w->b, "%" PRId64, value);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
	put_key(w, key);
	buf_str(w->b, value ? "true" : "false");
}

void jsonw_null(struct jsonw *w, const char *key)
{
	put_key(w, key);
	buf_str(w->b, "null");
}

void jsonw_time(struct jsonw *w, const char *key, int64_t ms)
{
	put_key(w, key);
	buf_printf(w->b, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
}

void jsonw_base64(struct jsonw *w, const char *key, const uint8_t *data, size_t len)
{
	size_t size = base64_size(len);

	put_key(w, key);
	buf_char(w->b, '"');
	if (buf_reserve(w->b, size)) {
		base64_encode(data, len, w->b->data + w->b->len);
		w->b->len += size - 1;
	}
	buf_char(w->b, '"');
}

void jsonw_raw(struct jsonw *w, const char *key, const char *json)
{
	put_key(w, key);
	buf_str(w->b, json);
}
