/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 a committing process at random moments. api_kill [rounds [seed]] */
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
    const struct CMUnitTest tests[] = { cmocka_unit_test(killed_at_any_moment), cmocka_unit_test(abandoned_by_its_caller) };

    if (count > 1) rounds = atoi(words[1]);
    if (count > 2) seed = strtoull(words[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
