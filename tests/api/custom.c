/* SPDX-License-Identifier: Apache-2.0 */
/* Custom metrics as a user meets them: several functions, random commits against brute force, reopening with and without the function, functions that
 * are no metrics. */
#include "common.h"

enum { DIM = 2, MOST = 4000, K = 6, WORDS = 600, LETTERS = 11 };

/* ---- the functions ------------------------------------------------------------------------------------------------------------------------- */

/* Misbehaves from the given call on: 0 never. */
struct mood {
    uint64_t bad_after, asked;
    double bad;
    int asymmetric;
};

static double spoil(struct mood *mood, const double *a, const double *b, double d)
{
    if (mood->bad_after > 0 && ++mood->asked >= mood->bad_after) return mood->bad;
    return mood->asymmetric && a[0] < b[0] ? d * 1.5 : d;
}

static double plain(void *ctx, const double *a, const double *b)
{
    double key = 0;

    for (int j = 0; j < DIM; j++) key = key + (a[j] - b[j]) * (a[j] - b[j]);
    return spoil(ctx, a, b, sqrt(key));
}

static void plain_together(void *ctx, double *out, const double *q, const double *const *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = plain(ctx, q, rows[i]);
}

static double sizes(void *ctx, const double *a, const double *b)
{
    double key = 0;

    for (int j = 0; j < DIM; j++) key = key + fabs(a[j] - b[j]);
    return spoil(ctx, a, b, key);
}

static double discrete(void *ctx, const double *a, const double *b)
{
    return spoil(ctx, a, b, a[0] != b[0] || a[1] != b[1]);
}

/* Rows are numbers in a table of words over two letters: many at distance 0, 1, 2. */
static char table[WORDS][LETTERS + 1];

static void make_table(void)
{
    struct random_numbers r = { 5 };

    for (size_t i = 0; i < WORDS; i++) {
        size_t n = 1 + random_below(&r, LETTERS);

        memset(table[i], 0, sizeof table[i]);
        for (size_t j = 0; j < n; j++) table[i][j] = (char)('a' + random_below(&r, 2));
    }
}

static double edits(void *ctx, const double *a, const double *b)
{
    const char *x = table[(size_t)a[0]], *y = table[(size_t)b[0]];
    int line[LETTERS + 1], columns = (int)strlen(y);

    for (int j = 0; j <= columns; j++) line[j] = j;
    for (int i = 0; x[i]; i++) {
        int corner = line[0];

        line[0] = i + 1;
        for (int j = 1; j <= columns; j++) {
            int change = corner + (x[i] != y[j - 1]), least = (line[j] < line[j - 1] ? line[j] : line[j - 1]) + 1;

            corner = line[j];
            line[j] = change < least ? change : least;
        }
    }
    return spoil(ctx, a, b, line[columns]);
}

/* ---- a store and what is to be in it --------------------------------------------------------------------------------------------------------- */

struct scene {
    char *folder, *path;
    struct pcct_metric metric;
    struct mood mood;
    pcct_store *store;
    double point[MOST][DIM]; /* by label */
    char live[MOST];
    int64_t labels;          /* given so far */
    struct random_numbers random;
};

static void open_store(struct scene *s, int threads)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    options.threads = threads;
    options.custom = &s->metric;
    OK(pcct_store_open(&s->store, s->path, &options, &err));
}

static void start(struct scene *s, const char *name, double (*distance)(void *, const double *, const double *), int together, int threads)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    memset(s, 0, sizeof *s);
    s->metric = (struct pcct_metric){ sizeof s->metric, name, distance, together ? plain_together : NULL, &s->mood };
    s->random = (struct random_numbers){ 17 };
    s->folder = folder_new();
    s->path = path_join(s->folder, "store");
    options.dim = DIM;
    options.seed = 11;
    options.custom = &s->metric;
    OK(pcct_store_create(s->path, &options, &err));
    open_store(s, threads);
}

static void finish(struct scene *s)
{
    pcct_store_close(s->store);
    free(s->path);
    folder_free(s->folder);
}

static void draw(struct scene *s, double *point)
{
    point[0] = (double)random_below(&s->random, s->metric.distance == edits ? WORDS : 40);
    point[1] = s->metric.distance == edits ? 0 : (double)random_below(&s->random, 40);
    if (s->metric.distance == plain && random_below(&s->random, 2)) point[1] += random_unit(&s->random);
}

