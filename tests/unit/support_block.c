/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include "block/layout_views.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);

    assert_non_null(memory);
    return memory;
}

static double reach_of(const void *reach, uint32_t node)
{
    return ((const double *)reach)[node];
}

int support_block_has(const void *reach, uint32_t node)
{
    return reach_of(reach, node) != -(double)INFINITY;
}

void support_block_start(struct support_block *block, struct support_env *env, uint32_t rows, uint32_t dim, enum support_shape shape, uint64_t seed)
{
    memset(block, 0, sizeof *block);
    block->env = env;
    block->rows = rows;
    assert_int_equal(metric_init(&block->metric, "euclidean", dim, METRIC_ISA_BEST, NULL), 0);
    block_init(&block->layout, &env->env, &block->metric);
    if (seed % 2) block_keep_rows(&block->layout);
    base_random_seed(&block->random, seed);
    block->place = room((size_t)rows * dim, sizeof(double));
    block->label = room(rows, sizeof(int64_t));
    block->reach = room(rows, sizeof(double));
    block->value = room(rows, sizeof(double));
    block->node = room(rows, sizeof(uint32_t));
    support_points(block->place, rows, dim, shape, seed);
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t other = (uint32_t)base_random_below(&block->random, i + 1);

        block->label[i] = block->label[other];
        block->label[other] = 7 * (int64_t)i - 100;
        block->reach[i] = -(double)INFINITY;
    }
    block->source = (struct block_source){ block->place, block->label, reach_of, block->reach, rows };
}

void support_block_metric(struct support_block *block, const char *name)
{
    const uint32_t dim = block->metric.dim;

    assert_int_equal(block->layout.entries, 0);
    assert_int_equal(metric_init(&block->metric, name, dim, METRIC_ISA_BEST, NULL), 0);
    assert_int_equal(block->metric.embeds, 0);
}

void support_block_views(struct support_block *block, uint32_t numbers, enum support_shape shape, double scale, double offset, double noise)
{
    const uint32_t dim = block->metric.dim;
    double *few = room((size_t)block->rows * numbers, sizeof *few), *turn = room((size_t)numbers * dim, sizeof *turn);

    assert_int_equal(block->layout.entries, 0);
    block->layout.rotates = 1;
    support_points(few, block->rows, numbers, shape, base_random_next(&block->random));
    for (size_t i = 0; i < (size_t)numbers * dim; i++) turn[i] = scale * base_random_gauss(&block->random) / sqrt(dim);
    for (size_t i = 0; i < block->rows; i++) {
        for (uint32_t j = 0; j < dim; j++) {
            double *x = &block->place[i * dim + j];

            *x = offset + (noise > 0 ? noise * base_random_gauss(&block->random) : 0);
            for (uint32_t h = 0; h < numbers; h++) *x += few[i * numbers + h] * turn[h * dim + j];
        }
    }
    free(few);
    free(turn);
}

void support_block_finish(struct support_block *block)
{
    block_free(&block->layout);
    free(block->place);
    free(block->label);
    free(block->reach);
    free(block->value);
    free(block->node);
}

double support_block_random_reach(struct support_block *block)
{
    const uint64_t kind = base_random_below(&block->random, 8);

    if (kind == 0) return -1;
    if (kind == 1) return (double)INFINITY;
    return metric_reach(&block->metric, (int)base_random_below(&block->random, 12) - 10);
}

/* block->node: n random entries of those that are (not) in the layout. Returns how many. */
static uint32_t choose(struct support_block *block, uint32_t n, int inside)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < block->rows; i++) {
        if ((block->reach[i] != -(double)INFINITY) == inside) block->node[count++] = i;
    }
    if (n > count) n = count;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t other = i + (uint32_t)base_random_below(&block->random, count - i), kept = block->node[i];

        block->node[i] = block->node[other];
        block->node[other] = kept;
    }
    for (uint32_t i = 0; i < n; i++) block->value[i] = support_block_random_reach(block);
    return n;
}

static void note(struct support_block *block, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) block->reach[block->node[i]] = block->value[i];
}

static void forget(struct support_block *block, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) block->reach[block->node[i]] = -(double)INFINITY;
}

