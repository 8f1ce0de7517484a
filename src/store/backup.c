/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup.h"

#include "base/watch.h"
#include "store/ballast.h"
#include "store/base.h"
#include "store/bytes.h"
#include "store/making.h"
#include "store/segment.h"
#include "store/super.h"
#include "store/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

enum { PIECE_BYTES = 1 << 20, BLOCK_BYTES = 4096, ENTRIES_AT_ONCE = 4096 };

/* What one backup carries from file to file. */
struct copying {
    struct store *store;
    const struct base_env *env, *watched;
    const struct store_folder *to;
    struct store_catalogue *catalogue; /* of the copy */
    struct store_txn read, write;
    struct store_state state;          /* of the catalogue that was copied */
    struct base_vector segment;        /* struct store_segment, ascending; of its link nothing is known */
    struct base_vector file;           /* struct file: in data/ */
    enum store_table table;            /* that is being copied */
    uint64_t entries, versions;
    uint64_t bytes, whole;             /* copied, and to be copied */
};

struct file {
    char name[STORE_FILE_NAME_BYTES];
};

/* ---- the catalogue ------------------------------------------------------------------------------------------------------------------------ */

/* Not all at once: LMDB keeps what a transaction changes in memory. The copy has no name yet, so nobody sees half of it. */
static int next_transaction(struct copying *c, struct pcct_error *err)
{
    int status = 0, unsure;

    TRY(store_txn_commit(&c->write, &unsure, err));
    TRY(store_txn_begin(&c->write, c->catalogue, c->to, 1, err));
done:
    return status;
}

static int copy_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct copying *c = ctx;
    struct store_segment *segment = NULL;
    int status = 0;

    if (!value) return store_txn_damaged(err, &c->read, "a checksum is wrong");
    TRY(store_txn_put(&c->write, c->table, key, key_bytes, value, bytes, err));
    if (c->table == STORE_VERSIONS) c->versions++;
    if (c->table == STORE_SEGMENTS && key_bytes == 8 && bytes >= 8) {
        TRY(base_vector_add(&segment, &c->segment, c->env, 1, err));
        *segment = (struct store_segment){.number = store_get_key(key), .bytes = store_get64(value, 0)};
        c->whole += segment->bytes;
    }
    if (++c->entries % ENTRIES_AT_ONCE == 0) TRY(next_transaction(c, err));
done:
    return status;
}

static int copy_catalogue(struct copying *c, struct pcct_error *err)
{
    int status = 0, unsure;

    TRY(store_catalogue_open(&c->catalogue, c->to, STORE_CATALOGUE_NAME, 1, err));
    TRY(store_txn_begin(&c->read, c->store->catalogue, &c->store->folder, 0, err));
    TRY(store_txn_begin(&c->write, c->catalogue, c->to, 1, err));
    TRY(store_state_get(&c->state, &c->read, err));
    for (c->table = STORE_META; c->table < STORE_TABLES; c->table++) TRY(store_txn_each(&c->read, c->table, NULL, 0, copy_entry, c, err));
    TRY(store_txn_commit(&c->write, &unsure, err));
done:
    store_txn_abort(&c->read);
    store_txn_abort(&c->write);
    store_catalogue_close(c->catalogue);
    return status;
}

/* ---- files -------------------------------------------------------------------------------------------------------------------------------- */

struct filling {
    struct copying *copying;
    int fd;
    uint64_t end, bytes; /* what is copied of the file; its size */
    int dense;           /* zeros are written too */
    uint8_t *piece;
};

/* Blocks of zeros become holes, as they mostly were. */
static int write_piece(const struct filling *f, int fd, uint64_t at, size_t n)
{
    struct base_os *os = f->copying->env->os;

    for (size_t from = 0, to; from < n; from = to) {
        const int zero = !f->dense && store_zero(f->piece, from, from + BLOCK_BYTES < n ? from + BLOCK_BYTES : n);

        for (to = from + BLOCK_BYTES; to < n; to += BLOCK_BYTES) {
            if (zero != (!f->dense && store_zero(f->piece, to, to + BLOCK_BYTES < n ? to + BLOCK_BYTES : n))) break;
        }
        if (to > n) to = n;
        if (!zero && base_os_pwrite(os, fd, f->piece + from, to - from, at + from) < 0) return -1;
    }
    return 0;
}