/* Inserts, deletes about a share of what is there, replaces some; returns the code of the commit. */
static int commit(struct scene *s, size_t n_insert, double share, struct pcct_stats *stats, struct pcct_error *commit_err)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;
    int status = 0;

    options.on_duplicate = PCCT_DUPLICATE_REPLACE;
    OK(pcct_batch_begin(&batch, s->store, "main", &options, &err));
    for (int64_t label = 0; label < s->labels; label++) {
        if (!s->live[label] || random_unit(&s->random) >= share) continue;
        s->live[label] = 0;
        OK(pcct_batch_delete(batch, &label, 1, &err));
    }
    for (int64_t i = 0; i < (int64_t)n_insert; i++) {
        int64_t label = s->labels > 0 && random_below(&s->random, 8) == 0 ? (int64_t)random_below(&s->random, (uint64_t)s->labels) : s->labels++;

        draw(s, s->point[label]);
        s->live[label] = 1;
        OK(pcct_batch_insert(batch, s->point[label], 1, &label, &err));
    }
    status = pcct_batch_commit(&version, batch, "a step", commit_err);
    if (stats) OK(pcct_batch_stats(stats, batch));
    pcct_batch_close(batch);
    return status;
}

static void step(struct scene *s, size_t n_insert, double share)
{
    struct pcct_error err = { 0, "" };

    OK(commit(s, n_insert, share, NULL, &err));
}

/* Deletes this one point. */
static void delete_one(struct scene *s, int64_t label)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;

    OK(pcct_batch_begin(&batch, s->store, "main", NULL, &err));
    OK(pcct_batch_delete(batch, &label, 1, &err));
    OK(pcct_batch_commit(&version, batch, NULL, &err));
    pcct_batch_close(batch);
    s->live[label] = 0;
}

static size_t brute(struct neighbour *all, const struct scene *s, const double *q, int64_t self)
{
    struct mood calm = { .bad_after = 0 };
    size_t n = 0;

    for (int64_t label = 0; label < s->labels; label++) {
        if (s->live[label] && label != self) all[n++] = (struct neighbour){ s->metric.distance(&calm, q, s->point[label]), label };
    }
    qsort(all, n, sizeof *all, neighbour_order);
    return n;
}

static void expect_answer(const struct neighbour *all, size_t n, const int64_t *labels, const double *distances)
{
    for (size_t i = 0; i < K; i++) {
        CHECK(labels[i] == (i < n ? all[i].label : -1), "neighbour %zu: %" PRId64 " for %" PRId64, i, labels[i], i < n ? all[i].label : -1);
        CHECK(i < n ? distances[i] == all[i].key : isinf(distances[i]), "distance %zu", i);
    }
}

/* The head is what it should be: points, answers, invariants. */
static void expect(struct scene *s)
{
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct neighbour *all = calloc(MOST, sizeof *all);
    double queries[20][DIM], distances[20 * K];
    int64_t labels[20 * K], self[20];
    struct pcct_work work;
    pcct_view *view = NULL;
    size_t stored = 0;

    CHECK(all != NULL, "memory");
    expect_sound(s->store, "main");
    OK(pcct_view_open(&view, s->store, "main", &err));
    for (size_t i = 0; i < 20; i++) draw(s, queries[i]);
    options.work = &work;
    options.threads = 2;
    OK(pcct_knn(labels, distances, view, queries[0], 20, K, &options, &err));
    CHECK(work.blocks == 0, "there are no blocks");
    for (size_t i = 0; i < 20; i++) expect_answer(all, brute(all, s, queries[i], -1), labels + i * K, distances + i * K);
    for (int64_t label = 0; label < s->labels && stored < 20; label += 1 + s->labels / 30) {
        if (s->live[label]) self[stored++] = label;
    }
    options.exclude_self = 1;
    OK(pcct_knn_stored(labels, distances, view, self, stored, K, &options, &err));
    for (size_t i = 0; i < stored; i++) expect_answer(all, brute(all, s, s->point[self[i]], self[i]), labels + i * K, distances + i * K);
    OK(pcct_metric_check(view, NULL, &err));
    pcct_view_close(view);
    free(all);
}

static int64_t root_of(pcct_store *store)
{
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;

    OK(pcct_view_open(&view, store, "main", &err));
    OK(pcct_view_describe(&info, view));
    CHECK(info.blocks == 0, "there is no layout");
    pcct_view_close(view);
    return info.root_label;
}

