/* SPDX-License-Identifier: Apache-2.0 */
#include "base/topk.h"

#include <assert.h>

/* Puts `item` into the heap of `count` entries whose place 0 is vacant. */
static void sift_down(struct base_topk_entry *entry, size_t count, struct base_topk_entry item)
{
    size_t hole = 0, child;

    for (child = 1; child < count; child = 2 * hole + 1) {
        if (child + 1 < count && base_topk_less(&entry[child], &entry[child + 1])) child++;
        if (!base_topk_less(&item, &entry[child])) break;
        entry[hole] = entry[child];
        hole = child;
    }
    entry[hole] = item;
}

static void sift_up(struct base_topk_entry *entry, size_t hole, struct base_topk_entry item)
{
    while (hole > 0) {
        size_t parent = (hole - 1) / 2;

        if (!base_topk_less(&entry[parent], &item)) break;
        entry[hole] = entry[parent];
        hole = parent;
    }
    entry[hole] = item;
}

void base_topk_offer_heap(struct base_topk *top, struct base_topk_entry item)
{
    assert(top->k > BASE_TOPK_SORTED);
    if (top->count < top->k) sift_up(top->entry, top->count++, item);
    else sift_down(top->entry, top->count, item);
    if (top->count < top->k) return;
    top->limit = top->entry[0].key;
    top->limit_id = top->entry[0].id;
}

/* Sorts a heap. */
static void unheap(struct base_topk_entry *entry, size_t count)
{
    for (size_t rest = count; rest > 1; rest--) {
        struct base_topk_entry greatest = entry[0];

        sift_down(entry, rest - 1, entry[rest - 1]);
        entry[rest - 1] = greatest;
    }
}

void base_topk_finish(struct base_topk *top)
{
    if (top->k > BASE_TOPK_SORTED) unheap(top->entry, top->count);
}

void base_topk_sort(struct base_topk_entry *entry, size_t n)
{
    if (n <= BASE_TOPK_SORTED) {
        for (size_t i = 1; i < n; i++) base_topk_insert(entry, i, entry[i]);
        return;
    }
    for (size_t i = 1; i < n; i++) sift_up(entry, i, entry[i]);
    unheap(entry, n);
}
