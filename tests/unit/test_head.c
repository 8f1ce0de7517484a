/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include "api/head.h"
#include "api/keeper.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EACH = 50 };

static uint64_t commit_some(struct support_api *s, uint64_t seed)
{
    double points[2 * EACH];

    support_points(points, EACH, 2, SUPPORT_GRID, seed);
    return support_api_commit(s, points, NULL, EACH, NULL, 0);
}

static pcct_view *open_view(pcct_store *store, const char *revision)
{
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;

    support_ok(pcct_view_open(&view, store, revision, &err), &err);
    return view;
}

/* A state is whole, and has the digests that opening its version by another handle gives. */
static void expect_sound(struct support_api *s, const pcct_view *view)
{
    struct pcct_error err = { 0, "" };
    struct index_state opened;

    support_ok(index_check(&view->state, &err), &err);
    support_ok(api_state_open(&opened, NULL, NULL, s->store, &s->store->env, view->record.version, &err), &err);
    if (view->record.version > 0) assert_memory_equal(opened.digest, view->state.digest, sizeof opened.digest);
    assert_int_equal(opened.n_live, view->state.n_live);
    index_free(&opened);
}

/* While nobody asks one view is enough; somebody who asks gets the one that the writer has, without opening anything. */
static void one_view_while_nobody_asks(void **state)
{
    struct support_api s;
    pcct_view *shown, *got;

    (void)state;
    support_api_start(&s, "euclidean");
    commit_some(&s, 1);
    shown = s.store->heads.shown;
    assert_non_null(shown);
    commit_some(&s, 2);
    assert_ptr_equal(s.store->heads.shown, shown);
    assert_null(s.store->heads.spare);
    got = open_view(s.store, "main");
    assert_ptr_equal(got, shown);
    assert_int_equal(got->record.version, 2);
    expect_sound(&s, got);
    pcct_view_close(got);
    support_api_finish(&s);
}

/* A reader who holds the head is not touched by commits, which get along with a third view and then with two by turns. */
static void commits_wait_for_no_reader(void **state)
{
    struct support_api s;
    pcct_view *held[4];

    (void)state;
    support_api_start(&s, "euclidean");
    commit_some(&s, 1);
    for (uint64_t v = 1; v <= 4; v++) {
        held[v - 1] = open_view(s.store, NULL);
        assert_int_equal(held[v - 1]->record.version, v);
        commit_some(&s, v + 1);
        for (uint64_t w = 1; w <= v; w++) {
            assert_int_equal(held[w - 1]->record.version, w);
            assert_int_equal(held[w - 1]->state.n_live, w * EACH);
        }
    }
    for (int i = 0; i < 4; i++) {
        expect_sound(&s, held[i]);
        pcct_view_close(held[i]);
    }
    for (uint64_t v = 6; v < 10; v++) { /* nobody holds one now: the two take turns */
        pcct_view *before = s.store->heads.shown;

        pcct_view_close(open_view(s.store, "main"));
        commit_some(&s, v);
        api_keeper_wait(s.store);
        assert_ptr_equal(s.store->heads.spare, before);
        assert_int_equal(before->record.version, v); /* and the keeper has brought the spare there too */
        expect_sound(&s, before);
        expect_sound(&s, s.store->heads.shown);
    }
    support_api_finish(&s);
}

static void the_second_view_goes_when_nobody_asks_any_more(void **state)
{
    struct support_api s;
    int commits = 0;

    (void)state;
    support_api_start(&s, "euclidean");
    commit_some(&s, 1);
    pcct_view_close(open_view(s.store, "main"));
    do {
        support_api_commit(&s, NULL, NULL, 0, NULL, 0);
        api_keeper_wait(s.store);
    } while (s.store->heads.spare && ++commits < 1000);
    assert_in_range(commits, 10, 100);
    support_api_commit(&s, NULL, NULL, 0, NULL, 0);
    assert_null(s.store->heads.spare);
    expect_sound(&s, s.store->heads.shown);
    support_api_finish(&s);
}

