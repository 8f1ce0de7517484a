/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_API_EXCHANGE_H
#define TESTS_API_EXCHANGE_H

/* A store with a history of its own kind in each step, and the comparison of two stores by what identities lead to. */
#include "common.h"

enum { STORY_DIM = 2, STORY_BATCH = 900 };

static inline void story_commit(pcct_store *store, const char *branch, const char *restore, size_t n, size_t gone, int kernel,
                                struct random_numbers *r)
{
    static double points[STORY_BATCH * STORY_DIM];
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    pcct_view *view = NULL;
    struct pcct_view_info info = { .size = sizeof info };
    int64_t *labels = NULL;
    uint64_t version = 0;
    char text[32];

    OK(pcct_batch_begin(&batch, store, branch, NULL, &err));
    if (restore) OK(pcct_batch_restore(batch, restore, &err));
    for (size_t i = 0; i < n * STORY_DIM; i++) points[i] = i % 5 ? random_unit(r) * 8 : floor(random_unit(r) * 8);
    OK(pcct_batch_insert(batch, points, n, NULL, &err));
    if (gone > 0) {
        OK(pcct_view_open(&view, store, restore ? restore : branch, &err));
        OK(pcct_view_describe(&info, view));
        labels = malloc((info.n_live + 1) * sizeof *labels);
        OK(pcct_view_read(labels, NULL, view, &err));
        for (size_t i = 0; i < gone && i < info.n_live; i++) OK(pcct_batch_delete(batch, &labels[i], 1, &err));
        pcct_view_close(view);
        free(labels);
    }
    if (kernel) {
        struct pcct_kernel k = PCCT_KERNEL_INIT;
        const double inducing[4] = { 1, 2, 3, random_unit(r) };

        k.name = "matern32";
        k.inducing = inducing;
        k.m = 2;
        OK(pcct_batch_set_kernel(batch, &k, &err));
    }
    snprintf(text, sizeof text, "%" PRIu64, random_below(r, 1000));
    OK(pcct_batch_set(batch, "epoch", text, &err));
    OK(pcct_batch_commit(&version, batch, random_below(r, 2) ? "a step" : "", &err));
    pcct_batch_close(batch);
}

/* Steps from `from` on: inserts, deletes, renumberings (most die), restores, kernels, on two branches, one of which is put elsewhere. */
static inline void story_run(pcct_store *store, int from, int to, uint64_t seed)
{
    struct random_numbers r = { seed * 1000 + (uint64_t)from };
    struct pcct_error err = { 0, "" };
    char name[32];

    for (int i = from; i < to; i++) {
        switch (i % 12) {
        case 3: OK(pcct_branch_create(store, i == 3 ? "side" : (snprintf(name, sizeof name, "side%d", i), name), "main", NULL, &err)); break;
        case 4: story_commit(store, "side", NULL, 100, 30, 0, &r); break;
        case 5: story_commit(store, "main", "main~1", 0, 0, 0, &r); break;      /* only restored */
        case 6: story_commit(store, "main", "side", 40, 0, 0, &r); break;       /* restored from another branch, and more */
        case 7: story_commit(store, "main", NULL, 20, 1 << 20, 1, &r); break;   /* all die */
        case 8: story_commit(store, "main", NULL, STORY_BATCH, 0, 0, &r); break;
        case 9: story_commit(store, "main", NULL, STORY_BATCH, 700, 0, &r); break;
        case 10:
            snprintf(name, sizeof name, "tag%d", i);
            OK(pcct_tag_create(store, name, "main", NULL, &err));
            break;
        case 11: story_commit(store, "side", NULL, 0, 5, 0, &r); break;
        default: story_commit(store, "main", NULL, STORY_BATCH, 300, 0, &r);
        }
    }
}

static inline pcct_store *store_at(const char *path, int threads)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    options.threads = threads;
    OK(pcct_store_open(&store, path, &options, &err));
    return store;
}

static inline void create_at(const char *path)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    options.dim = STORY_DIM;
    options.seed = 11;
    OK(pcct_store_create(path, &options, &err));
}

static inline void hex_of(char hex[33], const uint8_t identity[16])
{
    for (int i = 0; i < 16; i++) snprintf(hex + 2 * i, 3, "%02x", identity[i]);
}

