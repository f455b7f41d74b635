// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdatomic.h>
#include <time.h>

#include "skew.h"

struct skew_clock skew_clock(void)
{
	struct timespec wall, boot;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (struct skew_clock){ wall.tv_sec, boot.tv_sec };
}

bool skew_learn(struct skew *s, int64_t server_s, struct skew_clock now)
{
	if (server_s < now.wall_s - SKEW_MAX_S || server_s > now.wall_s + SKEW_MAX_S)
		return false;
	atomic_store(&s->boot_s, server_s - now.boot_s);
	return true;
}

void skew_forget(struct skew *s)
{
	atomic_store(&s->boot_s, 0);
}

int64_t skew_now(const struct skew *s, struct skew_clock now)
{
	int64_t boot_s = atomic_load(&s->boot_s);

	return boot_s ? boot_s + now.boot_s : now.wall_s;
}

bool skew_date(const struct skew *s, struct skew_clock now, char out[17])
{
	time_t t = skew_now(s, now);
	struct tm tm;

	out[0] = '\0';
	return atomic_load(&s->boot_s) && gmtime_r(&t, &tm) && strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm) == 16;
}
