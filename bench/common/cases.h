/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "common/options.h"

/* Points that something is measured with. */
struct bench_case {
    enum bench_shape shape;
    size_t n, dim;
};

/*
 * The cases of a run, freed with free(): all combinations of what --data, --n and --d name, if any is given (for one that is not: gaussian, 32768,
 * 3); else those of the list, without the cities when their file was not named. --quick: at most quick_n points in each.
 */
struct bench_case *bench_cases(size_t *count, const struct bench_options *options, const struct bench_case *list, size_t listed, size_t quick_n);

#endif
