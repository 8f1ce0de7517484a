/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on a store and on a naive versioned store in memory. api_model [operations [seed]]: one long run in place of the usual ones.
 * The operations of a seed are always the same; when a list fails, the shortest failing beginning of it is looked for.
 */
#include "common.h"
#include "space.h"

#include <sys/mman.h>

enum { DIM_MAX = 5, HELD = 2, ROWS_MAX = 8000 };

struct version {
    size_t n;
    int64_t *label;    /* ascending */
    double *point;
    uint64_t inserted, deleted;
    uint8_t identity[16];
    char message[24];
    char key[24];      /* value of the key "op", or "" */
};

static uint64_t *anchored; /* views that stood on an anchor, counted over all processes */

struct model {
    struct random_numbers random;
    uint32_t dim;
    enum space_metric metric;
    int shape, flood;
    struct version *version;      /* [head + 1] */
    uint64_t head;
    int64_t next_label;
    char *path;
    pcct_store *store;
    pcct_view *held[HELD];        /* views that stay open while versions are made */
    uint64_t held_version[HELD];
    uint64_t operation;
    /* the last batch with a write id */
    uint64_t write_id, write_version, write_seed;
};

static void *must(void *memory)
{
    CHECK(memory != NULL, "memory");
    return memory;
}

static uint64_t below(struct model *m, uint64_t bound)
{
    return random_below(&m->random, bound);
}

/* ---- points ------------------------------------------------------------------------------------------------------------------------------- */

static double coordinate(struct random_numbers *r, int shape)
{
    switch (shape) {
    case 0: return random_unit(r) * 10;
    case 1: return floor(random_unit(r) * 5);                                              /* ties and twins */
    case 2: return pow(10, -(double)random_below(r, 12)) * (random_unit(r) - 0.5);         /* scales */
    default: return (double)random_below(r, 4) * 20 + random_unit(r) * 0.01;               /* clusters */
    }
}

static void make_point(struct model *m, double *point, struct random_numbers *r)
{
    for (uint32_t j = 0; j < m->dim; j++) point[j] = coordinate(r, m->shape);
    if (space_of_directions(m->metric) && !(space_length(point, m->dim) > 0)) point[0] = 1;
    if (m->metric != SPACE_HAVERSINE) return;
    point[0] = m->shape == 1 ? point[0] * 45 - 90 : fmod(point[0] * 13, 90);
    point[1] = m->shape == 1 ? point[1] * 90 - 180 : fmod(point[1] * 29, 180);
}

static double apart(const struct model *m, const double *a, const double *b)
{
    return space_key(m->metric, a, b, m->dim);
}

/* ---- the naive store ------------------------------------------------------------------------------------------------------------------------ */

static size_t find(const struct version *v, int64_t label)
{
    size_t low = 0, high = v->n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (v->label[middle] < label) low = middle + 1;
        else high = middle;
    }
    return low < v->n && v->label[low] == label ? low : v->n;
}

struct asked {
    int mode;
    size_t rows, gone;
    int64_t label[ROWS_MAX], gone_label[400];
    int counted[ROWS_MAX], dropped[ROWS_MAX];
    double point[ROWS_MAX * DIM_MAX];
    uint64_t inserted, deleted, skipped, replaced;
};

static int is_gone(const struct asked *a, int64_t label)
{
    for (size_t i = 0; i < a->gone; i++) {
        if (a->gone_label[i] == label) return 1;
    }
    return 0;
}

/* Equal labels within the batch; 1 when that is an error. */
static int drop_equal(struct asked *a)
{
    for (size_t i = 0; i < a->rows; i++) {
        for (size_t j = i + 1; j < a->rows; j++) {
            if (a->label[i] != a->label[j]) continue;
            if (a->mode == PCCT_DUPLICATE_ERROR) return 1;
            a->dropped[a->mode == PCCT_DUPLICATE_SKIP ? j : i] = 1;
        }
    }
    return 0;
}

struct item {
    int64_t label;
    const double *point;
};

static int by_label(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    return x->label < y->label ? -1 : x->label > y->label;
}

