/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/net.h"

#include "support_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t label_of(uint32_t node)
{
    return 600 - 3 * (int64_t)node;
}

struct scene {
    struct support_env env;
    struct metric metric;
    struct index_state state;
};

static void start(struct scene *s, enum support_kind kind, size_t n)
{
    struct pcct_error err = { 0, "" };

    support_env_start(&s->env, 1);
    support_ok(metric_init(&s->metric, "euclidean", 2, METRIC_ISA_BEST, &err), &err);
    index_init(&s->state, &s->env.env, &s->metric, 3);
    for (int round = 0; round < 3; round++) {
        struct base_random random;
        struct support_batch batch;
        uint32_t *dead = NULL;
        size_t n_dead;

        base_random_seed(&random, (uint64_t)round);
        n_dead = support_pick_nodes(&dead, &s->state, SUPPORT_PICK_ANY, 20, &random);
        support_batch_start(&batch, &s->metric, kind, s->state.n, n, dead, n_dead, 4);
        for (size_t i = 0; i < n; i++) batch.labels[i] = label_of(s->state.n + (uint32_t)i);
        support_plan(&s->state, &batch.tree);
        support_batch_free(&batch);
        free(dead);
    }
}

static void finish(struct scene *s)
{
    index_free(&s->state);
    support_env_finish(&s->env);
}

static int in_net(const struct index_state *state, uint32_t node, int level)
{
    int stored = index_level(state)[node];

    return node == state->root || (stored > 0 && stored - 1024 >= level);
}

static void expect_net(const struct index_state *state, int level)
{
    struct pcct_error err = { 0, "" };
    size_t n = tree_net_count(state, level), at = 0;
    int64_t *labels = malloc((n + 2) * sizeof *labels);

    assert_non_null(labels);
    labels[n] = 77;
    support_ok(tree_net(labels, state, level, &err), &err);
    assert_int_equal(labels[n], 77);
    /* ascending labels are descending nodes here */
    for (uint32_t node = state->n; node-- > 0;) {
        if (!in_net(state, node, level)) continue;
        assert_true(at < n);
        assert_int_equal(labels[at++], label_of(node));
    }
    assert_int_equal(at, n);
    free(labels);
}

static void equals_a_second_reading(void **test)
{
    (void)test;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        struct scene s;

        start(&s, (enum support_kind)kind, 300);
        for (int level = -1023; level <= 1023; level++) expect_net(&s.state, level);
        finish(&s);
    }
}

/* Every level of a small tree: separated, covering, and the greater level within the lesser. */
static void separated_and_covering(void **test)
{
    static const enum support_kind kinds[] = { SUPPORT_GAUSS, SUPPORT_LATTICE, SUPPORT_DECADES, SUPPORT_DENORMAL };

    (void)test;
    for (size_t k = 0; k < 4; k++) {
        struct scene s;
        const struct index_state *state = &s.state;

        start(&s, kinds[k], 80);
        for (int level = -540; level <= 12; level += level < -50 && level > -530 ? 40 : 1) {
            const double apart = ldexp(1, 2 * level), cover = ldexp(1, 2 * level + 2);

            for (uint32_t p = 0; p < state->n; p++) {
                int covered = 0;

                if (!index_is_live(state, p)) continue;
                for (uint32_t q = 0; q < state->n; q++) {
                    double key = index_key(state, p, q);

                    if (!in_net(state, q, level)) continue;
                    covered |= key <= cover;
                    if (p != q && in_net(state, p, level)) assert_true(key > apart);
                }
                assert_true(covered);
            }
        }
        finish(&s);
    }
}

static void an_empty_tree_has_empty_nets(void **test)
{
    struct pcct_error err = { 0, "" };
    struct scene s;

    (void)test;
    start(&s, SUPPORT_GAUSS, 0);
    assert_int_equal(tree_net_count(&s.state, -1023), 0);
    assert_int_equal(tree_net_count(&s.state, 1023), 0);
    support_ok(tree_net(NULL, &s.state, 0, &err), &err);
    finish(&s);
}

static int take_net(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct index_state *state = ctx;
    int64_t labels[1000];

    (void)env;
    return tree_net(labels, state, -1023, err);
}

static void memory_runs_out(void **test)
{
    struct scene s;

    (void)test;
    start(&s, SUPPORT_GAUSS, 300);
    assert_true(support_fail_each(&s.env, take_net, &s.state) >= 1);
    expect_net(&s.state, -1023);
    finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_tree_has_empty_nets), cmocka_unit_test(equals_a_second_reading), cmocka_unit_test(separated_and_covering),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
