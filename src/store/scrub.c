/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scrub.h"

#include "store/anchor.h"
#include "store/bytes.h"
#include "store/internal.h"
#include "store/scan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct scrubbing {
    struct store_scrub *scrub;
    struct store *store;
    struct store_scan scan; /* reads anchors, and reports */
    uint64_t due_ns;        /* when as much may have been read as was */
    uint64_t read, all_bytes;
};

/* ---- how fast ----------------------------------------------------------------------------------------------------------------------------- */

/* After each piece: waits until so much may have been read. Time that went by meanwhile is not made up for, but for a moment. */
static int pace(void *ctx, uint64_t bytes, struct pcct_error *err)
{
    struct scrubbing *s = ctx;
    struct base_os *os = s->store->folder.env->os;
    struct store_scrub *scrub = s->scrub;
    const uint64_t second = 1000000000, moment = second / 10;
    const uint32_t never = 0;

    s->read += bytes;
    if (scrub->rate > 0) s->due_ns += (uint64_t)((double)bytes / (double)scrub->rate * (double)second);
    for (;;) {
        const double done = s->all_bytes > 0 ? (double)s->read / (double)s->all_bytes : 1;
        uint64_t now, left;

        if (scrub->progress && scrub->progress(scrub->ctx, done < 1 ? done : 1)) return base_fail(err, PCCT_E_CANCELLED, "cancelled");
        now = base_os_ticks_ns(os);
        if (now >= s->due_ns + moment) s->due_ns = now - moment;
        if (now >= s->due_ns) return 0;
        left = s->due_ns - now;
        base_os_wait(os, &never, 0, left < moment ? left : moment);
    }
}

/* ---- frames ------------------------------------------------------------------------------------------------------------------------------- */

static int first_record(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct store_record *record = ctx;

    (void)key;
    (void)key_bytes;
    if (!value || store_record_decode(record, value, bytes)) return base_fail(err, PCCT_E_DAMAGED, "a version's record is damaged");
    return 1;
}

/* The record of the first version from `from` on; record->version.version 0: there is none. */
static int next_record(struct store_record *record, struct store *store, uint64_t from, struct pcct_error *err)
{
    struct store_txn txn = {0};
    uint8_t key[8];
    int status = 0;

    memset(record, 0, sizeof(*record));
    store_put_key(key, from);
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_each(&txn, STORE_VERSIONS, key, sizeof(key), first_record, record, err));
done:
    store_txn_abort(&txn);
    return status;
}

static int scrub_frame(struct scrubbing *s, const struct store_record *record, struct base_vector scratch[2], struct pcct_error *err)
{
    const struct store_version *v = &record->version;
    struct store_record found, again;
    struct pcct_error cause = {0, ""};
    int status = 0, read = store_journal_read(&found, &scratch[0], &scratch[1], &s->store->folder, v->segment, v->offset, &cause);

    if (read == PCCT_E_MEMORY) return base_fail(err, read, "%s", cause.message);
    s->scrub->frames++;
    s->scrub->bytes += v->bytes;
    if (read == 0 && found.hash == record->hash) goto done;
    TRY(next_record(&again, s->store, v->version, err)); /* it may have been pruned meanwhile */
    if (again.version.version != v->version || again.hash != record->hash || (again.version.flags & STORE_DROPPED)) goto done;
    store_scan_report(&s->scan, 1, "v%" PRIu64 ": %s", v->version, read != 0 ? cause.message : "another frame stands in the place of its own");
done:
    return status;
}

static int scrub_frames(struct scrubbing *s, struct pcct_error *err)
{
    struct base_vector scratch[2] = {{.item_bytes = 1}, {.item_bytes = 1}};
    struct store_record record;
    int status = 0;

    for (uint64_t from = 1;; from = record.version.version + 1) {
        TRY(next_record(&record, s->store, from, err));
        if (record.version.version == 0) break;
        if (!(record.version.flags & STORE_DROPPED)) TRY(scrub_frame(s, &record, scratch, err));
        TRY(pace(s, record.version.flags & STORE_DROPPED ? 0 : record.version.bytes, err));
    }
done:
    for (int i = 0; i < 2; i++) base_vector_free(&scratch[i], s->store->folder.env);
    return status;
}

/* ---- anchors ------------------------------------------------------------------------------------------------------------------------------ */

struct listing {
    struct base_vector *out;
    const struct base_env *env;
};

static int add_anchor(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    const struct listing *l = ctx;
    uint64_t *place = NULL;
    int status = 0;

    (void)value;
    (void)bytes;
    if (key_bytes != 8) return 0;
    TRY(base_vector_add(&place, l->out, l->env, 1, err));
    *place = store_get_key(key);
done:
    return status;
}

static int list_anchors(struct base_vector *versions, struct store *store, struct pcct_error *err)
{
    struct listing listing = {versions, store->folder.env};
    struct store_txn txn = {0};
    int status = 0;

    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_each(&txn, STORE_ANCHORS, NULL, 0, add_anchor, &listing, err));
done:
    store_txn_abort(&txn);
    return status;
}

