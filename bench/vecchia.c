/* SPDX-License-Identifier: Apache-2.0 */
/* Orderings with their neighbours, and a graph that is brought to the next version; samples of both are checked by plain loops. */
#include "common/cases.h"
#include "common/machine.h"
#include "common/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "vecchia: points are ordered and the nearest before each are found (pcct_vecchia_open); then a graph (pcct_neighbours) is brought to versions\n"
    "with 512 points more and 512 less\n"
    "  --n 100000,1000000  points; with --d and --data: all combinations. Default: 100000 and 1000000 uniform ones of d = 2\n"
    "  --d 2,3             columns\n"
    "  --data NAME,NAME    gaussian uniform clusters manifold lattice line spread6 spread12 cities\n"
    "  --cities FILE       CSV, gzip or plain, the last columns latitude and longitude: the data `cities`\n"
    "  --threads 1,2       default: 1 and all processors\n"
    "  --repeats N         samples behind each median; default 5\n"
    "  --quick             at most 4096 points\n"
    "  --dir FOLDER        where stores are put; default $TMPDIR, else /tmp\n"
    "  --markdown          tables as Markdown\n"
    "  --csv FILE          the lines with commas too\n";

enum { M = 30, BATCH = 512, CHECKED = 40, PATH_BYTES = 4200 };

