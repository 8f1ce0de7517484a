/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ballast.h"
#include "store/base.h"
#include "store/bytes.h"
#include "store/policy.h"
#include "store/sweep.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* What is known of a version while it is decided what becomes of it. */
struct item {
    struct store_version version;
    uint64_t anchor_bytes, kept;
    uint8_t anchored, matches; /* it has an anchor; the policy asks for it */
    uint8_t says, asked;       /* it has the lasting key; one that stays and has not follows it */
    uint8_t stays;             /* it can be named afterwards */
    uint8_t needed;            /* another's state rests on its */
    uint8_t frame;             /* its frame stays */
};

struct pruning {
    struct store *store;
    struct store_prune *prune;
    struct store_txn txn;      /* what is read */
    struct store_state before;
    struct store_policy policy; /* the store's; `due` as it is to be */
    struct base_vector item;   /* struct item, ascending */
    struct base_vector payload;
    struct base_vector kept_segment; /* uint64_t: segments before the base that have a frame that stays */
    int status;
};

static struct item *items(const struct pruning *p) { return p->item.memory.data; }

static struct item *find(const struct pruning *p, uint64_t version)
{
    size_t lo = 0, hi = p->item.count;

    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;

        if (items(p)[middle].version.version < version) lo = middle + 1;
        else hi = middle;
    }
    return lo < p->item.count && items(p)[lo].version.version == version ? &items(p)[lo] : NULL;
}

static int gone(const struct item *item) { return !item->stays && !item->needed; }

/* ---- what there is ------------------------------------------------------------------------------------------------------------------------ */

/* What a note says under a key; NULL: it has none of that name. */
static const char *value_of(const uint8_t *note, uint64_t bytes, const char *key)
{
    const char *text = (const char *)note, *end = text + bytes;

    if (bytes == 0 || end[-1] != '\0') return NULL;
    for (text += strlen(text) + 1; text < end; text += strlen(text) + 1) {
        const char *here = text;

        text += strlen(text) + 1;
        if (text >= end) return NULL;
        if (strcmp(here, key) == 0) return text;
    }
    return NULL;
}

static int is_before(double before, const char *value)
{
    char *rest = NULL;
    const double number = value ? strtod(value, &rest) : 0;

    return value && rest != value && *rest == '\0' && number < before;
}

static int asked_for(const struct store_prune *prune, const struct store_record *record, const uint8_t *note)
{
    if (prune->none) return 0;
    if (prune->older_than_ns != 0 && record->version.time_ns >= prune->older_than_ns) return 0;
    if (prune->key && !is_before(prune->before, value_of(note, record->note_bytes, prune->key))) return 0;
    return prune->keep_every == 0 || record->version.generation % prune->keep_every != 0;
}

static int add_item(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct pruning *p = ctx;
    struct store_record record;
    struct item *item = NULL;
    int status = 0;

    (void)key;
    (void)key_bytes;
    if (!value || store_record_decode(&record, value, bytes)) return store_txn_damaged(err, &p->txn, "a version's record");
    TRY(base_vector_add(&item, &p->item, p->store->folder.env, 1, err));
    *item = (struct item){.version = record.version, .kept = record.version.kept, .frame = !(record.version.flags & STORE_DROPPED)};
    item->stays = !(record.version.flags & STORE_PRUNED);
    item->says = p->prune->lasting && value_of(value + STORE_RECORD_BYTES, record.note_bytes, p->prune->lasting);
    item->matches = item->stays && asked_for(p->prune, &record, value + STORE_RECORD_BYTES);
done:
    return status;
}

static int add_anchor(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct pruning *p = ctx;
    struct item *item = key_bytes == 8 && value && bytes == 16 ? find(p, store_get_key(key)) : NULL;

    (void)err;
    if (!item) return 0;
    item->anchored = 1;
    item->anchor_bytes = store_get64(value, 8);
    return 0;
}

