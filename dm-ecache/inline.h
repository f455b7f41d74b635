/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DM_ECACHE_INLINE_H
#define DM_ECACHE_INLINE_H

/*
 * The inline engine is there where the kernel lets modules use blk-crypto (Kbuild looks); its
 * absence is an answer like any other.
 */
struct ecache_engine;

#ifdef ECACHE_HAVE_BLK_CRYPTO
extern const struct ecache_engine ecache_engine_blk_crypto;

static inline const struct ecache_engine *ecache_engine_inline(void)
{
	return &ecache_engine_blk_crypto;
}
#else
static inline const struct ecache_engine *ecache_engine_inline(void)
{
	return NULL;
}
#endif

#endif
