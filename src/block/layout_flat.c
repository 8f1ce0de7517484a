/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_flat.h"

#include "block/layout_near.h"

#include <math.h>
#include <string.h>

/* What rounding takes from a coordinate of an entry, in whole numbers: a half, and what lanes and the arithmetic here are off by (algorithm.md). */
#define ROUNDED 0.52
#define ABOVE (1 + 0x1p-20)

int block_flat_may(const struct block_layout *layout)
{
    return layout->metric->flat && layout->dim == layout->metric->dim && layout->dim <= 2 * METRIC_FLAT_PAIRS && layout->root != BLOCK_NONE;
}

/* In nanoseconds of one machine, measured for 2 to 32 dimensions (docs/benchmarks.md); only how they compare matters. */
int block_flat_pays(const struct block_layout *layout, uint64_t blocks, size_t queries)
{
    const double dim = layout->dim, search = (36 + 1.3 * dim) * (double)blocks;
    const double once = (20 + 8 * dim) * layout->blocks, each = 75 + (2 + 0.7 * dim) * layout->blocks;

    return each + once / (double)queries < search;
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
    flat->rows.number[group] = block * METRIC_LANES;
    return 1;
}

int block_flat_make(int *made, struct block_flat *flat, const struct block_layout *layout, const struct block_source *source,
                    const struct base_env *env, struct pcct_error *err)
{
    struct metric_flat_rows *rows = &flat->rows;
    int status = 0;

    *made = 0;
    *flat = (struct block_flat){ .layout = layout, .source = source, .rows.pairs = (layout->dim + 1) / 2 };
    if (!choose_frame(flat)) return 0;
    TRY(base_take(&rows->lane, env, (size_t)layout->blocks * rows->pairs * METRIC_LANES * 2, sizeof *rows->lane, err));
    TRY(base_take(&rows->square, env, (size_t)layout->blocks * METRIC_LANES, sizeof *rows->square, err));
    TRY(base_take(&rows->number, env, layout->blocks, sizeof *rows->number, err));
    for (uint32_t block = 0; block < layout->blocks; block++) {
        if (block_link_of(layout, block)->count > 0 && !take_block(flat, block, rows->groups++)) goto done;
    }
    *made = 1;
done:
    return status;
}

void block_flat_free(struct block_flat *flat, const struct base_env *env)
{
    base_free(env, flat->rows.lane);
    base_free(env, flat->rows.square);
    base_free(env, flat->rows.number);
}

size_t block_flat_words(const struct block_flat *flat)
{
    const size_t groups = (flat->rows.groups + METRIC_FLAT_COLUMNS - 1) / METRIC_FLAT_COLUMNS * METRIC_FLAT_COLUMNS; /* so that the next is aligned */

    return groups * (METRIC_FLAT_QUERIES * METRIC_FLAT_COLUMNS + 1);
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

/* Of the least of many columns the k-th says that k entries are no further. */
static int32_t limit_for(struct block_near *near, const struct block_flat *flat, const int32_t *least, double error)
{
    struct metric_near *found = &near->found;
    const size_t nearer = near->k + (near->self_lane != BLOCK_NONE);
    size_t folds = 4;
    double far, off;

    while (folds * METRIC_FLAT_COLUMNS < 8 * nearer) folds *= 2;
    if (folds > flat->rows.groups) folds = flat->rows.groups;
    found->count = folds * METRIC_FLAT_COLUMNS;
    if (found->count < nearer) return METRIC_FLAT_MOST;
    flat->layout->metric->flat->fold(found->value, least, flat->rows.groups, folds);
    found->length = 0;
    found->grow = 1;
    found->slack = 0;
    found->limit = INFINITY;
    flat->layout->metric->kernels->near_narrow(found, nearer);
    far = (double)found->limit * ABOVE;
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

static void choose(struct block_near *near, const struct block_flat *flat, const struct metric_flat_query *q, double error, const int32_t *least,
                   uint32_t *hit)
{
    const struct block_layout *layout = flat->layout;
    const int32_t limit = limit_for(near, flat, least, error);

    near->found.count = 0;
    near->found.limit = (float)limit;
    near->full = !layout->metric->flat->pick(&near->found, near->capacity, &flat->rows, q, least, hit, limit);
    if (near->full) return;
    drop_self(near);
    block_near_finish(near, layout, flat->source);
}

void block_flat_filter(struct block_near *near, const struct block_flat *flat, const struct block_query *query, size_t n, size_t k,
                       int32_t *words, struct block_work *work)
{
    const struct block_layout *layout = flat->layout;
    const size_t each = METRIC_FLAT_COLUMNS;
    struct metric_flat_query rounded_query[METRIC_FLAT_QUERIES];
    double error[METRIC_FLAT_QUERIES];

    for (size_t i = 0; i < n; i++) error[i] = round_query(&rounded_query[i], flat, query[i].q);
    for (size_t i = n; i < METRIC_FLAT_QUERIES; i++) rounded_query[i] = rounded_query[0];
    layout->metric->flat->look(words, &flat->rows, rounded_query);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(error[i])) {
            block_knn_filter(&near[i], layout, flat->source, &query[i], k, work);
            continue;
        }
        near[i].query = query[i];
        near[i].k = k;
        near[i].self_lane = query[i].self < layout->rows ? block_where(layout)[query[i].self] : BLOCK_NONE;
        choose(&near[i], flat, &rounded_query[i], error[i], words + i * each,
               (uint32_t *)words + flat->rows.groups * METRIC_FLAT_QUERIES * METRIC_FLAT_COLUMNS);
        work->blocks += flat->rows.groups;
        work->distances += layout->entries;
    }
}
