/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bytes.h"
#include "store/internal.h"

#include <inttypes.h>

/* Values of the tables meta, segments and anchors: offsets, or sizes. */
enum {
    STATE_FORMAT = 0, STATE_ZERO = 4, STATE_UUID = 8, STATE_NEXT = 24, STATE_SEGMENT = 32, STATE_OFFSET = 40, STATE_LINK = 48, STATE_REFLOG = 56,
    STATE_FRAME_BYTES = 64, STATE_PRUNES = 72, STATE_REMOVED = 80, STATE_BYTES = 88, STATE_SHORT_BYTES = 72
};
enum { SEGMENT_BYTES = 0, SEGMENT_LINK = 8, SEGMENT_RECORD_BYTES = 16 };
enum { ANCHOR_FILE_BYTES = 0, ANCHOR_DATA_BYTES = 8, ANCHOR_RECORD_BYTES = 16 };

static const char state_key[] = "store";

int store_txn_damaged(struct pcct_error *err, const struct store_txn *txn, const char *what)
{
    return base_fail(err, PCCT_E_DAMAGED, "%s/" STORE_CATALOGUE_NAME " is damaged: %s; `pcct fsck --rebuild-catalogue` makes it anew",
                     txn->folder->path, what);
}

/* ---- the whole store ---------------------------------------------------------------------------------------------------------------------- */

int store_state_get(struct store_state *state, struct store_txn *txn, struct pcct_error *err)
{
    const uint8_t *value = NULL;
    size_t bytes = 0;
    int status = 0;

    TRY(store_txn_get(&value, &bytes, txn, STORE_META, state_key, sizeof(state_key) - 1, err));
    if (!value || (bytes != STATE_BYTES && bytes != STATE_SHORT_BYTES) || store_get32(value, STATE_ZERO) != 0) {
        return store_txn_damaged(err, txn, "its head record is missing");
    }
    if (store_get32(value, STATE_FORMAT) > STORE_FORMAT) {
        return base_fail(err, PCCT_E_FORMAT, "%s/" STORE_CATALOGUE_NAME " was written by a newer pcct; use a newer pcct", txn->folder->path);
    }
    if (memcmp(value + STATE_UUID, txn->folder->uuid, 16) != 0) return store_txn_damaged(err, txn, "it belongs to another store");
    state->next_version = store_get64(value, STATE_NEXT);
    state->tail = (struct store_tail){store_get64(value, STATE_SEGMENT), store_get64(value, STATE_OFFSET), store_get64(value, STATE_LINK)};
    state->next_reflog = store_get64(value, STATE_REFLOG);
    state->frame_bytes = store_get64(value, STATE_FRAME_BYTES);
    /* the first stores of this format end before these */
    state->prunes = bytes == STATE_BYTES ? store_get64(value, STATE_PRUNES) : 0;
    state->removed = bytes == STATE_BYTES ? store_get64(value, STATE_REMOVED) : 0;
    if (state->next_version < 1 || state->tail.segment < 1 || state->tail.offset < STORE_SEGMENT_HEAD_BYTES)
        status = store_txn_damaged(err, txn, "its head record cannot be");
done:
    return status;
}

int store_state_put(struct store_txn *txn, const struct store_state *state, struct pcct_error *err)
{
    uint8_t value[STATE_BYTES] = {0};

    store_put32(value, STATE_FORMAT, STORE_FORMAT);
    store_put_bytes(value, STATE_UUID, txn->folder->uuid, 16);
    store_put64(value, STATE_NEXT, state->next_version);
    store_put64(value, STATE_SEGMENT, state->tail.segment);
    store_put64(value, STATE_OFFSET, state->tail.offset);
    store_put64(value, STATE_LINK, state->tail.link);
    store_put64(value, STATE_REFLOG, state->next_reflog);
    store_put64(value, STATE_FRAME_BYTES, state->frame_bytes);
    store_put64(value, STATE_PRUNES, state->prunes);
    store_put64(value, STATE_REMOVED, state->removed);
    return store_txn_put(txn, STORE_META, state_key, sizeof(state_key) - 1, value, sizeof(value), err);
}

