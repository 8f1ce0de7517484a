/* SPDX-License-Identifier: Apache-2.0 */
#include "index/check.h"

#include "base/error.h"
#include "base/par.h"
#include "index/fault.h"
#include "index/links.h"

#include <inttypes.h>
#include <math.h>

enum { GRAIN = 4096 };

enum {
    BAD_LEVEL = 1, NOT_EMPTY, SECOND_ROOT, ROOT_LEVEL, NO_PARENT, BELOW_PARENT, TWIN_OF_TWIN, BAD_NUMBER, BAD_CHILD, CHILD_ORDER, BAD_END
};

static const struct index_fault_words words[] = {
    [BAD_LEVEL] = { "T2 cover", "has a level that is none" },
    [NOT_EMPTY] = { "T4 lists", "is dead but has a parent, a child, a sibling, a radius or a distance" },
    [SECOND_ROOT] = { "T1 root", "has no parent and is not the root" },
    [ROOT_LEVEL] = { "T1 root", "stands as high as the root" },
    [NO_PARENT] = { "T2 cover", "has a parent that is not live" },
    [BELOW_PARENT] = { "T2 cover", "does not stand below its parent" },
    [TWIN_OF_TWIN] = { "T2 cover", "is the twin of a node that is not of ordinary level" },
    [BAD_NUMBER] = { "T5 caches", "has a radius or a distance to its parent that is negative or not finite" },
    [BAD_CHILD] = { "T4 lists", "has a node in its child list that is not its child" },
    [CHILD_ORDER] = { "T4 lists", "has a child list that is not in order" },
    [BAD_END] = { "T4 lists", "is the root and has a sibling" },
};

struct row_check {
    const struct index_state *state;
    struct index_fault row, list; /* a wrong level is told as such, not as the disorder that it makes in a list */
    uint64_t live, twins, listed;
    uint64_t level_count[INDEX_LEVELS];
};

struct row_counts {
    uint64_t live, twins, listed;
    uint64_t level[INDEX_LEVELS];
};

static int is_level(int16_t level)
{
    return level == INDEX_LEVEL_DEAD || level == INDEX_LEVEL_TWIN ||
           (level >= INDEX_LEVEL_BIAS + METRIC_LEVEL_MIN && level <= INDEX_LEVEL_BIAS + METRIC_LEVEL_MAX);
}

static int is_length(double x) { return x >= 0 && x < (double)INFINITY; }

static unsigned live_fault(const struct index_state *s, uint32_t node)
{
    uint32_t parent = index_parent(s)[node];
    int16_t level = index_level(s)[node];

    if (!is_length(index_radius(s)[node]) || !is_length(index_pdist(s)[node])) return BAD_NUMBER;
    if (s->root == INDEX_NONE) return SECOND_ROOT;
    if (node == s->root) return index_next(s)[node] == INDEX_NONE ? 0 : BAD_END;
    if (parent == INDEX_NONE) return SECOND_ROOT;
    if (parent >= s->n || parent == node || !index_is_live(s, parent)) return NO_PARENT;
    if (level == INDEX_LEVEL_TWIN) return index_level(s)[parent] > 0 ? 0 : TWIN_OF_TWIN;
    if (level >= index_level(s)[s->root]) return ROOT_LEVEL;
    return index_level(s)[parent] > level ? 0 : BELOW_PARENT;
}

static unsigned dead_fault(const struct index_state *s, uint32_t node)
{
    return index_parent(s)[node] != INDEX_NONE || index_child(s)[node] != INDEX_NONE || index_next(s)[node] != INDEX_NONE ||
           !(index_radius(s)[node] == 0) || !(index_pdist(s)[node] == 0) ? NOT_EMPTY : 0;
}

/* Order is strict and each member names this parent, so the walk ends, and no node can be in two lists or twice in one. */
static unsigned list_fault(uint64_t *listed, const struct index_state *s, uint32_t node)
{
    uint32_t before = INDEX_NONE;

    for (uint32_t c = index_child(s)[node]; c != INDEX_NONE; c = index_next(s)[c]) {
        if (c >= s->n || c == s->root || !index_is_live(s, c) || index_parent(s)[c] != node) return BAD_CHILD;
        if (before != INDEX_NONE && !index_list_before(s, before, c)) return CHILD_ORDER;
        before = c;
        ++*listed;
    }
    return 0;
}

