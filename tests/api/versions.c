/* SPDX-License-Identifier: Apache-2.0 */
/* One history, whatever the number of threads and however a version is reached: equal identities, equal answers. */
#include "common.h"

enum { DIM = 2, STEPS = 14, K = 9, QUERIES = 80, ADDED = 1200 };

struct history {
    uint8_t identity[STEPS + 1][16];
};

static pcct_store *open_store(const char *path, int threads)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    options.threads = threads;
    OK(pcct_store_open(&store, path, &options, &err));
    return store;
}

/* Clusters, a lattice and twins; some points die, some move. */
static void commit_step(uint8_t identity[16], pcct_store *store, uint64_t step)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct random_numbers r = { step };
    struct pcct_error err = { 0, "" };
    struct pcct_version version;
    pcct_batch *batch = NULL;
    pcct_log *log = NULL;
    uint64_t made = 0;
    char message[40];

    options.on_duplicate = PCCT_DUPLICATE_REPLACE;
    OK(pcct_batch_begin(&batch, store, "main", &options, &err));
    for (int64_t i = 0; i < ADDED; i++) {
        double point[DIM] = { random_unit(&r) * 40, random_unit(&r) * 40 };
        int64_t label = (int64_t)step * ADDED * 2 / 3 + i;

        if (i % 2) point[0] = floor(point[0]), point[1] = floor(point[1]);
        if (label == (int64_t)step * 900) point[0] = 1e6;
        OK(pcct_batch_insert(batch, point, 1, &label, &err));
    }
    for (int64_t i = 0; step > 2 && i < 300; i++) {
        int64_t label = (int64_t)(step - 2) * ADDED * 2 / 3 + i * 2;

        OK(pcct_batch_delete(batch, &label, 1, &err));
    }
    OK(pcct_batch_set(batch, "step", "x", &err));
    snprintf(message, sizeof message, "step %" PRIu64, step);
    OK(pcct_batch_commit(&made, batch, message, &err));
    pcct_batch_close(batch);
    OK(pcct_log_open(&log, store, "main", &err));
    CHECK(pcct_log_next(&version, log, &err) == 1, "%s", err.message);
    CHECK(version.version == made && strcmp(version.message, message) == 0, "%s", version.message);
    memcpy(identity, version.identity, 16);
    pcct_log_close(log);
}

static void make(const char *path)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    options.dim = DIM;
    options.seed = 99;
    OK(pcct_store_create(path, &options, &err));
}

static void thread_counts_give_one_identity(void **test)
{
    static const int threads[] = { 1, 2, 4, 0 };
    char *folder = folder_new();
    struct history first, other;

    (void)test;
    for (size_t t = 0; t < 4; t++) {
        char name[20], *path;
        pcct_store *store;

        snprintf(name, sizeof name, "store%zu", t);
        path = path_join(folder, name);
        make(path);
        store = open_store(path, threads[t]);
        for (uint64_t step = 1; step <= STEPS; step++) commit_step(t ? other.identity[step] : first.identity[step], store, step);
        expect_sound(store, "main");
        pcct_store_close(store);
        for (int step = 1; step <= STEPS && t > 0; step++) {
            CHECK(memcmp(first.identity[step], other.identity[step], 16) == 0, "version %d with %d threads", step, threads[t]);
        }
        free(path);
    }
    for (int step = 2; step <= STEPS; step++) CHECK(memcmp(first.identity[step], first.identity[step - 1], 16) != 0, "step %d", step);
    folder_free(folder);
}

struct answers {
    int64_t labels[QUERIES * K];
    double distances[QUERIES * K];
};

/* Returns the anchor that the view stands on. */
static uint64_t ask(struct answers *answers, pcct_store *store, const char *revision, int threads)
{
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct random_numbers r = { 8 };
    struct pcct_error err = { 0, "" };
    double queries[QUERIES * DIM];
    pcct_view *view = NULL;

    for (int i = 0; i < QUERIES * DIM; i++) queries[i] = i < QUERIES ? floor(random_unit(&r) * 80) / 2 : random_unit(&r) * 40; /* many ties */
    options.threads = threads;
    OK(pcct_view_open(&view, store, revision, &err));
    OK(pcct_knn(answers->labels, answers->distances, view, queries, QUERIES, K, &options, &err));
    OK(pcct_view_describe(&info, view));
    pcct_view_close(view);
    return info.anchor;
}

static int remove_file(const char *path, const struct stat *what, int flag, struct FTW *where)
{
    (void)what;
    (void)where;
    return flag == FTW_F ? remove(path) : 0;
}

/* Every anchor is thrown away: they are copies of what the journal says. */
static void remove_anchors(const char *store)
{
    char *path = path_join(store, "data");

    CHECK(nftw(path, remove_file, 16, FTW_PHYS) == 0, "%s", path);
    free(path);
}

/*
 * The writer that stayed open (its layout grew by upkeep), a copy that is opened from its anchor, and a copy without anchors, where every frame is
 * applied from version 0: the same answers, and the same identity of the next commit.
 */
static void followed_reopened_rebuilt(void **test)
{
    char *folder = folder_new(), *path = path_join(folder, "store");
    struct history history;
    pcct_store *store = NULL;

    (void)test;
    make(path);
    store = open_store(path, 2);
    for (uint64_t step = 1; step <= STEPS; step++) {
        char *copy = path_join(folder, "copy"), *bare = path_join(folder, "bare");
        struct answers followed, reopened, rebuilt;
        uint8_t identity[16];
        pcct_store *other = NULL;
        uint64_t anchor = 0;

        if (step % 4 == 0) {
            copy_folder(path, copy);
            copy_folder(path, bare);
            remove_anchors(bare);
            ask(&followed, store, "main", 1);
            other = open_store(copy, 1);
            anchor = ask(&reopened, other, "main", 2);
            CHECK(anchor > 0 || step < 8, "no anchor at step %" PRIu64, step);
            commit_step(identity, other, step);
            pcct_store_close(other);
            other = open_store(bare, 2);
            anchor = ask(&rebuilt, other, "main", 4);
            CHECK(anchor == 0, "anchor %" PRIu64, anchor);
            commit_step(history.identity[0], other, step);
            pcct_store_close(other);
            CHECK(memcmp(&followed, &reopened, sizeof followed) == 0, "step %" PRIu64, step);
            CHECK(memcmp(&followed, &rebuilt, sizeof followed) == 0, "step %" PRIu64, step);
        }
        commit_step(history.identity[step], store, step);
        if (step % 4 == 0) {
            CHECK(memcmp(identity, history.identity[step], 16) == 0, "reopened at %" PRIu64, step);
            CHECK(memcmp(history.identity[0], history.identity[step], 16) == 0, "rebuilt at %" PRIu64, step);
            folder_free(copy);
            folder_free(bare);
        } else {
            free(copy);
            free(bare);
        }
    }
    expect_sound(store, "main");
    pcct_store_close(store);
    free(path);
    folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(thread_counts_give_one_identity), cmocka_unit_test(followed_reopened_rebuilt) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