/* ---- versions ----------------------------------------------------------------------------------------------------------------------------- */

int store_record_get(struct store_record *record, const uint8_t **note, struct store_txn *txn, uint64_t version, struct pcct_error *err)
{
    struct store_state state;
    const uint8_t *value = NULL;
    const char *wrong;
    uint8_t key[8];
    size_t bytes = 0;
    int status = 0;

    store_put_key(key, version);
    TRY(store_txn_get(&value, &bytes, txn, STORE_VERSIONS, key, sizeof(key), err));
    if (!value) {
        TRY(store_state_get(&state, txn, err));
        if (version == 0 || version >= state.next_version) {
            return base_fail(err, PCCT_E_NOT_FOUND, "there is no version v%" PRIu64 "; the newest is v%" PRIu64, version, state.next_version - 1);
        }
        if (state.removed > 0) return base_fail(err, PCCT_E_NOT_FOUND, "v%" PRIu64 " is not there any more: it was pruned", version);
        return base_fail(err, PCCT_E_DAMAGED, "%s/" STORE_CATALOGUE_NAME " lacks version v%" PRIu64 "; `pcct fsck` tells what is left",
                         txn->folder->path, version);
    }
    wrong = store_record_decode(record, value, bytes);
    if (wrong || record->version.version != version) return store_txn_damaged(err, txn, wrong ? wrong : "a version is another");
    if (note) *note = value + STORE_RECORD_BYTES;
done:
    return status;
}

/* Identities may be equal (two branches of the same history), so the version is part of the key. */
int store_record_put(struct store_txn *txn, const struct store_record *record, const void *note, struct pcct_error *err)
{
    static const uint8_t no_write_id[16];
    const struct store_version *v = &record->version;
    uint8_t key[8], identity[24], number[8], *value = NULL;
    int status = 0;

    store_put_key(key, v->version);
    store_put64(number, 0, v->version);
    TRY(base_take(&value, txn->folder->env, STORE_RECORD_BYTES + record->note_bytes, 1, err));
    store_record_encode(value, record);
    if (record->note_bytes > 0) memcpy(value + STORE_RECORD_BYTES, note, record->note_bytes);
    TRY(store_txn_put(txn, STORE_VERSIONS, key, sizeof(key), value, STORE_RECORD_BYTES + record->note_bytes, err));
    memcpy(identity, v->identity.byte, 16);
    memcpy(identity + 16, key, sizeof(key));
    TRY(store_txn_put(txn, STORE_IDENTITIES, identity, sizeof(identity), number, sizeof(number), err));
    if (memcmp(v->write_id, no_write_id, 16) != 0) TRY(store_txn_put(txn, STORE_WRITE_IDS, v->write_id, 16, number, sizeof(number), err));
done:
    base_free(txn->folder->env, value);
    return status;
}

int store_version(struct store_version *out, struct base_vector *note, struct store *store, uint64_t version, struct pcct_error *err)
{
    struct store_record record;
    struct store_txn txn = {0};
    const uint8_t *text = NULL;
    uint8_t *copy = NULL;
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_record_get(&record, &text, &txn, version, err));
    if (note) {
        note->count = 0;
        TRY(base_vector_add(&copy, note, store->folder.env, record.note_bytes, err));
        if (record.note_bytes > 0) memcpy(copy, text, record.note_bytes);
    }
    *out = record.version;
done:
    store_txn_abort(&txn);
    return status;
}

static int tell(struct base_vector *told, struct base_vector *note, const struct store *store, const struct store_record *record,
                const uint8_t *text, struct pcct_error *err)
{
    struct store_told *item = NULL;
    uint8_t *copy = NULL;
    int status = 0;

    TRY(base_vector_add(&item, told, store->folder.env, 1, err));
    *item = (struct store_told){record->version, note->count, record->note_bytes};
    TRY(base_vector_add(&copy, note, store->folder.env, record->note_bytes, err));
    if (record->note_bytes > 0) memcpy(copy, text, record->note_bytes);
done:
    return status;
}

