/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/walk.h"

#include "support_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 3000 };

/* Labels that neither ascend with nodes nor equal them. */
static int64_t label_of(uint32_t node)
{
    return 600 - 3 * (int64_t)node;
}

static void grow(struct index_state *state, enum support_kind kind, size_t n, enum support_pick pick, size_t n_dead, struct base_random *random)
{
    struct support_batch batch;
    uint32_t *dead = NULL;
    size_t count = n_dead ? support_pick_nodes(&dead, state, pick, n_dead, random) : 0;

    support_batch_start(&batch, &state->metric, kind, state->n, n, dead, count, 4);
    for (size_t i = 0; i < n; i++) batch.labels[i] = label_of(state->n + (uint32_t)i);
    support_plan(state, &batch.tree);
    support_batch_free(&batch);
    free(dead);
}

/* ---- a second reading, from `parent` and `level` alone -------------------------------------------------------------------------------------- */

struct reading {
    uint32_t order[MOST], depth[MOST]; /* of the walk */
    size_t n;
    const struct index_state *state;
};

static int reversed(const void *a, const void *b, void *ctx)
{
    const struct index_state *state = ctx;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int p = index_level(state)[x], q = index_level(state)[y];

    if (p == INDEX_LEVEL_TWIN) p = INT16_MAX;
    if (q == INDEX_LEVEL_TWIN) q = INT16_MAX;
    if (p != q) return p > q ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* The live nodes whose parent is `node`, last one first. */
static size_t children_reversed(uint32_t *child, const struct index_state *state, uint32_t node)
{
    size_t n = 0;

    for (uint32_t c = 0; c < state->n; c++) {
        if (index_is_live(state, c) && index_parent(state)[c] == node) child[n++] = c;
    }
    qsort_r(child, n, sizeof *child, reversed, (void *)(uintptr_t)state);
    return n;
}

static uint32_t depth_of(const struct index_state *state, uint32_t node)
{
    uint32_t depth = 0;

    for (; index_parent(state)[node] != INDEX_NONE; node = index_parent(state)[node]) depth++;
    return depth;
}

static void read_again(struct reading *r, const struct index_state *state)
{
    static uint32_t stack[MOST];
    size_t top = 0;

    assert_true(state->n <= MOST);
    r->n = 0;
    r->state = state;
    if (state->root != INDEX_NONE) stack[top++] = state->root;
    while (top > 0) {
        uint32_t node = stack[--top];

        r->order[r->n] = node;
        r->depth[r->n++] = depth_of(state, node);
        top += children_reversed(stack + top, state, node);
    }
    assert_int_equal(r->n, state->n_live);
}

static void expect_walk(const struct reading *r)
{
    struct tree_walk walk = tree_walk_start(r->state);

    for (size_t i = 0; i < r->n; i++, tree_walk_next(&walk)) {
        assert_int_equal(walk.node, r->order[i]);
        assert_int_equal(walk.depth, r->depth[i]);
    }
    assert_int_equal(walk.node, INDEX_NONE);
}

static void expect_lists(const struct reading *r)
{
    const struct index_state *state = r->state;
    static int64_t labels[MOST];
    static uint32_t child[MOST];

    for (size_t i = 0; i < r->n; i++) {
        uint32_t node = r->order[i];
        size_t n = children_reversed(child, state, node);

        assert_int_equal(tree_children(NULL, state, node), n);
        assert_int_equal(tree_children(labels, state, node), n);
        for (size_t j = 0; j < n; j++) assert_int_equal(labels[j], label_of(child[n - 1 - j]));
        assert_int_equal(tree_path(NULL, state, node), r->depth[i] + 1);
        assert_int_equal(tree_path(labels, state, node), r->depth[i] + 1);
        for (uint32_t j = 0; j <= r->depth[i]; j++, node = index_parent(state)[node]) assert_int_equal(labels[j], label_of(node));
        assert_int_equal(node, INDEX_NONE);
    }
}

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * (fabs(a) + fabs(b));
}

