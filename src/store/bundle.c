/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bundle.h"

#include "base/watch.h"
#include "store/bytes.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    HEAD_MAGIC = 0, HEAD_FORMAT = 8, HEAD_BYTES = 12, HEAD_UUID = 16, HEAD_DIM = 32, HEAD_METRIC = 36, HEAD_DTYPE = 40, HEAD_ORDER = 44,
    HEAD_SEED = 48, HEAD_TIME = 56, HEAD_INCOMPATIBLE = 64, HEAD_ZERO = 72, HEAD_CUSTOM = 80, HEAD_BASE = 112, HEAD_VERSIONS = 128, HEAD_REFS = 136,
    HEAD_FILE_BYTES = 144, HEAD_BODY = 152, HEAD_REST = 160, HEAD_HASH = 248
};
enum { ENTRY_MAGIC = 0, ENTRY_PARENT = 8, ENTRY_STATE_PARENT = 24, ENTRY_REST = 40, ENTRY_HASH = 56 };
enum { REF_MAGIC = 0, REF_KIND = 8, REF_ZERO = 12, REF_IDENTITY = 16, REF_NAME = 32, REF_REST = 96, REF_HASH = 120 };
_Static_assert(HEAD_HASH + 8 == STORE_BUNDLE_HEAD_BYTES && ENTRY_HASH + 8 == STORE_BUNDLE_ENTRY_BYTES && REF_HASH + 8 == STORE_BUNDLE_REF_BYTES,
               "each structure ends in its hash");
_Static_assert(HEAD_CUSTOM + PCCT_METRIC_NAME_BYTES == HEAD_BASE && REF_NAME + STORE_NAME_BYTES == REF_REST, "names have their places");

enum { BYTE_ORDER_MARK = 0x01020304, PIECE_BYTES = 1 << 20 };

static const char head_magic[8] = {'P', 'C', 'C', 'T', 'B', 'N', 'D', '1'};
static const char entry_magic[8] = {'P', 'C', 'C', 'T', 'B', 'V', 'R', '1'};
static const char ref_magic[8] = {'P', 'C', 'C', 'T', 'B', 'R', 'F', '1'};

/* ---- writing ------------------------------------------------------------------------------------------------------------------------------ */

struct writing {
    const struct base_env *env, *watched;
    struct store *store;
    const char *path;
    char *fresh, *above; /* owned: the name while it is written; the folder */
    int fd, made;
    uint64_t at, whole;  /* bytes written; about how many there will be */
    struct base_hasher *hasher;
    struct base_vector note, payload;
};

static int name_parts(struct writing *w, struct pcct_error *err)
{
    const char *slash = strrchr(w->path, '/');
    size_t length = strlen(w->path), folder = slash ? (size_t)(slash - w->path) + 1 : 0;
    uint8_t random[4];
    int status = 0;

    if (length == folder) return base_fail(err, PCCT_E_INVALID, "\"%.200s\" cannot be the path of a file", w->path);
    if (base_os_random(w->env->os, random, sizeof(random)) != 0) return base_fail_errno(err, errno, "cannot get random bytes for %s", w->path);
    TRY(base_take(&w->fresh, w->env, length + 16, 1, err));
    TRY(base_take(&w->above, w->env, folder + 2, 1, err));
    snprintf(w->fresh, length + 16, "%s.new-%02x%02x%02x%02x", w->path, random[0], random[1], random[2], random[3]);
    memcpy(w->above, w->path, folder);
    memcpy(w->above + folder, ".", 2);
done:
    return status;
}

/* A rename would put a file in the place of a device, a pipe or a link that others rely on. */
static int check_place(const struct writing *w, struct pcct_error *err)
{
    struct stat about;

    if (base_os_fstatat(w->env->os, AT_FDCWD, w->path, &about) != 0)
        return errno == ENOENT ? 0 : base_fail_errno(err, errno, "cannot look at %s", w->path);
    if (S_ISREG(about.st_mode)) return 0;
    return base_fail(err, PCCT_E_INVALID, "%s is there and is not a file; a bundle takes the place of a file only", w->path);
}

static int put(struct writing *w, const void *data, size_t bytes, struct pcct_error *err)
{
    if (bytes == 0) return 0;
    if (base_os_pwrite(w->env->os, w->fd, data, bytes, w->at) < 0) return base_fail_errno(err, errno, "cannot write %s", w->path);
    base_hasher_feed(w->hasher, data, bytes);
    w->at += bytes;
    return 0;
}

