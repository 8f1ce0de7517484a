/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hundred commits that double, halve, double and halve a store of drifting clusters: queries on its head look at no more than in a store that the
 * same points were put into at once. Counts, no clock; `bench/update --only sequence` is the same with more points.
 */
#include "common.h"

enum { N = 4000, BATCHES = 50, STEP = N / BATCHES, ALL = 3 * N, MOST_DIM = 8, NQ = 400, K = 10 };

static struct random_numbers random_state;

/* The i-th point: of eight clusters, which all drift, each at its own pace. */
static void place(double *x, size_t i, size_t dim)
{
    const size_t cluster = (size_t)random_below(&random_state, 8);

    for (size_t j = 0; j < dim; j++) {
        const double from = (double)(cluster * 37 % (11 + j) + 1) / (double)(11 + j), pace = (double)(cluster * 17 % (7 + j)) / (double)(7 + j) - 0.5;
        const double spread = 0.02 * (double)(1 + cluster);

        x[j] = from + 2 * pace * (double)i / ALL + spread * (random_unit(&random_state) + random_unit(&random_state) + random_unit(&random_state));
    }
}

struct sequence {
    size_t dim;
    double points[ALL * MOST_DIM]; /* by label */
    int64_t live[ALL];             /* labels, [n] */
    size_t n, end;
    pcct_store *store;
};

static pcct_store *store_new(const char *path, size_t dim)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    create.dim = (uint32_t)dim;
    OK(pcct_store_create(path, &create, &err));
    OK(pcct_store_open(&store, path, NULL, &err));
    return store;
}

static void commit(pcct_store *store, const double *points, const int64_t *labels, size_t n, const int64_t *gone, size_t m)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;

    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    OK(pcct_batch_insert(batch, points, n, labels, &err));
    OK(pcct_batch_delete(batch, gone, m, &err));
    OK(pcct_batch_commit(NULL, batch, "", &err));
    pcct_batch_close(batch);
}

static void grow(struct sequence *s, size_t n)
{
    for (size_t i = 0; i < n; i++) s->live[s->n + i] = (int64_t)(s->end + i);
    commit(s->store, s->points + s->end * s->dim, s->live + s->n, n, NULL, 0);
    s->n += n;
    s->end += n;
}

/* oldest: those that came first, else any. */
static void shrink(struct sequence *s, size_t n, int oldest)
{
    int64_t gone[STEP];

    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)random_below(&random_state, s->n);

        for (size_t j = 0; oldest && j < s->n; j++) at = s->live[j] < s->live[at] ? j : at;
        gone[i] = s->live[at];
        s->live[at] = s->live[--s->n];
    }
    commit(s->store, NULL, NULL, 0, gone, n);
}

/* What queries near live points look at. */
static struct pcct_work look(const struct sequence *s, pcct_store *store)
{
    static double queries[NQ * MOST_DIM], distances[NQ * K];
    static int64_t labels[NQ * K];
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_work work = { 0 };
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;

    for (size_t q = 0; q < NQ; q++) {
        const double *a = s->points + (size_t)s->live[q * 7 % s->n] * s->dim, *b = s->points + (size_t)s->live[q * 11 % s->n] * s->dim;

        for (size_t j = 0; j < s->dim; j++) queries[q * s->dim + j] = 0.98 * a[j] + 0.02 * b[j];
    }
    options.work = &work;
    OK(pcct_view_open(&view, store, "main", &err));
    OK(pcct_knn(labels, distances, view, queries, NQ, K, &options, &err));
    pcct_view_close(view);
    return work;
}

/* Points looked at: 15 % more at most. A store that was just filled has packed blocks, of which 64 points need fewer than of those with room. */
static void expect_like_new(const struct sequence *s, int batch)
{
    char *folder = folder_new(), *path = path_join(folder, "store");
    double *points = malloc(s->n * s->dim * sizeof *points);
    pcct_store *fresh = store_new(path, s->dim);
    struct pcct_work aged, new;

    CHECK(points, "memory");
    for (size_t i = 0; i < s->n; i++) memcpy(points + i * s->dim, s->points + (size_t)s->live[i] * s->dim, s->dim * sizeof *points);
    commit(fresh, points, s->live, s->n, NULL, 0);
    aged = look(s, s->store);
    new = look(s, fresh);
    CHECK((double)aged.distances <= 1.15 * (double)new.distances, "after batch %d, d = %zu: %" PRIu64 " points in place of %" PRIu64, batch, s->dim,
          aged.distances, new.distances);
    CHECK((double)aged.blocks <= 1.15 * 64 / 45 * (double)new.blocks, "after batch %d, d = %zu: %" PRIu64 " blocks in place of %" PRIu64, batch,
          s->dim, aged.blocks, new.blocks);
    pcct_store_close(fresh);
    free(points);
    free(path);
    folder_free(folder);
}

static void two_hundred_batches(void **state)
{
    static const size_t dims[] = { 2, MOST_DIM };
    static struct sequence s;

    (void)state;
    for (size_t turn = 0; turn < 2; turn++) {
        char *folder = folder_new(), *path = path_join(folder, "store");

        s.dim = dims[turn];
        s.n = s.end = 0;
        random_state.state = turn;
        for (size_t i = 0; i < ALL; i++) place(s.points + i * s.dim, i, s.dim);
        s.store = store_new(path, s.dim);
        grow(&s, N);
        for (int batch = 0; batch < 4 * BATCHES; batch++) {
            if (batch / BATCHES % 2 == 0) grow(&s, STEP);
            else shrink(&s, STEP, batch > 2 * BATCHES);
            if (batch % 25 == 24) expect_like_new(&s, batch);
        }
        pcct_store_close(s.store);
        free(path);
        folder_free(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(two_hundred_batches) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
