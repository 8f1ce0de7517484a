/* SPDX-License-Identifier: Apache-2.0 */
#include "index/renumber.h"

#include "support_tree.h"

#include "index/links.h"
#include "query/knn.h"

#include <stdlib.h>
#include <string.h>

/* A state, the naive tree, and a state that follows by the bytes of the frames alone. */
struct world {
    struct support_env env, other_env;
    struct metric metric;
    struct index_state state, follower;
    struct support_tree tree;
    struct base_random random;
    enum support_kind kind;
    int naive;             /* 0: too large for the naive tree */
    struct base_hash128 history; /* of the bytes of all frames */
};

static void start(struct world *w, const char *metric, uint32_t dim, enum support_kind kind, int threads, int naive)
{
    struct pcct_error err = { 0, "" };

    memset(w, 0, sizeof *w);
    w->kind = kind;
    w->naive = naive;
    base_random_seed(&w->random, 40 + (uint64_t)kind);
    support_env_start(&w->env, threads);
    support_env_start(&w->other_env, 3 - threads % 2);
    support_ok(metric_init(&w->metric, metric, dim, METRIC_ISA_BEST, &err), &err);
    support_tree_start(&w->tree, &w->metric, 7);
    index_init(&w->state, &w->env.env, &w->metric, 7);
    index_init(&w->follower, &w->other_env.env, &w->metric, 7);
}

static void finish(struct world *w)
{
    index_free(&w->state);
    index_free(&w->follower);
    support_tree_free(&w->tree);
    support_env_finish(&w->env);
    support_env_finish(&w->other_env);
}

static void expect_sound(const struct index_state *state)
{
    struct pcct_error err = { 0, "" };

    support_ok(index_check(state, &err), &err);
}

/* The naive tree renumbered: row by row, parents looked up by label. */
static void renumber_tree(struct support_tree *tree)
{
    uint32_t *number = calloc((size_t)tree->n + 1, sizeof *number), n = 0;

    assert_non_null(number);
    for (uint32_t i = 0; i < tree->n; i++) {
        if (tree->level[i] == INDEX_LEVEL_DEAD) continue;
        number[i] = n;
        memmove(tree->place + (size_t)n * tree->metric.dim, tree->place + (size_t)i * tree->metric.dim, tree->metric.dim * sizeof(double));
        tree->label[n] = tree->label[i];
        tree->level[n] = tree->level[i];
        tree->parent[n++] = tree->parent[i];
    }
    for (uint32_t i = 0; i < n; i++) tree->parent[i] = tree->parent[i] == INDEX_NONE ? INDEX_NONE : number[tree->parent[i]];
    tree->root = tree->root == INDEX_NONE ? INDEX_NONE : number[tree->root];
    tree->n = n;
    free(number);
}

/* Applies a frame by way of its bytes. */
static int follow(struct index_state *state, struct base_hash128 *history, const struct index_frame *frame, struct pcct_error *err)
{
    struct base_vector bytes = { .item_bytes = 1 };
    struct index_frame decoded;
    struct base_hasher *hasher = NULL;
    int status = 0;

    index_frame_init(&decoded, state->env);
    TRY(index_frame_encode(&bytes, frame, &state->metric, err));
    TRY(index_frame_decode(&decoded, bytes.memory.data, bytes.count, &state->metric, err));
    assert_int_equal(decoded.renumbered_from, frame->renumbered_from);
    TRY(index_apply(state, &decoded, err));
    if (history) {
        TRY(base_hasher_new(&hasher, state->env, err));
        base_hasher_feed(hasher, history, sizeof *history);
        base_hasher_feed(hasher, bytes.memory.data, bytes.count);
        *history = base_hasher_128(hasher);
    }
done:
    base_hasher_free(hasher, state->env);
    index_frame_free(&decoded);
    base_vector_free(&bytes, frame->env);
    return status;
}

