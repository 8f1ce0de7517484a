/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest neighbours in data that break shortcuts of arithmetic and of search, against brute force to the last bit: badly scaled clusters,
 * lattices, points that are all the same, on one line, tiny, huge, or one of them far away. And how much work such data make: counts, no clock.
 */
#include "common.h"

enum { N = 3000, NQ = 60, MOST_DIM = 8, MOST_K = 50, EQUAL = 100000 };

static struct random_numbers random_state;

static double unit(void)
{
    return random_unit(&random_state);
}

/* ---- the data: each fills one point --------------------------------------------------------------------------------------------------------- */

static void even(double *x, size_t dim)
{
    for (size_t j = 0; j < dim; j++) x[j] = unit();
}

static void two_clusters(double *x, size_t dim, double apart, double spread)
{
    double side = unit() < 0.5 ? apart : 0;

    for (size_t j = 0; j < dim; j++) x[j] = side + spread * unit();
}

static void tight_clusters(double *x, size_t dim)
{
    two_clusters(x, dim, 1e6, 1e-3);
}

static void tighter_clusters(double *x, size_t dim)
{
    two_clusters(x, dim, 1e9, 1e-6); /* some thousand different numbers in each */
}

static void wide_clusters(double *x, size_t dim)
{
    two_clusters(x, dim, 1e4, 1);
}

static void lattice(double *x, size_t dim)
{
    for (size_t j = 0; j < dim; j++) x[j] = floor(8 * unit());
}

static void shifted_lattice(double *x, size_t dim)
{
    for (size_t j = 0; j < dim; j++) x[j] = 1e8 + floor(3 * unit()) / 8;
}

static void equal(double *x, size_t dim)
{
    for (size_t j = 0; j < dim; j++) x[j] = 1.5;
}

static void outlier(double *x, size_t dim)
{
    double far = unit() < 1.0 / N ? 1e12 : 0;

    for (size_t j = 0; j < dim; j++) x[j] = far + unit();
}

static void denormal(double *x, size_t dim)
{
    for (size_t j = 0; j < dim; j++) x[j] = floor(1000 * unit()) * 0x1p-1074;
}

static void tiny(double *x, size_t dim)
{
    for (size_t j = 0; j < dim; j++) x[j] = 1e-150 * unit();
}

static void huge(double *x, size_t dim)
{
    for (size_t j = 0; j < dim; j++) x[j] = 1e150 * (unit() - 0.5);
}

static void all_scales(double *x, size_t dim)
{
    double scale = pow(10, 300 * (unit() - 0.5));

    for (size_t j = 0; j < dim; j++) x[j] = scale * (unit() - 0.5);
}

static void one_long_side(double *x, size_t dim)
{
    for (size_t j = 0; j < dim; j++) x[j] = unit() * (j == 0 ? 1e12 : 1e-3);
}

static void line(double *x, size_t dim)
{
    double at = floor(1000 * unit());

    for (size_t j = 0; j < dim; j++) x[j] = at * (double)(j + 1);
}

static void line_of_thirds(double *x, size_t dim)
{
    double at = unit() * 1e3;

    for (size_t j = 0; j < dim; j++) x[j] = at / 3 + 1e7;
}

struct data {
    const char *name;
    void (*fill)(double *x, size_t dim);
};

static const struct data kinds[] = {
    { "even", even },
    { "clusters 1e6 apart, size 1e-3", tight_clusters },
    { "clusters 1e9 apart, size 1e-6", tighter_clusters },
    { "clusters 1e4 apart, size 1", wide_clusters },
    { "lattice", lattice },
    { "lattice around 1e8", shifted_lattice },
    { "all equal", equal },
    { "outliers", outlier },
    { "denormal numbers", denormal },
    { "1e-150", tiny },
    { "1e150", huge },
    { "1e-150 to 1e150", all_scales },
    { "one long side", one_long_side },
    { "a line", line },
    { "a line of thirds", line_of_thirds },
};

/* ---- a store of them ------------------------------------------------------------------------------------------------------------------------- */

struct scene {
    char *folder, *path;
    pcct_store *store;
    pcct_view *view;
    struct pcct_stats stats; /* of the commit */
};

static void start(struct scene *s, const double *points, size_t n, size_t dim)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;

    s->folder = folder_new();
    s->path = path_join(s->folder, "store");
    create.dim = (uint32_t)dim;
    create.seed = 3;
    OK(pcct_store_create(s->path, &create, &err));
    OK(pcct_store_open(&s->store, s->path, NULL, &err));
    OK(pcct_batch_begin(&batch, s->store, "main", NULL, &err));
    OK(pcct_batch_insert(batch, points, n, NULL, &err));
    OK(pcct_batch_commit(NULL, batch, "", &err));
    s->stats = (struct pcct_stats){ .size = sizeof s->stats };
    CHECK(pcct_batch_stats(&s->stats, batch) == 0, "statistics");
    pcct_batch_close(batch);
    OK(pcct_view_open(&s->view, s->store, "main", &err));
}

