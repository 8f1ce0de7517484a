/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bytes.h"
#include "store/internal.h"
#include "store/piece.h"
#include "store/scan.h"
#include "store/super.h"
#include "store/unsynced.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

struct check {
    struct store_fsck *fsck;
    struct store_folder folder;
    struct store_scan scan;
    struct store_catalogue *catalogue; /* NULL: of no use */
    struct store_txn txn;
    struct store_state state;
    struct store_unsynced mark;
    struct base_vector lost;           /* struct store_found: recorded, but their frames were not found */
    uint64_t identities, write_ids;
};

static const char *const table_name[STORE_TABLES] = {"meta", "versions", "refs", "reflog", "write_ids", "identities", "anchors", "segments"};

/* ---- the catalogue by itself -------------------------------------------------------------------------------------------------------------- */

static int touch(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    (void)err;
    (void)value;
    *(uint64_t *)ctx += bytes + (key_bytes > 0 ? key[0] : 0u);
    return 0;
}

static void close_catalogue(struct check *c)
{
    store_txn_abort(&c->txn);
    store_catalogue_close(c->catalogue);
    c->catalogue = NULL;
}

/* In a child: everything that LMDB would trip over. */
static int walk_catalogue(void *ctx)
{
    struct check *c = ctx;
    struct store_catalogue *catalogue = NULL;
    struct store_txn txn = {0};
    uint64_t sum = 0;
    int status = 0;

    TRY(store_catalogue_open(&catalogue, &c->folder, STORE_CATALOGUE_NAME, 0, NULL));
    TRY(store_txn_begin(&txn, catalogue, &c->folder, 0, NULL));
    for (int table = 0; table < STORE_TABLES; table++) TRY(store_txn_each(&txn, (enum store_table)table, NULL, 0, touch, &sum, NULL));
done:
    store_txn_abort(&txn);
    store_catalogue_close(catalogue);
    return status != 0;
}

/* Opens it when that is safe. DAMAGED, FORMAT and NOT_FOUND are facts about it; another error says nothing about it. */
static int try_catalogue(struct check *c, struct pcct_error *err)
{
    int status = 0, result = 0;

    if (base_os_try(c->folder.env->os, &result, walk_catalogue, c) != 0)
        return base_fail_errno(err, errno, "cannot start a process to read the catalogue");
    if (result < 0) {
        return base_fail(err, PCCT_E_DAMAGED, "%s/" STORE_CATALOGUE_NAME " is damaged: reading it ends with signal %d; "
                         "`pcct fsck --rebuild-catalogue` makes it anew", c->folder.path, -result);
    }
    /* the child came to an end of its own, so this does too */
    TRY(store_catalogue_open(&c->catalogue, &c->folder, STORE_CATALOGUE_NAME, 0, err));
    TRY(store_txn_begin(&c->txn, c->catalogue, &c->folder, 0, err));
    TRY(store_state_get(&c->state, &c->txn, err));
    if (result != 0) status = base_fail(err, PCCT_E_DAMAGED, "%s/" STORE_CATALOGUE_NAME " is damaged: it cannot be read to its end", c->folder.path);
done:
    if (status != 0) close_catalogue(c);
    return status;
}

static int open_catalogue(struct check *c, struct pcct_error *err)
{
    struct pcct_error cause = {0, ""};
    int status = store_unsynced_look(&c->mark, &c->folder, err);

    if (status != 0) return status;
    if (c->mark.stale) {
        c->scan.unsynced = &c->mark;
        store_scan_report(&c->scan, 0, "the machine went down while %s was written: its journal was looked at without " STORE_CATALOGUE_NAME
                          ", which may be behind it and is made anew when the store is opened", c->folder.path);
        return 0;
    }
    status = try_catalogue(c, &cause);
    if (status == 0) return 0;
    if (status != PCCT_E_DAMAGED && status != PCCT_E_FORMAT && status != PCCT_E_NOT_FOUND) return base_fail(err, status, "%s", cause.message);
    store_scan_report(&c->scan, 1, "%s", cause.message);
    snprintf(c->fsck->catalogue, sizeof(c->fsck->catalogue), "%s", cause.message);
    return 0;
}

/* ---- catalogue against files -------------------------------------------------------------------------------------------------------------- */

static void bad_entry(struct check *c, enum store_table table, const char *what)
{
    store_scan_report(&c->scan, 1, "%s/" STORE_CATALOGUE_NAME " is damaged: table %s: %s; `pcct fsck --rebuild-catalogue` makes it anew",
                      c->folder.path, table_name[table], what);
}

static int same_version(const struct store_record *a, const struct store_record *b)
{
    struct store_version x = a->version, y = b->version;

    x.redo_frames = y.redo_frames = x.redo_bytes = y.redo_bytes = 0; /* not in the frame */
    return a->hash == b->hash && a->note_bytes == b->note_bytes && memcmp(&x, &y, sizeof(x)) == 0;
}