/* A view that is changed while nobody has it loses the table of labels when its rows are renumbered: whoever asks for labels then gets another. */
static void labels_are_those_of_the_version(void **state)
{
    struct pcct_error err = { 0, "" };
    struct support_api s;
    enum { MANY = 600 };
    int64_t label[MANY];
    double points[2 * MANY];
    int renumbered = 0;

    (void)state;
    support_api_start(&s, "euclidean");
    support_points(points, MANY, 2, SUPPORT_GRID, 1);
    support_api_commit(&s, points, NULL, MANY, NULL, 0);
    for (int64_t i = 1; i < 20; i++) {
        support_points(points, MANY, 2, SUPPORT_GRID, (uint64_t)i + 1);
        for (int64_t j = 0; j < MANY; j++) label[j] = (i - 1) * MANY + j;
        support_api_commit(&s, points, NULL, MANY, label, MANY);
        for (int empty = 0; empty < 2; empty++) { /* the one that renumbers looks up no label */
            pcct_view *view = open_view(s.store, "main");

            for (int64_t j = 0; j < MANY; j++) label[j] = i * MANY + j;
            support_ok(pcct_view_find(points, view, label, MANY, &err), &err);
            for (int64_t j = 0; j < MANY; j++) label[j] -= MANY;
            assert_int_equal(pcct_view_find(points, view, label, 1, &err), PCCT_E_UNKNOWN);
            renumbered += empty && view->state.n == view->state.n_live;
            pcct_view_close(view);
            if (!empty) support_api_commit(&s, NULL, NULL, 0, NULL, 0);
        }
    }
    assert_true(renumbered > 5);
    support_api_finish(&s);
}

/* A commit that fails leaves the view as it was, shown; one that forgets it leaves the next one to open it anew. */
static void a_failed_commit_shows_nothing_new(void **state)
{
    static const int64_t missing[1] = { 12345 };
    struct pcct_error err = { 0, "" };
    struct support_api s;
    pcct_batch *batch = NULL;
    pcct_view *view;

    (void)state;
    support_api_start(&s, "euclidean");
    commit_some(&s, 1);
    for (int asked = 0; asked < 2; asked++) {
        if (asked) pcct_view_close(open_view(s.store, "main"));
        support_ok(pcct_batch_begin(&batch, s.store, "main", NULL, &err), &err);
        support_ok(pcct_batch_delete(batch, missing, 1, &err), &err);
        assert_int_equal(pcct_batch_commit(NULL, batch, NULL, &err), PCCT_E_UNKNOWN);
        pcct_batch_close(batch);
        assert_null(s.store->head);
        view = open_view(s.store, "main");
        assert_ptr_equal(view, s.store->heads.shown);
        expect_sound(&s, view);
        pcct_view_close(view);
    }
    support_ok(store_lock(s.store->store, 1, &err), &err);
    support_ok(api_head_begin(s.store, 1, &err), &err);
    api_head_drop(s.store);
    store_unlock(s.store->store);
    assert_null(s.store->heads.writing);
    assert_int_equal(commit_some(&s, 2), 2);
    expect_sound(&s, s.store->heads.shown);
    support_api_finish(&s);
}

/* Another handle follows by the frames: in place while nobody holds the view, else with a second one. */
static void readers_follow(void **state)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct support_api s;
    pcct_store *other = NULL;
    pcct_view *view, *first, *held;

    (void)state;
    support_api_start(&s, "euclidean");
    options.allocator = &s.env.env.memory;
    options.threads = 2;
    support_ok(pcct_store_open(&other, s.path, &options, &err), &err);
    commit_some(&s, 1);
    first = open_view(other, "main");
    pcct_view_close(first);
    for (uint64_t v = 2; v < 5; v++) {
        commit_some(&s, v);
        view = open_view(other, "main");
        assert_ptr_equal(view, first);
        assert_int_equal(view->record.version, v);
        expect_sound(&s, view);
        pcct_view_close(view);
    }
    held = open_view(other, "main");
    for (uint64_t v = 5; v < 9; v++) {
        commit_some(&s, v);
        view = open_view(other, "main");
        assert_int_equal(view->record.version, v);
        expect_sound(&s, view);
        assert_int_equal(held->record.version, 4);
        expect_sound(&s, held);
        pcct_view_close(view);
    }
    pcct_view_close(held);
    pcct_store_close(other);
    support_api_finish(&s);
}

/* A view that was asked by label and then follows in place finds the labels that have come, whatever their order. */
static void labels_follow(void **state)
{
    static const double points[6] = { 0, 0, 1, 1, 2, 2 };
    static const int64_t first[2] = { 5, 6 }, then[1] = { 3 };
    struct pcct_error err = { 0, "" };
    struct support_api s;
    pcct_store *other = NULL;
    double got[2] = { 0, 0 };
    pcct_view *view;

    (void)state;
    support_api_start(&s, "euclidean");
    support_api_commit(&s, points, first, 2, NULL, 0);
    support_ok(pcct_store_open(&other, s.path, NULL, &err), &err);
    view = open_view(other, "main");
    support_ok(pcct_view_find(got, view, first, 1, &err), &err);
    pcct_view_close(view);
    support_api_commit(&s, points + 4, then, 1, NULL, 0);
    view = open_view(other, "main");
    support_ok(pcct_view_find(got, view, then, 1, &err), &err);
    assert_true(got[0] == 2 && got[1] == 2);
    pcct_view_close(view);
    pcct_store_close(other);
    support_api_finish(&s);
}

