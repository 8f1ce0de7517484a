/* SPDX-License-Identifier: Apache-2.0 */
#include "store/piece.h"

#include "store/anchor.h"
#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    AT_MAGIC = 0, AT_HEAD_BYTES = 8, AT_ZERO = 12, AT_UUID = 16, AT_NUMBER = 32, AT_FILE_BYTES = 40, AT_ROW_BYTES = 48, AT_VERSION = 56, AT_TIME = 64,
    AT_REST = 72, AT_HASH = 4088
};
_Static_assert(AT_HASH + 8 == STORE_PIECE_HEAD_BYTES, "the hash ends the head of a piece");

static const char magic[8] = {'P', 'C', 'C', 'T', 'P', 'I', 'E', '1'};

void store_piece_name(char name[STORE_FILE_NAME_BYTES], uint64_t number)
{
    snprintf(name, STORE_FILE_NAME_BYTES, "P%016" PRIx64, number);
}

void store_piece_encode(uint8_t head[STORE_PIECE_HEAD_BYTES], struct store_piece *piece, const uint8_t uuid[16])
{
    memset(head, 0, STORE_PIECE_HEAD_BYTES);
    store_put_bytes(head, AT_MAGIC, magic, sizeof(magic));
    store_put32(head, AT_HEAD_BYTES, STORE_PIECE_HEAD_BYTES);
    store_put_bytes(head, AT_UUID, uuid, 16);
    store_put64(head, AT_NUMBER, piece->number);
    store_put64(head, AT_FILE_BYTES, piece->file_bytes);
    store_put64(head, AT_ROW_BYTES, piece->row_bytes);
    store_put64(head, AT_VERSION, piece->version);
    store_put64(head, AT_TIME, (uint64_t)piece->time_ns);
    piece->hash = base_hash64(head, AT_HASH);
    store_put64(head, AT_HASH, piece->hash);
}

const char *store_piece_decode(struct store_piece *piece, const uint8_t head[STORE_PIECE_HEAD_BYTES], const uint8_t uuid[16], uint64_t number,
                               uint64_t file_bytes)
{
    if (memcmp(head + AT_MAGIC, magic, sizeof(magic)) != 0) return "it does not begin like a piece of an anchor";
    if (store_get64(head, AT_HASH) != base_hash64(head, AT_HASH)) return "the checksum of its head is wrong";
    if (memcmp(head + AT_UUID, uuid, 16) != 0) return "it belongs to another store";
    if (store_get32(head, AT_HEAD_BYTES) != STORE_PIECE_HEAD_BYTES || !store_zero(head, AT_ZERO, AT_UUID) || !store_zero(head, AT_REST, AT_HASH)) {
        return "its head is of an unknown kind";
    }
    *piece = (struct store_piece){store_get64(head, AT_NUMBER), store_get64(head, AT_FILE_BYTES), store_get64(head, AT_ROW_BYTES),
                                  store_get64(head, AT_VERSION), (int64_t)store_get64(head, AT_TIME), store_get64(head, AT_HASH)};
    if (piece->number != number) return "it has another number";
    if (file_bytes < piece->file_bytes) return "it is cut off";
    return NULL;
}

/* ---- of an anchor -------------------------------------------------------------------------------------------------------------------------- */

static int damaged(struct pcct_error *err, const struct store_folder *folder, uint64_t number, const char *wrong)
{
    return base_fail(err, PCCT_E_DAMAGED, "%s/data/P%016" PRIx64 " is damaged: %s", folder->path, number, wrong);
}

static const char *check_runs(const struct store_anchor *anchor, uint32_t piece, const struct store_piece *found)
{
    if (found->hash != anchor->piece[piece].hash) return "it is another than its anchor was written with";
    for (uint32_t i = 0; i < anchor->runs; i++) {
        const struct store_run *run = &anchor->run[i];

        if (run->piece == piece && (run->offset > found->file_bytes || run->bytes > found->file_bytes - run->offset)) return "it ends too early";
    }
    return NULL;
}

static int open_piece(struct store_pieces *pieces, uint32_t i, uint8_t *page, const struct store_folder *folder, const struct store_anchor *anchor,
                      struct pcct_error *err)
{
    const uint64_t number = anchor->piece[i].number;
    char name[STORE_FILE_NAME_BYTES];
    const char *wrong;
    uint64_t bytes = 0;
    ssize_t got;
    int status;

    store_piece_name(name, number);
    status = store_file_open(&pieces->fd[i], &bytes, folder, folder->data, "data/", name, O_RDONLY, err);
    if (status == PCCT_E_NOT_FOUND) return base_fail(err, PCCT_E_DAMAGED, "%s/data/%s is missing", folder->path, name);
    if (status != 0) return status;
    pieces->n = i + 1;
    got = base_os_pread(folder->env->os, pieces->fd[i], page, STORE_PIECE_HEAD_BYTES, 0);
    if (got < 0) return base_fail_errno(err, errno, "cannot read %s/data/%s", folder->path, name);
    wrong = got < STORE_PIECE_HEAD_BYTES ? "it is cut off" : store_piece_decode(&pieces->piece[i], page, folder->uuid, number, bytes);
    if (!wrong) wrong = check_runs(anchor, i, &pieces->piece[i]);
    return wrong ? damaged(err, folder, number, wrong) : 0;
}

