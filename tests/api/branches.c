/* SPDX-License-Identifier: Apache-2.0 */
/* Commits, restores, resets, branches, tags and prunings at random against a plain model that keeps every version whole; then the same after the
 * catalogue was made anew from the journal. PCCT_SEED=n runs another history. */
#include "common.h"

#include <pthread.h>

enum { VERSIONS = 100, LABELS = 48, REFS = 8, DIM = 1600 }; /* frames are long enough that there are anchors */

struct model_version {
    uint64_t parent, state_parent, generation;
    int pruned;
    uint64_t serial[LABELS]; /* of the insertion that the live point came by; 0: not live */
};
struct model_ref {
    char name[16];
    int kind; /* 0: not there */
    uint64_t version;
};

static struct model_version version[VERSIONS + 1];
static struct model_ref ref[REFS]; /* [0] is main */
static uint64_t newest, serials, last_entry;

static void point_of(double point[DIM], uint64_t serial)
{
    struct random_numbers r = { serial * 31 };

    for (int j = 0; j < DIM; j++) point[j] = floor(random_unit(&r) * 20);
}

static const char *name_of(char text[32], uint64_t v)
{
    snprintf(text, 32, "v%" PRIu64, v);
    return text;
}

/* A version that is there; 0 too. */
static uint64_t pick(struct random_numbers *r)
{
    uint64_t v = random_below(r, newest + 1);

    while (version[v].pruned) v = random_below(r, newest + 1);
    return v;
}

/* The nearest ancestor that is there. */
static uint64_t kept(uint64_t v)
{
    for (v = version[v].parent; version[v].pruned;) v = version[v].parent;
    return v;
}

/* ---- what is done ------------------------------------------------------------------------------------------------------------------------- */

static void commit(pcct_store *store, struct random_numbers *r, struct model_ref *branch)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    struct model_version *v = &version[newest + 1];
    uint64_t made = 0, from = branch->version;
    int restores = random_below(r, 4) == 0, changed = !restores || random_below(r, 2);
    char text[32];

    OK(pcct_batch_begin(&batch, store, branch->name, NULL, &err));
    if (restores) {
        from = pick(r);
        OK(pcct_batch_restore(batch, name_of(text, from), &err));
    }
    *v = version[from];
    v->pruned = 0;
    snprintf(text, sizeof text, "%d", (int)newest + 1);
    OK(pcct_batch_set(batch, "epoch", text, &err));
    v->parent = branch->version;
    v->state_parent = from;
    v->generation = version[v->parent].generation + 1;
    for (int64_t label = 0; label < LABELS && changed; label++) {
        int dies = v->serial[label] && random_below(r, 5) == 0, comes = random_below(r, 4) == 0;
        double point[DIM];

        if (dies) OK(pcct_batch_delete(batch, &label, 1, &err));
        if (dies) v->serial[label] = 0;
        if (v->serial[label] || !comes) continue;
        v->serial[label] = ++serials;
        point_of(point, serials);
        OK(pcct_batch_insert(batch, point, 1, &label, &err));
    }
    OK(pcct_batch_commit(&made, batch, restores ? "restored" : "changed", &err));
    pcct_batch_close(batch);
    CHECK(made == ++newest, "v%" PRIu64, made);
    branch->version = made;
    last_entry++;
}

static void change_ref(pcct_store *store, struct random_numbers *r, struct model_ref *it)
{
    struct pcct_ref_options options = PCCT_REF_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    uint64_t to = pick(r), before = 0;
    char text[32], expect[32];

    last_entry++;
    if (it->kind == 0) {
        it->kind = random_below(r, 2) ? PCCT_BRANCH : PCCT_TAG;
        it->version = to;
        if (it->kind == PCCT_BRANCH) OK(pcct_branch_create(store, it->name, name_of(text, to), NULL, &err));
        else OK(pcct_tag_create(store, it->name, name_of(text, to), NULL, &err));
        return;
    }
    options.expect = name_of(expect, it->version + 1);
    if (it->version < newest && !version[it->version + 1].pruned) {
        FAILS(PCCT_E_CONFLICT, it->kind == PCCT_TAG ? pcct_tag_delete(store, it->name, &options, &err)
                                                    : pcct_branch_reset(NULL, store, it->name, "v0", &options, &err));
    }
    options.expect = name_of(expect, it->version);
    if (it->kind == PCCT_BRANCH && (it == ref || random_below(r, 2))) {
        OK(pcct_branch_reset(&before, store, it->name, name_of(text, to), &options, &err));
        CHECK(before == it->version, "%s stood at v%" PRIu64, it->name, before);
        it->version = to;
        return;
    }
    if (it->kind == PCCT_TAG) OK(pcct_tag_delete(store, it->name, &options, &err));
    else OK(pcct_branch_delete(store, it->name, &options, &err));
    it->kind = 0;
}

