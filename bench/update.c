/* SPDX-License-Identifier: Apache-2.0 */
/* How long commits of few points take in a store of many, how that grows with n, and whether it stays so when all points have been replaced. */
#include "common/cases.h"
#include "common/live.h"
#include "common/machine.h"
#include "common/slope.h"
#include "common/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "update: batches of points inserted into a store and deleted from it, each a durable commit\n"
    "  --only batches,slope,turnover,sequence   slope: the batches of the data that were measured at two or more n; turnover: 100 times all points;\n"
    "                      sequence: 200 batches that double, halve, double and halve drifting clusters, beside a new store of the same points\n"
    "  --n 1000,1000000    points of `batches`; with --d and --data: all combinations. Default: a list of cases\n"
    "  --d 3,8             columns\n"
    "  --data NAME,NAME    gaussian uniform clusters manifold lattice line spread6 spread12 cities\n"
    "  --batches 1,512     sizes of the batches; default 1,8,64,512,4096,32768. Those above n are left out\n"
    "  --cities FILE       CSV, gzip or plain, the last columns latitude and longitude: the data `cities`\n"
    "  --threads 1,2       thread counts to measure; default 1 and all processors. turnover takes the most\n"
    "  --repeats N         samples behind the q/s of turnover; default 5\n"
    "  --quick             at most 4096 points, few rounds, 3 turnovers\n"
    "  --dir FOLDER        where stores are put; default $TMPDIR, else /tmp. Commits are flushed to this disk\n"
    "  --markdown          tables as Markdown\n"
    "  --csv FILE          the lines with commas too\n";

enum { ROUNDS_MAX = 200, ROUNDS_MIN = 3, CHECKED = 32, PATH_BYTES = 4200, K = 8, QUERIES = 1024, QUERY_SEED = 3 };
/* Rounds of a batch size go on until they have taken so long, or ROUNDS_MAX; for fewer than ROUNDS_MIN up to the second of these. */
static const double enough_seconds = 0.4, most_seconds = 4;

/* Times of the commits of one kind and batch size, in ms. */
struct times {
    double plan[ROUNDS_MAX], whole[ROUNDS_MAX], store[ROUNDS_MAX], bytes[ROUNDS_MAX];
    double blocks[ROUNDS_MAX]; /* looked into for each point and orphan that got a place */
    size_t rounds;
};

static void note(struct times *times, const struct bench_commit *commit)
{
    size_t i = times->rounds++;

    times->plan[i] = commit->plan_seconds * 1e3;
    times->store[i] = commit->store_seconds * 1e3;
    times->whole[i] = commit->seconds * 1e3;
    times->bytes[i] = (double)commit->frame_bytes;
    times->blocks[i] = commit->items ? (double)commit->blocks / (double)commit->items : 0;
}

/* ---- batches -------------------------------------------------------------------------------------------------------------------------------- */

/* One case on so many threads. */
struct run {
    const struct bench_options *options;
    const struct bench_case *size;
    int threads;
    pcct_store *store;
    struct bench_live live;
    struct bench_slope *slope;
};

static void print_times(const struct run *run, const char *work, size_t batch, struct times *times, uint64_t differences)
{
    const struct bench_case *size = run->size;
    size_t rounds = times->rounds;
    double plan = bench_percentile(times->plan, rounds, 0.5);
    struct bench_sample sample = { work, size->shape, size->dim, batch, size->n, run->threads, plan * 1e3 / (double)batch };

    bench_slope_add(run->slope, &sample);
    if (!bench_options_wants(run->options, "batches")) return;
    bench_options_print(run->options, "%-7s %-9s %8zu %3zu %7d %6zu %6zu %9.3f %9.3f %8.3f %8.3f %9.3f %9.3f %9.3f %9.1f %9.0f %6llu\n", work,
                        bench_shape_name(size->shape), size->n, size->dim, run->threads, batch, rounds, plan,
                        bench_percentile(times->plan, rounds, 0.99), bench_percentile(times->store, rounds, 0.5),
                        bench_percentile(times->store, rounds, 0.99), bench_percentile(times->whole, rounds, 0.5),
                        bench_percentile(times->whole, rounds, 0.99), sample.microseconds, bench_percentile(times->blocks, rounds, 0.5),
                        bench_percentile(times->bytes, rounds, 0.5), (unsigned long long)differences);
}

