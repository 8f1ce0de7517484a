/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_near.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/*
 * Up to METRIC_SORTED_MAX the k least upper ends are kept in order by a kernel. Beyond it candidates gather until there are FOUND_EVERY more than
 * after the last search for the k-th, or a third of k. ROOM is for equal distances and for a block's lanes.
 */
enum { FOUND_EVERY = 16, ROOM = 512, STEPS = 24 };

int block_near_take(struct block_near *near, const struct base_env *env, size_t k, struct pcct_error *err)
{
    int status = 0;

    *near = (struct block_near){ .capacity = (2 * k + ROOM) / 8 * 8 };
    TRY(base_take(&near->sorted, env, METRIC_SORTED_MAX, sizeof *near->sorted, err));
    TRY(base_take(&near->least, env, near->capacity, sizeof *near->least, err));
    TRY(base_take(&near->most, env, near->capacity, sizeof *near->most, err));
    TRY(base_take(&near->lane, env, near->capacity, sizeof *near->lane, err));
done:
    return status;
}

void block_near_free(struct block_near *near, const struct base_env *env)
{
    base_free(env, near->lane);
    base_free(env, near->most);
    base_free(env, near->least);
    base_free(env, near->sorted);
}

/* A limit from the beginning is as if k entries had been met that end there. */
void block_near_start(struct block_near *near, size_t k, double limit)
{
    assert(k >= 1 && (2 * k + ROOM) / 8 * 8 <= near->capacity);
    near->k = k;
    near->count = 0;
    near->limit = limit;
    near->mark = k + FOUND_EVERY;
    near->length = k <= METRIC_SORTED_MAX ? (unsigned)(k + 7) / 8 * 8 : 0;
    for (size_t i = 0; i < near->length; i++) near->sorted[i] = i < near->length - k ? -(double)INFINITY : limit;
}

/* Leaves the candidates that begin within the limit. */
static void drop(struct block_near *near)
{
    size_t kept = 0;

    for (size_t i = 0; i < near->count; i++) {
        near->least[kept] = near->least[i];
        near->most[kept] = near->most[i];
        near->lane[kept] = near->lane[i];
        kept += near->least[i] <= near->limit;
    }
    near->count = kept;
}

/* Numbers that are not negative are in the order of their bits. */
static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Lowers the limit to a value that the k-th upper end does not exceed, nor fall short of by more than a few places. Halving the interval of bits
 * finds it in few steps whether the ends are of one size or of many, and costs no mispredicted branch, unlike selection by pivots. */
static void lower_limit(struct block_near *near, const struct metric_kernels *kernels)
{
    const size_t few = near->k / 16 + 2;
    double least = (double)INFINITY, most = 0;
    uint64_t low, high;

    for (size_t i = 0; i < near->count; i++) {
        least = near->most[i] < least ? near->most[i] : least;
        most = near->most[i] > most ? near->most[i] : most;
    }
    low = bits_of(least);
    high = bits_of(fmin(most, near->limit));
    for (int step = 0; step < STEPS && low < high; step++) {
        const uint64_t middle = low + (high - low) / 2;
        const size_t within = kernels->count_within(near->most, near->count, double_of(middle));

        if (within < near->k) low = middle + 1;
        else high = middle;
        if (within >= near->k && within <= near->k + few) break;
    }
    near->limit = double_of(high);
}

static void narrow(struct block_near *near, const struct metric_kernels *kernels)
{
    if (near->count >= near->k) {
        lower_limit(near, kernels);
        drop(near);
    }
    near->mark = near->count + (near->k / 3 > FOUND_EVERY ? near->k / 3 : FOUND_EVERY);
}

int block_near_offer(struct block_near *near, const struct metric *metric, double unit, const float *value, uint32_t block, uint64_t mask)
{
    const struct metric_filter *filter = &metric->filter;
    const double per_unit = 1 / unit, grow = filter->grow * per_unit, slack = filter->slack * per_unit, shrink = per_unit / filter->grow;

    if (near->count + METRIC_LANES > near->capacity) {
        drop(near);
        if (near->count + METRIC_LANES > near->capacity) return 0;
    }
    if (near->length > 0) {
        near->limit = metric->kernels->keep_least(near->sorted, near->length, value, mask, grow, slack);
        mask &= metric->kernels->within(value, metric_filter_limit(metric, near->limit * unit));
    }
    for (; mask != 0; mask &= mask - 1) {
        const int lane = __builtin_ctzll(mask);
        const double v = (double)value[lane];

        near->least[near->count] = shrink * fmin(v, (double)FLT_MAX) - slack; /* beyond a float's range v is infinite, the key is not */
        near->most[near->count] = grow * v + slack;
        near->lane[near->count++] = block * METRIC_LANES + (uint32_t)lane;
    }
    if (near->length == 0 && near->count >= near->mark) narrow(near, metric->kernels);
    return 1;
}

void block_near_finish(struct block_near *near, const struct metric *metric)
{
    if (near->length > 0) drop(near);
    else narrow(near, metric->kernels);
}
