/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bytes.h"
#include "store/internal.h"
#include "store/policy.h"

enum { AT_FORM = 0, AT_ZERO = 4, AT_KEEP_LAST = 8, AT_KEEP_EVERY = 16, AT_AGE = 24, AT_DUE = 32, AT_REST = 40, FORM = 1 };

/* Between two prunings: at least so many commits, and half as many as there are versions left. */
enum { LEAST_COMMITS = 64 };

static const char policy_key[] = "policy";

int store_policy_is(const uint8_t *key, size_t key_bytes)
{
    return key_bytes == sizeof(policy_key) - 1 && memcmp(key, policy_key, key_bytes) == 0;
}

uint64_t store_policy_next(uint64_t next_version, uint64_t left)
{
    return next_version + (left / 2 > LEAST_COMMITS ? left / 2 : LEAST_COMMITS);
}

void store_policy_encode(uint8_t bytes[STORE_POLICY_BYTES], const struct store_policy *policy)
{
    memset(bytes, 0, STORE_POLICY_BYTES);
    store_put32(bytes, AT_FORM, FORM);
    store_put64(bytes, AT_KEEP_LAST, policy->keep_last);
    store_put64(bytes, AT_KEEP_EVERY, policy->keep_every);
    store_put64(bytes, AT_AGE, (uint64_t)policy->age_ns);
    store_put64(bytes, AT_DUE, policy->due);
}

int store_policy_decode(struct store_policy *policy, const uint8_t *bytes, size_t n_bytes)
{
    memset(policy, 0, sizeof(*policy));
    if (n_bytes != STORE_POLICY_BYTES || store_get32(bytes, AT_FORM) != FORM || store_get32(bytes, AT_ZERO) != 0 ||
        !store_zero(bytes, AT_REST, STORE_POLICY_BYTES)) {
        return 0;
    }
    policy->keep_last = store_get64(bytes, AT_KEEP_LAST);
    policy->keep_every = store_get64(bytes, AT_KEEP_EVERY);
    policy->age_ns = (int64_t)store_get64(bytes, AT_AGE);
    policy->due = store_get64(bytes, AT_DUE);
    return policy->age_ns >= 0 && store_policy_rules(policy);
}

int store_policy_rules(const struct store_policy *policy)
{
    return policy->keep_last > 0 || policy->keep_every > 0 || policy->age_ns > 0;
}

int store_policy_load(struct store_policy *policy, struct store_txn *txn, struct pcct_error *err)
{
    const uint8_t *value = NULL;
    size_t bytes = 0;
    int status = 0;

    memset(policy, 0, sizeof(*policy));
    TRY(store_txn_get(&value, &bytes, txn, STORE_META, policy_key, sizeof(policy_key) - 1, err));
    if (value && !store_policy_decode(policy, value, bytes)) status = store_txn_damaged(err, txn, "its policy cannot be");
done:
    return status;
}

int store_policy_save(struct store_txn *txn, const struct store_policy *policy, struct pcct_error *err)
{
    uint8_t bytes[STORE_POLICY_BYTES];

    if (!store_policy_rules(policy)) return store_txn_delete(txn, STORE_META, policy_key, sizeof(policy_key) - 1, err);
    store_policy_encode(bytes, policy);
    return store_txn_put(txn, STORE_META, policy_key, sizeof(policy_key) - 1, bytes, sizeof(bytes), err);
}

int store_policy_redo(struct store_txn *txn, const struct store_record *record, struct pcct_error *err)
{
    struct base_vector payload = {.item_bytes = 1};
    struct store_policy policy = {0};
    struct store_record whole;
    int status = 0;

    status = store_journal_read(&whole, NULL, &payload, txn->folder, record->version.segment, record->version.offset, err);
    if (status == 0 && payload.count > 0 && !store_policy_decode(&policy, payload.memory.data, payload.count)) status = PCCT_E_DAMAGED;
    if (status == 0) TRY(store_policy_save(txn, &policy, err));
    if (status == PCCT_E_DAMAGED) status = 0;
done:
    base_vector_free(&payload, txn->folder->env);
    return status;
}

int store_policy(struct store_policy *policy, struct store *store, struct pcct_error *err)
{
    struct store_txn txn = {0};
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_policy_load(policy, &txn, err));
done:
    store_txn_abort(&txn);
    return status;
}

static int put_policy(void *ctx, struct store_txn *txn, struct store_state *after, struct pcct_error *err)
{
    (void)after;
    return store_policy_save(txn, ctx, err);
}

int store_policy_set(struct store *store, const struct store_policy *policy, struct pcct_error *err)
{
    struct store_record record = {.operation = STORE_POLICY_SET};
    uint8_t payload[STORE_POLICY_BYTES];
    struct store_policy own = *policy;
    struct store_txn txn = {0};
    struct store_state state;
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_state_get(&state, &txn, err));
    store_txn_abort(&txn);
    own.due = state.next_version;
    store_policy_encode(payload, &own);
    memcpy(record.ref, "*", 2); /* it is the whole store's; no branch can have that name */
    record.version.version = state.next_version - 1;
    record.payload_bytes = store_policy_rules(&own) ? sizeof(payload) : 0;
    TRY(store_write(&(struct store_writing){&record, &state, "", payload, 0, put_policy, &own}, store, err));
done:
    store_txn_abort(&txn);
    return status;
}