static uint64_t batches(struct run *run, size_t batch)
{
    struct times *insert = bench_take(2, sizeof *insert), *delete = insert + 1;
    size_t most = run->options->quick ? ROUNDS_MIN : ROUNDS_MAX;
    double start = bench_seconds();
    struct bench_commit commit;
    uint64_t differences;

    while (insert->rounds < most && bench_seconds() - start < (insert->rounds < ROUNDS_MIN ? most_seconds : enough_seconds)) {
        bench_live_insert(&commit, &run->live, run->store, batch);
        note(insert, &commit);
        bench_live_delete(&commit, &run->live, run->store, batch);
        note(delete, &commit);
    }
    differences = bench_live_check(&run->live, run->store, CHECKED);
    print_times(run, "insert", batch, insert, differences);
    print_times(run, "delete", batch, delete, differences);
    free(insert);
    return differences;
}

static uint64_t measure(struct run *run, const char *path)
{
    static const struct bench_sizes usual = { { 1, 8, 64, 512, 4096, 32768 }, 6 };
    const struct bench_sizes *sizes = run->options->batch.count ? &run->options->batch : &usual;
    struct bench_sample bulk = { "insert", run->size->shape, run->size->dim, 0, run->size->n, run->threads, 0 };
    struct bench_commit commit;
    uint64_t differences = 0;

    bench_live_init(&run->live, run->size->shape, run->size->dim);
    run->store = bench_store_new(path, run->size->dim, run->threads);
    bench_live_insert(&commit, &run->live, run->store, run->size->n);
    bulk.microseconds = commit.plan_seconds * 1e6 / (double)run->size->n;
    bench_slope_add(run->slope, &bulk);
    for (size_t b = 0; b < sizes->count; b++) {
        if (sizes->item[b] <= run->size->n) differences += batches(run, sizes->item[b]);
    }
    pcct_store_close(run->store);
    bench_remove(path);
    bench_live_free(&run->live);
    return differences;
}

static uint64_t all_batches(const struct bench_options *options, const char *path)
{
    static const struct bench_case list[] = {
        { BENCH_GAUSSIAN, 1000, 3 },     { BENCH_GAUSSIAN, 10000, 3 },  { BENCH_GAUSSIAN, 100000, 3 }, { BENCH_GAUSSIAN, 1000000, 3 },
        { BENCH_UNIFORM, 32768, 2 },     { BENCH_GAUSSIAN, 32768, 8 },  { BENCH_GAUSSIAN, 10000, 16 }, { BENCH_MANIFOLD, 10000, 64 },
        { BENCH_CLUSTERS, 32768, 8 },    { BENCH_LATTICE, 20000, 3 },   { BENCH_LINE, 20000, 3 },      { BENCH_SPREAD12, 20000, 3 },
        { BENCH_GAUSSIAN, 1000000, 8 },  { BENCH_CITIES, 100000, 3 },
    };
    struct bench_slope slope = { NULL, 0, 0 };
    uint64_t differences = 0;
    size_t count = 0;
    struct bench_case *cases = bench_cases(&count, options, list, sizeof list / sizeof *list, 4096);

    if (bench_options_wants(options, "batches")) {
        bench_options_head(options, "%-7s %-9s %8s %3s %7s %6s %6s %9s %9s %8s %8s %9s %9s %9s %9s %9s %6s\n", "work", "data", "n", "d",
                           "threads", "batch", "rounds", "plan_p50", "plan_p99", "store_50", "store_99", "commit_50", "commit_99", "us/point",
                           "blocks/pt", "frame_B", "differ");
    }
    for (size_t i = 0; i < count; i++) {
        for (int t = 0; t < options->n_threads; t++) {
            struct run run = { .options = options, .size = &cases[i], .threads = options->threads[t], .slope = &slope };

            differences += measure(&run, path);
        }
    }
    if (bench_options_wants(options, "slope")) bench_slope_print(&slope, options);
    bench_slope_free(&slope);
    free(cases);
    return differences;
}

/* ---- turnover ------------------------------------------------------------------------------------------------------------------------------- */

struct turnover {
    const struct bench_options *options;
    size_t n, dim, batch, turns;
    pcct_store *store;
    struct bench_live live;
    double *queries;
    int64_t *label;     /* answers */
    double *distance;
};