/* Points not used before, numbered on whatever the rows are. */
static void make_batch(struct support_batch *batch, struct world *w, size_t n, uint32_t *dead, size_t n_dead)
{
    uint32_t first = (uint32_t)(w->state.next_label + 7) / 8 * 8;

    support_batch_start(batch, &w->metric, w->kind, first, n, dead, n_dead, 3);
}

/* A commit: the frame, which stays with the caller, begins with a renumbering or not; not where there is nothing to drop. */
static void commit(struct index_frame *frame, struct world *w, int renumber, size_t n, enum support_pick pick, size_t n_dead)
{
    struct support_batch batch;
    struct pcct_error err = { 0, "" };
    uint32_t *dead = NULL;
    size_t buried;

    index_frame_init(frame, &w->env.env);
    if (renumber && w->state.n > w->state.n_live) {
        frame->renumbered_from = w->state.n;
        support_ok(index_renumber(&w->state, &err), &err);
        if (w->naive) renumber_tree(&w->tree);
    }
    buried = n_dead > 0 ? support_pick_nodes(&dead, &w->state, pick, n_dead, &w->random) : 0;
    make_batch(&batch, w, n, dead, buried);
    index_frame_begin(frame, &w->state);
    support_ok(tree_update(&w->state, &batch.tree, &err), &err);
    support_ok(index_frame_seal(frame, &w->state, &err), &err);
    if (w->naive) {
        support_tree_update(&w->tree, &batch.tree);
        support_tree_expect(&w->tree, &w->state);
    }
    support_batch_free(&batch);
    free(dead);
}

static void commit_both(struct world *w, int renumber, size_t n, enum support_pick pick, size_t n_dead)
{
    struct index_frame frame;
    struct pcct_error err = { 0, "" };

    commit(&frame, w, renumber, n, pick, n_dead);
    support_ok(follow(&w->follower, &w->history, &frame, &err), &err);
    support_state_equal(&w->follower, &w->state);
    index_frame_free(&frame);
}

/* ---- what stays and what moves ------------------------------------------------------------------------------------------------------------ */

enum { QUERIES = 40, K = 7 };

struct answers {
    int64_t label[QUERIES * K];
    double distance[QUERIES * K];
};

static void ask(struct answers *answers, const struct world *w, const struct index_state *state)
{
    double queries[QUERIES * 3];
    double *rows = calloc(QUERIES * 3, sizeof *rows);
    struct query_batch batch = { .queries = queries, .nq = QUERIES, .k = K };
    struct pcct_error err = { 0, "" };

    assert_non_null(rows);
    assert_true(w->metric.dim <= 3);
    support_kind_points(rows, &w->metric, w->kind, 100000, QUERIES, 3);
    if (w->metric.embeds) metric_embed(queries, &w->metric, rows, QUERIES);
    else memcpy(queries, rows, QUERIES * w->metric.dim * sizeof *rows);
    support_ok(query_knn(answers->label, answers->distance, NULL, state, &batch, state->env, NULL, &err), &err);
    free(rows);
}

/* Row by row: `after` is `before` without its dead rows. */
static void expect_moved(const struct index_state *before, const struct index_state *after)
{
    size_t dim = before->metric.input_dim, inner = before->metric.dim;
    uint32_t at = 0;

    assert_int_equal(after->n, before->n_live);
    assert_int_equal(after->n_live, before->n_live);
    assert_int_equal(after->next_label, before->next_label);
    assert_int_equal(after->twins, before->twins);
    assert_memory_equal(after->level_count, before->level_count, sizeof after->level_count);
    for (uint32_t node = 0; node < before->n; node++) {
        uint32_t parent = index_parent(before)[node];

        if (!index_is_live(before, node)) continue;
        assert_memory_equal(index_points(after) + at * dim, index_points(before) + node * dim, dim * sizeof(double));
        assert_memory_equal(index_place(after, at), index_place(before, node), inner * sizeof(double));
        assert_int_equal(index_label(after)[at], index_label(before)[node]);
        assert_int_equal(index_level(after)[at], index_level(before)[node]);
        assert_true(index_radius(after)[at] == index_radius(before)[node] && index_pdist(after)[at] == index_pdist(before)[node]);
        if (node == before->root) assert_int_equal(after->root, at);
        if (parent != INDEX_NONE) assert_int_equal(index_label(after)[index_parent(after)[at]], index_label(before)[parent]);
        else assert_int_equal(index_parent(after)[at], INDEX_NONE);
        at++;
    }
    assert_int_equal(at, after->n);
    assert_true((after->root == INDEX_NONE) == (before->root == INDEX_NONE));
}

