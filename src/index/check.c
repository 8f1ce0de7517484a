/* SPDX-License-Identifier: Apache-2.0 */
#include "index/check.h"

#include "base/error.h"
#include "base/par.h"
#include "base/sort.h"
#include "index/digest.h"
#include "index/rows.h"
#include "index/search.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { GRAIN = 256 };

int index_fault_name(const struct index_state *state, const struct index_fault *fault, const struct index_fault_words *words, struct pcct_error *err)
{
    uint32_t node = (uint32_t)index_fault_item(fault);
    unsigned code = index_fault_code(fault);

    return base_fail(err, PCCT_E_DAMAGED, "%s: the point with label %" PRId64 " (node %u) %s", words[code].invariant, index_label(state)[node], node,
                     words[code].what);
}

struct checking {
    const struct index_state *state;
    struct index_fault fault;
    uint64_t memory; /* 1: there was none left */
};

/* ---- T2 and the distances of T5 ------------------------------------------------------------------------------------------------------------ */

enum { TOO_FAR = 1, TWIN_APART, WRONG_PDIST, WRONG_RADIUS };

static const struct index_fault_words words[] = {
    [TOO_FAR] = { "T2 cover", "is farther from its parent than 2^(its level + 1)" },
    [TWIN_APART] = { "T2 cover", "is a twin but not at distance 0 from its parent" },
    [WRONG_PDIST] = { "T5 caches", "has a kept distance to its parent that is not the distance" },
    [WRONG_RADIUS] = { "T5 caches", "is farther from an ancestor than that one's radius" },
};

static unsigned distance_fault(const struct index_state *s, uint32_t node)
{
    uint32_t parent = index_parent(s)[node];
    int16_t level = index_level(s)[node];
    double key;

    if (parent == INDEX_NONE) return index_pdist(s)[node] > 0 ? WRONG_PDIST : 0;
    key = index_key(s, node, parent);
    if (level == INDEX_LEVEL_TWIN) {
        if (key > 0) return TWIN_APART;
    } else if (key > metric_reach(&s->metric, level + 1 - INDEX_LEVEL_BIAS)) {
        return TOO_FAR;
    }
    return index_pdist(s)[node] == index_row_pdist(s, node, parent) ? 0 : WRONG_PDIST;
}

static void check_distances(void *ctx, size_t begin, size_t end, int thread)
{
    struct checking *check = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        unsigned fault = index_is_live(check->state, (uint32_t)i) ? distance_fault(check->state, (uint32_t)i) : 0;

        if (fault) index_fault_note(&check->fault, i, fault);
    }
}

static void check_radii(void *ctx, size_t begin, size_t end, int thread)
{
    struct checking *check = ctx;
    const struct index_state *s = check->state;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        uint32_t node = (uint32_t)i;

        for (uint32_t a = index_parent(s)[node]; a != INDEX_NONE; a = index_parent(s)[a]) {
            if (metric_inner(&s->metric, index_key(s, a, node)) > index_radius(s)[a]) index_fault_note(&check->fault, i, WRONG_RADIUS);
        }
    }
}

/* ---- T3 ------------------------------------------------------------------------------------------------------------------------------------ */

struct meeting {
    uint32_t self, other; /* the least node met */
};

static int meet(void *ctx, uint32_t node, double key)
{
    struct meeting *meeting = ctx;

    (void)key;
    if (node != meeting->self && node < meeting->other) meeting->other = node;
    return 0;
}

/* The least node at most 2^min of both levels away: that is what layout or tree show within the reach of the node and the reach of the other. */
static int too_near(uint32_t *other, struct index_search *search, uint32_t node)
{
    const struct index_state *s = search->state;
    double reach = index_level_reach(&s->metric, index_level(s)[node]);
    struct meeting meeting = { node, INDEX_NONE };
    const struct block_source source = index_source(s);
    struct block_work work = { 0, 0, 0, 0 };
    int status = 0;

    if (metric_is_custom(&s->metric)) {
        TRY(index_search_visit(search, index_place(s, node), reach, meet, &meeting, NULL));
    } else {
        block_visit(&s->layout, &source, index_place(s, node), reach, meet, &meeting, &work);
    }
done:
    *other = meeting.other;
    return status;
}

static void check_separation(void *ctx, size_t begin, size_t end, int thread)
{
    struct checking *check = ctx;
    struct index_search search;

    (void)thread;
    index_search_start(&search, check->state);
    for (size_t i = begin; i < end; i++) {
        uint32_t other = INDEX_NONE;

        if (index_level(check->state)[i] <= 0) continue;
        if (too_near(&other, &search, (uint32_t)i) != 0) base_par_add(&check->memory, 1);
        if (other != INDEX_NONE) index_fault_note(&check->fault, i, 1);
    }
    index_search_free(&search);
}