/* By one or two rules. */
static void prune(pcct_store *store, struct random_numbers *r)
{
    struct pcct_prune_options options = PCCT_PRUNE_OPTIONS_INIT;
    struct pcct_prune_result told = { .size = sizeof told }, dry = { .size = sizeof dry };
    struct pcct_error err = { 0, "" };
    uint64_t gone = 0, left = 0;
    char keeps[VERSIONS + 1] = { 0 };

    if (random_below(r, 2)) options.keep_last = 1 + random_below(r, 8);
    if (random_below(r, 3) == 0) options.keep_every = 2 + random_below(r, 6);
    if (random_below(r, 3) == 0) options.key = "epoch", options.before = (double)random_below(r, newest + 2);
    if (!options.keep_last && !options.keep_every && !options.key) options.gc = 1;
    for (int i = 0; i < REFS; i++) {
        uint64_t v = ref[i].version;

        if (ref[i].kind == 0) continue;
        for (uint64_t n = 0; v != 0 && (n == 0 || (ref[i].kind == PCCT_BRANCH && n < options.keep_last)); n++) {
            keeps[v] = 1;
            v = kept(v);
        }
    }
    options.dry_run = 1;
    OK(pcct_prune(&dry, store, &options, &err));
    options.dry_run = 0;
    OK(pcct_prune(&told, store, &options, &err));
    for (uint64_t v = 1; v <= newest; v++) {
        int goes = !version[v].pruned && !keeps[v] && !options.gc && (!options.key || (double)v < options.before) &&
                   (!options.keep_every || version[v].generation % options.keep_every != 0);

        gone += (uint64_t)goes;
        version[v].pruned |= goes;
        left += (uint64_t)!version[v].pruned;
    }
    CHECK(told.pruned == gone && told.left == left, "%d of %d pruned, %d left", (int)told.pruned, (int)gone, (int)told.left);
    CHECK(memcmp(&told, &dry, sizeof told) == 0, "a dry run told of something else");
    if (told.pruned + told.freed_bytes > 0) last_entry++;
}

/* ---- what is then there ------------------------------------------------------------------------------------------------------------------- */

static void expect_version(pcct_store *store, uint64_t v)
{
    int64_t labels[LABELS];
    double points[LABELS * DIM], point[DIM];
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    char text[32];
    size_t n = 0;

    if (version[v].pruned) {
        FAILS(PCCT_E_NOT_FOUND, pcct_view_open(&view, store, name_of(text, v), &err));
        CHECK(strstr(err.message, "pruned"), "%s", err.message);
        return;
    }
    OK(pcct_view_open(&view, store, name_of(text, v), &err));
    OK(pcct_view_describe(&info, view));
    CHECK(info.n_live <= LABELS, "%s", text);
    OK(pcct_view_read(labels, points, view, &err));
    for (int64_t label = 0; label < LABELS; label++) {
        if (!version[v].serial[label]) continue;
        point_of(point, version[v].serial[label]);
        CHECK(n < info.n_live && labels[n] == label && memcmp(points + n * DIM, point, sizeof point) == 0, "%s: label %d", text, (int)label);
        n++;
    }
    CHECK(n == info.n_live, "%s has more points", text);
    pcct_view_close(view);
}

static int same_point(uint64_t x, uint64_t y)
{
    double a[DIM], b[DIM];

    point_of(a, x);
    point_of(b, y);
    return memcmp(a, b, sizeof a) == 0;
}

