/* SPDX-License-Identifier: Apache-2.0 */
#include "store/anchor.h"

#include "base/par.h"
#include "store/bytes.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    AT_MAGIC = 0, AT_HEAD_BYTES = 8, AT_EXTENTS = 12, AT_UUID = 16, AT_VERSION = 32, AT_FILE_BYTES = 40, AT_IMAGE_BYTES = 48, AT_IMAGE_HASH = 56,
    AT_TABLE = 64, AT_UNITS = 72, AT_TABLE_HASH = 80, AT_TIME = 88, AT_IDENTITY = 96, AT_PIECES = 112, AT_RUNS = 116, AT_ZERO = 120, AT_EXTENT = 128,
    AT_PIECE = 1664, AT_RUN = 1920, AT_REST = 3072, AT_HASH = 4088
};
enum { EXTENT_ID = 0, EXTENT_ITEM_BYTES = 4, EXTENT_ITEMS = 8, EXTENT_OFFSET = 16, EXTENT_FIRST = 24, EXTENT_ZERO = 32, EXTENT_BYTES = 48 };
_Static_assert(AT_HASH + 8 == STORE_ANCHOR_HEAD_BYTES, "the hash ends the head of an anchor");
enum { PIECE_NUMBER = 0, PIECE_HASH = 8, PIECE_BYTES = 16 };
enum { RUN_ARRAY = 0, RUN_PIECE = 4, RUN_OFFSET = 8, RUN_LENGTH = 16, RUN_BYTES = 24 };
_Static_assert(AT_EXTENT + INDEX_IMAGE_ARRAYS * EXTENT_BYTES == AT_PIECE && AT_PIECE + STORE_PIECES * PIECE_BYTES == AT_RUN &&
                   AT_RUN + STORE_RUNS * RUN_BYTES == AT_REST,
               "the tables of an anchor's head stand one behind the other");

static const uint64_t bytes_most = UINT64_C(1) << 48; /* of an array, and of a file */

static const char magic[8] = {'P', 'C', 'C', 'T', 'A', 'N', 'C', '1'};

void store_anchor_name(char name[STORE_FILE_NAME_BYTES], uint64_t version)
{
    snprintf(name, STORE_FILE_NAME_BYTES, "A%016" PRIx64, version);
}

static uint64_t units_of(uint64_t bytes)
{
    return (bytes + STORE_UNIT_BYTES - 1) / STORE_UNIT_BYTES;
}

void store_anchor_layout(struct store_anchor *anchor, uint64_t version, const struct index_image *image, size_t head_bytes,
                         uint32_t apart)
{
    uint64_t at;

    assert(image->arrays <= INDEX_IMAGE_ARRAYS);
    memset(anchor, 0, sizeof(*anchor));
    anchor->version = version;
    anchor->head_bytes = head_bytes;
    anchor->table_offset = store_round_up(STORE_ANCHOR_HEAD_BYTES + head_bytes, 64);
    anchor->extents = (uint32_t)image->arrays;
    for (size_t i = 0; i < image->arrays; i++) {
        const struct index_image_array *array = &image->array[i];
        uint64_t bytes = array->items * array->item_bytes;

        anchor->extent[i] = (struct store_extent){array->id, array->item_bytes, array->items, bytes, 0, anchor->table_units, 0, 0};
        anchor->table_units += units_of(bytes);
    }
    at = anchor->table_offset + anchor->table_units * sizeof(uint64_t);
    anchor->file_bytes = store_round_up(at, STORE_UNIT_BYTES);
    for (size_t i = 0; i < image->arrays; i++) {
        struct store_extent *extent = &anchor->extent[i];

        if (extent->bytes == 0 || apart >> i & 1) continue;
        extent->offset = store_round_up(anchor->file_bytes, extent->bytes >= STORE_BIG_BYTES ? STORE_BIG_BYTES : STORE_UNIT_BYTES);
        anchor->file_bytes = store_round_up(extent->offset + extent->bytes, STORE_UNIT_BYTES);
    }
}