/* The states that two revisions of two stores name are one to whoever asks. */
static inline void same_state(pcct_store *a, const char *revision_a, pcct_store *b, const char *revision_b)
{
    enum { K = 7 };
    struct pcct_view_info info_a = { .size = sizeof info_a }, info_b = { .size = sizeof info_b };
    const double query[2 * STORY_DIM] = { 1, 2, 3.3, 4.4 };
    struct pcct_error err = { 0, "" };
    pcct_view *view_a = NULL, *view_b = NULL;
    int64_t near[2][2 * K], *labels[2];
    double distance[2][2 * K], *points[2];

    OK(pcct_view_open(&view_a, a, revision_a, &err));
    OK(pcct_view_open(&view_b, b, revision_b, &err));
    OK(pcct_view_describe(&info_a, view_a));
    OK(pcct_view_describe(&info_b, view_b));
    CHECK(info_a.n_live == info_b.n_live && memcmp(info_a.identity, info_b.identity, 16) == 0, "%s, %s", revision_a, revision_b);
    for (int i = 0; i < 2; i++) {
        labels[i] = malloc((info_a.n_live + 1) * sizeof(int64_t));
        points[i] = malloc((info_a.n_live + 1) * sizeof(double) * STORY_DIM);
        OK(pcct_view_read(labels[i], points[i], i ? view_b : view_a, &err));
        OK(pcct_knn(near[i], distance[i], i ? view_b : view_a, query, 2, K, NULL, &err));
    }
    CHECK(memcmp(labels[0], labels[1], info_a.n_live * sizeof(int64_t)) == 0, "labels of %s", revision_a);
    CHECK(memcmp(points[0], points[1], info_a.n_live * sizeof(double) * STORY_DIM) == 0, "points of %s", revision_a);
    CHECK(memcmp(near[0], near[1], sizeof near[0]) == 0 && memcmp(distance[0], distance[1], sizeof distance[0]) == 0, "answers of %s", revision_a);
    for (int i = 0; i < 2; i++) {
        free(labels[i]);
        free(points[i]);
    }
    pcct_view_close(view_a);
    pcct_view_close(view_b);
}

struct finding {
    pcct_store *other;
    struct pcct_error err;
};

static inline int same_ref(void *ctx, const struct pcct_ref *ref)
{
    const struct finding *f = ctx;
    struct pcct_error err = { 0, "" };
    uint64_t version = 0;

    OK(pcct_resolve(&version, f->other, ref->name, &err));
    CHECK(version == ref->version, "%s at v%" PRIu64 ", not v%" PRIu64, ref->name, version, ref->version);
    return 0;
}

/* All versions of `from` are in `copy`, by identity, with message, keys and time; with `states` every `states`-th one's state is the same. */
static inline size_t same_versions(pcct_store *from, pcct_store *copy, size_t states)
{
    struct pcct_error err = { 0, "" };
    struct pcct_version version, found;
    pcct_log *log = NULL, *one = NULL;
    char hex[33], number[32];
    size_t n = 0;
    int more;

    OK(pcct_log_open_all(&log, from, &err));
    while ((more = pcct_log_next(&version, log, &err)) > 0) {
        hex_of(hex, version.identity);
        OK(pcct_log_open(&one, copy, hex, &err));
        CHECK(pcct_log_next(&found, one, &err) == 1, "%s", err.message);
        CHECK(found.time_ns == version.time_ns && strcmp(found.message, version.message) == 0 && found.n_keys == version.n_keys, "%s", hex);
        CHECK(found.inserted == version.inserted && found.deleted == version.deleted && found.n_live == version.n_live, "%s", hex);
        CHECK(found.generation == version.generation, "%s", hex);
        for (size_t i = 0; i < found.n_keys; i++) {
            CHECK(strcmp(found.keys[i].key, version.keys[i].key) == 0 && strcmp(found.keys[i].value, version.keys[i].value) == 0, "%s", hex);
        }
        pcct_log_close(one);
        snprintf(number, sizeof number, "v%" PRIu64, version.version);
        if (states > 0 && n % states == 0) same_state(from, number, copy, hex);
        n++;
    }
    CHECK(more == 0, "%s", err.message);
    pcct_log_close(log);
    return n;
}

static inline void expect_clean(const char *path, uint64_t versions)
{
    struct pcct_fsck_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };

    OK(pcct_fsck(&result, path, NULL, &err));
    CHECK(result.damaged == 0 && result.versions_readable == result.versions, "%" PRIu64 " damaged", result.damaged);
    CHECK(versions == 0 || result.versions == versions, "%" PRIu64 " versions, not %" PRIu64, result.versions, versions);
}

#endif
