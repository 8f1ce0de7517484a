/* SPDX-License-Identifier: Apache-2.0 */
#include "store/share.h"

#include "store/bytes.h"
#include "store/internal.h"

#include <assert.h>
#include <fcntl.h>

enum { LEAST_UNITS = 4, NO_PIECE = STORE_PIECES };

struct sharing {
    struct store *store;
    struct store_anchor *anchor;
    const struct index_image *image;
    const uint8_t *table;
    struct store_anchor base;                /* the earlier one */
    struct base_vector base_table;
    struct store_pieces pieces;              /* of it */
    const struct store_extent *of_base[INDEX_IMAGE_ARRAYS]; /* the same array there; NULL: it has none in pieces */
    uint64_t equal[INDEX_IMAGE_ARRAYS];      /* how far it is the same */
    uint64_t taken[INDEX_IMAGE_ARRAYS];      /* how far it is taken from there */
    int useless[STORE_PIECES];               /* pieces of the earlier one that are not to be used */
};

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint32_t store_share_apart(const struct index_image *image)
{
    uint32_t apart = 0;

    for (size_t i = 0; i < image->arrays; i++) {
        const struct index_image_array *array = &image->array[i];

        if (array->rows_stay && array->items * array->item_bytes >= LEAST_UNITS * STORE_UNIT_BYTES) apart |= UINT32_C(1) << i;
    }
    return apart;
}

/* ---- what is the same ---------------------------------------------------------------------------------------------------------------------- */

static int open_base(struct sharing *s, uint64_t version)
{
    const struct store_folder *folder = &s->store->folder;
    struct base_vector head = {.item_bytes = 1};
    char name[STORE_FILE_NAME_BYTES];
    uint64_t bytes = 0;
    int status = 0, fd = -1;

    store_anchor_name(name, version);
    TRY(store_file_open(&fd, &bytes, folder, folder->data, "data/", name, O_RDONLY, NULL));
    TRY(store_anchor_read(&s->base, &head, &s->base_table, folder, fd, bytes, version, NULL));
    TRY(store_pieces_open(&s->pieces, folder, &s->base, NULL));
done:
    base_vector_free(&head, folder->env);
    if (fd >= 0) base_os_close(folder->env->os, fd);
    return status;
}

static void find_arrays(struct sharing *s, uint32_t apart)
{
    for (uint32_t i = 0; i < s->anchor->extents; i++) {
        for (uint32_t j = 0; apart >> i & 1 && j < s->base.extents; j++) {
            const struct store_extent *here = &s->anchor->extent[i], *there = &s->base.extent[j];

            if (there->runs > 0 && there->id == here->id && there->item_bytes == here->item_bytes) s->of_base[i] = there;
        }
    }
}

/* Equal hashes say where it is worth looking. The last unit of an array may be shorter. */
static int same_unit(struct sharing *s, uint32_t i, uint64_t within, uint8_t *buffer)
{
    const struct store_extent *here = &s->anchor->extent[i], *there = s->of_base[i];
    const uint64_t n = least(here->bytes - within, STORE_UNIT_BYTES), unit = within / STORE_UNIT_BYTES;
    uint64_t offset;
    int piece;

    if (within >= there->bytes || n != least(there->bytes - within, STORE_UNIT_BYTES)) return 0;
    if (store_get64(s->table, (here->first_unit + unit) * 8) != store_get64(s->base_table.memory.data, (there->first_unit + unit) * 8)) return 0;
    piece = store_anchor_place(&offset, &s->base, there, within);
    return base_os_pread(s->store->folder.env->os, s->pieces.fd[piece], buffer, n, offset) == (ssize_t)n &&
           memcmp(buffer, (const uint8_t *)s->image->array[i].data + within, n) == 0;
}

static int compare(struct sharing *s, struct pcct_error *err)
{
    uint8_t *buffer = NULL;
    int status = 0;

    TRY(base_take(&buffer, s->store->folder.env, STORE_UNIT_BYTES, 1, err));
    for (uint32_t i = 0; i < s->anchor->extents; i++) {
        while (s->of_base[i] && s->equal[i] < s->anchor->extent[i].bytes && same_unit(s, i, s->equal[i], buffer))
            s->equal[i] = least(s->equal[i] + STORE_UNIT_BYTES, s->anchor->extent[i].bytes);
    }
done:
    base_free(s->store->folder.env, buffer);
    return status;
}

/* ---- what is taken ------------------------------------------------------------------------------------------------------------------------- */

/* With the pieces that are of use; live: how much of each. Returns how many runs that makes, with one for what is new of each array. */
static uint32_t take(struct sharing *s, uint64_t live[STORE_PIECES])
{
    uint32_t runs = 0;

    memset(live, 0, STORE_PIECES * sizeof(*live));
    for (uint32_t i = 0; i < s->anchor->extents; i++) {
        const struct store_extent *there = s->of_base[i];
        const struct store_run *run = there ? &s->base.run[there->first_run] : NULL;

        s->taken[i] = 0;
        runs++;
        for (uint32_t r = 0; there && r < there->runs && s->taken[i] < s->equal[i] && !s->useless[run[r].piece]; r++) {
            const uint64_t n = least(run[r].bytes, s->equal[i] - s->taken[i]);

            live[run[r].piece] += n;
            s->taken[i] += n;
            runs++;
        }
    }
    return runs;
}

/* A piece of which less than half is used stays whole on the disk for that: better written anew. What stands behind it in an array goes with it, so
 * that others may be of no use then. */
