/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's allocator: all memory comes from it and goes back, and a refusal at any point is an error and loses nothing. */
#include "common.h"

struct memory {
    int64_t live, taken;   /* atomic */
    int64_t fail_at;       /* 0: never */
    uint64_t odd;          /* requests whose alignment is no power of two */
};

static void *take(void *ctx, size_t bytes, size_t alignment)
{
    struct memory *m = ctx;
    size_t whole = (bytes + alignment - 1) / alignment * alignment;
    void *memory;

    if (alignment == 0 || (alignment & (alignment - 1))) m->odd++;
    if (__atomic_add_fetch(&m->taken, 1, __ATOMIC_RELAXED) == m->fail_at) return NULL;
    memory = aligned_alloc(alignment, whole ? whole : alignment);
    if (memory) {
        memset(memory, 0x5a, bytes);
        __atomic_add_fetch(&m->live, 1, __ATOMIC_RELAXED);
    }
    return memory;
}

static void give_back(void *ctx, void *memory)
{
    struct memory *m = ctx;

    if (memory) __atomic_sub_fetch(&m->live, 1, __ATOMIC_RELAXED);
    free(memory);
}

struct scene {
    struct memory memory;
    struct pcct_allocator allocator;
    char *folder, *path;
    pcct_store *store;
    pcct_view *view;
    uint64_t next;
};

static int open_with(struct scene *s, struct pcct_error *err)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;

    s->allocator = (struct pcct_allocator){ take, give_back, &s->memory };
    options.allocator = &s->allocator;
    options.threads = 2;
    return pcct_store_open(&s->store, s->path, &options, err);
}

static void start(struct scene *s)
{
    struct pcct_error err = { 0, "" };

    memset(s, 0, sizeof *s);
    s->folder = folder_new();
    s->path = path_join(s->folder, "store");
    saga_create(s->path);
    OK(open_with(s, &err));
    for (s->next = 1; s->next <= 10; s->next++) OK(saga_commit(s->store, s->next, NULL, &err));
}

static void finish(struct scene *s)
{
    expect_sound(s->store, "main");
    pcct_store_close(s->store);
    CHECK(s->memory.live == 0, "%" PRId64 " blocks were not given back", s->memory.live);
    CHECK(s->memory.odd == 0, "%" PRIu64 " odd alignments", s->memory.odd);
    free(s->path);
    folder_free(s->folder);
}

/* Calls again and again with the n-th block refused until the call succeeds. */
static int64_t fail_each(struct scene *s, int (*call)(struct scene *s, struct pcct_error *err))
{
    for (int64_t n = 1;; n++) {
        struct pcct_error err = { 0, "" };
        int64_t live = s->memory.live;
        int status;

        s->memory.taken = 0;
        s->memory.fail_at = n;
        status = call(s, &err);
        s->memory.fail_at = 0;
        if (status == 0) return n - 1;
        CHECK(status == PCCT_E_MEMORY && err.code == status && strlen(err.message) > 8, "block %" PRId64 ": %s: %s", n, pcct_code_name(status),
              err.message);
        CHECK(s->memory.live <= live, "block %" PRId64 ": %" PRId64 " blocks lost", n, s->memory.live - live);
        CHECK(n < 100000, "no end");
    }
}

static int view_and_close(struct scene *s, struct pcct_error *err)
{
    int status = pcct_view_open(&s->view, s->store, "v8", err);

    CHECK((status == 0) == (s->view != NULL), "a view after a failure");
    s->memory.fail_at = 0;
    if (status == 0) saga_expect_view(s->view, 8, 3);
    pcct_view_close(s->view);
    s->view = NULL;
    return status;
}

static int ask(struct scene *s, struct pcct_error *err)
{
    int64_t labels[4 * 3];
    const int64_t stored[4] = { 70, 71, 72, 73 };
    double distances[4 * 3], query[SAGA_DIM * 20] = { 0 };
    int64_t many[20 * 3];
    double far[20 * 3];
    int status = pcct_knn_stored(labels, distances, s->view, stored, 4, 3, NULL, err);

    if (status == 0) CHECK(labels[0] == 70 && distances[0] == 0, "label %" PRId64, labels[0]);
    return status != 0 ? status : pcct_knn(many, far, s->view, query, 20, 3, NULL, err);
}