/* ---- tests --------------------------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    double (*distance)(void *ctx, const double *a, const double *b);
    int together;
} functions[] = { { "plain", plain, 0 }, { "plain-together", plain, 1 }, { "sizes", sizes, 0 }, { "discrete", discrete, 0 }, { "edits", edits, 0 } };

enum { FUNCTIONS = sizeof functions / sizeof *functions };

static void random_commits(void **state)
{
    (void)state;
    for (size_t f = 0; f < FUNCTIONS; f++) {
        struct scene *s = malloc(sizeof *s);

        CHECK(s != NULL, "memory");
        start(s, functions[f].name, functions[f].distance, functions[f].together, 1 + (int)f % 2);
        step(s, 1, 0);
        expect(s);
        for (int i = 0; i < 8; i++) {
            step(s, random_below(&s->random, 120), i % 3 == 2 ? 0.5 : i % 3 == 1 ? 0.1 : 0);
            expect(s);
            if (root_of(s->store) >= 0) delete_one(s, root_of(s->store));
            if (i % 2 == 1) {
                pcct_store_close(s->store);
                open_store(s, 2 - (int)f % 2);
            }
            expect(s);
        }
        step(s, 30, 1); /* all that is there goes */
        expect(s);
        step(s, 0, 1);
        expect(s);
        finish(s);
        free(s);
    }
}

/* More dead than live: the next commit begins with a renumbering, which carries the distances along. */
static void dead_rows_are_dropped(void **state)
{
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    struct scene *s = malloc(sizeof *s);
    pcct_view *view = NULL;

    (void)state;
    CHECK(s != NULL, "memory");
    start(s, "plain", plain, 1, 2);
    step(s, 1500, 0);
    step(s, 0, 0.8);
    step(s, 50, 0.1);
    OK(pcct_view_open(&view, s->store, "main", &err));
    OK(pcct_view_describe(&info, view));
    CHECK(info.n_rows < 500 && info.n_live > 200, "%" PRIu64 " rows, %" PRIu64 " live", info.n_rows, info.n_live);
    pcct_view_close(view);
    expect(s);
    pcct_store_close(s->store);
    open_store(s, 1); /* frames again, the renumbering too */
    expect(s);
    step(s, 40, 0.2);
    expect(s);
    finish(s);
    free(s);
}

/* One thread or two: the same identity, which covers every level, parent and radius. */
static void threads_make_no_difference(void **state)
{
    uint8_t identity[2][16];

    (void)state;
    for (int t = 0; t < 2; t++) {
        struct pcct_view_info info = { .size = sizeof info };
        struct scene *s = malloc(sizeof *s);
        struct pcct_error err = { 0, "" };
        pcct_view *view = NULL;

        CHECK(s != NULL, "memory");
        start(s, "edits", edits, 0, 1 + t);
        for (int i = 0; i < 5; i++) step(s, 200, 0.2);
        OK(pcct_view_open(&view, s->store, "main", &err));
        OK(pcct_view_describe(&info, view));
        memcpy(identity[t], info.identity, sizeof identity[t]);
        pcct_view_close(view);
        finish(s);
        free(s);
    }
    assert_memory_equal(identity[0], identity[1], sizeof identity[0]);
}

/* The tree and answers of a built-in metric's function are those of the metric. */
static void the_same_as_built_in(void **state)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct scene *s = malloc(sizeof *s);
    pcct_store *store[2] = { NULL, NULL };
    pcct_view *view[2] = { NULL, NULL };
    double points[1000][DIM], distances[2][200 * K];
    int64_t labels[2][200 * K];
    char *path = NULL;

    (void)state;
    CHECK(s != NULL, "memory");
    start(s, "sizes", sizes, 0, 2);
    path = path_join(s->folder, "built-in");
    create.dim = DIM;
    create.metric = "manhattan";
    create.seed = 11;
    OK(pcct_store_create(path, &create, &err));
    OK(pcct_store_open(&store[1], path, NULL, &err));
    store[0] = s->store;
    for (size_t i = 0; i < 1000; i++) draw(s, points[i]);
    for (int i = 0; i < 2; i++) {
        pcct_batch *batch = NULL;
        uint64_t version = 0;

        OK(pcct_batch_begin(&batch, store[i], "main", NULL, &err));
        OK(pcct_batch_insert(batch, points[0], 1000, NULL, &err));
        OK(pcct_batch_commit(&version, batch, NULL, &err));
        pcct_batch_close(batch);
        OK(pcct_view_open(&view[i], store[i], "main", &err));
        OK(pcct_knn(labels[i], distances[i], view[i], points[300], 200, K, NULL, &err));
    }
    assert_memory_equal(labels[0], labels[1], sizeof labels[0]);
    assert_memory_equal(distances[0], distances[1], sizeof distances[0]);
    for (int64_t label = 0; label < 1000; label++) {
        struct pcct_node_info a = { .size = sizeof a }, b = { .size = sizeof b };

        OK(pcct_node_describe(&a, view[0], label, &err));
        OK(pcct_node_describe(&b, view[1], label, &err));
        CHECK(a.parent == b.parent && a.level == b.level && a.radius == b.radius && a.distance == b.distance, "label %" PRId64, label);
    }
    pcct_view_close(view[0]);
    pcct_view_close(view[1]);
    pcct_store_close(store[1]);
    finish(s);
    free(path);
    free(s);
}

