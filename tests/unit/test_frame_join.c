/* SPDX-License-Identifier: Apache-2.0 */
#include "index/frame_join.h"

#include "support_index.h"

#include <string.h>

enum { FRAMES_MAX = 7 };

/* A state that frames are made on, the frames since as a reader has them, and a state that follows by what they come to. */
struct world {
    struct support_index made;
    struct index_state followed;
    struct index_frame frame[FRAMES_MAX];
    const struct index_frame *list[FRAMES_MAX];
    size_t n;
    struct base_random random;
};

static void start(struct world *w, const char *metric, uint32_t dim, int threads)
{
    memset(w, 0, sizeof *w);
    base_random_seed(&w->random, 11 * dim + (uint64_t)threads);
    support_index_start(&w->made, metric, dim, threads);
    index_init(&w->followed, &w->made.support.env, &w->made.metric, 7);
}

static void forget(struct world *w)
{
    while (w->n > 0) index_frame_free(&w->frame[--w->n]);
}

static void finish(struct world *w)
{
    forget(w);
    index_free(&w->followed);
    support_index_free(&w->made);
}

/* One batch; its frame goes through its bytes. */
static void batch(struct world *w, enum support_kind kind, size_t n, enum support_pick pick, size_t n_dead)
{
    struct index_frame sealed, *frame = &w->frame[w->n];
    struct base_vector bytes = { .item_bytes = 1 };
    const struct base_env *env = &w->made.support.env;
    struct pcct_error err = { 0, "" };

    index_frame_init(&sealed, env);
    index_frame_init(frame, env);
    support_index_batch(&w->made, &sealed, kind, n, pick, n_dead, &w->random);
    support_ok(index_frame_encode(&bytes, &sealed, &w->made.metric, &err), &err);
    support_ok(index_frame_decode(frame, bytes.memory.data, bytes.count, &w->made.metric, &err), &err);
    w->list[w->n++] = frame;
    base_vector_free(&bytes, env);
    index_frame_free(&sealed);
}

static int join(struct index_frame *joined, struct world *w, struct pcct_error *err)
{
    index_frame_init(joined, &w->made.support.env);
    return index_frame_join(joined, w->list, w->n, &w->made.metric, err);
}

/* Applies the frames as one. Returns how many rows came and went. */
static uint32_t follow(struct world *w)
{
    struct pcct_error err = { 0, "" };
    struct index_frame joined;
    uint32_t passing;

    support_ok(join(&joined, w, &err), &err);
    passing = joined.passing;
    for (size_t i = 1; i < joined.change.count; i++) {
        const struct index_change *change = joined.change.memory.data;

        assert_true(change[i - 1].node < change[i].node);
    }
    support_ok(index_apply(&w->followed, &joined, &err), &err);
    support_state_equal(&w->followed, &w->made.state);
    support_index_sound(&w->followed);
    index_frame_free(&joined);
    forget(w);
    return passing;
}

static void run(const char *metric, uint32_t dim, enum support_kind kind, int threads)
{
    struct world w;
    uint32_t passing = 0;

    start(&w, metric, dim, threads);
    for (int i = 0; i < 12; i++) {
        size_t frames = 1 + base_random_below(&w.random, FRAMES_MAX);

        while (w.n < frames) {
            batch(&w, kind, base_random_below(&w.random, 60), (enum support_pick)(base_random_below(&w.random, SUPPORT_PICKS)),
                  base_random_below(&w.random, 40));
        }
        passing += follow(&w);
    }
    assert_true(passing > 0);
    finish(&w);
}

static void frames_come_to_what_they_make_one_by_one(void **state)
{
    (void)state;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) run("euclidean", 1 + (uint32_t)kind % 3, (enum support_kind)kind, 1 + kind % 4);
    run("haversine", 2, SUPPORT_GAUSS, 2);
    run("haversine", 2, SUPPORT_LATTICE, 1);
    run("custom", 2, SUPPORT_BOX, 2);
}

/* Rows of several pieces, changed by all threads; what comes of it does not depend on them. */
static void rows_of_several_pieces(void **state)
{
    const size_t n = 140000;

    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct support_env env;
        struct metric metric;
        struct index_frame part[3], joined;
        const struct index_frame *list[3] = { &part[0], &part[1], &part[2] };
        struct index_change *change = NULL;
        struct pcct_error err = { 0, "" };

        support_env_start(&env, threads);
        support_ok(metric_init(&metric, "euclidean", 2, METRIC_ISA_BEST, &err), &err);
        for (uint32_t f = 0; f < 3; f++) {
            index_frame_init(&part[f], &env.env);
            part[f].n_before = part[f].n_after = part[f].live_before = part[f].live_after = (uint32_t)n;
            support_ok(base_vector_add(&change, &part[f].change, &env.env, n / 1000, &err), &err);
            for (uint32_t i = 0; i < n / 1000; i++) {
                /* frames 0 and 2 change the same rows there and back, every other one */
                uint32_t node = f == 1 ? 1000 * i + 1 : 1000 * i;
                struct index_row was = { 0, 0, f == 2 ? 5 : 4, 1000, 0 }, is = was;

                is.parent = f == 2 && i % 2 == 0 ? 4 : f == 2 ? 6 : 5;
                change[i] = (struct index_change){ node, was, is };
            }
            part[f].sealed = 1;
        }
        index_frame_init(&joined, &env.env);
        support_ok(index_frame_join(&joined, list, 3, &metric, &err), &err);
        change = joined.change.memory.data;
        assert_int_equal(joined.change.count, 70 + 140);
        for (size_t i = 0, at = 0; i < 140; i++) {
            if (i % 2 == 1) {
                assert_int_equal(change[at].node, 1000 * i);
                assert_int_equal(change[at].before.parent, 4);
                assert_int_equal(change[at++].after.parent, 6);
            }
            assert_int_equal(change[at].node, 1000 * i + 1);
            assert_int_equal(change[at].before.parent, 4);
            assert_int_equal(change[at++].after.parent, 5);
        }
        for (uint32_t f = 0; f < 3; f++) index_frame_free(&part[f]);
        index_frame_free(&joined);
        support_env_finish(&env);
    }
}