int store_history(struct base_vector *told, struct base_vector *note, uint64_t *next, struct store *store, uint64_t stop, int all, size_t most,
                  struct pcct_error *err)
{
    struct store_txn txn = {0};
    struct store_record record;
    struct store_state state;
    const uint8_t *text = NULL;
    uint64_t at = *next;
    int status = 0;

    told->count = note->count = 0;
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_walk(&txn, err));
    TRY(store_state_get(&state, &txn, err));
    if (all && at >= state.next_version) at = state.next_version - 1;
    while (at != 0 && told->count < most) {
        status = store_record_get(&record, &text, &txn, at, told->count > 0 ? NULL : err);
        if (all && (status == PCCT_E_NOT_FOUND || (status == 0 && record.version.flags & STORE_PRUNED))) {
            status = 0;
            at--;
            continue;
        }
        if (status != 0) break;
        TRY(tell(told, note, store, &record, text, err));
        at = all ? at - 1 : record.version.kept == stop ? 0 : record.version.kept;
    }
    if (told->count > 0) status = 0;
    if (status == 0) *next = at;
done:
    store_txn_abort(&txn);
    return status;
}

int store_write_id(int *found, struct store_version *out, struct store *store, const uint8_t write_id[16], struct pcct_error *err)
{
    struct store_record record;
    struct store_txn txn = {0};
    const uint8_t *value = NULL;
    size_t bytes = 0;
    int status = 0;

    *found = 0;
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_get(&value, &bytes, &txn, STORE_WRITE_IDS, write_id, 16, err));
    if (!value) goto done;
    if (bytes != 8) {
        status = store_txn_damaged(err, &txn, "a write id leads nowhere");
        goto done;
    }
    TRY(store_record_get(&record, NULL, &txn, store_get64(value, 0), err));
    *out = record.version;
    *found = 1;
done:
    store_txn_abort(&txn);
    return status;
}

/* ---- segments and anchors ----------------------------------------------------------------------------------------------------------------- */

int store_segment_put(struct store_txn *txn, const struct store_segment *segment, struct pcct_error *err)
{
    uint8_t key[8], value[SEGMENT_RECORD_BYTES];

    store_put_key(key, segment->number);
    store_put64(value, SEGMENT_BYTES, segment->bytes);
    store_put64(value, SEGMENT_LINK, segment->link);
    return store_txn_put(txn, STORE_SEGMENTS, key, sizeof(key), value, sizeof(value), err);
}

int store_anchor_listed(int *listed, struct store_txn *txn, uint64_t version, struct pcct_error *err)
{
    const uint8_t *value = NULL;
    uint8_t key[8];
    size_t bytes = 0;
    int status;

    store_put_key(key, version);
    status = store_txn_get(&value, &bytes, txn, STORE_ANCHORS, key, sizeof(key), err);
    *listed = value != NULL;
    return status;
}

int store_anchor_list(struct store_txn *txn, uint64_t version, uint64_t file_bytes, uint64_t data_bytes, struct pcct_error *err)
{
    uint8_t key[8], value[ANCHOR_RECORD_BYTES];

    store_put_key(key, version);
    store_put64(value, ANCHOR_FILE_BYTES, file_bytes);
    store_put64(value, ANCHOR_DATA_BYTES, data_bytes);
    return store_txn_put(txn, STORE_ANCHORS, key, sizeof(key), value, sizeof(value), err);
}

int store_version_known(const struct base_vector *list, uint64_t version)
{
    const uint64_t *item = list->memory.data;

    for (size_t i = 0; i < list->count; i++) {
        if (item[i] == version) return 1;
    }
    return 0;
}