static void fill_version(struct version *next, const struct model *m, struct asked *a, const struct version *old, const int *dead)
{
    struct item *item = must(calloc(old->n + a->rows + 1, sizeof *item));
    size_t n = 0;

    for (size_t i = 0; i < old->n; i++) {
        if (!dead[i]) item[n++] = (struct item){ old->label[i], old->point + i * m->dim };
        else a->deleted++;
    }
    for (size_t i = 0; i < a->rows; i++) {
        if (a->dropped[i]) {
            a->skipped++;
            continue;
        }
        item[n++] = (struct item){ a->label[i], a->point + i * m->dim };
        a->inserted++;
    }
    qsort(item, n, sizeof *item, by_label);
    next->n = n;
    next->label = must(calloc(n + 1, sizeof(int64_t)));
    next->point = must(calloc(n * m->dim + 1, sizeof(double)));
    for (size_t i = 0; i < n; i++) {
        next->label[i] = item[i].label;
        memcpy(next->point + i * m->dim, item[i].point, m->dim * sizeof(double));
    }
    next->inserted = a->inserted;
    next->deleted = a->deleted;
    free(item);
}

/* What a commit of `a` must answer; on success the version after it. */
static int expected(struct version *next, int64_t *next_label, const struct model *m, struct asked *a)
{
    const struct version *old = &m->version[m->head];
    int *dead = must(calloc(old->n + 1, sizeof *dead)), code = 0;

    *next_label = m->next_label;
    for (size_t i = 0; i < a->rows; i++) {
        if (!a->counted[i] && a->label[i] >= *next_label) *next_label = a->label[i] + 1;
    }
    for (size_t i = 0; i < a->rows; i++) {
        if (a->counted[i]) a->label[i] = (*next_label)++;
    }
    for (size_t i = 0; i < a->gone && code == 0; i++) {
        size_t at = find(old, a->gone_label[i]);

        if (at == old->n) code = PCCT_E_UNKNOWN;
        else dead[at] = 1;
    }
    if (code == 0 && drop_equal(a)) code = PCCT_E_DUPLICATE;
    for (size_t i = 0; i < a->rows && code == 0; i++) {
        size_t at = find(old, a->label[i]);

        if (a->dropped[i] || at == old->n || is_gone(a, a->label[i])) continue;
        if (a->mode == PCCT_DUPLICATE_ERROR) code = PCCT_E_DUPLICATE;
        if (a->mode == PCCT_DUPLICATE_SKIP) a->dropped[i] = 1;
        if (a->mode == PCCT_DUPLICATE_REPLACE) {
            dead[at] = 1;
            a->replaced++;
        }
    }
    if (code == 0) fill_version(next, m, a, old, dead);
    free(dead);
    return code;
}

/* ---- commits ------------------------------------------------------------------------------------------------------------------------------ */

static int64_t some_label(struct model *m, struct random_numbers *r)
{
    const struct version *old = &m->version[m->head];

    if (old->n == 0) return (int64_t)random_below(r, 50);
    return old->label[random_below(r, old->n)];
}

/* A batch that is a function of `seed` and the head. */
static void ask_for(struct asked *a, struct model *m, uint64_t seed)
{
    struct random_numbers r = { seed };
    size_t most = random_below(&r, 8) == 0 ? 300 : 30, live = m->version[m->head].n;

    memset(a, 0, sizeof *a);
    a->mode = (int)random_below(&r, 3);
    a->rows = random_below(&r, 6) == 0 ? 0 : random_below(&r, most) + 1;
    if (live > 0) a->gone = random_below(&r, 3) == 0 ? 0 : random_below(&r, live < 500 ? most : 300);
    if (live > 0 && random_below(&r, 25) == 0) a->gone = live < 400 ? live : 400;
    for (size_t i = 0; i < a->gone; i++) {
        a->gone_label[i] = a->gone == live ? m->version[m->head].label[i] : some_label(m, &r);
        if (random_below(&r, 2000) == 0) a->gone_label[i] = -77;
    }
    if (m->head == 0 && m->flood) a->rows = ROWS_MAX; /* enough for an anchor soon */
    for (size_t i = 0; i < a->rows; i++) {
        uint64_t kind = a->rows < ROWS_MAX ? random_below(&r, 40) : 0;

        make_point(m, a->point + i * m->dim, &r);
        if (random_below(&r, 20) == 0 && live > 0) { /* a twin of a live point */
            memcpy(a->point + i * m->dim, m->version[m->head].point + random_below(&r, live) * m->dim, m->dim * sizeof(double));
        }
        a->counted[i] = kind < 20;
        if (kind >= 20) a->label[i] = (int64_t)(random_below(&r, 1u << 30)) - (1 << 20);
        if (kind >= 36 && a->gone > 0) a->label[i] = a->gone_label[random_below(&r, a->gone)]; /* an update */
        if (kind == 39 && a->mode != PCCT_DUPLICATE_ERROR) a->label[i] = some_label(m, &r);
        if (kind == 38 && i > 0 && a->mode != PCCT_DUPLICATE_ERROR && !a->counted[i - 1]) a->label[i] = a->label[i - 1];
        if (a->label[i] == -1) a->label[i] = -2;
    }
    if (random_below(&r, 15) == 0 && a->rows > 0 && live > 0) { /* a duplicate on purpose */
        a->counted[0] = 0;
        a->label[0] = some_label(m, &r);
    }
}