static void expect_shape(const struct reading *r)
{
    const struct index_state *state = r->state;
    uint64_t depths = 0, deepest = 0, inner = 0, most = 0;
    double share = 0;
    struct tree_shape shape;
    static uint32_t child[MOST];

    for (size_t i = 0; i < r->n; i++) {
        uint64_t n = children_reversed(child, state, r->order[i]);
        double radius = index_radius(state)[r->order[i]];

        depths += r->depth[i];
        if (r->depth[i] > deepest) deepest = r->depth[i];
        if (n > most) most = n;
        if (n == 0) continue;
        inner++;
        share += radius / pow(2, index_level(state)[r->order[i]] - 1023);
    }
    memset(&shape, 0xff, sizeof shape);
    tree_measure(&shape, state);
    assert_int_equal(shape.depth_most, deepest);
    assert_int_equal(shape.children_most, most);
    assert_int_equal(shape.inner, inner);
    assert_true(near(shape.depth_mean, r->n ? (double)depths / (double)r->n : 0));
    assert_true(near(shape.children_mean, inner ? (double)(r->n - 1) / (double)inner : 0));
    assert_true(near(shape.radius_mean, inner ? share / (double)inner : 0));
}

static void equals_a_second_reading(void **test)
{
    static struct reading reading;

    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        for (int metric_case = 0; metric_case < 3; metric_case++) {
            struct pcct_error err = { 0, "" };
            struct base_random random;
            struct support_env env;
            struct index_state state;
            struct metric metric;

            base_random_seed(&random, (uint64_t)(kind * 10 + metric_case));
            support_env_start(&env, 1);
            support_ok(metric_init(&metric, metric_case == 2 ? "haversine" : "euclidean", metric_case == 1 ? 5 : 2, METRIC_ISA_BEST, &err), &err);
            index_init(&state, &env.env, &metric, 3);
            for (int round = 0; round < 6; round++) {
                grow(&state, (enum support_kind)kind, round == 4 ? 0 : 30 + 90 * (size_t)round, round == 2 ? SUPPORT_PICK_ROOT : SUPPORT_PICK_ANY,
                     round == 0 ? 0 : 40, &random);
                read_again(&reading, &state);
                expect_walk(&reading);
                expect_lists(&reading);
                expect_shape(&reading);
            }
            index_free(&state);
            support_env_finish(&env);
        }
    }
}

/* None, one, two, and none again: nothing is read beyond the arrays, and shapes are all 0 without a point. */
static void the_smallest_trees(void **test)
{
    static struct reading reading;
    struct pcct_error err = { 0, "" };
    struct base_random random;
    struct support_env env;
    struct index_state state;
    struct metric metric;

    (void)test;
    base_random_seed(&random, 1);
    support_env_start(&env, 1);
    support_ok(metric_init(&metric, "euclidean", 2, METRIC_ISA_BEST, &err), &err);
    index_init(&state, &env.env, &metric, 3);
    for (int round = 0; round < 4; round++) {
        if (round == 3) grow(&state, SUPPORT_GAUSS, 0, SUPPORT_PICK_ALL, 1, &random);
        else if (round > 0) grow(&state, SUPPORT_GAUSS, 1, SUPPORT_PICK_ANY, 0, &random);
        assert_int_equal(state.n_live, round == 3 ? 0 : round);
        read_again(&reading, &state);
        expect_walk(&reading);
        expect_lists(&reading);
        expect_shape(&reading);
    }
    index_free(&state);
    support_env_finish(&env);
}