/* What a branch or tag stands at, and the last of a branch. */
static int keep_ref(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct pruning *p = ctx;
    struct store_ref ref;
    uint64_t at;

    if (!store_ref_decode(&ref, key, key_bytes, value, bytes)) return store_txn_damaged(err, &p->txn, "a branch is none");
    at = ref.version;
    for (uint64_t i = 0; at != 0 && (i == 0 || (ref.kind == STORE_BRANCH && i < p->prune->keep_last)); i++) {
        struct item *item = find(p, at);

        if (!item) return store_txn_damaged(err, &p->txn, "a version is missing");
        item->matches = 0;
        at = item->kept;
    }
    return 0;
}

/* ---- what becomes of it ------------------------------------------------------------------------------------------------------------------- */

/* That an anchor which is to be all that is left of a state is whole. */
static int anchor_whole(struct pruning *p, const struct item *item)
{
    struct store_scan scan;
    struct store_found found = {.record.version = item->version};
    int sound = 0;

    store_scan_init(&scan, &p->store->folder);
    p->status = store_scan_anchor(&sound, &scan, &found, NULL);
    store_scan_free(&scan);
    return p->status == 0 && sound;
}

/* Whether the state of an item that is not gone rests on its parent's, after this. Its own anchor will do instead, if it is whole: of a version
 * that is only needed its frame goes then. */
static int rests_on(struct pruning *p, struct item *item, const struct item *parent)
{
    if (!item->anchored) return parent != NULL;
    if (!item->frame || (item->stays && (!parent || parent->stays))) return item->frame && parent != NULL;
    if (!anchor_whole(p, item)) return parent != NULL;
    if (!item->stays) item->frame = 0;
    return 0;
}

/* What stays goes back to the version that says the lasting key for it, over those in between, and has that stay. From the newest on, so that all
 * who ask have asked before it is a version's turn. */
static void keep_sayers(struct pruning *p)
{
    for (size_t i = p->item.count; i-- > 0;) {
        struct item *item = &items(p)[i], *before = find(p, item->kept);

        if (item->asked && item->says) item->matches = 0;
        if (item->says || (!item->asked && (!item->stays || item->matches))) continue;
        if (before) before->asked = 1;
    }
}

/* Children are newer than what their states rest on, so one pass from the newest on tells what is needed. */
static int decide(struct pruning *p, struct pcct_error *err)
{
    struct store_prune *prune = p->prune;

    keep_sayers(p);
    for (size_t i = 0; i < p->item.count; i++) {
        prune->pruned += items(p)[i].matches;
        if (items(p)[i].matches) items(p)[i].stays = 0;
    }
    for (size_t i = p->item.count; i-- > 0;) {
        struct item *item = &items(p)[i], *parent = find(p, item->version.state_parent);

        if (gone(item)) continue;
        if (rests_on(p, item, parent)) parent->needed = 1;
        if (p->status != 0) return base_fail(err, p->status, "an anchor of %s cannot be read", p->store->folder.path);
    }
    for (size_t i = 0; i < p->item.count; i++) {
        struct item *item = &items(p)[i], *kept;

        while ((kept = find(p, item->kept)) && !kept->stays) item->kept = kept->kept;
        if (!kept) item->kept = 0;
        if (gone(item)) prune->removed++;
        else if (item->stays) prune->left++;
        if (gone(item) || !item->frame) prune->freed_bytes += item->version.flags & STORE_DROPPED ? 0 : item->version.bytes;
        else prune->left_bytes += item->version.bytes;
        if (gone(item)) prune->freed_bytes += item->anchor_bytes;
        else prune->left_bytes += item->anchor_bytes;
    }
    return 0;
}

/* ---- how it is written -------------------------------------------------------------------------------------------------------------------- */

static int is_changed(const struct item *item)
{
    const uint64_t flags = (item->stays ? 0 : (uint64_t)STORE_PRUNED) | (item->frame ? 0 : (uint64_t)STORE_DROPPED);

    return item->version.flags != flags || item->version.kept != item->kept;
}

static void mark(struct store_record *record, const struct item *item)
{
    record->version.flags = (item->stays ? 0 : (uint64_t)STORE_PRUNED) | (item->frame ? 0 : (uint64_t)STORE_DROPPED);
    record->version.kept = item->kept;
}

