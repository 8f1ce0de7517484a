/* SPDX-License-Identifier: Apache-2.0 */
#include "common/random.h"

#include <math.h>

uint64_t bench_random_next(struct bench_random *random)
{
    uint64_t x = random->state += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t bench_random_below(struct bench_random *random, uint64_t bound)
{
    return bench_random_next(random) % bound;
}

double bench_random_unit(struct bench_random *random)
{
    return (double)(bench_random_next(random) >> 11) * 0x1p-53;
}

double bench_random_gauss(struct bench_random *random)
{
    double radius = sqrt(-2 * log(1 - bench_random_unit(random))); /* of 1 - u: never the logarithm of 0 */

    return radius * cos(6.283185307179586 * bench_random_unit(random));
}
