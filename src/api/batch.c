/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kernel_note.h"
#include "api/note.h"

#include "base/memory.h"
#include "index/search.h"

#include <inttypes.h>
#include <string.h>

static int check_options(const struct pcct_batch_options *o, struct pcct_error *err)
{
    static const uint8_t none[16]; /* a version without a write id has zeros in its place */

    if (o->write_id && memcmp(o->write_id, none, sizeof none) == 0) return base_fail(err, PCCT_E_INVALID, "a write id must not be all zeros");
    if (o->on_duplicate < PCCT_DUPLICATE_ERROR || o->on_duplicate > PCCT_DUPLICATE_REPLACE) {
        return base_fail(err, PCCT_E_INVALID, "on_duplicate is %d; it must be one of PCCT_DUPLICATE_...", o->on_duplicate);
    }
    return 0;
}

int pcct_batch_begin(pcct_batch **out, pcct_store *store, const char *branch, const struct pcct_batch_options *options, struct pcct_error *err)
{
    struct pcct_batch_options o;
    pcct_batch *batch = NULL;
    uint64_t head = 0;
    int status = 0;

    if (!out) return base_fail(err, PCCT_E_INVALID, "pcct_batch_begin needs a place for the handle");
    *out = NULL;
    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_batch_begin", err));
    TRY(check_options(&o, err));
    TRY(index_calls_need(&store->metric, err));
    if (!branch) branch = "main";
    TRY(store_head(&head, store->store, branch, err));
    TRY(base_take_zero(&batch, &store->env, 1, sizeof *batch, err));
    batch->store = store;
    batch->on_duplicate = o.on_duplicate;
    batch->no_wait = o.no_wait;
    batch->timing = o.timing;
    batch->progress = o.progress;
    batch->progress_ctx = o.progress_ctx;
    batch->point.item_bytes = sizeof(double);
    batch->label.item_bytes = sizeof(int64_t);
    batch->counted.item_bytes = 1;
    batch->gone.item_bytes = sizeof(int64_t);
    batch->key.item_bytes = sizeof(struct batch_key);
    batch->schedule.item_bytes = sizeof(uint64_t);
    if (o.write_id) {
        batch->has_write_id = 1;
        memcpy(batch->write_id, o.write_id, sizeof batch->write_id);
    }
    if (o.expect) TRY(api_text_copy(&batch->expect, &store->env, o.expect, err));
    TRY(api_text_copy(&batch->branch, &store->env, branch, err));
    *out = batch;
    batch = NULL;
done:
    pcct_batch_close(batch);
    return status;
}

void pcct_batch_close(pcct_batch *batch)
{
    const struct base_env *env = NULL;
    struct batch_key *key = NULL;

    if (!batch) return;
    env = &batch->store->env;
    key = batch->key.memory.data;
    for (size_t i = 0; i < batch->key.count; i++) {
        base_free(env, key[i].key);
        base_free(env, key[i].value);
    }
    base_vector_free(&batch->schedule, env);
    base_vector_free(&batch->key, env);
    base_vector_free(&batch->gone, env);
    base_vector_free(&batch->counted, env);
    base_vector_free(&batch->label, env);
    base_vector_free(&batch->point, env);
    base_free(env, batch->restore);
    base_free(env, batch->expect);
    base_free(env, batch->branch);
    base_free(env, batch);
}

/* -1 fills short answers, and nothing may stand above the last label that the counter could give. */
static int check_labels(const int64_t *labels, size_t n, size_t first_row, struct pcct_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (labels[i] == -1 || labels[i] == INT64_MAX) {
            return base_fail(err, PCCT_E_INVALID, "row %zu has label %" PRId64 ", which no point may have; choose another", first_row + i, labels[i]);
        }
    }
    return 0;
}

