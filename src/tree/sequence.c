/* SPDX-License-Identifier: Apache-2.0 */
#include "base/watch.h"
#include "index/search.h"
#include "tree/radius.h"
#include "tree/settle.h"

#include <inttypes.h>

/*
 * Settling for custom metrics: plain sequential insertion, each node placed by a search over the tree that those before it made. There are no boxes
 * to find conflicts with, and finding them through the tree would take most of the evaluations that a second search takes.
 *
 * An orphan need not see the orphans after it, nor what hangs below these: all that is of no greater level than its own, and what it can hang on is
 * of a greater one. Twins, on which nothing hangs, are seated at the end all at once: 10^5 of them, one by one, would walk their list 10^5 times.
 */
enum { STEPS = 2000 }; /* of progress */

struct sequence {
    struct index_state *state;
    struct index_search search;
    struct base_vector twin;      /* struct index_seat */
    struct base_vector twin_node; /* uint32_t */
};

static int add_twin(struct sequence *q, const struct index_seat *seat, struct pcct_error *err)
{
    struct index_seat *place = NULL;
    uint32_t *node = NULL;
    int status = 0;

    TRY(base_vector_add(&place, &q->twin, q->state->env, 1, err));
    TRY(base_vector_add(&node, &q->twin_node, q->state->env, 1, err));
    *place = *seat;
    *node = seat->node;
done:
    return status;
}

/* T3 says that an orphan never falls (docs/algorithm.md, section 4), if distances are a metric's. Were it not told here, its children would be left
 * above it. */
static int check_seat(const struct index_state *state, const struct index_seat *seat, double key, struct pcct_error *err)
{
    int16_t level = index_level(state)[seat->node];

    if (level <= 0 || seat->level >= level) return 0;
    return base_fail(err, PCCT_E_INVALID,
                     "the metric \"%s\" breaks the triangle inequality or its symmetry: the points with labels %" PRId64 " and %" PRId64
                     " are %.17g apart, which other distances rule out; pcct_metric_check looks for the points",
                     metric_called(&state->metric), index_label(state)[seat->node], index_label(state)[seat->parent], key);
}

static int settle_one(struct sequence *q, uint32_t node, struct pcct_error *err)
{
    struct index_state *state = q->state;
    double below = tree_radius_below(state, node);
    struct index_seat seat = { .node = node };
    struct block_hit best;
    int status = 0;

    TRY(index_search_nearest(&best, &q->search, index_place(state, node), err));
    TRY(index_calls_check(state, NULL, 0, err));
    seat.parent = best.node;
    seat.level = tree_level_of(&state->metric, best.key);
    TRY(check_seat(state, &seat, best.key, err));
    if (seat.level == INDEX_LEVEL_TWIN) {
        TRY(add_twin(q, &seat, err));
    } else {
        TRY(index_attach(state, &seat, 1, err));
        TRY(tree_raise_radii(state, &node, &below, 1, err));
    }
done:
    return status;
}

/* Where progress is told: not by every small step of each item, which has the quiet env, but some thousand times in all. */
static int tell(const struct base_env *env, size_t done, size_t n, struct pcct_error *err)
{
    if (done % (n / STEPS + 1) == 0) base_watch_tell(env, (double)done / (double)n);
    return base_watch_check(env, err);
}

static int settle_all(struct sequence *q, const struct base_env *env, const uint32_t *order, size_t n, struct pcct_error *err)
{
    int status = 0;

    for (size_t i = 0; i < n; i++) {
        TRY(settle_one(q, order[i], err));
        TRY(tell(env, i + 1, n, err));
    }
    TRY(index_attach(q->state, q->twin.memory.data, q->twin.count, err));
    TRY(tree_raise_radii(q->state, q->twin_node.memory.data, NULL, q->twin_node.count, err));
done:
    return status;
}

int tree_settle_sequence(struct index_state *state, const uint32_t *order, size_t n, struct pcct_error *err)
{
    struct sequence q = { .state = state, .twin = { .item_bytes = sizeof(struct index_seat) }, .twin_node = { .item_bytes = sizeof(uint32_t) } };
    const struct base_env *env = state->env;
    struct base_env quiet = *env;
    struct block_work work = { 0, 0, 0, 0 };
    int status = 0;

    if (n == 0) return 0;
    base_watch_stage(env, BASE_STAT_locate_seconds);
    quiet.watch = NULL;
    state->env = &quiet;
    index_search_start(&q.search, state);
    status = settle_all(&q, env, order, n, err);
    index_search_free(&q.search);
    base_watch_add(env, BASE_STAT_twin_items, q.twin.count);
    base_vector_free(&q.twin, env);
    base_vector_free(&q.twin_node, env);
    state->env = env;
    work.nodes = q.search.nodes;
    work.distances = q.search.distances;
    tree_count_work(env, &work);
    base_watch_add(env, BASE_STAT_searches, n);
    return status != 0 ? status : base_watch_sub_batch(env, n, err);
}