static int check_record(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct check *c = ctx;
    struct store_record record;
    struct store_found *found = NULL, *more = NULL;
    const char *wrong = NULL;
    int status;

    c->fsck->versions++;
    if (key_bytes != 8 || !value) wrong = "the checksum of a record is wrong";
    else wrong = store_record_decode(&record, value, bytes);
    if (!wrong && record.version.version != store_get_key(key)) wrong = "a record stands under another version";
    if (wrong) {
        bad_entry(c, STORE_VERSIONS, wrong);
        return 0;
    }
    found = store_scan_find(&c->scan, record.version.version);
    if (found) {
        found->recorded = 1;
        if (!same_version(&found->record, &record)) bad_entry(c, STORE_VERSIONS, "a record does not agree with its frame");
        return 0;
    }
    store_scan_report(&c->scan, 1, "v%" PRIu64 ": its frame in %s/journal/J%08" PRIx64 " at byte %" PRIu64 " is damaged", record.version.version,
                      c->folder.path, record.version.segment, record.version.offset);
    status = base_vector_add(&more, &c->lost, c->folder.env, 1, err);
    if (status == 0) *more = (struct store_found){.record = record, .recorded = 1};
    return status;
}

static int known(const struct check *c, uint64_t version)
{
    return version == 0 || store_scan_find(&c->scan, version) != NULL;
}

static int check_ref(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct check *c = ctx;
    struct store_ref ref;

    (void)err;
    if (!store_ref_decode(&ref, key, key_bytes, value, bytes) || !known(c, ref.version)) bad_entry(c, STORE_REFS, "a branch leads nowhere");
    return 0;
}

static int check_reflog(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct store_reflog_entry entry;

    (void)err;
    if (!store_reflog_decode(&entry, key, key_bytes, value, bytes)) bad_entry(ctx, STORE_REFLOG, "an entry is none");
    return 0;
}

static int check_identity(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct check *c = ctx;
    const struct store_found *found = value && bytes == 8 && key_bytes == 24 ? store_scan_find(&c->scan, store_get64(value, 0)) : NULL;

    (void)err;
    c->identities++;
    if (!found || memcmp(found->record.version.identity.byte, key, 16) != 0) bad_entry(c, STORE_IDENTITIES, "an identity leads to another version");
    return 0;
}

static int check_write_id(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct check *c = ctx;
    const struct store_found *found = value && bytes == 8 && key_bytes == 16 ? store_scan_find(&c->scan, store_get64(value, 0)) : NULL;

    (void)err;
    c->write_ids++;
    if (!found || memcmp(found->record.version.write_id, key, 16) != 0) bad_entry(c, STORE_WRITE_IDS, "a write id leads to another version");
    return 0;
}

static int check_anchor(void *ctx, uint64_t version, struct pcct_error *err)
{
    struct check *c = ctx;
    struct store_found *found = store_scan_find(&c->scan, version);
    int status = 0, sound = 0;

    if (!found || (c->catalogue && !found->listed)) {
        store_scan_report(&c->scan, 0, "%s/data/A%016" PRIx64 " is not in use", c->folder.path, version);
        goto done;
    }
    c->fsck->anchors++;
    TRY(store_scan_anchor(&sound, &c->scan, found, err));
    found->anchor_sound = (uint8_t)sound;
    if (c->fsck->progress && c->fsck->progress(c->fsck->ctx, 0.9)) status = base_fail(err, PCCT_E_CANCELLED, "cancelled");
done:
    return status;
}

/* Not when something is wrong with an anchor: then nobody knows what it names. */
static int tell_idle(struct store_scan *scan, struct pcct_error *err)
{
    struct base_vector idle = {.item_bytes = sizeof(uint64_t)};
    int status = 0;

    TRY(store_pieces_idle(&idle, NULL, scan->folder, err));
    for (size_t i = 0; i < idle.count; i++) {
        store_scan_report(scan, 0, "%s/data/P%016" PRIx64 " is not in use", scan->folder->path, ((const uint64_t *)idle.memory.data)[i]);
    }
done:
    base_vector_free(&idle, scan->folder->env);
    return status;
}

static int check_listing(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct check *c = ctx;

    (void)err;
    if (!value || key_bytes != 8 || bytes != 16) bad_entry(c, STORE_ANCHORS, "the checksum of an entry is wrong");
    else if (!store_scan_find(&c->scan, store_get_key(key))) bad_entry(c, STORE_ANCHORS, "an anchor is of no version");
    else {
        char name[STORE_FILE_NAME_BYTES];
        struct stat about;

        store_scan_find(&c->scan, store_get_key(key))->listed = 1;
        snprintf(name, sizeof(name), "A%016" PRIx64, store_get_key(key));
        if (base_os_fstatat(c->folder.env->os, c->folder.data, name, &about) != 0)
            store_scan_report(&c->scan, 1, "%s/data/%s is missing", c->folder.path, name);
    }
    return 0;
}