static int fill_file(void *ctx, int fd, struct pcct_error *err)
{
    struct filling *f = ctx;
    struct copying *c = f->copying;
    int status = 0;

    for (uint64_t at = 0; at < f->bytes; at += PIECE_BYTES) {
        const size_t n = f->bytes - at < PIECE_BYTES ? (size_t)(f->bytes - at) : PIECE_BYTES;
        const size_t wanted = at >= f->end ? 0 : f->end - at < n ? (size_t)(f->end - at) : n;
        const ssize_t got = wanted > 0 ? base_os_pread(c->env->os, f->fd, f->piece, wanted, at) : 0;

        if (got < 0) TRY(base_fail_errno(err, errno, "cannot read the files of %s", c->store->folder.path));
        if ((size_t)got != wanted) TRY(base_fail(err, PCCT_E_DAMAGED, "a file of %s is cut off; `pcct fsck` names it", c->store->folder.path));
        memset(f->piece + wanted, 0, n - wanted);
        if (write_piece(f, fd, at, n) != 0) TRY(base_fail_errno(err, errno, "cannot write to %s", c->to->path));
        c->bytes += n;
        base_watch_tell(c->watched, 0.8 * (double)c->bytes / (double)(c->whole + 1));
        TRY(base_watch_check(c->watched, err));
    }
    if (base_os_ftruncate(c->env->os, fd, f->bytes) != 0) TRY(base_fail_errno(err, errno, "cannot write to %s", c->to->path));
done:
    return status;
}

static int copy_file(struct filling *f, int in, const char *where, const char *name, struct pcct_error *err)
{
    struct copying *c = f->copying;
    int status = 0;

    TRY(base_take(&f->piece, c->env, PIECE_BYTES, 1, err));
    TRY(store_file_make(c->to, in, where, name, fill_file, f, err));
done:
    base_free(c->env, f->piece);
    if (f->fd >= 0) base_os_close(c->env->os, f->fd);
    return status;
}

/* Up to the tail; what stands behind it means nothing here. Its segment is written whole, as segments are. */
static int copy_segments(struct copying *c, struct pcct_error *err)
{
    const struct store_segment *segment = c->segment.memory.data;
    const struct store_tail *tail = &c->state.tail;
    int status = 0;

    for (size_t i = 0; i < c->segment.count; i++) {
        struct filling filling = {.copying = c, .fd = -1};
        char name[STORE_FILE_NAME_BYTES];

        TRY(store_segment_open(&filling.fd, &filling.bytes, &c->store->folder, segment[i].number, O_RDONLY, err));
        filling.dense = segment[i].number == tail->segment;
        filling.end = filling.dense && tail->offset < filling.bytes ? tail->offset : filling.bytes;
        store_segment_name(name, segment[i].number);
        TRY(copy_file(&filling, c->to->journal, "journal/", name, err));
    }
done:
    return status;
}

struct listing {
    struct copying *copying;
    struct pcct_error *err;
};

static int add_file(void *ctx, const char *name)
{
    const struct listing *l = ctx;
    struct copying *c = l->copying;
    const size_t length = strlen(name);
    struct file *file = NULL;
    int status = 0;

    if (length >= STORE_FILE_NAME_BYTES || (length > 4 && strcmp(name + length - 4, ".new") == 0)) return 0;
    TRY(base_vector_add(&file, &c->file, c->env, 1, l->err));
    memcpy(file->name, name, length + 1);
done:
    return status;
}