static int pad(struct writing *w, struct pcct_error *err)
{
    static const uint8_t zeros[STORE_FRAME_ALIGNMENT];

    return put(w, zeros, store_round_up(w->at, STORE_FRAME_ALIGNMENT) - w->at, err);
}

static int identity_of(struct base_hash128 *identity, struct store *store, uint64_t version, struct pcct_error *err)
{
    struct store_version about = {0};
    int status = 0;

    if (version != 0) TRY(store_version(&about, NULL, store, version, err));
    *identity = about.identity;
done:
    return status;
}

/* The frame's head is what stands in the journal, byte by byte: it is made from what was read of it, and has the same hash. */
static int put_version(struct writing *w, const struct store_version *version, struct pcct_error *err)
{
    uint8_t entry[STORE_BUNDLE_ENTRY_BYTES] = {0}, head[STORE_HEAD_BYTES];
    struct base_hash128 parent, state_parent;
    struct store_record record;
    int status = 0;

    TRY(identity_of(&parent, w->store, version->parent, err));
    TRY(identity_of(&state_parent, w->store, version->state_parent, err));
    TRY(store_journal_read(&record, &w->note, &w->payload, &w->store->folder, version->segment, version->offset, err));
    if (record.operation != STORE_COMMITTED || memcmp(&record.version.identity, &version->identity, sizeof(version->identity)) != 0) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "%s/journal/J%08" PRIx64 " is damaged: the frame at byte %" PRIu64 " is not that of v%" PRIu64,
                      w->store->folder.path, version->segment, version->offset, version->version));
    }
    store_put_bytes(entry, ENTRY_MAGIC, entry_magic, sizeof(entry_magic));
    store_put_bytes(entry, ENTRY_PARENT, parent.byte, 16);
    store_put_bytes(entry, ENTRY_STATE_PARENT, state_parent.byte, 16);
    store_put64(entry, ENTRY_HASH, base_hash64(entry, ENTRY_HASH));
    store_head_encode(head, &record);
    TRY(put(w, entry, sizeof(entry), err));
    TRY(put(w, head, sizeof(head), err));
    TRY(put(w, w->note.memory.data, record.note_bytes, err));
    TRY(pad(w, err));
    TRY(put(w, w->payload.memory.data, record.payload_bytes, err));
    TRY(pad(w, err));
    base_watch_tell(w->watched, (double)w->at / (double)w->whole);
    TRY(base_watch_check(w->watched, err));
done:
    return status;
}

static int put_ref(struct writing *w, const struct store_ref *ref, struct pcct_error *err)
{
    uint8_t bytes[STORE_BUNDLE_REF_BYTES] = {0};
    struct base_hash128 identity;
    int status = 0;

    TRY(identity_of(&identity, w->store, ref->version, err));
    store_put_bytes(bytes, REF_MAGIC, ref_magic, sizeof(ref_magic));
    store_put32(bytes, REF_KIND, ref->kind);
    store_put_bytes(bytes, REF_IDENTITY, identity.byte, 16);
    store_put_bytes(bytes, REF_NAME, ref->name, STORE_NAME_BYTES);
    store_put64(bytes, REF_HASH, base_hash64(bytes, REF_HASH));
    TRY(put(w, bytes, sizeof(bytes), err));
done:
    return status;
}

static int put_head(struct writing *w, const struct store_bundle_plan *plan, struct pcct_error *err)
{
    const struct store_super *super = &w->store->super;
    uint8_t head[STORE_BUNDLE_HEAD_BYTES] = {0};

    store_put_bytes(head, HEAD_MAGIC, head_magic, sizeof(head_magic));
    store_put32(head, HEAD_FORMAT, STORE_BUNDLE_FORMAT);
    store_put32(head, HEAD_BYTES, STORE_BUNDLE_HEAD_BYTES);
    store_put_bytes(head, HEAD_UUID, super->uuid, 16);
    store_put32(head, HEAD_DIM, super->dim);
    store_put32(head, HEAD_METRIC, super->metric);
    store_put32(head, HEAD_DTYPE, super->dtype);
    store_put32(head, HEAD_ORDER, BYTE_ORDER_MARK);
    store_put64(head, HEAD_SEED, super->seed);
    store_put64(head, HEAD_TIME, (uint64_t)base_os_time_ns(w->env->os));
    store_put64(head, HEAD_INCOMPATIBLE, super->incompatible & STORE_FEATURE_CUSTOM); /* pieces are the files' alone */
    store_put_bytes(head, HEAD_CUSTOM, super->custom, sizeof(super->custom));
    store_put_bytes(head, HEAD_BASE, plan->base.byte, 16);
    store_put64(head, HEAD_VERSIONS, plan->versions);
    store_put64(head, HEAD_REFS, plan->refs);
    store_put64(head, HEAD_FILE_BYTES, w->at);
    store_put64(head, HEAD_BODY, base_hasher_64(w->hasher));
    store_put64(head, HEAD_HASH, base_hash64(head, HEAD_HASH));
    if (base_os_pwrite(w->env->os, w->fd, head, sizeof(head), 0) < 0) return base_fail_errno(err, errno, "cannot write %s", w->path);
    return 0;
}