static int check_segment(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    (void)key;
    (void)err;
    if (!value || key_bytes != 8 || bytes != 16) bad_entry(ctx, STORE_SEGMENTS, "the checksum of an entry is wrong");
    return 0;
}

static int check_tables(struct check *c, struct pcct_error *err)
{
    static const uint8_t no_write_id[16];
    const struct store_found *found;
    struct store_found *more = NULL;
    uint64_t with_write_id = 0, recorded = 0;
    int status = 0;

    TRY(store_txn_each(&c->txn, STORE_VERSIONS, NULL, 0, check_record, c, err));
    TRY(base_vector_add(&more, &c->scan.found, c->folder.env, c->lost.count, err));
    if (c->lost.count > 0) memcpy(more, c->lost.memory.data, c->lost.count * sizeof(*more));
    store_scan_sort(&c->scan);
    found = c->scan.found.memory.data;
    for (size_t i = 0; i < c->scan.found.count; i++) {
        recorded += found[i].recorded;
        with_write_id += found[i].recorded && memcmp(found[i].record.version.write_id, no_write_id, 16) != 0;
        if (!found[i].recorded)
            store_scan_report(&c->scan, 1, "v%" PRIu64 " has a frame but no sound record in " STORE_CATALOGUE_NAME, found[i].record.version.version);
    }
    if (c->fsck->versions + c->state.removed != c->state.next_version - 1) bad_entry(c, STORE_VERSIONS, "versions are missing");
    TRY(store_txn_each(&c->txn, STORE_REFS, NULL, 0, check_ref, c, err));
    TRY(store_txn_each(&c->txn, STORE_REFLOG, NULL, 0, check_reflog, c, err));
    TRY(store_txn_each(&c->txn, STORE_IDENTITIES, NULL, 0, check_identity, c, err));
    TRY(store_txn_each(&c->txn, STORE_WRITE_IDS, NULL, 0, check_write_id, c, err));
    TRY(store_txn_each(&c->txn, STORE_SEGMENTS, NULL, 0, check_segment, c, err));
    TRY(store_txn_each(&c->txn, STORE_ANCHORS, NULL, 0, check_listing, c, err));
    if (c->identities < recorded) bad_entry(c, STORE_IDENTITIES, "entries are missing");
    if (c->write_ids < with_write_id) bad_entry(c, STORE_WRITE_IDS, "entries are missing");
done:
    return status;
}