static void expect_diff(pcct_store *store, uint64_t from, uint64_t to)
{
    struct pcct_diff_options options = PCCT_DIFF_OPTIONS_INIT;
    struct pcct_diff_info info = { .size = sizeof info };
    struct pcct_diff_level level;
    struct pcct_error err = { 0, "" };
    pcct_diff *diff = NULL;
    char a[32], b[32];
    size_t added = 0, removed = 0, replaced = 0;
    int64_t balance = 0;

    options.stat = 1;
    OK(pcct_diff_open(&diff, store, name_of(a, from), name_of(b, to), &options, &err));
    OK(pcct_diff_describe(&info, diff));
    for (int64_t label = 0; label < LABELS; label++) {
        uint64_t x = version[from].serial[label], y = version[to].serial[label];

        if (!x && y) CHECK(added < info.added && pcct_diff_added(diff)[added++] == label, "%s..%s: %d added", a, b, (int)label);
        if (x && !y) CHECK(removed < info.removed && pcct_diff_removed(diff)[removed++] == label, "%s..%s: %d removed", a, b, (int)label);
        if (!x || !y || x == y || (info.by_states && same_point(x, y))) continue;
        CHECK(replaced < info.replaced && pcct_diff_replaced(diff)[replaced++] == label, "%s..%s: %d replaced", a, b, (int)label);
    }
    CHECK(added == info.added && removed == info.removed && replaced == info.replaced, "%s..%s tells of more", a, b);
    CHECK(info.from == from && info.to == to && info.common <= from && info.common <= to, "%s..%s", a, b);
    /* every point is on a level or a twin, so what came less what left is what the number of points grew by */
    if (info.by_states) balance = (int64_t)added - (int64_t)removed;
    for (size_t i = 0; pcct_diff_level(&level, diff, i) == 1; i++) balance += (int64_t)level.came - (int64_t)level.left;
    CHECK(balance == (int64_t)added - (int64_t)removed, "%s..%s: levels", a, b);
    pcct_diff_close(diff);
}

struct seen {
    size_t n;
    uint64_t last;
};

static int see_ref(void *ctx, const struct pcct_ref *found)
{
    struct seen *seen = ctx;

    for (int i = 0; i < REFS; i++) {
        if (strcmp(ref[i].name, found->name) == 0) CHECK(ref[i].kind == found->kind && ref[i].version == found->version, "%s", found->name);
    }
    seen->n++;
    return 0;
}

static int see_entry(void *ctx, const struct pcct_reflog_entry *entry)
{
    struct seen *seen = ctx;

    CHECK(entry->number < seen->last && (seen->n > 0 || entry->number == last_entry), "entry %" PRIu64, entry->number);
    CHECK(entry->operation != PCCT_REF_COMMITTED || !version[entry->after].pruned, "entry %" PRIu64, entry->number);
    seen->last = entry->number;
    seen->n++;
    return 0;
}

static void expect_log(pcct_store *store, uint64_t from, uint64_t to)
{
    struct pcct_version told;
    struct pcct_error err = { 0, "" };
    pcct_log *log = NULL;
    uint64_t a = from, b = to, common = 99;
    char range[80], x[32], y[32];

    while (a != b) {
        if (a > b) a = kept(a);
        else b = kept(b);
    }
    OK(pcct_common_ancestor(&common, store, name_of(x, from), name_of(y, to), &err));
    CHECK(common == a, "v%" PRIu64 " is common to %s and %s, not v%" PRIu64, common, x, y, a);
    snprintf(range, sizeof range, "%s..%s", x, y);
    OK(pcct_log_open(&log, store, range, &err));
    for (uint64_t v = to; v != common; v = kept(v)) {
        CHECK(pcct_log_next(&told, log, &err) == 1 && told.version == v, "%s at v%" PRIu64, range, v);
        CHECK(told.parent == kept(v) && told.state_parent == version[v].state_parent, "v%" PRIu64, v);
        CHECK(told.generation == version[v].generation, "v%" PRIu64, v);
    }
    CHECK(pcct_log_next(&told, log, &err) == 0, "%s goes on", range);
    pcct_log_close(log);
}

