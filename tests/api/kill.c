/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 committing processes at random moments. api_kill [rounds [seed]] */
#include "common.h"

#include <signal.h>
#include <time.h>

static int rounds = 60;
static uint64_t seed = 1;

struct scene {
    char *path;
    int pipe[2];
    uint64_t acknowledged, random;
};

/* Commits for ever and tells each version that it was promised. */
static int commit_for_ever(void *ctx)
{
    struct scene *s = ctx;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    OK(pcct_store_open(&store, s->path, NULL, &err));
    for (uint64_t v = head_of(store) + 1; v > 0; v++) {
        OK(saga_commit(store, v, NULL, &err));
        CHECK(write(s->pipe[1], &v, sizeof v) == sizeof v, "pipe");
    }
    return 0;
}

/* Every version that was promised is there and whole, at most one more, and two more commits work. */
static int look(void *ctx)
{
    struct scene *s = ctx;
    struct random_numbers r = { s->random };
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    uint64_t head = 0;

    OK(pcct_store_open(&store, s->path, NULL, &err));
    head = head_of(store);
    CHECK(head == s->acknowledged || head == s->acknowledged + 1, "head is v%" PRIu64 ", promised was v%" PRIu64, head, s->acknowledged);
    for (uint64_t v = head > 3 ? head - 3 : 0; v <= head; v++) saga_expect(store, v, v);
    for (int i = 0; i < 3 && head > 0; i++) saga_expect(store, random_below(&r, head) + 1, random_next(&r));
    expect_sound(store, "main");
    for (uint64_t v = head + 1; v <= head + 2; v++) {
        OK(saga_commit(store, v, NULL, &err));
        saga_expect(store, v, v);
    }
    expect_sound(store, "main");
    CHECK(write(s->pipe[1], &head, sizeof head) == sizeof head, "pipe");
    pcct_store_close(store);
    return 0;
}

static void kill_one(struct scene *s, struct random_numbers *r)
{
    struct timespec moment = { 0, (long)(1000000 + random_below(r, 45000000)) };
    uint64_t v = 0;
    pid_t child = 0;
    int status = 0;

    CHECK(pipe(s->pipe) == 0, "pipe");
    fflush(stdout);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        common_in_child = 1;
        _exit(commit_for_ever(s));
    }
    close(s->pipe[1]);
    nanosleep(&moment, NULL);
    kill(child, SIGKILL);
    CHECK(waitpid(child, &status, 0) == child, "waitpid");
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the writer ended by itself: %d", status);
    while (read(s->pipe[0], &v, sizeof v) == sizeof v) s->acknowledged = v;
    close(s->pipe[0]);
}

static int create(void *ctx)
{
    saga_create(((struct scene *)ctx)->path);
    return 0;
}

static void killed_at_any_moment(void **test)
{
    char *folder = folder_new();
    struct scene s = { .path = path_join(folder, "store") };
    struct random_numbers r = { seed };
    uint64_t commits = 0;

    (void)test;
    printf("seed %" PRIu64 ", %d rounds\n", seed, rounds);
    CHECK(in_child(create, &s) == 0, "create");
    for (int i = 0; i < rounds; i++) {
        uint64_t before = s.acknowledged, head = 0;

        kill_one(&s, &r);
        commits += s.acknowledged - before;
        s.random = random_next(&r);
        CHECK(pipe(s.pipe) == 0, "pipe");
        CHECK(in_child(look, &s) == 0, "round %d of seed %" PRIu64, i, seed);
        CHECK(read(s.pipe[0], &head, sizeof head) == sizeof head, "pipe");
        close(s.pipe[0]);
        close(s.pipe[1]);
        s.acknowledged = head + 2;
    }
    printf("%" PRIu64 " versions, %" PRIu64 " of them by writers that were killed\n", s.acknowledged, commits);
    free(s.path);
    folder_free(folder);
}

/* ---- two at once -------------------------------------------------------------------------------------------------------------------------- */

enum { WRITERS = 2 };

/* What a writer tells: a version that it was promised, or one that another made first. */
struct told {
    uint64_t version;
    int conflict;
};

/* Main is moved from where it was seen last, or not at all; whoever loses looks again. */
static int compete(void *ctx)
{
    struct scene *s = ctx;
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    OK(pcct_store_open(&store, s->path, NULL, &err));
    for (;;) {
        struct told told = { head_of(store) + 1, 0 };
        char expect[32];
        int status;

        snprintf(expect, sizeof expect, "v%" PRIu64, told.version - 1);
        options.expect = expect;
        status = saga_commit(store, told.version, &options, &err);
        CHECK(status == 0 || status == PCCT_E_CONFLICT, "%s", err.message);
        told.conflict = status != 0;
        CHECK(write(s->pipe[1], &told, sizeof told) == sizeof told, "pipe");
    }
}

