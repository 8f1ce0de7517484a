/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scan.h"

#include "store/anchor.h"
#include "store/base.h"
#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEARCH_BYTES = 1 << 20 };

void store_scan_init(struct store_scan *scan, const struct store_folder *folder)
{
    memset(scan, 0, sizeof(*scan));
    scan->folder = folder;
    scan->found.item_bytes = sizeof(struct store_found);
    scan->event.item_bytes = sizeof(struct store_record);
    scan->base.item_bytes = 1;
    scan->segment.item_bytes = sizeof(struct store_segment);
}

void store_scan_free(struct store_scan *scan)
{
    base_vector_free(&scan->found, scan->folder->env);
    base_vector_free(&scan->base, scan->folder->env);
    base_vector_free(&scan->event, scan->folder->env);
    base_vector_free(&scan->segment, scan->folder->env);
}

void store_scan_report(struct store_scan *scan, int damaged, const char *format, ...)
{
    char text[PCCT_MESSAGE_BYTES];
    va_list arguments;

    if (damaged) scan->damaged++;
    if (!scan->report) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    scan->report(scan->ctx, damaged, text);
}

static int by_version(const void *a, const void *b)
{
    uint64_t x = ((const struct store_found *)a)->record.version.version, y = ((const struct store_found *)b)->record.version.version;

    return x < y ? -1 : x > y;
}

void store_scan_sort(struct store_scan *scan)
{
    if (scan->found.count > 0) qsort(scan->found.memory.data, scan->found.count, sizeof(struct store_found), by_version);
}

struct store_found *store_scan_find(const struct store_scan *scan, uint64_t version)
{
    struct store_found key;

    if (scan->found.count == 0) return NULL;
    key.record.version.version = version;
    return bsearch(&key, scan->found.memory.data, scan->found.count, sizeof(key), by_version);
}

/* ---- journal ------------------------------------------------------------------------------------------------------------------------------ */

/* Where the walk stands. */
struct walk {
    struct store_scan *scan;
    const struct store_tail *end;
    struct base_vector note, payload;
    struct store_tail at;   /* the next frame is looked for there */
    uint64_t last;          /* segment */
    uint64_t last_version;
    uint64_t base_offset;   /* in the first segment that is entered: behind its base; 0: no base */
    int gap;                /* frames are missing before `at`: its link is not known */
    char torn[PCCT_MESSAGE_BYTES]; /* what is wrong with the frame that was added last, which may have been cut off; "" nothing */
    int fd;
    uint64_t bytes;         /* of the open segment, or up to `end` */
};

struct segments {
    uint64_t least, last;
};

static int add_segment(void *ctx, const char *name)
{
    struct segments *s = ctx;
    uint64_t number = 0;
    char expected[STORE_FILE_NAME_BYTES];

    if (sscanf(name, "J%" SCNx64, &number) != 1) return 0;
    store_segment_name(expected, number);
    if (strcmp(name, expected) != 0) return 0;
    if (number < s->least) s->least = number;
    if (number > s->last) s->last = number;
    return 0;
}

/* Versions ascend in the journal; what happens to branches stands behind the newest version of its time. */
static int in_order(const struct walk *w, const struct store_record *record)
{
    return record->version.version > w->last_version || (record->operation != STORE_COMMITTED && record->version.version == w->last_version);
}

/* Whether a frame behind tells that what stands at `at` was flushed. Not so one that was to be flushed together with it: nobody was told of it. */
static int tells_flush(const struct walk *w, const struct store_record *record, uint64_t offset)
{
    return w->end || record->since == 0 || record->since < offset - w->at.offset;
}

/* Looks behind at.offset for sound heads of later frames. *first: where the first of them is; 0: there is none up to the end. *flushed: one of them
 * tells that all before it had been flushed. */
