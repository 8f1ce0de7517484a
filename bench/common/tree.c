/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tree.h"

#include "common/machine.h"
#include "common/store.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEPARATION_SAMPLE = 1000, FIRST_BYTES = 128 };

void bench_tree_init(struct bench_tree *tree, const double *points, size_t n, size_t dim)
{
    *tree = (struct bench_tree){ points, n, dim, bench_take(n, sizeof(int32_t)), bench_take(n, sizeof(int32_t)) };
    for (size_t i = 0; i < n; i++) tree->parent[i] = BENCH_NOBODY;
}

void bench_tree_free(struct bench_tree *tree)
{
    free(tree->level);
    free(tree->parent);
}

static int note_node(void *ctx, const struct pcct_node_info *node)
{
    struct bench_tree *tree = ctx;

    if (node->label < 0 || (size_t)node->label >= tree->n) bench_die("the tree has a node %lld that was never inserted", (long long)node->label);
    if (tree->parent[node->label] != BENCH_NOBODY) bench_die("the walk shows node %lld twice", (long long)node->label);
    tree->parent[node->label] = node->parent < 0 ? BENCH_ROOT : (int32_t)node->parent;
    tree->level[node->label] = node->level;
    return 0;
}

void bench_tree_read(struct bench_tree *tree, const pcct_view *view)
{
    for (size_t i = 0; i < tree->n; i++) tree->parent[i] = BENCH_NOBODY;
    BENCH_MUST(pcct_walk(view, note_node, tree, &err));
}

double bench_tree_key(const struct bench_tree *tree, size_t a, size_t b)
{
    const double *p = tree->points + a * tree->dim, *q = tree->points + b * tree->dim;
    double key = 0;

    for (size_t j = 0; j < tree->dim; j++) key += (p[j] - q[j]) * (p[j] - q[j]);
    return key;
}

double bench_tree_reach(int32_t level)
{
    return ldexp(1, 2 * level);
}

int32_t bench_tree_scale(double key)
{
    int power = 0;

    if (frexp(key, &power) == 0.5) power--; /* now 2^power is the least power of two that reaches the key */
    return power > 0 ? (power + 1) / 2 : -(-power / 2);
}

void bench_tree_settle_root(struct bench_tree *tree)
{
    int32_t above = INT_MIN;
    size_t root = tree->n;

    for (size_t i = 0; i < tree->n; i++) {
        if (tree->parent[i] == BENCH_ROOT) root = i;
        else if (tree->parent[i] != BENCH_NOBODY && tree->level[i] != PCCT_LEVEL_TWIN && tree->level[i] > above) above = tree->level[i];
    }
    if (root < tree->n) tree->level[root] = above == INT_MIN ? 0 : above + 1;
}

static void note(uint64_t *violations, char first[FIRST_BYTES], const char *what, size_t a, size_t b)
{
    if ((*violations)++ == 0) snprintf(first, FIRST_BYTES, "%s: rows %zu and %zu", what, a, b);
}

/* A row against its parent. */
static void check_row(uint64_t *violations, char first[FIRST_BYTES], const struct bench_tree *tree, size_t row, size_t root)
{
    size_t parent = (size_t)tree->parent[row];
    int32_t level = tree->level[row];

    if (tree->parent[row] < 0 || parent >= tree->n || tree->parent[parent] == BENCH_NOBODY) {
        note(violations, first, "no parent", row, parent);
    } else if (level == PCCT_LEVEL_TWIN) {
        if (tree->level[parent] == PCCT_LEVEL_TWIN || bench_tree_key(tree, row, parent) != 0) note(violations, first, "no twin", row, parent);
    } else {
        if (level >= tree->level[parent]) note(violations, first, "parent level", row, parent);
        if (level >= tree->level[root]) note(violations, first, "root level", row, root);
        if (bench_tree_key(tree, row, parent) > bench_tree_reach(level + 1)) note(violations, first, "cover", row, parent);
    }
}

static int stands(const struct bench_tree *tree, size_t row)
{
    return tree->parent[row] != BENCH_NOBODY && tree->level[row] != PCCT_LEVEL_TWIN;
}

static void check_separation(uint64_t *violations, char first[FIRST_BYTES], const struct bench_tree *tree, size_t row, size_t from)
{
    for (size_t other = from; other < tree->n; other++) {
        int32_t lesser = tree->level[other] < tree->level[row] ? tree->level[other] : tree->level[row];

        if (other == row || !stands(tree, other)) continue;
        if (bench_tree_key(tree, row, other) <= bench_tree_reach(lesser)) note(violations, first, "separation", row, other);
    }
}

uint64_t bench_tree_check(char first[FIRST_BYTES], const struct bench_tree *tree)
{
    int all = tree->n <= BENCH_TREE_ALL;
    size_t step = all ? 1 : tree->n / SEPARATION_SAMPLE, root = tree->n, nodes = 0;
    uint64_t violations = 0;

    first[0] = '\0';
    for (size_t i = 0; i < tree->n; i++) {
        nodes += tree->parent[i] != BENCH_NOBODY;
        if (tree->parent[i] != BENCH_ROOT) continue;
        if (root < tree->n) note(&violations, first, "two roots", root, i);
        root = i;
    }
    if (nodes == 0) return 0;
    if (root == tree->n) {
        note(&violations, first, "no root", 0, 0);
        return violations;
    }
    for (size_t i = 0; i < tree->n; i++) {
        if (tree->parent[i] != BENCH_NOBODY && i != root) check_row(&violations, first, tree, i, root);
    }
    for (size_t i = 0; i < tree->n; i += step) {
        if (stands(tree, i)) check_separation(&violations, first, tree, i, all ? i + 1 : 0);
    }
    return violations;
}

uint64_t bench_tree_differences(const struct bench_tree *a, const struct bench_tree *b)
{
    uint64_t differences = 0;

    for (size_t i = 0; i < a->n; i++) differences += a->parent[i] != b->parent[i] || (a->parent[i] != BENCH_NOBODY && a->level[i] != b->level[i]);
    return differences;
}
