/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"
#include "support_flushes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, COMMITS = 50 };

/* ---- the line alone --------------------------------------------------------------------------------------------------------------------------- */

struct worker {
    struct api_place place; /* first */
    struct api_line *line;
    pthread_t thread;
    int number, led;
    int *order, *count;     /* the leader's */
};

/* A leader that does the work of all who stand there, in their order. */
static void *work(void *ctx)
{
    struct worker *w = ctx;

    w->led = api_line_join(w->line, &w->place);
    if (w->led) {
        struct api_place *first = NULL, **end = &first;
        unsigned length = api_line_length(w->line);

        assert_ptr_equal(api_line_front(w->line), &w->place);
        for (; length > 0; length--) {
            struct worker *of = (struct worker *)api_line_front(w->line);

            api_line_take(w->line);
            of->order[(*of->count)++] = of->number;
            *end = &of->place;
            end = &of->place.next;
        }
        api_line_done(w->line, first);
    }
    api_line_leave(&w->place);
    return NULL;
}

static void the_line_is_in_order(void **state)
{
    struct worker worker[THREADS], me;
    struct api_line line;
    int order[THREADS + 1], count = 0, leaders = 0;

    (void)state;
    api_line_start(&line);
    assert_null(api_line_front(&line));
    me = (struct worker){ .line = &line };
    assert_int_equal(api_line_join(&line, &me.place), 1);
    for (int i = 0; i < THREADS; i++) {
        worker[i] = (struct worker){ .line = &line, .number = i, .order = order, .count = &count };
        assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
        while (api_line_length(&line) < (unsigned)i + 2) usleep(100); /* one after the other */
    }
    assert_int_equal(count, 0); /* while one leads, the others wait */
    api_line_take(&line);
    api_line_done(&line, &me.place);
    api_line_leave(&me.place);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(worker[i].thread, NULL), 0);
        leaders += worker[i].led;
    }
    assert_int_equal(count, THREADS);
    assert_int_equal(leaders, 1); /* the first of them, and it did all */
    assert_int_equal(worker[0].led, 1);
    for (int i = 0; i < THREADS; i++) assert_int_equal(order[i], i);
    api_line_stop(&line);
}

/* ---- commits that stand in it ----------------------------------------------------------------------------------------------------------------- */

struct committer {
    struct support_api *s;
    pthread_t thread;
    int number, commits, failed;
    const char *branch, *expect;
    uint64_t version[COMMITS];
    struct pcct_error err;
};

static void *commit(void *ctx)
{
    struct committer *c = ctx;
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;

    options.expect = c->expect;
    for (int i = 0; i < c->commits; i++) {
        const double point[2] = { c->number, i };
        const int64_t label = c->number * COMMITS + i;
        pcct_batch *batch = NULL;

        if (pcct_batch_begin(&batch, c->s->store, c->branch, &options, &c->err) != 0 ||
            pcct_batch_insert(batch, point, 1, &label, &c->err) != 0 || pcct_batch_commit(&c->version[i], batch, NULL, &c->err) != 0) {
            c->failed++;
        }
        pcct_batch_close(batch);
    }
    return NULL;
}

static void go(struct committer *c, size_t n)
{
    for (size_t i = 0; i < n; i++) assert_int_equal(pthread_create(&c[i].thread, NULL, commit, &c[i]), 0);
}

static void join(struct committer *c, size_t n)
{
    for (size_t i = 0; i < n; i++) assert_int_equal(pthread_join(c[i].thread, NULL), 0);
}

static struct committer committer(struct support_api *s, int number, int commits, const char *expect)
{
    return (struct committer){ .s = s, .number = number, .commits = commits, .branch = "main", .expect = expect };
}

/* Eight threads commit at once: each version is there, every thread's in its order, for far fewer flushes than three each. */
static void flushes_are_shared(void **state)
{
    struct committer c[THREADS];
    struct pcct_error err = { 0, "" };
    struct support_api s;
    uint8_t seen[THREADS * COMMITS + 1] = { 0 };
    pcct_view *view = NULL;

    (void)state;
    support_api_start(&s, "euclidean");
    for (int i = 0; i < THREADS; i++) c[i] = committer(&s, i, COMMITS, NULL);
    support_flushes = 0;
    go(c, THREADS);
    join(c, THREADS);
    assert_true(support_flushes < 3 * THREADS * COMMITS / 2);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(c[i].failed, 0);
        for (int j = 0; j < COMMITS; j++) {
            assert_true(c[i].version[j] >= 1 && c[i].version[j] <= THREADS * COMMITS && (j == 0 || c[i].version[j] > c[i].version[j - 1]));
            assert_int_equal(seen[c[i].version[j]]++, 0);
        }
    }
    for (int i = 0; i < THREADS; i++) { /* a version has what its commit put there */
        const int64_t label = i * COMMITS + COMMITS / 2;
        char name[32];
        double point[2];

        snprintf(name, sizeof name, "v%d", (int)c[i].version[COMMITS / 2]);
        support_ok(pcct_view_open(&view, s.store, name, &err), &err);
        support_ok(pcct_view_find(point, view, &label, 1, &err), &err);
        assert_true(point[0] >= i && point[0] <= i && point[1] >= COMMITS / 2 && point[1] <= COMMITS / 2);
        pcct_view_close(view);
        snprintf(name, sizeof name, "v%d~1", (int)c[i].version[COMMITS / 2]);
        support_ok(pcct_view_open(&view, s.store, name, &err), &err);
        assert_int_equal(pcct_view_find(point, view, &label, 1, &err), PCCT_E_UNKNOWN);
        pcct_view_close(view);
    }
    assert_int_equal(support_api_head(&s)->n_live, THREADS * COMMITS);
    support_api_finish(&s);
}

