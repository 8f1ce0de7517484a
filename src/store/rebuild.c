/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"
#include "store/anchor.h"
#include "store/ballast.h"
#include "store/base.h"
#include "store/policy.h"
#include "store/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEPT_NAME STORE_CATALOGUE_NAME ".damaged"

enum { VERSIONS_AT_ONCE = 4096, KEPT_MOST = 99 };

struct rebuilding {
    struct store_scan *scan;
    struct store_catalogue *catalogue;
    struct store_txn txn;
    uint64_t reflog, frame_bytes, versions;
};

static int commit(struct rebuilding *r, struct pcct_error *err)
{
    int unsure;

    return store_txn_commit(&r->txn, &unsure, err);
}

static int find_anchor(void *ctx, uint64_t version, struct pcct_error *err)
{
    struct rebuilding *r = ctx;
    struct store_found *found = store_scan_find(r->scan, version);
    int status, sound = 0;

    if (!found) return 0;
    status = store_scan_anchor(&sound, r->scan, found, err);
    found->anchor_sound = (uint8_t)sound;
    return status;
}

/* Redo distances are counted anew, from the anchors that are there now. */
static void count_redo(const struct rebuilding *r, struct store_found *found)
{
    const struct store_found *base = store_scan_find(r->scan, found->record.version.state_parent);
    struct store_version *v = &found->record.version;

    v->redo_frames = v->redo_bytes = 0;
    if (found->anchor_sound) return;
    v->redo_frames = 1 + (base ? base->record.version.redo_frames : 0);
    v->redo_bytes = v->bytes + (base ? base->record.version.redo_bytes : 0);
}

/* A version moved its branch, if it was committed to one. */
static int put_move(struct rebuilding *r, const struct store_record *record, struct pcct_error *err)
{
    struct store_ref ref = {.kind = STORE_BRANCH, .version = record->version.version, .time_ns = record->version.time_ns};
    int status = 0;

    memcpy(ref.name, record->ref, sizeof(ref.name));
    TRY(store_reflog_put(&r->txn, ++r->reflog, record, err));
    if (record->ref[0]) TRY(store_ref_put(&r->txn, &ref, err));
done:
    return status;
}

/* Branches, tags and the reflog as the last base has them. */
static int put_base(struct rebuilding *r, struct pcct_error *err)
{
    struct store_base_entry entry;
    size_t at = 0;
    int status = 0, more = 0;

    if (r->scan->base.count == 0) goto done;
    while ((more = store_base_next(&entry, &at, &r->scan->base, err)) == 1) {
        if (entry.table != STORE_REFS && entry.table != STORE_REFLOG &&
            (entry.table != STORE_META || !store_policy_is(entry.key, entry.key_bytes))) {
            continue;
        }
        TRY(store_txn_put(&r->txn, entry.table, entry.key, entry.key_bytes, entry.value, entry.bytes, err));
    }
    TRY(more);
    r->reflog = r->scan->base_reflog - 1; /* the entry of the base itself */
    TRY(store_reflog_put(&r->txn, r->reflog, &r->scan->base_record, err));
done:
    return status;
}

static int put_version(struct rebuilding *r, struct store_found *found, struct base_vector *note, struct pcct_error *err)
{
    const struct store_folder *folder = r->scan->folder;
    struct store_version *v = &found->record.version;
    const uint8_t *text = NULL;
    struct store_record record;
    struct stat about;
    char name[STORE_FILE_NAME_BYTES];
    int status = 0;

    count_redo(r, found);
    if (found->note > 0) text = (const uint8_t *)r->scan->base.memory.data + found->note;
    else {
        status = store_journal_read(&record, note, NULL, folder, v->segment, v->offset, err);
        if (status == PCCT_E_MEMORY || (status == PCCT_E_IO && r->scan->strict)) goto done;
        if (status != 0) found->record.note_bytes = 0; /* the scan has reported it */
        text = note->memory.data;
    }
    TRY(store_record_put(&r->txn, &found->record, text, err));
    if (found->note == 0) TRY(put_move(r, &found->record, err));
    if (found->anchor_sound) {
        store_anchor_name(name, v->version);
        if (base_os_fstatat(folder->env->os, folder->data, name, &about) == 0) {
            TRY(store_anchor_list(&r->txn, v->version, (uint64_t)about.st_size, (uint64_t)about.st_blocks * 512 + found->piece_bytes, err));
        }
    }
    if (!(v->flags & STORE_DROPPED)) r->frame_bytes += v->bytes;
    r->versions++;
done:
    return status;
}

