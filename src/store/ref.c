/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bytes.h"
#include "store/internal.h"

#include <assert.h>
#include <stdio.h>

/* Values of the tables refs and reflog: offsets, or sizes. */
enum { REF_VERSION = 0, REF_KIND = 8, REF_ZERO = 12, REF_TIME = 16, REF_BYTES = 24 };
enum {
    REFLOG_BEFORE = 0, REFLOG_AFTER = 8, REFLOG_TIME = 16, REFLOG_OPERATION = 24, REFLOG_ZERO = 28, REFLOG_NAME = 32,
    REFLOG_BYTES = REFLOG_NAME + STORE_NAME_BYTES
};

/* ---- refs --------------------------------------------------------------------------------------------------------------------------------- */

int store_ref_decode(struct store_ref *ref, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes)
{
    memset(ref, 0, sizeof(*ref));
    if (!value || bytes != REF_BYTES || key_bytes < 1 || key_bytes >= STORE_NAME_BYTES || store_get32(value, REF_ZERO) != 0) return 0;
    memcpy(ref->name, key, key_bytes);
    ref->kind = store_get32(value, REF_KIND);
    ref->version = store_get64(value, REF_VERSION);
    ref->time_ns = (int64_t)store_get64(value, REF_TIME);
    return ref->kind == STORE_BRANCH || ref->kind == STORE_TAG;
}

int store_ref_get(int *found, struct store_ref *ref, struct store_txn *txn, const char *name, struct pcct_error *err)
{
    const uint8_t *value = NULL;
    size_t bytes = 0, length = strlen(name);
    int status = 0;

    *found = 0;
    if (length < 1 || length >= STORE_NAME_BYTES) return 0;
    TRY(store_txn_get(&value, &bytes, txn, STORE_REFS, name, length, err));
    if (!value) goto done;
    *found = 1;
    if (!store_ref_decode(ref, (const uint8_t *)name, length, value, bytes)) status = store_txn_damaged(err, txn, "a branch is none");
done:
    return status;
}

int store_ref_put(struct store_txn *txn, const struct store_ref *ref, struct pcct_error *err)
{
    uint8_t value[REF_BYTES] = {0};

    store_put64(value, REF_VERSION, ref->version);
    store_put32(value, REF_KIND, ref->kind);
    store_put64(value, REF_TIME, (uint64_t)ref->time_ns);
    return store_txn_put(txn, STORE_REFS, ref->name, strlen(ref->name), value, sizeof(value), err);
}

int store_branch_get(uint64_t *version, struct store_txn *txn, const char *name, struct pcct_error *err)
{
    struct store_ref ref;
    int status = 0, found = 0;

    TRY(store_ref_get(&found, &ref, txn, name, err));
    if (!found) return base_fail(err, PCCT_E_NOT_FOUND, "there is no branch \"%s\" in %s", name, txn->folder->path);
    if (ref.kind != STORE_BRANCH) return base_fail(err, PCCT_E_INVALID, "\"%s\" is a tag, not a branch; tags do not move", name);
    *version = ref.version;
done:
    return status;
}

int store_ref_redo(struct store_txn *txn, const struct store_record *record, struct pcct_error *err)
{
    const struct store_version *v = &record->version;
    const uint32_t kind = record->operation == STORE_TAG_MADE ? STORE_TAG : STORE_BRANCH;
    struct store_ref ref = {.kind = kind, .version = v->state_parent, .time_ns = v->time_ns};

    memcpy(ref.name, record->ref, sizeof(ref.name));
    if (record->operation == STORE_BRANCH_DELETED || record->operation == STORE_TAG_DELETED)
        return store_txn_delete(txn, STORE_REFS, ref.name, strlen(ref.name), err);
    return store_ref_put(txn, &ref, err);
}

int store_head(uint64_t *version, struct store *store, const char *ref, struct pcct_error *err)
{
    struct store_txn txn = {0};
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_branch_get(version, &txn, ref, err));
done:
    store_txn_abort(&txn);
    return status;
}

