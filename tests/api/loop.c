/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop of small commits under a policy stays within a stated size, whatever is done about it: nothing. loop [COMMITS [full|wal|none]]; without, a
 * part of the whole that the target `loop` runs. The size is looked at between commits, so a pruning may be under way.
 */
#include "common.h"

#include <time.h>

enum { LIVE = 2000, TURNOVER = 8, KEEP = 1000, LEAST_COMMITS = 5000, EVERY = 250 };
/* What is stated: 16 MiB of ballast; 1564 versions with frames of 2 to 3 KiB, and anchors of 200 KiB each time that a quarter of that was written;
 * room in the segments and the catalogue. */
static const uint64_t most_bytes = UINT64_C(40) << 20;

static uint64_t commits = LEAST_COMMITS;
static int durability = PCCT_DURABLE_NONE;

static uint64_t ask_size(pcct_store *store)
{
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };

    OK(pcct_store_describe(&info, store, &err));
    return info.disk_bytes;
}

static int count(void *ctx, const struct pcct_usage *usage)
{
    (void)usage;
    ++*(uint64_t *)ctx;
    return 0;
}

/* The i-th commit: TURNOVER points come, as many go, the oldest. */
static void commit(pcct_store *store, struct random_numbers *r, uint64_t i)
{
    const size_t n = i == 0 ? LIVE : TURNOVER;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    double points[2 * LIVE];
    int64_t gone[TURNOVER];

    for (size_t j = 0; j < 2 * n; j++) points[j] = random_unit(r);
    for (size_t j = 0; j < TURNOVER; j++) gone[j] = (int64_t)((i - 1) * TURNOVER + j);
    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    OK(pcct_batch_insert(batch, points, n, NULL, &err));
    if (i > 0) OK(pcct_batch_delete(batch, gone, TURNOVER, &err));
    OK(pcct_batch_commit(NULL, batch, "", &err));
    pcct_batch_close(batch);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* What is left opens, and answers. */
static void look(const char *path)
{
    struct pcct_fsck_result fsck = { .size = sizeof fsck };
    struct pcct_error err = { 0, "" };
    struct pcct_verify_result verify = { .size = sizeof verify };
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    char name[32];

    OK(pcct_fsck(&fsck, path, NULL, &err));
    CHECK(fsck.damaged == 0 && fsck.versions_readable == fsck.versions, "%" PRIu64 " damaged", fsck.damaged);
    OK(pcct_store_open(&store, path, NULL, &err));
    for (uint64_t version = commits - KEEP + 1; version <= commits; version += KEEP - 1) {
        snprintf(name, sizeof name, "v%" PRIu64, version);
        OK(pcct_view_open(&view, store, name, &err));
        OK(pcct_verify(&verify, view, NULL, &err));
        CHECK(verify.differences == 0 && verify.violations == 0, "%s", verify.first);
        pcct_view_close(view);
    }
    pcct_store_close(store);
}

static void test_loop(void **state)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_policy policy = PCCT_POLICY_INIT;
    struct pcct_error err = { 0, "" };
    struct random_numbers r = { 1 };
    pcct_store *store = NULL;
    uint64_t most = 0, versions = 0, size = 0;
    char *folder = folder_new(), *path = path_join(folder, "s.pcct");
    double began = seconds();

    (void)state;
    create.dim = 2;
    open.durability = durability;
    policy.keep_last = KEEP;
    OK(pcct_store_create(path, &create, &err));
    OK(pcct_store_open(&store, path, &open, &err));
    OK(pcct_policy_set(store, &policy, &err));
    for (uint64_t i = 0; i < commits; i++) {
        commit(store, &r, i);
        if (i % EVERY != 0) continue;
        size = ask_size(store);
        if (size > most) most = size;
    }
    OK(pcct_usage_each(store, count, &versions, &err));
    pcct_store_close(store);
    printf("%" PRIu64 " commits, the last %d kept: %.1f s, at most %.1f MiB on disk, %.1f at the end, %" PRIu64 " versions\n", commits, (int)KEEP,
           seconds() - began, (double)most / 0x1p20, (double)size / 0x1p20, versions);
    CHECK(most <= most_bytes, "%" PRIu64 " bytes", most);
    CHECK(versions >= KEEP && versions <= KEEP * 3 / 2 + 64 + KEEP / 4, "%" PRIu64 " versions", versions);
    look(path);
    free(path);
    folder_free(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_loop) };

    if (argc > 1) commits = strtoull(argv[1], NULL, 10);
    if (argc > 2) durability = strcmp(argv[2], "full") == 0 ? PCCT_DURABLE_FULL : strcmp(argv[2], "wal") == 0 ? PCCT_DURABLE_WAL : PCCT_DURABLE_NONE;
    if (commits < LEAST_COMMITS) return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