static void finish(struct scene *s)
{
    pcct_view_close(s->view);
    pcct_store_close(s->store);
    free(s->path);
    folder_free(s->folder);
}

/* ---- answers --------------------------------------------------------------------------------------------------------------------------------- */

static void expect_nearest(const char *name, const double *points, size_t dim, const double *query, size_t k, const int64_t *labels,
                           const double *distances)
{
    static struct neighbour all[N];

    for (size_t i = 0; i < N; i++) {
        double key = 0;

        for (size_t j = 0; j < dim; j++) key = key + (query[j] - points[i * dim + j]) * (query[j] - points[i * dim + j]);
        all[i] = (struct neighbour){ key, (int64_t)i };
    }
    qsort(all, N, sizeof *all, neighbour_order);
    for (size_t i = 0; i < k; i++) {
        CHECK(labels[i] == all[i].label, "%s, d = %zu, k = %zu, neighbour %zu: %" PRId64 " in place of %" PRId64, name, dim, k, i, labels[i],
              all[i].label);
        CHECK(distances[i] == sqrt(all[i].key), "%s, d = %zu, k = %zu, distance %zu: %a in place of %a", name, dim, k, i, distances[i],
              sqrt(all[i].key));
    }
}

/* Further draws of the same data, stored points, points between two stored ones, and points far from all. */
static void fill_queries(double *queries, const double *points, const struct data *data, size_t dim)
{
    for (size_t q = 0; q < NQ; q++) {
        const double *a = points + random_below(&random_state, N) * dim, *b = points + random_below(&random_state, N) * dim;
        double *x = queries + q * dim, far = pow(10, 100 * unit());

        data->fill(x, dim);
        for (size_t j = 0; j < dim; j++) {
            if (q % 4 == 1) x[j] = a[j];
            if (q % 4 == 2) x[j] = a[j] / 2 + b[j] / 2;
            if (q % 4 == 3) x[j] = a[j] + far;
        }
    }
}

static void expect_exact(const struct data *data, size_t dim)
{
    static double points[N * MOST_DIM], queries[NQ * MOST_DIM], distances[NQ * MOST_K];
    static int64_t labels[NQ * MOST_K];
    const size_t ks[] = { 1, 10, MOST_K };
    struct pcct_error err = { 0, "" };
    struct scene s;

    random_state.state = dim;
    for (size_t i = 0; i < N; i++) data->fill(points + i * dim, dim);
    fill_queries(queries, points, data, dim);
    start(&s, points, N, dim);
    for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
        OK(pcct_knn(labels, distances, s.view, queries, NQ, ks[i], NULL, &err));
        for (size_t q = 0; q < NQ; q++) {
            expect_nearest(data->name, points, dim, queries + q * dim, ks[i], labels + q * ks[i], distances + q * ks[i]);
        }
    }
    finish(&s);
}

static void in_three_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) expect_exact(&kinds[i], 3);
}

static void in_eight_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) expect_exact(&kinds[i], 8);
}

/* ---- work ------------------------------------------------------------------------------------------------------------------------------------ */

/* Bounds that even data stay far below (some 200 distances for a point that is inserted, 250 for a query) and work in proportion to n far above. */
enum { INSERT_DISTANCES = 2500, QUERY_DISTANCES = 3000, QUERY_BLOCKS = 100 };

static void expect_little_work(const struct data *data, size_t n)
{
    enum { DIM = 3, WORK_K = 10 };
    static double points[EQUAL * DIM], queries[NQ * DIM], distances[NQ * WORK_K];
    static int64_t labels[NQ * WORK_K];
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_work work = { 0 };
    struct pcct_error err = { 0, "" };
    struct scene s;

    random_state.state = 3;
    for (size_t i = 0; i < n; i++) data->fill(points + i * DIM, DIM);
    for (size_t q = 0; q < NQ; q++) data->fill(queries + q * DIM, DIM);
    start(&s, points, n, DIM);
    options.work = &work;
    OK(pcct_knn(labels, distances, s.view, queries, NQ, WORK_K, &options, &err));
    CHECK(s.stats.distances <= n * INSERT_DISTANCES, "%s: %" PRIu64 " distances to insert %zu points", data->name, s.stats.distances, n);
    CHECK(work.distances <= NQ * QUERY_DISTANCES, "%s: %" PRIu64 " distances for %d queries", data->name, work.distances, NQ);
    CHECK(work.blocks <= NQ * QUERY_BLOCKS, "%s: %" PRIu64 " blocks for %d queries", data->name, work.blocks, NQ);
    finish(&s);
}

static void equal_points_are_little_work(void **state)
{
    (void)state;
    expect_little_work(&(struct data){ "all equal", equal }, EQUAL);
}

static void no_data_are_much_work(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) expect_little_work(&kinds[i], EQUAL / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_three_columns),
        cmocka_unit_test(in_eight_columns),
        cmocka_unit_test(equal_points_are_little_work),
        cmocka_unit_test(no_data_are_much_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
