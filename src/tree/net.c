/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/net.h"

#include "base/memory.h"
#include "base/sort.h"

#include <assert.h>

/* The least stored level of ordinary nodes in the net. */
static int least_stored(int level)
{
    assert(level > -INDEX_LEVEL_BIAS && level < INDEX_LEVELS - INDEX_LEVEL_BIAS);
    return level + INDEX_LEVEL_BIAS;
}

size_t tree_net_count(const struct index_state *state, int level)
{
    int least = least_stored(level);
    size_t n = 0;

    if (state->root == INDEX_NONE) return 0;
    for (int i = least; i < INDEX_LEVELS; i++) n += state->level_count[i];
    return n > 0 ? n : 1; /* above the root's own level there is the root alone */
}

int tree_net(int64_t *labels, const struct index_state *state, int level, struct pcct_error *err)
{
    size_t n = 0, count = tree_net_count(state, level);
    int least = least_stored(level), status = 0;
    struct base_pair *pair = NULL;

    TRY(base_take(&pair, state->env, count, sizeof *pair, err));
    for (uint32_t node = 0; node < state->n; node++) {
        if (index_level(state)[node] < least && node != state->root) continue;
        assert(n < count);
        /* the sign bit flipped: signed order as unsigned order */
        pair[n++] = (struct base_pair){ (uint64_t)index_label(state)[node] ^ (uint64_t)1 << 63, node };
    }
    TRY(base_sort_pairs(pair, n, state->env, err));
    for (size_t i = 0; i < n; i++) labels[i] = index_label(state)[pair[i].value];
done:
    base_free(state->env, pair);
    return status;
}
