/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "base/error.h"
#include "base/par.h"
#include "block/layout_nodes.h"

enum { INNERS_AT_ONCE = 4 };

struct reaching {
    struct block_layout *layout;
    const struct block_source *source;
    const uint32_t *inner; /* those of one height */
};

static void write_lanes(const struct reaching *work, uint32_t block)
{
    const struct block_layout *layout = work->layout;
    const uint32_t *node = block_nodes(layout, block);
    float *kept = block_reaches(layout, block);

    for (uint32_t lane = 0; lane < block_link_of(layout, block)->count; lane++) {
        kept[lane] = block_reach_kept(layout, block, block_source_reach(work->source, node[lane]));
    }
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