int store_anchor_sole(int *sole, struct store_txn *txn, const struct store_version *v, struct pcct_error *err)
{
    struct store_record parent;
    struct pcct_error cause = {0, ""};
    int status = 0;

    *sole = (v->flags & STORE_DROPPED) != 0;
    if (*sole || v->state_parent == 0) return 0;
    status = store_record_get(&parent, NULL, txn, v->state_parent, &cause);
    *sole = status == PCCT_E_NOT_FOUND;
    return status == 0 || *sole ? 0 : base_fail(err, status, "%s", cause.message);
}

int store_anchor_drop(int *dropped, struct store *store, uint64_t version, struct pcct_error *err)
{
    struct store_record record;
    struct store_txn txn = {0};
    char name[STORE_FILE_NAME_BYTES];
    uint8_t key[8];
    int status = 0, locked = 0, unsure = 0, listed = 0, sole = 0;

    *dropped = 0;
    store_put_key(key, version);
    TRY(store_maintenance_lock(store, 1, err));
    locked = 1;
    TRY(store_check_current(store, err)); /* another catalogue may list it, as all there is of a state */
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 1, err));
    TRY(store_anchor_listed(&listed, &txn, version, err));
    if (!listed) goto done;
    TRY(store_record_get(&record, NULL, &txn, version, err));
    TRY(store_anchor_sole(&sole, &txn, &record.version, err));
    if (sole) goto done;
    TRY(store_txn_delete(&txn, STORE_ANCHORS, key, sizeof(key), err));
    TRY(store_txn_commit(&txn, &unsure, err));
    store_anchor_name(name, version);
    (void)base_os_unlink(store->folder.env->os, store->folder.data, name);
    (void)store_pieces_sweep(&store->folder, NULL); /* what stays is removed by the next pruning */
    *dropped = 1;
done:
    if (unsure) store_poison(store);
    store_txn_abort(&txn);
    if (locked) store_maintenance_unlock(store);
    return status;
}

static int is_listed(int *listed, struct store *store, uint64_t version, struct pcct_error *err)
{
    struct store_txn txn = {0};
    int status = 0;

    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_anchor_listed(listed, &txn, version, err));
done:
    store_txn_abort(&txn);
    return status;
}

/* What is wrong is told by the scan, as damage; it is none any more when the anchor could be dropped, or is not listed now. */
static int scrub_anchor(struct scrubbing *s, uint64_t version, struct pcct_error *err)
{
    const uint64_t before = s->scan.damaged, bytes = s->scan.bytes;
    struct store_found found = {.listed = 1};
    struct store_record record;
    uint64_t *place = NULL;
    int status = 0, sound = 0, dropped = 0, listed = 0;

    TRY(next_record(&record, s->store, version, err));
    if (record.version.version != version) goto done;
    found.record = record;
    TRY(store_scan_anchor(&sound, &s->scan, &found, err));
    s->scrub->anchors++;
    s->scrub->bytes += s->scan.bytes - bytes;
    if (sound) goto done;
    TRY(store_anchor_drop(&dropped, s->store, version, err));
    if (!dropped) TRY(is_listed(&listed, s->store, version, err));
    if (listed) goto done; /* it is all there is, or the frames are not there */
    s->scan.damaged = before;
    if (!dropped) goto done;
    TRY(base_vector_add(&place, &s->scrub->dropped, s->store->folder.env, 1, err));
    *place = version;
done:
    return status;
}

/* What is not counted yet: heads, tables, and all of it where the rate is any. */
static uint64_t not_counted(uint64_t all, uint64_t counted)
{
    return all > counted ? all - counted : 0;
}

static int scrub_anchors(struct scrubbing *s, struct pcct_error *err)
{
    struct base_vector versions = {.item_bytes = sizeof(uint64_t)};
    int status = 0;

    TRY(list_anchors(&versions, s->store, err));
    for (size_t i = 0; i < versions.count; i++) {
        const uint64_t bytes = s->scrub->bytes, read = s->read;

        TRY(scrub_anchor(s, ((const uint64_t *)versions.memory.data)[i], err));
        TRY(pace(s, not_counted(s->scrub->bytes - bytes, s->read - read), err));
    }
done:
    base_vector_free(&versions, s->store->folder.env);
    return status;
}

int store_scrub(struct store_scrub *scrub, struct store *store, struct pcct_error *err)
{
    struct scrubbing s = {.scrub = scrub, .store = store};
    struct store_sizes sizes;
    int status = 0;

    scrub->dropped = (struct base_vector){.item_bytes = sizeof(uint64_t)};
    scrub->frames = scrub->anchors = scrub->bytes = scrub->damaged = 0;
    store_scan_init(&s.scan, &store->folder);
    s.scan.report = scrub->report;
    s.scan.ctx = scrub->ctx;
    if (scrub->rate > 0) {
        s.scan.pause = pace;
        s.scan.pause_ctx = &s;
    }
    TRY(store_check_process(store, err));
    TRY(store_sizes(&sizes, store, err));
    s.all_bytes = sizes.journal_bytes + sizes.anchor_bytes;
    s.due_ns = base_os_ticks_ns(store->folder.env->os);
    TRY(scrub_frames(&s, err));
    TRY(scrub_anchors(&s, err));
    scrub->damaged = s.scan.damaged;
done:
    store_scan_free(&s.scan);
    return status;
}