struct listing {
    const struct store_txn *txn;
    const struct base_env *env;
    struct base_vector *out;
    size_t most;
};

static int add_ref(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct listing *l = ctx;
    struct store_ref *ref = NULL;
    int status = base_vector_add(&ref, l->out, l->env, 1, err);

    if (status == 0 && !store_ref_decode(ref, key, key_bytes, value, bytes)) status = store_txn_damaged(err, l->txn, "a branch is none");
    return status;
}

int store_refs(struct base_vector *refs, struct store *store, struct pcct_error *err)
{
    struct store_txn txn = {0};
    struct listing listing = {&txn, store->folder.env, refs, 0};
    int status = 0;

    assert(refs->item_bytes == sizeof(struct store_ref));
    refs->count = 0;
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_each(&txn, STORE_REFS, NULL, 0, add_ref, &listing, err));
done:
    store_txn_abort(&txn);
    return status;
}

/* ---- reflog ------------------------------------------------------------------------------------------------------------------------------- */

int store_reflog_put(struct store_txn *txn, uint64_t number, const struct store_record *record, struct pcct_error *err)
{
    const struct store_version *v = &record->version;
    uint8_t key[8], value[REFLOG_BYTES] = {0};

    store_put_key(key, number);
    store_put64(value, REFLOG_BEFORE, v->parent);
    store_put64(value, REFLOG_AFTER, record->operation == STORE_COMMITTED ? v->version : v->state_parent);
    store_put64(value, REFLOG_TIME, (uint64_t)v->time_ns);
    store_put32(value, REFLOG_OPERATION, record->operation);
    store_put_bytes(value, REFLOG_NAME, record->ref, STORE_NAME_BYTES);
    return store_txn_put(txn, STORE_REFLOG, key, sizeof(key), value, sizeof(value), err);
}

int store_reflog_decode(struct store_reflog_entry *entry, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes)
{
    if (!value || key_bytes != 8 || bytes != REFLOG_BYTES) return 0;
    entry->number = store_get_key(key);
    entry->before = store_get64(value, REFLOG_BEFORE);
    entry->after = store_get64(value, REFLOG_AFTER);
    entry->time_ns = (int64_t)store_get64(value, REFLOG_TIME);
    entry->operation = store_get32(value, REFLOG_OPERATION);
    store_get_bytes(entry->name, value, REFLOG_NAME, STORE_NAME_BYTES);
    return entry->operation < STORE_OPERATIONS && store_get32(value, REFLOG_ZERO) == 0 && entry->name[STORE_NAME_BYTES - 1] == '\0';
}

static int add_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct listing *l = ctx;
    struct store_reflog_entry *entry = NULL;
    int status = 0;

    if (l->most-- == 0) return 1;
    status = base_vector_add(&entry, l->out, l->env, 1, err);
    if (status != 0 || store_reflog_decode(entry, key, key_bytes, value, bytes)) return status;
    return store_txn_damaged(err, l->txn, "an entry of the reflog is none");
}

int store_reflog(struct base_vector *entries, struct store *store, uint64_t first, size_t most, struct pcct_error *err)
{
    struct store_txn txn = {0};
    struct listing listing = {&txn, store->folder.env, entries, most};
    uint8_t key[8];
    int status = 0;

    assert(entries->item_bytes == sizeof(struct store_reflog_entry));
    entries->count = 0;
    store_put_key(key, first);
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_each(&txn, STORE_REFLOG, key, sizeof(key), add_entry, &listing, err));
done:
    store_txn_abort(&txn);
    return status;
}

int store_reflog_last(uint64_t *number, struct store *store, struct pcct_error *err)
{
    struct store_txn txn = {0};
    struct store_state state;
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_state_get(&state, &txn, err));
    *number = state.next_reflog - 1;
done:
    store_txn_abort(&txn);
    return status;
}