int pcct_batch_insert(pcct_batch *batch, const double *points, size_t n, const int64_t *labels, struct pcct_error *err)
{
    const struct base_env *env = &batch->store->env;
    size_t dim = batch->store->metric.input_dim, rows = batch->counted.count, bad = 0;
    double *point = NULL;
    int64_t *label = NULL;
    uint8_t *counted = NULL;
    int status = 0;

    if (n == 0) return 0;
    if (!points) return base_fail(err, PCCT_E_INVALID, "points must be given");
    if (n > UINT32_MAX - rows) return base_fail(err, PCCT_E_LIMIT, "a batch holds at most %u points", UINT32_MAX);
    TRY(metric_validate(&bad, &batch->store->metric, points, n, rows, err));
    if (labels) TRY(check_labels(labels, n, rows, err));
    TRY(base_vector_add(&point, &batch->point, env, n * dim, err));
    TRY(base_vector_add(&label, &batch->label, env, n, err));
    TRY(base_vector_add(&counted, &batch->counted, env, n, err));
    memcpy(point, points, n * dim * sizeof *point);
    memset(counted, labels ? 0 : 1, n);
    for (size_t i = 0; i < n; i++) label[i] = labels ? labels[i] : -1;
done:
    if (status != 0) {
        batch->point.count = rows * dim;
        batch->label.count = rows;
        batch->counted.count = rows;
    }
    return status;
}

int pcct_batch_delete(pcct_batch *batch, const int64_t *labels, size_t n, struct pcct_error *err)
{
    int64_t *gone = NULL;
    int status = 0;

    if (n == 0) return 0;
    if (!labels) return base_fail(err, PCCT_E_INVALID, "labels must be given");
    TRY(base_vector_add(&gone, &batch->gone, &batch->store->env, n, err));
    memcpy(gone, labels, n * sizeof *gone);
done:
    return status;
}

int pcct_batch_restore(pcct_batch *batch, const char *revision, struct pcct_error *err)
{
    char *copy = NULL;
    int status = 0;

    if (revision) TRY(api_text_copy(&copy, &batch->store->env, revision, err));
    base_free(&batch->store->env, batch->restore);
    batch->restore = copy;
done:
    return status;
}

static int check_key(const char *key, const char *value, struct pcct_error *err)
{
    if (!key || !api_key_fits(key)) return base_fail(err, PCCT_E_INVALID, "a key is 1 to %d letters, digits, '_', '.' or '-'", API_KEY_BYTES);
    if (!value || strlen(value) > API_VALUE_BYTES) {
        return base_fail(err, PCCT_E_LIMIT, "the value of key %s must be text of at most %d bytes", key, API_VALUE_BYTES);
    }
    return 0;
}

void api_batch_unset(pcct_batch *batch, const char *beginning)
{
    struct batch_key *all = batch->key.memory.data;
    size_t kept = 0;

    for (size_t i = 0; i < batch->key.count; i++) {
        if (strncmp(all[i].key, beginning, strlen(beginning)) != 0) {
            all[kept++] = all[i];
            continue;
        }
        base_free(&batch->store->env, all[i].key);
        base_free(&batch->store->env, all[i].value);
    }
    batch->key.count = kept;
}

/* Keys are kept ascending, as the note has them. */
int api_batch_set(pcct_batch *batch, const char *key, const char *value, struct pcct_error *err)
{
    const struct base_env *env = &batch->store->env;
    struct batch_key *all = batch->key.memory.data, *last = NULL, fresh = { NULL, NULL };
    size_t at = 0, n = batch->key.count;
    int status = 0;

    TRY(check_key(key, value, err));
    if (n >= API_KEYS) TRY(base_fail(err, PCCT_E_LIMIT, "a version has at most %d keys", API_KEYS));
    TRY(api_text_copy(&fresh.value, env, value, err));
    while (at < n && strcmp(all[at].key, key) < 0) at++;
    if (at < n && strcmp(all[at].key, key) == 0) {
        base_free(env, all[at].value);
        all[at].value = fresh.value;
        fresh.value = NULL;
        goto done;
    }
    TRY(api_text_copy(&fresh.key, env, key, err));
    TRY(base_vector_add(&last, &batch->key, env, 1, err));
    all = batch->key.memory.data;
    memmove(all + at + 1, all + at, (n - at) * sizeof *all);
    all[at] = fresh;
    fresh = (struct batch_key){ NULL, NULL };
done:
    base_free(env, fresh.key);
    base_free(env, fresh.value);
    return status;
}

int pcct_batch_set(pcct_batch *batch, const char *key, const char *value, struct pcct_error *err)
{
    if (key && strncmp(key, API_RESERVED_KEYS, strlen(API_RESERVED_KEYS)) == 0) {
        return base_fail(err, PCCT_E_INVALID, "keys that begin with \"%s\" are the library's own", API_RESERVED_KEYS);
    }
    return api_batch_set(batch, key, value, err);
}

int pcct_batch_describe(struct pcct_batch_result *result, const pcct_batch *batch)
{
    return api_result_write(result, &batch->result, sizeof batch->result);
}
