/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of query against what follows from the full list of a query's neighbours, which pcct_knn gives with k as great as can be and model.c
 * compares with the metrics' definitions. On every version of a store with turnover, in every metric, for several numbers of threads.
 */
#include "common.h"

enum { ROUNDS = 3, BATCH = 400, MOST = ROUNDS * BATCH, DIMS = 3, NQ = 24, K = 9 };

static const char *const metrics[] = { "euclidean", "manhattan", "chebyshev", "cosine", "angular", "haversine", "own" };

struct scene {
    struct random_numbers random;
    size_t dim;
    char *folder, *path;
    pcct_store *store;
};

/* The store's own metric, when it is asked for by that name: the tree itself is searched. */
static double weighted(void *ctx, const double *a, const double *b)
{
    double sum = 0;

    (void)ctx;
    for (int j = 0; j < DIMS; j++) sum = sum + (j + 1) * fabs(a[j] - b[j]);
    return sum;
}

/* Few places, so that many distances are equal, and some points are at none. */
static void make_points(double *points, struct scene *s, size_t n)
{
    for (size_t i = 0; i < n * s->dim; i++) points[i] = floor(random_unit(&s->random) * 9) + (i % 5 == 0 ? random_unit(&s->random) : 0);
    for (size_t i = 0; i < n; i++) points[i * s->dim] += 1; /* no zero vectors */
}

static void start(struct scene *s, const char *metric)
{
    static double points[BATCH * DIMS];
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_metric own = PCCT_METRIC_INIT;
    struct pcct_error err = { 0, "" };

    memset(s, 0, sizeof *s);
    s->random.state = 11;
    s->dim = strcmp(metric, "haversine") == 0 ? 2 : DIMS;
    s->folder = folder_new();
    s->path = path_join(s->folder, "store");
    create.dim = (uint32_t)s->dim;
    if (strcmp(metric, "own") == 0) {
        own.name = "own";
        own.distance = weighted;
        create.custom = open.custom = &own;
    } else {
        create.metric = metric;
    }
    OK(pcct_store_create(s->path, &create, &err));
    OK(pcct_store_open(&s->store, s->path, &open, &err));
    for (int64_t round = 0; round < ROUNDS; round++) {
        struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
        int64_t labels[BATCH], gone[BATCH / 2];
        pcct_batch *batch = NULL;
        uint64_t made = 0;

        make_points(points, s, BATCH);
        for (int64_t i = 0; i < BATCH; i++) labels[i] = (i * 283 % BATCH) * 2 - 600 + round % 2 * 500; /* some come again */
        for (int i = 0; i < BATCH / 2; i++) gone[i] = labels[i * 2 % BATCH];
        options.on_duplicate = PCCT_DUPLICATE_REPLACE;
        OK(pcct_batch_begin(&batch, s->store, "main", &options, &err));
        OK(pcct_batch_insert(batch, points, BATCH, labels, &err));
        OK(pcct_batch_commit(&made, batch, "in", &err));
        pcct_batch_close(batch);
        OK(pcct_batch_begin(&batch, s->store, "main", NULL, &err));
        OK(pcct_batch_delete(batch, gone, BATCH / 2, &err));
        OK(pcct_batch_commit(&made, batch, "out", &err));
        pcct_batch_close(batch);
    }
}

static void finish(struct scene *s)
{
    pcct_store_close(s->store);
    free(s->path);
    folder_free(s->folder);
}

/* A query's neighbours: all of them, in order; `may` says which of the live labels may be found. */
struct lists {
    size_t n;                    /* live points */
    int64_t live[MOST];          /* ascending */
    char may[MOST];
    size_t rank[MOST];
    int ordered;
    int64_t label[NQ][MOST];     /* of each query, all live points */
    double distance[NQ][MOST];
    int64_t asked[NQ];
    double query[NQ * DIMS];
};

static size_t place_of(const struct lists *l, int64_t label)
{
    size_t low = 0, high = l->n;

    while (low + 1 < high) {
        size_t middle = (low + high) / 2;

        if (l->live[middle] <= label) low = middle;
        else high = middle;
    }
    CHECK(l->live[low] == label, "label %" PRId64 " is not live", label);
    return low;
}

