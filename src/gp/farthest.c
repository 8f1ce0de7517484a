/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/farthest.h"

#include "base/par.h"
#include "base/sort.h"
#include "base/watch.h"
#include "block/layout_marks.h"

#include <assert.h>
#include <math.h>

enum { GRAIN = 1024, FILL = 64, TOLD = 1024 };

/* Orders the n rows of a layout that have marks. */
static int go_on(uint32_t *order, const struct gp_cloud *cloud, const struct block_layout *layout, const double *mark, uint32_t n,
                 const struct base_env *env, struct pcct_error *err)
{
    struct block_work work = { 0, 0, 0, 0 };
    struct block_marks marks;
    int status = 0;

    TRY(block_marks_make(&marks, layout, mark, env, err));
    for (uint32_t i = 0; i < n; i++) {
        const struct block_hit top = block_marks_top(&marks, layout);

        assert(top.node != BLOCK_NONE);
        order[i] = top.node;
        block_marks_drop(&marks, layout, top.node);
        /* at 0 the rest are all in places that others had before them: nothing comes nearer */
        if (top.key > 0) block_marks_lower(&marks, layout, &cloud->source, gp_cloud_place(cloud, top.node), &work);
        if (i % TOLD == 0) base_watch_tell(env, (double)i / n);
        if (i % TOLD == 0) TRY(base_watch_check(env, err));
    }
done:
    block_marks_free(&marks, env);
    return status;
}

/* ---- from the middle ---------------------------------------------------------------------------------------------------------------------- */

/* The row nearest to the mean of all; the sum goes by row, so that it is the same on any machine. */
static int find_middle(uint32_t *row, const struct gp_cloud *cloud, const struct base_env *env, struct pcct_error *err)
{
    const uint32_t dim = cloud->metric.dim;
    struct block_hit middle = { (double)INFINITY, BLOCK_NONE };
    struct block_work work = { 0, 0, 0, 0 };
    double *mean = NULL;
    int status = 0;

    TRY(base_take_zero(&mean, env, dim, sizeof *mean, err));
    for (uint32_t i = 0; i < cloud->n; i++) {
        for (uint32_t j = 0; j < dim; j++) mean[j] += gp_cloud_place(cloud, i)[j];
    }
    for (uint32_t j = 0; j < dim; j++) mean[j] /= cloud->n;
    block_nearest(&middle, &cloud->layout, &cloud->source, mean, BLOCK_NONE, &work);
    *row = middle.node;
done:
    base_free(env, mean);
    return status;
}

struct marking {
    const struct gp_cloud *cloud;
    const struct block_layout *before; /* rows that are ordered; NULL: `first` alone is */
    const uint32_t *row;               /* whose marks are wanted */
    uint32_t first;
    double *mark;
};

static void mark_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const struct marking *m = ctx;
    struct block_work work = { 0, 0, 0, 0 };

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t row = m->row ? m->row[i] : (uint32_t)i;
        const double *q = gp_cloud_place(m->cloud, row);
        struct block_hit nearest = { (double)INFINITY, BLOCK_NONE };

        if (m->before) block_nearest(&nearest, m->before, &m->cloud->source, q, BLOCK_NONE, &work);
        else nearest.key = metric_key(&m->cloud->metric, q, gp_cloud_place(m->cloud, m->first));
        m->mark[row] = nearest.key;
    }
}

int gp_farthest(uint32_t *order, const struct gp_cloud *cloud, const struct base_env *env, struct pcct_error *err)
{
    struct marking marking = { .cloud = cloud };
    int status = 0;

    if (cloud->n == 0) return 0;
    TRY(base_take(&marking.mark, env, cloud->n, sizeof *marking.mark, err));
    TRY(find_middle(&marking.first, cloud, env, err));
    base_par_for(env, cloud->n, GRAIN, mark_rows, &marking);
    marking.mark[marking.first] = -(double)INFINITY;
    order[0] = marking.first;
    TRY(go_on(order + 1, cloud, &cloud->layout, marking.mark, cloud->n - 1, env, err));
done:
    base_free(env, marking.mark);
    return status;
}

/* ---- level by level ----------------------------------------------------------------------------------------------------------------------- */

/* Where a row comes among the levels: the root first, twins last. */
static uint64_t rank_of_level(const struct gp_cloud *cloud, const struct index_state *state, uint32_t row)
{
    const uint32_t node = cloud->node[row];

    if (node == state->root) return 0;
    return index_level(state)[node] == INDEX_LEVEL_TWIN ? INDEX_LEVELS : (uint64_t)(INDEX_LEVELS - index_level(state)[node]);
}

/* A level's rows, which stand at order[0..n) and are put in order there; `before` has all that come before them, and takes them in. */
static int order_level(uint32_t *order, struct block_layout *before, struct marking *marking, uint32_t n, const struct base_env *env,
                       struct pcct_error *err)
{
    const struct gp_cloud *cloud = marking->cloud;
    struct block_layout layout;
    int status = 0;

    block_init(&layout, env, &cloud->metric);
    if (before->entries > 0 && n > 1) {
        marking->before = before;
        marking->row = order;
        base_par_for(env, n, GRAIN, mark_rows, marking);
        TRY(block_build(&layout, &cloud->source, order, n, FILL, err));
        TRY(go_on(order, cloud, &layout, marking->mark, n, env, err));
    }
    TRY(block_insert(before, &cloud->source, order, n, err));
done:
    block_free(&layout);
    return status;
}

int gp_coarse_to_fine(uint32_t *order, const struct gp_cloud *cloud, const struct index_state *state, const struct base_env *env,
                      struct pcct_error *err)
{
    const struct base_span span = base_watch_span(env);
    struct marking marking = { .cloud = cloud };
    struct block_layout before;
    struct base_pair *pair = NULL;
    int status = 0;

    block_init(&before, env, &cloud->metric);
    TRY(base_take(&pair, env, cloud->n, sizeof *pair, err));
    TRY(base_take(&marking.mark, env, cloud->n, sizeof *marking.mark, err));
    for (uint32_t row = 0; row < cloud->n; row++) pair[row] = (struct base_pair){ rank_of_level(cloud, state, row), row };
    TRY(base_sort_pairs(pair, cloud->n, env, err));
    for (uint32_t i = 0; i < cloud->n; i++) order[i] = (uint32_t)pair[i].value;
    for (uint32_t at = 0, end = 0; at < cloud->n; at = end) {
        for (end = at; end < cloud->n && pair[end].key == pair[at].key; end++) continue;
        base_watch_part(env, span, (double)at / cloud->n, (double)end / cloud->n);
        TRY(order_level(order + at, &before, &marking, end - at, env, err));
        TRY(base_watch_check(env, err));
    }
done:
    block_free(&before);
    base_free(env, marking.mark);
    base_free(env, pair);
    return status;
}
