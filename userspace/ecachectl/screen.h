/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_SCREEN_H
#define ECACHECTL_SCREEN_H

#include <termios.h>

#include "../common/err.h"

/*
 * A terminal taken over for a while: its second screen, without cursor and echo, keys at once. screen_leave() gives it
 * back as it was; whoever ends by a signal has to call it first, so signals are read from @signals (SIGINT, SIGTERM,
 * SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH), and do nothing by themselves until then.
 */
struct screen {
	int in, out;		/* the terminal */
	int signals;
	sigset_t before;
	struct termios was;
	unsigned int cols, rows;
};

enum screen_event { SCREEN_TIME, SCREEN_KEY, SCREEN_RESIZED, SCREEN_END };

int screen_enter(struct screen *s, int in, int out, struct err *e);
void screen_leave(struct screen *s);

/*
 * screen_wait - for at most @ms: SCREEN_KEY with *key, SCREEN_RESIZED with cols and rows new, or SCREEN_END (Ctrl-C, a
 * signal, or the terminal is gone). Ctrl-Z stops the process with the terminal given back, and goes on as
 * SCREEN_RESIZED.
 */
enum screen_event screen_wait(struct screen *s, int ms, char *key);

/* screen_draw - @text in place of what is there, at once: nothing flickers. Longer than the screen: its beginning. */
void screen_draw(struct screen *s, const char *text);

#endif