static int search(uint64_t *first, int *flushed, struct walk *w, struct pcct_error *err)
{
    const struct store_folder *folder = w->scan->folder;
    struct store_record record;
    uint8_t *piece = NULL;
    int status = 0;

    *first = 0;
    *flushed = 0;
    TRY(base_take(&piece, folder->env, SEARCH_BYTES, 1, err));
    for (uint64_t from = w->at.offset + STORE_FRAME_ALIGNMENT; from + STORE_HEAD_BYTES <= w->bytes; from += SEARCH_BYTES - STORE_HEAD_BYTES) {
        ssize_t got = base_os_pread(folder->env->os, w->fd, piece, w->bytes - from < SEARCH_BYTES ? w->bytes - from : SEARCH_BYTES, from);

        if (got < 0 && w->scan->strict) {
            status = base_fail_errno(err, errno, "cannot read the journal of %s", folder->path);
            goto done;
        }
        for (ssize_t i = 0; i + STORE_HEAD_BYTES <= got; i += STORE_FRAME_ALIGNMENT) {
            if (piece[i] != 'P' || store_head_decode(&record, piece + i) || !in_order(w, &record)) continue;
            if (*first == 0) *first = from + (uint64_t)i;
            *flushed = tells_flush(w, &record, from + (uint64_t)i);
            if (*flushed) goto done;
        }
    }
done:
    base_free(folder->env, piece);
    return status;
}

static int add_frame(struct walk *w, const struct store_record *record, int whole, struct pcct_error *err)
{
    const struct base_env *env = w->scan->folder->env;
    struct store_found *found = NULL;
    struct store_record *event = NULL;
    int status;

    if (w->torn[0]) store_scan_report(w->scan, 1, "%s", w->torn); /* it was not the last */
    w->torn[0] = '\0';
    if (record->operation == STORE_COMMITTED) status = base_vector_add(&found, &w->scan->found, env, 1, err);
    else status = base_vector_add(&event, &w->scan->event, env, 1, err);
    if (status != 0) return status;
    if (found) *found = (struct store_found){.record = *record, .frame_sound = (uint8_t)whole};
    else *event = *record;
    w->scan->frames++;
    w->scan->bytes += record->version.bytes;
    w->scan->torn = !whole;
    w->last_version = record->version.version;
    w->at.link = record->hash;
    w->gap = 0;
    return 0;
}

/* Whether the place that the walk stands at was behind the end of the journal when the mark was made, and the machine went down since. */
static int is_since(const struct walk *w)
{
    const struct store_unsynced *mark = w->scan->unsynced;

    if (!mark || !mark->stale) return 0;
    return w->at.segment > mark->segment || (w->at.segment == mark->segment && w->at.offset >= mark->offset);
}

/* Whether the frame that is looked for may be missing although another stands behind it: nobody had it flushed. A segment with another behind it was
 * flushed before that was made. */
static int not_flushed(const struct walk *w)
{
    return is_since(w) && w->scan->unsynced->none && w->at.segment == w->last;
}

/* A frame that has its place. wrong: what is, or NULL. */
static int take_frame(struct walk *w, const struct store_record *record, const char *wrong, struct pcct_error *err)
{
    const int since = is_since(w);
    int status = 0;

    TRY(add_frame(w, record, !wrong, err));
    if (!wrong) goto done;
    if (since) snprintf(w->torn, sizeof(w->torn), "v%" PRIu64 ": %.400s", record->version.version, wrong);
    else store_scan_report(w->scan, 1, "v%" PRIu64 ": %s", record->version.version, wrong);
done:
    return status;
}

/* The last frame, of a commit or a pruning that was cut off when the machine went down. */
static void leave_out(struct store_scan *scan)
{
    const struct store_found *found = scan->found.memory.data;
    const struct store_record *event = scan->event.memory.data, *last = NULL;

    if (scan->found.count > 0) last = &found[scan->found.count - 1].record;
    if (last && last->hash == scan->tail.link) scan->found.count--;
    else last = &event[--scan->event.count];
    scan->left_out = last->version.version;
    scan->tail = scan->before;
    scan->torn = 0;
    scan->frames--;
    scan->bytes -= last->version.bytes;
}

