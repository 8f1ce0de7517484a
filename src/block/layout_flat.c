/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_flat.h"

#include "base/par.h"
#include "block/layout_knn_views.h"
#include "block/layout_near.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* What rounding takes from a coordinate of an entry, in whole numbers: a half, and what lanes and the arithmetic here are off by (algorithm.md). */
#define ROUNDED 0.52
#define ABOVE (1 + 0x1p-20)

int block_flat_may(const struct block_layout *layout)
{
    const uint32_t most = 2 * METRIC_FLAT_PAIRS;

    if (!layout->metric->flat || layout->root == BLOCK_NONE) return 0;
    return block_has_views(layout) ? layout->fine > most : layout->dim <= most / 2;
}

/* In nanoseconds of one machine, measured for 2 to 32 dimensions and Fashion-MNIST (docs/benchmarks.md); only how they compare matters. */
enum block_flat_way block_flat_best(const struct block_layout *layout, uint64_t blocks, size_t queries, size_t k)
{
    const int views = block_has_views(layout);
    const double dim = layout->dim, numbers = views ? 2 * METRIC_FLAT_PAIRS : dim, all = layout->blocks, met = (double)blocks;
    const double once = (20 + 8 * (views ? layout->fine : dim)) * all / (double)queries, found = 9 * (double)k;
    const double search = (views ? 600 : 36 + 1.3 * dim) * met;
    const double scan = (2.2 + 0.7 * numbers) * all + found + once;
    const double near = views ? (double)INFINITY : 330 + 0.05 * dim * all + (5 + 2 * dim) * met + found + once;

    if (scan < search && scan < near) return BLOCK_FLAT_ALL;
    return near < search ? BLOCK_FLAT_NEAR : BLOCK_FLAT_NONE;
}

/* The box of all entries gives the frame. Squared distances are to stay below METRIC_FLAT_MOST: |x| and |q| are at most 2^14 each. */
static int choose_frame(struct block_flat *flat)
{
    const struct block_layout *layout = flat->layout;
    const double *low = block_boxes(layout, layout->root), *high = low + (size_t)layout->dim * METRIC_FANOUT;
    const uint32_t count = block_inner(layout, layout->root)->count;
    double widest = 0;

    for (uint32_t j = 0; j < layout->dim; j++) {
        double least = low[j * METRIC_FANOUT], most = high[j * METRIC_FANOUT];

        for (uint32_t slot = 1; slot < count; slot++) {
            least = fmin(least, low[j * METRIC_FANOUT + slot]);
            most = fmax(most, high[j * METRIC_FANOUT + slot]);
        }
        flat->centre[j] = least + (most - least) / 2;
        widest = fmax(widest, fmax(most - flat->centre[j], flat->centre[j] - least)); /* the middle of neighbours is one of them */
    }
    flat->most = floor(0x1p14 / sqrt(layout->dim)) - 1;
    flat->step = widest / flat->most;
    return flat->step > 0x1p-900;
}

/* The numbers of a fine view that a flat scan has: the norm of those that it has not, then what is along the first axes. Returns their square; below
 * 0 when that is too great. */
static int32_t round_fine(int16_t *whole, const int16_t *fine, const struct block_layout *layout)
{
    enum { TAKEN = 2 * METRIC_FLAT_PAIRS };
    static const int16_t nothing[BLOCK_FINE_MAX];
    const struct metric_kernels *kernels = layout->metric->kernels;
    const float rest = kernels->row_squares(fine + TAKEN, nothing, layout->fine - TAKEN, INFINITY);
    const float first = (float)fine[0] * (float)fine[0];
    int32_t square = 0;

    if (kernels->row_squares(fine, nothing, layout->fine, INFINITY) > 0x1.ffp27F) return -1;
    memcpy(whole, fine, TAKEN * sizeof *whole);
    whole[0] = (int16_t)rintf(sqrtf(first + rest));
    for (uint32_t j = 0; j < TAKEN; j++) square += whole[j] * whole[j];
    return square;
}

/* Steps from the frame's end, in whole numbers; boxes that were mapped may lie. */
static int16_t steps(const struct block_flat *flat, double from_end)
{
    return (int16_t)fmax(0, fmin(from_end, 2 * flat->most));
}