static int copy_data(struct copying *c, struct pcct_error *err)
{
    struct listing listing = {c, err};
    const struct file *file;
    int status = base_os_list(c->env->os, c->store->folder.data, add_file, &listing);

    if (status == -1) return base_fail_errno(err, errno, "cannot list %s/data", c->store->folder.path);
    TRY(status);
    file = c->file.memory.data;
    for (size_t i = 0; i < c->file.count; i++) {
        struct filling filling = {.copying = c, .fd = -1};

        TRY(store_file_open(&filling.fd, &filling.bytes, &c->store->folder, c->store->folder.data, "data/", file[i].name, O_RDONLY, err));
        filling.end = filling.bytes;
        c->whole += filling.bytes;
        TRY(copy_file(&filling, c->to->data, "data/", file[i].name, err));
    }
done:
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------------------------- */

struct verifying {
    struct copying *copying;
    char first[PCCT_MESSAGE_BYTES];
};

static void on_finding(void *ctx, int damaged, const char *text)
{
    struct verifying *v = ctx;

    if (damaged && !v->first[0]) snprintf(v->first, sizeof(v->first), "%s", text);
}

static int on_progress(void *ctx, double done)
{
    const struct verifying *v = ctx;

    base_watch_tell(v->copying->watched, 0.8 + 0.2 * done);
    return base_watch_stopped(v->copying->watched);
}

/* A backup of which nobody knows whether it can be read is none. */
static int verify(struct copying *c, struct pcct_error *err)
{
    struct verifying verifying = {.copying = c};
    struct store_fsck fsck = {.report = on_finding, .progress = on_progress, .ctx = &verifying};
    int status = 0;

    TRY(store_fsck(&fsck, c->to->path, c->env, err));
    if (fsck.damaged > 0) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "the copy is damaged, and so is probably %s; `pcct fsck` tells what is left. The first finding: %s",
                      c->store->folder.path, verifying.first));
    }
done:
    return status;
}

static int fill(void *ctx, const struct store_folder *folder, struct pcct_error *err)
{
    struct copying *c = ctx;
    int status = 0;

    c->to = folder;
    TRY(copy_catalogue(c, err));
    TRY(copy_segments(c, err));
    TRY(copy_data(c, err));
    TRY(store_lock_make(folder, err));
    TRY(store_ballast_make(folder, err));
    TRY(store_super_write(folder, &c->store->super, err));
    TRY(verify(c, err));
done:
    return status;
}

int store_backup(uint64_t *versions, uint64_t *bytes, struct store *store, const char *path, const struct base_env *watched, struct pcct_error *err)
{
    struct copying c = {.store = store, .env = store->folder.env, .watched = watched, .segment.item_bytes = sizeof(struct store_segment),
                        .file.item_bytes = sizeof(struct file)};
    int status = 0, locked = 0;

    TRY(store_check_process(store, err));
    if (!store->folder.immutable) {
        TRY(store_maintenance_lock(store, 1, err));
        locked = 1;
    }
    TRY(store_check_current(store, err)); /* a copy of what others no longer see would pass for the store */
    TRY(store_make(path, store->super.uuid, fill, &c, store->folder.env, err));
    *versions = c.versions;
    *bytes = c.bytes;
done:
    if (locked) store_maintenance_unlock(store);
    base_vector_free(&c.segment, store->folder.env);
    base_vector_free(&c.file, store->folder.env);
    return status;
}

/* ---- one version -------------------------------------------------------------------------------------------------------------------------- */

/* What goes into the new store. */
struct taking {
    struct copying copying; /* for verifying */
    const struct index_image *image;
    const void *head;
    size_t head_bytes;
    struct store_record record;
    struct base_vector note, payload;
    uint64_t version;
};

/* As a pruning leaves it: without its frame, the anchor is all there is of it. */
static int read_record(struct taking *t, struct pcct_error *err)
{
    struct store *store = t->copying.store;
    struct store_txn txn = {0};
    const uint8_t *note = NULL;
    uint8_t *copy = NULL;
    int status = 0;

    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_record_get(&t->record, &note, &txn, t->version, err));
    TRY(base_vector_add(&copy, &t->note, store->folder.env, t->record.note_bytes, err));
    if (t->record.note_bytes > 0) memcpy(copy, note, t->record.note_bytes);
    t->record.version.flags = STORE_DROPPED;
    t->record.version.kept = 0;
    t->record.version.redo_frames = t->record.version.redo_bytes = 0;
done:
    store_txn_abort(&txn);
    return status;
}

static int add_entry(struct taking *t, enum store_table table, const void *key, size_t key_bytes, const void *value, size_t bytes,
                     struct pcct_error *err)
{
    return store_base_add(&t->payload, t->copying.env, &(struct store_base_entry){table, key, value, key_bytes, bytes}, err);
}