static int find(struct scene *s, struct pcct_error *err)
{
    const int64_t label = 70;
    double point[SAGA_DIM];
    int64_t live = s->memory.live;
    int status = pcct_view_find(point, s->view, &label, 1, err);

    if (status != 0 && s->memory.live > live) { /* the table is there; what failed came after */
        s->memory.fail_at = 0;
        status = pcct_view_find(point, s->view, &label, 1, err);
    }
    return status;
}

static int read_all(struct scene *s, struct pcct_error *err)
{
    int64_t labels[SAGA_ADDED * SAGA_LIFE];

    return pcct_view_read(labels, NULL, s->view, err);
}

static int open_and_close(struct scene *s, struct pcct_error *err)
{
    pcct_store *open = s->store;
    int status = open_with(s, err);

    CHECK((status == 0) == (s->store != NULL), "a store after a failure");
    pcct_store_close(s->store);
    s->store = open;
    return status;
}

static int walk(struct scene *s, struct pcct_error *err)
{
    struct pcct_version version;
    pcct_log *log = NULL;
    int status = pcct_log_open(&log, s->store, "main", err), more = 0;

    if (status != 0) return status;
    do {
        more = pcct_log_next(&version, log, err);
    } while (more == 1);
    pcct_log_close(log);
    return more;
}

static void everything_comes_from_it(void **test)
{
    struct scene s;

    (void)test;
    start(&s);
    CHECK(s.memory.taken > 50, "only %" PRId64 " blocks came from the allocator", s.memory.taken);
    finish(&s);
}

static void refused_in_reading(void **test)
{
    struct pcct_error err = { 0, "" };
    struct scene s;

    (void)test;
    start(&s);
    CHECK(fail_each(&s, open_and_close) > 0, "opening takes no memory?");
    CHECK(fail_each(&s, view_and_close) > 5, "a view takes no memory?");
    CHECK(fail_each(&s, walk) > 0, "a log takes no memory?");
    OK(pcct_view_open(&s.view, s.store, "v9", &err));
    CHECK(fail_each(&s, find) > 1, "finding takes no memory?"); /* the first makes the table of labels, which stays with the view */
    CHECK(fail_each(&s, ask) > 2, "a query takes no memory?");
    CHECK(fail_each(&s, read_all) > 0, "reading takes no memory?");
    pcct_view_close(s.view);
    finish(&s);
}

/* After each refusal the head is where it was, or, if the commit was promised, one further. */
static void refused_in_commits(void **test)
{
    struct pcct_error err = { 0, "" };
    struct scene s;
    int64_t refusals = 0;

    (void)test;
    start(&s);
    for (int warm = 0; warm < 2; warm++) {
        for (int64_t n = 1;; n++) {
            struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
            pcct_batch *batch = NULL;
            uint64_t made = 0;
            int status;

            if (!warm) { /* a handle that has to read the head first */
                pcct_store_close(s.store);
                OK(open_with(&s, &err));
            }
            OK(pcct_batch_begin(&batch, s.store, "main", &options, &err));
            saga_fill(batch, s.next);
            s.memory.taken = 0;
            s.memory.fail_at = n;
            status = pcct_batch_commit(&made, batch, "saga", &err);
            s.memory.fail_at = 0;
            CHECK(status == 0 || status == PCCT_E_MEMORY, "block %" PRId64 ": %s: %s", n, pcct_code_name(status), err.message);
            CHECK(head_of(s.store) == s.next - (status != 0), "head v%" PRIu64, head_of(s.store));
            if (status != 0) saga_expect(s.store, s.next - 1, 4);
            refusals += status != 0;
            if (status != 0 && n % 7 == 0) { /* the same batch again, now with memory */
                OK(pcct_batch_commit(&made, batch, "saga", &err));
                status = 0;
            }
            pcct_batch_close(batch);
            if (status == 0) saga_expect(s.store, s.next++, 4);
            if (status == 0 && n % 7 != 0 && s.memory.taken < n) break;
            CHECK(n < 100000, "no end");
        }
    }
    CHECK(refusals > 40, "only %" PRId64 " refusals", refusals);
    finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_from_it), cmocka_unit_test(refused_in_reading), cmocka_unit_test(refused_in_commits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