/* One frame. *more 0: the segment has no further one. */
static int step(int *more, struct walk *w, struct pcct_error *err)
{
    struct pcct_error cause = {0, ""};
    struct store_record record;
    uint64_t first = 0;
    int status, read, sound = 0, flushed = 0;

    *more = 0;
    read = store_journal_read_at(&record, &sound, w->scan->fast ? NULL : &w->note, w->scan->fast ? NULL : &w->payload,
                                 w->scan->folder, w->fd, w->bytes, w->at.segment, w->at.offset, &cause);
    if (read == PCCT_E_MEMORY || read == PCCT_E_PERMISSION || (read == PCCT_E_IO && w->scan->strict)) {
        return base_fail(err, read, "%s", cause.message);
    }
    if (read != 0 && read != PCCT_E_IO && not_flushed(w)) return 0;
    sound = sound && in_order(w, &record) && (w->gap || record.link == w->at.link);
    if (!sound || read != 0) { /* the frame is not there, or not whole */
        if (read == 0 && not_flushed(w)) return 0; /* it stood behind another */
        status = search(&first, &flushed, w, err);
        if (status != 0 || (first == 0 && !sound)) return status;
        if (first > 0 && !flushed) {
            store_scan_report(w->scan, 0, "%s/journal/J%08" PRIx64 ": frames from byte %" PRIu64 " on were not flushed, and are not all there: "
                              "commits that did not come to their end", w->scan->folder->path, w->at.segment, w->at.offset);
            return 0;
        }
    }
    if (sound) {
        status = take_frame(w, &record, read == 0 ? NULL : cause.message, err);
        *more = status == 0 && record.version.bytes <= w->bytes - w->at.offset;
        w->at.offset = *more ? w->at.offset + record.version.bytes : w->bytes;
        return status;
    }
    w->at.offset = first;
    if (!w->end)
        store_scan_report(w->scan, 1, "%s; frames before byte %" PRIu64 " are lost",
                          cause.message[0] ? cause.message : "a frame does not follow the one before it", w->at.offset);
    w->gap = 1;
    *more = 1;
    return 0;
}

/* Opens the next segment; *usable 0: it is not one that the chain goes on in. */
static int enter(int *usable, struct walk *w, struct pcct_error *err)
{
    const struct store_folder *folder = w->scan->folder;
    struct pcct_error cause = {0, ""};
    struct store_segment segment, *kept = NULL;
    int status;

    *usable = 0;
    status = store_segment_open(&w->fd, &w->bytes, folder, w->at.segment, O_RDONLY, &cause);
    if (status == PCCT_E_PERMISSION || (status == PCCT_E_IO && w->scan->strict)) return base_fail(err, status, "%s", cause.message);
    if (status != 0) {
        store_scan_report(w->scan, 1, "%s", cause.message);
        w->gap = 1;
        return 0;
    }
    status = store_segment_read(&segment, w->fd, w->bytes, folder, w->at.segment, &cause);
    if (status == 0) {
        if (w->base_offset == 0 && !w->gap && segment.link != w->at.link) {
            if (!w->end) { /* made for a commit that did not happen */
                store_scan_report(w->scan, 0, "%s/journal/J%08" PRIx64 " is not in use", folder->path, w->at.segment);
                return 0;
            }
            w->gap = 1;
        }
        status = base_vector_add(&kept, &w->scan->segment, folder->env, 1, err);
        if (status != 0) return status;
        *kept = segment;
    } else if (status == PCCT_E_IO && w->scan->strict) {
        return base_fail(err, status, "%s", cause.message);
    } else {
        store_scan_report(w->scan, 1, "%s", cause.message);
        w->gap = 1;
    }
    if (w->end && w->at.segment == w->end->segment && w->end->offset < w->bytes) w->bytes = w->end->offset;
    *usable = 1;
    return 0;
}