/* All that was promised to any of them is there and whole, and at most one more for each; the log has every version once, in its order. */
static int look_at_both(void *ctx)
{
    struct scene *s = ctx;
    struct pcct_fsck_result fsck = { .size = sizeof fsck };
    struct pcct_error err = { 0, "" };
    struct pcct_version version;
    pcct_store *store = NULL;
    pcct_log *log = NULL;
    uint64_t head;

    OK(pcct_store_open(&store, s->path, NULL, &err));
    head = head_of(store);
    CHECK(head >= s->acknowledged && head <= s->acknowledged + WRITERS, "head is v%" PRIu64 ", promised was v%" PRIu64, head, s->acknowledged);
    OK(pcct_log_open(&log, store, "main", &err));
    for (uint64_t v = head; v > 0; v--)
        CHECK(pcct_log_next(&version, log, &err) == 1 && version.version == v && version.parent == v - 1, "v%" PRIu64 " in the log", v);
    pcct_log_close(log);
    for (uint64_t v = head > 9 ? head - 9 : 1; v <= head; v++) saga_expect(store, v, v);
    OK(saga_commit(store, head + 1, NULL, &err));
    expect_sound(store, "main");
    pcct_store_close(store);
    OK(pcct_fsck(&fsck, s->path, NULL, &err));
    CHECK(fsck.damaged == 0 && fsck.versions_readable == head + 1, "%" PRIu64 " damaged", fsck.damaged);
    CHECK(write(s->pipe[1], &head, sizeof head) == sizeof head, "pipe");
    return 0;
}

/* Both at work for a while; when one was killed the other goes on for a while. Returns how often one came too late. */
static uint64_t kill_both(struct scene *s, struct random_numbers *r)
{
    pid_t child[WRITERS];
    struct told told;
    uint64_t conflicts = 0;

    CHECK(pipe(s->pipe) == 0, "pipe");
    fflush(stdout);
    for (int i = 0; i < WRITERS; i++) {
        child[i] = fork();
        CHECK(child[i] >= 0, "fork");
        if (child[i] == 0) {
            common_in_child = 1;
            _exit(compete(s));
        }
    }
    close(s->pipe[1]);
    for (int i = 0; i < WRITERS; i++) {
        struct timespec moment = { 0, (long)(1000000 + random_below(r, i == 0 ? 45000000 : 15000000)) };
        int status = 0;

        nanosleep(&moment, NULL);
        kill(child[i], SIGKILL);
        CHECK(waitpid(child[i], &status, 0) == child[i], "waitpid");
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a writer ended by itself: %d", status);
    }
    while (read(s->pipe[0], &told, sizeof told) == sizeof told) {
        conflicts += (uint64_t)told.conflict;
        if (!told.conflict && told.version > s->acknowledged) s->acknowledged = told.version;
    }
    close(s->pipe[0]);
    return conflicts;
}

static void two_are_killed(void **test)
{
    char *folder = folder_new();
    struct scene s = { .path = path_join(folder, "store") };
    struct random_numbers r = { seed };
    uint64_t conflicts = 0;

    (void)test;
    CHECK(in_child(create, &s) == 0, "create");
    for (int i = 0; i < rounds / 2; i++) {
        uint64_t head = 0;

        conflicts += kill_both(&s, &r);
        CHECK(pipe(s.pipe) == 0, "pipe");
        CHECK(in_child(look_at_both, &s) == 0, "round %d of seed %" PRIu64, i, seed);
        CHECK(read(s.pipe[0], &head, sizeof head) == sizeof head, "pipe");
        close(s.pipe[0]);
        close(s.pipe[1]);
        s.acknowledged = head + 1;
    }
    printf("%" PRIu64 " versions, %" PRIu64 " times one came too late\n", s.acknowledged, conflicts);
    CHECK(conflicts > 0, "they were never at it at once");
    free(s.path);
    folder_free(folder);
}

/* ---- by the caller ------------------------------------------------------------------------------------------------------------------------ */

static int refuse(void *ctx, double done)
{
    (void)done;
    return ++*(int *)ctx > 0;
}

/* A batch that is abandoned leaves no trace, and the batch itself can still be committed. */
static void abandoned_by_its_caller(void **test)
{
    char *folder = folder_new(), *path = path_join(folder, "store");
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    int calls = 0;

    (void)test;
    saga_create(path);
    options.progress = refuse;
    options.progress_ctx = &calls;
    OK(pcct_store_open(&store, path, NULL, &err));
    OK(saga_commit(store, 1, NULL, &err));
    FAILS(PCCT_E_CANCELLED, saga_commit(store, 2, &options, &err));
    CHECK(calls == 1 && head_of(store) == 1, "head v%" PRIu64, head_of(store));
    saga_expect(store, 1, 3);
    OK(saga_commit(store, 2, NULL, &err));
    saga_expect(store, 2, 3);
    expect_sound(store, "main");
    pcct_store_close(store);
    free(path);
    folder_free(folder);
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(killed_at_any_moment), cmocka_unit_test(two_are_killed),
                                        cmocka_unit_test(abandoned_by_its_caller) };

    if (count > 1) rounds = atoi(words[1]);
    if (count > 2) seed = strtoull(words[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
