/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_QUERY_H
#define TESTS_SUPPORT_QUERY_H

#include "support_tree.h"

#include "query/filter.h"

/* A state to ask: n points of a kind, labelled in no order of nodes, some labels negative, of which n_dead were deleted. */
struct support_scene {
    struct support_env env;
    struct metric metric;
    struct index_state state;
};
void support_scene_start(struct support_scene *scene, const char *metric, uint32_t dim, enum support_kind kind, size_t n, size_t n_dead);
void support_scene_finish(struct support_scene *scene);

/* nq places to ask from, [nq][metric.dim]: every second one that of a node, so that ties and distance 0 are common. node[nq]: that node, or some
 * other that is live. */
void support_scene_queries(double *queries, uint32_t *node, const struct support_scene *scene, enum support_kind kind, size_t nq);

/* Who may be found, in the tests' own words. */
struct support_rule {
    char *allowed;      /* [n] by node, dead ones are not; NULL: all live nodes */
    uint64_t *rank;     /* [n] by node: a query's node finds those of lesser rank; NULL: no order */
};

/* All nodes that a query may find, sorted by (key, label), the node `self` left out; node: the one that asks, INDEX_NONE: none does. entry[n].
 * Returns how many. */
size_t support_scene_all(struct base_topk_entry *entry, const struct support_scene *scene, const struct support_rule *rule, const double *q,
                         uint32_t self, uint32_t node);

#endif