/* The file is whole: to its place with it. */
static int finish(struct writing *w, struct pcct_error *err)
{
    struct base_os *os = w->env->os;
    int status = 0, folder;

    if (base_os_fsync(os, w->fd) != 0) return base_fail_errno(err, errno, "cannot write %s to the disk", w->path);
    folder = base_os_open(os, AT_FDCWD, w->above, O_RDONLY | O_DIRECTORY, 0);
    if (folder < 0) return base_fail_errno(err, errno, "cannot open the folder of %s", w->path);
    if (base_os_rename_over(os, AT_FDCWD, w->fresh, w->path) != 0) status = base_fail_errno(err, errno, "cannot rename %s", w->fresh);
    else {
        w->made = 0;
        if (base_os_fsync(os, folder) != 0) status = base_fail_errno(err, errno, "cannot write the folder of %s to the disk", w->path);
    }
    base_os_close(os, folder);
    return status;
}

int store_bundle_write(uint64_t *bytes, struct store *store, const char *path, const struct store_bundle_plan *plan, const struct base_env *watched,
                       struct pcct_error *err)
{
    struct writing w = {.env = store->folder.env, .watched = watched, .store = store, .path = path, .fd = -1, .at = STORE_BUNDLE_HEAD_BYTES,
                        .whole = STORE_BUNDLE_HEAD_BYTES + plan->refs * STORE_BUNDLE_REF_BYTES, .note.item_bytes = 1, .payload.item_bytes = 1};
    int status = 0;