/* The answer that the i-th query is to have: at most k, none farther than `radius`. */
static size_t expected(int64_t *label, double *distance, const struct lists *l, int i, int without_self, size_t k, double radius, double *bound)
{
    const size_t own = l->ordered ? l->rank[place_of(l, l->asked[i])] : 0;
    size_t n = 0;

    *bound = (double)INFINITY;
    for (size_t j = 0; j < l->n && l->distance[i][j] <= radius; j++) {
        const size_t at = place_of(l, l->label[i][j]);

        if (!l->may[at] || (without_self && l->label[i][j] == l->asked[i]) || (l->ordered && l->rank[at] >= own)) continue;
        if (n == k) {
            *bound = l->distance[i][j];
            break;
        }
        label[n] = l->label[i][j];
        distance[n++] = l->distance[i][j];
    }
    return n;
}

static void expect_nearest(const struct lists *l, const pcct_view *view, const pcct_filter *filter, int stored, int threads)
{
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    int64_t labels[NQ * K], label[K];
    double distances[NQ * K], distance[K], bounds[NQ], bound = 0;
    int32_t counts[NQ];

    options.threads = threads;
    options.filter = filter;
    options.exclude_self = stored;
    options.counts = counts;
    options.bounds = bounds;
    if (stored) OK(pcct_knn_stored(labels, distances, view, l->asked, NQ, K, &options, &err));
    else OK(pcct_knn(labels, distances, view, l->query, NQ, K, &options, &err));
    for (int i = 0; i < NQ; i++) {
        const size_t n = expected(label, distance, l, i, stored, K, (double)INFINITY, &bound);

        CHECK((size_t)counts[i] == n && bounds[i] == bound, "query %d: %d of %zu, closed at %g, not %g", i, counts[i], n, bounds[i], bound);
        CHECK(memcmp(labels + i * K, label, n * sizeof *label) == 0 && memcmp(distances + i * K, distance, n * sizeof *distance) == 0, "query %d", i);
        for (size_t j = n; j < K; j++) CHECK(labels[i * K + (int)j] == -1 && isinf(distances[i * K + (int)j]), "query %d, place %zu", i, j);
    }
}

static void expect_within(const struct lists *l, const pcct_view *view, pcct_answer *answer, const pcct_filter *filter, int stored, double radius,
                          uint64_t cap, int threads)
{
    static int64_t label[MOST];
    static double distance[MOST];
    struct pcct_radius_options options = PCCT_RADIUS_OPTIONS_INIT;
    struct pcct_answer_rows rows = { .size = sizeof rows };
    struct pcct_error err = { 0, "" };
    uint64_t counts[NQ];
    double bound = 0;

    options.threads = threads;
    options.filter = filter;
    options.cap = cap;
    options.exclude_self = stored;
    if (stored) {
        OK(pcct_radius_stored(answer, view, l->asked, NQ, radius, &options, &err));
        OK(pcct_count_stored(counts, view, l->asked, NQ, radius, &options, &err));
    } else {
        OK(pcct_radius(answer, view, l->query, NQ, radius, &options, &err));
        OK(pcct_count(counts, view, l->query, NQ, radius, &options, &err));
    }
    OK(pcct_answer_read(&rows, answer));
    CHECK(rows.nq == NQ && rows.starts[0] == 0, "%zu queries", rows.nq);
    for (int i = 0; i < NQ; i++) {
        const size_t n = expected(label, distance, l, i, stored, cap ? (size_t)cap : MOST, radius, &bound), first = (size_t)rows.starts[i];

        CHECK(rows.starts[i + 1] - first == n && counts[i] == n, "query %d: %zu within %.17g, counted %" PRIu64, i, n, radius, counts[i]);
        CHECK(n == 0 || memcmp(rows.labels + first, label, n * sizeof *label) == 0, "query %d within %.17g", i, radius);
        CHECK(n == 0 || memcmp(rows.distances + first, distance, n * sizeof *distance) == 0, "query %d within %.17g", i, radius);
    }
}