void store_anchor_encode(uint8_t head[STORE_ANCHOR_HEAD_BYTES], const struct store_anchor *anchor, const uint8_t uuid[16])
{
    memset(head, 0, STORE_ANCHOR_HEAD_BYTES);
    store_put_bytes(head, AT_MAGIC, magic, sizeof(magic));
    store_put32(head, AT_HEAD_BYTES, STORE_ANCHOR_HEAD_BYTES);
    store_put32(head, AT_EXTENTS, anchor->extents);
    store_put_bytes(head, AT_UUID, uuid, 16);
    store_put64(head, AT_VERSION, anchor->version);
    store_put64(head, AT_FILE_BYTES, anchor->file_bytes);
    store_put64(head, AT_IMAGE_BYTES, anchor->head_bytes);
    store_put64(head, AT_IMAGE_HASH, anchor->head_hash);
    store_put64(head, AT_TABLE, anchor->table_offset);
    store_put64(head, AT_UNITS, anchor->table_units);
    store_put64(head, AT_TABLE_HASH, anchor->table_hash);
    store_put64(head, AT_TIME, (uint64_t)anchor->time_ns);
    store_put_bytes(head, AT_IDENTITY, anchor->identity.byte, 16);
    store_put32(head, AT_PIECES, anchor->pieces);
    store_put32(head, AT_RUNS, anchor->runs);
    for (uint32_t i = 0; i < anchor->extents; i++) {
        uint8_t *at = head + AT_EXTENT + i * EXTENT_BYTES;

        store_put32(at, EXTENT_ID, anchor->extent[i].id);
        store_put32(at, EXTENT_ITEM_BYTES, anchor->extent[i].item_bytes);
        store_put64(at, EXTENT_ITEMS, anchor->extent[i].items);
        store_put64(at, EXTENT_OFFSET, anchor->extent[i].offset);
        store_put64(at, EXTENT_FIRST, anchor->extent[i].first_unit);
    }
    for (uint32_t i = 0; i < anchor->pieces; i++) {
        store_put64(head, AT_PIECE + i * PIECE_BYTES + PIECE_NUMBER, anchor->piece[i].number);
        store_put64(head, AT_PIECE + i * PIECE_BYTES + PIECE_HASH, anchor->piece[i].hash);
    }
    for (uint32_t i = 0; i < anchor->runs; i++) {
        uint8_t *at = head + AT_RUN + i * RUN_BYTES;

        store_put32(at, RUN_ARRAY, anchor->run[i].array);
        store_put32(at, RUN_PIECE, anchor->run[i].piece);
        store_put64(at, RUN_OFFSET, anchor->run[i].offset);
        store_put64(at, RUN_LENGTH, anchor->run[i].bytes);
    }
    store_put64(head, AT_HASH, base_hash64(head, AT_HASH));
}

/* The extents, which must be what store_anchor_layout makes of their ids and lengths. */
static const char *check_layout(const struct store_anchor *anchor)
{
    struct index_image image = {.arrays = anchor->extents};
    struct store_anchor made;
    uint32_t apart = 0;

    for (uint32_t i = 0; i < anchor->extents; i++) {
        const struct store_extent *extent = &anchor->extent[i];

        if (extent->item_bytes == 0 || extent->items > bytes_most / extent->item_bytes) return "an array's length cannot be";
        image.array[i] = (struct index_image_array){.id = extent->id, .item_bytes = extent->item_bytes, .items = extent->items};
        if (extent->runs > 0) apart |= UINT32_C(1) << i;
    }
    store_anchor_layout(&made, anchor->version, &image, anchor->head_bytes, apart);
    if (made.file_bytes != anchor->file_bytes || made.table_offset != anchor->table_offset || made.table_units != anchor->table_units) {
        return "its parts do not fit";
    }
    for (uint32_t i = 0; i < anchor->extents; i++) {
        if (made.extent[i].offset != anchor->extent[i].offset || made.extent[i].first_unit != anchor->extent[i].first_unit)
            return "its arrays do not fit";
    }
    return NULL;
}

