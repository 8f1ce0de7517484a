/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_marks.h"

#include "support_block.h"

#include "block/layout_nodes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3000 };

struct marked {
    struct support_env env;
    struct support_block block;
    struct block_marks marks;
    double mark[ROWS]; /* what they should be */
};

static int is_in(const struct marked *m, uint32_t entry)
{
    return entry < m->block.layout.rows && block_where(&m->block.layout)[entry] != BLOCK_NONE;
}

/* Every lane, every slot, and the greatest of all. */
static void expect(const struct marked *m)
{
    const struct block_layout *layout = &m->block.layout;
    const size_t slots = (size_t)layout->inners * METRIC_FANOUT;
    struct block_hit *top = calloc(slots + 1, sizeof *top), most = { -(double)INFINITY, BLOCK_NONE }, found;

    assert_non_null(top);
    for (size_t slot = 0; slot < slots; slot++) top[slot] = most;
    for (uint32_t entry = 0; entry < layout->rows; entry++) { /* ascending: the first of equal ones stays */
        const uint32_t where = block_where(layout)[entry];

        if (!is_in(m, entry)) continue;
        assert_true(m->marks.mark[where] == m->mark[entry]);
        assert_true(m->marks.kept[where] == block_reach_kept(layout, where / METRIC_LANES, entry, m->mark[entry]));
        if (m->mark[entry] > most.key) most = (struct block_hit){ m->mark[entry], entry };
        for (const struct block_link *at = block_link_of(layout, where / METRIC_LANES); at->parent != BLOCK_NONE;
             at = block_inner(layout, at->parent)) {
            struct block_hit *slot = &top[at->parent * METRIC_FANOUT + at->slot];

            if (m->mark[entry] > slot->key) *slot = (struct block_hit){ m->mark[entry], entry };
        }
    }
    for (uint32_t inner = 0; inner < layout->inners; inner++) {
        for (uint32_t i = 0; i < block_inner(layout, inner)->count; i++) {
            assert_true(m->marks.top[inner * METRIC_FANOUT + i] == top[inner * METRIC_FANOUT + i].key);
            assert_int_equal(m->marks.node[inner * METRIC_FANOUT + i], top[inner * METRIC_FANOUT + i].node);
        }
    }
    found = block_marks_top(&m->marks, layout);
    assert_true(found.key == most.key);
    assert_int_equal(found.node, most.node);
    free(top);
}

static int note(void *ctx, uint32_t node, double key)
{
    double *met = ctx;

    assert_true(met[node] < 0); /* once */
    met[node] = key;
    return 0;
}

static int stop_at_first(void *ctx, uint32_t node, double key)
{
    (void)node;
    (void)key;
    return ++*(int *)ctx;
}

static void expect_visits(struct marked *m, const double *q)
{
    static double met[ROWS];
    struct block_work work = { 0, 0, 0, 0 };
    size_t due = 0;
    int shown = 0;

    for (size_t i = 0; i < ROWS; i++) met[i] = -1;
    block_marks_visit(&m->marks, &m->block.layout, &m->block.source, q, note, met, &work);
    for (uint32_t i = 0; i < ROWS; i++) {
        const double key = support_key(q, m->block.place + (size_t)i * m->block.metric.dim, m->block.metric.sum, m->block.metric.dim);
        const int reaches = is_in(m, i) && key <= m->mark[i];

        assert_true(reaches ? met[i] == key : met[i] == -1);
        due += (size_t)reaches;
    }
    block_marks_visit(&m->marks, &m->block.layout, &m->block.source, q, stop_at_first, &shown, &work);
    assert_int_equal(shown, due > 0);
}

static double random_mark(struct base_random *random, const struct metric *metric)
{
    switch (base_random_below(random, 6)) {
    case 0: return -(double)INFINITY;
    case 1: return (double)INFINITY;
    case 2: return 0;
    default: return metric_reach(metric, (int)base_random_below(random, 12) - 9) * (1 + (double)base_random_below(random, 3));
    }
}