static void fill_batch(pcct_batch *batch, const struct model *m, const struct asked *a)
{
    struct pcct_error err = { 0, "" };

    for (size_t i = 0; i < a->rows;) {
        size_t n = 1;

        while (i + n < a->rows && a->counted[i + n] == a->counted[i]) n++;
        OK(pcct_batch_insert(batch, a->point + i * m->dim, n, a->counted[i] ? NULL : a->label + i, &err));
        i += n;
    }
    OK(pcct_batch_delete(batch, a->gone_label, a->gone, &err));
}

static void expect_result(const pcct_batch *batch, const struct asked *a)
{
    struct pcct_batch_result result = { .size = sizeof result };

    CHECK(pcct_batch_describe(&result, batch) == 0, "result");
    CHECK(result.inserted == a->inserted && result.deleted == a->deleted, "%" PRIu64 " in, %" PRIu64 " out", result.inserted, result.deleted);
    CHECK(result.skipped == a->skipped && result.replaced == a->replaced, "%" PRIu64 " skipped", result.skipped);
    CHECK(result.frame_bytes > 0, "no bytes");
}

static void read_identity(struct model *m, struct version *next)
{
    struct pcct_error err = { 0, "" };
    struct pcct_version told;
    pcct_log *log = NULL;

    OK(pcct_log_open(&log, m->store, "main", &err));
    CHECK(pcct_log_next(&told, log, &err) == 1, "%s", err.message);
    memcpy(next->identity, told.identity, 16);
    pcct_log_close(log);
}

static void commit(struct model *m)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct version next = { .n = 0 };
    struct asked *a = must(malloc(sizeof *a));
    pcct_batch *batch = NULL;
    uint64_t made = 0, seed = random_next(&m->random), write_id[2] = { seed | 1, m->operation };
    int64_t next_label = 0;
    int named = below(m, 4) == 0, status = 0, code = 0, stale = m->head > 0 && below(m, 12) == 0;
    char revision[32];

    ask_for(a, m, seed);
    options.on_duplicate = a->mode;
    if (named) options.write_id = (const uint8_t *)write_id;
    snprintf(revision, sizeof revision, "v%" PRIu64, stale ? below(m, m->head) : m->head);
    if (stale || below(m, 4) == 0) options.expect = revision;
    OK(pcct_batch_begin(&batch, m->store, "main", &options, &err));
    fill_batch(batch, m, a);
    snprintf(next.message, sizeof next.message, "op %" PRIu64, m->operation);
    if (below(m, 3) == 0) {
        snprintf(next.key, sizeof next.key, "%" PRIu64, m->operation);
        OK(pcct_batch_set(batch, "op", "earlier", &err));
        OK(pcct_batch_set(batch, "op", next.key, &err));
        OK(pcct_batch_set(batch, "a.first-key", "", &err));
    }
    code = expected(&next, &next_label, m, a);
    if (stale) code = PCCT_E_CONFLICT;
    status = pcct_batch_commit(&made, batch, next.message, &err);
    CHECK(status == code, "the commit answers %s (%s), expected %s", pcct_code_name(status), status ? err.message : "", pcct_code_name(code));
    if (code == 0) {
        CHECK(made == m->head + 1, "version v%" PRIu64, made);
        expect_result(batch, a);
        m->version = must(realloc(m->version, (m->head + 2) * sizeof next));
        read_identity(m, &next);
        m->version[++m->head] = next;
        m->next_label = next_label > m->next_label ? next_label : m->next_label;
        if (named) {
            m->write_id = write_id[1];
            m->write_seed = seed;
            m->write_version = made;
        }
    } else {
        free(next.label);
        free(next.point);
    }
    pcct_batch_close(batch);
    free(a);
}

