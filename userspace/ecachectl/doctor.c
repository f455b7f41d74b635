// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

static const struct check *const groups[] = {
	doctor_kms_checks,
	doctor_volumes_checks,
	doctor_host_checks,
	doctor_kernel_checks,
	doctor_agent_checks,
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

const char *outcome_name(enum outcome o)
{
	static const char *const names[] = {
		[DOCTOR_OK] = "ok", [DOCTOR_UNKNOWN] = "unknown", [DOCTOR_WARNING] = "warning",
			[DOCTOR_FAULT] = "fault",
	};

	return names[o];
}

void find(struct finding *f, enum outcome o, const char *remedy, const char *fmt, ...)
{
	size_t len = strlen(f->found);
	va_list ap;

	if (o < f->outcome)
		return;
	if (o > f->outcome) {
		f->outcome = o;
		f->remedy = NULL;
		len = 0;
	}
	if (!f->remedy)
		f->remedy = remedy;
	if (len && len + 2 < sizeof(f->found)) {
		strcpy(f->found + len, "; ");
		len += 2;
	}
	va_start(ap, fmt);
	vsnprintf(f->found + len, sizeof(f->found) - len, fmt, ap);
	va_end(ap);
}

static void run(const struct doctor *d, const struct check *c, struct finding *f)
{
	*f = (struct finding){ .outcome = DOCTOR_OK };
	c->run(d, f);
}

void doctor_each(const struct doctor *d, void (*fn)(void *ctx, const char *name, const struct finding *f), void *ctx)
{
	const struct check *c;
	struct finding f;
	size_t i;

	for (i = 0; i < GROUPS; i++) {
		for (c = groups[i]; c->name; c++) {
			run(d, c, &f);
			fn(ctx, c->name, &f);
		}
	}
}

bool doctor_check(const struct doctor *d, const char *name, struct finding *f)
{
	const struct check *c;
	size_t i;

	for (i = 0; i < GROUPS; i++) {
		for (c = groups[i]; c->name; c++) {
			if (strcmp(c->name, name))
				continue;
			run(d, c, f);
			return true;
		}
	}
	return false;
}