static int tell_version(struct pruning *p, const struct store_base_entry *entry, struct pcct_error *err)
{
    struct store_base_entry changed = *entry;
    const struct item *item = find(p, store_get_key(entry->key));
    struct store_record record;
    uint8_t *value = NULL;
    int status = 0;

    if (!item || gone(item)) return 0;
    TRY(base_take(&value, p->store->folder.env, entry->bytes, 1, err));
    memcpy(value, entry->value, entry->bytes);
    (void)store_record_decode(&record, entry->value, entry->bytes); /* it was sound a moment ago, in this transaction */
    mark(&record, item);
    record.version.redo_frames = record.version.redo_bytes = 0;
    store_record_encode(value, &record);
    changed.value = value;
    TRY(store_base_add(&p->payload, p->store->folder.env, &changed, err));
done:
    base_free(p->store->folder.env, value);
    return status;
}

static int can_be_named(const struct pruning *p, uint64_t version)
{
    const struct item *item = find(p, version);

    return item && item->stays;
}

/* An entry of the reflog that leads to nothing any more: its versions are gone. Of prunings only the last is told. */
static int leads_nowhere(const struct pruning *p, const struct store_base_entry *entry)
{
    struct store_reflog_entry told;

    if (!store_reflog_decode(&told, entry->key, entry->key_bytes, entry->value, entry->bytes)) return 0;
    if (told.operation == STORE_PRUNING) return told.number < p->before.next_reflog;
    if (told.operation == STORE_POLICY_SET) return 0;
    return !can_be_named(p, told.after) && (told.operation == STORE_COMMITTED || !can_be_named(p, told.before));
}

static int keeps_segment(const struct pruning *p, uint64_t number)
{
    const uint64_t *kept = p->kept_segment.memory.data;

    for (size_t i = 0; i < p->kept_segment.count; i++) {
        if (kept[i] == number) return 1;
    }
    return 0;
}

static int tell_policy(struct pruning *p, const struct store_base_entry *entry, struct pcct_error *err)
{
    struct store_base_entry changed = *entry;
    uint8_t value[STORE_POLICY_BYTES];

    store_policy_encode(value, &p->policy);
    changed.value = value;
    return store_base_add(&p->payload, p->store->folder.env, &changed, err);
}

struct telling {
    struct pruning *p;
    enum store_table table;
};

static int tell(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    const struct telling *t = ctx;
    const struct store_base_entry entry = {t->table, key, value, key_bytes, bytes};

    if (!value) return store_txn_damaged(err, &t->p->txn, "a checksum is wrong");
    if (t->table == STORE_META) return store_policy_is(key, key_bytes) ? tell_policy(t->p, &entry, err) : 0;
    if (t->table == STORE_VERSIONS) return tell_version(t->p, &entry, err);
    if (t->table == STORE_REFLOG && leads_nowhere(t->p, &entry)) return 0;
    if (t->table == STORE_SEGMENTS && (key_bytes != 8 || !keeps_segment(t->p, store_get_key(key)))) return 0;
    return store_base_add(&t->p->payload, t->p->store->folder.env, &entry, err);
}

/* Segments with a frame that stays. Frames stand in the order of versions. */
static int list_segments(struct pruning *p, struct pcct_error *err)
{
    uint64_t *number = NULL, last = 0;
    int status = 0;

    for (size_t i = 0; i < p->item.count; i++) {
        const struct item *item = &items(p)[i];

        if (gone(item) || !item->frame || item->version.segment == last) continue;
        last = item->version.segment;
        TRY(base_vector_add(&number, &p->kept_segment, p->store->folder.env, 1, err));
        *number = last;
    }
done:
    return status;
}

static int compose(struct pruning *p, struct store_state *after, struct pcct_error *err)
{
    static const enum store_table table[] = {STORE_META, STORE_VERSIONS, STORE_REFS, STORE_REFLOG, STORE_SEGMENTS};
    int status = 0;

    *after = p->before;
    after->next_reflog++; /* this very frame */
    after->prunes++;
    after->removed += p->prune->removed;
    after->frame_bytes = 0;
    for (size_t i = 0; i < p->item.count; i++) {
        if (!gone(&items(p)[i]) && items(p)[i].frame) after->frame_bytes += items(p)[i].version.bytes;
    }
    TRY(list_segments(p, err));
    TRY(store_base_begin(&p->payload, p->store->folder.env, after, err));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct telling telling = {p, table[i]};

        TRY(store_txn_each(&p->txn, table[i], NULL, 0, tell, &telling, err));
    }