int support_block_build(struct support_block *block, uint32_t n, int fill, struct pcct_error *err)
{
    int status;

    for (uint32_t i = 0; i < block->rows; i++) block->reach[i] = -(double)INFINITY;
    n = choose(block, n, 0);
    note(block, n);
    status = block_build(&block->layout, &block->source, block->node, n, fill, err);
    if (status != 0) forget(block, n);
    return status;
}

int support_block_insert(struct support_block *block, uint32_t n, struct pcct_error *err)
{
    int status;

    n = choose(block, n, 0);
    note(block, n);
    status = block_insert(&block->layout, &block->source, block->node, n, err);
    if (status != 0) forget(block, n);
    return status;
}

void support_block_remove(struct support_block *block, uint32_t n)
{
    n = choose(block, n, 1);
    block_remove(&block->layout, &block->source, block->node, n);
    forget(block, n);
}

void support_block_renew_reach(struct support_block *block, uint32_t n)
{
    n = choose(block, n, 1);
    note(block, n);
    block_renew_reach(&block->layout, &block->source, block->node, n);
}

uint32_t support_block_count(const struct support_block *block)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < block->rows; i++) count += block->reach[i] != -(double)INFINITY;
    return count;
}

/* ---- tightness ---------------------------------------------------------------------------------------------------------------------------- */

/* What the entry's lane says of its reach. */
static double kept_reach(const struct support_block *block, uint32_t node)
{
    const uint32_t at = ((const uint32_t *)block->layout.where.data)[node];

    return block_reach_told(&block->layout, at / METRIC_LANES, block_reaches(&block->layout, at / METRIC_LANES)[at % METRIC_LANES]);
}

/* Takes one entry into account in a slot of `tight` as the layout's own arrays have it. */
static void widen(double *box, double *reach, int64_t *label, const struct support_block *block, uint32_t node, size_t at, uint32_t slot)
{
    const uint32_t dim = block->layout.dim;

    for (uint32_t j = 0; j < dim; j++) {
        double *low = box + at * 2 * dim * METRIC_FANOUT + j * METRIC_FANOUT + slot, *high = low + dim * METRIC_FANOUT;
        const double x = block_seen(&block->layout, &block->source).place[(size_t)node * dim + j];

        *low = fmin(*low, x);
        *high = fmax(*high, x);
    }
    reach[at * METRIC_FANOUT + slot] = fmax(reach[at * METRIC_FANOUT + slot], kept_reach(block, node));
    if (block->label[node] < label[at * METRIC_FANOUT + slot]) label[at * METRIC_FANOUT + slot] = block->label[node];
}

/* What an inner node says of the narrowest block below it, against the blocks. */
static void check_narrowest(const struct block_layout *layout)
{
    double *least = room(layout->inners, sizeof *least);

    for (uint32_t i = 0; i < layout->inners; i++) least[i] = (double)INFINITY;
    for (uint32_t block = 0; block < layout->blocks; block++) {
        double width = 0;

        if (block_link_of(layout, block)->count == 0) continue;
        for (uint32_t j = 0; j < layout->dim; j++) width = fmax(width, block_high(layout, block)[j] - block_low(layout, block)[j]);
        for (uint32_t up = block_link_of(layout, block)->parent; up != BLOCK_NONE; up = block_inner(layout, up)->parent) {
            least[up] = fmin(least[up], width);
        }
    }
    for (uint32_t i = 0; i < layout->inners; i++) {
        assert_true(block_inner(layout, i)->count == 0 || block_near_frame(layout, i)[1 + layout->dim] == least[i]);
    }
    free(least);
}

