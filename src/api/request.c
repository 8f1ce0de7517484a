/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

#include "base/sort.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const int64_t *labels_of(const pcct_batch *batch) { return batch->label.memory.data; }
static const uint8_t *counted_of(const pcct_batch *batch) { return batch->counted.memory.data; }

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static int is_dead(const struct api_request *r, size_t n_sorted, uint32_t node)
{
    return n_sorted > 0 && bsearch(&node, r->dead, n_sorted, sizeof node, by_number) != NULL;
}

/* The counter goes on above the labels that the batch itself names. */
static int give_labels(struct api_request *r, const pcct_batch *batch, const struct index_state *state, struct pcct_error *err)
{
    size_t rows = batch->counted.count;
    int64_t next = state->next_label;
    int status = 0;

    TRY(base_take(&r->label, r->env, rows, sizeof *r->label, err));
    TRY(base_take_zero(&r->dropped, r->env, rows, 1, err));
    for (size_t i = 0; i < rows; i++) {
        if (!counted_of(batch)[i] && labels_of(batch)[i] >= next) next = labels_of(batch)[i] + 1;
    }
    for (size_t i = 0; i < rows; i++) {
        r->label[i] = labels_of(batch)[i];
        if (!counted_of(batch)[i]) continue;
        if (next == INT64_MAX) TRY(base_fail(err, PCCT_E_LIMIT, "the label counter is at its end; give labels with the points"));
        r->label[i] = next++;
    }
done:
    return status;
}

static int find_deleted(struct api_request *r, const pcct_batch *batch, struct index_state *state, struct pcct_error *err)
{
    const int64_t *gone = batch->gone.memory.data;
    size_t n = 0;
    int status = 0;

    for (size_t i = 0; i < batch->gone.count; i++) {
        TRY(index_find(&r->dead[i], state, gone[i], err));
        if (r->dead[i] == INDEX_NONE) TRY(base_fail(err, PCCT_E_UNKNOWN, "no live point has label %" PRId64 "; nothing was changed", gone[i]));
    }
    qsort(r->dead, batch->gone.count, sizeof *r->dead, by_number);
    for (size_t i = 0; i < batch->gone.count; i++) {
        if (i == 0 || r->dead[i] != r->dead[n - 1]) r->dead[n++] = r->dead[i];
    }
    r->n_dead = n;
done:
    return status;
}

/* Equal labels within the batch: all but the first (skip) or the last (replace) are dropped. */
static int drop_equal(struct api_request *r, const pcct_batch *batch, struct pcct_error *err)
{
    size_t rows = batch->counted.count;
    struct base_pair *pair = NULL;
    int status = 0;

    TRY(base_take(&pair, r->env, rows, sizeof *pair, err));
    for (size_t i = 0; i < rows; i++) pair[i] = (struct base_pair){ (uint64_t)r->label[i], i };
    TRY(base_sort_pairs(pair, rows, r->env, err));
    for (size_t i = 1; i < rows; i++) {
        if (pair[i].key != pair[i - 1].key) continue;
        if (batch->on_duplicate == PCCT_DUPLICATE_ERROR) {
            TRY(base_fail(err, PCCT_E_DUPLICATE, "rows %" PRIu64 " and %" PRIu64 " have the same label %" PRId64 "; nothing was changed",
                          pair[i - 1].value, pair[i].value, r->label[pair[i].value]));
        }
        r->dropped[batch->on_duplicate == PCCT_DUPLICATE_SKIP ? pair[i].value : pair[i - 1].value] = 1;
        r->skipped++;
    }
done:
    base_free(r->env, pair);
    return status;
}