/* Labels, live and dead ones, find what they found. */
static void expect_labels(struct index_state *before, struct index_state *after)
{
    struct pcct_error err = { 0, "" };
    uint32_t a, b;

    for (uint32_t node = 0; node < before->n; node++) {
        int64_t label = index_label(before)[node];

        support_ok(index_find(&a, before, label, &err), &err);
        support_ok(index_find(&b, after, label, &err), &err);
        assert_true((a == INDEX_NONE) == (b == INDEX_NONE));
        if (b != INDEX_NONE) assert_true(b < after->n && index_label(after)[b] == label && index_is_live(after, b));
    }
}

static void turn_over(const char *metric, uint32_t dim, enum support_kind kind, int threads)
{
    struct world w;

    start(&w, metric, dim, kind, threads, 1);
    commit_both(&w, 0, 200, SUPPORT_PICK_ANY, 0);
    for (int round = 0; round < 5; round++) {
        struct answers asked, answered;
        struct index_state before, built;
        struct pcct_error err = { 0, "" };

        commit_both(&w, 0, 40, (enum support_pick)(round % SUPPORT_PICK_ALL), 30 + base_random_below(&w.random, 60));
        support_state_copy(&before, &w.state);
        support_ok(index_labels_prepare(&w.state, &err), &err);
        ask(&asked, &w, &w.state);
        commit_both(&w, 1, 0, SUPPORT_PICK_ANY, 0); /* nothing but a renumbering */
        expect_moved(&before, &w.state);
        expect_sound(&w.state);
        expect_sound(&w.follower);
        expect_labels(&before, &w.state);
        ask(&answered, &w, &w.state);
        assert_memory_equal(&asked, &answered, sizeof asked);
        ask(&answered, &w, &w.follower);
        assert_memory_equal(&asked, &answered, sizeof asked);
        support_state_copy(&built, &w.state); /* lists, layout and digests made anew from the rest are the same */
        support_ok(index_links_rebuild(&built, &err), &err);
        support_state_equal(&built, &w.state);
        support_ok(index_rebuild_layout(&built, &err), &err);
        expect_sound(&built);
        index_free(&built);
        index_free(&before);
        commit_both(&w, 0, 60, SUPPORT_PICK_ROOT, 20);
        commit_both(&w, 1, 60, SUPPORT_PICK_ROOT, 20);
        expect_sound(&w.state);
        expect_sound(&w.follower);
    }
    finish(&w);
}

static void test_only_numbers_change(void **state)
{
    (void)state;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) turn_over("euclidean", 1 + (uint32_t)kind % 3, (enum support_kind)kind, 1 + kind % 4);
    turn_over("haversine", 2, SUPPORT_GAUSS, 2);
    turn_over("haversine", 2, SUPPORT_LATTICE, 1);
}

/* Large enough that every step is cut into pieces; the same bytes from every number of threads. */
static void test_threads(void **state)
{
    struct base_hash128 first = { { 0 } };

    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct world w;

        start(&w, "euclidean", 2, SUPPORT_LATTICE, threads, 0);
        commit_both(&w, 0, 14000, SUPPORT_PICK_ANY, 0);
        commit_both(&w, 0, 0, SUPPORT_PICK_ANY, 4000);
        commit_both(&w, 1, 3000, SUPPORT_PICK_ANY, 2000);
        assert_int_equal(w.state.n, 13000);
        commit_both(&w, 1, 500, SUPPORT_PICK_ROOT, 1);
        expect_sound(&w.state);
        expect_sound(&w.follower);
        if (threads == 1) first = w.history;
        assert_memory_equal(&first, &w.history, sizeof first);
        finish(&w);
    }
}