static void expect_needs(int status, const struct pcct_error *err)
{
    CHECK(status == PCCT_E_INVALID, "%s: %s", pcct_code_name(status), err->message);
    CHECK(strstr(err->message, "\"edits\"") && strstr(err->message, "pcct_open_options.custom"), "the message: %s", err->message);
}

/* What can be had of a store whose function is not there, and what is said of the rest. */
static void without_the_function(void **state)
{
    struct pcct_verify_result result = { .size = sizeof result };
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_view_info about = { .size = sizeof about };
    struct pcct_tree_info tree = { .size = sizeof tree };
    struct pcct_version version;
    struct pcct_error err = { 0, "" };
    struct scene *s = malloc(sizeof *s);
    pcct_store *store = NULL;
    pcct_batch *batch = NULL;
    pcct_view *view = NULL;
    pcct_log *log = NULL;
    double query[DIM] = { 3, 0 }, distances[K], (*points)[DIM] = NULL;
    int64_t near[K], *labels = NULL, label = 0;
    size_t n = 0;

    (void)state;
    CHECK(s != NULL, "memory");
    start(s, "edits", edits, 0, 2);
    for (int i = 0; i < 6; i++) step(s, 300, 0.3); /* long enough for an anchor or two, and for deletes and moves in frames */
    pcct_store_close(s->store);
    s->mood.bad_after = 1; /* it is not to be called from here on */
    s->mood.asked = 0;
    OK(pcct_store_open(&store, s->path, NULL, &err));
    OK(pcct_store_describe(&info, store, &err));
    CHECK(strcmp(info.metric, "edits") == 0 && info.custom == PCCT_CUSTOM_MISSING, "%s %u", info.metric, info.custom);
    for (int v = 0; v <= 6; v++) {
        char revision[16];

        snprintf(revision, sizeof revision, "v%d", v);
        OK(pcct_view_open(&view, store, revision, &err));
        OK(pcct_verify(&result, view, NULL, &err));
        CHECK(result.structure_only == 1 && result.violations == 0 && result.queries == 0, "%s", result.first);
        pcct_view_close(view);
    }
    OK(pcct_view_open(&view, store, "main", &err));
    OK(pcct_view_describe(&about, view));
    labels = calloc(about.n_live, sizeof *labels);
    points = calloc(about.n_live, sizeof *points);
    CHECK(labels && points, "memory");
    OK(pcct_view_read(labels, points[0], view, &err));
    for (size_t i = 0; i < about.n_live; i++) {
        CHECK(s->live[labels[i]] && memcmp(points[i], s->point[labels[i]], sizeof points[i]) == 0, "label %" PRId64, labels[i]);
    }
    OK(pcct_net(labels, &n, view, 1, &err));
    CHECK(n > 1 && n < about.n_live, "a net of %zu", n);
    OK(pcct_tree_describe(&tree, view, &err));
    CHECK(tree.nodes == about.n_live, "the tree");
    OK(pcct_log_open(&log, store, "main", &err));
    while (pcct_log_next(&version, log, &err) == 1) n++;
    pcct_log_close(log);
    expect_needs(pcct_knn(near, distances, view, query, 1, K, NULL, &err), &err);
    expect_needs(pcct_knn_stored(near, distances, view, &label, 1, K, NULL, &err), &err);
    expect_needs(pcct_metric_check(view, NULL, &err), &err);
    expect_needs(pcct_batch_begin(&batch, store, "main", NULL, &err), &err);
    CHECK(batch == NULL && s->mood.asked == 0, "the function was called");
    pcct_view_close(view);
    pcct_store_close(store);
    s->mood.bad_after = 0;
    open_store(s, 1);
    expect(s);
    finish(s);
    free(points);
    free(labels);
    free(s);
}

