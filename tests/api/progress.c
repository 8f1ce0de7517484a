/* SPDX-License-Identifier: Apache-2.0 */
/* The progress of a commit: told over the whole of it, and stopping it anywhere leaves nothing behind. */
#include "common.h"

#include <malloc.h>
#include <pthread.h>

enum { POINTS = 30000, DIM = 3 };

static double points[POINTS * DIM];

struct memory {
    int64_t bytes; /* atomic */
};

static void *take(void *ctx, size_t bytes, size_t alignment)
{
    struct memory *m = ctx;
    void *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);

    if (memory) __atomic_add_fetch(&m->bytes, (int64_t)malloc_usable_size(memory), __ATOMIC_RELAXED);
    return memory;
}

static void give_back(void *ctx, void *memory)
{
    struct memory *m = ctx;

    if (memory) __atomic_sub_fetch(&m->bytes, (int64_t)malloc_usable_size(memory), __ATOMIC_RELAXED);
    free(memory);
}

struct listener {
    pthread_t thread;
    uint64_t calls, stop_at; /* stop_at: from 1; 0: never */
    double last, longest;    /* told last; longest step */
};

static int listen(void *ctx, double done)
{
    struct listener *l = ctx;

    CHECK(pthread_equal(l->thread, pthread_self()), "another thread calls");
    CHECK(done >= l->last && done <= 1, "%f after %f", done, l->last);
    CHECK(l->stop_at == 0 || l->calls < l->stop_at, "called again after a request to stop");
    if (done - l->last > l->longest) l->longest = done - l->last;
    l->last = done;
    return ++l->calls == l->stop_at;
}

struct scene {
    struct memory memory;
    struct pcct_allocator allocator;
    char *folder, *path;
    pcct_store *store;
};

static void start(struct scene *s, int threads)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct random_numbers random = { 5 };
    struct pcct_error err = { 0, "" };

    for (size_t i = 0; i < POINTS * DIM; i++) points[i] = random_unit(&random);
    memset(s, 0, sizeof *s);
    s->folder = folder_new();
    s->path = path_join(s->folder, "store");
    s->allocator = (struct pcct_allocator){ take, give_back, &s->memory };
    create.dim = DIM;
    create.seed = 1;
    open.threads = threads;
    open.allocator = &s->allocator;
    OK(pcct_store_create(s->path, &create, &err));
    OK(pcct_store_open(&s->store, s->path, &open, &err));
}

static void finish(struct scene *s)
{
    pcct_store_close(s->store);
    CHECK(s->memory.bytes == 0, "%" PRId64 " bytes were not given back", s->memory.bytes);
    free(s->path);
    folder_free(s->folder);
}

/* A batch of the first n points from `first` on, and of deletes of every third older one. */
static pcct_batch *batch_of(struct scene *s, size_t first, size_t n, struct listener *listener)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;

    listener->thread = pthread_self();
    options.progress = listen;
    options.progress_ctx = listener;
    OK(pcct_batch_begin(&batch, s->store, "main", &options, &err));
    OK(pcct_batch_insert(batch, points + first * DIM, n, NULL, &err));
    for (int64_t label = 0; label < (int64_t)first; label += 3) OK(pcct_batch_delete(batch, &label, 1, &err));
    return batch;
}

static struct pcct_store_info describe(struct scene *s)
{
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };

    OK(pcct_store_describe(&info, s->store, &err));
    return info;
}

/* From 0 to 1 in small steps, whatever the commit is made of. */
static void it_is_told(void **test)
{
    (void)test;
    for (int threads = 1; threads <= 2; threads++) {
        struct pcct_error err = { 0, "" };
        struct scene s;

        start(&s, threads);
        for (size_t first = 0; first < POINTS; first += POINTS / 2) {
            struct listener l = { .stop_at = 0 };
            pcct_batch *batch = batch_of(&s, first, POINTS / 2, &l);

            OK(pcct_batch_commit(NULL, batch, NULL, &err));
            CHECK(l.last == 1, "the last that was told is %f", l.last);
            CHECK(l.calls >= 200 && l.calls < 20000, "%" PRIu64 " calls", l.calls);
            CHECK(l.longest <= 0.15, "a step of %f", l.longest);
            pcct_batch_close(batch);
        }
        finish(&s);
    }
}

/* Stops the commit at one call of many; returns whether it was stopped, and then nothing of it is left. */
static int stop(struct scene *s, size_t first, size_t n, uint64_t stop_at)
{
    struct listener l = { .stop_at = stop_at };
    struct pcct_error err = { 0, "" };
    struct pcct_store_info before = describe(s), after;
    pcct_batch *batch = batch_of(s, first, n, &l);
    int64_t bytes = s->memory.bytes;
    int status = pcct_batch_commit(NULL, batch, "stopped", &err);

    after = describe(s);
    if (status == 0) { /* asked for too late, or never */
        CHECK(after.head == before.head + 1, "main stands at v%" PRIu64, after.head);
    } else {
        CHECK(status == PCCT_E_CANCELLED && err.code == status, "%s: %s", pcct_code_name(status), err.message);
        CHECK(after.head == before.head, "main stands at v%" PRIu64, after.head);
        CHECK(after.disk_bytes == before.disk_bytes, "%" PRIu64 " bytes on disk, %" PRIu64 " before", after.disk_bytes, before.disk_bytes);
        /* of what the store keeps ready for its next commit there is no more than an empty state's counts */
        CHECK(first > 0 || s->memory.bytes <= bytes + 65536, "%" PRId64 " bytes of memory, %" PRId64 " before", s->memory.bytes, bytes);
    }
    pcct_batch_close(batch);
    return status != 0;
}

static void commit(struct scene *s, size_t first, size_t n)
{
    struct listener l = { .stop_at = 0 };
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = batch_of(s, first, n, &l);

    OK(pcct_batch_commit(NULL, batch, "stopped", &err));
    pcct_batch_close(batch);
}

/* One commit stopped at many places, each by a handle that then goes on to commit it: the version is as if nothing had been. */
static void stopping(size_t first, size_t n)
{
    struct pcct_view_info right = { .size = sizeof right }, info = { .size = sizeof info };
    uint64_t stop_at = 0, stopped = 0;
    int was_stopped = 1;

    for (; was_stopped; stop_at += stop_at / 2 + 1) {
        struct pcct_error err = { 0, "" };
        pcct_view *view = NULL;
        struct scene s;

        start(&s, 2);
        if (first) commit(&s, 0, first);
        if (stop_at > 0) was_stopped = stop(&s, first, n, stop_at);
        if (was_stopped) commit(&s, first, n);
        OK(pcct_view_open(&view, s.store, "main", &err));
        OK(pcct_view_describe(stop_at == 0 ? &right : &info, view));
        if (stop_at > 0) CHECK(memcmp(info.identity, right.identity, sizeof right.identity) == 0, "another version after stop %" PRIu64, stop_at);
        stopped += was_stopped && stop_at > 0;
        pcct_view_close(view);
        finish(&s);
    }
    CHECK(stopped >= 8, "it was stopped %" PRIu64 " times", stopped);
}

static void a_bulk_build_is_stopped(void **test)
{
    (void)test;
    stopping(0, POINTS);
}

static void a_small_batch_is_stopped(void **test)
{
    (void)test;
    stopping(2000, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(it_is_told), cmocka_unit_test(a_bulk_build_is_stopped),
                                        cmocka_unit_test(a_small_batch_is_stopped) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