done:
    return status;
}

static int delete_version(struct store_txn *txn, const struct store_version *v, struct pcct_error *err)
{
    uint8_t key[8], identity[24];
    int status = 0;

    store_put_key(key, v->version);
    memcpy(identity, v->identity.byte, 16);
    memcpy(identity + 16, key, sizeof(key));
    TRY(store_txn_delete(txn, STORE_VERSIONS, key, sizeof(key), err));
    TRY(store_txn_delete(txn, STORE_ANCHORS, key, sizeof(key), err));
    TRY(store_txn_delete(txn, STORE_IDENTITIES, identity, sizeof(identity), err));
    TRY(store_txn_delete(txn, STORE_WRITE_IDS, v->write_id, 16, err));
done:
    return status;
}

static int change_version(struct store_txn *txn, const struct item *item, struct pcct_error *err)
{
    struct store_record record;
    const uint8_t *note = NULL;
    int status = 0;

    TRY(store_record_get(&record, &note, txn, item->version.version, err));
    mark(&record, item);
    TRY(store_record_put(txn, &record, note, err));
done:
    return status;
}

struct deleting {
    const struct pruning *p;
    struct base_vector key; /* uint64_t */
    enum store_table table;
    uint64_t most;          /* keys above it are none of ours */
};

static int note_key(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct deleting *d = ctx;
    const struct store_base_entry entry = {d->table, key, value, key_bytes, bytes};
    uint64_t *place = NULL;
    int status = 0, goes;

    if (key_bytes != 8 || store_get_key(key) > d->most) return 0;
    goes = d->table == STORE_REFLOG ? leads_nowhere(d->p, &entry) : !keeps_segment(d->p, store_get_key(key));
    if (!goes) return 0;
    TRY(base_vector_add(&place, &d->key, d->p->store->folder.env, 1, err));
    *place = store_get_key(key);
done:
    return status;
}

static int delete_entries(struct pruning *p, struct store_txn *txn, enum store_table table, uint64_t most, struct pcct_error *err)
{
    struct deleting d = {p, {.item_bytes = sizeof(uint64_t)}, table, most};
    const uint64_t *number;
    uint8_t key[8];
    int status = 0;

    TRY(store_txn_each(txn, table, NULL, 0, note_key, &d, err));
    number = d.key.memory.data;
    for (size_t i = 0; i < d.key.count; i++) {
        store_put_key(key, number[i]);
        TRY(store_txn_delete(txn, table, key, sizeof(key), err));
    }
done:
    base_vector_free(&d.key, p->store->folder.env);
    return status;
}

/* What the frame means, in the catalogue. */
static int put_pruned(void *ctx, struct store_txn *txn, struct store_state *after, struct pcct_error *err)
{
    struct pruning *p = ctx;
    int status = 0;

    for (size_t i = 0; i < p->item.count; i++) {
        const struct item *item = &items(p)[i];

        if (gone(item)) TRY(delete_version(txn, &item->version, err));
        else if (is_changed(item)) TRY(change_version(txn, item, err));
    }
    TRY(store_policy_save(txn, &p->policy, err));
    TRY(delete_entries(p, txn, STORE_REFLOG, after->next_reflog - 1, err));
    TRY(delete_entries(p, txn, STORE_SEGMENTS, after->tail.segment - 1, err));
    after->prunes = p->before.prunes + 1;
    after->removed = p->before.removed + p->prune->removed;
    after->frame_bytes = store_get64(p->payload.memory.data, STORE_BASE_FRAME_BYTES);
done:
    return status;
}

static void take_rules(const struct pruning *p)
{
    struct store_prune *prune = p->prune;

    prune->keep_last = p->policy.keep_last;
    prune->keep_every = p->policy.keep_every;
    prune->key = NULL;
    prune->older_than_ns = p->policy.age_ns > 0 ? base_os_time_ns(p->store->folder.env->os) - p->policy.age_ns : 0;
    prune->none = !store_policy_rules(&p->policy);
}