static int name_pair(const struct checking *check, struct pcct_error *err)
{
    const struct index_state *s = check->state;
    uint32_t p = (uint32_t)index_fault_item(&check->fault), q = INDEX_NONE;
    struct index_search search;
    int status = 0;

    index_search_start(&search, s);
    status = too_near(&q, &search, p);
    index_search_free(&search);
    if (status != 0) return base_fail(err, status, "out of memory for the check of separation");
    return base_fail(err, PCCT_E_DAMAGED,
                     "T3 separation: the points with labels %" PRId64 " (node %u, level %d) and %" PRId64 " (node %u, level %d) are only %.17g apart",
                     index_label(s)[p], p, index_level(s)[p] - INDEX_LEVEL_BIAS, index_label(s)[q], q, index_level(s)[q] - INDEX_LEVEL_BIAS,
                     metric_inner(&s->metric, index_key(s, p, q)));
}

/* ---- T5: labels and digests ----------------------------------------------------------------------------------------------------------------- */

static int check_digest(const struct index_state *state, struct pcct_error *err)
{
    uint64_t digest[INDEX_ARRAYS] = { 0 };

    index_digest_rows(digest, state, 0, state->n);
    for (int a = 0; a < INDEX_ARRAYS; a++) {
        if (digest[a] != state->digest[a]) return base_fail(err, PCCT_E_DAMAGED, "T5 caches: the digest of array %d is not that of its rows", a);
    }
    return 0;
}

/* Of live points each has its own label; the counter is above all. */
static int check_labels(const struct index_state *s, struct pcct_error *err)
{
    struct base_pair *pair = NULL;
    size_t n = 0;
    int status = 0;

    TRY(base_take(&pair, s->env, s->n_live, sizeof *pair, err));
    for (uint32_t i = 0; i < s->n; i++) {
        if (index_label(s)[i] >= s->next_label && index_label(s)[i] < INT64_MAX) {
            TRY(base_fail(err, PCCT_E_DAMAGED, "T5 caches: label %" PRId64 " (node %u) is not below the label counter %" PRId64, index_label(s)[i], i,
                          s->next_label));
        }
        if (index_is_live(s, i)) pair[n++] = (struct base_pair){ (uint64_t)index_label(s)[i], i };
    }
    TRY(base_sort_pairs(pair, n, s->env, err));
    for (size_t i = 1; i < n; i++) {
        if (pair[i - 1].key != pair[i].key) continue;
        TRY(base_fail(err, PCCT_E_DAMAGED, "T5 caches: two live points (nodes %" PRIu64 " and %" PRIu64 ") have the label %" PRId64,
                      pair[i - 1].value, pair[i].value, (int64_t)pair[i].key));
    }
done:
    base_free(s->env, pair);
    return status;
}

/* ---- all together --------------------------------------------------------------------------------------------------------------------------- */

static int has_lane(const void *state, uint32_t node)
{
    const struct index_state *s = state;

    return index_is_live(s, node) && !metric_is_custom(&s->metric);
}

static int check_layout(const struct index_state *state, struct pcct_error *err)
{
    struct block_source source = index_source(state);
    struct pcct_error detail = { 0, "" };
    int status = block_check(&state->layout, &source, has_lane, &detail);

    if (status == 0) return 0;
    return base_fail(err, status, status == PCCT_E_DAMAGED ? "T6 layout: %s" : "%s", detail.message);
}

/* Rows and layout are whole. What a custom metric says is looked at before what it makes of the tree. A search over the tree goes by radii, which are
 * proved last: if one that is too small hides a pair, it is found itself. */
static int check_geometry(const struct index_state *state, struct pcct_error *err)
{
    struct checking check = { state, INDEX_FAULT_NONE, 0 };
    int status = 0;

    base_par_for(state->env, state->n, GRAIN, check_separation, &check);
    if (check.memory) TRY(base_fail(err, PCCT_E_MEMORY, "out of memory for the check of separation"));
    TRY(index_calls_check(state, NULL, 0, err));
    if (index_fault_found(&check.fault)) TRY(name_pair(&check, err));
    base_par_for(state->env, state->n, GRAIN, check_radii, &check);
    TRY(index_calls_check(state, NULL, 0, err));
    if (index_fault_found(&check.fault)) TRY(index_fault_name(state, &check.fault, words, err));
done:
    return status;
}

/* In an order in which each step may rely on those before it: searches need links and layout that are whole. */
int index_check(const struct index_state *state, struct pcct_error *err)
{
    struct checking check = { state, INDEX_FAULT_NONE, 0 };
    int status = 0;

    TRY(index_check_rows(state, err));
    if (metric_has_keys(&state->metric)) base_par_for(state->env, state->n, GRAIN, check_distances, &check);
    TRY(index_calls_check(state, NULL, 0, err));
    if (index_fault_found(&check.fault)) TRY(index_fault_name(state, &check.fault, words, err));
    TRY(check_layout(state, err));
    if (metric_has_keys(&state->metric)) TRY(check_geometry(state, err));
    TRY(check_labels(state, err));
    if (!state->frame) TRY(check_digest(state, err)); /* while a frame is open the digest is that of its beginning */
done:
    return status;
}
