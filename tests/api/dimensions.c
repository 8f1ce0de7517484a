/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many dimensions, where points stand in the query layout by a few numbers each (its views): every version of a store with turnover against a plain
 * loop over all points and by pcct_verify, from the writer's state, from frames and from anchors.
 */
#include "common.h"
#include "space.h"

enum { FIRST = 1500, BATCH = 150, ROUNDS = 6, MOST = FIRST + ROUNDS * BATCH, NQ = 12, K = 10, DIM_MOST = 784 };

/* Dimension, how many numbers decide a point, noise beside them, what all is multiplied by. */
static const struct kind {
    enum space_metric metric;
    uint32_t dim, numbers;
    double noise, size;
} kinds[] = {
    { SPACE_EUCLIDEAN, 16, 3, 0.01, 1 },  { SPACE_EUCLIDEAN, 17, 17, 0, 1 },   { SPACE_EUCLIDEAN, 64, 5, 0.01, 1e140 },
    { SPACE_COSINE, 64, 5, 0.01, 1 },     { SPACE_EUCLIDEAN, 784, 40, 0.1, 1 }, { SPACE_EUCLIDEAN, 32, 2, 0, 1e-150 },
};

struct scene {
    const struct kind *kind;
    struct random_numbers random;
    double *turn;                 /* [numbers][dim] */
    double *points;               /* [MOST][dim] by label */
    char live[MOST];
    char *folder, *path;
    pcct_store *store;
};

static void make_point(double *point, struct scene *s)
{
    const struct kind *kind = s->kind;

    for (uint32_t j = 0; j < kind->dim; j++) point[j] = kind->size * kind->noise * (random_unit(&s->random) - 0.5);
    for (uint32_t h = 0; h < kind->numbers; h++) {
        const double number = random_below(&s->random, 4) == 0 ? (double)random_below(&s->random, 4) : 4 * random_unit(&s->random);

        for (uint32_t j = 0; j < kind->dim; j++) point[j] += kind->size * number * s->turn[h * kind->dim + j];
    }
}

static void commit(struct scene *s, int64_t first, int64_t n, int insert)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t made = 0;
    static char message[60001];
    int64_t labels[FIRST];

    for (int64_t i = 0; i < n; i++) {
        labels[i] = first + (insert ? i : ROUNDS * i);
        s->live[labels[i]] = (char)insert;
        if (insert) make_point(s->points + (size_t)labels[i] * s->kind->dim, s);
    }
    OK(pcct_batch_begin(&batch, s->store, "main", NULL, &err));
    if (insert) OK(pcct_batch_insert(batch, s->points + (size_t)first * s->kind->dim, (size_t)n, labels, &err));
    else OK(pcct_batch_delete(batch, labels, (size_t)n, &err));
    memset(message, 'm', sizeof message - 1); /* long frames make an anchor due */
    OK(pcct_batch_commit(&made, batch, message, &err));
    pcct_batch_close(batch);
}

struct hit {
    double distance;
    int64_t label;
};

static int by_distance(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;

    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return x->label < y->label ? -1 : x->label > y->label;
}

/* k-NN of places from outside against a plain loop; all other kinds of queries by the library's own. The key, whose root is taken, orders ties. */
static void expect_right(struct scene *s, const pcct_view *view)
{
    const uint32_t dim = s->kind->dim;
    struct pcct_verify_options options = PCCT_VERIFY_OPTIONS_INIT;
    struct pcct_verify_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    double *query = malloc(dim * sizeof *query), distances[K];
    struct hit *hit = malloc(MOST * sizeof *hit);
    int64_t labels[K];

    CHECK(query && hit, "memory");
    for (int i = 0; i < NQ; i++) {
        size_t n = 0;

        make_point(query, s);
        if (i % 4 == 0) memcpy(query, s->points + (size_t)i * dim, dim * sizeof *query);
        if (i % 4 == 1) query[0] += 1000 * s->kind->size;
        for (int64_t label = 0; label < MOST; label++) {
            const double *point = s->points + (size_t)label * dim;

            if (!s->live[label]) continue;
            hit[n].distance = s->kind->metric == SPACE_COSINE ? 0 : space_key(s->kind->metric, query, point, dim);
            hit[n++].label = label;
        }
        OK(pcct_knn(labels, distances, view, query, 1, K, NULL, &err));
        if (s->kind->metric == SPACE_COSINE) continue; /* pcct_verify compares those */
        qsort(hit, n, sizeof *hit, by_distance);
        for (int j = 0; j < K; j++) {
            CHECK(labels[j] == hit[j].label && distances[j] == sqrt(hit[j].distance), "dimension %u, query %d, place %d", dim, i, j);
        }
    }
    options.sample = 40;
    options.threads = 2;
    OK(pcct_verify(&result, view, &options, &err));
    CHECK(result.differences == 0 && result.violations == 0, "%s", result.first);
    free(hit);
    free(query);
}

static void look(struct scene *s, int from_anchor)
{
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;

    OK(pcct_view_open(&view, s->store, "main", &err));
    OK(pcct_view_describe(&info, view));
    CHECK(!from_anchor || info.anchor > 0, "no anchor was mapped");
    expect_right(s, view);
    pcct_view_close(view);
}

static void reopen(struct scene *s)
{
    struct pcct_error err = { 0, "" };

    pcct_store_close(s->store);
    OK(pcct_store_open(&s->store, s->path, NULL, &err));
}

static void test_answers_are_right_at_every_version(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
        struct scene s = { .kind = &kinds[k], .random = { 5 + k } };
        struct pcct_error err = { 0, "" };

        s.turn = malloc(kinds[k].numbers * kinds[k].dim * sizeof *s.turn);
        s.points = malloc((size_t)MOST * kinds[k].dim * sizeof *s.points);
        CHECK(s.turn && s.points, "memory");
        for (size_t i = 0; i < (size_t)kinds[k].numbers * kinds[k].dim; i++) s.turn[i] = random_unit(&s.random) - 0.5;
        s.folder = folder_new();
        s.path = path_join(s.folder, "store");
        create.dim = kinds[k].dim;
        create.metric = space_names[kinds[k].metric];
        OK(pcct_store_create(s.path, &create, &err));
        OK(pcct_store_open(&s.store, s.path, NULL, &err));
        commit(&s, 0, FIRST, 1);
        look(&s, 0);
        for (int64_t round = 0; round < ROUNDS; round++) {
            if (round % 3 == 2) reopen(&s); /* from the last anchor */
            commit(&s, FIRST + round * BATCH, BATCH, 1);
            commit(&s, round, BATCH, 0);
            if (round % 2) look(&s, 0);
        }
        reopen(&s);
        look(&s, 1);
        pcct_store_close(s.store);
        folder_free(s.folder);
        free(s.path);
        free(s.points);
        free(s.turn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_answers_are_right_at_every_version) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