/* The catalogue as it is to be, for the journal. */
static int compose(struct taking *t, const struct store_state *after, struct pcct_error *err)
{
    uint8_t key[8], ref[24] = {0}, *value = NULL;
    int status = 0;

    TRY(store_base_begin(&t->payload, t->copying.env, after, err));
    TRY(base_take(&value, t->copying.env, STORE_RECORD_BYTES + t->note.count, 1, err));
    store_record_encode(value, &t->record);
    if (t->note.count > 0) memcpy(value + STORE_RECORD_BYTES, t->note.memory.data, t->note.count);
    store_put_key(key, t->version);
    TRY(add_entry(t, STORE_VERSIONS, key, sizeof(key), value, STORE_RECORD_BYTES + t->note.count, err));
    store_put64(ref, 0, t->version);
    store_put32(ref, 8, STORE_BRANCH);
    store_put64(ref, 16, (uint64_t)t->record.version.time_ns);
    TRY(add_entry(t, STORE_REFS, "main", 4, ref, sizeof(ref), err));
done:
    base_free(t->copying.env, value);
    return status;
}

static int put_version(void *ctx, struct store_txn *txn, struct store_state *after, struct pcct_error *err)
{
    const struct taking *t = ctx;
    const struct store_ref main = {.name = "main", .kind = STORE_BRANCH, .version = t->version, .time_ns = t->record.version.time_ns};
    uint8_t first[8];
    int status = 0;

    store_put_key(first, 1);
    TRY(store_txn_delete(txn, STORE_SEGMENTS, first, sizeof(first), err));
    TRY(store_record_put(txn, &t->record, t->note.memory.data, err));
    TRY(store_ref_put(txn, &main, err));
    after->next_version = t->version + 1;
    after->prunes = 1;
    after->removed = t->version - 1;
done:
    return status;
}

/* One frame that holds the catalogue, then the anchor, and the segment before that frame goes. */
static int take_version(struct taking *t, struct store *made, struct pcct_error *err)
{
    struct store_record record = {.operation = STORE_PRUNING};
    struct store_state state = {.next_version = 0}, after;
    struct store_txn txn = {0};
    uint64_t written = 0;
    int status = 0;

    TRY(store_txn_begin(&txn, made->catalogue, &made->folder, 0, err));
    TRY(store_state_get(&state, &txn, err));
    store_txn_abort(&txn);
    after = state;
    after.next_version = t->version + 1;
    after.next_reflog++;
    after.prunes = 1;
    after.removed = t->version - 1;
    TRY(compose(t, &after, err));
    record.version.version = t->version;
    record.payload_bytes = t->payload.count;
    memcpy(record.ref, "*", 2);
    TRY(store_write(&(struct store_writing){&record, &state, "", t->payload.memory.data, 0, put_version, t}, made, err));
    TRY(store_anchor_write(&written, made, t->version, t->image, t->head, t->head_bytes, 0, err));
    t->copying.bytes = written + record.version.bytes;
    TRY(store_sweep(made, err));
done:
    store_txn_abort(&txn);
    return status;
}

static int fill_version(void *ctx, const struct store_folder *folder, struct pcct_error *err)
{
    struct taking *t = ctx;
    struct store *made = NULL;
    int status = 0, locked = 0;

    t->copying.to = folder;
    TRY(store_fill_empty(folder, &t->copying.store->super, err));
    TRY(store_open(&made, folder->path, t->copying.env, err));
    TRY(store_lock(made, 1, err));
    locked = 1;
    TRY(take_version(t, made, err));
    store_unlock(made);
    locked = 0;
    store_close(made);
    made = NULL;
    TRY(verify(&t->copying, err));
done:
    if (locked) store_unlock(made);
    store_close(made);
    return status;
}

int store_backup_version(uint64_t *bytes, struct store *store, uint64_t version, const struct index_image *image, const void *head,
                         size_t head_bytes, const char *path, const struct base_env *watched, struct pcct_error *err)
{
    struct taking t = {.copying = {.store = store, .env = store->folder.env, .watched = watched}, .image = image, .head = head,
                       .head_bytes = head_bytes, .note.item_bytes = 1, .payload.item_bytes = 1, .version = version};
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(read_record(&t, err));
    TRY(store_make(path, store->super.uuid, fill_version, &t, store->folder.env, err));
    *bytes = t.copying.bytes;
done:
    base_vector_free(&t.note, store->folder.env);
    base_vector_free(&t.payload, store->folder.env);
    return status;
}