static void expect_all(pcct_store *store, struct random_numbers *r)
{
    struct seen refs = { 0, 0 }, entries = { 0, UINT64_MAX };
    struct pcct_error err = { 0, "" };
    struct pcct_version told;
    pcct_log *log = NULL;
    size_t there = 0;

    for (int i = 0; i < REFS; i++) there += ref[i].kind != 0;
    OK(pcct_refs_each(store, see_ref, &refs, &err));
    CHECK(refs.n == there, "%zu refs", refs.n);
    OK(pcct_reflog_each(store, NULL, see_entry, &entries, &err));
    OK(pcct_log_open_all(&log, store, &err));
    for (uint64_t v = newest; v > 0; v--) {
        if (version[v].pruned) continue;
        CHECK(pcct_log_next(&told, log, &err) == 1 && told.version == v, "v%" PRIu64, v);
    }
    CHECK(pcct_log_next(&told, log, &err) == 0, "more versions");
    pcct_log_close(log);
    for (int i = 0; i < 6; i++) {
        expect_version(store, random_below(r, newest + 1));
        expect_diff(store, pick(r), pick(r));
        expect_log(store, pick(r), pick(r));
    }
}

/* ---- the tests ---------------------------------------------------------------------------------------------------------------------------- */

static void run_model(int prunes)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_fsck_options fsck = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_fsck_result result = { .size = sizeof result };
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    const char *seed = getenv("PCCT_SEED");
    char *folder = folder_new(), *path = path_join(folder, "s.pcct"), *catalogue = path_join(path, "catalogue.mdb");
    struct random_numbers r = { seed ? strtoull(seed, NULL, 10) : 7 };
    pcct_store *store = NULL;

    memset(version, 0, sizeof version);
    memset(ref, 0, sizeof ref);
    newest = serials = last_entry = 0;
    create.dim = DIM;
    for (int i = 0; i < REFS; i++) snprintf(ref[i].name, sizeof ref[i].name, i == 0 ? "main" : "ref%d", i);
    ref[0].kind = PCCT_BRANCH;
    OK(pcct_store_create(path, &create, &err));
    OK(pcct_store_open(&store, path, NULL, &err));
    while (newest < VERSIONS) {
        struct model_ref *it = &ref[random_below(&r, REFS)];

        if (it->kind == PCCT_BRANCH && random_below(&r, 4) != 0) commit(store, &r, it);
        else change_ref(store, &r, it);
        if (prunes && random_below(&r, 12) == 0) prune(store, &r);
        if (random_below(&r, 8) == 0) expect_all(store, &r);
        if (random_below(&r, 40) != 0) continue;
        pcct_store_close(store);
        if (random_below(&r, 2)) {
            CHECK(remove(catalogue) == 0, "%s", catalogue);
            fsck.rebuild = 1;
        }
        OK(pcct_fsck(&result, path, &fsck, &err));
        CHECK(result.damaged == 0 && result.versions_readable == result.versions, "%d damaged", (int)result.damaged);
        fsck.rebuild = 0;
        OK(pcct_store_open(&store, path, NULL, &err));
        expect_all(store, &r);
    }
    for (uint64_t v = 0; v <= newest; v++) expect_version(store, v);
    for (uint64_t v = 1; v <= newest; v++) {
        if (!version[v].pruned && !version[v / 2].pruned) expect_diff(store, v, v / 2), expect_diff(store, v / 2, v);
    }
    OK(pcct_store_describe(&info, store, &err));
    CHECK(seed || info.anchors > 0, "no anchor was written");
    pcct_store_close(store);
    free(catalogue);
    free(path);
    folder_free(folder);
}

static void test_model(void **state) { (void)state; run_model(0); }
static void test_pruned(void **state) { (void)state; run_model(1); }

static pcct_store *open_saga(const char *path, uint64_t versions)
{
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    saga_create(path);
    OK(pcct_store_open(&store, path, NULL, &err));
    for (uint64_t v = 1; v <= versions; v++) OK(saga_commit(store, v, NULL, &err));
    return store;
}