static void count_remarks(void *ctx, int damaged, const char *text)
{
    int *count = ctx;

    count[damaged != 0]++;
    if (!damaged) CHECK(strstr(text, "\"edits\""), "%s", text);
}

static void fsck_with_and_without(void **state)
{
    struct pcct_fsck_result result = { .size = sizeof result };
    struct pcct_fsck_options options = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct scene *s = malloc(sizeof *s);
    int count[2] = { 0, 0 };

    (void)state;
    CHECK(s != NULL, "memory");
    start(s, "edits", edits, 0, 2);
    for (int i = 0; i < 3; i++) step(s, 100, 0.3);
    options.threads = 1;
    options.report = count_remarks;
    options.report_ctx = count;
    OK(pcct_fsck(&result, s->path, &options, &err));
    CHECK(result.damaged == 0 && count[0] == 1 && count[1] == 0, "%d remarks", count[0]);
    options.custom = &s->metric;
    OK(pcct_fsck(&result, s->path, &options, &err));
    CHECK(result.damaged == 0 && count[0] == 1 && count[1] == 0, "%d remarks", count[0]);
    s->mood.bad_after = 1; /* the function is at fault, not the store */
    s->mood.bad = (double)NAN;
    FAILS(PCCT_E_INVALID, pcct_fsck(&result, s->path, &options, &err));
    s->mood.bad_after = 0;
    s->metric.distance = discrete; /* another function by that name: the tree is not its */
    OK(pcct_fsck(&result, s->path, &options, &err));
    CHECK(result.damaged == 1 && count[1] == 1, "%d findings", count[1]);
    s->metric.distance = edits;
    finish(s);
    free(s);
}

static void names_and_options(void **state)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_metric other = PCCT_METRIC_INIT;
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    struct scene *s = malloc(sizeof *s);
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    char *path = NULL;

    (void)state;
    CHECK(s != NULL, "memory");
    start(s, "edits", edits, 0, 1);
    OK(pcct_store_describe(&info, s->store, &err));
    CHECK(info.custom == PCCT_CUSTOM_REGISTERED, "%u", info.custom);
    path = path_join(s->folder, "other");
    create.dim = 1;
    create.custom = &other;
    FAILS(PCCT_E_INVALID, pcct_store_create(path, &create, &err)); /* no name */
    other.name = "euclidean";
    other.distance = plain;
    FAILS(PCCT_E_INVALID, pcct_store_create(path, &create, &err));
    other.name = "Other";
    FAILS(PCCT_E_INVALID, pcct_store_create(path, &create, &err));
    other.name = "other";
    other.distance = NULL;
    FAILS(PCCT_E_INVALID, pcct_store_create(path, &create, &err));
    other.distance = plain;
    create.metric = "manhattan";
    FAILS(PCCT_E_INVALID, pcct_store_create(path, &create, &err));
    create.metric = NULL;
    other.size = 3;
    FAILS(PCCT_E_INVALID, pcct_store_create(path, &create, &err));
    other.size = sizeof other;
    open.custom = &other;
    FAILS(PCCT_E_INVALID, pcct_store_open(&store, s->path, &open, &err));
    CHECK(strstr(err.message, "\"edits\"") && strstr(err.message, "\"other\"") && !store, "%s", err.message);
    create.custom = NULL;
    OK(pcct_store_create(path, &create, &err));
    FAILS(PCCT_E_INVALID, pcct_store_open(&store, path, &open, &err));
    CHECK(strstr(err.message, "euclidean") && !store, "%s", err.message);
    OK(pcct_store_open(&store, path, NULL, &err));
    OK(pcct_store_describe(&info, store, &err));
    CHECK(info.custom == PCCT_CUSTOM_NONE, "%u", info.custom);
    OK(pcct_view_open(&view, store, "main", &err));
    FAILS(PCCT_E_INVALID, pcct_metric_check(view, NULL, &err)); /* a built-in metric */
    pcct_view_close(view);
    pcct_store_close(store);
    finish(s);
    free(path);
    free(s);
}