/* The box of what stands in a group: to the next whole numbers outside, which rounding does not go beyond. */
static void note_sides(struct block_flat *flat, uint32_t block, size_t group)
{
    const struct block_layout *layout = flat->layout;
    const double *low = block_low(layout, block), *high = block_high(layout, block), per_step = 1 / flat->step;
    const size_t panel = group / METRIC_FLAT_COLUMNS * flat->rows.pairs;
    const int most = (int)flat->most;

    for (uint32_t j = 0; j < layout->dim; j++) {
        const size_t at = ((panel + j / 2) * METRIC_FLAT_COLUMNS + group % METRIC_FLAT_COLUMNS) * 2 + j % 2;

        flat->rows.low[at] = (int16_t)(steps(flat, (low[j] - flat->centre[j]) * per_step + flat->most) - most);
        flat->rows.high[at] = (int16_t)(most - steps(flat, (flat->centre[j] - high[j]) * per_step + flat->most));
    }
}

/* From the lanes of a block, which are in another frame; 0: in one so much wider that they do not tell enough. */
static int take_block(struct block_flat *flat, uint32_t block, size_t group)
{
    const struct block_layout *layout = flat->layout;
    const double *frame = block_frame(layout, block), times = 1 / (frame[0] * flat->step);
    const uint32_t pairs = flat->rows.pairs, count = block_link_of(layout, block)->count;
    int16_t *to = flat->rows.lane + group * pairs * METRIC_LANES * 2;
    int32_t *square = flat->rows.square + group * METRIC_LANES;
    float from[2 * METRIC_FLAT_PAIRS];

    if (!(times <= 0x1p16)) return 0;
    for (uint32_t j = 0; j < layout->dim; j++) from[j] = (float)((frame[1 + j] - flat->centre[j]) / flat->step);
    layout->metric->flat->take(to, square, block_lanes(layout, block), layout->dim, (float)times, from);
    for (uint32_t l = count; l < METRIC_LANES; l++) {
        square[l] = METRIC_FLAT_EMPTY;
        for (uint32_t pair = 0; pair < pairs; pair++) memset(to + ((size_t)pair * METRIC_LANES + l) * 2, 0, 2 * sizeof *to);
    }
    if (flat->near) note_sides(flat, block, group);
    return 1;
}

static void fetch_all(const struct block_layout *layout, uint32_t node)
{
    enum { LINE = 32 };
    const int16_t *fine = block_fine_of(layout, node);

    for (uint32_t j = 0; j < layout->fine; j += LINE) __builtin_prefetch(fine + j);
}

/* From fine views. Returns 0 when one is too long. */
static int take_fine(struct block_flat *flat, uint32_t block, size_t group)
{
    enum { AHEAD = 4 };
    const struct block_layout *layout = flat->layout;
    const uint32_t count = block_link_of(layout, block)->count;
    const uint32_t *node = block_nodes(layout, block);
    int16_t *to = flat->rows.lane + group * METRIC_FLAT_PAIRS * METRIC_LANES * 2;
    int32_t *square = flat->rows.square + group * METRIC_LANES;

    memset(to, 0, (size_t)METRIC_FLAT_PAIRS * METRIC_LANES * 2 * sizeof *to);
    for (uint32_t l = 0; l < METRIC_LANES; l++) square[l] = METRIC_FLAT_EMPTY;
    for (uint32_t l = 0; l < count; l++) {
        int16_t whole[2 * METRIC_FLAT_PAIRS];

        if (l + AHEAD < count) fetch_all(layout, node[l + AHEAD]);
        square[l] = round_fine(whole, block_fine_of(layout, node[l]), layout);
        if (square[l] < 0) return 0;
        for (uint32_t j = 0; j < 2 * METRIC_FLAT_PAIRS; j++) to[((size_t)(j / 2) * METRIC_LANES + l) * 2 + j % 2] = whole[j];
    }
    return 1;
}

struct making {
    struct block_flat *flat;
    uint64_t failed;
};

