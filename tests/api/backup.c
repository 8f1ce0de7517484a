/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a store that others write to and prune meanwhile; and what a copy is good for. */
#include "exchange.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

static char *folder, *source, *copy;

static int set_up(void **state)
{
    (void)state;
    folder = folder_new();
    source = path_join(folder, "source.pcct");
    copy = path_join(folder, "copy.pcct");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(source);
    free(copy);
    folder_free(folder);
    return 0;
}

static void remove_copy(void)
{
    CHECK(nftw(copy, common_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "%s", copy);
}

static struct pcct_backup_result backup(pcct_store *store, const char *revision)
{
    struct pcct_backup_options options = PCCT_BACKUP_OPTIONS_INIT;
    struct pcct_backup_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };

    options.revision = revision;
    OK(pcct_backup(&result, store, copy, &options, &err));
    return result;
}

/* All of a store with branches, restores and renumberings; the copy goes on as the store does, also from its journal alone. */
static void whole(void **state)
{
    struct pcct_fsck_options rebuild = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_fsck_result found = { .size = sizeof found };
    struct finding finding;
    struct pcct_error err = { 0, "" };
    struct pcct_store_info a = { .size = sizeof a }, b = { .size = sizeof b };
    struct random_numbers r = { 3 };
    pcct_store *from, *to;
    size_t n;

    (void)state;
    create_at(source);
    from = store_at(source, 0);
    story_run(from, 0, 24, 5);
    (void)backup(from, NULL);
    expect_clean(copy, 0);
    to = store_at(copy, 0);
    n = same_versions(from, to, 1);
    OK(pcct_store_describe(&a, from, &err));
    OK(pcct_store_describe(&b, to, &err));
    CHECK(memcmp(a.uuid, b.uuid, 16) == 0 && a.head == b.head, "another store");
    finding.other = to;
    OK(pcct_refs_each(from, same_ref, &finding, &err));
    for (int i = 0; i < 2; i++) {
        r.state = 3;
        story_commit(i ? to : from, "side", "main~1", 50, 3, 0, &r);
    }
    same_state(from, "side", to, "side");
    expect_sound(to, "side");
    pcct_store_close(to);
    rebuild.rebuild = 1;
    OK(pcct_fsck(&found, copy, &rebuild, &err));
    CHECK(found.damaged == 0 && found.versions == n + 1, "%" PRIu64 " versions", found.versions);
    to = store_at(copy, 0);
    finding.other = to;
    same_state(from, "side", to, "side");
    same_state(from, "main", to, "main");
    OK(pcct_refs_each(from, same_ref, &finding, &err));
    pcct_store_close(to);
    pcct_store_close(from);
}

