/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that follow the head beside a writer: threads, processes, processes that are killed, with the table of readers damaged meanwhile. */
#include "common.h"

#include <pthread.h>
#include <signal.h>

enum { VERSIONS = 60, THREADS = 3, FOLLOWERS = 3, KILLS = 12 };

static pcct_store *open_store(const char *path)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    options.threads = 1;
    OK(pcct_store_open(&store, path, &options, &err));
    return store;
}

/* Sees versions in order, each as it should be, up to the last; now and then keeps one for a while. */
static void follow_to_the_end(pcct_store *store, uint64_t seed)
{
    struct random_numbers r = { seed };
    struct pcct_error err = { 0, "" };
    pcct_view *kept = NULL;
    uint64_t kept_version = 0;

    for (uint64_t after = 0; after < VERSIONS; ) {
        struct pcct_view_info info = { .size = sizeof info };
        uint64_t version = 0;
        pcct_view *view = NULL;

        OK(pcct_follow(&version, store, "main", after, -1, &err));
        CHECK(version > after, "v%" PRIu64 " after v%" PRIu64, version, after);
        OK(pcct_view_open(&view, store, "main", &err));
        OK(pcct_view_describe(&info, view));
        CHECK(info.version >= version, "main is v%" PRIu64 ", and was v%" PRIu64, info.version, version);
        saga_expect_view(view, info.version, random_next(&r));
        if (kept && random_below(&r, 3) == 0) {
            saga_expect_view(kept, kept_version, random_next(&r));
            pcct_view_close(kept);
            kept = NULL;
        }
        if (!kept && random_below(&r, 3) == 0) {
            kept = view;
            kept_version = info.version;
        } else {
            pcct_view_close(view);
        }
        after = info.version;
    }
    if (kept) saga_expect_view(kept, kept_version, 3);
    pcct_view_close(kept);
}

struct reader {
    pthread_t thread;
    pcct_store *store;
    uint64_t seed;
};

static void *follow_in_thread(void *ctx)
{
    const struct reader *reader = ctx;

    follow_to_the_end(reader->store, reader->seed);
    return NULL;
}

/* Some by the handle that writes, one by another of the same process. */
static int threads_follow(void *ctx)
{
    struct pcct_error err = { 0, "" };
    struct reader reader[THREADS + 1];
    pcct_store *store, *other;

    saga_create(ctx);
    store = open_store(ctx);
    other = open_store(ctx);
    for (int i = 0; i <= THREADS; i++) {
        reader[i] = (struct reader){ .store = i < THREADS ? store : other, .seed = (uint64_t)i + 7 };
        CHECK(pthread_create(&reader[i].thread, NULL, follow_in_thread, &reader[i]) == 0, "thread");
    }
    for (uint64_t v = 1; v <= VERSIONS; v++) OK(saga_commit(store, v, NULL, &err));
    for (int i = 0; i <= THREADS; i++) pthread_join(reader[i].thread, NULL);
    pcct_store_close(other);
    expect_sound(store, "main");
    pcct_store_close(store);
    return 0;
}

static pid_t begin(int (*job)(const char *path, uint64_t seed), const char *path, uint64_t seed)
{
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        common_in_child = 1;
        _exit(job(path, seed));
    }
    return child;
}

static void end(pid_t child)
{
    int status = 0;

    CHECK(waitpid(child, &status, 0) == child, "waitpid");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process ended with %d", status);
}

static int follow_in_process(const char *path, uint64_t seed)
{
    pcct_store *store = open_store(path);

    follow_to_the_end(store, seed);
    pcct_store_close(store);
    return 0;
}

static int read_for_ever(const char *path, uint64_t seed)
{
    pcct_store *store = open_store(path);
    struct random_numbers r = { seed };
    struct pcct_error err = { 0, "" };

    for (;;) {
        struct pcct_view_info info = { .size = sizeof info };
        pcct_view *view = NULL;

        OK(pcct_view_open(&view, store, "main", &err));
        OK(pcct_view_describe(&info, view));
        if (info.version > 0) saga_expect_view(view, info.version, random_next(&r));
        if (random_below(&r, 2)) pcct_view_close(view);
    }
}

static int count_reader(void *ctx, const struct pcct_reader *reader)
{
    CHECK(reader->version <= VERSIONS && reader->pid > 0, "v%" PRIu64 " by %u", reader->version, reader->pid);
    ++*(int *)ctx;
    return 0;
}

/* Whatever becomes of the table of readers. */
static void spoil(const char *path, uint64_t how)
{
    char *pins = path_join(path, "pins"), *junk = path_join(path, "junk");
    FILE *file = NULL;

    if (how == 0) {
        CHECK(unlink(pins) == 0, "unlink");
    } else { /* not cut off in place: that would be a signal to those who are looking at it */
        file = fopen(junk, "w");
        CHECK(file && fputs("no table", file) >= 0 && fclose(file) == 0 && rename(junk, pins) == 0, "junk");
    }
    free(junk);
    free(pins);
}

/* One process writes; others follow to the end; still others are killed at any moment. The killed hold nothing, and nobody misses anything. */
static void write_beside_processes(const char *path, int damage)
{
    struct random_numbers r = { 5 };
    struct pcct_error err = { 0, "" };
    pid_t follower[FOLLOWERS], victim = begin(read_for_ever, path, 100);
    pcct_store *store = open_store(path);
    int readers = 0, mine = 0;

    for (uint64_t i = 0; i < FOLLOWERS; i++) follower[i] = begin(follow_in_process, path, i);
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        OK(saga_commit(store, v, NULL, &err));
        if (damage && v % 10 == 0) spoil(path, v / 10 % 2);
        if (v % (VERSIONS / KILLS) != 0) continue;
        usleep((useconds_t)random_below(&r, 20000));
        CHECK(kill(victim, SIGKILL) == 0 && waitpid(victim, NULL, 0) == victim, "kill");
        victim = begin(read_for_ever, path, 100 + v);
    }
    CHECK(kill(victim, SIGKILL) == 0 && waitpid(victim, NULL, 0) == victim, "kill");
    for (int i = 0; i < FOLLOWERS; i++) end(follower[i]);
    OK(pcct_readers(store, count_reader, &readers, &err));
    pcct_store_close(store);
    store = open_store(path);
    OK(pcct_readers(store, count_reader, &mine, &err));
    CHECK(mine == 0 && readers <= 2, "%d readers are left, %d beside this process", readers, mine);
    expect_sound(store, "main");
    pcct_store_close(store);
}

static int processes_follow(void *ctx)
{
    saga_create(ctx);
    write_beside_processes(ctx, 0);
    return 0;
}

static int without_the_table(void *ctx)
{
    saga_create(ctx);
    write_beside_processes(ctx, 1);
    return 0;
}

static void in_a_folder(int (*job)(void *ctx))
{
    char *folder = folder_new(), *path = path_join(folder, "store");

    CHECK(in_child(job, path) == 0, "see above");
    free(path);
    folder_free(folder);
}

static void threads_follow_the_head(void **test)
{
    (void)test;
    in_a_folder(threads_follow);
}

static void processes_follow_the_head(void **test)
{
    (void)test;
    in_a_folder(processes_follow);
}

static void the_table_of_readers_is_spoilt(void **test)
{
    (void)test;
    in_a_folder(without_the_table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_follow_the_head), cmocka_unit_test(processes_follow_the_head), cmocka_unit_test(the_table_of_readers_is_spoilt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
