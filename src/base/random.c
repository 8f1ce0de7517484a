/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <assert.h>
#include <math.h>

void base_random_seed(struct base_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) { /* splitmix64: never four zeros */
        uint64_t x = seed += 0x9e3779b97f4a7c15u;

        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
        x = (x ^ x >> 27) * 0x94d049bb133111ebu;
        random->state[i] = x ^ x >> 31;
    }
}

static uint64_t rotate_left(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

uint64_t base_random_next(struct base_random *random)
{
    uint64_t *s = random->state, result = rotate_left(s[1] * 5, 7) * 9, shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire's method: the high half of a product is the number; the few low halves that would favour some numbers are drawn again. */
uint64_t base_random_below(struct base_random *random, uint64_t bound)
{
    unsigned __int128 product;
    uint64_t unfair;

    assert(bound > 0);
    unfair = -bound % bound; /* 2^64 mod bound */
    do product = (unsigned __int128)base_random_next(random) * bound;
    while ((uint64_t)product < unfair);
    return (uint64_t)(product >> 64);
}

double base_random_unit(struct base_random *random)
{
    return (double)(base_random_next(random) >> 11) * 0x1p-53;
}

double base_random_gauss(struct base_random *random)
{
    double u, v, square;

    do { /* a point in the unit disc (Marsaglia's polar method) */
        u = 2 * base_random_unit(random) - 1;
        v = 2 * base_random_unit(random) - 1;
        square = u * u + v * v;
    } while (square >= 1 || square == 0);
    return u * sqrt(-2 * log(square) / square);
}