static void expect_damaged(struct world *w, const char *what)
{
    struct pcct_error err = { 0, "" };
    struct index_frame joined;

    assert_int_equal(join(&joined, w, &err), PCCT_E_DAMAGED);
    if (!strstr(err.message, what)) fail_msg("%s", err.message);
    assert_true(!joined.sealed && joined.change.count == 0);
}

/* Each mistake is made, told, and taken back; then the frames go through. */
static void frames_that_do_not_follow(void **state)
{
    const struct index_frame *kept;
    struct index_change *change;
    struct world w;
    int found = 0;

    (void)state;
    start(&w, "euclidean", 2, 2);
    batch(&w, SUPPORT_BOX, 300, SUPPORT_PICK_ANY, 0);
    (void)follow(&w);
    batch(&w, SUPPORT_BOX, 50, SUPPORT_PICK_ANY, 30);
    batch(&w, SUPPORT_BOX, 50, SUPPORT_PICK_ANY, 30);
    batch(&w, SUPPORT_BOX, 50, SUPPORT_PICK_ANY, 120);

    kept = w.list[1];
    w.list[1] = w.list[2];
    expect_damaged(&w, "does not begin with");
    w.list[1] = kept;
    w.frame[1].digest_before[INDEX_LEVEL]++;
    expect_damaged(&w, "does not begin with");
    w.frame[1].digest_before[INDEX_LEVEL]--;
    w.frame[2].renumbered_from = w.frame[2].n_before + 1;
    expect_damaged(&w, "does not begin with");
    w.frame[2].renumbered_from = 0;

    /* a row that was added by an earlier frame */
    change = w.frame[2].change.memory.data;
    for (size_t i = 0; i < w.frame[2].change.count && !found; i++) {
        if (change[i].node < w.frame[0].n_before || change[i].after.level != INDEX_LEVEL_DEAD) continue;
        found = 1;
        change[i].before.level = (int16_t)(change[i].before.level + 1);
        expect_damaged(&w, "the old values in one are not");
        change[i].before.level = (int16_t)(change[i].before.level - 1);
        for (size_t g = 0; g < w.frame[2].gone.count; g++) {
            int64_t *label = (int64_t *)w.frame[2].gone_label.memory.data + g;

            if (((const uint32_t *)w.frame[2].gone.memory.data)[g] != change[i].node) continue;
            ++*label;
            expect_damaged(&w, "a deleted label is not");
            --*label;
        }
    }
    assert_true(found);

    /* a row that died in an earlier one */
    change = w.frame[2].change.memory.data;
    found = 0;
    for (size_t i = 0; i < w.frame[2].change.count && !found; i++) {
        uint32_t dead = ((const uint32_t *)w.frame[0].gone.memory.data)[0], node = change[i].node;

        if (node < dead || (i > 0 && change[i - 1].node >= dead)) continue;
        found = 1;
        change[i].node = dead;
        expect_damaged(&w, "a row that is not live");
        change[i].node = node;
    }
    assert_true(found);
    (void)follow(&w);
    finish(&w);
}

/* What is told of rows that came and went must be what it is for the dead, and as many as were counted. */
static void passing_rows_are_checked(void **state)
{
    struct pcct_error err = { 0, "" };
    struct index_frame joined;
    struct index_row *added;
    struct world w;
    size_t dead = 0;

    (void)state;
    start(&w, "euclidean", 2, 2);
    batch(&w, SUPPORT_BOX, 60, SUPPORT_PICK_ANY, 0);
    batch(&w, SUPPORT_BOX, 10, SUPPORT_PICK_ANY, 30);
    support_ok(join(&joined, &w, &err), &err);
    added = joined.added.memory.data;
    while (added[dead].level != INDEX_LEVEL_DEAD) dead++;
    added[dead].radius = 1;
    assert_int_equal(index_apply(&w.followed, &joined, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "a dead row keeps"));
    added[dead].radius = 0;
    joined.passing--;
    joined.live_after++;
    assert_int_equal(index_apply(&w.followed, &joined, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "contradict"));
    joined.passing++;
    joined.live_after--;
    support_ok(index_apply(&w.followed, &joined, &err), &err);
    support_state_equal(&w.followed, &w.made.state);
    index_frame_free(&joined);
    finish(&w);
}

static int join_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct index_frame joined;
    int status = join(&joined, ctx, err);

    (void)env;
    if (status == 0) index_frame_free(&joined);
    return status;
}

static void memory_runs_out(void **state)
{
    struct world w;

    (void)state;
    start(&w, "euclidean", 2, 2);
    batch(&w, SUPPORT_BOX, 60, SUPPORT_PICK_ANY, 0);
    batch(&w, SUPPORT_BOX, 60, SUPPORT_PICK_ANY, 20);
    assert_int_equal(support_fail_each(&w.made.support, join_once, &w), 10);
    (void)follow(&w);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_to_what_they_make_one_by_one),
        cmocka_unit_test(rows_of_several_pieces),
        cmocka_unit_test(frames_that_do_not_follow),
        cmocka_unit_test(passing_rows_are_checked),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