/* A batch with the write id of an earlier one: the earlier version if the content is the same, else a conflict. */
static void repeat_write_id(struct model *m)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    uint64_t made = 0, write_id[2] = { m->write_seed | 1, m->write_id };
    double point[DIM_MAX] = { 1 };
    pcct_batch *batch = NULL;

    if (m->write_version == 0) return;
    options.write_id = (const uint8_t *)write_id;
    OK(pcct_batch_begin(&batch, m->store, "main", &options, &err));
    OK(pcct_batch_insert(batch, point, 1, NULL, &err));
    FAILS(PCCT_E_CONFLICT, pcct_batch_commit(&made, batch, "another", &err));
    pcct_batch_close(batch);
    /* the same content twice, with an id of its own */
    write_id[0] = random_next(&m->random) | 1;
    for (int i = 0; i < 2; i++) {
        OK(pcct_batch_begin(&batch, m->store, "main", &options, &err));
        OK(pcct_batch_commit(&made, batch, "nothing", &err));
        CHECK(made == m->head + 1, "v%" PRIu64 " for the repeated id, not v%" PRIu64, made, m->head + 1);
        pcct_batch_close(batch);
    }
    m->version = must(realloc(m->version, (m->head + 2) * sizeof *m->version));
    m->version[m->head + 1] = m->version[m->head];
    m->head++;
    m->version[m->head].label = must(calloc(m->version[m->head].n + 1, sizeof(int64_t)));
    m->version[m->head].point = must(calloc(m->version[m->head].n * m->dim + 1, sizeof(double)));
    memcpy(m->version[m->head].label, m->version[m->head - 1].label, m->version[m->head].n * sizeof(int64_t));
    memcpy(m->version[m->head].point, m->version[m->head - 1].point, m->version[m->head].n * m->dim * sizeof(double));
    m->version[m->head].inserted = m->version[m->head].deleted = 0;
    snprintf(m->version[m->head].message, sizeof m->version->message, "nothing");
    m->version[m->head].key[0] = 0;
    read_identity(m, &m->version[m->head]);
}

/* ---- queries ------------------------------------------------------------------------------------------------------------------------------ */

/* One answer of k labels against all points but the one of label `self` (-1: none is left out). */
static void expect_answer(const struct model *m, const struct version *v, const double *query, int64_t self, size_t k, const int64_t *labels,
                          const double *distances, int32_t count)
{
    struct neighbour *all = must(calloc(v->n + 1, sizeof *all));
    size_t n = 0;

    for (size_t i = 0; i < v->n; i++) {
        if (v->label[i] != self) all[n++] = (struct neighbour){ apart(m, query, v->point + i * m->dim), v->label[i] };
    }
    qsort(all, n, sizeof *all, neighbour_order);
    CHECK(count == (int32_t)(n < k ? n : k), "%d neighbours of %zu, k = %zu", count, n, k);
    for (size_t i = 0; i < k; i++) {
        if (i >= n) {
            CHECK(labels[i] == -1 && isinf(distances[i]) && distances[i] > 0, "place %zu is to be empty", i);
        } else if (m->metric == SPACE_HAVERSINE) {
            size_t at = find(v, labels[i]);

            CHECK(fabs(distances[i] - all[i].key) < 0.5, "%.17g metres, expected %.17g", distances[i], all[i].key);
            CHECK(at < v->n && labels[i] != self && fabs(apart(m, query, v->point + at * m->dim) - distances[i]) < 0.5, "label %" PRId64, labels[i]);
            CHECK(i == 0 || distances[i] > distances[i - 1] || (distances[i] == distances[i - 1] && labels[i] != labels[i - 1]), "order at %zu", i);
        } else {
            double distance = space_distance(m->metric, all[i].key), slack = m->metric == SPACE_ANGULAR ? 1e-15 * distance : 0;

            CHECK(labels[i] == all[i].label, "place %zu: label %" PRId64 " at %.17g, expected %" PRId64 " at %.17g", i, labels[i], distances[i],
                  all[i].label, distance);
            CHECK(fabs(distances[i] - distance) <= slack, "place %zu: %.17g, expected %.17g", i, distances[i], distance);
        }
    }
    free(all);
}

