/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads and processes at once: readers beside a writer, and two writers. */
#include "common.h"

#include <pthread.h>
#include <signal.h>

enum { READERS = 3, VERSIONS = 40 };

struct shared {
    pcct_store *store;
    const char *path;
    pcct_view *old;
    uint64_t newest;      /* atomic: the last version that was promised */
    int stop;             /* atomic */
    uint64_t opened;      /* atomic */
};

static void *read_for_a_while(void *ctx)
{
    struct shared *s = ctx;
    struct random_numbers r = { (uint64_t)(uintptr_t)&r };
    struct pcct_error err = { 0, "" };

    while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
        uint64_t newest = __atomic_load_n(&s->newest, __ATOMIC_ACQUIRE), v = random_below(&r, newest) + 1;
        struct pcct_view_info info = { .size = sizeof info };
        pcct_view *view = NULL;

        saga_expect(s->store, v, random_next(&r));
        saga_expect_view(s->old, 5, random_next(&r)); /* all threads share this one, label table and all */
        OK(pcct_view_open(&view, s->store, "main", &err));
        OK(pcct_view_describe(&info, view));
        CHECK(info.version >= newest, "main was v%" PRIu64 " and is v%" PRIu64, newest, info.version);
        saga_expect_view(view, info.version, 1);
        pcct_view_close(view);
        __atomic_add_fetch(&s->opened, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static pcct_store *open_store(const char *path)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    options.threads = 1;
    OK(pcct_store_open(&store, path, &options, &err));
    return store;
}

static int readers_and_a_writer(void *ctx)
{
    struct shared s = { .path = ctx };
    struct pcct_error err = { 0, "" };
    pthread_t thread[READERS];

    saga_create(s.path);
    s.store = open_store(s.path);
    for (uint64_t v = 1; v <= 5; v++) OK(saga_commit(s.store, v, NULL, &err));
    s.newest = 5;
    OK(pcct_view_open(&s.old, s.store, "v5", &err));
    for (int i = 0; i < READERS; i++) CHECK(pthread_create(&thread[i], NULL, read_for_a_while, &s) == 0, "thread");
    for (uint64_t v = 6; v <= VERSIONS; v++) {
        OK(saga_commit(s.store, v, NULL, &err));
        __atomic_store_n(&s.newest, v, __ATOMIC_RELEASE);
    }
    while (__atomic_load_n(&s.opened, __ATOMIC_RELAXED) < READERS * 4) usleep(1000);
    __atomic_store_n(&s.stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < READERS; i++) pthread_join(thread[i], NULL);
    pcct_view_close(s.old);
    expect_sound(s.store, "main");
    pcct_store_close(s.store);
    return 0;
}

static int read_until_killed(void *ctx)
{
    struct random_numbers r = { (uint64_t)getpid() };
    pcct_store *store = open_store(ctx);

    for (uint64_t newest = 0;;) {
        uint64_t head = head_of(store);

        CHECK(head >= newest, "the head went back from v%" PRIu64 " to v%" PRIu64, newest, head);
        newest = head;
        if (head >= VERSIONS) break;
        if (head > 0) saga_expect(store, random_below(&r, head) + 1, random_next(&r));
        if (head > 0) saga_expect(store, head, 1);
    }
    pcct_store_close(store);
    return 0;
}

static int write_all(void *ctx)
{
    pcct_store *store = open_store(ctx);
    struct pcct_error err = { 0, "" };

    for (uint64_t v = 1; v <= VERSIONS; v++) OK(saga_commit(store, v, NULL, &err));
    pcct_store_close(store);
    return 0;
}

static void processes(const char *path, int (**job)(void *ctx), int jobs)
{
    pid_t child[8];
    int status = 0;

    fflush(stdout);
    for (int i = 0; i < jobs; i++) {
        child[i] = fork();
        CHECK(child[i] >= 0, "fork");
        if (child[i] == 0) {
            common_in_child = 1;
            _exit(job[i]((void *)(uintptr_t)path));
        }
    }
    for (int i = 0; i < jobs; i++) {
        CHECK(waitpid(child[i], &status, 0) == child[i], "waitpid");
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d ended with %d", i, status);
    }
}

static int create(void *ctx)
{
    saga_create(ctx);
    return 0;
}

/* Commits one point under no fixed number: several writers make one line of versions. */
static int write_twenty(void *ctx)
{
    pcct_store *store = open_store(ctx);
    struct pcct_error err = { 0, "" };
    double point[SAGA_DIM] = { 1, 2, 3 };
    uint64_t last = 0;

    for (int i = 0; i < 20; i++) {
        pcct_batch *batch = NULL;
        uint64_t made = 0;

        point[0] = i;
        OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
        OK(pcct_batch_insert(batch, point, 1, NULL, &err));
        OK(pcct_batch_commit(&made, batch, NULL, &err));
        CHECK(made > last, "v%" PRIu64 " after v%" PRIu64, made, last);
        last = made;
        pcct_batch_close(batch);
    }
    pcct_store_close(store);
    return 0;
}

static int expect_forty(void *ctx)
{
    pcct_store *store = open_store(ctx);
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    int64_t labels[40];
    pcct_view *view = NULL;

    OK(pcct_view_open(&view, store, "main", &err));
    OK(pcct_view_describe(&info, view));
    CHECK(info.version == 40 && info.n_live == 40, "v%" PRIu64 " of %" PRIu64 " points", info.version, info.n_live);
    OK(pcct_view_read(labels, NULL, view, &err));
    for (int i = 0; i < 40; i++) CHECK(labels[i] == i, "label %" PRId64 " at %d", labels[i], i);
    pcct_view_close(view);
    expect_sound(store, "main");
    pcct_store_close(store);
    return 0;
}

/* While one commit is at work, held up in its progress callback, others are told that it is, or wait. */
struct meeting {
    pcct_store *same, *other;
    int met;
    pthread_t waiting;
    uint64_t waited_version; /* atomic */
};

static void *commit_after_all(void *ctx)
{
    struct meeting *m = ctx;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t made = 0;

    OK(pcct_batch_begin(&batch, m->other, "main", NULL, &err));
    OK(pcct_batch_commit(&made, batch, "waited", &err));
    pcct_batch_close(batch);
    __atomic_store_n(&m->waited_version, made, __ATOMIC_RELEASE);
    return NULL;
}

static int meet(void *ctx, double done)
{
    struct meeting *m = ctx;
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *stores[2] = { m->same, m->other };

    CHECK(done >= 0 && done <= 1, "%g", done);
    if (m->met++ > 0) return 0;
    options.no_wait = 1;
    for (int i = 0; i < 2; i++) {
        pcct_batch *batch = NULL;
        uint64_t made = 0;

        OK(pcct_batch_begin(&batch, stores[i], "main", &options, &err));
        FAILS(PCCT_E_BUSY, pcct_batch_commit(&made, batch, "no", &err));
        pcct_batch_close(batch);
    }
    CHECK(pthread_create(&m->waiting, NULL, commit_after_all, m) == 0, "thread");
    usleep(100000);
    CHECK(__atomic_load_n(&m->waited_version, __ATOMIC_ACQUIRE) == 0, "two writers at once");
    return 0;
}

static int busy_or_wait(void *ctx)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct meeting m = { .met = 0 };

    saga_create(ctx);
    m.same = open_store(ctx);
    m.other = open_store(ctx);
    options.progress = meet;
    options.progress_ctx = &m;
    OK(saga_commit(m.same, 1, &options, &err));
    CHECK(m.met > 0, "no progress was told");
    pthread_join(m.waiting, NULL);
    CHECK(m.waited_version == 2 && head_of(m.same) == 2, "v%" PRIu64, m.waited_version);
    expect_sound(m.same, "main");
    pcct_store_close(m.other);
    pcct_store_close(m.same);
    return 0;
}

