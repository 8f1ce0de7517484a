/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_near.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/*
 * Up to METRIC_SORTED_MAX the k least values are kept in order by a kernel. Beyond it they gather until there are k, then until there are FOUND_EVERY
 * more than after the last search for the k-th, or a third of k.
 * Values of FAR and more may stand for any that are greater, since floats end not far from there: they make no limit.
 */
enum { FOUND_EVERY = 16 };
#define FAR 0x1p100F

void block_near_lend(struct block_near *near, struct block_near_room *room)
{
    *near = (struct block_near){ .entry = room->entry, .capacity = 2 * BLOCK_NEAR_LENT + BLOCK_NEAR_ROOM };
    near->found.value = room->value;
    near->found.number = room->number;
}

int block_near_take(struct block_near *near, const struct base_env *env, size_t k, struct pcct_error *err)
{
    int status = 0;

    *near = (struct block_near){ .capacity = 2 * k + BLOCK_NEAR_ROOM };
    TRY(base_take(&near->found.value, env, near->capacity + BLOCK_NEAR_BEHIND, sizeof *near->found.value, err));
    TRY(base_take(&near->found.number, env, near->capacity + BLOCK_NEAR_BEHIND, sizeof *near->found.number, err));
    TRY(base_take(&near->entry, env, near->capacity, sizeof *near->entry, err));
done:
    return status;
}

void block_near_free(struct block_near *near, const struct base_env *env)
{
    base_free(env, near->entry);
    base_free(env, near->found.number);
    base_free(env, near->found.value);
}

/* A limit from the beginning is as if k entries had been met at its end. */
void block_near_start(struct block_near *near, const struct metric *metric, size_t k, double scale)
{
    const double rounding = 1 + 0x1p-20, grow = metric->filter.grow, slack = metric->filter.slack * BLOCK_NEAR_WIDER;
    struct metric_near *found = &near->found;
    float most;

    assert(k >= 1 && 2 * k + BLOCK_NEAR_ROOM <= near->capacity);
    near->unit = metric_unit(metric, scale);
    near->k = k;
    near->mark = k;
    near->full = 0;
    most = (float)((grow * near->query.limit * near->unit + slack) * rounding);
    if (most >= FAR) most = INFINITY;
    found->count = 0;
    found->length = k <= 16 ? 16 : k <= METRIC_SORTED_MAX ? METRIC_SORTED_MAX : 0;
    for (size_t i = 0; i < found->length; i++) found->sorted[i] = i < found->length - k ? -INFINITY : most;
    found->grow = (float)(grow * grow * rounding);
    found->slack = (float)((grow + 1) * slack * rounding);
    found->limit = found->grow * most + found->slack;
}

/* In double precision what passes the block's own filter. Rare, and its room on the stack would cost every scan something. */
static __attribute__((noinline)) uint64_t compare_block(float *value, const struct block_near *near, const struct block_layout *layout,
                                                        const struct block_source *source, uint32_t block, uint64_t wanted, struct block_work *work)
{
    const struct metric *metric = layout->metric;
    const double *frame = block_frame(layout, block), *q = near->query.q;
    const double limit = (double)near->found.limit * (1 + 0x1p-20) / near->unit; /* a key that is rounded to the limit is within */

    wanted &= metric->kernels->lanes(value, block_lanes(layout, block), frame, q, layout->dim,
                                     metric_filter_limit(metric, limit * metric_unit(metric, frame[0])));
    for (uint64_t lanes = wanted; lanes != 0; lanes &= lanes - 1) {
        const int lane = __builtin_ctzll(lanes);
        const double *place = block_source_place(source, layout->dim, block_nodes(layout, block)[lane]);

        value[lane] = (float)(metric_key(metric, q, place) * near->unit);
        if (!(value[lane] <= near->found.limit)) wanted &= ~(UINT64_C(1) << lane);
        work->exact++;
    }
    return wanted;
}

void block_near_look(struct block_near_seen *seen, const struct block_near *near, const struct block_layout *layout,
                     const struct block_source *source, uint32_t block, uint64_t wanted, struct block_work *work)
{
    const struct metric_kernels *kernels = layout->metric->kernels;
    const double *frame = block_frame(layout, block), unit = near->unit / metric_unit(layout->metric, frame[0]);

    work->blocks++;
    work->distances += block_link_of(layout, block)->count;
    seen->number = block * METRIC_LANES;
    if (unit <= BLOCK_NEAR_WIDER && unit >= BLOCK_NEAR_NARROWER) {
        seen->mask = wanted & kernels->near_lanes(seen->value, block_lanes(layout, block), frame, near->query.q, layout->dim, (float)unit,
                                                  near->found.limit * (1 / (float)unit)); /* powers of two: exact, or infinite */
    } else {
        seen->mask = compare_block(seen->value, near, layout, source, block, wanted, work);
    }
}

int block_near_keep(struct block_near *near, const struct metric_kernels *kernels, struct block_near_seen *seen)
{
    struct metric_near *found = &near->found;

    if (seen->mask == 0) return 1;
    if (found->count + METRIC_LANES > near->capacity) {
        kernels->near_drop(found);
        if (found->count + METRIC_LANES > near->capacity) return 0;
    }
    kernels->near_values(found, seen->value, seen->mask, seen->number);
    seen->mask = 0;
    if (found->length == 0 && found->count >= near->mark) {
        kernels->near_narrow(found, near->k);
        near->mark = found->count + (near->k / 3 > FOUND_EVERY ? near->k / 3 : FOUND_EVERY);
    }
    return 1;
}

int block_near_scan(struct block_near *near, const struct block_layout *layout, const struct block_source *source, uint32_t block, uint64_t wanted,
                    struct block_work *work)
{
    struct block_near_seen seen;

    block_near_look(&seen, near, layout, source, block, wanted, work);
    return block_near_keep(near, layout->metric->kernels, &seen);
}

/* Has memory fetch what decides: rows beside lanes, or what the source has. */
static void expect(uint32_t *entry, size_t n, const struct block_layout *layout, const struct block_source *source)
{
    const uint32_t *node = layout->node.data;

    if (layout->row_words > 0) {
        for (size_t i = 0; i < n; i++) __builtin_prefetch((const double *)layout->row.data + (size_t)entry[i] * layout->row_words);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        entry[i] = node[entry[i]];
        __builtin_prefetch(block_source_place(source, layout->dim, entry[i]));
        if (source->label) __builtin_prefetch(source->label + entry[i]);
    }
}

void block_near_finish(struct block_near *near, const struct block_layout *layout, const struct block_source *source)
{
    const struct metric_kernels *kernels = layout->metric->kernels;
    struct metric_near *found = &near->found;
    uint32_t order[METRIC_ORDERED_MAX];

    if (found->length == 0 && found->count > near->k) kernels->near_narrow(found, near->k);
    else kernels->near_drop(found);
    if (found->limit >= FAR && isfinite(found->limit)) near->full = 1;
    if (found->count <= METRIC_ORDERED_MAX) {
        kernels->near_order(order, found->value, found->count);
        for (size_t i = 0; i < found->count; i++) near->entry[i] = found->number[order[i]];
    } else {
        memcpy(near->entry, found->number, found->count * sizeof *near->entry);
    }
    expect(near->entry, found->count, layout, source);
}