static void expect_knn(struct model *m, const pcct_view *view, const struct version *v)
{
    enum { NQ = 6 };
    static const size_t ks[] = { 1, 2, 5, 17 };
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    size_t k = below(m, 8) == 0 ? v->n + 3 : ks[below(m, 4)];
    double query[NQ * DIM_MAX], *distances = must(calloc(NQ * k, sizeof(double)));
    int64_t *labels = must(calloc(NQ * k, sizeof(int64_t))), stored[NQ];
    int32_t counts[NQ];

    options.counts = counts;
    options.threads = (int)below(m, 3);
    for (int i = 0; i < NQ; i++) make_point(m, query + (uint32_t)i * m->dim, &m->random);
    OK(pcct_knn(labels, distances, view, query, NQ, k, &options, &err));
    for (size_t i = 0; i < NQ; i++) expect_answer(m, v, query + i * m->dim, -1, k, labels + i * k, distances + i * k, counts[i]);
    if (v->n > 0) {
        options.exclude_self = (int)below(m, 2);
        for (int i = 0; i < NQ; i++) stored[i] = v->label[below(m, v->n)];
        OK(pcct_knn_stored(labels, distances, view, stored, NQ, k, &options, &err));
        for (size_t i = 0; i < NQ; i++) {
            const double *point = v->point + find(v, stored[i]) * m->dim;

            expect_answer(m, v, point, options.exclude_self ? stored[i] : -1, k, labels + i * k, distances + i * k, counts[i]);
        }
    }
    stored[0] = -55;
    FAILS(PCCT_E_UNKNOWN, pcct_knn_stored(labels, distances, view, stored, 1, k, &options, &err));
    free(labels);
    free(distances);
}

static void expect_view(struct model *m, const pcct_view *view, uint64_t number)
{
    const struct version *v = &m->version[number];
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    int64_t *labels = must(calloc(v->n + 1, sizeof(int64_t))), some[3];
    double *points = must(calloc(v->n * m->dim + 1, sizeof(double))), found[3 * DIM_MAX];

    OK(pcct_view_describe(&info, view));
    CHECK(info.version == number && info.n_live == v->n && info.dim == m->dim, "v%" PRIu64 ", %" PRIu64 " points", info.version, info.n_live);
    CHECK(memcmp(info.identity, v->identity, 16) == 0, "identity of v%" PRIu64, number);
    *anchored += info.anchor > 0;
    CHECK((info.root_label == -1) == (v->n == 0), "root %" PRId64, info.root_label);
    OK(pcct_view_read(labels, points, view, &err));
    CHECK(memcmp(labels, v->label, v->n * sizeof(int64_t)) == 0, "labels of v%" PRIu64, number);
    CHECK(v->n == 0 || memcmp(points, v->point, v->n * m->dim * sizeof(double)) == 0, "points of v%" PRIu64, number);
    for (int i = 0; i < 3 && v->n > 0; i++) some[i] = v->label[below(m, v->n)];
    if (v->n > 0) {
        OK(pcct_view_find(found, view, some, 3, &err));
        for (size_t i = 0; i < 3; i++) {
            CHECK(memcmp(found + i * m->dim, v->point + find(v, some[i]) * m->dim, m->dim * sizeof(double)) == 0, "find %" PRId64, some[i]);
        }
    }
    expect_knn(m, view, v);
    free(labels);
    free(points);
}