static uint64_t restore(pcct_store *store, const char *revision, const uint8_t *write_id, int *status, struct pcct_error *commit_err)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t made = 0;

    options.write_id = write_id;
    OK(pcct_batch_begin(&batch, store, "main", &options, &err));
    OK(pcct_batch_restore(batch, "v0", &err));
    OK(pcct_batch_restore(batch, revision, &err));
    *status = pcct_batch_commit(&made, batch, "back", commit_err);
    pcct_batch_close(batch);
    return made;
}

static void identity_of(uint8_t identity[16], pcct_store *store, const char *revision)
{
    struct pcct_version told;
    struct pcct_error err = { 0, "" };
    pcct_log *log = NULL;

    OK(pcct_log_open(&log, store, revision, &err));
    CHECK(pcct_log_next(&told, log, &err) == 1, "%s", err.message);
    memcpy(identity, told.identity, 16);
    pcct_log_close(log);
}

/* A restored state is that state, at the cost of an empty commit; the same in another store has the same identity; what cannot be is refused. */
static void test_restore(void **state)
{
    static const uint8_t write_id[16] = { 7 };
    struct pcct_error err = { 0, "" };
    char *folder = folder_new(), *path[2] = { path_join(folder, "a"), path_join(folder, "b") };
    pcct_store *store[2];
    uint8_t identity[2][16];
    int64_t labels[SAGA_ADDED * SAGA_LIFE], right[SAGA_ADDED * SAGA_LIFE];
    struct pcct_view_info info = { .size = sizeof info };
    pcct_view *view = NULL;
    int status = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        store[i] = open_saga(path[i], 9);
        CHECK(restore(store[i], "main~5", i ? NULL : write_id, &status, &err) == 10 && status == 0, "%s", err.message);
        identity_of(identity[i], store[i], "main");
    }
    CHECK(memcmp(identity[0], identity[1], 16) == 0, "identities differ");
    CHECK(restore(store[0], "main~5", write_id, &status, &err) == 10 && status == 0, "a repeated write id made another version");
    (void)restore(store[0], "main~4", write_id, &status, &err);
    CHECK(status == PCCT_E_CONFLICT, "%s", err.message);
    (void)restore(store[0], "v99", NULL, &status, &err);
    CHECK(status == PCCT_E_NOT_FOUND, "%s", err.message);
    OK(pcct_view_open(&view, store[0], "main", &err));
    OK(pcct_view_describe(&info, view));
    CHECK(info.version == 10 && info.n_live == saga_labels(right, 4), "%d live", (int)info.n_live);
    OK(pcct_view_read(labels, NULL, view, &err));
    CHECK(memcmp(labels, right, info.n_live * sizeof *labels) == 0, "labels");
    pcct_view_close(view);
    for (int i = 0; i < 2; i++) {
        expect_sound(store[i], "main");
        CHECK(restore(store[i], "v0", NULL, &status, &err) == 11 && status == 0, "%s", err.message); /* the empty one */
        pcct_store_close(store[i]);
        free(path[i]);
    }
    folder_free(folder);
}

/* Versions are opened and compared, by a handle of their own, while others are committed and old ones taken away: what was told to be there can be
 * read, or is told to have been pruned. */
struct reading {
    const char *path;
    int stop;         /* written by the writer, read by the reader */
    uint64_t opened, pruned;
};

static void *read_on(void *ctx)
{
    struct reading *reading = ctx;
    struct pcct_diff_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    OK(pcct_store_open(&store, reading->path, NULL, &err));
    for (uint64_t i = 0; !__atomic_load_n(&reading->stop, __ATOMIC_RELAXED); i++) {
        pcct_view *view = NULL;
        pcct_diff *diff = NULL;
        uint64_t v = 0;
        char text[32];
        int status;

        OK(pcct_resolve(&v, store, i % 2 ? "main~1" : "main", &err));
        status = pcct_view_open(&view, store, name_of(text, v), &err);
        CHECK(status == 0 || (status == PCCT_E_NOT_FOUND && strstr(err.message, "pruned")), "%s: %s", text, err.message);
        reading->pruned += status != 0;
        if (status != 0) continue;
        saga_expect_view(view, v, i);
        pcct_view_close(view);
        reading->opened++;
        status = pcct_diff_open(&diff, store, text, "main", NULL, &err);
        CHECK(status == 0 || (status == PCCT_E_NOT_FOUND && strstr(err.message, "pruned")), "%s: %s", text, err.message);
        if (status != 0) continue;
        OK(pcct_diff_describe(&info, diff));
        CHECK(info.from == v && info.to >= v && info.added == info.removed, "%s", text);
        pcct_diff_close(diff);
    }
    pcct_store_close(store);
    return NULL;
}

