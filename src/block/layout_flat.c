/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_flat.h"

#include "base/par.h"
#include "block/layout_knn_views.h"
#include "block/layout_near.h"

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
int block_flat_pays(const struct block_layout *layout, uint64_t blocks, size_t queries)
{
    const int views = block_has_views(layout);
    const double dim = layout->dim, numbers = views ? 2 * METRIC_FLAT_PAIRS : dim;
    const double search = views ? 600 : 36 + 1.3 * dim;
    const double once = (20 + 8 * (views ? layout->fine : dim)) * layout->blocks, each = 75 + (2.2 + 0.8 * numbers) * layout->blocks;

    return each + once / (double)queries < search * (double)blocks;
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
        widest = fmax(widest, (most - least) / 2);
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

/* To the nearest: a float of this size has no binary places. */
static inline int16_t rounded(float x)
{
    const float sum = x + 0x1.8p23F;
    int32_t bits;

    memcpy(&bits, &sum, sizeof bits);
    return (int16_t)(bits - 0x4b400000);
}

/* From the lanes of a block, which are in another frame; 0: in one so much wider that they do not tell enough. */
static int take_block(struct block_flat *flat, uint32_t block, size_t group)
{
    const struct block_layout *layout = flat->layout;
    const double *frame = block_frame(layout, block);
    const uint32_t pairs = flat->rows.pairs, count = block_link_of(layout, block)->count;
    const double times = 1 / (frame[0] * flat->step);
    int16_t *to = flat->rows.lane + group * pairs * METRIC_LANES * 2;
    int32_t *square = flat->rows.square + group * METRIC_LANES;

    if (!(times <= 0x1p16)) return 0;
    memset(to, 0, (size_t)pairs * METRIC_LANES * 2 * sizeof *to);
    for (uint32_t l = 0; l < METRIC_LANES; l++) square[l] = l < count ? 0 : METRIC_FLAT_EMPTY;
    for (uint32_t j = 0; j < layout->dim; j++) {
        const float *lane = block_lanes(layout, block) + (size_t)j * METRIC_LANES;
        const float by = (float)times, from = (float)((frame[1 + j] - flat->centre[j]) / flat->step);
        int16_t *pair = to + (size_t)(j / 2) * METRIC_LANES * 2 + j % 2, whole[METRIC_LANES];

        for (uint32_t l = 0; l < METRIC_LANES; l++) whole[l] = rounded(lane[l] * by + from);
        for (uint32_t l = 0; l < count; l++) {
            pair[2 * l] = whole[l];
            square[l] += whole[l] * whole[l];
        }
    }
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

int block_flat_make(int *made, struct block_flat *flat, const struct block_layout *layout, const struct block_source *source,
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
    TRY(base_take(&rows->lane, env, (size_t)layout->blocks * rows->pairs * METRIC_LANES * 2, sizeof *rows->lane, err));
    TRY(base_take(&rows->square, env, (size_t)layout->blocks * METRIC_LANES, sizeof *rows->square, err));
    TRY(base_take(&rows->number, env, layout->blocks, sizeof *rows->number, err));
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
}

int block_flat_some_take(struct block_flat_some *some, const struct block_flat *flat, size_t k, const struct base_env *env, struct pcct_error *err)
{
    enum { MORE = 256 }; /* views say less, so more is picked */
    const int views = block_has_views(flat->layout);
    int status = 0;

    memset(some, 0, sizeof *some);
    TRY(base_take(&some->least, env, flat->rows.groups * METRIC_FLAT_QUERIES * METRIC_FLAT_COLUMNS, sizeof *some->least, err));
    TRY(base_take(&some->hit, env, flat->rows.groups, sizeof *some->hit, err));
    if (views) TRY(base_take(&some->eye, env, METRIC_FLAT_QUERIES, sizeof *some->eye, err));
    for (int i = 0; i < METRIC_FLAT_QUERIES; i++) TRY(block_near_take(&some->near[i], env, views ? k + MORE : k, err));
done:
    return status;
}

void block_flat_some_free(struct block_flat_some *some, const struct base_env *env)
{
    for (int i = 0; i < METRIC_FLAT_QUERIES; i++) block_near_free(&some->near[i], env);
    base_free(env, some->eye);
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

float block_flat_nearest(struct block_near *near, const struct block_flat *flat, const int32_t *least, size_t nearer)
{
    struct metric_near *found = &near->found;
    size_t folds = 4;

    while (folds * METRIC_FLAT_COLUMNS < 8 * nearer) folds *= 2;
    if (folds > flat->rows.groups) folds = flat->rows.groups;
    found->count = folds * METRIC_FLAT_COLUMNS;
    if (found->count < nearer) return INFINITY;
    flat->layout->metric->flat->fold(found->value, least, flat->rows.groups, folds);
    found->length = 0;
    found->grow = 1;
    found->slack = 0;
    found->limit = INFINITY;
    flat->layout->metric->kernels->near_narrow(found, nearer);
    return found->limit;
}

/* What rows that can be among the k nearest are within. */
static int32_t limit_for(struct block_near *near, const struct block_flat *flat, const int32_t *least, double error)
{
    struct metric_near *found = &near->found;
    double far = (double)block_flat_nearest(near, flat, least, near->k + (near->self_lane != BLOCK_NONE)) * ABOVE, off;

    if (!(far < METRIC_FLAT_MOST)) return METRIC_FLAT_MOST;
    off = 2 * (ROUNDED * sqrt(flat->layout->dim) + error);
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

static void choose(struct block_flat_some *some, const struct block_flat *flat, size_t i)
{
    struct block_near *near = &some->near[i];
    const int32_t *least = some->least + i * METRIC_FLAT_COLUMNS;
    const int32_t limit = limit_for(near, flat, least, some->error[i]);

    near->found.count = 0;
    near->found.limit = (float)limit;
    near->full = !flat->layout->metric->flat->pick(&near->found, near->capacity, &flat->rows, &some->rounded[i], least, some->hit, limit);
    if (near->full) return;
    drop_self(near);
    block_near_finish(near, flat->layout, flat->source);
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
    layout->metric->flat->look(some->least, &flat->rows, some->rounded);
    for (size_t i = 0; i < n; i++) {
        struct block_near *near = &some->near[i];

        if (!isfinite(some->error[i])) {
            block_knn_filter(near, layout, flat->source, &query[i], k, work);
            continue;
        }
        near->query = query[i];
        near->k = k;
        near->self_lane = query[i].self < layout->rows ? block_where(layout)[query[i].self] : BLOCK_NONE;
        if (!views) choose(some, flat, i);
        work->blocks += flat->rows.groups;
        work->distances += layout->entries;
    }
}

void block_flat_decide(struct base_topk *top, struct block_flat_some *some, const struct block_flat *flat, size_t i, struct block_work *work)
{
    if (block_has_views(flat->layout) && isfinite(some->error[i])) block_knn_views_scanned(top, some, flat, i, work);
    else block_knn_decide(top, &some->near[i], flat->layout, flat->source, work);
}