/* A revision that names a version, in one of the ways there are. */
static uint64_t choose_revision(struct model *m, char *text, size_t bytes)
{
    uint64_t number = below(m, m->head + 1), back = 0;
    const uint8_t *id = m->version[number].identity;

    switch (below(m, 4)) {
    case 0:
        snprintf(text, bytes, "main");
        return m->head;
    case 1:
        snprintf(text, bytes, "main~%" PRIu64, m->head - number);
        return number;
    case 2:
        if (number == 0) break;
        back = below(m, number);
        snprintf(text, bytes, "%02x%02x%02x%02x%02x%02x~%" PRIu64, id[0], id[1], id[2], id[3], id[4], id[5], back);
        return number - back;
    default: break;
    }
    snprintf(text, bytes, "v%" PRIu64, number);
    return number;
}

static void query(struct model *m)
{
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    uint64_t number, resolved = 0;
    char revision[64];

    number = choose_revision(m, revision, sizeof revision);
    OK(pcct_resolve(&resolved, m->store, revision, &err));
    CHECK(resolved == number, "%s is v%" PRIu64 ", not v%" PRIu64, revision, resolved, number);
    OK(pcct_view_open(&view, m->store, revision, &err));
    expect_view(m, view, number);
    pcct_view_close(view);
}

/* ---- the rest ----------------------------------------------------------------------------------------------------------------------------- */

static void drop_held(struct model *m)
{
    for (int i = 0; i < HELD; i++) {
        if (!m->held[i]) continue;
        expect_view(m, m->held[i], m->held_version[i]);
        pcct_view_close(m->held[i]);
        m->held[i] = NULL;
    }
}

static void hold(struct model *m)
{
    struct pcct_error err = { 0, "" };
    int i = (int)below(m, HELD);
    char revision[64];

    if (m->held[i]) {
        expect_view(m, m->held[i], m->held_version[i]);
        pcct_view_close(m->held[i]);
    }
    m->held_version[i] = choose_revision(m, revision, sizeof revision);
    OK(pcct_view_open(&m->held[i], m->store, revision, &err));
}

static void open_store(struct model *m)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    options.threads = 1 + (int)below(m, 3);
    OK(pcct_store_open(&m->store, m->path, &options, &err));
    CHECK(head_of(m->store) == m->head, "head v%" PRIu64 " after reopening, not v%" PRIu64, head_of(m->store), m->head);
}

static void reopen(struct model *m)
{
    drop_held(m);
    pcct_store_close(m->store);
    m->store = NULL;
    open_store(m);
}

static void walk_log(struct model *m)
{
    struct pcct_error err = { 0, "" };
    struct pcct_version told;
    pcct_log *log = NULL;
    char revision[64];
    uint64_t at = choose_revision(m, revision, sizeof revision);
    int status = 0;

    OK(pcct_log_open(&log, m->store, revision, &err));
    for (; (status = pcct_log_next(&told, log, &err)) == 1; at--) {
        const struct version *v = &m->version[at];

        CHECK(told.version == at && told.parent == at - 1 && told.n_live == v->n, "v%" PRIu64 " in place of v%" PRIu64, told.version, at);
        CHECK(told.inserted == v->inserted && told.deleted == v->deleted, "counts of v%" PRIu64, at);
        CHECK(strcmp(told.message, v->message) == 0 && memcmp(told.identity, v->identity, 16) == 0, "message or identity of v%" PRIu64, at);
        CHECK(told.n_keys == (v->key[0] ? 2 : 0), "%zu keys", told.n_keys);
        if (v->key[0]) {
            CHECK(strcmp(told.keys[0].key, "a.first-key") == 0 && told.keys[0].value[0] == 0, "%s", told.keys[0].key);
            CHECK(strcmp(told.keys[1].key, "op") == 0 && strcmp(told.keys[1].value, v->key) == 0, "%s", told.keys[1].value);
        }
    }
    CHECK(status == 0 && at == 0, "the log ends at v%" PRIu64 ": %s", at, err.message);
    pcct_log_close(log);
}

static void bad_revisions(struct model *m)
{
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    char text[40];

    snprintf(text, sizeof text, "v%" PRIu64, m->head + 1);
    FAILS(PCCT_E_NOT_FOUND, pcct_view_open(&view, m->store, text, &err));
    CHECK(view == NULL, "a view after a failure");
    snprintf(text, sizeof text, "main~%" PRIu64, m->head + 1);
    FAILS(PCCT_E_NOT_FOUND, pcct_view_open(&view, m->store, text, &err));
    FAILS(PCCT_E_NOT_FOUND, pcct_view_open(&view, m->store, "0123456789abcdef0123", &err));
}

