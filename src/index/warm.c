/* SPDX-License-Identifier: Apache-2.0 */
#include "index/warm.h"

#include "base/par.h"
#include "index/rows.h"

enum { PAGES_APART = 4 /* one write in so many pages of an array, and all are copied */, PAGE_BYTES = 4096, PIECE_BYTES = 1 << 20 };

struct warming {
    struct base_buffer part[INDEX_ARRAYS + BLOCK_ARRAYS]; /* borrowed; capacity: what is in use */
    size_t first[INDEX_ARRAYS + BLOCK_ARRAYS + 1];        /* the number of its first piece */
    size_t parts;
};

static void add(struct warming *w, const struct base_buffer *buffer, size_t bytes, size_t writes)
{
    if (buffer->mapped == 0 || writes == 0 || writes * PAGES_APART < bytes / PAGE_BYTES) return;
    w->part[w->parts] = (struct base_buffer){ buffer->data, bytes, buffer->mapped };
    w->first[w->parts + 1] = w->first[w->parts] + (bytes + PIECE_BYTES - 1) / PIECE_BYTES;
    w->parts++;
}

static void warm_pieces(void *ctx, size_t begin, size_t end, int thread)
{
    const struct warming *w = ctx;

    (void)thread;
    for (size_t i = begin, part = 0; i < end; i++) {
        size_t at;

        while (w->first[part + 1] <= i) part++;
        at = (i - w->first[part]) * PIECE_BYTES;
        base_buffer_populate(&w->part[part], at, w->part[part].capacity - at < PIECE_BYTES ? w->part[part].capacity - at : PIECE_BYTES);
    }
}

void index_warm(struct index_state *state, size_t changes, size_t gone)
{
    static const int changing[] = { INDEX_PARENT, INDEX_LEVEL, INDEX_RADIUS, INDEX_PDIST, INDEX_CHILD, INDEX_NEXT };
    struct block_array array[BLOCK_ARRAYS];
    struct warming w = { .parts = 0 };

    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++) {
        add(&w, &state->array[changing[i]], state->n * index_array_bytes(&state->metric, changing[i]), changes);
    }
    block_arrays(array, &state->layout);
    for (int i = 0; i < BLOCK_ARRAYS; i++) {
        if (array[i].items == state->layout.blocks || array[i].buffer == &state->layout.where) {
            add(&w, array[i].buffer, array[i].items * array[i].item_bytes, gone);
        }
    }
    base_par_for(state->env, w.first[w.parts], 1, warm_pieces, &w);
}