/* What happened to branches and tags up to the making of the version after `version`; *next: the first that is not done yet. */
static int redo_events(size_t *next, struct rebuilding *r, uint64_t version, struct pcct_error *err)
{
    const struct store_record *event = r->scan->event.memory.data;
    int status = 0;

    for (; *next < r->scan->event.count && event[*next].version.version <= version; ++*next) {
        TRY(store_reflog_put(&r->txn, ++r->reflog, &event[*next], err));
        if (event[*next].operation == STORE_POLICY_SET) {
            TRY(store_policy_redo(&r->txn, &event[*next], err));
            continue;
        }
        /* one that was put where a version was lost stays where it was */
        if (event[*next].version.state_parent != 0 && !store_scan_find(r->scan, event[*next].version.state_parent)) continue;
        TRY(store_ref_redo(&r->txn, &event[*next], err));
    }
done:
    return status;
}

static void tell_torn(struct store_scan *scan, uint64_t version)
{
    store_scan_report(scan, 0, "v%" PRIu64 ", the last frame of the journal, is not whole and was left out", version);
}

/* A last frame that is not whole is taken for a commit that was cut off: it cannot be told from damage, and could not be read anyway. */
static void drop_torn(struct store_scan *scan)
{
    const struct store_found *last = NULL;

    if (!scan->torn) return;
    if (scan->found.count > 0) last = (const struct store_found *)scan->found.memory.data + scan->found.count - 1;
    if (!last || last->record.hash != scan->tail.link) { /* a base, which begins a segment; the next commit makes that anew */
        store_scan_report(scan, 0, "the last frame of the journal, of a pruning, is not whole and was left out");
        scan->tail = scan->before;
        scan->event.count--;
        return;
    }
    if (last->anchor_sound) return;
    tell_torn(scan, last->record.version.version);
    scan->tail = (struct store_tail){last->record.version.segment, last->record.version.offset, last->record.link};
    scan->found.count--;
}

/* Without the old catalogue nobody knows whether the last commit came to its end. */
static void warn_of_last(struct store_scan *scan)
{
    const struct store_found *found = scan->found.memory.data;

    if (scan->found.count == 0) return;
    store_scan_report(scan, 0, "v%" PRIu64 " was written whole, but its commit may not have been acknowledged; it is kept",
                      found[scan->found.count - 1].record.version.version);
}

static int put_all(struct rebuilding *r, struct pcct_error *err)
{
    struct store_found *found = r->scan->found.memory.data;
    const struct store_segment *segment = r->scan->segment.memory.data;
    struct base_vector note = {.item_bytes = 1};
    struct store_state state;
    const struct store_ref main = {.name = "main", .kind = STORE_BRANCH, .time_ns = base_os_time_ns(r->scan->folder->env->os)};
    size_t n = r->scan->found.count, event = 0;
    int status = 0;

    TRY(store_txn_begin(&r->txn, r->catalogue, r->scan->folder, 1, err));
    TRY(store_ref_put(&r->txn, &main, err));
    TRY(put_base(r, err));
    TRY(redo_events(&event, r, n > 0 ? found[0].record.version.version - 1 : UINT64_MAX, err));
    for (size_t i = 0; i < r->scan->segment.count; i++) TRY(store_segment_put(&r->txn, &segment[i], err));
    for (size_t i = 0; i < n; i++) {
        TRY(put_version(r, &found[i], &note, err));
        TRY(redo_events(&event, r, i + 1 < n ? found[i + 1].record.version.version - 1 : UINT64_MAX, err));
        if ((i + 1) % VERSIONS_AT_ONCE != 0) continue;
        TRY(commit(r, err));
        TRY(store_txn_begin(&r->txn, r->catalogue, r->scan->folder, 1, err));
    }
    state = (struct store_state){n > 0 ? found[n - 1].record.version.version + 1 : 1, r->reflog + 1, r->frame_bytes, r->scan->tail,
                                 r->scan->base_prunes, r->scan->base_removed};
    if (state.next_version < r->scan->base_next) state.next_version = r->scan->base_next;
    TRY(store_state_put(&r->txn, &state, err));
    TRY(commit(r, err));
done:
    store_txn_abort(&r->txn);
    base_vector_free(&note, r->scan->folder->env);
    return status;
}

/* Renames the old catalogue, which stands at `old`, to the first name that is free; kept is "" when there is none to keep. */
static int keep_old(char kept[STORE_FILE_NAME_BYTES], const struct store_folder *folder, const char *old)
{
    int result = -1;

    snprintf(kept, STORE_FILE_NAME_BYTES, KEPT_NAME);
    for (int i = 2; i <= KEPT_MOST + 1; i++) {
        result = base_os_rename(folder->env->os, folder->top, old, kept);
        if (result == 0 || errno != EEXIST) break;
        snprintf(kept, STORE_FILE_NAME_BYTES, KEPT_NAME ".%d", i);
    }
    if (result == 0) return 0;
    kept[0] = '\0';
    return errno == ENOENT ? 0 : -1;
}