/* Queries a second on the newest version, and blocks scanned for each. Median of the repeats, after a warm-up, of about 0.1 s each. */
static void ask(double *rate, double *blocks, const struct turnover *t, pcct_store *store)
{
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    double *sample = bench_take((size_t)t->options->repeats, sizeof *sample), once, wanted = t->options->quick ? 0.01 : 0.1;
    struct pcct_work work = { 0 };
    pcct_view *view = NULL;

    options.threads = bench_options_most_threads(t->options);
    options.work = &work;
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    BENCH_MUST(pcct_knn(t->label, t->distance, view, t->queries, QUERIES, K, &options, &err));
    *blocks = (double)work.blocks / QUERIES;
    options.work = NULL;
    once = bench_seconds();
    BENCH_MUST(pcct_knn(t->label, t->distance, view, t->queries, QUERIES, K, &options, &err));
    once = bench_seconds() - once;
    for (int r = 0; r < t->options->repeats; r++) {
        size_t rounds = (size_t)(wanted / once) + 1;
        double start = bench_seconds();

        for (size_t i = 0; i < rounds; i++) BENCH_MUST(pcct_knn(t->label, t->distance, view, t->queries, QUERIES, K, &options, &err));
        sample[r] = (double)(rounds * QUERIES) / (bench_seconds() - start);
    }
    *rate = bench_percentile(sample, (size_t)t->options->repeats, 0.5);
    pcct_view_close(view);
    free(sample);
}

/* Batches of inserts and deletes in turn; times of the last ROUNDS_MAX of them, most_...: of all. Milliseconds. */
struct stretch {
    struct times insert, delete;
    double most_plan, most_commit;
};

static void note_last(struct stretch *stretch, struct times *times, const struct bench_commit *commit)
{
    double plan = commit->plan_seconds * 1e3, whole = commit->seconds * 1e3;

    if (times->rounds == ROUNDS_MAX) times->rounds = 0; /* begun again from the front: order does not matter to a median */
    note(times, commit);
    if (plan > stretch->most_plan) stretch->most_plan = plan;
    if (whole > stretch->most_commit) stretch->most_commit = whole;
}

static void go_on(struct stretch *stretch, struct turnover *t, size_t rounds)
{
    struct bench_commit commit;

    for (size_t r = 0; r < rounds; r++) {
        bench_live_insert(&commit, &t->live, t->store, t->batch);
        note_last(stretch, &stretch->insert, &commit);
        bench_live_delete(&commit, &t->live, t->store, t->batch);
        note_last(stretch, &stretch->delete, &commit);
    }
}

static void print_stretch(const struct turnover *t, const char *what, struct stretch *stretch, double rate, double blocks, uint64_t differences)
{
    size_t inserts = stretch->insert.rounds, deletes = stretch->delete.rounds;

    bench_options_print(t->options, "%-8s %8zu %3zu %6zu %9.3f %9.3f %9.3f %9.3f %9.1f %9.1f %9.3f %9.3f %9.0f %8.1f %6llu\n", what, t->n, t->dim,
                        t->batch,
                        bench_percentile(stretch->insert.plan, inserts, 0.5), bench_percentile(stretch->insert.plan, inserts, 0.99),
                        bench_percentile(stretch->delete.plan, deletes, 0.5), bench_percentile(stretch->delete.plan, deletes, 0.99),
                        bench_percentile(stretch->insert.blocks, inserts, 0.5), bench_percentile(stretch->delete.blocks, deletes, 0.5),
                        stretch->most_plan, stretch->most_commit, rate, blocks, (unsigned long long)differences);
}

/* A line for what the store is now: asked and checked first. Ends the stretch. */
static uint64_t line(const struct turnover *t, const char *what, struct stretch *stretch)
{
    uint64_t differences = bench_live_check(&t->live, t->store, CHECKED);
    double rate = 0, blocks = 0;

    ask(&rate, &blocks, t, t->store);
    print_stretch(t, what, stretch, rate, blocks, differences);
    memset(stretch, 0, sizeof *stretch);
    return differences;
}

/* The invariants of the tree, as the library proves them. */
static uint64_t violations(pcct_store *store)
{
    struct pcct_verify_options options = PCCT_VERIFY_OPTIONS_INIT;
    struct pcct_verify_result result = { .size = sizeof result };
    pcct_view *view = NULL;

    options.sample = 1;
    options.tree = 1;
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    BENCH_MUST(pcct_verify(&result, view, &options, &err));
    pcct_view_close(view);
    if (result.violations) fprintf(stderr, "%s\n", result.first);
    return result.violations;
}