/* Pieces and runs; the arrays are known. That the runs lie inside their pieces is seen when these are opened. */
static const char *decode_runs(struct store_anchor *anchor, const uint8_t head[STORE_ANCHOR_HEAD_BYTES])
{
    uint64_t covered[INDEX_IMAGE_ARRAYS] = {0};

    if (anchor->pieces > STORE_PIECES || anchor->runs > STORE_RUNS || !store_zero(head, AT_PIECE + anchor->pieces * PIECE_BYTES, AT_RUN) ||
        !store_zero(head, AT_RUN + anchor->runs * RUN_BYTES, AT_HASH)) {
        return "its head is of an unknown kind";
    }
    for (uint32_t i = 0; i < anchor->pieces; i++) {
        anchor->piece[i].number = store_get64(head, AT_PIECE + i * PIECE_BYTES + PIECE_NUMBER);
        anchor->piece[i].hash = store_get64(head, AT_PIECE + i * PIECE_BYTES + PIECE_HASH);
    }
    for (uint32_t i = 0; i < anchor->runs; i++) {
        const uint8_t *at = head + AT_RUN + i * RUN_BYTES;
        struct store_run *run = &anchor->run[i];

        *run = (struct store_run){store_get32(at, RUN_ARRAY), store_get32(at, RUN_PIECE), store_get64(at, RUN_OFFSET), store_get64(at, RUN_LENGTH)};
        if (run->array >= anchor->extents || run->piece >= anchor->pieces || (i > 0 && run->array < run[-1].array)) return "its runs do not fit";
        if (run->bytes == 0 || run->bytes > bytes_most || run->offset < STORE_UNIT_BYTES || run->offset > bytes_most ||
            run->offset % STORE_UNIT_BYTES != 0 || covered[run->array] % STORE_UNIT_BYTES != 0) {
            return "a run cannot be";
        }
        if (anchor->extent[run->array].runs++ == 0) anchor->extent[run->array].first_run = i;
        covered[run->array] += run->bytes;
    }
    for (uint32_t i = 0; i < anchor->extents; i++) {
        if (anchor->extent[i].runs > 0 && covered[i] != anchor->extent[i].bytes) return "its runs do not fit";
    }
    return NULL;
}

const char *store_anchor_decode(struct store_anchor *anchor, const uint8_t head[STORE_ANCHOR_HEAD_BYTES], const uint8_t uuid[16], uint64_t version,
                                uint64_t file_bytes)
{
    const char *wrong;

    memset(anchor, 0, sizeof(*anchor));
    if (memcmp(head + AT_MAGIC, magic, sizeof(magic)) != 0) return "it does not begin like an anchor";
    if (store_get64(head, AT_HASH) != base_hash64(head, AT_HASH)) return "the checksum of its head is wrong";
    if (memcmp(head + AT_UUID, uuid, 16) != 0) return "it belongs to another store";
    anchor->extents = store_get32(head, AT_EXTENTS);
    anchor->version = store_get64(head, AT_VERSION);
    anchor->file_bytes = store_get64(head, AT_FILE_BYTES);
    anchor->head_bytes = store_get64(head, AT_IMAGE_BYTES);
    anchor->head_hash = store_get64(head, AT_IMAGE_HASH);
    anchor->table_offset = store_get64(head, AT_TABLE);
    anchor->table_units = store_get64(head, AT_UNITS);
    anchor->table_hash = store_get64(head, AT_TABLE_HASH);
    anchor->time_ns = (int64_t)store_get64(head, AT_TIME);
    anchor->hash = store_get64(head, AT_HASH);
    store_get_bytes(anchor->identity.byte, head, AT_IDENTITY, 16);
    anchor->pieces = store_get32(head, AT_PIECES);
    anchor->runs = store_get32(head, AT_RUNS);
    if (store_get32(head, AT_HEAD_BYTES) != STORE_ANCHOR_HEAD_BYTES || !store_zero(head, AT_ZERO, AT_EXTENT) ||
        anchor->extents > INDEX_IMAGE_ARRAYS) {
        return "its head is of an unknown kind";
    }
    if (anchor->version != version) return "it is of another version";
    for (uint32_t i = 0; i < anchor->extents; i++) {
        const uint8_t *at = head + AT_EXTENT + i * EXTENT_BYTES;
        struct store_extent *extent = &anchor->extent[i];

        *extent = (struct store_extent){store_get32(at, EXTENT_ID), store_get32(at, EXTENT_ITEM_BYTES), store_get64(at, EXTENT_ITEMS), 0,
                                        store_get64(at, EXTENT_OFFSET), store_get64(at, EXTENT_FIRST), 0, 0};
        extent->bytes = extent->items * extent->item_bytes;
        if (!store_zero(at, EXTENT_ZERO, EXTENT_BYTES)) return "an array is of an unknown kind";
    }
    if (!store_zero(head, AT_EXTENT + anchor->extents * EXTENT_BYTES, AT_PIECE)) return "its head is of an unknown kind";
    if (anchor->head_bytes > file_bytes) return "it is cut off";
    wrong = decode_runs(anchor, head);
    if (!wrong) wrong = check_layout(anchor);
    if (!wrong && file_bytes < anchor->file_bytes) wrong = "it is cut off";
    return wrong;
}

