/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

static int add_map(struct store_peek *peek, uint64_t segment, struct pcct_error *err)
{
    const struct store_folder *folder = &peek->store->folder;
    struct base_os *os = folder->env->os;
    struct store_peek_map *item = NULL;
    uint64_t bytes = 0;
    int status = 0, fd = -1;
    void *map;

    TRY(store_segment_open(&fd, &bytes, folder, segment, O_RDONLY, err));
    if (bytes == 0) {
        status = base_fail(err, PCCT_E_DAMAGED, "%s/journal/J%08" PRIx64 " is empty", folder->path, segment);
        goto done;
    }
    TRY(base_vector_add(&item, &peek->map, folder->env, 1, err));
    map = base_os_mmap(os, NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        peek->map.count--;
        status = base_fail_errno(err, errno, "cannot map %s/journal/J%08" PRIx64, folder->path, segment);
        goto done;
    }
    *item = (struct store_peek_map){map, segment, bytes};
done:
    if (fd >= 0) base_os_close(os, fd);
    return status;
}

/* A way goes through the segments one after the other, so the last one is nearly always it. */
static int find_map(struct store_peek_map *found, struct store_peek *peek, uint64_t segment, struct pcct_error *err)
{
    const struct store_peek_map *map = peek->map.memory.data;
    size_t i = peek->last;
    int status = 0;

    if (i >= peek->map.count || map[i].segment != segment) {
        for (i = 0; i < peek->map.count && map[i].segment != segment;) i++;
    }
    if (i == peek->map.count) TRY(add_map(peek, segment, err));
    map = peek->map.memory.data;
    peek->last = i;
    *found = map[i];
done:
    return status;
}

void store_peek_begin(struct store_peek *peek, struct store *store)
{
    *peek = (struct store_peek){.store = store, .map.item_bytes = sizeof(struct store_peek_map)};
}

void store_peek_end(struct store_peek *peek)
{
    const struct store_peek_map *map = peek->map.memory.data;

    for (size_t i = 0; i < peek->map.count; i++) base_os_munmap(peek->store->folder.env->os, map[i].data, map[i].bytes);
    base_vector_free(&peek->map, peek->store->folder.env);
}

int store_peek(const uint8_t **payload, uint64_t *bytes, struct store_peek *peek, const struct store_version *version, struct pcct_error *err)
{
    struct store_peek_map map = {0};
    struct store_record record;
    const char *wrong = NULL;
    const uint8_t *head;
    int status = 0;

    *payload = NULL;
    TRY(store_check_process(peek->store, err));
    TRY(find_map(&map, peek, version->segment, err));
    if (version->offset > map.bytes || version->bytes > map.bytes - version->offset) wrong = "the file ends before or within it";
    else {
        head = (const uint8_t *)map.data + version->offset;
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
