/* SPDX-License-Identifier: Apache-2.0 */
#include "common/brute.h"

#include "common/machine.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1024, SAMPLE = 256 };

void bench_brute_init(struct bench_brute *brute, const double *points, size_t n, size_t dim, int threads)
{
    *brute = (struct bench_brute){ bench_take(n * dim, sizeof(double)), n, dim, threads };
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < dim; j++) brute->lane[j * n + i] = points[i * dim + j];
    }
}

void bench_brute_free(struct bench_brute *brute)
{
    free(brute->lane);
}

size_t bench_brute_sample(const struct bench_brute *brute, size_t nq)
{
    const double little = 1e9; /* coordinates: about a second */

    if ((double)nq * (double)brute->n * (double)brute->dim <= little || nq < SAMPLE) return nq;
    return SAMPLE;
}

/* The k best so far, least (square, row) first. */
struct best {
    double *square;
    int64_t *row;
    size_t k, count;
};

static void offer(struct best *best, double square, int64_t row)
{
    size_t place = best->count;

    if (best->count == best->k && !(square < best->square[best->k - 1])) return; /* rows come in order: of equal ones the earlier stays */
    if (best->count < best->k) best->count++;
    else place--;
    for (; place > 0 && best->square[place - 1] > square; place--) {
        best->square[place] = best->square[place - 1];
        best->row[place] = best->row[place - 1];
    }
    best->square[place] = square;
    best->row[place] = row;
}

static void search(struct best *best, const struct bench_brute *brute, const double *query, int64_t self)
{
    double square[PIECE];

    best->count = 0;
    for (size_t begin = 0; begin < brute->n; begin += PIECE) {
        size_t count = brute->n - begin < PIECE ? brute->n - begin : PIECE;

        for (size_t i = 0; i < count; i++) square[i] = 0;
        for (size_t j = 0; j < brute->dim; j++) {
            const double *lane = brute->lane + j * brute->n + begin;
            double q = query[j];

            for (size_t i = 0; i < count; i++) square[i] += (lane[i] - q) * (lane[i] - q);
        }
        for (size_t i = 0; i < count; i++) {
            if ((int64_t)(begin + i) != self) offer(best, square[i], (int64_t)(begin + i));
        }
    }
}

struct work {
    const struct bench_brute *brute;
    const struct bench_answers *answers;
    int64_t *labels;
    double *distances;
    size_t sample, next;
};

static void *answer(void *argument)
{
    struct work *work = argument;
    const struct bench_answers *answers = work->answers;
    size_t k = answers->k;
    struct best best = { bench_take(k, sizeof(double)), bench_take(k, sizeof(int64_t)), k, 0 };

    for (;;) {
        size_t turn = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED), query;

        if (turn >= work->sample) break;
        query = bench_brute_sampled(turn, work->sample, answers->nq);
        search(&best, work->brute, answers->queries + query * work->brute->dim, answers->self ? answers->self[query] : -1);
        for (size_t i = 0; i < k; i++) {
            work->labels[turn * k + i] = i < best.count ? best.row[i] : -1;
            work->distances[turn * k + i] = i < best.count ? sqrt(best.square[i]) : INFINITY;
        }
    }
    free(best.row);
    free(best.square);
    return NULL;
}

size_t bench_brute_sampled(size_t turn, size_t sample, size_t nq)
{
    return turn * nq / sample;
}

void bench_brute_answers(int64_t *labels, double *distances, const struct bench_brute *brute, const struct bench_answers *answers, size_t sample)
{
    struct work work = { brute, answers, labels, distances, sample, 0 };
    size_t helpers = brute->threads > 1 ? (size_t)brute->threads - 1 : 0, started = 0;
    pthread_t *thread = bench_take(helpers, sizeof *thread);

    while (started < helpers && pthread_create(&thread[started], NULL, answer, &work) == 0) started++;
    answer(&work);
    while (started > 0) pthread_join(thread[--started], NULL);
    free(thread);
}

uint64_t bench_brute_differences(const struct bench_brute *brute, const struct bench_answers *answers, size_t sample)
{
    size_t k = answers->k;
    int64_t *labels = bench_take(sample * k, sizeof *labels);
    double *distances = bench_take(sample * k, sizeof *distances);
    uint64_t differences = 0;

    bench_brute_answers(labels, distances, brute, answers, sample);
    for (size_t turn = 0; turn < sample; turn++) {
        size_t query = bench_brute_sampled(turn, sample, answers->nq);

        differences += memcmp(labels + turn * k, answers->labels + query * k, k * sizeof *labels) != 0
                       || memcmp(distances + turn * k, answers->distances + query * k, k * sizeof *distances) != 0;
    }
    free(distances);
    free(labels);
    return differences;
}
