/* SPDX-License-Identifier: Apache-2.0 */
#include "store/segment.h"

#include "base/watch.h"
#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

enum { AT_MAGIC = 0, AT_HEAD_BYTES = 8, AT_FLAGS = 12, AT_UUID = 16, AT_NUMBER = 32, AT_BYTES = 40, AT_LINK = 48, AT_ZERO = 56, AT_HASH = 248 };
_Static_assert(AT_HASH + 8 == STORE_SEGMENT_HEAD_BYTES, "the hash ends the head of a segment");

enum { LEAST_BYTES = 1 << 20, MOST_BYTES = 64 << 20, PIECE_BYTES = 1 << 20, UNIT_BYTES = 64 << 10 };

static const char magic[8] = {'P', 'C', 'C', 'T', 'S', 'E', 'G', '1'};

void store_segment_name(char name[STORE_FILE_NAME_BYTES], uint64_t number)
{
    snprintf(name, STORE_FILE_NAME_BYTES, "J%08" PRIx64, number);
}

uint64_t store_segment_first_link(const uint8_t uuid[16])
{
    return base_hash64(uuid, 16);
}

uint64_t store_segment_least(uint64_t frame_bytes)
{
    return store_round_up(STORE_SEGMENT_HEAD_BYTES + frame_bytes, UNIT_BYTES);
}

uint64_t store_segment_size(uint64_t before, uint64_t frame_bytes)
{
    uint64_t bytes = LEAST_BYTES, need = store_segment_least(frame_bytes);

    while (bytes <= before && bytes < MOST_BYTES) bytes *= 2;
    return bytes < need ? need : bytes;
}

struct filling {
    const struct store_folder *folder;
    const struct store_segment *segment;
    uint8_t *piece; /* PIECE_BYTES zeros */
};

/* Room is asked for first: a full disk is then told before anything is written. A file system that cannot do so is written to all the same. */
static int fill(void *ctx, int fd, struct pcct_error *err)
{
    const struct filling *f = ctx;
    struct base_os *os = f->folder->env->os;
    uint64_t bytes = f->segment->bytes;
    int status = 0;

    if (base_os_fallocate(os, fd, 0, bytes) != 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
        return base_fail_errno(err, errno, "no room for %" PRIu64 " bytes of journal in %s", bytes, f->folder->path);
    }
    for (uint64_t at = 0; at < bytes; at += PIECE_BYTES) {
        uint64_t n = bytes - at < PIECE_BYTES ? bytes - at : PIECE_BYTES;

        if (base_os_pwrite(os, fd, f->piece, n, at) < 0) {
            TRY(base_fail_errno(err, errno, "cannot write the journal of %s", f->folder->path));
        }
        memset(f->piece, 0, STORE_SEGMENT_HEAD_BYTES);
        base_watch_tell(f->folder->writer, 0);
        TRY(base_watch_check(f->folder->writer, err));
    }
done:
    return status;
}

int store_segment_make(const struct store_folder *folder, const struct store_segment *segment, struct pcct_error *err)
{
    struct filling filling = {folder, segment, NULL};
    char name[STORE_FILE_NAME_BYTES];
    int status = 0;

    TRY(base_take_zero(&filling.piece, folder->env, PIECE_BYTES, 1, err));
    store_put_bytes(filling.piece, AT_MAGIC, magic, sizeof(magic));
    store_put32(filling.piece, AT_HEAD_BYTES, STORE_SEGMENT_HEAD_BYTES);
    store_put32(filling.piece, AT_FLAGS, segment->flags);
    store_put_bytes(filling.piece, AT_UUID, folder->uuid, sizeof(folder->uuid));
    store_put64(filling.piece, AT_NUMBER, segment->number);
    store_put64(filling.piece, AT_BYTES, segment->bytes);
    store_put64(filling.piece, AT_LINK, segment->link);
    store_put64(filling.piece, AT_HASH, base_hash64(filling.piece, AT_HASH));
    store_segment_name(name, segment->number);
    TRY(store_file_make(folder, folder->journal, "journal/", name, fill, &filling, err));
done:
    base_free(folder->env, filling.piece);
    return status;
}

int store_segment_open(int *fd, uint64_t *bytes, const struct store_folder *folder, uint64_t number, int flags, struct pcct_error *err)
{
    char name[STORE_FILE_NAME_BYTES];
    int status;

    store_segment_name(name, number);
    status = store_file_open(fd, bytes, folder, folder->journal, "journal/", name, flags, err);
    if (status == PCCT_E_NOT_FOUND) return base_fail(err, PCCT_E_DAMAGED, "%s/journal/%s is missing", folder->path, name);
    return status;
}

int store_segment_read(struct store_segment *segment, int fd, uint64_t bytes, const struct store_folder *folder, uint64_t number,
                       struct pcct_error *err)
{
    uint8_t head[STORE_SEGMENT_HEAD_BYTES];
    char name[STORE_FILE_NAME_BYTES];
    const char *wrong = NULL;
    ssize_t got;

    store_segment_name(name, number);
    got = base_os_pread(folder->env->os, fd, head, sizeof(head), 0);
    if (got < 0) return base_fail_errno(err, errno, "cannot read %s/journal/%s", folder->path, name);
    if ((size_t)got < sizeof(head)) wrong = "it is cut off";
    else if (memcmp(head + AT_MAGIC, magic, sizeof(magic)) != 0) wrong = "it does not begin like a segment";
    else if (store_get64(head, AT_HASH) != base_hash64(head, AT_HASH)) wrong = "the checksum of its head is wrong";
    else if (store_get32(head, AT_HEAD_BYTES) != sizeof(head) || store_get32(head, AT_FLAGS) > STORE_SEGMENT_BASE ||
             !store_zero(head, AT_ZERO, AT_HASH)) {
        wrong = "its head is of an unknown kind";
    } else if (memcmp(head + AT_UUID, folder->uuid, sizeof(folder->uuid)) != 0) wrong = "it belongs to another store";
    else if (store_get64(head, AT_NUMBER) != number) wrong = "it is another segment";
    if (wrong) return base_fail(err, PCCT_E_DAMAGED, "%s/journal/%s is damaged: %s", folder->path, name, wrong);
    *segment = (struct store_segment){number, store_get64(head, AT_BYTES), store_get64(head, AT_LINK), store_get32(head, AT_FLAGS)};
    if (bytes < segment->bytes)
        return base_fail(err, PCCT_E_DAMAGED, "%s/journal/%s is cut off: %" PRIu64 " bytes of %" PRIu64, folder->path, name, bytes, segment->bytes);
    return 0;
}

int store_segment_uuid(uint8_t uuid[16], const struct store_folder *folder, uint64_t number)
{
    uint8_t head[STORE_SEGMENT_HEAD_BYTES];
    ssize_t got;
    int fd = -1;

    if (store_segment_open(&fd, NULL, folder, number, O_RDONLY, NULL) != 0) return 0;
    got = base_os_pread(folder->env->os, fd, head, sizeof(head), 0);
    base_os_close(folder->env->os, fd);
    if (got != sizeof(head) || memcmp(head + AT_MAGIC, magic, sizeof(magic)) != 0) return 0;
    if (store_get64(head, AT_HASH) != base_hash64(head, AT_HASH)) return 0;
    store_get_bytes(uuid, head, AT_UUID, 16);
    return 1;
}