/* New and old change places in one step, so that a crash never leaves the store without a catalogue; then the old one gets its name. On a file system
 * that cannot do so, or when there is no old one, they are renamed one after the other: after a crash in between, rebuilding is to be repeated. */
static int change_places(char kept[STORE_FILE_NAME_BYTES], const struct store_folder *folder)
{
    struct base_os *os = folder->env->os;
    int error_number, exchanged = base_os_exchange(os, folder->top, STORE_FRESH_CATALOGUE, STORE_CATALOGUE_NAME) == 0;

    if (!exchanged && errno != ENOENT && errno != EINVAL && errno != ENOSYS) return -1;
    if (keep_old(kept, folder, exchanged ? STORE_FRESH_CATALOGUE : STORE_CATALOGUE_NAME) == 0) {
        if (exchanged || base_os_rename(os, folder->top, STORE_FRESH_CATALOGUE, STORE_CATALOGUE_NAME) == 0) return 0;
    }
    error_number = errno;
    if (exchanged) (void)base_os_exchange(os, folder->top, STORE_FRESH_CATALOGUE, STORE_CATALOGUE_NAME);
    else if (kept[0]) (void)base_os_rename(os, folder->top, kept, STORE_CATALOGUE_NAME);
    errno = error_number;
    return -1;
}

/* LMDB's lock file belongs to the old file; processes that have it open keep both, and store_lock tells them. */
int store_catalogue_replace(char kept[STORE_FILE_NAME_BYTES], const struct store_folder *folder, int keep_old, struct pcct_error *err)
{
    struct base_os *os = folder->env->os;
    int result;

    kept[0] = '\0';
    if (base_os_unlink(os, folder->top, STORE_FRESH_CATALOGUE "-lock") != 0 && errno != ENOENT) goto failed;
    if (base_os_unlink(os, folder->top, STORE_CATALOGUE_NAME "-lock") != 0 && errno != ENOENT) goto failed;
    result = keep_old ? change_places(kept, folder) : base_os_rename_over(os, folder->top, STORE_FRESH_CATALOGUE, STORE_CATALOGUE_NAME);
    if (result != 0) goto failed;
    if (base_os_fsync(os, folder->top) == 0) return 0;
failed:
    return base_fail_errno(err, errno, "cannot put the new catalogue of %s in its place", folder->path);
}

/* Writes it under its other name. */
static int make_fresh(struct rebuilding *r, struct pcct_error *err)
{
    int status = 0;

    store_catalogue_remove(r->scan->folder, STORE_FRESH_CATALOGUE); /* of an attempt that was interrupted */
    r->reflog = r->frame_bytes = r->versions = 0;
    TRY(store_catalogue_open(&r->catalogue, r->scan->folder, STORE_FRESH_CATALOGUE, 1, err));
    TRY(put_all(r, err));
done:
    store_catalogue_close(r->catalogue);
    r->catalogue = NULL;
    return status;
}

int store_rebuild(struct store_scan *scan, const struct store_rebuilding *how, struct pcct_error *err)
{
    struct rebuilding r = {scan, NULL, {0}, 0, 0, 0};
    char kept[STORE_FILE_NAME_BYTES];
    int status = 0;

    TRY(store_scan_anchors(scan, find_anchor, &r, err));
    drop_torn(scan);
    if (scan->left_out > 0) tell_torn(scan, scan->left_out);
    if (scan->found.count < how->old_versions) {
        return base_fail(err, PCCT_E_DAMAGED,
                         "the journal of %s has %zu of the %" PRIu64 " versions in " STORE_CATALOGUE_NAME ", which can be read and is left as it is; "
                         "to have a catalogue of what the journal has all the same, move " STORE_CATALOGUE_NAME " elsewhere and try again",
                         scan->folder->path, scan->found.count, how->old_versions);
    }
    if (!how->old_readable) warn_of_last(scan);
    status = make_fresh(&r, err);
    if (status == PCCT_E_NOSPACE) {
        store_catalogue_remove(scan->folder, STORE_FRESH_CATALOGUE);
        if (store_ballast_release(scan->folder)) status = make_fresh(&r, err);
    }
    TRY(status);
    TRY(store_catalogue_replace(kept, scan->folder, how->keep_old, err));
    store_scan_report(scan, 0, "the catalogue was made anew with %" PRIu64 " versions%s%s", r.versions,
                      kept[0] ? "; the old one is kept as " : "", kept);
done:
    if (status != 0) store_catalogue_remove(scan->folder, STORE_FRESH_CATALOGUE); /* also what the opening left */
    return status;
}
