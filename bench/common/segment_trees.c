/* SPDX-License-Identifier: Apache-2.0 */
#include "common/segment_trees.h"

#include "common/machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 60 }; /* below this level nothing is told apart */

/* A point that some node covers, with its distance from it. */
struct covered {
    uint32_t point;
    double distance;
};

/* A node with what it covers, in order. */
struct node {
    uint32_t point, last; /* last: its last child so far, UINT32_MAX: none */
    struct covered *cover;
    size_t covers;
};

struct level {
    struct node *node;
    size_t nodes, room;
};

static void add_node(struct level *level, struct node node)
{
    if (level->nodes == level->room) {
        level->room = level->room * 2 + 64;
        level->node = realloc(level->node, level->room * sizeof *level->node);
        if (!level->node) bench_die("out of memory");
    }
    level->node[level->nodes++] = node;
}

static void add_child(struct bench_segment_trees *t, struct node *parent, uint32_t point, int level)
{
    const uint32_t at = t->children++;

    t->child[at] = (struct bench_segment_child){ point, UINT32_MAX, level };
    if (parent->last == UINT32_MAX) t->first[parent->point] = at;
    else t->child[parent->last].next = at;
    parent->last = at;
}

/* A node's children at a level, and what each of them and the node itself then cover. */
static void split(struct level *next, struct bench_segment_trees *t, struct node *parent, int level)
{
    const double reach = level < DEEPEST ? ldexp(1, -level) : -1;
    size_t left = 0, kept = 0;
    struct covered *rest = bench_take(parent->covers + 1, sizeof *rest);

    for (size_t i = 0; i < parent->covers; i++) {
        if (parent->cover[i].distance <= reach) parent->cover[kept++] = parent->cover[i];
        else rest[left++] = parent->cover[i];
    }
    parent->covers = kept;
    while (left > 0) {
        struct node node = { rest[0].point, UINT32_MAX, bench_take(left, sizeof *node.cover), 0 };
        size_t others = 0;

        add_child(t, parent, node.point, level);
        for (size_t i = 1; i < left; i++) {
            const double d = level < DEEPEST ? t->distance(t->ctx, node.point, rest[i].point) : INFINITY;

            t->evaluated++;
            if (d <= reach) node.cover[node.covers++] = (struct covered){ rest[i].point, d };
            else rest[others++] = rest[i];
        }
        left = others;
        if (node.covers > 0) add_node(next, node);
        else free(node.cover);
    }
    free(rest);
    if (parent->covers > 0) add_node(next, *parent);
    else free(parent->cover);
}

static void build_segment(struct bench_segment_trees *t, uint32_t begin, uint32_t end)
{
    struct level now = { NULL, 0, 0 }, next = { NULL, 0, 0 };
    struct node root = { begin, UINT32_MAX, bench_take(end - begin, sizeof *root.cover), 0 };

    for (uint32_t i = begin + 1; i < end; i++) root.cover[root.covers++] = (struct covered){ i, t->distance(t->ctx, begin, i) };
    t->evaluated += root.covers;
    add_node(&now, root);
    for (int level = 1; now.nodes > 0; level++) {
        struct level empty = now;

        next.nodes = 0;
        for (size_t i = 0; i < now.nodes; i++) split(&next, t, &now.node[i], level);
        now = next;
        next = empty;
    }
    free(now.node);
    free(next.node);
}

void bench_segment_trees_build(struct bench_segment_trees *t, uint32_t n, uint32_t segments,
                               double (*distance)(const void *ctx, uint32_t a, uint32_t b), const void *ctx)
{
    *t = (struct bench_segment_trees){ .distance = distance, .ctx = ctx, .n = n, .segments = segments };
    t->root = bench_take(segments, sizeof *t->root);
    t->first = bench_take(n, sizeof *t->first);
    t->child = bench_take(n, sizeof *t->child);
    memset(t->first, 0xff, n * sizeof *t->first);
    for (uint32_t s = 0; s < segments; s++) {
        t->root[s] = (uint32_t)((uint64_t)n * s / segments);
        build_segment(t, t->root[s], (uint32_t)((uint64_t)n * (s + 1) / segments));
    }
}

void bench_segment_trees_free(struct bench_segment_trees *t)
{
    free(t->root);
    free(t->first);
    free(t->child);
    memset(t, 0, sizeof *t);
}

/* ---- searching ---------------------------------------------------------------------------------------------------------------------------- */

struct search {
    double *found;
    size_t count, k;
    uint32_t query;
    struct front {
        uint32_t point, cursor; /* its next child */
        double distance;
    } *front;
    size_t fronts;
};

static void meet(struct search *s, struct bench_segment_trees *t, uint32_t point)
{
    const double d = t->distance(t->ctx, s->query, point);
    size_t at = s->count < s->k ? s->count++ : s->k;

    t->evaluated++;
    s->front[s->fronts++] = (struct front){ point, t->first[point], d };
    if (at == s->k && !(d < s->found[s->k - 1])) return;
    if (at == s->k) at--;
    for (; at > 0 && s->found[at - 1] > d; at--) s->found[at] = s->found[at - 1];
    s->found[at] = d;
}

static void descend(struct search *s, struct bench_segment_trees *t, uint32_t root)
{
    s->fronts = 0;
    meet(s, t, root);
    for (int level = 1; s->fronts > 0 && level <= DEEPEST; level++) {
        const size_t old = s->fronts;
        size_t kept = 0;

        for (size_t i = 0; i < old; i++) {
            uint32_t at = s->front[i].cursor;

            for (; at != UINT32_MAX && t->child[at].level == level; at = t->child[at].next) {
                if (t->child[at].point < s->query) meet(s, t, t->child[at].point);
            }
            s->front[i].cursor = at;
        }
        for (size_t i = 0; i < s->fronts; i++) {
            const int near = s->count < s->k || s->front[i].distance <= s->found[s->k - 1] + ldexp(1, 1 - level);

            if (near && s->front[i].cursor != UINT32_MAX) s->front[kept++] = s->front[i];
        }
        s->fronts = kept;
    }
}

size_t bench_segment_trees_search(double *found, struct bench_segment_trees *t, uint32_t query, size_t k)
{
    struct search s = { found, 0, k, query, bench_take(t->n, sizeof *s.front), 0 };

    for (uint32_t i = 0; i < t->segments && t->root[i] < query; i++) descend(&s, t, t->root[i]);
    free(s.front);
    return s.count;
}