static int damaged(struct pcct_error *err, const struct store_folder *folder, uint64_t version, const char *wrong)
{
    return base_fail(err, PCCT_E_DAMAGED, "%s/data/A%016" PRIx64 " is damaged: %s", folder->path, version, wrong);
}

int store_anchor_read(struct store_anchor *anchor, struct base_vector *head, struct base_vector *table, const struct store_folder *folder, int fd,
                      uint64_t file_bytes, uint64_t version, struct pcct_error *err)
{
    struct base_os *os = folder->env->os;
    const char *wrong = NULL;
    uint8_t *page = NULL, *image = NULL;
    uint64_t *hash = NULL;
    int status = 0;
    ssize_t got, got_image, got_table;

    assert(head->item_bytes == 1 && table->item_bytes == sizeof(uint64_t));
    head->count = table->count = 0;
    TRY(base_take_zero(&page, folder->env, STORE_ANCHOR_HEAD_BYTES, 1, err));
    got = base_os_pread(os, fd, page, STORE_ANCHOR_HEAD_BYTES, 0);
    if (got < 0) {
        status = base_fail_errno(err, errno, "cannot read %s/data/A%016" PRIx64, folder->path, version);
        goto done;
    }
    wrong = got < STORE_ANCHOR_HEAD_BYTES ? "it is cut off" : store_anchor_decode(anchor, page, folder->uuid, version, file_bytes);
    if (wrong) {
        status = damaged(err, folder, version, wrong);
        goto done;
    }
    TRY(base_vector_add(&image, head, folder->env, anchor->head_bytes, err));
    TRY(base_vector_add(&hash, table, folder->env, anchor->table_units, err));
    got_image = base_os_pread(os, fd, image, anchor->head_bytes, STORE_ANCHOR_HEAD_BYTES);
    got_table = base_os_pread(os, fd, hash, anchor->table_units * sizeof(*hash), anchor->table_offset);
    if (got_image < 0 || got_table < 0) status = base_fail_errno(err, errno, "cannot read %s/data/A%016" PRIx64, folder->path, version);
    else if (base_hash64(image, (size_t)got_image) != anchor->head_hash)
        status = damaged(err, folder, version, "the checksum of its numbers is wrong");
    else if (base_hash64(hash, (size_t)got_table) != anchor->table_hash)
        status = damaged(err, folder, version, "the checksum of its side table is wrong");
done:
    base_free(folder->env, page);
    return status;
}

/* ---- units -------------------------------------------------------------------------------------------------------------------------------- */

int store_anchor_place(uint64_t *offset, const struct store_anchor *anchor, const struct store_extent *extent, uint64_t within)
{
    const struct store_run *run = &anchor->run[extent->first_run];

    *offset = extent->offset + within;
    if (extent->runs == 0) return -1;
    for (; within >= run->bytes; run++) within -= run->bytes;
    *offset = run->offset + within;
    return (int)run->piece;
}