/* ---- edges -------------------------------------------------------------------------------------------------------------------------------- */

static void test_the_rule(void **state)
{
    static const struct { uint32_t n, n_live; int due; } cases[] = {
        { 0, 0, 0 }, { 1024, 0, 0 }, { 1025, 0, 1 }, { 2048, 1024, 0 }, { 2049, 1024, 1 }, { 1500, 400, 1 }, { 1500, 476, 0 }, { 65536, 32768, 0 },
        { 65537, 32768, 1 }, { 4294967294, 2147483647, 0 }, { 4294967294, 2147483646, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct index_state s = { .n = cases[i].n, .n_live = cases[i].n_live };

        assert_int_equal(index_renumber_due(&s), cases[i].due);
    }
}

/* Nobody left, nobody dead, nobody ever there. */
static void test_all_or_none(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        struct world w;
        struct index_state before;
        struct pcct_error err = { 0, "" };

        start(&w, "haversine", 2, SUPPORT_GAUSS, threads, 1);
        support_ok(index_renumber(&w.state, &err), &err);
        assert_int_equal(w.state.n, 0);
        commit_both(&w, 0, 90, SUPPORT_PICK_ANY, 0);
        support_state_copy(&before, &w.state);
        support_ok(index_renumber(&w.state, &err), &err);
        support_state_equal(&before, &w.state);
        expect_sound(&w.state);
        index_free(&before);
        commit_both(&w, 0, 0, SUPPORT_PICK_ALL, 1);
        assert_int_equal(w.state.n_live, 0);
        commit_both(&w, 1, 0, SUPPORT_PICK_ANY, 0);
        assert_int_equal(w.state.n, 0);
        assert_true(w.state.root == INDEX_NONE && w.state.digest[INDEX_LABEL] == 0 && w.state.next_label >= 90);
        expect_sound(&w.state);
        commit_both(&w, 0, 70, SUPPORT_PICK_ANY, 0);
        commit_both(&w, 0, 60, SUPPORT_PICK_ALL, 1);
        commit_both(&w, 1, 50, SUPPORT_PICK_ALL, 1);
        assert_int_equal(w.state.n, 110);
        expect_sound(&w.state);
        finish(&w);
    }
}

/* Bytes that a state's own arrays have room for. */
static uint64_t room_of(const struct index_state *state)
{
    uint64_t bytes = 0;

    for (int i = 0; i < INDEX_ARRAYS; i++) bytes += state->array[i].capacity;
    return bytes;
}

/* The memory of what was dropped is given back. */
static void test_memory_shrinks(void **state)
{
    struct world w;
    struct pcct_error err = { 0, "" };
    uint64_t bytes;

    (void)state;
    start(&w, "euclidean", 3, SUPPORT_BOX, 1, 0);
    commit_both(&w, 0, 6000, SUPPORT_PICK_ANY, 0);
    commit_both(&w, 0, 0, SUPPORT_PICK_ANY, 5000);
    bytes = room_of(&w.state);
    support_ok(index_renumber(&w.state, &err), &err);
    assert_true(room_of(&w.state) < bytes / 5);
    assert_true(w.state.layout.where.capacity < 5000);
    finish(&w);
}

