/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TOPK_H
#define BASE_TOPK_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The k least entries by (key, id) of all that were offered. Their order in memory is settled by base_topk_finish; memory is the caller's.
 * `limit` is the greatest key that can still enter: +infinity until k entries are there.
 */
struct base_topk_entry {
    double key;
    int64_t id;
};
struct base_topk {
    struct base_topk_entry *entry; /* [k], borrowed */
    size_t k, count;
    double limit;
    int64_t limit_id;              /* id of the greatest entry; INT64_MAX until k entries are there */
};

static inline int base_topk_less(const struct base_topk_entry *a, const struct base_topk_entry *b)
{
    return a->key < b->key || (a->key == b->key && a->id < b->id);
}

/* k >= 1 */
static inline void base_topk_start(struct base_topk *top, struct base_topk_entry *entry, size_t k)
{
    top->entry = entry;
    top->k = k;
    top->count = 0;
    top->limit = (double)INFINITY;
    top->limit_id = INT64_MAX;
}

/* Offers an entry; it is taken if it belongs to the k least so far. */
void base_topk_offer(struct base_topk *top, double key, int64_t id);

/* Sorts the entries ascending by (key, id); no offers after that. */
void base_topk_finish(struct base_topk *top);

/* Sorts n entries that no structure is about, ascending by (key, id), where they are. */
void base_topk_sort(struct base_topk_entry *entry, size_t n);

#endif