static void take_groups(void *ctx, size_t begin, size_t end, int thread)
{
    struct making *making = ctx;
    struct block_flat *flat = making->flat;

    (void)thread;
    for (size_t group = begin; group < end; group++) {
        const uint32_t block = flat->rows.number[group] / METRIC_LANES;

        if (!(flat->step > 0 ? take_block(flat, block, group) : take_fine(flat, block, group))) base_par_add(&making->failed, 1);
    }
}

static size_t panels_of(size_t groups) { return (groups + METRIC_FLAT_COLUMNS - 1) / METRIC_FLAT_COLUMNS; }

int block_flat_make(int *made, struct block_flat *flat, enum block_flat_way way, const struct block_layout *layout, const struct block_source *source,
                    const struct base_env *env, struct pcct_error *err)
{
    enum { GRAIN = 64 };
    struct metric_flat_rows *rows = &flat->rows;
    struct making making = { flat, 0 };
    const int views = block_has_views(layout);
    int status = 0;

    *made = 0;
    *flat = (struct block_flat){ .layout = layout, .source = source, .rows.pairs = views ? METRIC_FLAT_PAIRS : (layout->dim + 1) / 2 };
    if (!views && !choose_frame(flat)) return 0;
    flat->near = way == BLOCK_FLAT_NEAR;
    assert(way != BLOCK_FLAT_NONE && !(views && flat->near));
    TRY(base_take(&rows->lane, env, (size_t)layout->blocks * rows->pairs * METRIC_LANES * 2, sizeof *rows->lane, err));
    TRY(base_take(&rows->square, env, (size_t)layout->blocks * METRIC_LANES, sizeof *rows->square, err));
    TRY(base_take(&rows->number, env, layout->blocks, sizeof *rows->number, err));
    if (flat->near) {
        const size_t sides = panels_of(layout->blocks) * rows->pairs * METRIC_FLAT_COLUMNS * 2;

        TRY(base_take_zero(&rows->low, env, sides, sizeof *rows->low, err));
        TRY(base_take_zero(&rows->high, env, sides, sizeof *rows->high, err));
    }
    for (uint32_t block = 0; block < layout->blocks; block++) {
        if (block_link_of(layout, block)->count > 0) rows->number[rows->groups++] = block * METRIC_LANES;
    }
    base_par_for(env, rows->groups, GRAIN, take_groups, &making);
    *made = making.failed == 0;
done:
    return status;
}

void block_flat_free(struct block_flat *flat, const struct base_env *env)
{
    base_free(env, flat->rows.lane);
    base_free(env, flat->rows.square);
    base_free(env, flat->rows.number);
    base_free(env, flat->rows.low);
    base_free(env, flat->rows.high);
}

int block_flat_some_take(struct block_flat_some *some, const struct block_flat *flat, size_t k, const struct base_env *env, struct pcct_error *err)
{
    enum { MORE = 256 }; /* views say less, so more is picked */
    const size_t groups = flat->rows.groups, columns = groups * METRIC_FLAT_COLUMNS;
    const int views = block_has_views(flat->layout);
    int status = 0;

    memset(some, 0, sizeof *some);
    TRY(base_take(&some->least, env, flat->near ? columns : columns * METRIC_FLAT_QUERIES, sizeof *some->least, err));
    TRY(base_take(&some->hit, env, groups, sizeof *some->hit, err));
    if (flat->near) {
        TRY(base_take(&some->bound, env, panels_of(groups) * METRIC_FLAT_COLUMNS, sizeof *some->bound, err));
        TRY(base_take(&some->list, env, groups + 2 * METRIC_FLAT_COLUMNS, sizeof *some->list, err));
    }
    if (views) TRY(base_take(&some->eye, env, METRIC_FLAT_QUERIES, sizeof *some->eye, err));
    for (int i = 0; i < METRIC_FLAT_QUERIES; i++) TRY(block_near_take(&some->near[i], env, views ? k + MORE : k, err));
done:
    return status;
}

void block_flat_some_free(struct block_flat_some *some, const struct base_env *env)
{
    for (int i = 0; i < METRIC_FLAT_QUERIES; i++) block_near_free(&some->near[i], env);
    base_free(env, some->eye);
    base_free(env, some->list);
    base_free(env, some->bound);
    base_free(env, some->hit);
    base_free(env, some->least);
}