static void expect_kinds(struct lists *l, const pcct_view *view, pcct_answer *answer, const pcct_filter *filter, int threads)
{
    for (int stored = l->ordered; stored < 2; stored++) {
        expect_nearest(l, view, filter, stored, threads);
        for (int i = 0; i < 4; i++) {
            const double radius = l->distance[i][(size_t)(3 * i * i * i) % l->n]; /* one that some point is exactly at */

            expect_within(l, view, answer, filter, stored, radius, 0, threads);
            expect_within(l, view, answer, filter, stored, nextafter(radius, (double)INFINITY), 5, threads);
            if (radius > 0) expect_within(l, view, answer, filter, stored, nextafter(radius, 0), 40, threads);
        }
    }
}

/* The whole graph is each point's neighbours without itself. */
static void expect_graph(const struct lists *l, const pcct_view *view, const pcct_filter *filter)
{
    static int64_t rows[MOST], labels[MOST * K], one[K];
    static double distances[MOST * K], far[K];
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    int32_t counts[MOST];
    size_t n = l->n;

    options.filter = filter;
    if (filter) OK(pcct_filter_read(rows, &n, filter, &err));
    else OK(pcct_view_read(rows, NULL, view, &err));
    options.counts = counts;
    OK(pcct_graph(labels, distances, view, K, &options, &err));
    options.counts = NULL;
    options.exclude_self = 1;
    options.threads = 1;
    for (size_t i = 0; i < n; i += 1 + i / 8) {
        OK(pcct_knn_stored(one, far, view, &rows[i], 1, K, &options, &err));
        CHECK(memcmp(one, labels + i * K, sizeof one) == 0 && memcmp(far, distances + i * K, sizeof far) == 0, "row %zu", i);
        if (l->ordered) CHECK((size_t)counts[i] <= (i < K ? i : K), "row %zu has %d", i, counts[i]);
    }
}

static void list_all(struct lists *l, struct scene *s, const pcct_view *view)
{
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };

    OK(pcct_view_describe(&info, view));
    l->n = (size_t)info.n_live;
    CHECK(l->n > 10 && l->n <= MOST, "%zu points", l->n);
    OK(pcct_view_read(l->live, NULL, view, &err));
    for (int i = 0; i < NQ; i++) l->asked[i] = l->live[random_below(&s->random, l->n)];
    OK(pcct_view_find(l->query, view, l->asked, NQ, &err)); /* so that one list serves both ways to ask */
    for (int i = 0; i < NQ; i++) OK(pcct_knn(l->label[i], l->distance[i], view, l->query + (size_t)i * s->dim, 1, l->n, NULL, &err));
}

