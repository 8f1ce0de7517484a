/* SPDX-License-Identifier: Apache-2.0 */
#include "index/copy.h"

#include "base/par.h"
#include "index/rows.h"

#include <assert.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 20, GRAIN = 1 };

struct copying {
    uint8_t *to;
    const uint8_t *from;
    size_t bytes;
};

static void copy_pieces(void *ctx, size_t begin, size_t end, int thread)
{
    const struct copying *work = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        size_t at = i * PIECE_BYTES, n = work->bytes - at < PIECE_BYTES ? work->bytes - at : PIECE_BYTES;

        memcpy(work->to + at, work->from + at, n);
    }
}

static int copy_array(struct base_buffer *to, const struct base_env *env, const struct base_buffer *from, size_t bytes, struct pcct_error *err)
{
    struct copying work = { .from = from->data, .bytes = bytes };
    int status = 0;

    if (bytes == 0) return 0;
    TRY(base_buffer_beside(to, from, env, bytes, err));
    work.to = to->data;
    base_par_for(env, (bytes - 1) / PIECE_BYTES + 1, GRAIN, copy_pieces, &work);
done:
    return status;
}

int index_copy(struct index_state *out, const struct base_env *env, const struct index_state *from, struct pcct_error *err)
{
    struct block_layout layout = from->layout; /* block_arrays() wants one that may be changed */
    struct block_array to[BLOCK_ARRAYS], source[BLOCK_ARRAYS];
    struct block_shape shape;
    int status = 0;

    assert(!from->frame);
    index_init(out, env, &from->metric, from->seed);
    out->n = from->n;
    out->n_live = from->n_live;
    out->root = from->root;
    out->next_label = from->next_label;
    out->twins = from->twins;
    memcpy(out->level_count, from->level_count, sizeof out->level_count);
    memcpy(out->digest, from->digest, sizeof out->digest);
    for (int i = 1; i < INDEX_ARRAYS; i++) {
        TRY(copy_array(&out->array[i], env, &from->array[i], from->n * index_array_bytes(&from->metric, i), err));
    }
    block_shape_get(&shape, &from->layout);
    block_shape_set(&out->layout, &shape);
    block_arrays(source, &layout);
    block_arrays(to, &out->layout);
    for (int i = 0; i < BLOCK_ARRAYS; i++) TRY(copy_array(to[i].buffer, env, source[i].buffer, source[i].items * source[i].item_bytes, err));
done:
    if (status != 0) index_free(out);
    return status;
}