/* A commit whose caller was not answered. */
static void look_behind(struct walk *w)
{
    struct store_record record;
    struct pcct_error cause;

    if (store_journal_read(&record, &w->note, &w->payload, w->scan->folder, w->end->segment, w->end->offset, &cause) != 0 ||
        record.link != w->end->link)
        return;
    store_scan_report(w->scan, 0, "a whole frame, %sv%" PRIu64 ", stands behind the end of the journal: a commit that did not come to its end",
                      record.operation == STORE_COMMITTED ? "" : "later than ", record.version.version);
}

/* Where the walk begins: behind the last base, or at the first segment that there is. */
static int begin(struct walk *w, const struct segments *there, struct pcct_error *err)
{
    struct store_scan *scan = w->scan;
    int status = store_base_read(scan, there->least, w->end ? w->end->segment : there->last, err);

    if (status != 0) return status;
    w->at = scan->tail;
    if (scan->base.count > 0) {
        w->base_offset = scan->tail.offset;
        w->last_version = scan->base_next - 1;
    } else if (there->least > 1) { /* what was before is gone, and so is what told about it */
        store_scan_report(scan, 1, "%s/journal: segments before J%08" PRIx64 " are missing, or the base that stood in their place",
                          scan->folder->path, there->least);
        w->at.segment = there->least;
        w->gap = 1;
    }
    return 0;
}

int store_scan_journal(struct store_scan *scan, const struct store_tail *end, struct pcct_error *err)
{
    struct walk w = {.scan = scan, .end = end, .note = {.item_bytes = 1}, .payload = {.item_bytes = 1}, .fd = -1};
    struct segments there = {UINT64_MAX, 1};
    int status = 0, usable = 0, more;

    scan->tail = (struct store_tail){1, STORE_SEGMENT_HEAD_BYTES, store_segment_first_link(scan->folder->uuid)};
    if (base_os_list(scan->folder->env->os, scan->folder->journal, add_segment, &there) != 0)
        return base_fail_errno(err, errno, "cannot list %s/journal", scan->folder->path);
    if (there.least == UINT64_MAX) there.least = 1;
    TRY(begin(&w, &there, err));
    if (end) there.last = end->segment;
    w.last = there.last;
    for (uint64_t number = w.at.segment; number <= there.last; number++) {
        w.at = (struct store_tail){number, w.base_offset ? w.base_offset : STORE_SEGMENT_HEAD_BYTES, w.at.link};
        TRY(enter(&usable, &w, err));
        w.base_offset = 0;
        for (more = usable; more && w.at.offset < w.bytes;) {
            uint64_t frames = scan->frames;
            double done;

            TRY(step(&more, &w, err));
            if (scan->frames > frames) {
                scan->before = scan->tail;
                scan->tail = w.at;
            }
            done = ((double)number - 1 + (double)w.at.offset / (double)w.bytes) / (double)there.last;
            if (scan->progress && scan->progress(scan->ctx, 0.8 * done)) {
                status = base_fail(err, PCCT_E_CANCELLED, "cancelled");
                goto done;
            }
        }
        if (w.fd >= 0) base_os_close(scan->folder->env->os, w.fd);
        w.fd = -1;
        if (!usable && !w.gap) break;
    }
    if (w.torn[0]) leave_out(scan);
    if (end) look_behind(&w);
done:
    if (w.fd >= 0) base_os_close(scan->folder->env->os, w.fd);
    base_vector_free(&w.note, scan->folder->env);
    base_vector_free(&w.payload, scan->folder->env);
    return status;
}

/* ---- anchors ------------------------------------------------------------------------------------------------------------------------------ */

struct anchor_files {
    int fd;
    struct store_pieces pieces;
    struct store_anchor anchor;
    struct base_vector table;
};