static int many_handles(void *ctx)
{
    pcct_store *store[4];
    struct pcct_error err = { 0, "" };

    saga_create(ctx);
    for (int i = 0; i < 4; i++) store[i] = open_store(ctx);
    for (uint64_t v = 1; v <= 24; v++) {
        OK(saga_commit(store[(v * 7 + v / 5) % 4], v, NULL, &err)); /* each writer has to catch up with the others first */
        saga_expect(store[v % 4], v, v);
    }
    for (int i = 0; i < 4; i++) pcct_store_close(store[i]);
    return 0;
}

static void in_a_folder(int (*job)(void *ctx), int (**jobs)(void *ctx), int n, int (*after)(void *ctx))
{
    char *folder = folder_new(), *path = path_join(folder, "store");

    if (job) CHECK(in_child(job, path) == 0, "see above");
    if (jobs) processes(path, jobs, n);
    if (after) CHECK(in_child(after, path) == 0, "see above");
    free(path);
    folder_free(folder);
}

static void threads_read_while_one_writes(void **test)
{
    (void)test;
    in_a_folder(readers_and_a_writer, NULL, 0, NULL);
}

static void processes_read_while_one_writes(void **test)
{
    int (*jobs[])(void *) = { read_until_killed, read_until_killed, read_until_killed, write_all };

    (void)test;
    in_a_folder(create, jobs, 4, NULL);
}

static void two_processes_write(void **test)
{
    int (*jobs[])(void *) = { write_twenty, write_twenty };

    (void)test;
    in_a_folder(create, jobs, 2, expect_forty);
}

static void a_second_writer_is_told_or_waits(void **test)
{
    (void)test;
    in_a_folder(busy_or_wait, NULL, 0, NULL);
}

static void handles_follow_each_other(void **test)
{
    (void)test;
    in_a_folder(many_handles, NULL, 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_read_while_one_writes), cmocka_unit_test(processes_read_while_one_writes), cmocka_unit_test(two_processes_write),
        cmocka_unit_test(a_second_writer_is_told_or_waits), cmocka_unit_test(handles_follow_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
