// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench_mark.h"

/* take_idle - "cpu  user nice system idle iowait ..." of all processors. */
static void take_idle(const char *line, long hz, struct bench_mark *m)
{
	unsigned long long idle, wait;

	if (sscanf(line, "cpu %*u %*u %*u %llu %llu", &idle, &wait) == 2)
		m->idle = (double)(idle + wait) / hz;
}

/* take_number - a line that is one number and nothing else: the counter of one processor. */
static void take_number(const char *line, struct bench_mark *m)
{
	uint64_t n;
	int used = 0;

	if (sscanf(line, " %" SCNu64 " %n", &n, &used) != 1 || line[used])
		return;
	m->insns += n;
	m->counted = true;
}

static void take_line(const char *line, long hz, struct bench_mark *m)
{
	double up, idle;
	int used = 0;

	if (!strncmp(line, "cpu ", 4))
		take_idle(line, hz, m);
	else if (!strncmp(line, "cpu", 3))
		m->cpus++;
	else if (strchr(line, '.') && sscanf(line, "%lf %lf %n", &up, &idle, &used) == 2 && !line[used])
		m->uptime = up;
	else
		take_number(line, m);
}

int bench_mark_parse(const char *text, long hz, struct bench_mark *m, struct err *e)
{
	char line[256];
	const char *p;
	size_t len;

	*m = (struct bench_mark){ .uptime = -1, .idle = -1 };
	for (p = text; *p; p += len + (p[len] == '\n')) {
		len = strcspn(p, "\n");
		/* the line of all interrupts is long, and of no use */
		if (len < sizeof(line)) {
			memcpy(line, p, len);
			line[len] = '\0';
			take_line(line, hz, m);
		}
	}
	if (m->uptime < 0 || m->idle < 0 || !m->cpus)
		return err_set(e, -EBADMSG, "no times of the processors in what /proc/uptime and /proc/stat said");
	return 0;
}

double bench_mark_used(const struct bench_mark *from, const struct bench_mark *to)
{
	double used = (to->uptime - from->uptime) * to->cpus - (to->idle - from->idle);

	return used > 0 ? used : 0;
}