/* One version, on which bundles are applied and commits are made with the identities that the source gives. */
static void one_version(void **state)
{
    struct pcct_bundle_options range = PCCT_BUNDLE_OPTIONS_INIT;
    struct pcct_apply_result result = { .size = sizeof result };
    struct pcct_fsck_options rebuild = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_fsck_result found = { .size = sizeof found };
    struct pcct_replay_options replay = PCCT_REPLAY_OPTIONS_INIT;
    struct pcct_replay_result replayed = { .size = sizeof replayed };
    struct pcct_version version;
    struct pcct_error err = { 0, "" };
    char *file = path_join(folder, "a.bundle"), text[32];
    pcct_store *from, *to;
    pcct_log *log = NULL;
    uint64_t at = 0, other = 0;

    (void)state;
    create_at(source);
    from = store_at(source, 0);
    story_run(from, 0, 12, 6);
    OK(pcct_resolve(&at, from, "main~1", &err));
    (void)backup(from, "main~1");
    expect_clean(copy, 1);
    to = store_at(copy, 0);
    CHECK(head_of(to) == at, "main at v%" PRIu64, head_of(to));
    same_state(from, "main~1", to, "main");
    snprintf(text, sizeof text, "v%" PRIu64, at);
    same_state(from, text, to, text);
    expect_sound(to, "main");
    OK(pcct_log_open_all(&log, to, &err));
    CHECK(pcct_log_next(&version, log, &err) == 1 && version.version == at, "v%" PRIu64, version.version);
    CHECK(version.parent == 0 && version.n_keys > 0, "its parent or keys");
    CHECK(pcct_log_next(&version, log, &err) == 0, "another version");
    pcct_log_close(log);
    FAILS(PCCT_E_NOT_FOUND, pcct_resolve(&other, to, "v1", &err));
    CHECK(strstr(err.message, "pruned") != NULL, "%s", err.message);
    range.from = "main~1";
    range.to = "main";
    OK(pcct_bundle(NULL, from, file, &range, &err));
    OK(pcct_apply(&result, to, file, NULL, &err));
    CHECK(result.applied == 1 && result.refs >= 1, "%" PRIu64 " applied", result.applied);
    same_state(from, "main", to, "main");
    replay.from = text;
    OK(pcct_replay(&replayed, to, &replay, &err));
    CHECK(replayed.versions == 1 && replayed.differs == 0, "%s", replayed.first);
    FAILS(PCCT_E_NOT_FOUND, pcct_replay(&replayed, to, NULL, &err));
    pcct_store_close(to);
    rebuild.rebuild = 1;
    OK(pcct_fsck(&found, copy, &rebuild, &err));
    CHECK(found.damaged == 0 && found.versions == 2 && found.versions_readable == 2, "%" PRIu64 " versions", found.versions);
    to = store_at(copy, 0);
    same_state(from, "main", to, "main");
    same_state(from, "main~1", to, "main~1");
    pcct_store_close(to);
    pcct_store_close(from);
    free(file);
}

static int count_entries(const char *path)
{
    char command[400];
    FILE *pipe;
    int n = -1;

    snprintf(command, sizeof command, "ls -A '%s' | wc -l", path);
    pipe = popen(command, "r");
    CHECK(pipe && fscanf(pipe, "%d", &n) == 1, "ls");
    pclose(pipe);
    return n;
}

static int stop(void *ctx, double done)
{
    int *left = ctx;

    CHECK(done >= 0 && done <= 1, "%g", done);
    return (*left)-- == 0;
}

static void refusals(void **state)
{
    struct pcct_backup_options options = PCCT_BACKUP_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store;
    char *nowhere = path_join(folder, "not/there");
    int left = 0, stops = 0;

    (void)state;
    create_at(source);
    store = store_at(source, 0);
    story_run(store, 0, 9, 6);
    FAILS(PCCT_E_INVALID, pcct_backup(NULL, store, NULL, NULL, &err));
    FAILS(PCCT_E_EXISTS, pcct_backup(NULL, store, source, NULL, &err));
    FAILS(PCCT_E_NOT_FOUND, pcct_backup(NULL, store, nowhere, NULL, &err));
    options.revision = "v99";
    FAILS(PCCT_E_NOT_FOUND, pcct_backup(NULL, store, copy, &options, &err));
    options.revision = "v0";
    FAILS(PCCT_E_INVALID, pcct_backup(NULL, store, copy, &options, &err));
    options.progress = stop;
    options.progress_ctx = &left;
    for (int one = 0; one < 2; one++) {
        options.revision = one ? "main" : NULL;
        for (left = 0; pcct_backup(NULL, store, copy, &options, &err) != 0; left = ++stops) {
            CHECK(err.code == PCCT_E_CANCELLED, "%s", err.message);
            CHECK(count_entries(folder) == 1, "something was left");
        }
        expect_clean(copy, 0);
        remove_copy();
        stops++;
    }
    CHECK(stops > 4, "%d stops", stops);
    pcct_store_close(store);
    free(nowhere);
}

/* Another process commits, and a third prunes; each copy is whole: from the oldest version that stays to the newest, all are what they were. */
static int writer(void *ctx)
{
    struct pcct_error err = { 0, "" };
    pcct_store *store = store_at(source, 1);

    (void)ctx;
    for (uint64_t v = 1;; v++) OK(saga_commit(store, v, NULL, &err));
    return 0;
}