static void test_readers(void **state)
{
    struct pcct_prune_options options = PCCT_PRUNE_OPTIONS_INIT;
    struct pcct_prune_result told = { .size = sizeof told };
    struct pcct_error err = { 0, "" };
    char *folder = folder_new(), *path = path_join(folder, "s");
    pcct_store *store = open_saga(path, 10);
    struct reading reading = { path, 0, 0, 0 };
    pthread_t thread;
    uint64_t removed = 0;

    (void)state;
    options.keep_last = 2;
    CHECK(pthread_create(&thread, NULL, read_on, &reading) == 0, "thread");
    for (uint64_t v = 11; v <= 700; v++) {
        OK(saga_commit(store, v, NULL, &err));
        if (v % 3) continue;
        OK(pcct_prune(&told, store, &options, &err));
        removed += told.removed;
    }
    __atomic_store_n(&reading.stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    CHECK(reading.opened > 0 && removed > 100, "%d opened, %d removed", (int)reading.opened, (int)removed);
    expect_sound(store, "main");
    pcct_store_close(store);
    free(path);
    folder_free(folder);
}

/* ---- lists -------------------------------------------------------------------------------------------------------------------------------- */

enum { PLANE = 2, LONG_WAY = 150 };

static void change(pcct_store *store, const int64_t *gone, size_t n_gone, const int64_t *come, size_t n_come)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;

    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    if (n_gone) OK(pcct_batch_delete(batch, gone, n_gone, &err));
    for (size_t i = 0; i < n_come; i++) {
        const double point[PLANE] = { (double)come[i], (double)(come[i] * come[i] % 17) };

        OK(pcct_batch_insert(batch, point, 1, &come[i], &err));
    }
    OK(pcct_batch_commit(NULL, batch, NULL, &err));
    pcct_batch_close(batch);
}

static void expect_list(const int64_t *list, uint64_t n, const int64_t *right, uint64_t n_right, const char *what)
{
    CHECK(n == n_right, "%s: %d labels instead of %d", what, (int)n, (int)n_right);
    for (uint64_t i = 0; i < n; i++) CHECK(list[i] == right[i], "%s: label %d", what, (int)i);
}

static void expect_lists(pcct_store *store, const char *from, const char *to, const int64_t *added, uint64_t n_added, const int64_t *removed,
                         uint64_t n_removed, const int64_t *replaced, uint64_t n_replaced)
{
    struct pcct_diff_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    pcct_diff *diff = NULL;

    OK(pcct_diff_open(&diff, store, from, to, NULL, &err));
    OK(pcct_diff_describe(&info, diff));
    expect_list(pcct_diff_added(diff), info.added, added, n_added, "added");
    expect_list(pcct_diff_removed(diff), info.removed, removed, n_removed, "removed");
    expect_list(pcct_diff_replaced(diff), info.replaced, replaced, n_replaced, "replaced");
    pcct_diff_close(diff);
}

