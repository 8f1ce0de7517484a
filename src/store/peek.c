/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

static int move_to(struct store_peek *peek, uint64_t segment, struct pcct_error *err)
{
    const struct store_folder *folder = &peek->store->folder;
    struct base_os *os = folder->env->os;
    uint64_t bytes = 0;
    int status = 0, fd = -1;
    void *map;

    store_peek_end(peek);
    TRY(store_segment_open(&fd, &bytes, folder, segment, O_RDONLY, err));
    if (bytes == 0) {
        status = base_fail(err, PCCT_E_DAMAGED, "%s/journal/J%08" PRIx64 " is empty", folder->path, segment);
        goto done;
    }
    map = base_os_mmap(os, NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        status = base_fail_errno(err, errno, "cannot map %s/journal/J%08" PRIx64, folder->path, segment);
        goto done;
    }
    peek->map = map;
    peek->segment = segment;
    peek->bytes = bytes;
done:
    if (fd >= 0) base_os_close(os, fd);
    return status;
}

void store_peek_end(struct store_peek *peek)
{
    if (peek->map) base_os_munmap(peek->store->folder.env->os, peek->map, peek->bytes);
    peek->map = NULL;
}

int store_peek(const uint8_t **payload, uint64_t *bytes, struct store_peek *peek, const struct store_version *version, struct pcct_error *err)
{
    struct store_record record;
    const char *wrong = NULL;
    const uint8_t *head;
    int status = 0;

    *payload = NULL;
    TRY(store_check_process(peek->store, err));
    if (!peek->map || peek->segment != version->segment) TRY(move_to(peek, version->segment, err));
    if (version->offset > peek->bytes || version->bytes > peek->bytes - version->offset) wrong = "the file ends before or within it";
    else {
        head = (const uint8_t *)peek->map + version->offset;
        wrong = store_head_decode(&record, head);
        if (!wrong && (record.operation != STORE_COMMITTED || record.version.version != version->version || record.version.bytes != version->bytes ||
                       memcmp(&record.version.identity, &version->identity, sizeof(version->identity)) != 0)) {
            wrong = "it is another version's";
        }
    }
    if (wrong) {
        status = base_fail(err, PCCT_E_DAMAGED,
                           "v%" PRIu64 " cannot be read: %s/journal/J%08" PRIx64 " is damaged: the frame at byte %" PRIu64 ": %s",
                           version->version, peek->store->folder.path, version->segment, version->offset, wrong);
        goto done;
    }
    *payload = head + store_frame_payload_offset(record.note_bytes);
    *bytes = record.payload_bytes;
done:
    return status;
}
