/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_BENCH_STYLE_H
#define ECACHECTL_BENCH_STYLE_H

/*
 * bench_style - the page's style sheet, for light and dark screens and for paper; without '<' and '&', which XML
 * would read.
 */
extern const char bench_style[];

#endif
