// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "table.h"

#define GAP 2

void table_init(struct table *t, const char *const *titles)
{
	memset(t, 0, sizeof(*t));
	t->titles = titles;
	while (titles[t->cols] && t->cols < TABLE_COLS)
		t->cols++;
}

void table_row(struct table *t)
{
	size_t nr = (size_t)(t->rows + 1) * t->cols;
	struct cell *more = reallocarray(t->cells, nr, sizeof(*more));

	if (!more || t->broken) {
		t->cells = more ? more : t->cells;
		t->broken = true;
		return;
	}
	t->cells = more;
	memset(more + (size_t)t->rows * t->cols, 0, t->cols * sizeof(*more));
	t->rows++;
}

void table_put(struct table *t, unsigned int col, enum tone tone, const char *fmt, ...)
{
	struct cell *c;
	va_list ap;

	if (t->broken)
		return;
	c = &t->cells[(size_t)(t->rows - 1) * t->cols + col];
	free(c->text);
	va_start(ap, fmt);
	if (vasprintf(&c->text, fmt, ap) < 0) {
		c->text = NULL;
		t->broken = true;
	}
	va_end(ap);
	c->tone = tone;
}

/* width_of - columns of a terminal: what continues a UTF-8 character has none of its own. */
static unsigned int width_of(const char *s)
{
	unsigned int n = 0;

	for (; s && *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static const char *title_of(const struct table *t, unsigned int col)
{
	return t->titles[col] + (*t->titles[col] == '>');
}

static const struct cell *cell_at(const struct table *t, unsigned int row, unsigned int col)
{
	return &t->cells[(size_t)row * t->cols + col];
}

/* measure - 0: nothing in it. */
static unsigned int measure(const struct table *t, unsigned int col)
{
	unsigned int row, w, most = 0;

	for (row = 0; row < t->rows; row++) {
		w = width_of(cell_at(t, row, col)->text);
		most = w > most ? w : most;
	}
	w = width_of(title_of(t, col));
	return most && w > most ? w : most;
}

/* A line being printed: blanks are owed until something follows them. */
struct line {
	FILE *to;
	unsigned int at, owed, limit;
};

static void put_text(struct line *l, const char *s)
{
	for (; *s; s++) {
		bool begins = ((unsigned char)*s & 0xc0) != 0x80;

		if (begins && l->limit && l->at >= l->limit)
			return;
		l->at += begins;
		/* what came from a file or a KMS draws nothing of its own */
		fputc((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s, l->to);
	}
}

static void put_cell(struct line *l, const char *text, enum tone tone, bool tones)
{
	if (!text || !*text || (l->limit && l->at + l->owed >= l->limit))
		return;
	fprintf(l->to, "%*s", (int)l->owed, "");
	l->at += l->owed;
	l->owed = 0;
	fputs(tone_begin(tone, tones), l->to);
	put_text(l, text);
	fputs(tone_end(tone, tones), l->to);
}

static void put_row(FILE *to, const struct table *t, const unsigned int *widths, int row, bool tones,
		    unsigned int limit)
{
	struct line l = { .to = to, .limit = limit };
	const struct cell *c;
	const char *text;
	unsigned int col, pad;
	bool first = true;

	for (col = 0; col < t->cols; col++) {
		if (!widths[col])
			continue;
		c = row < 0 ? NULL : cell_at(t, row, col);
		text = c ? c->text : title_of(t, col);
		pad = widths[col] - width_of(text);
		l.owed += first ? 0 : GAP;
		first = false;
		if (*t->titles[col] == '>')
			l.owed += pad;
		put_cell(&l, text, c ? c->tone : TONE_HEAD, tones);
		if (*t->titles[col] != '>')
			l.owed += pad;
	}
	fputc('\n', to);
}

void table_print(FILE *to, const struct table *t, bool tones, unsigned int width, unsigned int height)
{
	unsigned int widths[TABLE_COLS], col, row;

	if (t->broken) {
		fputs("no memory for a table\n", to);
		return;
	}
	for (col = 0; col < t->cols; col++)
		widths[col] = measure(t, col);
	put_row(to, t, widths, -1, tones, width);
	for (row = 0; row < t->rows && (!height || row + 1 < height); row++)
		put_row(to, t, widths, row, tones, width);
}

void table_free(struct table *t)
{
	size_t i;

	for (i = 0; i < (size_t)t->rows * t->cols; i++)
		free(t->cells[i].text);
	free(t->cells);
	memset(t, 0, sizeof(*t));
}

unsigned int table_width(FILE *to)
{
	struct winsize w;

	if (!isatty(fileno(to)) || ioctl(fileno(to), TIOCGWINSZ, &w))
		return 0;
	return w.ws_col;
}
