/* SPDX-License-Identifier: Apache-2.0 */
/* Commits, restores, resets, branches and tags at random against a plain model that keeps every version whole; then the same after the catalogue was
 * made anew from the journal. PCCT_SEED=n runs another history. */
#include "common.h"

enum { VERSIONS = 160, LABELS = 48, REFS = 8, DIM = 2 };

struct model_version {
    uint64_t parent, state_parent, generation;
    uint64_t serial[LABELS]; /* of the insertion that the live point came by; 0: not live */
};
struct model_ref {
    char name[16];
    int kind; /* 0: not there */
    uint64_t version;
};

static struct model_version version[VERSIONS + 1];
static struct model_ref ref[REFS]; /* [0] is main */
static uint64_t newest, serials, changes;

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
        from = random_below(r, newest + 1);
        OK(pcct_batch_restore(batch, name_of(text, from), &err));
    }
    *v = version[from];
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
    changes++;
}

static void change_ref(pcct_store *store, struct random_numbers *r, struct model_ref *it)
{
    struct pcct_ref_options options = PCCT_REF_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    uint64_t to = random_below(r, newest + 1), before = 0;
    char text[32], expect[32];

    changes++;
    if (it->kind == 0) {
        it->kind = random_below(r, 2) ? PCCT_BRANCH : PCCT_TAG;
        it->version = to;
        if (it->kind == PCCT_BRANCH) OK(pcct_branch_create(store, it->name, name_of(text, to), NULL, &err));
        else OK(pcct_tag_create(store, it->name, name_of(text, to), NULL, &err));
        return;
    }
    options.expect = name_of(expect, it->version + 1);
    if (it->version < newest) FAILS(PCCT_E_CONFLICT, it->kind == PCCT_TAG ? pcct_tag_delete(store, it->name, &options, &err)
                                                                          : pcct_branch_reset(NULL, store, it->name, "v0", &options, &err));
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
        if (!x || !y || x == y) continue;
        CHECK(replaced < info.replaced && pcct_diff_replaced(diff)[replaced++] == label, "%s..%s: %d replaced", a, b, (int)label);
    }
    CHECK(added == info.added && removed == info.removed && replaced == info.replaced, "%s..%s tells of more", a, b);
    CHECK(info.from == from && info.to == to && info.common <= from && info.common <= to, "%s..%s", a, b);
    /* every point is on a level or a twin, so what came less what left is what the number of points grew by */
    for (size_t i = 0; pcct_diff_level(&level, diff, i) == 1; i++) balance += (int64_t)level.came - (int64_t)level.left;
    CHECK(balance == (int64_t)added - (int64_t)removed, "%s..%s: levels", a, b);
    pcct_diff_close(diff);
}

struct seen {
    size_t n;
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

    CHECK(entry->number == changes - seen->n, "entry %" PRIu64, entry->number);
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
        if (a > b) a = version[a].parent;
        else b = version[b].parent;
    }
    OK(pcct_common_ancestor(&common, store, name_of(x, from), name_of(y, to), &err));
    CHECK(common == a, "v%" PRIu64 " is common to %s and %s, not v%" PRIu64, common, x, y, a);
    snprintf(range, sizeof range, "%s..%s", x, y);
    OK(pcct_log_open(&log, store, range, &err));
    for (uint64_t v = to; v != common; v = version[v].parent) {
        CHECK(pcct_log_next(&told, log, &err) == 1 && told.version == v, "%s at v%" PRIu64, range, v);
        CHECK(told.parent == version[v].parent && told.state_parent == version[v].state_parent, "v%" PRIu64, v);
        CHECK(told.generation == version[v].generation, "v%" PRIu64, v);
    }
    CHECK(pcct_log_next(&told, log, &err) == 0, "%s goes on", range);
    pcct_log_close(log);
}

static void expect_all(pcct_store *store, struct random_numbers *r)
{
    struct seen refs = { 0 }, entries = { 0 };
    struct pcct_error err = { 0, "" };
    struct pcct_version told;
    pcct_log *log = NULL;
    size_t there = 0;

    for (int i = 0; i < REFS; i++) there += ref[i].kind != 0;
    OK(pcct_refs_each(store, see_ref, &refs, &err));
    CHECK(refs.n == there, "%zu refs", refs.n);
    OK(pcct_reflog_each(store, NULL, see_entry, &entries, &err));
    CHECK(entries.n == changes, "%zu entries of %" PRIu64, entries.n, changes);
    OK(pcct_log_open_all(&log, store, &err));
    for (uint64_t v = newest; v > 0; v--) CHECK(pcct_log_next(&told, log, &err) == 1 && told.version == v, "v%" PRIu64, v);
    pcct_log_close(log);
    for (int i = 0; i < 6; i++) {
        expect_version(store, random_below(r, newest + 1));
        expect_diff(store, random_below(r, newest + 1), random_below(r, newest + 1));
        expect_log(store, random_below(r, newest + 1), random_below(r, newest + 1));
    }
}

/* ---- the tests ---------------------------------------------------------------------------------------------------------------------------- */

static void test_model(void **state)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_fsck_options fsck = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_fsck_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    const char *seed = getenv("PCCT_SEED");
    char *folder = folder_new(), *path = path_join(folder, "s.pcct"), *catalogue = path_join(path, "catalogue.mdb");
    struct random_numbers r = { seed ? strtoull(seed, NULL, 10) : 7 };
    pcct_store *store = NULL;

    (void)state;
    create.dim = DIM;
    for (int i = 0; i < REFS; i++) snprintf(ref[i].name, sizeof ref[i].name, i == 0 ? "main" : "ref%d", i);
    ref[0].kind = PCCT_BRANCH;
    OK(pcct_store_create(path, &create, &err));
    OK(pcct_store_open(&store, path, NULL, &err));
    while (newest < VERSIONS) {
        struct model_ref *it = &ref[random_below(&r, REFS)];

        if (it->kind == PCCT_BRANCH && random_below(&r, 4) != 0) commit(store, &r, it);
        else change_ref(store, &r, it);
        if (random_below(&r, 8) == 0) expect_all(store, &r);
        if (random_below(&r, 40) != 0) continue;
        pcct_store_close(store);
        if (random_below(&r, 2)) {
            CHECK(remove(catalogue) == 0, "%s", catalogue);
            fsck.rebuild = 1;
        }
        OK(pcct_fsck(&result, path, &fsck, &err));
        CHECK(result.damaged == 0 && result.versions_readable == newest, "%d damaged", (int)result.damaged);
        fsck.rebuild = 0;
        OK(pcct_store_open(&store, path, NULL, &err));
        expect_all(store, &r);
    }
    for (uint64_t v = 0; v <= newest; v++) expect_version(store, v);
    for (uint64_t v = 1; v <= newest; v++) expect_diff(store, v, v / 2), expect_diff(store, v / 3, v);
    pcct_store_close(store);
    free(catalogue);
    free(path);
    folder_free(folder);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_model), cmocka_unit_test(test_restore) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