/* A value that is no distance fails the call that met it, and nothing else. */
static void values_that_are_no_distances(void **state)
{
    static const double bad[] = { (double)NAN, -1, (double)INFINITY };
    struct pcct_stats stats = { .size = sizeof stats };
    struct pcct_verify_options verify = PCCT_VERIFY_OPTIONS_INIT;
    struct pcct_verify_result verified = { .size = sizeof verified };
    struct pcct_error err = { 0, "" };
    struct scene *s = malloc(sizeof *s), *before = malloc(sizeof *s);
    pcct_view *view = NULL;
    double distances[K];
    int64_t near[K];

    (void)state;
    CHECK(s && before, "memory");
    start(s, "plain", plain, 0, 1);
    verify.threads = 1;
    OK(commit(s, 300, 0, &stats, &err));
    CHECK(stats.evaluations > stats.distances && stats.evaluations < 300 * 300, "%" PRIu64 " evaluations", stats.evaluations);
    CHECK(stats.distances > 300 && stats.items > 200, "%" PRIu64 " distances", stats.distances);
    CHECK(stats.sub_batches == 2 && stats.searches == stats.items - 1, "%" PRIu64 " searches", stats.searches);
    for (uint64_t i = 0; i < 30; i++) {
        *before = *s;
        s->mood = (struct mood){ .bad_after = 1 + i * i, .bad = bad[i % 3] };
        FAILS(PCCT_E_INVALID, commit(s, 60, 0.2, NULL, &err));
        CHECK(strstr(err.message, "\"plain\"") && strstr(err.message, "label"), "%s", err.message);
        *s = *before;
        s->mood = (struct mood){ .bad_after = 0 };
        if (i % 10 == 0) expect(s);
        OK(pcct_view_open(&view, s->store, "main", &err));
        s->mood = (struct mood){ .bad_after = 1 + i, .bad = bad[i % 3] };
        FAILS(PCCT_E_INVALID, pcct_knn(near, distances, view, s->point[7], 1, K, NULL, &err));
        CHECK(strstr(err.message, "query 0"), "%s", err.message);
        s->mood = (struct mood){ .bad_after = 1 + 50 * i, .bad = bad[i % 3] };
        FAILS(PCCT_E_INVALID, pcct_verify(&verified, view, &verify, &err));
        s->mood = (struct mood){ .bad_after = 1 + i, .bad = bad[i % 3] };
        FAILS(PCCT_E_INVALID, pcct_metric_check(view, NULL, &err));
        s->mood = (struct mood){ .bad_after = 0 };
        OK(pcct_knn(near, distances, view, s->point[7], 1, K, NULL, &err));
        pcct_view_close(view);
    }
    expect(s);
    finish(s);
    free(before);
    free(s);
}

/* The labels that the message names are those of points that break the rule. */
static void what_is_no_metric_is_found(void **state)
{
    struct pcct_metric_check_options options = PCCT_METRIC_CHECK_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct scene *s = malloc(sizeof *s);
    pcct_view *view = NULL;
    long long a = -1, b = -1;
    double there = 0, back = 0;

    (void)state;
    CHECK(s != NULL, "memory");
    start(s, "plain", plain, 0, 1);
    step(s, 200, 0);
    OK(pcct_view_open(&view, s->store, "main", &err));
    options.seed = 5;
    options.triples = 100;
    OK(pcct_metric_check(view, &options, &err));
    s->mood.asymmetric = 1;
    FAILS(PCCT_E_INVALID, pcct_metric_check(view, &options, &err));
    CHECK(sscanf(err.message, "the metric \"plain\" is none: from label %lld to %lld it is %lf, and %lf back", &a, &b, &there, &back) == 4, "%s",
          err.message);
    CHECK(plain(&s->mood, s->point[a], s->point[b]) == there && plain(&s->mood, s->point[b], s->point[a]) == back, "%s", err.message);
    CHECK(there != back, "%s", err.message);
    pcct_view_close(view);
    finish(s);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_commits), cmocka_unit_test(dead_rows_are_dropped), cmocka_unit_test(threads_make_no_difference),
        cmocka_unit_test(the_same_as_built_in),
        cmocka_unit_test(without_the_function), cmocka_unit_test(fsck_with_and_without), cmocka_unit_test(names_and_options),
        cmocka_unit_test(values_that_are_no_distances), cmocka_unit_test(what_is_no_metric_is_found),
    };

    make_table();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
