/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_near.h"

#include <assert.h>

/*
 * Up to SORTED_MAX the k least upper ends are kept in order. Beyond it candidates gather until there are SELECTED_EVERY more than after the last
 * selection, or a third of k; ROOM is for equal distances and for a block's lanes.
 */
enum { SORTED_MAX = 24, SELECTED_EVERY = 16, ROOM = 512 };

int block_near_take(struct block_near *near, const struct base_env *env, size_t k, struct pcct_error *err)
{
    int status = 0;

    *near = (struct block_near){ .capacity = 2 * k + ROOM };
    TRY(base_take(&near->most, env, near->capacity, sizeof *near->most, err));
    TRY(base_take(&near->candidate, env, near->capacity, sizeof *near->candidate, err));
done:
    return status;
}

void block_near_free(struct block_near *near, const struct base_env *env)
{
    base_free(env, near->candidate);
    base_free(env, near->most);
}

void block_near_start(struct block_near *near, size_t k)
{
    assert(k >= 1 && 2 * k + ROOM <= near->capacity);
    near->k = k;
    near->count = 0;
    near->limit = (double)INFINITY;
    near->mark = k + SELECTED_EVERY;
    for (size_t i = 0; k <= SORTED_MAX && i < k; i++) near->most[i] = (double)INFINITY;
}

static int is_sorted(const struct block_near *near)
{
    return near->k <= SORTED_MAX;
}

static void drop(struct block_near *near)
{
    size_t kept = 0;

    for (size_t i = 0; i < near->count; i++) {
        if (near->candidate[i].least <= near->limit) near->candidate[kept++] = near->candidate[i];
    }
    near->count = kept;
}

/* ---- few ---------------------------------------------------------------------------------------------------------------------------------- */

static inline void insert_most(struct block_near *near, double most)
{
    double *sorted = near->most;
    size_t at = near->k - 1;

    for (; at > 0 && sorted[at - 1] > most; at--) sorted[at] = sorted[at - 1];
    sorted[at] = most;
    near->limit = sorted[near->k - 1];
}

/* ---- many --------------------------------------------------------------------------------------------------------------------------------- */

/* The k-th least of n values, which are moved about: Hoare's selection by the middle one of three. */
static double select_least(double *value, size_t n, size_t k)
{
    size_t low = 0, high = n - 1;

    while (low < high) {
        const double a = value[low], b = value[low + (high - low) / 2], c = value[high];
        const double pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        size_t i = low, j = high;

        while (i <= j) {
            while (value[i] < pivot) i++;
            while (value[j] > pivot) j--;
            if (i > j) break;
            const double kept = value[i];

            value[i++] = value[j];
            value[j] = kept;
            if (j-- == low) break;
        }
        if (j != SIZE_MAX && k - 1 <= j) high = j;
        else if (k - 1 >= i) low = i;
        else break;
    }
    return value[k - 1];
}

static void narrow(struct block_near *near)
{
    if (near->count >= near->k) {
        for (size_t i = 0; i < near->count; i++) near->most[i] = near->candidate[i].most;
        near->limit = fmin(near->limit, select_least(near->most, near->count, near->k));
        drop(near);
    }
    near->mark = near->count + (near->k / 3 > SELECTED_EVERY ? near->k / 3 : SELECTED_EVERY);
}

/* ---- both --------------------------------------------------------------------------------------------------------------------------------- */

int block_near_offer(struct block_near *near, const struct metric_filter *filter, double per_unit, const float *value, uint32_t block, uint64_t mask)
{
    const double grow = filter->grow * per_unit, slack = filter->slack * per_unit, shrink = per_unit / filter->grow;

    if (near->count + METRIC_LANES > near->capacity) {
        drop(near);
        if (near->count + METRIC_LANES > near->capacity) return 0;
    }
    for (; mask != 0; mask &= mask - 1) {
        const int lane = __builtin_ctzll(mask);
        const double v = (double)value[lane], most = grow * v + slack, least = shrink * v - slack;

        if (least > near->limit) continue;
        near->candidate[near->count++] = (struct block_candidate){ least, most, block * METRIC_LANES + (uint32_t)lane };
        if (is_sorted(near) && most < near->limit) insert_most(near, most);
    }
    if (!is_sorted(near) && near->count >= near->mark) narrow(near);
    return 1;
}

void block_near_finish(struct block_near *near)
{
    if (is_sorted(near)) drop(near);
    else narrow(near);
}