/* A version can be read when it has an anchor, or a frame and a state parent that can be read. Ascending, so parents come first. */
static void tell_sound(struct check *c)
{
    struct store_found *found = c->scan.found.memory.data;

    for (size_t i = 0; i < c->scan.found.count; i++) {
        const struct store_found *parent = store_scan_find(&c->scan, found[i].record.version.state_parent);
        int from_parent = found[i].record.version.state_parent == 0 || (parent && parent->sound);

        if (c->catalogue && !found[i].recorded) continue;
        found[i].sound = found[i].anchor_sound || (found[i].frame_sound && from_parent);
        if (!found[i].sound) continue;
        c->fsck->versions_readable++;
        if (c->fsck->sound) c->fsck->sound(c->fsck->ctx, found[i].record.version.version);
    }
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------------------------- */

/* The writer lock, and that of who lists or drops anchors. LOCK is empty, so one that is missing is made anew. */
static int hold_lock(int *lock, struct check *c, struct pcct_error *err)
{
    struct base_os *os = c->folder.env->os;
    int status, held;

    status = store_file_open(lock, NULL, &c->folder, c->folder.top, "", "LOCK", O_RDWR, err);
    if (status == PCCT_E_NOT_FOUND) {
        status = 0;
        *lock = base_os_open(os, c->folder.top, "LOCK", O_RDWR | O_CREAT | O_EXCL, 0600);
        if (*lock < 0) return base_fail_errno(err, errno, "cannot make %s/LOCK", c->folder.path);
        store_scan_report(&c->scan, 0, "%s/LOCK was missing and was made anew", c->folder.path);
    }
    if (status != 0) return status;
    held = base_os_lock(os, *lock, STORE_WRITER_BYTE, 1, 0);
    if (held == 1) return base_fail(err, PCCT_E_BUSY, "another process is writing to %s; wait for it to end", c->folder.path);
    if (held == 0) held = base_os_lock(os, *lock, STORE_MAINTENANCE_BYTE, 1, 1);
    return held < 0 ? base_fail_errno(err, errno, "cannot lock %s", c->folder.path) : 0;
}

static int count(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    (void)key;
    (void)key_bytes;
    (void)value;
    (void)bytes;
    (void)err;
    ++*(uint64_t *)ctx;
    return 0;
}

/* What the catalogue that is there says: *readable, where the journal ends and how many versions there are. An error of reading counts as damage
 * here: a bad place of the disk is what a new catalogue is for. */
static int ask_old(int *readable, uint64_t *versions, struct check *c, struct pcct_error *err)
{
    struct pcct_error cause = {0, ""};
    int status = try_catalogue(c, &cause);

    *versions = 0;
    if (status == 0) status = store_txn_each(&c->txn, STORE_VERSIONS, NULL, 0, count, versions, &cause);
    close_catalogue(c);
    *readable = status == 0;
    if (status == 0 || status == PCCT_E_DAMAGED || status == PCCT_E_FORMAT || status == PCCT_E_NOT_FOUND || status == PCCT_E_IO) return 0;
    return base_fail(err, status, "%s", cause.message);
}

/* From what the files say, under the writer lock. An old catalogue that can be read still says where the journal ends, and is not given up for one
 * with fewer versions. One that may be behind the journal (store/unsynced.h) is not asked. */
static int rebuild(struct check *c, struct pcct_error *err)
{
    struct store_scan scan;
    uint64_t versions = 0;
    struct store_unsynced mark;
    int status = 0, lock = -1, readable = 0;

    store_scan_init(&scan, &c->folder);
    scan.ctx = c->fsck->ctx;
    TRY(hold_lock(&lock, c, err));
    TRY(store_unsynced_look(&mark, &c->folder, err));
    scan.unsynced = &mark;
    if (!mark.stale) TRY(ask_old(&readable, &versions, c, err));
    TRY(store_scan_journal(&scan, readable ? &c->state.tail : NULL, err)); /* quietly: the check that follows tells the damage */
    if (mark.stale) TRY(store_unsynced_cut(&scan, err));
    scan.report = c->fsck->report;
    TRY(store_rebuild(&scan, &(struct store_rebuilding){1, readable, versions}, err));
    if (mark.stale) TRY(store_unsynced_remove(&c->folder, err));
done:
    if (lock >= 0) base_os_close(c->folder.env->os, lock); /* gives the lock back */
    store_scan_free(&scan);
    return status;
}

int store_fsck(struct store_fsck *fsck, const char *path, const struct base_env *env, struct pcct_error *err)
{
    struct check c = {.fsck = fsck, .lost = {.item_bytes = sizeof(struct store_found)}};
    struct store_super super;
    unsigned damaged_copies = 0;
    int status = 0;

    fsck->catalogue[0] = '\0';
    fsck->versions = fsck->frames = fsck->anchors = fsck->bytes = fsck->damaged = fsck->versions_readable = 0;
    TRY(store_folder_open(&c.folder, path, 0, env, err));
    store_scan_init(&c.scan, &c.folder);
    c.scan.report = fsck->report;
    c.scan.progress = fsck->progress;
    c.scan.ctx = fsck->ctx;
    c.scan.fast = fsck->fast;
    TRY(store_super_read(&super, &damaged_copies, &c.folder, err));
    memcpy(c.folder.uuid, super.uuid, sizeof(c.folder.uuid));
    for (int i = 0; i < STORE_SUPER_COPIES; i++) {
        if (damaged_copies >> i & 1) store_scan_report(&c.scan, 1, "%s/SUPER is damaged: copy %d of 2; the other is in use", c.folder.path, i + 1);
    }
    if (fsck->rebuild) TRY(rebuild(&c, err));
    TRY(open_catalogue(&c, err));
    TRY(store_scan_journal(&c.scan, c.catalogue ? &c.state.tail : NULL, err));
    if (c.scan.left_out > 0)
        store_scan_report(&c.scan, 0, "v%" PRIu64 ", the last frame of the journal, is not whole: a commit that was cut off", c.scan.left_out);
    if (c.catalogue) TRY(check_tables(&c, err));
    store_txn_abort(&c.txn); /* the anchors are most of the bytes: LMDB shall not wait for them */
    if (!c.catalogue) fsck->versions = c.scan.found.count;
    TRY(store_scan_anchors(&c.scan, check_anchor, &c, err));
    TRY(tell_idle(&c.scan, err));
    tell_sound(&c);
    fsck->frames = c.scan.frames;
    fsck->bytes = c.scan.bytes;
    fsck->damaged = c.scan.damaged;
    if (fsck->progress && fsck->progress(fsck->ctx, 1)) status = base_fail(err, PCCT_E_CANCELLED, "cancelled");
done:
    close_catalogue(&c);
    base_vector_free(&c.lost, env);
    if (c.scan.folder) store_scan_free(&c.scan);
    store_folder_close(&c.folder);
    return status;
}
