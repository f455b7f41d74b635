/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_ANSWER_H
#define ECACHE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "kms.h"
#include "profile.h"

/*
 * answer_set_code - the exception's name out of what services put into "__type": "ns#Code", "Code", "Code:uri". Cut to
 * fit; only letters, digits, '.', '_' and '-' remain, since the code is compared and logged.
 */
void answer_set_code(struct kms_answer *a, const char *type);

/* answer_set_message - printable ASCII, the rest as '?'; cut to fit. */
void answer_set_message(struct kms_answer *a, const char *text, size_t len);

/*
 * answer_of_json_error - fill code and message from a body {"__type":S,"message"|"Message":S}. A body that is none
 * leaves both empty: the HTTP status alone speaks then.
 */
void answer_of_json_error(struct kms_answer *a, const char *body, size_t len);

/* answer_of_xml_error - the same for the query protocol: <Code>S</Code><Message>S</Message>. */
void answer_of_xml_error(struct kms_answer *a, const char *body, size_t len);

/* xml_element - what is between <NAME> and </NAME>, the only such element; false when there is none, or two. */
bool xml_element(const char *body, size_t len, const char *name, struct span *out);

/* xml_span - the same without markup, entities or NUL in it. */
bool xml_span(const char *body, size_t len, const char *name, struct span *out);

/* xml_text - the text of xml_span(), copied; false also when it does not fit. */
bool xml_text(const char *body, size_t len, const char *name, char *out, size_t size);

/* answer_explain - *e for people (operation, subject, KMS's words, request id, hint) and the call's return code. */
int answer_explain(const struct kms_answer *a, const char *op, const char *subject, struct err *e);

#endif