    TRY(store_check_process(store, err));
    for (size_t i = 0; i < plan->versions; i++) w.whole += STORE_BUNDLE_ENTRY_BYTES + plan->version[i].bytes;
    TRY(name_parts(&w, err));
    TRY(check_place(&w, err));
    TRY(base_hasher_new(&w.hasher, w.env, err));
    w.fd = base_os_open(w.env->os, AT_FDCWD, w.fresh, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (w.fd < 0) TRY(base_fail_errno(err, errno, "cannot make %s", path));
    w.made = 1;
    for (size_t i = 0; i < plan->versions; i++) TRY(put_version(&w, &plan->version[i], err));
    for (size_t i = 0; i < plan->refs; i++) TRY(put_ref(&w, &plan->ref[i], err));
    TRY(put_head(&w, plan, err));
    TRY(finish(&w, err));
    *bytes = w.at;
done:
    if (w.fd >= 0) base_os_close(w.env->os, w.fd);
    if (w.made) base_os_unlink(w.env->os, AT_FDCWD, w.fresh);
    base_hasher_free(w.hasher, w.env);
    base_vector_free(&w.note, w.env);
    base_vector_free(&w.payload, w.env);
    base_free(w.env, w.fresh);
    base_free(w.env, w.above);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------------------ */

static int damaged(struct pcct_error *err, const struct store_bundle *b, const char *what)
{
    return base_fail(err, PCCT_E_DAMAGED, "%s is damaged: byte %" PRIu64 ": %s; copy or make it once more", b->path, b->at, what);
}

/* The next bytes of the file, all of which must be inside it. */
static int take(void *data, size_t bytes, struct store_bundle *b, struct pcct_error *err)
{
    ssize_t got;

    if (bytes > b->head.bytes - b->at) return damaged(err, b, "what begins there does not end within the file");
    got = base_os_pread(b->env->os, b->fd, data, bytes, b->at);
    if (got < 0) return base_fail_errno(err, errno, "cannot read %s", b->path);
    if ((size_t)got != bytes) return damaged(err, b, "the file ends there");
    b->at += bytes;
    return 0;
}

static const char *decode_head(struct store_bundle_head *out, const uint8_t *head)
{
    struct store_super *super = &out->super;

    if (store_get64(head, HEAD_HASH) != base_hash64(head, HEAD_HASH)) return "the checksum of its head is wrong";
    if (store_get32(head, HEAD_BYTES) != STORE_BUNDLE_HEAD_BYTES || store_get32(head, HEAD_ORDER) != BYTE_ORDER_MARK ||
        !store_zero(head, HEAD_ZERO, HEAD_CUSTOM) || !store_zero(head, HEAD_REST, HEAD_HASH)) {
        return "its head is of an unknown kind";
    }
    store_get_bytes(super->uuid, head, HEAD_UUID, 16);
    super->format = STORE_FORMAT;
    super->dim = store_get32(head, HEAD_DIM);
    super->metric = store_get32(head, HEAD_METRIC);
    super->dtype = store_get32(head, HEAD_DTYPE);
    super->seed = store_get64(head, HEAD_SEED);
    super->incompatible = store_get64(head, HEAD_INCOMPATIBLE);
    store_get_bytes(super->custom, head, HEAD_CUSTOM, sizeof(super->custom));
    out->time_ns = (int64_t)store_get64(head, HEAD_TIME);
    store_get_bytes(out->base.byte, head, HEAD_BASE, 16);
    out->body = store_get64(head, HEAD_BODY);
    out->versions = store_get64(head, HEAD_VERSIONS);
    out->refs = store_get64(head, HEAD_REFS);
    out->bytes = store_get64(head, HEAD_FILE_BYTES);
    if (super->custom[sizeof(super->custom) - 1] != '\0') return "the name of its metric has no end";
    return NULL;
}

static int read_head(struct store_bundle *b, uint64_t file_bytes, struct pcct_error *err)
{
    uint8_t head[STORE_BUNDLE_HEAD_BYTES];
    const char *wrong;
    ssize_t got = base_os_pread(b->env->os, b->fd, head, sizeof(head), 0);

    if (got < 0) return base_fail_errno(err, errno, "cannot read %s", b->path);
    if ((size_t)got < sizeof(head) || memcmp(head + HEAD_MAGIC, head_magic, sizeof(head_magic)) != 0)
        return base_fail(err, PCCT_E_DAMAGED, "%s is not a bundle: it does not begin like one", b->path);
    wrong = decode_head(&b->head, head);
    if (wrong) return damaged(err, b, wrong);
    if (store_get32(head, HEAD_FORMAT) != STORE_BUNDLE_FORMAT || (b->head.super.incompatible & ~(uint64_t)STORE_FEATURE_CUSTOM)) {
        return base_fail(err, PCCT_E_FORMAT, "%s was written by a newer pcct (format %u); use a newer pcct", b->path,
                         store_get32(head, HEAD_FORMAT));
    }
    if (b->head.bytes != file_bytes) {
        return base_fail(err, PCCT_E_DAMAGED, "%s has %" PRIu64 " bytes and says that it has %" PRIu64 "; copy it once more", b->path, file_bytes,
                         b->head.bytes);
    }
    b->at = sizeof(head);
    return 0;
}

int store_bundle_open(struct store_bundle *b, const char *path, const struct base_env *env, struct pcct_error *err)
{
    struct stat about;
    int status = 0;

    *b = (struct store_bundle){.env = env, .path = path, .note.item_bytes = 1, .payload.item_bytes = 1};
    b->fd = base_os_open(env->os, AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0); /* what is no file is not to be waited for */
    if (b->fd < 0) return base_fail_errno(err, errno, "cannot open %s", path);
    if (base_os_fstat(env->os, b->fd, &about) != 0) TRY(base_fail_errno(err, errno, "cannot look at %s", path));
    if (!S_ISREG(about.st_mode)) TRY(base_fail(err, PCCT_E_DAMAGED, "%s is not a bundle: it is not a file", path));
    TRY(read_head(b, (uint64_t)about.st_size, err));
done:
    if (status != 0) store_bundle_close(b);
    return status;
}

int store_bundle_verify(struct store_bundle *b, const struct base_env *watched, struct pcct_error *err)
{
    const uint64_t begin = b->at;
    struct base_hasher *hasher = NULL;
    uint8_t *piece = NULL;
    int status = 0;

    TRY(base_hasher_new(&hasher, b->env, err));
    TRY(base_take(&piece, b->env, PIECE_BYTES, 1, err));
    b->at = STORE_BUNDLE_HEAD_BYTES;
    while (b->at < b->head.bytes) {
        const size_t n = b->head.bytes - b->at < PIECE_BYTES ? (size_t)(b->head.bytes - b->at) : PIECE_BYTES;

        TRY(take(piece, n, b, err));
        base_hasher_feed(hasher, piece, n);
        base_watch_tell(watched, (double)b->at / (double)b->head.bytes);
        TRY(base_watch_check(watched, err));
    }
    if (base_hasher_64(hasher) != b->head.body)
        TRY(base_fail(err, PCCT_E_DAMAGED, "%s is damaged: its checksum is wrong; copy or make it once more", b->path));
    b->at = begin;
done:
    base_free(b->env, piece);
    base_hasher_free(hasher, b->env);
    return status;
}

/* n bytes with their hash, and the zeros behind them. */
static int take_part(struct base_vector *part, uint64_t n, uint64_t hash, struct store_bundle *b, struct pcct_error *err)
{
    uint8_t padding[STORE_FRAME_ALIGNMENT], *bytes = NULL;
    const size_t zeros = (size_t)(store_round_up(n, STORE_FRAME_ALIGNMENT) - n);
    int status = 0;

    part->count = 0;
    if (n > b->head.bytes - b->at) TRY(damaged(err, b, "what begins there does not end within the file"));
    TRY(base_vector_add(&bytes, part, b->env, n, err));
    TRY(take(bytes, n, b, err));
    if (base_hash64(bytes, n) != hash) TRY(damaged(err, b, "the checksum of the part that ends there is wrong"));
    TRY(take(padding, zeros, b, err));
    if (!store_zero(padding, 0, zeros)) TRY(damaged(err, b, "the bytes before it are not zero"));
done:
    return status;
}

int store_bundle_next(struct store_bundle_entry *entry, struct store_bundle *b, struct pcct_error *err)
{
    uint8_t bytes[STORE_BUNDLE_ENTRY_BYTES], head[STORE_HEAD_BYTES];
    const char *wrong;
    int status = 0;

    TRY(take(bytes, sizeof(bytes), b, err));
    if (memcmp(bytes + ENTRY_MAGIC, entry_magic, sizeof(entry_magic)) != 0 || store_get64(bytes, ENTRY_HASH) != base_hash64(bytes, ENTRY_HASH) ||
        !store_zero(bytes, ENTRY_REST, ENTRY_HASH)) {
        TRY(damaged(err, b, "no version stands before it"));
    }
    store_get_bytes(entry->parent.byte, bytes, ENTRY_PARENT, 16);
    store_get_bytes(entry->state_parent.byte, bytes, ENTRY_STATE_PARENT, 16);
    TRY(take(head, sizeof(head), b, err));
    wrong = store_head_decode(&entry->record, head);
    if (!wrong && entry->record.operation != STORE_COMMITTED) wrong = "the frame before it is not a version's";
    if (wrong) TRY(damaged(err, b, wrong));
    TRY(take_part(&b->note, entry->record.note_bytes, entry->record.note_hash, b, err));
    TRY(take_part(&b->payload, entry->record.payload_bytes, entry->record.payload_hash, b, err));
    b->versions++;
done:
    return status;
}

int store_bundle_ref(struct store_ref *ref, struct base_hash128 *identity, struct store_bundle *b, struct pcct_error *err)
{
    uint8_t bytes[STORE_BUNDLE_REF_BYTES];
    int status = 0;

    TRY(take(bytes, sizeof(bytes), b, err));
    *ref = (struct store_ref){.kind = store_get32(bytes, REF_KIND)};
    store_get_bytes(ref->name, bytes, REF_NAME, STORE_NAME_BYTES);
    store_get_bytes(identity->byte, bytes, REF_IDENTITY, 16);
    if (memcmp(bytes + REF_MAGIC, ref_magic, sizeof(ref_magic)) != 0 || store_get64(bytes, REF_HASH) != base_hash64(bytes, REF_HASH) ||
        store_get32(bytes, REF_ZERO) != 0 || !store_zero(bytes, REF_REST, REF_HASH) || ref->name[0] == '\0' ||
        ref->name[STORE_NAME_BYTES - 1] != '\0' || (ref->kind != STORE_BRANCH && ref->kind != STORE_TAG)) {
        TRY(damaged(err, b, "no branch or tag stands before it"));
    }
    b->refs++;
done:
    return status;
}

void store_bundle_close(struct store_bundle *b)
{
    if (!b->env) return;
    if (b->fd >= 0) base_os_close(b->env->os, b->fd);
    base_vector_free(&b->note, b->env);
    base_vector_free(&b->payload, b->env);
    b->env = NULL;
}