static void choose(struct sharing *s)
{
    uint64_t live[STORE_PIECES];
    uint32_t used = 0, runs = 0;
    int changed = 1;

    while (changed) {
        changed = 0;
        runs = take(s, live);
        for (uint32_t p = 0; p < s->base.pieces; p++) {
            if (s->useless[p] || 2 * live[p] >= s->pieces.piece[p].row_bytes) continue;
            s->useless[p] = changed = 1;
        }
    }
    for (uint32_t p = 0; p < s->base.pieces; p++) used += live[p] > 0;
    if (used < STORE_PIECES && runs <= STORE_RUNS) return; /* one is left for what is new */
    memset(s->taken, 0, sizeof(s->taken));
}

static void add_run(struct store_anchor *anchor, uint32_t array, uint32_t piece, uint64_t offset, uint64_t bytes)
{
    struct store_extent *extent = &anchor->extent[array];

    assert(anchor->runs < STORE_RUNS);
    if (extent->runs++ == 0) extent->first_run = anchor->runs;
    anchor->run[anchor->runs++] = (struct store_run){array, piece, offset, bytes};
}

/* An array's rest stands in the new piece as it does in memory beyond a multiple of 2 MiB, so that huge pages fit both. */
static void add_fresh(struct store_anchor *anchor, struct store_piece *fresh, uint32_t array, uint64_t from, uint32_t *piece)
{
    const struct store_extent *extent = &anchor->extent[array];
    const uint64_t big = extent->bytes >= STORE_BIG_BYTES ? STORE_BIG_BYTES : STORE_UNIT_BYTES, past = from % big, rest = extent->bytes - from;
    uint64_t offset = store_round_up(fresh->file_bytes, big) + past;

    if (offset - fresh->file_bytes >= big) offset -= big;
    if (*piece == NO_PIECE) {
        *piece = anchor->pieces++;
        anchor->piece[*piece].number = fresh->number;
    }
    add_run(anchor, array, *piece, offset, rest);
    fresh->row_bytes += rest;
    fresh->file_bytes = store_round_up(offset + rest, STORE_UNIT_BYTES);
}

/* The pieces that something is taken from; place: theirs in the anchor. */
static void name_pieces(struct sharing *s, uint32_t place[STORE_PIECES])
{
    struct store_anchor *anchor = s->anchor;

    for (uint32_t p = 0; p < STORE_PIECES; p++) place[p] = NO_PIECE;
    for (uint32_t i = 0; i < anchor->extents; i++) {
        const struct store_run *run = s->taken[i] > 0 ? &s->base.run[s->of_base[i]->first_run] : NULL;

        for (uint64_t at = 0; at < s->taken[i]; at += run->bytes, run++) {
            if (place[run->piece] != NO_PIECE) continue;
            place[run->piece] = anchor->pieces;
            anchor->piece[anchor->pieces].number = s->base.piece[run->piece].number;
            anchor->piece[anchor->pieces++].hash = s->base.piece[run->piece].hash;
        }
    }
}

static void lay_out(struct sharing *s, struct store_piece *fresh, uint32_t apart)
{
    uint32_t place[STORE_PIECES], piece = NO_PIECE;

    name_pieces(s, place);
    for (uint32_t i = 0; i < s->anchor->extents; i++) {
        const struct store_run *run = s->taken[i] > 0 ? &s->base.run[s->of_base[i]->first_run] : NULL;

        for (uint64_t at = 0; at < s->taken[i]; at += run->bytes, run++)
            add_run(s->anchor, i, place[run->piece], run->offset, least(run->bytes, s->taken[i] - at));
        if (apart >> i & 1 && s->taken[i] < s->anchor->extent[i].bytes) add_fresh(s->anchor, fresh, i, s->taken[i], &piece);
    }
}

/* The nearest anchor that a state before rests on, when it has pieces that can be read. */
static int find_base(struct sharing *s, uint64_t state_parent, uint32_t apart)
{
    struct base_vector path = {.item_bytes = sizeof(uint64_t)};
    uint64_t version = 0;
    int status;

    status = state_parent == 0 ? 0 : store_path(&version, &path, s->store, state_parent, NULL);
    base_vector_free(&path, s->store->folder.env);
    if (status != 0 || version == 0 || open_base(s, version) != 0) return 0;
    find_arrays(s, apart);
    return 1;
}

int store_share(struct store_anchor *anchor, struct store_piece *fresh, struct store *store, uint64_t state_parent, const struct index_image *image,
                const uint8_t *table, struct pcct_error *err)
{
    const struct base_env *env = store->folder.env;
    const uint32_t apart = store_share_apart(image);
    struct base_vector idle = {.item_bytes = sizeof(uint64_t)};
    struct sharing s = {.store = store, .anchor = anchor, .image = image, .table = table, .base_table.item_bytes = sizeof(uint64_t)};
    uint64_t newest = 0;
    int status = 0;

    *fresh = (struct store_piece){.file_bytes = STORE_UNIT_BYTES, .version = anchor->version, .time_ns = anchor->time_ns};
    if (apart == 0) return 0;
    TRY(store_pieces_idle(&idle, &newest, &store->folder, err));
    fresh->number = newest + 1;
    if (find_base(&s, state_parent, apart)) {
        TRY(compare(&s, err));
        choose(&s);
    }
    lay_out(&s, fresh, apart);
done:
    store_pieces_close(&s.pieces);
    base_vector_free(&idle, env);
    base_vector_free(&s.base_table, env);
    return status;
}
