/* SPDX-License-Identifier: Apache-2.0 */
#include "index/digest.h"

#include "base/par.h"
#include "index/rows.h"

#include <string.h>

enum { GRAIN = 2048, PREFIX = 8 };
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digests are over little-endian bytes");

static uint64_t hash_value(uint32_t array, uint32_t row, const void *value, size_t bytes)
{
    unsigned char text[PREFIX + sizeof(double)];

    memcpy(text, &array, sizeof array);
    memcpy(text + sizeof array, &row, sizeof row);
    memcpy(text + PREFIX, value, bytes);
    return base_hash64(text, PREFIX + bytes);
}

static uint64_t hash_point(uint32_t row, const double *point, size_t dim)
{
    unsigned char text[PREFIX + METRIC_DIM_MAX * sizeof(double)];
    uint32_t array = INDEX_POINT;

    memcpy(text, &array, sizeof array);
    memcpy(text + sizeof array, &row, sizeof row);
    memcpy(text + PREFIX, point, dim * sizeof *point);
    return base_hash64(text, PREFIX + dim * sizeof *point);
}

static void add_row(uint64_t sum[INDEX_ARRAYS], uint32_t node, const struct index_row *row, uint64_t factor)
{
    sum[INDEX_PARENT] += factor * hash_value(INDEX_PARENT, node, &row->parent, sizeof row->parent);
    sum[INDEX_LEVEL] += factor * hash_value(INDEX_LEVEL, node, &row->level, sizeof row->level);
    sum[INDEX_RADIUS] += factor * hash_value(INDEX_RADIUS, node, &row->radius, sizeof row->radius);
    sum[INDEX_PDIST] += factor * hash_value(INDEX_PDIST, node, &row->pdist, sizeof row->pdist);
}

struct digest_work {
    uint64_t *digest;
    const struct index_state *state;
    const struct index_change *change;
    uint32_t first;
};

static void add_sums(uint64_t digest[INDEX_ARRAYS], const uint64_t sum[INDEX_ARRAYS])
{
    for (int a = 0; a < INDEX_ARRAYS; a++) {
        if (sum[a]) base_par_add(&digest[a], sum[a]);
    }
}

static void digest_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct digest_work *work = ctx;
    const struct index_state *state = work->state;
    uint64_t sum[INDEX_ARRAYS] = { 0 };
    size_t dim = state->metric.input_dim;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        uint32_t node = work->first + (uint32_t)i;
        struct index_row row = index_row_get(state, node);

        sum[INDEX_POINT] += hash_point(node, index_points(state) + node * dim, dim);
        sum[INDEX_LABEL] += hash_value(INDEX_LABEL, node, &index_label(state)[node], sizeof(int64_t));
        add_row(sum, node, &row, 1);
    }
    add_sums(work->digest, sum);
}

static void digest_changes(void *ctx, size_t begin, size_t end, int thread)
{
    struct digest_work *work = ctx;
    uint64_t sum[INDEX_ARRAYS] = { 0 };

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        add_row(sum, work->change[i].node, &work->change[i].before, UINT64_MAX); /* times -1 */
        add_row(sum, work->change[i].node, &work->change[i].after, 1);
    }
    add_sums(work->digest, sum);
}

void index_digest_rows(uint64_t digest[INDEX_ARRAYS], const struct index_state *state, uint32_t first, size_t n)
{
    struct digest_work work = { digest, state, NULL, first };

    base_par_for(state->env, n, GRAIN, digest_rows, &work);
}

void index_digest_changes(uint64_t digest[INDEX_ARRAYS], const struct index_change *changes, size_t n, const struct base_env *env)
{
    struct digest_work work = { digest, NULL, changes, 0 };

    base_par_for(env, n, GRAIN, digest_changes, &work);
}