/* Every summary recomputed from the entries, each of which is carried up to the root. */
static void check_tight(const struct support_block *block)
{
    const struct block_layout *layout = &block->layout;
    const size_t inners = layout->inners, dim = layout->dim;
    double *box = room(inners * 2 * dim * METRIC_FANOUT, sizeof *box), *reach = room(inners * METRIC_FANOUT, sizeof *reach);
    int64_t *label = room(inners * METRIC_FANOUT, sizeof *label);
    const struct block_link *of_block = layout->block.data, *of_inner = layout->inner.data;

    for (size_t i = 0; i < inners * 2 * dim * METRIC_FANOUT; i++) box[i] = i / (dim * METRIC_FANOUT) % 2 == 0 ? (double)INFINITY : -(double)INFINITY;
    for (size_t i = 0; i < inners * METRIC_FANOUT; i++) {
        reach[i] = -(double)INFINITY;
        label[i] = INT64_MAX;
    }
    for (uint32_t node = 0; node < block->rows; node++) {
        struct block_link at;

        if (block->reach[node] == -(double)INFINITY) continue;
        for (at = of_block[((uint32_t *)layout->where.data)[node] / METRIC_LANES]; at.parent != BLOCK_NONE; at = of_inner[at.parent]) {
            widen(box, reach, label, block, node, at.parent, at.slot);
        }
    }
    for (size_t i = 0; i < inners; i++) {
        for (uint32_t slot = 0; slot < of_inner[i].count; slot++) {
            for (size_t j = 0; j < 2 * dim; j++) {
                const size_t place = (i * 2 * dim + j) * METRIC_FANOUT + slot;

                assert_true(box[place] == ((double *)layout->box.data)[place]);
            }
            assert_true(reach[i * METRIC_FANOUT + slot] == ((double *)layout->top_reach.data)[i * METRIC_FANOUT + slot]);
            assert_true(label[i * METRIC_FANOUT + slot] == ((int64_t *)layout->least_label.data)[i * METRIC_FANOUT + slot]);
        }
    }
    free(box);
    free(reach);
    free(label);
}

/* No frame is much wider than what is in it: along some axis lanes and near boxes are spread over an eighth of it, unless they are next to equal. */
static void check_frames(const struct support_block *block)
{
    const struct block_layout *layout = &block->layout;
    const uint32_t dim = layout->dim;

    for (uint32_t i = 0; i < layout->blocks; i++) {
        float most = 0, magnitude = 0;

        for (uint32_t j = 0; j < dim && block_link_of(layout, i)->count > 0; j++) {
            const double *low = block_low(layout, i) + j, *high = block_high(layout, i) + j;

            most = fmaxf(most, (float)((*high - *low) * block_frame(layout, i)[0]));
            magnitude = fmaxf(magnitude, (float)(fmax(fabs(*low), fabs(*high)) * block_frame(layout, i)[0]));
        }
        assert_true(most >= 0.125F || magnitude > 0x1p36F || magnitude == 0 || block_frame(layout, i)[0] == METRIC_SCALE_MAX);
    }
    for (uint32_t i = 0; i < layout->inners; i++) {
        const uint32_t count = block_inner(layout, i)->count;
        float most = 0, magnitude = 0;

        for (uint32_t j = 0; j < dim && count > 0; j++) {
            const double *low = block_boxes(layout, i) + (size_t)j * METRIC_FANOUT, *high = low + (size_t)dim * METRIC_FANOUT;
            double from = low[0], to = high[0];

            for (uint32_t slot = 1; slot < count; slot++) {
                from = fmin(from, low[slot]);
                to = fmax(to, high[slot]);
            }
            most = fmaxf(most, (float)((to - from) * block_near_frame(layout, i)[0]));
            magnitude = fmaxf(magnitude, (float)(fmax(fabs(from), fabs(to)) * block_near_frame(layout, i)[0]));
        }
        assert_true(count == 0 || most >= 0.125F || magnitude > 0x1p36F || magnitude == 0 || block_near_frame(layout, i)[0] == METRIC_SCALE_MAX);
    }
}

void support_block_check(const struct support_block *block)
{
    struct pcct_error err = { 0, "" };

    support_ok(block_check(&block->layout, &block->source, support_block_has, &err), &err);
    assert_int_equal(block->layout.entries, support_block_count(block));
    check_tight(block);
    check_narrowest(&block->layout);
    check_frames(block);
}

/* ---- questions ---------------------------------------------------------------------------------------------------------------------------- */

void support_block_knn(struct base_topk *top, const struct support_block *block, const double *q, uint32_t self, struct block_work *work)
{
    struct block_near near;

    assert_int_equal(block_near_take(&near, &block->env->env, top->k, NULL), 0);
    support_knn(top, &near, &block->layout, &block->source, q, self, work);
    block_near_free(&near, &block->env->env);
}

static void ask_knn(const struct support_block *block, const double *q, uint32_t self, size_t k)
{
    struct base_topk_entry *got = room(k, sizeof *got), *wanted = room(k, sizeof *wanted);
    char *alive = room(block->rows, 1);
    struct block_work work = { 0 };
    struct base_topk top;
    size_t count;

    for (uint32_t i = 0; i < block->rows; i++) alive[i] = block->reach[i] != -(double)INFINITY && i != self;
    count = support_brute_knn(wanted, k, block->place, block->label, alive, block->rows, block->metric.sum, block->metric.dim, q);
    base_topk_start(&top, got, k);
    support_block_knn(&top, block, q, self, &work);
    base_topk_finish(&top);
    assert_int_equal(top.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(got[i].key == wanted[i].key);
        assert_int_equal(got[i].id, wanted[i].id);
    }
    assert_true(work.distances + work.exact >= count);
    free(got);
    free(wanted);
    free(alive);
}

