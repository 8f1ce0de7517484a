/* SPDX-License-Identifier: Apache-2.0 */
/* A replica that is fed by bundles is the store that they were made from, to all who ask. */
#include "exchange.h"

#include <signal.h>
#include <time.h>

static char *folder, *source, *replica, *file;

static int set_up(void **state)
{
    (void)state;
    folder = folder_new();
    source = path_join(folder, "source.pcct");
    replica = path_join(folder, "replica.pcct");
    file = path_join(folder, "a.bundle");
    create_at(source);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(source);
    free(replica);
    free(file);
    folder_free(folder);
    return 0;
}

static struct pcct_bundle_info bundle(pcct_store *store, const char *from, const char *to)
{
    struct pcct_bundle_options options = PCCT_BUNDLE_OPTIONS_INIT;
    struct pcct_bundle_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };

    options.from = from;
    options.to = to;
    OK(pcct_bundle(&info, store, file, &options, &err));
    return info;
}

static struct pcct_apply_result apply(pcct_store *store, int move)
{
    struct pcct_apply_options options = PCCT_APPLY_OPTIONS_INIT;
    struct pcct_apply_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };

    options.move = move;
    OK(pcct_apply(&result, store, file, &options, &err));
    return result;
}

static void same_refs(pcct_store *a, pcct_store *b)
{
    struct finding finding = { .other = b };
    struct pcct_error err = { 0, "" };

    OK(pcct_refs_each(a, same_ref, &finding, &err));
}

static void replays(pcct_store *store, const char *from, uint64_t versions)
{
    struct pcct_replay_options options = PCCT_REPLAY_OPTIONS_INIT;
    struct pcct_replay_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };

    options.from = from;
    OK(pcct_replay(&result, store, &options, &err));
    CHECK(result.differs == 0 && result.versions == versions, "v%" PRIu64 " differs: %s; %" PRIu64, result.differs, result.first, result.versions);
}

/* All at once, and what it is made of. */
static void whole(void **state)
{
    struct pcct_apply_result result;
    struct pcct_bundle_info info;
    pcct_store *a, *b;
    size_t n;

    (void)state;
    a = store_at(source, 0);
    story_run(a, 0, 24, 1);
    info = bundle(a, NULL, NULL);
    create_at(replica);
    b = store_at(replica, 1);
    result = apply(b, 0);
    n = same_versions(a, b, 1);
    CHECK(n == info.versions && n == result.applied && result.skipped == 0, "%zu versions", n);
    same_refs(a, b);
    result = apply(b, 0);
    CHECK(result.applied == 0 && result.skipped == n && result.refs == 0, "%" PRIu64 " applied again", result.applied);
    expect_sound(b, "main");
    expect_sound(b, "side");
    replays(a, NULL, n);
    replays(b, NULL, n);
    replays(b, "v7", n - 7);
    pcct_store_close(a);
    pcct_store_close(b);
    expect_clean(replica, n);
}

/* By and by, while views are open, with other numbers of threads; then the replica goes on by itself, also from its journal alone. */
static void by_and_by(void **state)
{
    struct pcct_fsck_options rebuild = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_fsck_result found = { .size = sizeof found };
    struct pcct_error err = { 0, "" };
    struct pcct_apply_result result;
    pcct_view *view = NULL;
    pcct_store *a, *b;
    char hex[33], last[33] = "v0";
    struct pcct_view_info info = { .size = sizeof info };
    struct random_numbers r = { 3 };
    size_t n;

    (void)state;
    create_at(replica);
    a = store_at(source, 2);
    b = store_at(replica, 3);
    for (int i = 0; i < 24; i += 4) {
        story_run(a, i, i + 4, 2);
        (void)bundle(a, last, NULL);
        result = apply(b, 0);
        CHECK(result.applied > 0, "nothing in step %d", i);
        pcct_view_close(view);
        OK(pcct_view_open(&view, b, "main", &err));
        OK(pcct_view_describe(&info, view));
        hex_of(hex, info.identity);
        memcpy(last, hex, sizeof last);
        same_state(a, "main", b, "main");
    }
    pcct_view_close(view);
    n = same_versions(a, b, 3);
    pcct_store_close(b);
    expect_clean(replica, n);
    rebuild.rebuild = 1;
    OK(pcct_fsck(&found, replica, &rebuild, &err));
    b = store_at(replica, 0);
    CHECK(same_versions(a, b, 5) == n, "not all");
    same_refs(a, b);
    story_commit(b, "main", NULL, 50, 3, 0, &r);
    r.state = 3;
    story_commit(a, "main", NULL, 50, 3, 0, &r);
    same_state(a, "main", b, "main"); /* the same batch on the same version: the same identity */
    pcct_store_close(a);
    pcct_store_close(b);
}