/* Makes the marks, asks, lowers and drops, all beside a plain list. */
static void turn(struct marked *m, struct pcct_error *err)
{
    const uint32_t dim = m->block.metric.dim;
    struct block_work work = { 0, 0, 0, 0 };

    for (size_t i = 0; i < ROWS; i++) m->mark[i] = random_mark(&m->block.random, &m->block.metric);
    support_ok(block_marks_make(&m->marks, &m->block.layout, m->mark, &m->env.env, err), err);
    expect(m);
    for (int step = 0; step < 25; step++) {
        const uint32_t row = (uint32_t)base_random_below(&m->block.random, ROWS);
        const double *q = m->block.place + (size_t)row * dim;

        expect_visits(m, q);
        block_marks_lower(&m->marks, &m->block.layout, &m->block.source, q, &work);
        for (uint32_t i = 0; i < ROWS; i++) {
            const double key = support_key(q, m->block.place + (size_t)i * dim, m->block.metric.sum, dim);

            if (key < m->mark[i]) m->mark[i] = key;
        }
        if (is_in(m, row)) {
            block_marks_drop(&m->marks, &m->block.layout, row);
            m->mark[row] = -(double)INFINITY;
        }
        expect(m);
    }
    block_marks_free(&m->marks, &m->env.env);
}

static void marks_beside_lanes(void **state)
{
    static const char *const names[] = { "euclidean", "manhattan", "chebyshev" };
    struct marked *m = calloc(1, sizeof *m);
    struct pcct_error err = { 0, "" };

    (void)state;
    assert_non_null(m);
    for (int shape = 0; shape < SUPPORT_SHAPES; shape++) {
        support_env_start(&m->env, 2);
        support_block_start(&m->block, &m->env, ROWS, 1 + 2 * (uint32_t)shape, (enum support_shape)shape, 5);
        support_block_metric(&m->block, names[shape]);
        turn(m, &err); /* empty */
        support_ok(support_block_build(&m->block, 2000, 64, &err), &err);
        turn(m, &err);
        support_ok(support_block_insert(&m->block, 900, &err), &err);
        turn(m, &err);
        support_block_remove(&m->block, 2600);
        turn(m, &err);
        support_block_finish(&m->block);
        support_env_finish(&m->env);
    }
    free(m);
}

/* Far from all but what it changes a search looks at little: the marks are used to pass over parts. */
static void little_is_looked_at(void **state)
{
    static double mark[ROWS];
    struct support_env env;
    struct support_block block;
    struct block_marks marks;
    struct block_work work = { 0, 0, 0, 0 };
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, ROWS, 2, SUPPORT_UNIFORM, 5);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    for (size_t i = 0; i < ROWS; i++) mark[i] = 0x1p-20;
    support_ok(block_marks_make(&marks, &block.layout, mark, &env.env, &err), &err);
    for (uint32_t i = 0; i < 100; i++) block_marks_lower(&marks, &block.layout, &block.source, block.place + 2 * (size_t)i, &work);
    assert_true(work.blocks < 160);
    assert_true(work.exact < 150);
    block_marks_free(&marks, &env.env);
    support_block_finish(&block);
    support_env_finish(&env);
}

static int make(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    static const double mark[ROWS];
    const struct support_block *block = ctx;
    struct block_marks marks;
    int status = block_marks_make(&marks, &block->layout, mark, env, err);

    if (status == 0) assert_int_equal(block_marks_top(&marks, &block->layout).node, 0);
    block_marks_free(&marks, env);
    return status;
}

static void memory_runs_out(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };
    struct support_block block;

    (void)state;
    support_env_start(&env, 2);
    support_block_start(&block, &env, ROWS, 2, SUPPORT_UNIFORM, 5);
    support_ok(support_block_build(&block, ROWS, 64, &err), &err);
    assert_int_equal(support_fail_each(&env, make, &block), 4);
    support_block_finish(&block);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_beside_lanes),
        cmocka_unit_test(little_is_looked_at),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
