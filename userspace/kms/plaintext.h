/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_PLAINTEXT_H
#define ECACHE_PLAINTEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * plaintext_take - decode the top-level member "Plaintext" (base64) of the JSON object in @body into @out and overwrite
 * it in @body, so that what remains may be parsed by a library that copies and does not wipe. Nothing else is copied.
 * Returns the number of bytes (1..@cap) or -EBADMSG when the text is not one JSON object with exactly one such member;
 * then all of @body is overwritten with blanks, and @out with zeros.
 */
int plaintext_take(char *body, size_t len, uint8_t *out, size_t cap);

#endif
