// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>

#include "common/jitter.h"
#include "fleet.h"

/* mix - splitmix64's output function: neighbouring numbers become unrelated states. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

uint64_t chance_seed(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t state = mix(mix(mix(seed) ^ a) ^ b);

	return state ? state : 1;
}

int64_t chance_up_to(uint64_t *state, int64_t n)
{
	return jitter_up_to(state, n);
}

double chance_unit(uint64_t *state)
{
	return (double)jitter_up_to(state, (1LL << 53) - 1) / (double)(1LL << 53);
}

int64_t chance_exponential(uint64_t *state, double mean)
{
	return (int64_t)(-mean * log(1.0 - chance_unit(state)));
}