/* Branches go forward; where they have gone elsewhere it takes a word. Numbers of versions may differ. */
static void branches_that_moved(void **state)
{
    struct pcct_apply_options options = PCCT_APPLY_OPTIONS_INIT;
    struct pcct_apply_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    struct random_numbers r = { 5 }, other = { 6 };
    uint64_t version = 0, before = 0;
    pcct_store *a, *b;

    (void)state;
    create_at(replica);
    a = store_at(source, 0);
    b = store_at(replica, 0);
    story_commit(a, "main", NULL, 30, 0, 0, &r);
    story_commit(a, "main", NULL, 30, 0, 0, &r);
    (void)bundle(a, NULL, NULL);
    (void)apply(b, 0);
    story_commit(b, "main", NULL, 10, 0, 0, &other); /* ahead: stays */
    result = apply(b, 0);
    CHECK(result.refs == 0 && head_of(b) == 3, "main was moved back");
    story_commit(a, "main", NULL, 30, 0, 0, &r);
    story_commit(a, "main", NULL, 30, 0, 0, &r);
    OK(pcct_branch_create(a, "new", "main~1", NULL, &err));
    OK(pcct_tag_create(a, "v-a", "main~1", NULL, &err));
    (void)bundle(a, "v2", NULL);
    FAILS(PCCT_E_CONFLICT, pcct_apply(&result, b, file, NULL, &err));
    CHECK(strstr(err.message, "main stands at v3") && result.applied == 2, "%s", err.message);
    CHECK(head_of(b) == 3, "main was moved");
    options.move = 1;
    OK(pcct_apply(&result, b, file, &options, &err));
    CHECK(result.applied == 0 && result.skipped == 2 && result.refs == 3 && head_of(b) == 5, "main at v%" PRIu64, head_of(b));
    same_state(a, "main", b, "main");
    same_state(a, "v-a", b, "v-a");
    same_state(a, "new", b, "new");
    OK(pcct_resolve(&version, b, "v3", &err)); /* what only main led to is still there */
    /* back, where the source went back */
    OK(pcct_branch_reset(&before, a, "main", "v1", NULL, &err));
    story_commit(a, "main", NULL, 9, 0, 0, &r);
    (void)bundle(a, "new", "main");
    FAILS(PCCT_E_CONFLICT, pcct_apply(&result, b, file, NULL, &err));
    OK(pcct_apply(&result, b, file, &options, &err));
    same_state(a, "main", b, "main");
    /* tags do not move, and a branch is no tag */
    OK(pcct_tag_delete(b, "v-a", NULL, &err));
    OK(pcct_tag_create(b, "v-a", "v1", NULL, &err));
    (void)bundle(a, NULL, NULL);
    FAILS(PCCT_E_CONFLICT, pcct_apply(&result, b, file, &options, &err));
    CHECK(strstr(err.message, "\"v-a\"") != NULL, "%s", err.message);
    pcct_store_close(a);
    pcct_store_close(b);
}

/* Write ids go with their versions: a commit that is repeated at the replica gives the version that it made. */
static void write_ids(void **state)
{
    const uint8_t id[16] = { 4, 2 };
    const double point[STORY_DIM] = { 1, 2 };
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    pcct_store *store[2];
    uint64_t version = 0;

    (void)state;
    create_at(replica);
    store[0] = store_at(source, 0);
    store[1] = store_at(replica, 0);
    options.write_id = id;
    for (int i = 0; i < 2; i++) {
        OK(pcct_batch_begin(&batch, store[i], NULL, &options, &err));
        OK(pcct_batch_insert(batch, point, 1, NULL, &err));
        OK(pcct_batch_commit(&version, batch, "once", &err));
        pcct_batch_close(batch);
        CHECK(version == 1 && head_of(store[i]) == 1, "v%" PRIu64, version);
        if (i > 0) break;
        (void)bundle(store[0], NULL, NULL);
        (void)apply(store[1], 0);
    }
    pcct_store_close(store[0]);
    pcct_store_close(store[1]);
}