static int read_all(struct pruning *p, struct pcct_error *err)
{
    uint64_t left = 0;
    int status = 0;

    TRY(store_state_get(&p->before, &p->txn, err));
    TRY(store_policy_load(&p->policy, &p->txn, err));
    if (p->prune->by_policy) take_rules(p);
    TRY(store_txn_each(&p->txn, STORE_VERSIONS, NULL, 0, add_item, p, err));
    TRY(store_txn_each(&p->txn, STORE_ANCHORS, NULL, 0, add_anchor, p, err));
    TRY(store_txn_each(&p->txn, STORE_REFS, NULL, 0, keep_ref, p, err));
    TRY(decide(p, err));
    for (size_t i = 0; i < p->item.count; i++) left += !gone(&items(p)[i]);
    p->policy.due = store_policy_next(p->before.next_version, left);
done:
    return status;
}

/* What it takes to have the frame and the catalogue's transaction on the disk. On a full one: what an earlier pruning left is given back, and the
 * ballast, and it is tried once more. */
static int write_pruned(struct pruning *p, struct pcct_error *err)
{
    struct store_record record = {.operation = STORE_PRUNING};
    struct store *store = p->store;
    struct store_state after;
    int status = 0;

    TRY(compose(p, &after, err));
    store_txn_abort(&p->txn);
    record.version.version = p->before.next_version - 1;
    record.payload_bytes = p->payload.count;
    memcpy(record.ref, "*", 2); /* all of them; no branch can have that name */
    for (int i = 0; i < 2; i++) {
        status = store_write(&(struct store_writing){&record, &p->before, "", p->payload.memory.data, 0, put_pruned, p}, store, err);
        if (status != PCCT_E_NOSPACE || i > 0) break;
        (void)store_sweep(store, NULL);
        (void)store_ballast_release(&store->folder);
    }
done:
    return status;
}

/* Nothing was to be pruned by the policy: when to look again is no frame's matter. */
static int put_off(struct pruning *p, struct pcct_error *err)
{
    struct store *store = p->store;
    struct store_txn txn = {0};
    int status = 0, unsure = 0;

    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 1, err));
    TRY(store_policy_save(&txn, &p->policy, err));
    TRY(store_txn_commit(&txn, &unsure, err));
done:
    if (unsure) store_poison(store);
    store_txn_abort(&txn);
    return status;
}

/*
 * As store_write says, with this frame at the beginning of a new segment. A crash before the commit of the catalogue leaves that segment, which the
 * next commit removes; after it, files and blocks that nothing leads to, which the next pruning gives back. So nothing is given back before it is
 * durable that nothing leads to it, and no frame that stays is ever moved.
 */
int store_prune(struct store_prune *prune, struct store *store, struct pcct_error *err)
{
    struct pruning p = {.store = store, .prune = prune, .item.item_bytes = sizeof(struct item), .payload.item_bytes = 1};
    int status = 0, locked = 0;

    prune->pruned = prune->removed = prune->left = prune->freed_bytes = prune->left_bytes = 0;
    p.kept_segment.item_bytes = sizeof(uint64_t);
    TRY(store_check_process(store, err));
    TRY(store_maintenance_lock(store, 1, err)); /* an anchor that is being written is not listed yet */
    locked = 1;
    TRY(store_txn_begin(&p.txn, store->catalogue, &store->folder, 0, err));
    TRY(read_all(&p, err));
    if (prune->dry_run) goto done;
    if (prune->pruned > 0 || prune->freed_bytes > 0) TRY(write_pruned(&p, err));
    else if (prune->by_policy && !prune->none) TRY(put_off(&p, err));
    store_txn_abort(&p.txn);
    TRY(store_sweep(store, err));
    (void)store_ballast_make(&store->folder, NULL);
done:
    store_txn_abort(&p.txn);
    if (locked) store_maintenance_unlock(store);
    base_vector_free(&p.item, store->folder.env);
    base_vector_free(&p.payload, store->folder.env);
    base_vector_free(&p.kept_segment, store->folder.env);
    return status;
}

int store_prunes(uint64_t *prunes, struct store *store, struct pcct_error *err)
{
    struct store_txn txn = {0};
    struct store_state state;
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_state_get(&state, &txn, err));
    *prunes = state.prunes;
done:
    store_txn_abort(&txn);
    return status;
}