static void operate(struct model *m)
{
    uint64_t kind = below(m, 100);
    char revision[64];

    m->operation++;
    if (kind < 50) commit(m);
    else if (kind < 75) query(m);
    else if (kind < 82) hold(m);
    else if (kind < 88) reopen(m);
    else if (kind < 91) walk_log(m);
    else if (kind < 94) repeat_write_id(m);
    else if (kind < 96) bad_revisions(m);
    else {
        choose_revision(m, revision, sizeof revision);
        expect_sound(m->store, revision);
    }
}

struct run {
    uint64_t seed, operations;
};

static const enum space_metric metrics[12] = {
    SPACE_EUCLIDEAN, SPACE_EUCLIDEAN, SPACE_EUCLIDEAN, SPACE_MANHATTAN, SPACE_EUCLIDEAN, SPACE_HAVERSINE,
    SPACE_EUCLIDEAN, SPACE_CHEBYSHEV, SPACE_COSINE,    SPACE_ANGULAR,   SPACE_MANHATTAN, SPACE_HAVERSINE,
};

static void create(struct model *m, uint64_t seed)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    m->random.state = seed;
    m->metric = metrics[seed % 12];
    m->dim = m->metric == SPACE_HAVERSINE ? 2 : (uint32_t)(seed % 6) + 1;
    m->shape = (int)below(m, 4);
    m->flood = seed % 4 == 0;
    options.dim = m->dim;
    options.metric = m->metric == SPACE_EUCLIDEAN ? NULL : space_names[m->metric];
    options.seed = seed;
    OK(pcct_store_create(m->path, &options, &err));
    m->version = must(calloc(1, sizeof *m->version));
    m->version->label = must(calloc(1, sizeof(int64_t)));
    m->version->point = must(calloc(1, sizeof(double)));
    open_store(m);
}

static int run(void *ctx)
{
    const struct run *run = ctx;
    struct model m = { .head = 0 };
    char *folder = folder_new();

    m.path = path_join(folder, "store");
    create(&m, run->seed);
    for (uint64_t i = 0; i < run->operations; i++) operate(&m);
    drop_held(&m);
    expect_sound(m.store, "main");
    pcct_store_close(m.store);
    for (uint64_t v = 0; v <= m.head; v++) {
        free(m.version[v].label);
        free(m.version[v].point);
    }
    free(m.version);
    free(m.path);
    folder_free(folder);
    return 0;
}

/* The shortest failing beginning of a failing list. */
static void shrink(const struct run *failed)
{
    struct run attempt = *failed;
    uint64_t passes = 0, fails = failed->operations;

    while (fails - passes > 1) {
        attempt.operations = passes + (fails - passes) / 2;
        if (in_child(run, &attempt) != 0) fails = attempt.operations;
        else passes = attempt.operations;
    }
    fprintf(stderr, "%" PRIu64 " operations of seed %" PRIu64 " are enough: api_model %" PRIu64 " %" PRIu64 "\n", fails,
            failed->seed, fails, failed->seed);
}

static uint64_t operations = 180, only_seed = 0;

static void like_the_naive_store(void **test)
{
    (void)test;
    for (uint64_t seed = 6; seed < 18; seed++) {
        struct run list = { only_seed ? only_seed : seed, operations };
        int status = in_child(run, &list);

        if (status != 0) shrink(&list);
        CHECK(status == 0, "seed %" PRIu64 " ended with %d", list.seed, status);
        if (only_seed) return;
    }
    printf("%" PRIu64 " views on anchors\n", *anchored);
    CHECK(*anchored > 10 || operations < 100, "only %" PRIu64 " views stood on an anchor", *anchored);
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(like_the_naive_store) };

    if (count > 1) operations = strtoull(words[1], NULL, 10);
    if (count > 2) only_seed = strtoull(words[2], NULL, 10);
    anchored = mmap(NULL, sizeof *anchored, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (anchored == MAP_FAILED) return 2;
    printf("seeds 6 to 17, %" PRIu64 " operations each\n", operations);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
