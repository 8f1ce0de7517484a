/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* xoshiro256** of Blackman and Vigna, seeded by splitmix64. Same seed, same numbers, on any machine. */
struct base_random {
    uint64_t state[4];
};
void base_random_seed(struct base_random *random, uint64_t seed);
uint64_t base_random_next(struct base_random *random);
uint64_t base_random_below(struct base_random *random, uint64_t bound); /* 0..bound-1 without bias; bound > 0 */
double base_random_unit(struct base_random *random);                    /* [0, 1) with 53 bits */
double base_random_gauss(struct base_random *random);                   /* for tests and benchmarks */

/*
 * Priority of a node in the insertion order of a batch: for each seed a bijection of 32-bit numbers, so there are no ties and the least
 * priorities are a random sample. The lesser goes first. Part of the format: versions of one store depend on it.
 */
static inline uint32_t base_priority(uint64_t seed, uint32_t node)
{
    uint32_t x = node + (uint32_t)seed;

    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    x += (uint32_t)(seed >> 32);
    x ^= x >> 15;
    x *= 0x2c1b3c6du;
    x ^= x >> 12;
    return x;
}

#endif