/* *stopped: the error is not about the anchor. */
static int verify_anchor(int *stopped, const struct store_scan *scan, const struct anchor_files *f, struct pcct_error *err)
{
    enum { UNITS_AT_ONCE = 16 };
    const uint64_t most = scan->pause ? UNITS_AT_ONCE : UINT64_MAX;
    int status = 0;

    for (uint64_t at = 0, n; at < f->anchor.table_units; at += n) {
        n = f->anchor.table_units - at < most ? f->anchor.table_units - at : most;
        TRY(store_anchor_verify(scan->folder, f->fd, &f->pieces, &f->anchor, &f->table, at, n, err));
        status = scan->pause ? scan->pause(scan->pause_ctx, n * STORE_UNIT_BYTES, err) : 0;
        *stopped = status != 0;
        TRY(status);
    }
done:
    return status;
}

int store_scan_anchor(int *sound, struct store_scan *scan, struct store_found *found, struct pcct_error *err)
{
    const struct store_folder *folder = scan->folder;
    uint64_t version = found->record.version.version, file_bytes = 0;
    struct base_vector head = {.item_bytes = 1};
    struct anchor_files f = {.fd = -1, .table.item_bytes = sizeof(uint64_t)};
    struct pcct_error cause = {0, ""};
    char name[STORE_FILE_NAME_BYTES];
    int status, stopped = 0;

    *sound = 0;
    found->piece_bytes = 0;
    store_anchor_name(name, version);
    status = store_file_open(&f.fd, &file_bytes, folder, folder->data, "data/", name, O_RDONLY, &cause);
    if (status == 0) status = store_anchor_read(&f.anchor, &head, &f.table, folder, f.fd, file_bytes, version, &cause);
    if (status == 0 && memcmp(&f.anchor.identity, &found->record.version.identity, sizeof(f.anchor.identity)) != 0) {
        status = base_fail(&cause, PCCT_E_DAMAGED, "%s/data/%s is of another v%" PRIu64, folder->path, name, version);
    }
    if (status == 0) status = store_pieces_open(&f.pieces, folder, &f.anchor, &cause);
    if (status == 0 && !scan->fast) status = verify_anchor(&stopped, scan, &f, &cause);
    if (stopped || status == PCCT_E_MEMORY || status == PCCT_E_PERMISSION) base_fail(err, status, "%s", cause.message);
    else if (status != 0) {
        store_scan_report(scan, 1, "%s", cause.message);
        status = 0;
    } else {
        *sound = 1;
        scan->bytes += file_bytes;
        for (uint32_t i = 0; i < f.anchor.runs; i++) scan->bytes += f.anchor.run[i].bytes;
        for (uint32_t i = 0; i < f.pieces.n; i++)
            found->piece_bytes += f.pieces.piece[i].version == version ? f.pieces.piece[i].row_bytes : 0;
    }
    store_pieces_close(&f.pieces);
    base_vector_free(&head, folder->env);
    base_vector_free(&f.table, folder->env);
    if (f.fd >= 0) base_os_close(folder->env->os, f.fd);
    return status;
}

struct naming {
    int (*each)(void *ctx, uint64_t version, struct pcct_error *err);
    void *ctx;
    struct pcct_error *err;
    int status;
};

static int one_name(void *ctx, const char *name)
{
    struct naming *naming = ctx;
    char expected[STORE_FILE_NAME_BYTES];
    uint64_t version = 0;

    if (sscanf(name, "A%" SCNx64, &version) != 1) return 0;
    store_anchor_name(expected, version);
    if (strcmp(name, expected) != 0) return 0;
    naming->status = naming->each(naming->ctx, version, naming->err);
    return naming->status != 0;
}

int store_scan_anchors(struct store_scan *scan, int (*each)(void *ctx, uint64_t version, struct pcct_error *err), void *ctx, struct pcct_error *err)
{
    struct naming naming = {each, ctx, err, 0};

    if (base_os_list(scan->folder->env->os, scan->folder->data, one_name, &naming) == 0) return 0;
    if (naming.status != 0) return naming.status;
    return base_fail_errno(err, errno, "cannot list %s/data", scan->folder->path);
}
