/* SPDX-License-Identifier: Apache-2.0 */
#include "store/journal.h"

#include "base/watch.h"
#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

enum { PIECE_BYTES = 2 << 20 };

/* What stands before the payload, but for the head, which tells where it is. */
static int assemble(uint8_t **front, const struct store_record *record, const struct store_folder *folder, const void *note, struct pcct_error *err)
{
    uint64_t bytes = store_frame_payload_offset(record->note_bytes), note_end = STORE_HEAD_BYTES + record->note_bytes;
    int status = 0;

    TRY(base_take(front, folder->env, bytes, 1, err));
    if (record->note_bytes > 0) memcpy(*front + STORE_HEAD_BYTES, note, record->note_bytes);
    memset(*front + note_end, 0, bytes - note_end);
done:
    return status;
}

static int write_run(const struct store_folder *folder, int fd, const void *data, uint64_t bytes, uint64_t offset, struct pcct_error *err)
{
    if (bytes == 0 || base_os_pwrite(folder->env->os, fd, data, bytes, offset) >= 0) return 0;
    return base_fail_errno(err, errno, "cannot write the journal of %s", folder->path);
}

/* The payload is written from where it stands, since it can be large, in pieces, so that it is told how far it is. */
static int write_frame(const struct store_folder *folder, int fd, const struct store_record *record, const uint8_t *front, const void *payload,
                       struct pcct_error *err)
{
    static const uint8_t zeros[STORE_FRAME_ALIGNMENT];
    const struct store_version *v = &record->version;
    uint64_t before = store_frame_payload_offset(record->note_bytes), n = 0, end = before + record->payload_bytes;
    int status = 0;

    TRY(write_run(folder, fd, front, before, v->offset, err));
    for (uint64_t at = 0; at < record->payload_bytes; at += n) {
        n = record->payload_bytes - at < PIECE_BYTES ? record->payload_bytes - at : PIECE_BYTES;
        TRY(write_run(folder, fd, (const uint8_t *)payload + at, n, v->offset + before + at, err));
        base_watch_tell(folder->writer, (double)(at + n) / (double)record->payload_bytes);
        TRY(base_watch_check(folder->writer, err));
    }
    TRY(write_run(folder, fd, zeros, v->bytes - end, v->offset + end, err));
done:
    return status;
}

/* As large as the one before asks for; on a disk that has no room for that, as small as the first ones; and at last, just large enough. */
static int make_next(struct store_segment *next, const struct store_folder *folder, uint64_t before, uint64_t frame_bytes, struct pcct_error *err)
{
    const uint64_t size[3] = {store_segment_size(before, frame_bytes), store_segment_size(0, frame_bytes), store_segment_least(frame_bytes)};
    int status = PCCT_E_NOSPACE;

    for (int i = 0; i < 3 && status == PCCT_E_NOSPACE; i++) {
        if (i > 0 && size[i] == next->bytes) continue;
        next->bytes = size[i];
        status = store_segment_make(folder, next, err);
    }
    return status;
}

/* The frame does not fit behind the tail, or is to begin a segment: ends the tail's segment, so that no head of a frame that was given up remains
 * there, and makes the next. Opens it in place of *fd. */
static int move_on(int *fd, struct store_segment *made, struct store_tail *place, int *sync_failed, const struct store_folder *folder,
                   uint64_t segment_bytes, const struct store_record *record, struct pcct_error *err)
{
    static const uint8_t end[STORE_HEAD_BYTES];
    const int base = record->operation == STORE_PRUNING;
    struct store_segment next = {place->segment + 1, 0, place->link, base ? STORE_SEGMENT_BASE : 0};
    struct base_os *os = folder->env->os;
    int status = 0;

    if (place->offset + sizeof(end) <= segment_bytes && base_os_pwrite(os, *fd, end, sizeof(end), place->offset) < 0)
        return base_fail_errno(err, errno, "cannot write the journal of %s", folder->path);
    if (base_os_fdatasync(os, *fd) != 0) { /* also a full one: its frames may not have been flushed by their commits */
        *sync_failed = 1;
        return base_fail_errno(err, errno, "cannot write the journal of %s to the disk", folder->path);
    }
    /* behind a base the sizes begin anew, since mostly little is left before it */
    TRY(make_next(&next, folder, base ? 0 : segment_bytes, record->version.bytes, err));
    *made = next;
    base_os_close(os, *fd);
    *fd = -1;
    TRY(store_segment_open(fd, NULL, folder, next.number, O_RDWR, err));
    place->segment = next.number;
    place->offset = STORE_SEGMENT_HEAD_BYTES;
done:
    return status;
}

