/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdint.h>

/* splitmix64: the benchmarks' own numbers, so that data stay the same when the library's generator changes. */
struct bench_random {
    uint64_t state;
};
uint64_t bench_random_next(struct bench_random *random);
uint64_t bench_random_below(struct bench_random *random, uint64_t bound); /* 0..bound-1; bound > 0 and far below 2^64 */
double bench_random_unit(struct bench_random *random);                    /* [0, 1) */
double bench_random_gauss(struct bench_random *random);

#endif