/* Frames that say that they begin otherwise than they do are refused by name. */
static void test_frames_that_do_not_fit(void **state)
{
    struct world w;
    struct index_frame frame;
    struct index_state before, copy;
    struct pcct_error err = { 0, "" };

    (void)state;
    start(&w, "euclidean", 2, SUPPORT_GAUSS, 1, 1);
    commit_both(&w, 0, 100, SUPPORT_PICK_ANY, 0);
    commit_both(&w, 0, 30, SUPPORT_PICK_ANY, 40);
    support_state_copy(&before, &w.state);
    commit(&frame, &w, 1, 20, SUPPORT_PICK_ANY, 10);
    for (int wrong = 0; wrong < 4; wrong++) {
        struct index_frame planted = frame;
        const char *words = "another version";

        support_state_copy(&copy, &before);
        support_ok(index_rebuild_layout(&copy, &err), &err);
        if (wrong == 0) planted.renumbered_from++;
        if (wrong == 1) planted.renumbered_from = 0;
        if (wrong == 2) planted.n_before--;
        if (wrong == 3) {
            planted.digest_before[INDEX_PARENT] = before.digest[INDEX_PARENT]; /* as it was before the renumbering */
            words = "digests";
        }
        assert_int_equal(index_apply(&copy, &planted, &err), PCCT_E_DAMAGED);
        assert_non_null(strstr(err.message, words));
        index_free(&copy);
    }
    support_ok(follow(&w.follower, NULL, &frame, &err), &err);
    support_state_equal(&w.follower, &w.state);
    assert_int_equal(follow(&w.follower, NULL, &frame, &err), PCCT_E_DAMAGED); /* a second time */
    index_frame_free(&frame);
    index_free(&before);
    finish(&w);
}

static void test_without_memory(void **state)
{
    struct world w;
    struct index_state before;
    struct pcct_error err = { 0, "" };
    int failures = 0, status;

    (void)state;
    start(&w, "haversine", 2, SUPPORT_LATTICE, 2, 1);
    commit_both(&w, 0, 150, SUPPORT_PICK_ANY, 0);
    commit_both(&w, 0, 40, SUPPORT_PICK_ANY, 60);
    support_ok(index_labels_prepare(&w.state, &err), &err);
    support_state_copy(&before, &w.state);
    for (;;) {
        support_env_fail(&w.env, (uint64_t)failures + 1);
        status = index_renumber(&w.state, &err);
        support_env_fail(&w.env, 0);
        if (status == 0) break;
        assert_int_equal(status, PCCT_E_MEMORY);
        failures++;
        support_state_equal(&w.state, &before);
        expect_sound(&w.state);
        assert_non_null(w.state.labels);
    }
    assert_int_equal(failures, 2 + 9 + 2); /* maps, arrays, the layout's numbers and planes */
    expect_moved(&before, &w.state);
    expect_sound(&w.state);
    index_free(&before);
    finish(&w);
}

/* A frame that begins with a renumbering: a state whose following failed is freed, nothing leaks, and what succeeds is right. */
static void test_following_without_memory(void **state)
{
    struct world w;
    struct index_frame frame;
    struct index_state before;
    struct pcct_error err = { 0, "" };
    int failures = -1, status;

    (void)state;
    start(&w, "euclidean", 2, SUPPORT_LATTICE, 2, 1);
    commit_both(&w, 0, 150, SUPPORT_PICK_ANY, 0);
    commit_both(&w, 0, 40, SUPPORT_PICK_ANY, 60);
    support_state_copy(&before, &w.state);
    commit(&frame, &w, 1, 30, SUPPORT_PICK_ROOT, 20);
    do {
        struct index_state copy;

        failures++;
        support_state_copy(&copy, &before);
        support_ok(index_rebuild_layout(&copy, &err), &err);
        support_env_fail(&w.env, (uint64_t)failures + 1);
        status = index_apply(&copy, &frame, &err);
        support_env_fail(&w.env, 0);
        if (status == 0) {
            support_state_equal(&copy, &w.state);
            expect_sound(&copy);
        } else {
            assert_int_equal(status, PCCT_E_MEMORY);
        }
        index_free(&copy);
    } while (status != 0);
    assert_true(failures > 14);
    index_frame_free(&frame);
    index_free(&before);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_numbers_change),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_the_rule),
        cmocka_unit_test(test_all_or_none),
        cmocka_unit_test(test_memory_shrinks),
        cmocka_unit_test(test_frames_that_do_not_fit),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_following_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
