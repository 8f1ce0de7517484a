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

/* Moves what is greater than `item` up by one, from place `hole` down, and puts it there. */
static inline void base_topk_insert(struct base_topk_entry *entry, size_t hole, struct base_topk_entry item)
{
    for (; hole > 0 && base_topk_less(&item, &entry[hole - 1]); hole--) entry[hole] = entry[hole - 1];
    entry[hole] = item;
}

/*
 * Up to this k the entries are kept sorted, ascending; beyond it in a heap with the greatest on top. Measured on one thread of a Zen 4, k-NN per
 * second, sorted against heap: n = 10^6, d = 3, k = 10: 514-554k against 490k; n = 32768, d = 3, k = 50: 320k against 225k. Alone, offers of random
 * keys: k = 100 is a tie, k = 200 takes 1.2 times as long sorted, k = 1000 3.4 times.
 */
enum { BASE_TOPK_SORTED = 64 };
void base_topk_offer_heap(struct base_topk *top, struct base_topk_entry item); /* what base_topk_offer() leaves to it */

/* Offers an entry; it is taken if it belongs to the k least so far. k >= 1. */
static inline void base_topk_offer(struct base_topk *top, double key, int64_t id)
{
    const struct base_topk_entry item = { key, id };
    const size_t last = top->k - 1;

    if (top->count > last && !(key < top->limit || (key == top->limit && id < top->limit_id))) return;
    if (top->k > BASE_TOPK_SORTED) {
        base_topk_offer_heap(top, item);
        return;
    }
    base_topk_insert(top->entry, top->count > last ? last : top->count++, item);
    if (top->count <= last) return;
    top->limit = top->entry[last].key;
    top->limit_id = top->entry[last].id;
}

/* Offers n entries to a list in which nothing is yet, of k <= BASE_TOPK_SORTED: keys ascend and no two are equal. */
static inline void base_topk_offer_sorted(struct base_topk *top, const double *key, const int64_t *id, size_t n)
{
    const size_t taken = n < top->k ? n : top->k;

    for (size_t i = 0; i < taken; i++) top->entry[i] = (struct base_topk_entry){ key[i], id[i] };
    top->count = taken;
    if (taken < top->k) return;
    top->limit = top->entry[taken - 1].key;
    top->limit_id = top->entry[taken - 1].id;
}

/* Sorts the entries ascending by (key, id); no offers after that. */
void base_topk_finish(struct base_topk *top);

/* Sorts n entries that no structure is about, ascending by (key, id), where they are. */
void base_topk_sort(struct base_topk_entry *entry, size_t n);

#endif
