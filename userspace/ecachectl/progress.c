// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "progress.h"

#define LINE_MS 10000
#define BAR_MAX 40
#define BAR_MIN 10
#define COLUMNS 80

void progress_size(uint64_t bytes, char out[16])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 1024 && u < 5) {
		v /= 1024;
		u++;
	}
	snprintf(out, 16, v < 10 && u ? "%.1f %s" : "%.0f %s", v, units[u]);
}

unsigned int progress_columns(int fd)
{
	struct winsize ws;

	if (!isatty(fd))
		return 0;
	return !ioctl(fd, TIOCGWINSZ, &ws) && ws.ws_col ? ws.ws_col : COLUMNS;
}

static void time_left(uint64_t done, uint64_t total, int64_t ms, char out[32])
{
	double s = done ? (double)ms / 1000 * (double)(total - done) / (double)done : 0;
	long long n = (long long)(s + 0.5);

	if (!done || ms <= 0 || n > 99 * 3600)
		strcpy(out, "");
	else if (n >= 3600)
		snprintf(out, 32, ", %lld:%02lld:%02lld left", n / 3600, n / 60 % 60, n % 60);
	else
		snprintf(out, 32, ", %lld:%02lld left", n / 60, n % 60);
}

/* numbers - " 45 %, 1.2 GiB of 2.7 GiB, 310 MiB/s, 0:05 left" */
static void numbers(uint64_t done, uint64_t total, int64_t ms, char *out, size_t size)
{
	char now[16], all[16], rate[16], left[32];

	progress_size(done, now);
	progress_size(total, all);
	progress_size(ms > 0 ? (uint64_t)((double)done * 1000 / (double)ms) : 0, rate);
	time_left(done, total, ms, left);
	snprintf(out, size, "%3.0f %%, %s of %s, %s/s%s", total ? (double)done * 100 / (double)total : 100.0, now, all,
		 rate, done < total ? left : "");
}

static void draw(FILE *to, unsigned int columns, const char *what, const char *text, uint64_t done, uint64_t total)
{
	size_t used = strlen(what) + strlen(text) + 5, width = columns > used ? columns - used : 0;
	char bar[BAR_MAX + 1];

	width = width > BAR_MAX ? BAR_MAX : width;
	if (width >= BAR_MIN) {
		memset(bar, '.', width);
		memset(bar, '#', total ? (size_t)((double)width * (double)done / (double)total) : width);
		bar[width] = '\0';
		fprintf(to, "\r%s [%s] %s\033[K", what, bar, text);
	} else {
		fprintf(to, "\r%.*s\033[K", (int)columns - 1, text);
	}
}

void progress_show(struct progress *p, FILE *to, unsigned int columns, const char *what, uint64_t done, uint64_t total,
		   int64_t ms)
{
	bool other = strcmp(p->what, what);
	char text[128];

	if (done > total)
		done = total;
	if (other)
		progress_break(p, to);
	snprintf(p->what, sizeof(p->what), "%s", what);
	numbers(done, total, ms, text, sizeof(text));
	if (columns) {
		draw(to, columns, p->what, text, done, total);
		p->drawn = true;
		if (done == total)
			progress_break(p, to);
	} else if (other || done == total || ms - p->line_ms >= LINE_MS) {
		fprintf(to, "%s %s\n", p->what, text);
		p->line_ms = ms;
	}
	fflush(to);
}

void progress_break(struct progress *p, FILE *to)
{
	if (p->drawn)
		fputc('\n', to);
	p->drawn = false;
}