int store_pieces_open(struct store_pieces *pieces, const struct store_folder *folder, const struct store_anchor *anchor, struct pcct_error *err)
{
    uint8_t *page = NULL;
    int status = 0;

    memset(pieces, 0, sizeof(*pieces));
    pieces->env = folder->env;
    if (anchor->pieces == 0) return 0;
    TRY(base_take(&page, folder->env, STORE_PIECE_HEAD_BYTES, 1, err));
    for (uint32_t i = 0; i < anchor->pieces; i++) TRY(open_piece(pieces, i, page, folder, anchor, err));
done:
    base_free(folder->env, page);
    if (status != 0) store_pieces_close(pieces);
    return status;
}

void store_pieces_close(struct store_pieces *pieces)
{
    for (uint32_t i = 0; i < pieces->n; i++) base_os_close(pieces->env->os, pieces->fd[i]);
    pieces->n = 0;
}

/* ---- of nobody ----------------------------------------------------------------------------------------------------------------------------- */

struct listing {
    const struct store_folder *folder;
    struct base_vector anchor, piece; /* uint64_t: versions, numbers */
    struct pcct_error *err;
};

static int add_name(void *ctx, const char *name)
{
    struct listing *l = ctx;
    char expected[STORE_FILE_NAME_BYTES];
    uint64_t number = 0, *place = NULL;
    int status = 0;

    if (sscanf(name + (name[0] != '\0'), "%" SCNx64, &number) != 1) return 0;
    if (name[0] == 'A') store_anchor_name(expected, number);
    else store_piece_name(expected, number);
    if (strcmp(name, expected) != 0) return 0;
    TRY(base_vector_add(&place, name[0] == 'A' ? &l->anchor : &l->piece, l->folder->env, 1, l->err));
    *place = number;
done:
    return status;
}

static void forget(struct base_vector *list, uint64_t number)
{
    uint64_t *item = list->memory.data;
    size_t left = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (item[i] != number) item[left++] = item[i];
    }
    list->count = left;
}

/* Takes what an anchor names out of the list; *known 0: its head cannot be made out. */
static int read_names(int *known, struct listing *l, uint64_t version, uint8_t *page, struct pcct_error *err)
{
    const struct store_folder *folder = l->folder;
    struct store_anchor anchor;
    char name[STORE_FILE_NAME_BYTES];
    uint64_t bytes = 0;
    int fd = -1, status;
    ssize_t got;

    *known = 0;
    store_anchor_name(name, version);
    status = store_file_open(&fd, &bytes, folder, folder->data, "data/", name, O_RDONLY, err);
    if (status != 0) return status == PCCT_E_DAMAGED || status == PCCT_E_NOT_FOUND ? 0 : status;
    got = base_os_pread(folder->env->os, fd, page, STORE_ANCHOR_HEAD_BYTES, 0);
    base_os_close(folder->env->os, fd);
    if (got < STORE_ANCHOR_HEAD_BYTES || store_anchor_decode(&anchor, page, folder->uuid, version, bytes)) return 0;
    for (uint32_t i = 0; i < anchor.pieces; i++) forget(&l->piece, anchor.piece[i].number);
    *known = 1;
    return 0;
}

int store_pieces_idle(struct base_vector *idle, uint64_t *newest, const struct store_folder *folder, struct pcct_error *err)
{
    struct listing l = {folder, {.item_bytes = sizeof(uint64_t)}, {.item_bytes = sizeof(uint64_t)}, err};
    const uint64_t *version, *number;
    uint64_t *place = NULL;
    uint8_t *page = NULL;
    int status = 0, known = 1;

    if (newest) *newest = 0;
    status = base_os_list(folder->env->os, folder->data, add_name, &l);
    if (status == -1) status = base_fail_errno(err, errno, "cannot list %s/data", folder->path);
    TRY(status);
    number = l.piece.memory.data;
    for (size_t i = 0; newest && i < l.piece.count; i++) *newest = number[i] > *newest ? number[i] : *newest;
    TRY(base_take(&page, folder->env, STORE_ANCHOR_HEAD_BYTES, 1, err));
    version = l.anchor.memory.data;
    for (size_t i = 0; known && i < l.anchor.count && l.piece.count > 0; i++) TRY(read_names(&known, &l, version[i], page, err));
    if (!known || l.piece.count == 0) goto done;
    TRY(base_vector_add(&place, idle, folder->env, l.piece.count, err));
    memcpy(place, l.piece.memory.data, l.piece.count * sizeof(*place));
done:
    base_free(folder->env, page);
    base_vector_free(&l.anchor, folder->env);
    base_vector_free(&l.piece, folder->env);
    return status;
}

/* The folder is synced first: after a crash an anchor that was removed may be there again, and what it names with it. */
int store_pieces_sweep(const struct store_folder *folder, struct pcct_error *err)
{
    struct base_vector idle = {.item_bytes = sizeof(uint64_t)};
    char name[STORE_FILE_NAME_BYTES];
    int status = 0;

    TRY(store_pieces_idle(&idle, NULL, folder, err));
    if (idle.count == 0) goto done;
    if (base_os_fsync(folder->env->os, folder->data) != 0) TRY(base_fail_errno(err, errno, "cannot write %s/data to the disk", folder->path));
    for (size_t i = 0; i < idle.count; i++) {
        store_piece_name(name, ((const uint64_t *)idle.memory.data)[i]);
        (void)base_os_unlink(folder->env->os, folder->data, name);
    }
done:
    base_vector_free(&idle, folder->env);
    return status;
}
