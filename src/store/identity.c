/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <string.h>

struct seeking {
    struct store_txn *txn;
    const struct base_hash128 *identity;
    uint64_t version, pruned; /* 0: none yet */
};

static int meet(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct seeking *s = ctx;
    struct store_record record;
    uint64_t number = 0;
    int status = 0;

    (void)bytes;
    if (key_bytes != 24 || !value) return store_txn_damaged(err, s->txn, "an identity leads nowhere");
    if (memcmp(key, s->identity->byte, 16) != 0) return 1;
    memcpy(&number, key + 16, sizeof(number));
    TRY(store_record_get(&record, NULL, s->txn, be64toh(number), err));
    if (!(record.version.flags & STORE_PRUNED)) s->version = record.version.version;
    else if (s->pruned == 0) s->pruned = record.version.version;
    if (s->version != 0) status = 1;
done:
    return status;
}

int store_identity(int *found, uint64_t *version, struct store *store, const struct base_hash128 *identity, struct pcct_error *err)
{
    static const struct base_hash128 none;
    struct store_txn txn = {0};
    struct seeking seeking = {&txn, identity, 0, 0};
    int status = 0;

    *version = 0;
    *found = memcmp(identity, &none, sizeof(none)) == 0; /* the empty version's */
    if (*found) return 0;
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_each(&txn, STORE_IDENTITIES, identity->byte, 16, meet, &seeking, err));
    *version = seeking.version != 0 ? seeking.version : seeking.pruned;
    *found = *version != 0;
done:
    store_txn_abort(&txn);
    return status;
}