static int pruner(void *ctx)
{
    struct pcct_prune_options options = PCCT_PRUNE_OPTIONS_INIT;
    const struct timespec pause = { 0, 30000000 };
    struct pcct_error err = { 0, "" };
    pcct_store *store = store_at(source, 1);

    (void)ctx;
    options.keep_last = 8;
    for (;;) {
        OK(pcct_prune(NULL, store, &options, &err));
        nanosleep(&pause, NULL);
    }
    return 0;
}

static pid_t start(int (*job)(void *ctx))
{
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        common_in_child = 1;
        _exit(job(NULL));
    }
    return child;
}

static int copies(void *ctx)
{
    const struct timespec pause = { 0, 20000000 };
    struct pcct_error err = { 0, "" };
    pcct_store *store = store_at(source, 2), *made;
    uint64_t last = 0;

    (void)ctx;
    for (int i = 0; i < 12; i++) {
        struct pcct_version version;
        pcct_log *log = NULL;
        uint64_t newest = 0, n = 0;
        char text[32];

        while (head_of(store) <= last + 2) nanosleep(&pause, NULL);
        snprintf(text, sizeof text, "v%" PRIu64, head_of(store));
        (void)backup(store, i % 4 == 3 ? "main" : NULL);
        expect_clean(copy, 0);
        made = store_at(copy, 1);
        OK(pcct_log_open_all(&log, made, &err));
        while (pcct_log_next(&version, log, &err) > 0) {
            saga_expect(made, version.version, version.version);
            if (n++ == 0) newest = version.version;
        }
        pcct_log_close(log);
        CHECK(newest >= last && head_of(made) == newest && n >= (i % 4 == 3 ? 1 : 3), "v%" PRIu64 " of %" PRIu64, newest, n);
        if (i % 4 != 3) OK(saga_commit(made, newest + 1, NULL, &err));
        pcct_store_close(made);
        remove_copy();
        last = newest;
    }
    pcct_store_close(store);
    return 0;
}

/* A handle whose catalogue is no longer the store's sees what others do not: it makes nothing that would pass for the store. */
static void behind_a_compaction(void **state)
{
    struct pcct_compact_options options = PCCT_COMPACT_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct random_numbers r = { 3 };
    pcct_store *old, *other;
    char *file = path_join(folder, "a.bundle");

    (void)state;
    create_at(source);
    old = store_at(source, 0);
    story_run(old, 0, 9, 5);
    other = store_at(source, 0);
    OK(pcct_compact(NULL, other, &options, &err));
    pcct_store_close(other);
    other = store_at(source, 0);
    story_commit(other, "main", "main", 50, 3, 0, &r);
    FAILS(PCCT_E_CONFLICT, pcct_backup(NULL, old, copy, NULL, &err));
    CHECK(access(copy, F_OK) != 0, "a copy");
    FAILS(PCCT_E_CONFLICT, pcct_bundle(NULL, old, file, NULL, &err));
    CHECK(access(file, F_OK) != 0, "a bundle");
    (void)backup(other, NULL);
    OK(pcct_bundle(NULL, other, file, NULL, &err));
    pcct_store_close(other);
    pcct_store_close(old);
    free(file);
}

static void beside_writers(void **state)
{
    pid_t child[2];
    int status = 0;

    (void)state;
    saga_create(source);
    child[0] = start(writer);
    child[1] = start(pruner);
    CHECK(in_child(copies, NULL) == 0, "the copies");
    for (int i = 0; i < 2; i++) {
        CHECK(waitpid(child[i], &status, WNOHANG) == 0, "a writer ended by itself");
        kill(child[i], SIGKILL);
        CHECK(waitpid(child[i], &status, 0) == child[i], "waitpid");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(beside_writers, set_up, tear_down), /* first: no thread of the library is there yet */
        cmocka_unit_test_setup_teardown(whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(behind_a_compaction, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