/* Versions that are open are shared, whoever asks by whatever name; closed by all, they are gone. */
static void open_versions_are_shared(void **state)
{
    struct support_api s;
    pcct_view *a, *b, *c;

    (void)state;
    support_api_start(&s, "euclidean");
    commit_some(&s, 1);
    commit_some(&s, 2);
    a = open_view(s.store, "v1");
    b = open_view(s.store, "main~1");
    c = open_view(s.store, "v2");
    assert_ptr_equal(a, b);
    assert_ptr_equal(c, s.store->heads.shown);
    pcct_view_close(a);
    expect_sound(&s, b);
    pcct_view_close(b);
    pcct_view_close(c);
    assert_null(api_view_find(s.store, 1));
    support_api_finish(&s);
}

/* A forked child may go on asking what is open, by one thread, and everything else tells it to open the store anew. */
static void after_a_fork(void **state)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct support_api s;
    double points[2 * 5000], distance[2000], expected[2000];
    int64_t label[2000];
    pcct_view *view, *other = NULL;
    int status = 0;
    pid_t child;

    (void)state;
    support_api_start(&s, "euclidean");
    support_points(points, 5000, 2, SUPPORT_UNIFORM, 4);
    support_api_commit(&s, points, NULL, 5000, NULL, 0);
    view = open_view(s.store, "main");
    support_ok(pcct_knn(label, expected, view, points, 1000, 2, NULL, &err), &err); /* libgomp has its threads now */
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pcct_store *again = NULL;
        int bad = pcct_knn(label, distance, view, points, 1000, 2, NULL, &err) != 0 || memcmp(distance, expected, sizeof distance) != 0;

        alarm(30); /* a hang is a failure too */
        bad |= pcct_view_open(&other, s.store, "main", &err) != PCCT_E_FORKED;
        bad |= pcct_store_open(&again, s.path, &options, &err) != 0;
        bad |= pcct_view_open(&other, again, "main", &err) != 0;
        pcct_view_close(other);
        pcct_store_close(again);
        pcct_view_close(view);
        pcct_store_close(s.store);
        _exit(bad);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    pcct_view_close(view);
    commit_some(&s, 2); /* the child's closing took nothing from the parent */
    support_api_finish(&s);
}

struct asking {
    struct support_api s;
    pcct_store *other;
};

/* Follows once: what is shown is at v1. */
static int follow(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct asking *a = ctx;
    pcct_view *view = NULL;
    int status = pcct_view_open(&view, a->other, "main", err);

    (void)env;
    pcct_view_close(view);
    if (status == 0) return 0;
    pthread_mutex_lock(&a->other->heads.mutex); /* so that each try begins with nothing: what was there may have been given up */
    pcct_view_close((pcct_view *)store_publish_swap(a->other->heads.publish, NULL));
    a->other->heads.shown = NULL;
    pthread_mutex_unlock(&a->other->heads.mutex);
    return status;
}

static void memory_runs_out(void **state)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct asking a = { .other = NULL };

    (void)state;
    support_api_start(&a.s, "euclidean");
    options.allocator = &a.s.env.env.memory;
    options.threads = 1;
    commit_some(&a.s, 1);
    support_ok(pcct_store_open(&a.other, a.s.path, &options, &err), &err);
    support_ok(follow(&a, NULL, &err), &err); /* the table of pins stays */
    pcct_view_close((pcct_view *)store_publish_swap(a.other->heads.publish, NULL));
    a.other->heads.shown = NULL;
    assert_true(support_fail_each(&a.s.env, follow, &a) > 3);
    pcct_store_close(a.other);
    support_api_finish(&a.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_view_while_nobody_asks), cmocka_unit_test(commits_wait_for_no_reader),
        cmocka_unit_test(the_second_view_goes_when_nobody_asks_any_more), cmocka_unit_test(labels_are_those_of_the_version),
        cmocka_unit_test(a_failed_commit_shows_nothing_new),
        cmocka_unit_test(readers_follow), cmocka_unit_test(labels_follow), cmocka_unit_test(open_versions_are_shared),
        cmocka_unit_test(after_a_fork), cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
