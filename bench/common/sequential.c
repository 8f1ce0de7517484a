/* SPDX-License-Identifier: Apache-2.0 */
#include "common/sequential.h"

#include "common/machine.h"

#include <limits.h>
#include <stdlib.h>

enum { NOBODY = -1 };

/* A node of R_i: its key from the point, and the first of its children that is not in the set yet. */
struct bench_candidate {
    double key;
    int32_t row, child;
};

/* The library's order of insertion, as docs/algorithm.md gives it: for each seed a bijection of 32-bit numbers, the lesser goes first. */
static uint32_t priority(uint64_t seed, uint32_t node)
{
    uint32_t x = node + (uint32_t)seed;

    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    x += (uint32_t)(seed >> 32);
    x ^= x >> 15;
    x *= 0x2c1b3c6du;
    x ^= x >> 12;
    return x;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Appends the rows first .. first + n - 1 to the list of what is inserted. */
static const int32_t *order(struct bench_sequential *s, size_t first, size_t n, uint64_t seed)
{
    uint64_t *pair = bench_take(n, sizeof *pair);
    int32_t *row = s->done + s->n_done;

    for (size_t i = 0; i < n; i++) pair[i] = (uint64_t)priority(seed, (uint32_t)(first + i)) << 32 | (first + i);
    qsort(pair, n, sizeof *pair, by_number);
    for (size_t i = 0; i < n; i++) row[i] = (int32_t)(pair[i] & 0xffffffffu);
    free(pair);
    return row;
}

void bench_sequential_init(struct bench_sequential *s, const double *points, size_t n, size_t dim)
{
    *s = (struct bench_sequential){ .root = NOBODY };
    bench_tree_init(&s->tree, points, n, dim);
    s->child = bench_take(n, sizeof *s->child);
    s->next = bench_take(n, sizeof *s->next);
    s->near = bench_take(n, sizeof *s->near);
    s->done = bench_take(n, sizeof *s->done);
    for (size_t i = 0; i < n; i++) s->child[i] = s->next[i] = NOBODY;
}

void bench_sequential_free(struct bench_sequential *s)
{
    free(s->done);
    free(s->near);
    free(s->next);
    free(s->child);
    bench_tree_free(&s->tree);
}

static double measure(struct bench_sequential *s, int32_t a, int32_t b)
{
    s->distances++;
    return bench_tree_key(&s->tree, (size_t)a, (size_t)b);
}

static int before(double key, int32_t row, double other_key, int32_t other_row)
{
    return key < other_key || (key == other_key && row < other_row);
}

/* The greatest level of a child that is not in the set yet; INT_MIN: there is none. */
static int32_t next_level(const struct bench_sequential *s)
{
    int32_t level = INT_MIN;

    for (size_t i = 0; i < s->n_near; i++) {
        int32_t child = s->near[i].child;

        if (child != NOBODY && s->tree.level[child] > level) level = s->tree.level[child];
    }
    return level;
}

/* From R_(level+1), or from that of a greater level if no node has a level between, to R_level. */
static void descend(struct bench_sequential *s, int32_t row, int32_t level)
{
    size_t kept = 0, had = s->n_near;

    for (size_t i = 0; i < had; i++) {
        struct bench_candidate *candidate = &s->near[i];

        for (; candidate->child != NOBODY && s->tree.level[candidate->child] == level; candidate->child = s->next[candidate->child]) {
            s->near[s->n_near++] = (struct bench_candidate){ measure(s, row, candidate->child), candidate->child, s->child[candidate->child] };
        }
    }
    for (size_t i = 0; i < s->n_near; i++) {
        if (s->near[i].key <= bench_tree_reach(level + 1)) s->near[kept++] = s->near[i];
    }
    s->n_near = kept;
}

static const struct bench_candidate *nearest(const struct bench_sequential *s)
{
    const struct bench_candidate *best = &s->near[0];

    for (size_t i = 1; i < s->n_near; i++) {
        if (before(s->near[i].key, s->near[i].row, best->key, best->row)) best = &s->near[i];
    }
    return best;
}

static void link_child(struct bench_sequential *s, int32_t row)
{
    int32_t *link = &s->child[s->tree.parent[row]];

    while (*link != NOBODY && s->tree.level[*link] > s->tree.level[row]) link = &s->next[*link];
    s->next[row] = *link;
    *link = row;
}

static void insert(struct bench_sequential *s, int32_t row)
{
    struct bench_tree *tree = &s->tree;
    int32_t here = INT_MAX; /* R_i is the same set for all i from `here` down to the next level that has a node */

    s->near[0] = (struct bench_candidate){ measure(s, row, s->root), s->root, s->child[s->root] };
    s->n_near = 1;
    while (s->n_near > 0) {
        const struct bench_candidate *best = nearest(s);
        int32_t below = next_level(s);

        if (best->key == 0) {
            tree->parent[row] = best->row;
            tree->level[row] = PCCT_LEVEL_TWIN;
            return; /* twins are in no set */
        }
        if (bench_tree_scale(best->key) <= here) {
            int32_t scale = bench_tree_scale(best->key);

            tree->parent[row] = best->row;
            tree->level[row] = (below != INT_MIN && scale <= below ? below + 1 : scale) - 1;
        }
        if (below == INT_MIN) break;
        descend(s, row, below);
        here = below;
    }
    link_child(s, row);
}

void bench_sequential_cover_sets(struct bench_sequential *s, size_t first, size_t n, uint64_t seed)
{
    const int32_t *row = order(s, first, n, seed);

    for (size_t i = 0; i < n; i++) {
        if (s->root == NOBODY) {
            s->root = row[i];
            s->tree.parent[row[i]] = BENCH_ROOT;
        } else {
            insert(s, row[i]);
        }
    }
    s->n_done += n;
    bench_tree_settle_root(&s->tree);
}

void bench_sequential_brute(struct bench_sequential *s, size_t first, size_t n, uint64_t seed)
{
    struct bench_tree *tree = &s->tree;

    order(s, first, n, seed);
    for (size_t end = s->n_done + n; s->n_done < end; s->n_done++) {
        int32_t row = s->done[s->n_done], parent = BENCH_ROOT;
        double best = 0;

        for (size_t i = 0; i < s->n_done; i++) {
            int32_t other = s->done[i];
            double key = measure(s, row, other);
            int eligible = tree->level[other] != PCCT_LEVEL_TWIN && (i == 0 || key <= bench_tree_reach(tree->level[other]));

            if (eligible && (parent == BENCH_ROOT || before(key, other, best, parent))) {
                parent = other;
                best = key;
            }
        }
        tree->parent[row] = parent;
        if (parent != BENCH_ROOT) tree->level[row] = best > 0 ? bench_tree_scale(best) - 1 : PCCT_LEVEL_TWIN;
    }
    bench_tree_settle_root(tree);
}