/* A path of 500 nodes, each the only child of the one before: 1, 1/2, 1/4, ... No memory is asked for, so none can be missing. */
static void a_deep_tree_takes_no_memory(void **test)
{
    enum { DEPTH = 500 };
    struct pcct_error err = { 0, "" };
    struct index_seat seats[DEPTH];
    int64_t labels[DEPTH], path[DEPTH];
    double line[DEPTH];
    struct support_env env;
    struct index_state state;
    struct metric metric;
    struct tree_shape shape;
    uint64_t taken;

    (void)test;
    support_env_start(&env, 1);
    support_ok(metric_init(&metric, "euclidean", 1, METRIC_ISA_BEST, &err), &err);
    index_init(&state, &env.env, &metric, 0);
    for (int i = 0; i < DEPTH; i++) {
        line[i] = ldexp(1, -i);
        labels[i] = i;
        seats[i] = (struct index_seat){ (uint32_t)i, i ? (uint32_t)i - 1 : INDEX_NONE, (int16_t)(INDEX_LEVEL_BIAS - 1 - i) };
    }
    support_ok(index_append(&state, line, labels, DEPTH, &err), &err);
    support_ok(index_attach(&state, seats, DEPTH, &err), &err);
    support_env_fail(&env, 1);
    taken = env.taken;
    tree_measure(&shape, &state);
    assert_int_equal(tree_path(path, &state, DEPTH - 1), DEPTH);
    assert_int_equal(env.taken, taken);
    support_env_fail(&env, 0);
    for (int i = 0; i < DEPTH; i++) assert_int_equal(path[i], DEPTH - 1 - i);
    assert_true(shape.depth_most == DEPTH - 1 && shape.inner == DEPTH - 1 && shape.children_most == 1);
    assert_true(near(shape.depth_mean, (DEPTH - 1) / 2.0));
    index_free(&state);
    support_env_finish(&env);
}

/* By hand: 0 is the root, 1 hangs on it, 2 and 4 on 1, 3 on 2, and 5 is the twin of 4. */
static void a_tree_by_hand(void **test)
{
    static const double line[] = { 0, 64, 68, 69, 72, 72 };
    const int64_t labels[] = { 10, 11, 12, 13, 14, 15 };
    const struct index_seat seats[] = { { 0, INDEX_NONE, INDEX_LEVEL_BIAS + 6 }, { 1, 0, INDEX_LEVEL_BIAS + 5 }, { 2, 1, INDEX_LEVEL_BIAS + 1 },
                                        { 3, 2, INDEX_LEVEL_BIAS - 1 }, { 4, 1, INDEX_LEVEL_BIAS + 2 }, { 5, 4, INDEX_LEVEL_TWIN } };
    static const uint32_t order[] = { 0, 1, 2, 3, 4, 5 }, depth[] = { 0, 1, 2, 3, 2, 3 };
    struct pcct_error err = { 0, "" };
    struct support_env env;
    struct index_state state;
    struct tree_shape shape;
    struct metric metric;
    struct tree_walk walk;
    int64_t out[6];

    (void)test;
    support_env_start(&env, 1);
    support_ok(metric_init(&metric, "euclidean", 1, METRIC_ISA_BEST, &err), &err);
    index_init(&state, &env.env, &metric, 0);
    support_ok(index_append(&state, line, labels, 6, &err), &err);
    support_ok(index_attach(&state, seats, 6, &err), &err);
    support_ok(index_set_radius(&state, 0, 72, &err), &err);
    support_ok(index_set_radius(&state, 1, 8, &err), &err);
    support_ok(index_set_radius(&state, 2, 1, &err), &err);
    walk = tree_walk_start(&state);
    for (size_t i = 0; i < 6; i++, tree_walk_next(&walk)) assert_true(walk.node == order[i] && walk.depth == depth[i]);
    assert_int_equal(walk.node, INDEX_NONE);
    assert_int_equal(tree_children(out, &state, 1), 2);
    assert_true(out[0] == 12 && out[1] == 14);
    assert_int_equal(tree_path(out, &state, 5), 4);
    assert_true(out[0] == 15 && out[1] == 14 && out[2] == 11 && out[3] == 10);
    tree_measure(&shape, &state);
    assert_true(shape.depth_most == 3 && shape.children_most == 2 && shape.inner == 4);
    assert_true(near(shape.depth_mean, 11.0 / 6) && near(shape.children_mean, 5.0 / 4));
    assert_true(near(shape.radius_mean, (72.0 / 128 + 8.0 / 64 + 1.0 / 4 + 0) / 4));
    index_free(&state);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_by_hand), cmocka_unit_test(the_smallest_trees), cmocka_unit_test(equals_a_second_reading),
        cmocka_unit_test(a_deep_tree_takes_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