/* Has these commits stand in line before anybody may write. */
static void line_up(struct support_api *s, struct committer *c, size_t n)
{
    struct pcct_error err = { 0, "" };

    support_ok(store_lock(s->store->store, 1, &err), &err);
    for (size_t i = 0; i < n; i++) {
        go(c + i, 1);
        while (api_line_length(&s->store->line) < i + 1) usleep(100);
    }
}

/* In one group: of those that expect the same head the first wins; a label that is there already fails its own commit, another branch's waits. */
static void each_is_judged_by_itself(void **state)
{
    struct committer c[5];
    struct pcct_error err = { 0, "" };
    struct support_api s;
    uint64_t version = 0;

    (void)state;
    support_api_start(&s, "euclidean");
    support_api_commit(&s, (const double[2]){ 0.5, 0.5 }, (const int64_t[1]){ 1000 }, 1, NULL, 0);
    support_ok(pcct_branch_create(s.store, "other", "main", NULL, &err), &err);
    c[0] = committer(&s, 0, 1, "v1");
    c[1] = committer(&s, 1, 1, "v1"); /* v2 by then, which is not committed yet */
    c[2] = committer(&s, 0, 1, NULL); /* the label of the first */
    c[3] = committer(&s, 3, 1, "v2");
    c[4] = committer(&s, 4, 1, NULL);
    c[4].branch = "other";
    line_up(&s, c, 5);
    support_flushes = 0;
    store_unlock(s.store->store);
    join(c, 5);
    assert_int_equal(support_flushes, 6); /* main's, then other's */
    assert_int_equal(c[0].version[0], 2);
    assert_int_equal(c[1].err.code, PCCT_E_CONFLICT);
    assert_int_equal(c[2].err.code, PCCT_E_DUPLICATE);
    assert_int_equal(c[3].version[0], 3);
    assert_int_equal(c[4].version[0], 4);
    support_ok(store_head(&version, s.store->store, "main", &err), &err);
    assert_int_equal(version, 3);
    support_ok(index_check(support_api_head(&s), &err), &err);
    support_api_finish(&s);
}

/* A flush that fails: all whose frames it was for are told so, and none of them is there. */
static void a_failed_flush_fails_all(void **state)
{
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct committer c[4];
    struct pcct_error err = { 0, "" };
    struct support_api s;
    uint64_t version = 0;

    (void)state;
    support_api_start(&s, "euclidean");
    support_api_commit(&s, (const double[2]){ 0.5, 0.5 }, (const int64_t[1]){ 1000 }, 1, NULL, 0);
    for (int i = 0; i < 4; i++) c[i] = committer(&s, i, 1, NULL);
    line_up(&s, c, 4);
    s.store->os.fail_mask = UINT64_C(1) << BASE_OS_FDATASYNC;
    s.store->os.fail_at = 1;
    s.store->os.fail_errno = EIO;
    store_unlock(s.store->store);
    join(c, 4);
    s.store->os.fail_mask = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(c[i].failed, 1);
        assert_int_equal(c[i].err.code, PCCT_E_IO);
        assert_true(strlen(c[i].err.message) > 10);
    }
    support_ok(store_head(&version, s.store->store, "main", &err), &err);
    assert_int_equal(version, 1);
    pcct_store_close(s.store);
    open.allocator = &s.env.env.memory;
    support_ok(pcct_store_open(&s.store, s.path, &open, &err), &err);
    assert_int_equal(support_api_commit(&s, (const double[2]){ 1.5, 0.5 }, NULL, 1, NULL, 0), 2);
    support_ok(index_check(support_api_head(&s), &err), &err);
    support_api_finish(&s);
}

/* A child that is forked while others stand in line closes the store; theirs go on. */
static void a_forked_child_closes_the_store(void **state)
{
    struct committer c[2];
    struct pcct_error err = { 0, "" };
    struct support_api s;
    uint64_t version = 0;
    int status = 0;
    pid_t child;

    (void)state;
    support_api_start(&s, "euclidean");
    for (int i = 0; i < 2; i++) c[i] = committer(&s, i, 1, NULL);
    line_up(&s, c, 2);
    child = fork();
    if (child == 0) {
        pcct_batch *batch = NULL;

        if (pcct_batch_begin(&batch, s.store, "main", NULL, NULL) == 0) status = pcct_batch_commit(&version, batch, NULL, NULL) != PCCT_E_FORKED;
        pcct_batch_close(batch);
        pcct_store_close(s.store);
        _exit(status);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store_unlock(s.store->store);
    join(c, 2);
    support_ok(store_head(&version, s.store->store, "main", &err), &err);
    assert_int_equal(version, 2);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_is_in_order), cmocka_unit_test(flushes_are_shared), cmocka_unit_test(each_is_judged_by_itself),
        cmocka_unit_test(a_failed_flush_fails_all), cmocka_unit_test(a_forked_child_closes_the_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
