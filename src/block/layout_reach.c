/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "base/error.h"
#include "base/par.h"
#include "block/layout_nodes.h"

#include <math.h>
#include <string.h>

enum { INNERS_AT_ONCE = 4 };

struct reaching {
    struct block_layout *layout;
    const struct block_source *source;
    const uint32_t *inner; /* those of one height */
};

enum { BUCKETS = 64 };

/* Reaches are powers of two, so their exponents sort them; far below the greatest finite one it does not matter. Twins come last. */
static unsigned bucket_of(double reach, double most)
{
    int below;

    if (reach < 0) return BUCKETS - 1;
    if (reach > most) return 0; /* infinite */
    below = reach > 0 ? 1 + ilogb(most) - ilogb(reach) : BUCKETS;
    return below < BUCKETS - 2 ? (unsigned)below : BUCKETS - 2;
}

/* The lanes in the order in which they are to stand: those that reach farthest first. Returns whether any moves. */
static int order_lanes(uint8_t *from, const double *reach, uint32_t count)
{
    uint8_t bucket[METRIC_LANES], first[BUCKETS] = { 0 };
    double most = -1;
    int moves = 0;
    uint8_t at = 0;

    for (uint32_t i = 0; i < count; i++) most = reach[i] > most && !isinf(reach[i]) ? reach[i] : most;
    for (uint32_t i = 0; i < count; i++) {
        bucket[i] = (uint8_t)bucket_of(reach[i], most);
        first[bucket[i]]++;
        moves |= i > 0 && bucket[i] < bucket[i - 1];
    }
    for (uint32_t i = 0; i < BUCKETS; i++) {
        const uint8_t size = first[i];

        first[i] = at;
        at = (uint8_t)(at + size);
    }
    for (uint32_t i = 0; i < count; i++) from[first[bucket[i]]++] = (uint8_t)i;
    return moves;
}

static void reorder_rows(const struct block_layout *layout, uint32_t block, const uint8_t *from, uint32_t count)
{
    const size_t words = layout->row_words;
    double old[METRIC_LANES * (BLOCK_ROW_DIM + 1)];

    memcpy(old, block_row(layout, block, 0), count * words * sizeof *old);
    for (uint32_t i = 0; i < count; i++) memcpy(block_row(layout, block, i), old + from[i] * words, words * sizeof *old);
}

static void write_lanes(const struct reaching *work, uint32_t block)
{
    const struct block_layout *layout = work->layout;
    const uint32_t count = block_link_of(layout, block)->count;
    uint32_t *node = block_nodes(layout, block), old_node[METRIC_LANES];
    float *kept = block_reaches(layout, block), *lane = block_lanes(layout, block), old[METRIC_LANES];
    double reach[METRIC_LANES];
    uint8_t from[METRIC_LANES];

    for (uint32_t i = 0; i < count; i++) reach[i] = block_source_reach(work->source, node[i]);
    if (order_lanes(from, reach, count)) {
        memcpy(old_node, node, count * sizeof *node);
        for (uint32_t i = 0; i < count; i++) {
            node[i] = old_node[from[i]];
            block_where(layout)[node[i]] = block * METRIC_LANES + i;
        }
        for (uint32_t j = 0; j < layout->dim; j++, lane += METRIC_LANES) {
            memcpy(old, lane, count * sizeof *lane);
            for (uint32_t i = 0; i < count; i++) lane[i] = old[from[i]];
        }
        if (layout->row_words > 0) reorder_rows(layout, block, from, count);
    }
    for (uint32_t i = 0; i < count; i++) kept[i] = block_reach_kept(layout, block, node[i], reach[from[i]]);
}

static void renew_inners(void *ctx, size_t begin, size_t end, int thread)
{
    const struct reaching *work = ctx;
    struct block_layout *layout = work->layout;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t inner = work->inner[i], *child = block_children(layout, inner);

        for (uint32_t slot = 0; slot < block_inner(layout, inner)->count; slot++) {
            if (child[slot] & BLOCK_IS_LEAF) write_lanes(work, child[slot] & ~BLOCK_IS_LEAF);
            block_summarise(layout, inner, slot);
        }
    }
}

/* Inner nodes are listed height by height from the root down and renewed from the lowest up. */
int block_renew_all_reaches(struct block_layout *layout, const struct block_source *source, struct pcct_error *err)
{
    struct reaching work = { layout, source, NULL };
    size_t first[BLOCK_HEIGHT_MAX + 1] = { 0 }, count = 0;
    int heights = 0, status = 0;
    uint32_t *inner = NULL;

    if (layout->root == BLOCK_NONE) return 0;
    TRY(base_take(&inner, layout->env, layout->inners, sizeof *inner, err));
    inner[count++] = layout->root;
    for (size_t i = 0; i < count; i++) {
        const uint32_t *child = block_children(layout, inner[i]);

        if (i == first[heights]) first[++heights] = count;
        for (uint32_t slot = 0; slot < block_inner(layout, inner[i])->count && !(child[slot] & BLOCK_IS_LEAF); slot++) inner[count++] = child[slot];
    }
    while (heights-- > 0) {
        work.inner = inner + first[heights];
        base_par_for(layout->env, first[heights + 1] - first[heights], INNERS_AT_ONCE, renew_inners, &work);
    }
done:
    base_free(layout->env, inner);
    return status;
}