/* variant: bit 0 a net, bit 1 some labels (odd variants by a bitmap), bits 2 and 3 the order. */
static void try_filter(struct lists *l, struct scene *s, const pcct_view *view, pcct_answer *answer, int variant)
{
    static int64_t some[MOST], ordering[MOST], net[MOST];
    static uint64_t bitmap[64];
    struct pcct_filter_options options = PCCT_FILTER_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_filter *filter = NULL;
    size_t n = 0;

    memset(l->may, 1, sizeof l->may);
    memset(bitmap, 0, sizeof bitmap);
    if (variant & 1) {
        options.by_level = 1;
        options.level = -1;
        OK(pcct_net(net, &n, view, options.level, &err));
        memset(l->may, 0, sizeof l->may);
        for (size_t i = 0; i < n; i++) l->may[place_of(l, net[i])] = 1;
    }
    for (size_t i = n = 0; variant & 2 && i < l->n; i++) {
        const int in = random_below(&s->random, 3) > 0 && (!(variant & 1) || l->live[i] >= 0);

        if (in) some[n++] = l->live[i];
        if (in && l->live[i] >= 0) bitmap[l->live[i] / 64] |= (uint64_t)1 << l->live[i] % 64;
        l->may[i] &= (char)in;
    }
    if (variant & 2 && variant & 1) {
        options.bitmap = bitmap;
        options.bitmap_bits = sizeof bitmap * 8;
    } else if (variant & 2) {
        options.labels = some;
        options.n_labels = n;
    }
    options.order = variant >> 2;
    l->ordered = options.order != PCCT_ORDER_NONE;
    for (size_t i = 0; i < l->n; i++) {
        l->rank[i] = i; /* by label */
        ordering[i] = l->live[i];
    }
    if (options.order == PCCT_ORDER_GIVEN) {
        for (size_t i = 0; i + 1 < l->n; i++) {
            const size_t j = i + (size_t)random_below(&s->random, l->n - i);
            const int64_t swap = ordering[i];

            ordering[i] = ordering[j];
            ordering[j] = swap;
        }
        for (size_t i = 0; i < l->n; i++) l->rank[place_of(l, ordering[i])] = i;
        options.ordering = ordering;
        options.n_ordering = l->n;
    }
    OK(pcct_filter_open(&filter, view, &options, &err));
    if (options.order == PCCT_ORDER_NODE) { /* as they came in: what the filter says, if it lets through all */
        struct pcct_filter_options all = PCCT_FILTER_OPTIONS_INIT;
        pcct_filter *order = NULL;

        all.order = PCCT_ORDER_NODE;
        OK(pcct_filter_open(&order, view, &all, &err));
        OK(pcct_filter_read(ordering, &n, order, &err));
        CHECK(n == l->n, "%zu of %zu", n, l->n);
        for (size_t i = 0; i < n; i++) l->rank[place_of(l, ordering[i])] = i;
        pcct_filter_close(order);
    }
    expect_kinds(l, view, answer, filter, 1 + variant % 3);
    expect_graph(l, view, filter);
    pcct_filter_close(filter);
}

static void in_every_metric(void **test)
{
    static struct lists l;

    (void)test;
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
        struct pcct_error err = { 0, "" };
        pcct_answer *answer = NULL;
        struct scene s;

        start(&s, metrics[m]);
        OK(pcct_answer_open(&answer, s.store, &err));
        for (uint64_t version = 1 + m % 2; version <= 2 * ROUNDS; version += 2) {
            char revision[24];
            pcct_view *view = NULL;

            snprintf(revision, sizeof revision, "v%" PRIu64, version);
            OK(pcct_view_open(&view, s.store, revision, &err));
            list_all(&l, &s, view);
            memset(l.may, 1, sizeof l.may);
            l.ordered = 0;
            expect_kinds(&l, view, answer, NULL, 0);
            expect_graph(&l, view, NULL);
            for (int i = 0; i < 6; i++) try_filter(&l, &s, view, answer, (int)((version * 5 + m * 3 + (uint64_t)i * 7) % 16));
            pcct_view_close(view);
        }
        pcct_answer_close(answer);
        finish(&s);
    }
}

static void verify_agrees(void **test)
{
    struct pcct_verify_options options = PCCT_VERIFY_OPTIONS_INIT;
    struct pcct_verify_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    struct scene s;

    (void)test;
    start(&s, "own");
    OK(pcct_view_open(&view, s.store, "main", &err));
    options.sample = 300;
    OK(pcct_verify(&result, view, &options, &err));
    CHECK(result.differences == 0 && result.violations == 0 && result.queries == 300 && result.other_queries == 100, "%s", result.first);
    pcct_view_close(view);
    finish(&s);
    start(&s, "haversine");
    OK(pcct_view_open(&view, s.store, "main", &err));
    OK(pcct_verify(&result, view, &options, &err));
    CHECK(result.differences == 0 && result.violations == 0 && result.queries == 300 && result.other_queries == 100, "%s", result.first);
    options.kinds = -1;
    OK(pcct_verify(&result, view, &options, &err));
    CHECK(result.differences == 0 && result.other_queries == 0, "%s", result.first);
    pcct_view_close(view);
    OK(pcct_view_open(&view, s.store, "v0", &err));
    options.kinds = 0;
    OK(pcct_verify(&result, view, &options, &err));
    CHECK(result.differences == 0 && result.queries == 0 && result.other_queries == 0, "%s", result.first);
    pcct_view_close(view);
    finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(in_every_metric), cmocka_unit_test(verify_agrees) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