/* The same live points put into a new store by one commit, and there as many batches as fit into a tenth of a turnover. */
static uint64_t fresh(struct turnover *t, struct stretch *stretch, const char *path)
{
    struct bench_commit commit;
    pcct_store *aged = t->store;
    uint64_t differences;

    bench_live_renumber(&t->live);
    t->store = bench_store_new(path, t->dim, bench_options_most_threads(t->options));
    bench_store_commit(&commit, t->store, t->live.points, t->live.n, 0, NULL, 0);
    go_on(stretch, t, t->n / t->batch / 10 + 1);
    differences = line(t, "fresh", stretch);
    pcct_store_close(t->store);
    t->store = aged;
    bench_remove(path);
    return differences;
}

static uint64_t turnover(const struct bench_options *options, const char *path)
{
    static const size_t shown[] = { 1, 2, 5, 10, 20, 50, 100 };
    struct turnover t = { .options = options, .n = 32768, .dim = 8, .batch = 512, .turns = 100 };
    struct stretch *stretch = bench_take(1, sizeof *stretch);
    struct bench_commit commit;
    char other[PATH_BYTES + 8], what[24];
    uint64_t wrong = 0;

    if (options->quick) {
        t.n = 4096;
        t.turns = 3;
    }
    t.queries = bench_take(QUERIES * t.dim, sizeof *t.queries);
    t.label = bench_take(QUERIES * K, sizeof *t.label);
    t.distance = bench_take(QUERIES * K, sizeof *t.distance);
    bench_points(t.queries, BENCH_GAUSSIAN, QUERIES, t.dim, QUERY_SEED);
    bench_live_init(&t.live, BENCH_GAUSSIAN, t.dim);
    t.store = bench_store_new(path, t.dim, bench_options_most_threads(options));
    bench_live_insert(&commit, &t.live, t.store, t.n);
    bench_options_head(options, "%-8s %8s %3s %6s %9s %9s %9s %9s %9s %9s %9s %9s %9s %8s %6s\n", "turnover", "n", "d", "batch", "ins_p50",
                       "ins_p99", "del_p50", "del_p99", "ins_blk", "del_blk", "most_plan", "most_cmt", "q/s", "blocks/q", "differ");
    go_on(stretch, &t, t.n / t.batch / 10 + 1);
    wrong += line(&t, "start", stretch);
    for (size_t turn = 1, next = 0; turn <= t.turns; turn++) {
        go_on(stretch, &t, t.n / t.batch);
        if (turn != shown[next] && turn != t.turns) continue;
        snprintf(what, sizeof what, "%zu", turn);
        wrong += line(&t, what, stretch);
        next++;
    }
    wrong += violations(t.store);
    snprintf(other, sizeof other, "%s.fresh", path);
    wrong += fresh(&t, stretch, other);
    pcct_store_close(t.store);
    bench_remove(path);
    bench_live_free(&t.live);
    free(t.distance);
    free(t.label);
    free(t.queries);
    free(stretch);
    return wrong;
}

/* ---- sequence ------------------------------------------------------------------------------------------------------------------------------- */

/* The next points, further along by `far` in each column the more the column is to the right. */
static void come(struct bench_commit *commit, struct turnover *t, size_t n, double far)
{
    const int64_t first = bench_live_add(&t->live, n);
    double *points = t->live.points + (size_t)first * t->dim;

    for (size_t i = 0; i < n * t->dim; i++) points[i] += far * (double)(i % t->dim + 1);
    bench_store_commit(commit, t->store, points, n, first, NULL, 0);
}

/* Blocks and points that a query near the live points looks at. */
static void look(double *blocks, double *points, const struct turnover *t, pcct_store *store)
{
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_work work = { 0 };
    pcct_view *view = NULL;

    for (size_t q = 0; q < QUERIES; q++) {
        const double *a = t->live.points + (size_t)t->live.label[q * 7919 % t->live.n] * t->dim;
        const double *b = t->live.points + (size_t)t->live.label[q * 104729 % t->live.n] * t->dim;

        for (size_t j = 0; j < t->dim; j++) t->queries[q * t->dim + j] = 0.98 * a[j] + 0.02 * b[j];
    }
    options.work = &work;
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    BENCH_MUST(pcct_knn(t->label, t->distance, view, t->queries, QUERIES, K, &options, &err));
    pcct_view_close(view);
    *blocks = (double)work.blocks / QUERIES;
    *points = (double)work.distances / QUERIES;
}