struct verifying {
    const struct store_folder *folder;
    int fd;
    const struct store_pieces *pieces;
    const struct store_anchor *anchor;
    const uint8_t *table;
    uint64_t first;
    uint8_t *buffer;      /* a unit for each thread */
    uint64_t bad;         /* the first bad unit, by atomic minimum; UINT64_MAX: none */
    int error_number;     /* atomic */
};

static void note_bad(uint64_t *place, uint64_t unit)
{
    uint64_t seen = __atomic_load_n(place, __ATOMIC_RELAXED);

    while (unit < seen && !__atomic_compare_exchange_n(place, &seen, unit, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) continue;
}

/* Which array a unit belongs to; *i is where to look from on. Empty arrays have the same first unit as the next one. */
static const struct store_extent *extent_of(uint32_t *i, const struct store_anchor *anchor, uint64_t unit)
{
    while (*i + 1 < anchor->extents && anchor->extent[*i + 1].first_unit <= unit) ++*i;
    return &anchor->extent[*i];
}

static void verify_units(void *ctx, size_t begin, size_t end, int thread)
{
    struct verifying *v = ctx;
    uint8_t *buffer = v->buffer + (size_t)thread * STORE_UNIT_BYTES;
    uint32_t i = 0;

    for (uint64_t unit = v->first + begin; unit < v->first + end; unit++) {
        const struct store_extent *extent;
        uint64_t within, n, offset;
        ssize_t got;
        int piece;

        extent = extent_of(&i, v->anchor, unit);
        within = (unit - extent->first_unit) * STORE_UNIT_BYTES;
        n = extent->bytes - within < STORE_UNIT_BYTES ? extent->bytes - within : STORE_UNIT_BYTES;
        piece = store_anchor_place(&offset, v->anchor, extent, within);
        got = base_os_pread(v->folder->env->os, piece < 0 ? v->fd : v->pieces->fd[piece], buffer, n, offset);
        if (got < 0) __atomic_store_n(&v->error_number, errno, __ATOMIC_RELAXED);
        else if ((uint64_t)got < n || base_hash64(buffer, n) != store_get64(v->table, unit * 8)) note_bad(&v->bad, unit);
    }
}

/* An error about a unit; of one in a piece it names that, and the anchor. */
static int bad_unit(struct pcct_error *err, const struct verifying *v)
{
    uint32_t i = 0;
    const struct store_extent *extent = extent_of(&i, v->anchor, v->bad);
    uint64_t unit = v->bad - extent->first_unit, offset;
    char name[STORE_FILE_NAME_BYTES], whose[STORE_FILE_NAME_BYTES] = "";
    int piece = store_anchor_place(&offset, v->anchor, extent, unit * STORE_UNIT_BYTES);

    store_anchor_name(name, v->anchor->version);
    if (piece >= 0) {
        snprintf(whose, sizeof(whose), " of A%016" PRIx64, v->anchor->version);
        store_piece_name(name, v->anchor->piece[piece].number);
    }
    return base_fail(err, PCCT_E_DAMAGED, "%s/data/%s is damaged: array %" PRIu32 "%s, unit %" PRIu64 " (64 KiB at byte %" PRIu64 "): its checksum "
                     "is wrong", v->folder->path, name, extent->id, whose, unit, offset);
}

int store_anchor_verify(const struct store_folder *folder, int fd, const struct store_pieces *pieces, const struct store_anchor *anchor,
                        const struct base_vector *table, uint64_t first, uint64_t units, struct pcct_error *err)
{
    struct verifying v = {folder, fd, pieces, anchor, table->memory.data, first, NULL, UINT64_MAX, 0};
    int status = 0;

    assert(first <= anchor->table_units && units <= anchor->table_units - first);

    TRY(base_take(&v.buffer, folder->env, (size_t)base_par_threads(folder->env), STORE_UNIT_BYTES, err));
    base_par_for(folder->env, units, 16, verify_units, &v);
    if (v.error_number != 0) {
        status = base_fail_errno(err, v.error_number, "cannot read %s/data/A%016" PRIx64, folder->path, anchor->version);
    } else if (v.bad != UINT64_MAX) {
        status = bad_unit(err, &v);
    }
done:
    base_free(folder->env, v.buffer);
    return status;
}