/* A query in whole numbers. Returns how far it is from them, in steps; infinite when it is not within the frame. */
static double round_query(struct metric_flat_query *rounded_query, const struct block_flat *flat, const double *q)
{
    double error = 0;

    memset(rounded_query, 0, sizeof *rounded_query);
    for (uint32_t j = 0; j < flat->layout->dim; j++) {
        const double at = (q[j] - flat->centre[j]) / flat->step, whole = rint(at);

        if (!(fabs(whole) <= flat->most)) return (double)INFINITY;
        rounded_query->at[j / 2][j % 2] = (int16_t)whole;
        rounded_query->twice[j / 2][j % 2] = (int16_t)(-2 * whole);
        rounded_query->square += (int32_t)(whole * whole);
        error += (at - whole) * (at - whole);
    }
    return sqrt(error) * ABOVE;
}

/* The same by its fine view, which is rounded already. */
static double round_view(struct metric_flat_query *rounded_query, const struct block_flat *flat, const struct block_eye *eye)
{
    int16_t whole[2 * METRIC_FLAT_PAIRS];

    rounded_query->square = round_fine(whole, eye->fine, flat->layout);
    if (rounded_query->square < 0) return (double)INFINITY;
    for (uint32_t j = 0; j < 2 * METRIC_FLAT_PAIRS; j++) rounded_query->twice[j / 2][j % 2] = (int16_t)(-2 * whole[j]);
    return 0;
}

float block_flat_nearest(struct block_near *near, const struct block_flat *flat, const struct block_flat_seen *seen, size_t nearer)
{
    struct metric_near *found = &near->found;
    size_t folds = 4;

    while (folds * METRIC_FLAT_COLUMNS < 8 * nearer && 2 * folds * METRIC_FLAT_COLUMNS <= near->capacity) folds *= 2;
    if (folds > seen->count) folds = seen->count;
    found->count = folds * METRIC_FLAT_COLUMNS;
    if (found->count < nearer) return INFINITY;
    flat->layout->metric->flat->fold(found->value, seen->least, seen->step, seen->count, folds);
    found->length = 0;
    found->grow = 1;
    found->slack = 0;
    found->limit = INFINITY;
    flat->layout->metric->kernels->near_narrow(found, nearer);
    return found->limit;
}

int block_flat_pick(struct block_near *near, const struct block_flat *flat, const struct metric_flat_query *query, const struct block_flat_seen *seen,
                    uint32_t *hit, int32_t limit)
{
    const struct metric_flat *kernels = flat->layout->metric->flat;

    return kernels->pick(&near->found, near->capacity, &flat->rows, query, seen->list, seen->count, seen->least, seen->step, hit, limit);
}

/* What rows that can be among the k nearest are within. */
static int32_t limit_for(struct block_near *near, const struct block_flat *flat, const struct block_flat_seen *seen, double error)
{
    struct metric_near *found = &near->found;
    const double nearest = (double)block_flat_nearest(near, flat, seen, near->k + (near->self_lane != BLOCK_NONE)) * ABOVE;
    const double off = 2 * (ROUNDED * sqrt(flat->layout->dim) + error);
    double far = fmin(nearest, METRIC_FLAT_MOST); /* no row is further */

    found->slack = (float)((off * (2 * sqrt(far) + off) + 1) * ABOVE);
    found->grow = (float)ABOVE;
    far = (far + (double)found->slack) * ABOVE;
    return far < METRIC_FLAT_MOST ? (int32_t)far : METRIC_FLAT_MOST;
}

static void drop_self(struct block_near *near)
{
    struct metric_near *found = &near->found;

    for (size_t i = 0; i < found->count; i++) {
        if (found->number[i] != near->self_lane) continue;
        found->count--;
        found->number[i] = found->number[found->count];
        found->value[i] = found->value[found->count];
        return;
    }
}

static void choose(struct block_flat_some *some, const struct block_flat *flat, size_t i, const struct block_flat_seen *seen, int32_t limit)
{
    struct block_near *near = &some->near[i];

    near->found.count = 0;
    near->found.limit = (float)limit;
    near->full = !block_flat_pick(near, flat, &some->rounded[i], seen, some->hit, limit);
    if (near->full) return;
    drop_self(near);
    block_near_finish(near, flat->layout, flat->source);
}

