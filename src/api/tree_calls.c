/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

#include "tree/net.h"
#include "tree/walk.h"

_Static_assert(PCCT_LEVEL_MIN == 1 - INDEX_LEVEL_BIAS && PCCT_LEVEL_MAX == INDEX_LEVELS - 1 - INDEX_LEVEL_BIAS, "the levels that can be stored");

static int need(const void *argument, const char *call, const char *what, struct pcct_error *err)
{
    return argument ? 0 : base_fail(err, PCCT_E_INVALID, "%s needs %s", call, what);
}

int pcct_net(int64_t *labels, size_t *n, const pcct_view *view, int level, struct pcct_error *err)
{
    int status = 0;

    TRY(need(n, "pcct_net", "a place for the number of labels", err));
    if (level < PCCT_LEVEL_MIN || level > PCCT_LEVEL_MAX) {
        TRY(base_fail(err, PCCT_E_INVALID, "level %d is out of range; levels are exponents of two, from %d to %d", level, PCCT_LEVEL_MIN,
                      PCCT_LEVEL_MAX));
    }
    *n = tree_net_count(&view->state, level);
    if (labels) TRY(tree_net(labels, &view->state, level, err));
done:
    return status;
}

int pcct_levels(struct pcct_level *levels, size_t *n, const pcct_view *view, struct pcct_error *err)
{
    int status = 0;

    TRY(need(n, "pcct_levels", "a place for the number of levels", err));
    *n = 0;
    for (int level = PCCT_LEVEL_MAX; level >= PCCT_LEVEL_MIN; level--) {
        uint64_t nodes = view->state.level_count[level + INDEX_LEVEL_BIAS];

        if (nodes == 0) continue;
        if (levels) levels[*n] = (struct pcct_level){ level, 0, nodes };
        (*n)++;
    }
done:
    return status;
}

static struct pcct_node_info tell_node(const struct index_state *state, uint32_t node, uint64_t depth)
{
    int twin = index_level(state)[node] == INDEX_LEVEL_TWIN;

    return (struct pcct_node_info){
        .size = sizeof(struct pcct_node_info),
        .label = index_label(state)[node],
        .parent = node == state->root ? -1 : index_label(state)[index_parent(state)[node]],
        .level = twin ? PCCT_LEVEL_TWIN : index_level(state)[node] - INDEX_LEVEL_BIAS,
        .twin = twin,
        .distance = index_pdist(state)[node],
        .radius = index_radius(state)[node],
        .children = tree_children(NULL, state, node),
        .depth = depth,
        .point = index_points(state) + (size_t)node * state->metric.input_dim,
    };
}

int pcct_node_describe(struct pcct_node_info *node, const pcct_view *view, int64_t label, struct pcct_error *err)
{
    struct pcct_node_info ours;
    uint32_t number = INDEX_NONE;
    int status = 0;

    TRY(api_view_nodes(&number, view, &label, 1, err));
    ours = tell_node(&view->state, number, tree_path(NULL, &view->state, number) - 1);
    if (api_result_write(node, &ours, sizeof ours) != 0) {
        TRY(base_fail(err, PCCT_E_INVALID, "pcct_node_describe needs a structure with its size filled in"));
    }
done:
    return status;
}

int pcct_children(int64_t *labels, size_t *n, const pcct_view *view, int64_t label, struct pcct_error *err)
{
    uint32_t node = INDEX_NONE;
    int status = 0;

    TRY(need(n, "pcct_children", "a place for the number of labels", err));
    TRY(api_view_nodes(&node, view, &label, 1, err));
    *n = tree_children(labels, &view->state, node);
done:
    return status;
}

int pcct_path(int64_t *labels, size_t *n, const pcct_view *view, int64_t label, struct pcct_error *err)
{
    uint32_t node = INDEX_NONE;
    int status = 0;

    TRY(need(n, "pcct_path", "a place for the number of labels", err));
    TRY(api_view_nodes(&node, view, &label, 1, err));
    *n = tree_path(labels, &view->state, node);
done:
    return status;
}

int pcct_walk(const pcct_view *view, int (*visit)(void *ctx, const struct pcct_node_info *node), void *ctx, struct pcct_error *err)
{
    if (!visit) return base_fail(err, PCCT_E_INVALID, "pcct_walk needs a function to show the nodes to");
    for (struct tree_walk walk = tree_walk_start(&view->state); walk.node != INDEX_NONE; tree_walk_next(&walk)) {
        struct pcct_node_info node = tell_node(&view->state, walk.node, walk.depth);

        if (visit(ctx, &node) != 0) break;
    }
    return 0;
}

int pcct_tree_describe(struct pcct_tree_info *info, const pcct_view *view, struct pcct_error *err)
{
    const struct index_state *state = &view->state;
    struct pcct_tree_info ours = { .nodes = state->n_live, .twins = state->twins };
    struct tree_shape shape;
    int status = 0;

    tree_measure(&shape, state);
    ours.inner = shape.inner;
    ours.depth_max = shape.depth_most;
    ours.depth_mean = shape.depth_mean;
    ours.children_max = shape.children_most;
    ours.children_mean = shape.children_mean;
    ours.radius_mean = shape.radius_mean;
    if (api_result_write(info, &ours, sizeof ours) != 0) {
        TRY(base_fail(err, PCCT_E_INVALID, "pcct_tree_describe needs a structure with its size filled in"));
    }
done:
    return status;
}
