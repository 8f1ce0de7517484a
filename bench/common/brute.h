/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BRUTE_H
#define BENCH_BRUTE_H

#include <stddef.h>
#include <stdint.h>

/* Comparison of each query with every point in double precision, to check answers with. Labels are row numbers. */
struct bench_brute {
    double *lane; /* [dim][n] */
    size_t n, dim;
    int threads;
};
void bench_brute_init(struct bench_brute *brute, const double *points, size_t n, size_t dim, int threads);
void bench_brute_free(struct bench_brute *brute);

/* Answers to be checked: of `nq` queries, `sample` of them, evenly spread, are compared. */
struct bench_answers {
    const double *queries;   /* [nq][dim] */
    const int64_t *self;     /* [nq]: the row that is left out of a query's answer; NULL: none */
    const int64_t *labels;   /* [nq][k] */
    const double *distances; /* [nq][k] */
    size_t nq, k;
};

/* How many queries to check: all when that is little work, else 256. */
size_t bench_brute_sample(const struct bench_brute *brute, size_t nq);

/* Which of nq queries is the turn-th of a sample. */
size_t bench_brute_sampled(size_t turn, size_t sample, size_t nq);

/* The right answers of sampled queries: labels[sample][k], distances[sample][k]; -1 and infinity where there are fewer points. Those of `answers` are
 * not looked at. */
void bench_brute_answers(int64_t *labels, double *distances, const struct bench_brute *brute, const struct bench_answers *answers, size_t sample);

/* The number of sampled queries whose labels or distances differ, to the last bit. */
uint64_t bench_brute_differences(const struct bench_brute *brute, const struct bench_answers *answers, size_t sample);

#endif