static void ask_nearest(const struct support_block *block, const double *q, uint32_t self, struct block_hit known)
{
    struct block_hit wanted = known, got = known;
    struct block_work work = { 0 };

    for (uint32_t i = 0; i < block->rows; i++) {
        const double key = metric_key(&block->metric, block->place + (size_t)i * block->metric.dim, q);

        if (block->reach[i] == -(double)INFINITY || i == self || key > block->reach[i]) continue;
        if (key < wanted.key || (key == wanted.key && i < wanted.node)) wanted = (struct block_hit){ key, i };
    }
    block_nearest(&got, &block->layout, &block->source, q, self, &work);
    assert_true(got.key == wanted.key);
    assert_int_equal(got.node, wanted.node);
}

struct seen {
    const struct support_block *block;
    const double *q;
    char *seen;
    uint64_t count;
};

static int see(void *ctx, uint32_t node, double key)
{
    struct seen *seen = ctx;

    assert_true(key == metric_key(&seen->block->metric, seen->block->place + (size_t)node * seen->block->metric.dim, seen->q));
    assert_int_equal(seen->seen[node], 0);
    seen->seen[node] = 1;
    seen->count++;
    return 0;
}

static void ask_visit(const struct support_block *block, const double *q, double limit)
{
    struct seen seen = { block, q, room(block->rows, 1), 0 };
    struct block_work work = { 0 };
    uint64_t count = 0;

    block_visit(&block->layout, &block->source, q, limit, see, &seen, &work);
    for (uint32_t i = 0; i < block->rows; i++) {
        const double key = metric_key(&block->metric, block->place + (size_t)i * block->metric.dim, q);
        const int wanted = block->reach[i] != -(double)INFINITY && key <= limit && key <= block->reach[i];

        assert_int_equal(seen.seen[i], wanted);
        count += (uint64_t)wanted;
    }
    assert_int_equal(seen.count, count);
    free(seen.seen);
}

void support_block_ask(struct support_block *block, uint32_t queries, size_t k)
{
    const uint32_t dim = block->metric.dim;
    double *q = room(dim, sizeof *q);

    for (uint32_t i = 0; i < queries; i++) {
        const uint32_t row = (uint32_t)base_random_below(&block->random, block->rows);
        const uint32_t other = (uint32_t)base_random_below(&block->random, block->rows);
        const int stored = i % 2 == 0;
        const uint32_t self = i % 4 == 0 ? row : BLOCK_NONE;

        for (uint32_t j = 0; j < dim; j++) {
            q[j] = block->place[(size_t)row * dim + j];
            if (!stored) q[j] = 1.25 * q[j] - 0.25 * block->place[(size_t)other * dim + j];
        }
        ask_knn(block, q, self, k);
        ask_nearest(block, q, self, (struct block_hit){ (double)INFINITY, BLOCK_NONE });
        ask_nearest(block, q, self, (struct block_hit){ metric_reach(&block->metric, -6), other });
        ask_visit(block, q, i % 3 == 0 ? (double)INFINITY : metric_reach(&block->metric, (int)(i % 5) - 4));
    }
    free(q);
}

int support_block_same(struct block_layout *a, struct block_layout *b)
{
    struct block_array of_a[BLOCK_ARRAYS], of_b[BLOCK_ARRAYS];
    struct block_shape shape_a, shape_b;

    block_shape_get(&shape_a, a);
    block_shape_get(&shape_b, b);
    if (memcmp(&shape_a, &shape_b, sizeof shape_a) != 0) return 0;
    block_arrays(of_a, a);
    block_arrays(of_b, b);
    for (int i = 0; i < BLOCK_ARRAYS; i++) {
        const size_t bytes = of_a[i].items * of_a[i].item_bytes;

        if (bytes > 0 && memcmp(of_a[i].buffer->data, of_b[i].buffer->data, bytes) != 0) return 0;
    }
    return 1;
}