/* The groups whose boxes are nearest first; what these say leaves out most of the others. */
static void scan_near(struct block_flat_some *some, const struct block_flat *flat, size_t i, struct block_work *work)
{
    enum { FIRST = 8 };
    const struct metric_flat *kernels = flat->layout->metric->flat;
    const struct metric_flat_query *query = &some->rounded[i];
    const size_t groups = flat->rows.groups, panels = panels_of(groups);
    const struct block_flat_seen boxes = { NULL, panels, some->bound, METRIC_FLAT_COLUMNS };
    struct block_flat_seen seen = { some->list, 0, some->least, METRIC_FLAT_COLUMNS };
    struct block_near *near = &some->near[i];
    int32_t limit, start;
    double bound;
    size_t first;

    kernels->bounds(some->bound, &flat->rows, query);
    for (size_t group = groups; group < panels * METRIC_FLAT_COLUMNS; group++) some->bound[group] = INT32_MAX;
    bound = (double)block_flat_nearest(near, flat, &boxes, FIRST + near->k / 4) * ABOVE;
    start = bound < METRIC_FLAT_MOST ? (int32_t)bound : METRIC_FLAT_MOST;
    first = seen.count = kernels->list(some->list, some->bound, groups, -1, start);
    kernels->look_at(some->least, &flat->rows, query, some->list, first);
    limit = limit_for(near, flat, &seen, some->error[i]);
    seen.count += kernels->list(some->list + first, some->bound, groups, start, limit);
    kernels->look_at(some->least + first * METRIC_FLAT_COLUMNS, &flat->rows, query, some->list + first, seen.count - first);
    if (seen.count > first) {
        const int32_t later = limit_for(near, flat, &seen, some->error[i]);

        limit = later < limit ? later : limit;
    }
    choose(some, flat, i, &seen, limit);
    work->nodes += panels; /* 16 boxes each, as an inner node has */
    work->blocks += seen.count;
    work->distances += seen.count * METRIC_LANES;
}

static void scan_all(struct block_flat_some *some, const struct block_flat *flat, size_t i, struct block_work *work)
{
    const struct block_flat_seen seen = block_flat_seen_all(some, flat, i);
    struct block_near *near = &some->near[i];

    if (!block_has_views(flat->layout)) choose(some, flat, i, &seen, limit_for(near, flat, &seen, some->error[i]));
    work->blocks += seen.count;
    work->distances += flat->layout->entries;
}

void block_flat_filter(struct block_flat_some *some, const struct block_flat *flat, const struct block_query *query, size_t n, size_t k,
                       struct block_work *work)
{
    const struct block_layout *layout = flat->layout;
    const int views = block_has_views(layout);

    for (size_t i = 0; i < n; i++) {
        if (views) block_eye_open(&some->eye[i], layout, query[i].q);
        some->error[i] = views ? round_view(&some->rounded[i], flat, &some->eye[i]) : round_query(&some->rounded[i], flat, query[i].q);
    }
    for (size_t i = n; i < METRIC_FLAT_QUERIES; i++) some->rounded[i] = some->rounded[0];
    if (!flat->near) layout->metric->flat->look(some->least, &flat->rows, some->rounded);
    for (size_t i = 0; i < n; i++) {
        struct block_near *near = &some->near[i];

        if (!isfinite(some->error[i])) {
            block_knn_filter(near, layout, flat->source, &query[i], k, work);
            continue;
        }
        near->query = query[i];
        near->k = k;
        near->self_lane = query[i].self < layout->rows ? block_where(layout)[query[i].self] : BLOCK_NONE;
        if (flat->near) scan_near(some, flat, i, work);
        else scan_all(some, flat, i, work);
    }
}

void block_flat_decide(struct base_topk *top, struct block_flat_some *some, const struct block_flat *flat, size_t i, struct block_work *work)
{
    if (block_has_views(flat->layout) && isfinite(some->error[i])) block_knn_views_scanned(top, some, flat, i, work);
    else block_knn_decide(top, &some->near[i], flat->layout, flat->source, work);
}
