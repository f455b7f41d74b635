// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "screen.h"

#define ENTER "\033[?1049h\033[?25l"	/* second screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define END_OF_LINE "\033[K"
#define END_OF_SCREEN "\033[J"

static void measure(struct screen *s)
{
	struct winsize w;

	s->cols = 80;
	s->rows = 24;
	if (ioctl(s->out, TIOCGWINSZ, &w) || !w.ws_col || !w.ws_row)
		return;
	s->cols = w.ws_col;
	s->rows = w.ws_row;
}

static void put(struct screen *s, const char *text)
{
	if (write_all(s->out, text, strlen(text)))
		return;		/* screen_wait() sees that it is gone */
}

static int take(struct screen *s, struct err *e)
{
	struct termios raw = s->was;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(s->in, TCSAFLUSH, &raw))
		return err_sys(e, -errno, "cannot use the terminal");
	measure(s);
	put(s, ENTER);
	return 0;
}

static void give_back(struct screen *s)
{
	put(s, LEAVE);
	tcsetattr(s->in, TCSAFLUSH, &s->was);
}

int screen_enter(struct screen *s, int in, int out, struct err *e)
{
	static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
	sigset_t set;
	size_t i;
	int rc;

	memset(s, 0, sizeof(*s));
	s->in = in;
	s->out = out;
	if (tcgetattr(in, &s->was))
		return err_sys(e, -errno, "cannot take the terminal");
	sigemptyset(&set);
	for (i = 0; i < sizeof(watched) / sizeof(*watched); i++)
		sigaddset(&set, watched[i]);
	sigprocmask(SIG_BLOCK, &set, &s->before);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	rc = s->signals < 0 ? err_sys(e, -errno, "cannot watch signals") : take(s, e);
	if (!rc)
		return 0;
	if (s->signals >= 0)
		close(s->signals);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
	return rc;
}

void screen_leave(struct screen *s)
{
	struct signalfd_siginfo info;

	give_back(s);
	while (read(s->signals, &info, sizeof(info)) > 0)
		;
	close(s->signals);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

static enum screen_event on_signal(struct screen *s)
{
	struct signalfd_siginfo info;
	struct err e = ERR_INIT;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return SCREEN_TIME;
	if (info.ssi_signo == SIGWINCH) {
		measure(s);
		return SCREEN_RESIZED;
	}
	if (info.ssi_signo != SIGTSTP)
		return SCREEN_END;
	give_back(s);
	raise(SIGSTOP);
	return take(s, &e) ? SCREEN_END : SCREEN_RESIZED;
}

enum screen_event screen_wait(struct screen *s, int ms, char *key)
{
	struct pollfd p[2] = { { .fd = s->signals, .events = POLLIN }, { .fd = s->in, .events = POLLIN } };
	int n = poll(p, 2, ms);

	if (n < 0 && errno != EINTR)
		return SCREEN_END;
	if (n <= 0)
		return SCREEN_TIME;
	if (p[0].revents)
		return on_signal(s);
	if (!(p[1].revents & POLLIN) || read(s->in, key, 1) != 1)
		return SCREEN_END;
	return SCREEN_KEY;
}

void screen_draw(struct screen *s, const char *text)
{
	unsigned int row = 0;
	const char *end;
	char *frame;
	size_t len;
	FILE *f = open_memstream(&frame, &len);

	if (!f)
		return;
	fputs(HOME, f);
	for (; *text && row < s->rows; text = end + (*end == '\n'), row++) {
		end = strchrnul(text, '\n');
		/* No newline after the last row: it would scroll. */
		fprintf(f, "%s%.*s" END_OF_LINE, row ? "\n" : "", (int)(end - text), text);
	}
	fputs(END_OF_SCREEN, f);
	if (!fclose(f))
		put(s, frame);
	free(frame);
}