static void sequence_line(const struct turnover *t, size_t batch, double longest, const char *other)
{
    double *points = bench_take(t->live.n * t->dim, sizeof *points), blocks[2] = { 0, 0 }, seen[2] = { 0, 0 };
    pcct_store *fresh = bench_store_new(other, t->dim, bench_options_most_threads(t->options));
    struct bench_commit commit;

    bench_live_read(points, NULL, &t->live);
    bench_store_commit(&commit, fresh, points, t->live.n, 0, NULL, 0);
    look(&blocks[0], &seen[0], t, t->store);
    look(&blocks[1], &seen[1], t, fresh);
    bench_options_print(t->options, "%-8zu %8zu %3zu %6zu %9.1f %9.1f %7.3f %9.1f %9.1f %7.3f %9.3f\n", batch, t->live.n, t->dim, t->batch, blocks[0],
                        blocks[1], blocks[0] / blocks[1], seen[0], seen[1], seen[0] / seen[1], longest);
    pcct_store_close(fresh);
    bench_remove(other);
    free(points);
}

static uint64_t sequence(const struct bench_options *options, size_t dim, const char *path)
{
    enum { BATCHES = 50 };
    struct turnover t = { .options = options, .n = options->quick ? 4000 : 50000, .dim = dim };
    struct bench_commit commit;
    char other[PATH_BYTES + 8];
    double longest = 0;
    uint64_t wrong;

    t.batch = t.n / BATCHES;
    t.queries = bench_take(QUERIES * t.dim, sizeof *t.queries);
    t.label = bench_take(QUERIES * K, sizeof *t.label);
    t.distance = bench_take(QUERIES * K, sizeof *t.distance);
    bench_live_init(&t.live, BENCH_CLUSTERS, t.dim);
    t.store = bench_store_new(path, t.dim, bench_options_most_threads(options));
    snprintf(other, sizeof other, "%s.fresh", path);
    come(&commit, &t, t.n, 0);
    for (size_t batch = 1; batch <= 4 * BATCHES; batch++) {
        if ((batch - 1) / BATCHES % 2 == 0) come(&commit, &t, t.batch, (double)batch / BATCHES / (double)t.dim);
        else bench_live_delete(&commit, &t.live, t.store, t.batch);
        longest = commit.plan_seconds * 1e3 > longest ? commit.plan_seconds * 1e3 : longest;
        if (batch % (BATCHES / 2) != 0) continue;
        sequence_line(&t, batch, longest, other);
        longest = 0;
    }
    wrong = violations(t.store);
    pcct_store_close(t.store);
    bench_remove(path);
    bench_live_free(&t.live);
    free(t.distance);
    free(t.label);
    free(t.queries);
    return wrong;
}

static uint64_t sequences(const struct bench_options *options, const char *path)
{
    static const size_t dims[] = { 2, 3, 8 };
    uint64_t wrong = 0;

    bench_options_head(options, "%-8s %8s %3s %6s %9s %9s %7s %9s %9s %7s %9s\n", "batches", "n", "d", "batch", "blocks/q", "new", "ratio",
                       "points/q", "new", "ratio", "most_plan");
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) wrong += sequence(options, dims[i], path);
    return wrong;
}

int main(int argc, char **argv)
{
    struct bench_options options;
    char path[PATH_BYTES];
    uint64_t wrong = 0;

    bench_options_read(&options, argc, argv, help);
    snprintf(path, sizeof path, "%s/store", bench_folder(options.dir));
    if (bench_options_wants(&options, "batches") || bench_options_wants(&options, "slope")) wrong += all_batches(&options, path);
    if (bench_options_wants(&options, "turnover")) wrong += turnover(&options, path);
    if (bench_options_wants(&options, "sequence")) wrong += sequences(&options, path);
    bench_options_end(&options);
    if (wrong) bench_die("%llu answers differ from brute force, or invariants are broken", (unsigned long long)wrong);
    return 0;
}