/* Lists that lie apart in any order, that touch in one label, that overlap, that descend, and of labels far apart. */
static void test_lists(void **state)
{
    static const int64_t far = INT64_MAX - 5, near = INT64_MIN + 5;
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    char *folder = folder_new(), *path = path_join(folder, "s");
    pcct_store *store = NULL;

    (void)state;
    options.dim = PLANE;
    OK(pcct_store_create(path, &options, &err));
    OK(pcct_store_open(&store, path, NULL, &err));
    change(store, NULL, 0, (int64_t[]){ 20, 21, 22 }, 3);                          /* v1 */
    change(store, NULL, 0, (int64_t[]){ -9, -8 }, 2);                              /* v2 */
    change(store, NULL, 0, (int64_t[]){ 10, 11, 19 }, 3);                          /* v3 */
    change(store, (int64_t[]){ 22 }, 1, NULL, 0);                                  /* v4 */
    change(store, NULL, 0, (int64_t[]){ 22, 23 }, 2);                              /* v5 */
    change(store, NULL, 0, (int64_t[]){ 40, 30, 35 }, 3);                          /* v6 */
    change(store, (int64_t[]){ 11, 30, -8 }, 3, (int64_t[]){ far, 12, near }, 3);  /* v7 */
    expect_lists(store, "v0", "v3", (int64_t[]){ -9, -8, 10, 11, 19, 20, 21, 22 }, 8, NULL, 0, NULL, 0);
    expect_lists(store, "v3", "v0", NULL, 0, (int64_t[]){ -9, -8, 10, 11, 19, 20, 21, 22 }, 8, NULL, 0);
    expect_lists(store, "v2", "v4", (int64_t[]){ 10, 11, 19 }, 3, (int64_t[]){ 22 }, 1, NULL, 0);
    expect_lists(store, "v3", "v5", (int64_t[]){ 23 }, 1, NULL, 0, (int64_t[]){ 22 }, 1);
    expect_lists(store, "v5", "v3", NULL, 0, (int64_t[]){ 23 }, 1, (int64_t[]){ 22 }, 1);
    expect_lists(store, "v4", "v6", (int64_t[]){ 22, 23, 30, 35, 40 }, 5, NULL, 0, NULL, 0);
    expect_lists(store, "v5", "v7", (int64_t[]){ near, 12, 35, 40, far }, 5, (int64_t[]){ -8, 11 }, 2, NULL, 0);
    expect_lists(store, "v7", "v2", (int64_t[]){ -8 }, 1, (int64_t[]){ near, 10, 12, 19, 23, 35, 40, far }, 8, (int64_t[]){ 22 }, 1);
    expect_lists(store, "v4", "v4", NULL, 0, NULL, 0, NULL, 0);
    pcct_store_close(store);
    free(path);
    folder_free(folder);
}

static void expect_walk(pcct_log *log, uint64_t first, uint64_t last)
{
    struct pcct_version told;
    struct pcct_error err = { 0, "" };

    for (uint64_t v = first; v >= last; v--) {
        char text[32];

        CHECK(pcct_log_next(&told, log, &err) == 1 && told.version == v, "v%" PRIu64 " instead of v%" PRIu64, told.version, v);
        CHECK(told.n_keys == 1 && strcmp(told.keys[0].value, name_of(text, v)) == 0 && strcmp(told.message, text) == 0, "%s", text);
    }
    CHECK(pcct_log_next(&told, log, &err) == 0 && pcct_log_next(&told, log, &err) == 0, "the log goes on");
    pcct_log_close(log);
}

/* More versions than are read at once. */
static void test_long_log(void **state)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    char *folder = folder_new(), *path = path_join(folder, "s"), text[32];
    pcct_store *store = NULL;
    pcct_log *log = NULL;

    (void)state;
    options.dim = PLANE;
    OK(pcct_store_create(path, &options, &err));
    OK(pcct_store_open(&store, path, NULL, &err));
    for (uint64_t v = 1; v <= LONG_WAY; v++) {
        pcct_batch *batch = NULL;

        OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
        OK(pcct_batch_set(batch, "number", name_of(text, v), &err));
        OK(pcct_batch_commit(NULL, batch, text, &err));
        pcct_batch_close(batch);
    }
    OK(pcct_log_open(&log, store, NULL, &err));
    expect_walk(log, LONG_WAY, 1);
    OK(pcct_log_open_all(&log, store, &err));
    expect_walk(log, LONG_WAY, 1);
    OK(pcct_log_open(&log, store, "v22..v149", &err));
    expect_walk(log, 149, 23);
    OK(pcct_log_open(&log, store, "v64", &err));
    expect_walk(log, 64, 1);
    pcct_store_close(store);
    free(path);
    folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_model), cmocka_unit_test(test_pruned), cmocka_unit_test(test_restore),
                                        cmocka_unit_test(test_readers), cmocka_unit_test(test_lists), cmocka_unit_test(test_long_log) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