static int stop(void *ctx, double done)
{
    int *left = ctx;

    CHECK(done >= 0 && done <= 1, "%g", done);
    return (*left)-- == 0;
}

/* What is refused, in words; an interrupted one is repeated. */
static void refusals(void **state)
{
    struct pcct_bundle_options options = PCCT_BUNDLE_OPTIONS_INIT;
    struct pcct_apply_options applying = PCCT_APPLY_OPTIONS_INIT;
    struct pcct_apply_result result = { .size = sizeof result };
    struct pcct_bundle_info info = { .size = sizeof info };
    struct pcct_create_options other = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_prune_options pruning = PCCT_PRUNE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *a, *b;
    char *third = path_join(folder, "third.pcct");
    int left = 40, stops = 0;

    (void)state;
    create_at(replica);
    a = store_at(source, 0);
    b = store_at(replica, 0);
    story_run(a, 0, 12, 4);
    FAILS(PCCT_E_INVALID, pcct_bundle(NULL, a, NULL, NULL, &err));
    FAILS(PCCT_E_INVALID, pcct_apply(NULL, b, NULL, NULL, &err));
    FAILS(PCCT_E_NOT_FOUND, pcct_apply(NULL, b, file, NULL, &err));
    FAILS(PCCT_E_NOT_FOUND, pcct_bundle_describe(&info, file, &err));
    FAILS(PCCT_E_INVALID, pcct_bundle_describe(NULL, file, &err));
    options.from = "v77";
    FAILS(PCCT_E_NOT_FOUND, pcct_bundle(NULL, a, file, &options, &err));
    options.from = "main~1";
    OK(pcct_bundle(NULL, a, file, &options, &err));
    FAILS(PCCT_E_NOT_FOUND, pcct_apply(&result, b, file, NULL, &err));
    CHECK(strstr(err.message, "bundles before it") && result.applied == 0, "%s", err.message);
    options.from = NULL;
    options.progress = stop;
    options.progress_ctx = &left;
    left = 3;
    FAILS(PCCT_E_CANCELLED, pcct_bundle(NULL, a, file, &options, &err));
    options.progress = NULL;
    OK(pcct_bundle(&info, a, file, &options, &err));
    applying.progress = stop;
    applying.progress_ctx = &left;
    for (left = 4; pcct_apply(&result, b, file, &applying, &err) != 0; left = 4 + 12 * ++stops) {
        CHECK(err.code == PCCT_E_CANCELLED, "%s", err.message);
    }
    CHECK(stops > 3, "%d stops", stops);
    CHECK(same_versions(a, b, 1) == info.versions, "not all");
    for (int i = 0; i < 3; i++) {
        other.dim = i == 0 ? 3 : 2;
        other.metric = i == 1 ? "manhattan" : NULL;
        other.seed = i == 2 ? 12 : 11;
        OK(pcct_store_create(third, &other, &err));
        pcct_store_close(b);
        b = store_at(third, 0);
        FAILS(PCCT_E_INVALID, pcct_apply(NULL, b, file, NULL, &err));
        CHECK(nftw(third, common_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "rm");
    }
    pruning.keep_last = 2;
    OK(pcct_prune(NULL, a, &pruning, &err));
    FAILS(PCCT_E_NOT_FOUND, pcct_bundle(NULL, a, file, NULL, &err));
    CHECK(strstr(err.message, "was pruned") != NULL, "%s", err.message);
    pcct_store_close(a);
    pcct_store_close(b);
    free(third);
}

static double gap(void *ctx, const double *a, const double *b)
{
    (void)ctx;
    return fabs(a[0] - b[0]);
}

/* A custom metric: versions are carried without the function, and executed with it only. */
static void custom(void **state)
{
    struct pcct_metric metric = PCCT_METRIC_INIT;
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_bundle_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    struct random_numbers r = { 9 };
    pcct_store *store[2];

    (void)state;
    CHECK(nftw(source, common_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "%s", source);
    metric.name = "gap";
    metric.distance = gap;
    create.dim = STORY_DIM;
    create.custom = &metric;
    create.seed = 11;
    open.custom = &metric;
    for (int i = 0; i < 2; i++) OK(pcct_store_create(i ? replica : source, &create, &err));
    OK(pcct_store_open(&store[0], source, &open, &err));
    for (size_t i = 0; i < 3; i++) story_commit(store[0], "main", NULL, 80, i * 20, 0, &r);
    info = bundle(store[0], NULL, NULL);
    CHECK(info.custom == 1 && strcmp(info.metric, "gap") == 0, "%s", info.metric);
    store[1] = store_at(replica, 0);
    CHECK(apply(store[1], 0).applied == 3, "not all");
    FAILS(PCCT_E_INVALID, pcct_replay(NULL, store[1], NULL, &err));
    CHECK(strstr(err.message, "gap") != NULL, "%s", err.message);
    pcct_store_close(store[1]);
    OK(pcct_store_open(&store[1], replica, &open, &err));
    replays(store[1], NULL, 3);
    same_state(store[0], "main", store[1], "main");
    pcct_store_close(store[0]);
    pcct_store_close(store[1]);
}

/* Another process commits and prunes; a replica is kept up by what came since the last bundle, or begins anew where that was pruned. */
static int writer(void *ctx)
{
    const struct timespec pause = { 0, 5000000 }; /* so that a follower can keep up at all */
    struct pcct_prune_options options = PCCT_PRUNE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = store_at(source, 1);

    (void)ctx;
    options.keep_last = 12;
    for (uint64_t v = 1;; v++) {
        OK(saga_commit(store, v, NULL, &err));
        if (v % 5 == 0) OK(pcct_prune(NULL, store, &options, &err));
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int follow(void *ctx)
{
    const struct timespec pause = { 0, 20000000 };
    struct pcct_bundle_options options = PCCT_BUNDLE_OPTIONS_INIT;
    struct pcct_backup_options begin = PCCT_BACKUP_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *a = store_at(source, 1), *b = NULL;
    int kept_up = 0;

    (void)ctx;
    options.to = begin.revision = "main";
    while (head_of(a) < 3) nanosleep(&pause, NULL);
    for (int i = 0; i < 15 || (kept_up < 4 && i < 500); i++) {
        struct pcct_view_info info = { .size = sizeof info };
        pcct_view *view = NULL;
        char hex[33];
        int status;

        if (!b) {
            OK(pcct_backup(NULL, a, replica, &begin, &err));
            b = store_at(replica, 1);
        }
        OK(pcct_view_open(&view, b, "main", &err));
        OK(pcct_view_describe(&info, view));
        saga_expect_view(view, info.version, info.version);
        pcct_view_close(view);
        hex_of(hex, info.identity);
        options.from = hex;
        nanosleep(&pause, NULL);
        status = pcct_bundle(NULL, a, file, &options, &err);
        if (status == PCCT_E_NOT_FOUND) { /* what it stood at was pruned */
            pcct_store_close(b);
            b = NULL;
            CHECK(nftw(replica, common_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "%s", replica);
            continue;
        }
        CHECK(status == 0, "%s", err.message);
        (void)apply(b, 0);
        kept_up++;
    }
    CHECK(kept_up > 3, "kept up %d times", kept_up);
    pcct_store_close(a);
    pcct_store_close(b);
    return 0;
}

static void beside_a_writer(void **state)
{
    pid_t child, ended;
    int status = 0, followed;

    (void)state;
    CHECK(nftw(source, common_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "%s", source);
    saga_create(source);
    fflush(stdout);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        common_in_child = 1;
        _exit(writer(NULL));
    }
    followed = in_child(follow, NULL);
    ended = waitpid(child, &status, WNOHANG);
    if (ended == 0) { /* whatever came of it, nobody is left behind */
        kill(child, SIGKILL);
        CHECK(waitpid(child, &status, 0) == child, "waitpid");
    }
    CHECK(followed == 0, "the replica");
    CHECK(ended == 0, "the writer ended by itself");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(beside_a_writer, set_up, tear_down), /* first: no thread of the library is there yet */
        cmocka_unit_test_setup_teardown(whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(by_and_by, set_up, tear_down),
        cmocka_unit_test_setup_teardown(branches_that_moved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(write_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(custom, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