static void check_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct row_check *check = ctx;
    const struct index_state *s = check->state;
    struct row_counts counts = { 0, 0, 0, { 0 } };

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        uint32_t node = (uint32_t)i;
        int16_t level = index_level(s)[node];
        unsigned fault = is_level(level) ? 0 : BAD_LEVEL;

        if (!fault) fault = index_is_live(s, node) ? live_fault(s, node) : dead_fault(s, node);
        if (fault) {
            index_fault_note(&check->row, node, fault);
            continue;
        }
        fault = list_fault(&counts.listed, s, node);
        if (fault) index_fault_note(&check->list, node, fault);
        counts.live += (uint64_t)index_is_live(s, node);
        counts.twins += level == INDEX_LEVEL_TWIN;
        if (level > 0) counts.level[level]++;
    }
    base_par_add(&check->live, counts.live);
    base_par_add(&check->twins, counts.twins);
    base_par_add(&check->listed, counts.listed);
    for (int i = 0; i < INDEX_LEVELS; i++) {
        if (counts.level[i]) base_par_add(&check->level_count[i], counts.level[i]);
    }
}

/* Some node stands in no list: says which is the first. */
static int name_missing(const struct index_state *s, struct pcct_error *err)
{
    char *seen = NULL;
    int status = 0;

    TRY(base_take_zero(&seen, s->env, s->n, 1, err));
    for (uint32_t p = 0; p < s->n; p++) {
        for (uint32_t c = index_child(s)[p]; c != INDEX_NONE; c = index_next(s)[c]) seen[c] = 1;
    }
    for (uint32_t c = 0; c < s->n; c++) {
        if (seen[c] || c == s->root || !index_is_live(s, c)) continue;
        TRY(base_fail(err, PCCT_E_DAMAGED, "T4 lists: the point with label %" PRId64 " (node %u) is missing in its parent's child list",
                      index_label(s)[c], c));
    }
done:
    base_free(s->env, seen);
    return status;
}

static int check_counts(const struct row_check *check, struct pcct_error *err)
{
    const struct index_state *s = check->state;
    uint64_t below_root = check->live > 0 ? check->live - 1 : 0;
    int status = 0;

    if (check->listed != below_root) TRY(name_missing(s, err));
    if (check->live != s->n_live) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "T5 caches: %" PRIu64 " nodes are live, counted were %u", check->live, s->n_live));
    }
    if (check->twins != s->twins) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "T5 caches: %" PRIu64 " nodes are twins, counted were %" PRIu64, check->twins, s->twins));
    }
    for (int i = 0; i < INDEX_LEVELS; i++) {
        if (check->level_count[i] == s->level_count[i]) continue;
        TRY(base_fail(err, PCCT_E_DAMAGED, "T5 caches: %" PRIu64 " nodes are of level %d, counted were %" PRIu64, check->level_count[i],
                      i - INDEX_LEVEL_BIAS, s->level_count[i]));
    }
done:
    return status;
}

static int check_root(const struct index_state *s, struct pcct_error *err)
{
    if (s->root == INDEX_NONE) {
        return s->n_live == 0 ? 0 : base_fail(err, PCCT_E_DAMAGED, "T1 root: there are %u live points and no root", s->n_live);
    }
    if (s->root >= s->n || !is_level(index_level(s)[s->root]) || index_level(s)[s->root] <= 0 || index_parent(s)[s->root] != INDEX_NONE) {
        return base_fail(err, PCCT_E_DAMAGED, "T1 root: node %u is not a live node of ordinary level without a parent", s->root);
    }
    return 0;
}

int index_check_rows(const struct index_state *state, struct pcct_error *err)
{
    struct row_check check = { .state = state, .row = INDEX_FAULT_NONE, .list = INDEX_FAULT_NONE };
    int status = 0;

    TRY(check_root(state, err));
    base_par_for(state->env, state->n, GRAIN, check_rows, &check);
    if (index_fault_found(&check.row)) TRY(index_fault_name(state, &check.row, words, err));
    if (index_fault_found(&check.list)) TRY(index_fault_name(state, &check.list, words, err));
    TRY(check_counts(&check, err));
done:
    return status;
}
