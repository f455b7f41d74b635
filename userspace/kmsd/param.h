/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_PARAM_H
#define KMSD_PARAM_H

#include "call.h"
#include "context.h"

/*
 * Reading a call's members. All return FAULT_NONE, FAULT_SERIALIZATION for a wrong JSON type or FAULT_VALIDATION; a
 * member that is absent or null leaves *out as it was. Strings are borrowed from c->in.
 */
enum fault param_string(struct call *c, const char *name, size_t min, size_t max, const char **out);
/* param_characters - of UTF-8 text. */
size_t param_characters(const char *s);
/* param_text - as param_string(), but @max counts characters. */
enum fault param_text(struct call *c, const char *name, size_t max, const char **out);
enum fault param_required(struct call *c, const char *name, size_t min, size_t max, const char **out);
enum fault param_int(struct call *c, const char *name, int64_t min, int64_t max, int64_t *out);
enum fault param_bool(struct call *c, const char *name, bool *out);
enum fault param_context(struct call *c, const char *name, struct context *out);

/* param_blob - base64; *out is filled with @min..@max bytes, and stays empty when the member is absent. */
enum fault param_blob(struct call *c, const char *name, size_t min, size_t max, struct buf *out);

/* param_array - an array of strings of at most @max elements; NULL when absent. */
enum fault param_array(struct call *c, const char *name, size_t max, struct json_object **out);

/* param_grant_tokens - GrantTokens: each issued by us, for a grant that stands. */
enum fault param_grant_tokens(struct call *c);

/* param_grant_id - member GrantId; FAULT_INVALID_GRANT_ID when it cannot be one. */
enum fault param_grant_id(struct call *c, const char **id, bool required);

/* param_absent - a member that this server cannot honour: FAULT_UNSUPPORTED when it is there. */
enum fault param_absent(struct call *c, const char *name);

/* param_invalid - "Value 'x' at 'member' failed to satisfy constraint: ...": a FAULT_VALIDATION. */
enum fault param_invalid(struct call *c, const char *name, const char *constraint);

/*
 * Pages: @limit entries, from where the last page ended. A marker is base64 of "1:" and the last entry's name; it says
 * nothing that the entries did not say.
 */
#define MARKER_NAME_MAX TAG_NAME_SIZE
enum fault param_page(struct call *c, int64_t limit_max, int64_t *limit, char after[MARKER_NAME_MAX]);
void param_put_marker(struct jsonw *w, bool more, const char *last);

#endif
