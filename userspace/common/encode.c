// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "encode.h"

/*
 * Keys pass through here, so a digit is computed by comparing, not looked up: a table would leave the key's traces in
 * the data cache.
 */

/* in_range - all ones when lo <= c <= hi, else zero; c is 0..255. */
static unsigned int in_range(unsigned int c, unsigned int lo, unsigned int hi)
{
	return -(((lo - 1 - c) >> 31) & ((c - hi - 1) >> 31) & 1);
}

static char hex_digit(unsigned int v)
{
	return v + '0' + (in_range(v, 10, 15) & ('a' - '0' - 10));
}

/* hex_value - 0..15, or 0x100 set for anything else. */
static unsigned int hex_value(unsigned char c)
{
	unsigned int digit = in_range(c, '0', '9');
	unsigned int lower = in_range(c, 'a', 'f');
	unsigned int upper = in_range(c, 'A', 'F');

	return (digit & (c - '0')) | (lower & (c - 'a' + 10)) | (upper & (c - 'A' + 10)) |
		(~(digit | lower | upper) & 0x100);
}

void hex_encode(const uint8_t *in, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = hex_digit(in[i] >> 4);
		*out++ = hex_digit(in[i] & 15);
	}
	*out = '\0';
}

int hex_decode(const char *in, size_t len, uint8_t *out)
{
	unsigned int hi, lo, bad = 0;
	size_t i;

	if (len % 2)
		return -EINVAL;
	for (i = 0; i < len; i += 2) {
		hi = hex_value(in[i]);
		lo = hex_value(in[i + 1]);
		bad |= hi | lo;
		out[i / 2] = (hi << 4) | (lo & 15);
	}
	return bad & 0x100 ? -EINVAL : 0;
}

size_t base64_size(size_t len)
{
	return (len + 2) / 3 * 4 + 1;
}

static char base64_digit(unsigned int v)
{
	return (in_range(v, 0, 25) & (v + 'A')) | (in_range(v, 26, 51) & (v - 26 + 'a')) |
		(in_range(v, 52, 61) & (v - 52 + '0')) | (in_range(v, 62, 62) & '+') | (in_range(v, 63, 63) & '/');
}

/* base64_value - 0..63, or 0x100 set for anything else, '=' included. */
static unsigned int base64_value(unsigned char c)
{
	unsigned int upper = in_range(c, 'A', 'Z');
	unsigned int lower = in_range(c, 'a', 'z');
	unsigned int digit = in_range(c, '0', '9');
	unsigned int plus = in_range(c, '+', '+');
	unsigned int slash = in_range(c, '/', '/');

	return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (plus & 62) | (slash & 63) |
		(~(upper | lower | digit | plus | slash) & 0x100);
}

void base64_encode(const uint8_t *in, size_t len, char *out)
{
	uint32_t v;
	size_t i;

	for (i = 0; i + 2 < len; i += 3) {
		v = in[i] << 16 | in[i + 1] << 8 | in[i + 2];
		*out++ = base64_digit(v >> 18);
		*out++ = base64_digit(v >> 12 & 63);
		*out++ = base64_digit(v >> 6 & 63);
		*out++ = base64_digit(v & 63);
	}
	if (i < len) {
		v = in[i] << 16 | (i + 1 < len ? in[i + 1] << 8 : 0);
		*out++ = base64_digit(v >> 18);
		*out++ = base64_digit(v >> 12 & 63);
		*out++ = i + 1 < len ? base64_digit(v >> 6 & 63) : '=';
		*out++ = '=';
	}
	*out = '\0';
}

ssize_t base64_decode(const char *in, size_t len, uint8_t *out, size_t cap)
{
	size_t pad = 0, have, i, n = 0;
	unsigned int bad = 0, d[4];
	uint32_t v;
	int k;

	if (len % 4)
		return -EINVAL;
	if (len && in[len - 1] == '=')
		pad = in[len - 2] == '=' ? 2 : 1;
	have = len / 4 * 3 - pad;
	if (have > cap)
		return -ENOSPC;
	for (i = 0; i < len; i += 4) {
		size_t skip = i + 4 == len ? pad : 0;

		for (k = 0; k < 4; k++)
			d[k] = k + skip >= 4 ? 0 : base64_value(in[i + k]);
		bad |= d[0] | d[1] | d[2] | d[3];
		v = d[0] << 18 | d[1] << 12 | d[2] << 6 | d[3];
		/* What the padding stands for must be zero: one text for one value. */
		if ((skip == 2 && (v & 0xffff)) || (skip == 1 && (v & 0xff)))
			return -EINVAL;
		out[n++] = v >> 16;
		if (skip < 2)
			out[n++] = v >> 8;
		if (skip < 1)
			out[n++] = v;
	}
	return bad & 0x100 ? -EINVAL : (ssize_t)n;
}