/* Labels that are live: refused, skipped, or their points die for the new ones. */
static int meet_live(struct api_request *r, const pcct_batch *batch, struct index_state *state, struct pcct_error *err)
{
    size_t rows = batch->counted.count, deleted = r->n_dead;
    uint32_t node = INDEX_NONE;
    int status = 0;

    for (size_t i = 0; i < rows; i++) {
        if (r->dropped[i]) continue;
        TRY(index_find(&node, state, r->label[i], err));
        if (node == INDEX_NONE || is_dead(r, deleted, node)) continue;
        if (batch->on_duplicate == PCCT_DUPLICATE_ERROR) {
            TRY(base_fail(err, PCCT_E_DUPLICATE, "row %zu: a live point has label %" PRId64 " already; nothing was changed", i, r->label[i]));
        }
        if (batch->on_duplicate == PCCT_DUPLICATE_SKIP) {
            r->dropped[i] = 1;
            r->skipped++;
        } else {
            r->dead[r->n_dead++] = node;
            r->replaced++;
        }
    }
    if (r->n_dead > 1) qsort(r->dead, r->n_dead, sizeof *r->dead, by_number);
done:
    return status;
}

/* The rows that are inserted, without the dropped ones. */
static int keep(struct api_request *r, const pcct_batch *batch, size_t dim, struct pcct_error *err)
{
    const double *point = batch->point.memory.data;
    size_t rows = batch->counted.count, n = 0;
    int status = 0;

    r->tree = (struct tree_batch){ .points = point, .labels = r->label, .n_insert = rows, .dead = r->dead, .n_delete = r->n_dead };
    if (r->skipped == 0) goto done;
    TRY(base_take(&r->kept_point, r->env, (rows - r->skipped) * dim, sizeof *r->kept_point, err));
    TRY(base_take(&r->kept_label, r->env, rows - r->skipped, sizeof *r->kept_label, err));
    for (size_t i = 0; i < rows; i++) {
        if (r->dropped[i]) continue;
        memcpy(r->kept_point + n * dim, point + i * dim, dim * sizeof *point);
        r->kept_label[n++] = r->label[i];
    }
    r->tree.points = r->kept_point;
    r->tree.labels = r->kept_label;
    r->tree.n_insert = n;
done:
    return status;
}

int api_request_resolve(struct api_request *r, const pcct_batch *batch, struct index_state *state, struct pcct_error *err)
{
    struct base_span span = base_watch_span(state->env);
    int status = 0;

    r->env = &batch->store->head_env;
    TRY(give_labels(r, batch, state, err));
    TRY(base_take(&r->dead, r->env, batch->gone.count + batch->counted.count, sizeof *r->dead, err));
    base_watch_part(state->env, span, 0.2, 0.4);
    TRY(find_deleted(r, batch, state, err));
    base_watch_part(state->env, span, 0.4, 0.7);
    TRY(drop_equal(r, batch, err));
    base_watch_part(state->env, span, 0.7, 1);
    TRY(meet_live(r, batch, state, err));
    TRY(keep(r, batch, state->metric.input_dim, err));
done:
    return status;
}

void api_request_free(struct api_request *r)
{
    if (!r->env) return;
    base_free(r->env, r->kept_label);
    base_free(r->env, r->kept_point);
    base_free(r->env, r->dead);
    base_free(r->env, r->dropped);
    base_free(r->env, r->label);
    memset(r, 0, sizeof *r);
}

int api_request_content(struct base_hash128 *hash, const pcct_batch *batch, const void *note, size_t note_bytes, struct pcct_error *err)
{
    const struct base_env *env = &batch->store->env;
    uint64_t sizes[4] = { batch->counted.count, batch->gone.count, note_bytes, (uint64_t)batch->on_duplicate };
    struct base_hasher *hasher = NULL;
    int status = 0;

    TRY(base_hasher_new(&hasher, env, err));
    base_hasher_feed(hasher, sizes, sizeof sizes);
    base_hasher_feed(hasher, batch->point.memory.data, batch->point.count * sizeof(double));
    base_hasher_feed(hasher, batch->label.memory.data, batch->label.count * sizeof(int64_t));
    base_hasher_feed(hasher, batch->counted.memory.data, batch->counted.count);
    base_hasher_feed(hasher, batch->gone.memory.data, batch->gone.count * sizeof(int64_t));
    base_hasher_feed(hasher, note, note_bytes);
    if (batch->restore) base_hasher_feed(hasher, batch->restore, strlen(batch->restore));
    *hash = base_hasher_128(hasher);
done:
    base_hasher_free(hasher, env);
    return status;
}