static const struct {
    const char *name;
    int kind;
} kinds[] = {
    { "maxmin", PCCT_ORDERING_MAXMIN }, { "coarse", PCCT_ORDERING_COARSE }, { "hilbert", PCCT_ORDERING_HILBERT }, { "random", PCCT_ORDERING_RANDOM },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct points {
    double *x; /* by label */
    size_t n, dim;
};

static double distance(const struct points *p, int64_t a, int64_t b)
{
    double key = 0;

    for (size_t j = 0; j < p->dim; j++) {
        const double t = p->x[(size_t)a * p->dim + j] - p->x[(size_t)b * p->dim + j];

        key = key + t * t;
    }
    return sqrt(key);
}

static int is_listed(const struct pcct_vecchia_rows *rows, size_t rank, int32_t neighbour)
{
    for (uint64_t at = rows->starts[rank]; at < rows->starts[rank + 1]; at++) {
        if (rows->ranks[at] == neighbour) return 1;
    }
    return 0;
}

/* Rows of a sample that are not what they should be: distances are those of the points, and no earlier point is nearer than the last one listed. */
static size_t wrong_rows(const struct points *p, const struct pcct_vecchia_rows *rows)
{
    size_t wrong = 0;

    for (size_t i = 0; i < CHECKED; i++) {
        const size_t rank = 1 + i * (p->n - 2) / CHECKED;
        const uint64_t start = rows->starts[rank], end = rows->starts[rank + 1];
        double last = rows->distances[end - 1];
        int bad = end - start != (rank < M ? rank : M);

        for (uint64_t at = start; at < end; at++) bad |= rows->distances[at] != distance(p, rows->labels[rank], rows->labels[rows->ranks[at]]);
        for (size_t before = 0; before < rank; before++) {
            bad |= distance(p, rows->labels[rank], rows->labels[before]) < last && !is_listed(rows, rank, (int32_t)before);
        }
        wrong += (size_t)bad;
    }
    return wrong;
}

/* Places of a sample that are not the farthest of all that are left. */
static size_t wrong_places(const struct points *p, const int64_t *order)
{
    const size_t checked = p->n < 60 ? p->n : 60;
    double *nearest = bench_take(p->n, sizeof *nearest);
    size_t wrong = 0;

    for (size_t i = 0; i < p->n; i++) nearest[i] = (double)INFINITY;
    for (size_t rank = 0; rank + 1 < checked; rank++) {
        double most = -1;

        for (size_t i = 0; i < p->n; i++) {
            const double d = distance(p, (int64_t)i, order[rank]);

            nearest[i] = d < nearest[i] ? d : nearest[i];
            most = nearest[i] > most ? nearest[i] : most;
        }
        wrong += nearest[order[rank + 1]] != most;
    }
    free(nearest);
    return wrong;
}

static size_t time_ordering(const struct bench_options *options, const struct points *p, const char *data, const pcct_view *view, int kind,
                            int threads)
{
    const size_t repeats = (size_t)options->repeats;
    struct pcct_ordering_options how = PCCT_ORDERING_OPTIONS_INIT;
    struct pcct_vecchia_rows rows = { .size = sizeof rows };
    double *alone = bench_take(repeats, sizeof *alone), *whole = bench_take(repeats, sizeof *whole);
    int64_t *order = bench_take(p->n, sizeof *order);
    size_t wrong = 0;

    how.kind = kinds[kind].kind;
    how.threads = threads;
    for (size_t i = 0; i < repeats; i++) {
        pcct_vecchia *vecchia = NULL;
        double start = bench_seconds();

        BENCH_MUST(pcct_ordering(order, view, &how, &err));
        alone[i] = bench_seconds() - start;
        start = bench_seconds();
        BENCH_MUST(pcct_vecchia_open(&vecchia, view, M, &how, &err));
        whole[i] = bench_seconds() - start;
        (void)pcct_vecchia_read(&rows, vecchia);
        if (i == 0) wrong = wrong_rows(p, &rows) + (kind == 0 ? wrong_places(p, rows.labels) : 0);
        pcct_vecchia_close(vecchia);
    }
    bench_options_print(options, "%-8s %-9s %8zu %3zu %7d %10.3f %10.3f %12.0f %6zu\n", data, kinds[kind].name, p->n, p->dim, threads,
                        bench_percentile(alone, repeats, 0.5), bench_percentile(whole, repeats, 0.5),
                        (double)p->n / bench_percentile(whole, repeats, 0.5), wrong);
    free(order);
    free(alone);
    free(whole);
    return wrong;
}

/* ---- a graph from version to version ------------------------------------------------------------------------------------------------------ */

/* Brings the graph to the head and takes the time; whether it is that which is made anew. */
static int renew(double *seconds, struct pcct_neighbours_renewal *renewal, pcct_neighbours *graph, pcct_store *store, int threads, int check)
{
    struct pcct_neighbours_options how = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_neighbours_rows a = { .size = sizeof a }, b = { .size = sizeof b };
    pcct_neighbours *anew = NULL;
    pcct_view *view = NULL;
    int same = 1;

    how.threads = threads;
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    *seconds = bench_seconds();
    BENCH_MUST(pcct_neighbours_renew(renewal, graph, view, &how, NULL, NULL, &err));
    *seconds = bench_seconds() - *seconds;
    if (check) {
        BENCH_MUST(pcct_neighbours_open(&anew, view, M, &how, &err));
        (void)pcct_neighbours_read(&a, graph);
        (void)pcct_neighbours_read(&b, anew);
        same = a.n == b.n && memcmp(a.labels, b.labels, a.n * M * sizeof *a.labels) == 0 &&
               memcmp(a.distances, b.distances, a.n * M * sizeof *a.distances) == 0;
        pcct_neighbours_close(anew);
    }
    pcct_view_close(view);
    return same;
}

static size_t time_graph(const struct bench_options *options, const struct points *p, const double *more, const char *data, pcct_store *store,
                         int threads, int64_t *next)
{
    const size_t repeats = (size_t)options->repeats;
    double *came = bench_take(repeats, sizeof *came), *went = bench_take(repeats, sizeof *went), made;
    struct pcct_neighbours_options how = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_neighbours_renewal renewal[2] = { { .size = sizeof *renewal }, { .size = sizeof *renewal } };
    struct bench_commit commit;
    pcct_neighbours *graph = NULL;
    pcct_view *view = NULL;
    size_t wrong = 0;

    how.threads = threads;
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    made = bench_seconds();
    BENCH_MUST(pcct_neighbours_open(&graph, view, M, &how, &err));
    made = bench_seconds() - made;
    pcct_view_close(view);
    for (size_t i = 0; i < repeats; i++) {
        int64_t gone[BATCH];

        for (int j = 0; j < BATCH; j++) gone[j] = *next + j;
        bench_store_commit(&commit, store, more, BATCH, *next, NULL, 0);
        wrong += !renew(&came[i], &renewal[0], graph, store, threads, i == 0);
        bench_store_commit(&commit, store, NULL, 0, 0, gone, BATCH);
        wrong += !renew(&went[i], &renewal[1], graph, store, threads, i == 0);
        *next += BATCH;
    }
    bench_options_print(options, "%-8s %-9s %8zu %3zu %7d %10.1f %10.1f %10.1f %11llu %9llu %6zu\n", data, "graph", p->n, p->dim, threads, made * 1e3,
                        bench_percentile(came, repeats, 0.5) * 1e3, bench_percentile(went, repeats, 0.5) * 1e3,
                        (unsigned long long)renewal[0].changed, (unsigned long long)renewal[1].changed, wrong);
    pcct_neighbours_close(graph);
    free(came);
    free(went);
    return wrong;
}

/* ---- all sizes ---------------------------------------------------------------------------------------------------------------------------- */

typedef size_t workload(const struct bench_options *options, enum bench_shape shape, size_t n, size_t dim, const char *folder);

static size_t order_all(const struct bench_options *options, enum bench_shape shape, size_t n, size_t dim, const char *folder)
{
    struct points p = { bench_take(n * dim, sizeof(double)), n, dim };
    struct bench_commit commit;
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    char path[PATH_BYTES];
    size_t wrong = 0;

    snprintf(path, sizeof path, "%s/vecchia", folder);
    bench_points(p.x, shape, n, dim, 1);
    store = bench_store_new(path, dim, bench_options_most_threads(options));
    bench_store_commit(&commit, store, p.x, n, 0, NULL, 0);
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    for (int kind = 0; kind < KINDS; kind++) {
        for (int t = 0; t < options->n_threads; t++) wrong += time_ordering(options, &p, bench_shape_name(shape), view, kind, options->threads[t]);
    }
    pcct_view_close(view);
    pcct_store_close(store);
    bench_remove(path);
    free(p.x);
    return wrong;
}

static size_t renew_all(const struct bench_options *options, enum bench_shape shape, size_t n, size_t dim, const char *folder)
{
    struct points p = { bench_take((n + BATCH) * dim, sizeof(double)), n, dim };
    struct bench_commit commit;
    pcct_store *store = NULL;
    char path[PATH_BYTES];
    int64_t next = (int64_t)n;
    size_t wrong = 0;

    snprintf(path, sizeof path, "%s/vecchia", folder);
    bench_points(p.x, shape, n + BATCH, dim, 1);
    store = bench_store_new(path, dim, bench_options_most_threads(options));
    bench_store_commit(&commit, store, p.x, n, 0, NULL, 0);
    for (int t = 0; t < options->n_threads; t++) {
        wrong += time_graph(options, &p, p.x + n * dim, bench_shape_name(shape), store, options->threads[t], &next);
    }
    pcct_store_close(store);
    bench_remove(path);
    free(p.x);
    return wrong;
}

static size_t for_all(const struct bench_options *options, const struct bench_case *size, size_t cases, workload *work, const char *folder)
{
    size_t wrong = 0;

    for (size_t i = 0; i < cases; i++) wrong += work(options, size[i].shape, size[i].n, size[i].dim, folder);
    return wrong;
}

int main(int argc, char **argv)
{
    static const struct bench_case usual[] = { { BENCH_UNIFORM, 100000, 2 }, { BENCH_UNIFORM, 1000000, 2 } };
    struct bench_options options;
    struct bench_case *size;
    const char *folder;
    size_t cases, wrong = 0;

    bench_options_read(&options, argc, argv, help);
    folder = bench_folder(options.dir);
    size = bench_cases(&cases, &options, usual, sizeof usual / sizeof *usual, 4096);
    if (options.quick) cases = 1;
    bench_options_head(&options, "data order n d threads order_s all_s points_per_s wrong\n");
    wrong += for_all(&options, size, cases, order_all, folder);
    bench_options_head(&options, "data work n d threads made_ms insert_ms delete_ms rows_insert rows_delete wrong\n");
    wrong += for_all(&options, size, cases, renew_all, folder);
    bench_options_end(&options);
    free(size);
    return wrong != 0;
}