/* A segment that was made for the frame goes with it, if it is known what the disk holds. */
static void give_up(const struct store_folder *folder, const struct store_version *version, const struct store_segment *made, int sync_failed)
{
    char name[STORE_FILE_NAME_BYTES];

    store_journal_wipe(folder, version->segment, version->offset, !sync_failed);
    if (made->number == 0 || sync_failed) return;
    store_segment_name(name, made->number);
    (void)base_os_unlink(folder->env->os, folder->journal, name);
}

int store_journal_append(struct store_record *record, struct store_tail *end, struct store_segment *made, int *sync_failed,
                         const struct store_folder *folder, const struct store_tail *tail, const struct store_tail *since, const void *note,
                         const void *payload, struct pcct_error *err)
{
    struct store_version *v = &record->version;
    struct store_tail place = *tail;
    uint8_t *front = NULL;
    uint64_t segment_bytes = 0;
    int status = 0, fd = -1;

    *sync_failed = 0;
    *made = (struct store_segment){0, 0, 0, 0};
    record->link = tail->link;
    record->note_hash = base_hash64(note, record->note_bytes);
    record->payload_hash = base_hash64(payload, record->payload_bytes);
    v->bytes = store_frame_bytes(record->note_bytes, record->payload_bytes);
    if (v->bytes == 0) return base_fail(err, PCCT_E_LIMIT, "a commit of %" PRIu64 " bytes is more than the format can hold", record->payload_bytes);
    TRY(assemble(&front, record, folder, note, err));
    TRY(store_segment_open(&fd, &segment_bytes, folder, place.segment, O_RDWR, err));
    if (place.offset > segment_bytes) {
        status = base_fail(err, PCCT_E_DAMAGED, "%s/journal/J%08" PRIx64 " is cut off; `pcct fsck` tells what is left", folder->path, place.segment);
        goto done;
    }
    if (v->bytes > segment_bytes - place.offset || record->operation == STORE_PRUNING)
        TRY(move_on(&fd, made, &place, sync_failed, folder, segment_bytes, record, err));
    v->segment = place.segment;
    v->offset = place.offset;
    /* what was before this segment was flushed when it was made */
    record->since = place.offset - (since->segment == place.segment ? since->offset : STORE_SEGMENT_HEAD_BYTES);
    store_head_encode(front, record);
    status = write_frame(folder, fd, record, front, payload, err);
    if (status != 0) give_up(folder, v, made, *sync_failed);
    else *end = (struct store_tail){place.segment, place.offset + v->bytes, record->hash};
done:
    if (fd >= 0) base_os_close(folder->env->os, fd);
    base_free(folder->env, front);
    return status;
}

int store_journal_flush(int *sync_failed, const struct store_folder *folder, uint64_t segment, struct pcct_error *err)
{
    int status = 0, fd = -1;

    *sync_failed = 0;
    TRY(store_segment_open(&fd, NULL, folder, segment, O_RDWR, err));
    if (base_os_fdatasync(folder->env->os, fd) != 0) {
        *sync_failed = 1;
        status = base_fail_errno(err, errno, "cannot write the journal of %s to the disk", folder->path);
    }
    base_os_close(folder->env->os, fd);
done:
    return status;
}

