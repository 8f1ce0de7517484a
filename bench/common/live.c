/* SPDX-License-Identifier: Apache-2.0 */
#include "common/live.h"

#include "common/brute.h"
#include "common/machine.h"

#include <stdlib.h>
#include <string.h>

enum { POINT_SEED = 1, QUERY_SEED = 2, CHOICE_SEED = 7, K = 8 };

void bench_live_init(struct bench_live *live, enum bench_shape shape, size_t dim)
{
    *live = (struct bench_live){ .shape = shape, .dim = dim, .random = { CHOICE_SEED } };
    live->series = bench_series_open(shape, dim, POINT_SEED);
}

void bench_live_free(struct bench_live *live)
{
    bench_series_close(live->series);
    free(live->label);
    free(live->points);
}

int64_t bench_live_add(struct bench_live *live, size_t n)
{
    size_t first = live->labels;

    if (first + n > live->room) {
        live->room = first + n + first / 2;
        live->points = realloc(live->points, live->room * live->dim * sizeof *live->points);
        live->label = realloc(live->label, live->room * sizeof *live->label);
        if (!live->points || !live->label) bench_die("out of memory for %zu points", live->room);
    }
    bench_series_next(live->points + first * live->dim, live->series, n);
    for (size_t i = 0; i < n; i++) live->label[live->n++] = (int64_t)(first + i);
    live->labels += n;
    return (int64_t)first;
}

void bench_live_drop(int64_t *label, struct bench_live *live, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t place = bench_random_below(&live->random, live->n);

        label[i] = live->label[place];
        live->label[place] = live->label[--live->n];
    }
}

void bench_live_insert(struct bench_commit *commit, struct bench_live *live, pcct_store *store, size_t n)
{
    int64_t first = bench_live_add(live, n);

    bench_store_commit(commit, store, live->points + (size_t)first * live->dim, n, first, NULL, 0);
}

void bench_live_delete(struct bench_commit *commit, struct bench_live *live, pcct_store *store, size_t n)
{
    int64_t *label = bench_take(n, sizeof *label);

    bench_live_drop(label, live, n);
    bench_store_commit(commit, store, NULL, 0, 0, label, n);
    free(label);
}

static int by_label(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void bench_live_read(double *points, int64_t *label, const struct bench_live *live)
{
    int64_t *ascending = label ? label : bench_take(live->n, sizeof *ascending);

    memcpy(ascending, live->label, live->n * sizeof *ascending);
    qsort(ascending, live->n, sizeof *ascending, by_label);
    for (size_t i = 0; i < live->n; i++) {
        memcpy(points + i * live->dim, live->points + (size_t)ascending[i] * live->dim, live->dim * sizeof *points);
    }
    if (!label) free(ascending);
}

void bench_live_renumber(struct bench_live *live)
{
    double *points = bench_take(live->n * live->dim, sizeof *points);

    bench_live_read(points, NULL, live);
    memcpy(live->points, points, live->n * live->dim * sizeof *points);
    for (size_t i = 0; i < live->n; i++) live->label[i] = (int64_t)i;
    live->labels = live->n;
    free(points);
}

/* Labels to rows of the ascending list, which keep their order; a label that is not live becomes -2, which no answer of brute force has. */
static void to_rows(int64_t *answer, size_t count, const int64_t *label, size_t n)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t *place = answer[i] == -1 ? NULL : bsearch(&answer[i], label, n, sizeof *label, by_label);

        if (answer[i] != -1) answer[i] = place ? place - label : -2;
    }
}

uint64_t bench_live_check(const struct bench_live *live, pcct_store *store, size_t nq)
{
    double *points = bench_take(live->n * live->dim, sizeof *points), *queries = bench_take(nq * live->dim, sizeof *queries);
    int64_t *label = bench_take(live->n, sizeof *label), *answer = bench_take(nq * K, sizeof *answer);
    double *distance = bench_take(nq * K, sizeof *distance);
    struct bench_answers answers = { queries, NULL, answer, distance, nq, K };
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct bench_brute brute;
    pcct_view *view = NULL;
    uint64_t differences = 0;

    bench_points(queries, live->shape, nq, live->dim, QUERY_SEED);
    bench_live_read(points, label, live);
    options.threads = 1;
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    BENCH_MUST(pcct_knn(answer, distance, view, queries, nq, K, &options, &err));
    pcct_view_close(view);
    to_rows(answer, nq * K, label, live->n);
    bench_brute_init(&brute, points, live->n, live->dim, bench_processors());
    differences = bench_brute_differences(&brute, &answers, nq);
    bench_brute_free(&brute);
    free(distance);
    free(answer);
    free(label);
    free(queries);
    free(points);
    return differences;
}
