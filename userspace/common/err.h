/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_ERR_H
#define ECACHE_ERR_H

/*
 * An error a person can act on: what failed, why, and what to do. Every function that can fail for a
 * reason the operator should read takes a struct err and returns 0 or a negative errno; the innermost
 * function that knows the reason fills it in, callers only add context with err_prefix().
 */

#define ERR_TEXT 512

struct err {
	int rc;			/* negative errno, 0 when unset */
	char what[ERR_TEXT];	/* "cannot open /dev/sdb: No such file or directory" */
	char hint[ERR_TEXT];	/* what to do, may be empty */
};

#define ERR_INIT { 0 }

/* err_set - fill @e and return @rc (negative errno). @e may be NULL. The text must hold no secret. */
int err_set(struct err *e, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * err_hint - add what to do about it; returns @e->rc so that it can end a function. Without @e the code is not known:
 * -EIO, since a refusal must not turn into success because nobody wants to read why.
 */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_prefix - put "prefix: " before what is there; returns @e->rc, or -EIO without @e. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_sys - err_set() with ": strerror(-rc)" appended. */
int err_sys(struct err *e, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
