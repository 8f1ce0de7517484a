/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anchors that share pieces, under a policy that takes versions away all the time, with another handle that follows: what is kept can be read, what
 * is not needed is given back, and nothing is wrong at any time.
 */
#include "common.h"

#include <dirent.h>

enum { DIM = 8, BASE = 5000, ADDED = 150, GONE = 110, COMMITS = 400, KEEP = 30, EVERY = 40, QUERIES = 4, K = 5, PIECES = 16 };
/* 16 MiB of ballast; 30 to 124 versions with frames of 20 KB in at most 4 MiB of segments; four anchors of 1.1 MiB at most, with what they share. */
static const uint64_t most_bytes = UINT64_C(32) << 20;

static void commit(pcct_store *store, struct random_numbers *r, uint64_t i)
{
    const size_t n = i == 0 ? BASE : ADDED;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    static double points[BASE * DIM];
    int64_t gone[GONE];

    for (size_t j = 0; j < n * DIM; j++) points[j] = random_unit(r);
    for (size_t j = 0; j < GONE; j++) gone[j] = (int64_t)((i - 1) * GONE + j);
    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    OK(pcct_batch_insert(batch, points, n, NULL, &err));
    if (i > 0) OK(pcct_batch_delete(batch, gone, GONE, &err));
    OK(pcct_batch_commit(NULL, batch, "", &err));
    pcct_batch_close(batch);
}

/* How many pieces there are. */
static unsigned count_pieces(const char *path)
{
    char *data = path_join(path, "data");
    DIR *folder = opendir(data);
    const struct dirent *entry;
    unsigned pieces = 0;

    CHECK(folder, "%s", data);
    while ((entry = readdir(folder))) pieces += entry->d_name[0] == 'P';
    closedir(folder);
    free(data);
    return pieces;
}

/* The same version by both handles: mapped from files by the one, followed by the other. */
static void compare(pcct_store *a, pcct_store *b, const char *revision, struct random_numbers *r)
{
    struct pcct_error err = { 0, "" };
    int64_t label[2][QUERIES * K];
    double distance[2][QUERIES * K], query[QUERIES * DIM];

    for (size_t i = 0; i < QUERIES * DIM; i++) query[i] = random_unit(r);
    for (int i = 0; i < 2; i++) {
        pcct_view *view = NULL;

        OK(pcct_view_open(&view, i == 0 ? a : b, revision, &err));
        OK(pcct_knn(label[i], distance[i], view, query, QUERIES, K, NULL, &err));
        pcct_view_close(view);
    }
    CHECK(memcmp(label[0], label[1], sizeof label[0]) == 0, "at %s", revision);
    CHECK(memcmp(distance[0], distance[1], sizeof distance[0]) == 0, "at %s", revision);
}

static void count_idle(void *ctx, int damaged, const char *text)
{
    (void)damaged;
    if (strstr(text, "not in use") && strstr(text, "/data/P")) ++*(unsigned *)ctx;
}

/* idle: pieces that no anchor names. */
static void check_whole(unsigned *idle, const char *path)
{
    struct pcct_fsck_result fsck = { .size = sizeof fsck };
    struct pcct_fsck_options options = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    *idle = 0;
    options.report = count_idle;
    options.report_ctx = idle;
    OK(pcct_fsck(&fsck, path, &options, &err));
    CHECK(fsck.damaged == 0 && fsck.versions_readable == fsck.versions, "%" PRIu64 " damaged", fsck.damaged);
}

/* The same when a pruning or an anchor that was under way is done: between the two, pieces are there that no anchor names any more, or yet. */
static void check_settled(unsigned *idle, const char *path)
{
    enum { TRIES = 200, NAP_MICROSECONDS = 50000 };

    for (int i = 0; i < TRIES; i++) {
        check_whole(idle, path);
        if (*idle <= 1) return;
        usleep(NAP_MICROSECONDS);
    }
}

static int verify_one(void *ctx, const struct pcct_usage *usage)
{
    struct pcct_verify_result verify = { .size = sizeof verify };
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    char name[32];

    if (usage->version % 7 != 0) return 0;
    snprintf(name, sizeof name, "v%" PRIu64, usage->version);
    OK(pcct_view_open(&view, ctx, name, &err));
    OK(pcct_verify(&verify, view, NULL, &err));
    CHECK(verify.differences == 0 && verify.violations == 0, "%s", verify.first);
    pcct_view_close(view);
    return 0;
}

static void test_policy(void **state)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_policy policy = PCCT_POLICY_INIT;
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    struct random_numbers r = { 3 };
    pcct_store *store = NULL, *other = NULL, *fresh = NULL;
    unsigned most_pieces = 0, idle = 0;
    char *folder = folder_new(), *path = path_join(folder, "s.pcct");

    (void)state;
    create.dim = DIM;
    open.durability = PCCT_DURABLE_NONE;
    policy.keep_last = KEEP;
    OK(pcct_store_create(path, &create, &err));
    OK(pcct_store_open(&store, path, &open, &err));
    OK(pcct_store_open(&other, path, &open, &err));
    OK(pcct_policy_set(store, &policy, &err));
    for (uint64_t i = 0; i < COMMITS; i++) {
        unsigned pieces;

        commit(store, &r, i);
        if (i % 8 == 3) compare(store, other, "main", &r);
        if (i % EVERY != EVERY - 1) continue;
        check_settled(&idle, path);
        CHECK(idle <= 1, "%u", idle); /* that of an anchor on the way */
        OK(pcct_store_open(&fresh, path, &open, &err));
        compare(other, fresh, "main~1", &r);
        compare(other, fresh, "main~25", &r);
        pcct_store_close(fresh);
        OK(pcct_store_describe(&info, store, &err));
        CHECK(info.disk_bytes <= most_bytes, "%" PRIu64 " bytes", info.disk_bytes);
        pieces = count_pieces(path);
        if (pieces > most_pieces) most_pieces = pieces;
        CHECK(pieces <= PIECES * info.anchors + 1, "%u pieces, %u anchors", pieces, info.anchors);
    }
    CHECK(most_pieces > 1, "%u", most_pieces);
    pcct_store_close(other);
    pcct_store_close(store);
    OK(pcct_store_open(&store, path, &open, &err));
    OK(pcct_usage_each(store, verify_one, store, &err));
    pcct_store_close(store);
    check_whole(&idle, path);
    CHECK(idle == 0, "%u", idle);
    printf("at most %u pieces\n", most_pieces);
    free(path);
    folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_policy) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