void store_journal_wipe(const struct store_folder *folder, uint64_t segment, uint64_t offset, int sync)
{
    static const uint8_t nothing[STORE_HEAD_BYTES];
    struct base_os *os = folder->env->os;
    int fd = -1;

    if (store_segment_open(&fd, NULL, folder, segment, O_RDWR, NULL) != 0) return;
    if (base_os_pwrite(os, fd, nothing, sizeof(nothing), offset) >= 0 && sync) (void)base_os_fdatasync(os, fd);
    base_os_close(os, fd);
}

static int bad_frame(struct pcct_error *err, const struct store_folder *folder, uint64_t segment, uint64_t offset, const char *wrong)
{
    return base_fail(err, PCCT_E_DAMAGED, "%s/journal/J%08" PRIx64 " is damaged: the frame at byte %" PRIu64 ": %s", folder->path, segment, offset,
                     wrong);
}

/* n bytes of the file into a vector, and their hash. */
static int read_part(struct base_vector *part, const struct store_folder *folder, int fd, uint64_t offset, uint64_t n, uint64_t hash,
                     const char **wrong, const char *what, struct pcct_error *err)
{
    uint8_t *bytes = NULL;
    ssize_t got;
    int status = 0;

    if (!part) return 0;
    part->count = 0;
    TRY(base_vector_add(&bytes, part, folder->env, n, err));
    got = base_os_pread(folder->env->os, fd, bytes, n, offset);
    if (got < 0) status = base_fail_errno(err, errno, "cannot read the journal of %s", folder->path);
    else if ((uint64_t)got != n || base_hash64(bytes, n) != hash) *wrong = what;
done:
    return status;
}

int store_journal_read_at(struct store_record *record, int *head_sound, struct base_vector *note, struct base_vector *payload,
                          const struct store_folder *folder, int fd, uint64_t bytes, uint64_t segment, uint64_t offset, struct pcct_error *err)
{
    uint8_t head[STORE_HEAD_BYTES];
    const char *wrong = NULL;
    ssize_t got;
    int status = 0;

    *head_sound = 0;
    if (offset > bytes || bytes - offset < sizeof(head)) return bad_frame(err, folder, segment, offset, "the file ends before it");
    got = base_os_pread(folder->env->os, fd, head, sizeof(head), offset);
    if (got < 0) return base_fail_errno(err, errno, "cannot read %s/journal/J%08" PRIx64, folder->path, segment);
    wrong = (size_t)got < sizeof(head) ? "the file ends within it" : store_head_decode(record, head);
    if (wrong) return bad_frame(err, folder, segment, offset, wrong);
    *head_sound = 1;
    record->version.segment = segment;
    record->version.offset = offset;
    if (record->version.bytes > bytes - offset) return bad_frame(err, folder, segment, offset, "the file ends within it");
    TRY(read_part(note, folder, fd, offset + STORE_HEAD_BYTES, record->note_bytes, record->note_hash, &wrong, "the checksum of its note is wrong",
                  err));
    if (!wrong) {
        TRY(read_part(payload, folder, fd, offset + store_frame_payload_offset(record->note_bytes), record->payload_bytes, record->payload_hash,
                      &wrong, "the checksum of its payload is wrong", err));
    }
    if (wrong) status = bad_frame(err, folder, segment, offset, wrong);
done:
    return status;
}

int store_journal_read(struct store_record *record, struct base_vector *note, struct base_vector *payload, const struct store_folder *folder,
                       uint64_t segment, uint64_t offset, struct pcct_error *err)
{
    uint64_t bytes = 0;
    int status = 0, fd = -1, head_sound;

    TRY(store_segment_open(&fd, &bytes, folder, segment, O_RDONLY, err));
    TRY(store_journal_read_at(record, &head_sound, note, payload, folder, fd, bytes, segment, offset, err));
done:
    if (fd >= 0) base_os_close(folder->env->os, fd);
    return status;
}
