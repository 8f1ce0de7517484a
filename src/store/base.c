/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base.h"

#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

enum { AT_FORM = 0, AT_ZERO = 4, AT_NEXT = 8, AT_REFLOG = 16, AT_FRAME_BYTES = STORE_BASE_FRAME_BYTES,
       AT_PRUNES = 32, AT_REMOVED = 40, AT_REST = 48 };
enum { ENTRY_TABLE = 0, ENTRY_KEY_BYTES = 4, ENTRY_BYTES = 8, ENTRY_HEAD_BYTES = 16, FORM = 1 };

int store_base_begin(struct base_vector *payload, const struct base_env *env, const struct store_state *after, struct pcct_error *err)
{
    uint8_t *head = NULL;
    int status = 0;

    payload->count = 0;
    TRY(base_vector_add(&head, payload, env, STORE_BASE_HEAD_BYTES, err));
    memset(head, 0, STORE_BASE_HEAD_BYTES);
    store_put32(head, AT_FORM, FORM);
    store_put64(head, AT_NEXT, after->next_version);
    store_put64(head, AT_REFLOG, after->next_reflog);
    store_put64(head, AT_FRAME_BYTES, after->frame_bytes);
    store_put64(head, AT_PRUNES, after->prunes);
    store_put64(head, AT_REMOVED, after->removed);
done:
    return status;
}

int store_base_add(struct base_vector *payload, const struct base_env *env, const struct store_base_entry *entry, struct pcct_error *err)
{
    size_t bytes = ENTRY_HEAD_BYTES + store_round_up(entry->key_bytes + entry->bytes, 8);
    uint8_t *place = NULL;
    int status = 0;

    TRY(base_vector_add(&place, payload, env, bytes, err));
    memset(place, 0, bytes);
    store_put32(place, ENTRY_TABLE, (uint32_t)entry->table);
    store_put32(place, ENTRY_KEY_BYTES, (uint32_t)entry->key_bytes);
    store_put64(place, ENTRY_BYTES, entry->bytes);
    memcpy(place + ENTRY_HEAD_BYTES, entry->key, entry->key_bytes);
    memcpy(place + ENTRY_HEAD_BYTES + entry->key_bytes, entry->value, entry->bytes);
done:
    return status;
}

int store_base_next(struct store_base_entry *entry, size_t *at, const struct base_vector *payload, struct pcct_error *err)
{
    const uint8_t *bytes = payload->memory.data;
    uint64_t left;

    if (*at == 0) *at = STORE_BASE_HEAD_BYTES;
    if (*at == payload->count) return 0;
    left = payload->count - *at;
    if (left >= ENTRY_HEAD_BYTES) {
        uint32_t table = store_get32(bytes, *at + ENTRY_TABLE), key_bytes = store_get32(bytes, *at + ENTRY_KEY_BYTES);
        uint64_t value_bytes = store_get64(bytes, *at + ENTRY_BYTES);

        left -= ENTRY_HEAD_BYTES;
        if (table < STORE_TABLES && key_bytes <= left && value_bytes <= left - key_bytes && store_round_up(key_bytes + value_bytes, 8) <= left) {
            const uint8_t *key = bytes + *at + ENTRY_HEAD_BYTES;

            *entry = (struct store_base_entry){(enum store_table)table, key, key + key_bytes, key_bytes, value_bytes};
            *at += ENTRY_HEAD_BYTES + store_round_up(key_bytes + value_bytes, 8);
            return 1;
        }
    }
    return base_fail(err, PCCT_E_DAMAGED, "a frame that holds the catalogue is damaged: an entry of it cannot be");
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------------------ */

struct opened {
    int fd;
    uint64_t number, bytes;
};

static int find_base(int *found, struct store_scan *scan, uint64_t number, struct pcct_error *err)
{
    const struct store_folder *folder = scan->folder;
    struct pcct_error cause = {0, ""};
    struct store_segment segment = {0};
    struct store_record record;
    uint64_t bytes = 0;
    int status, fd = -1, head_sound = 0;

    *found = 0;
    status = store_segment_open(&fd, &bytes, folder, number, O_RDONLY, &cause);
    if (status == 0) status = store_segment_read(&segment, fd, bytes, folder, number, &cause);
    if (status == 0 && (segment.flags & STORE_SEGMENT_BASE)) {
        status = store_journal_read_at(&record, &head_sound, NULL, &scan->base, folder, fd, bytes, number, STORE_SEGMENT_HEAD_BYTES, &cause);
        if (status == 0 && record.operation == STORE_PRUNING && record.link == segment.link && scan->base.count >= STORE_BASE_HEAD_BYTES &&
            store_get32(scan->base.memory.data, AT_FORM) == FORM && store_zero(scan->base.memory.data, AT_REST, STORE_BASE_HEAD_BYTES)) {
            *found = 1;
            scan->base_record = record;
            scan->tail = (struct store_tail){number, STORE_SEGMENT_HEAD_BYTES + record.version.bytes, record.hash};
            scan->frames++;
            scan->bytes += record.version.bytes;
        }
    }
    if (fd >= 0) base_os_close(folder->env->os, fd);
    if (!*found) scan->base.count = 0;
    /* of other damage the walk tells */
    return status == PCCT_E_MEMORY || status == PCCT_E_PERMISSION ? base_fail(err, status, "%s", cause.message) : 0;
}

static int enter(struct opened *o, struct store_scan *scan, uint64_t number, struct pcct_error *err)
{
    if (o->fd >= 0 && o->number == number) return 0;
    if (o->fd >= 0) base_os_close(scan->folder->env->os, o->fd);
    o->fd = -1;
    o->number = number;
    return store_segment_open(&o->fd, &o->bytes, scan->folder, number, O_RDONLY, err);
}

/* A version that the base tells of, and its frame where it stands. */
static int add_version(struct store_scan *scan, struct opened *o, const struct store_base_entry *entry, struct base_vector scratch[2],
                       struct pcct_error *err)
{
    struct pcct_error cause = {0, ""};
    struct store_found *found = NULL;
    struct store_record record, frame;
    const char *wrong = store_record_decode(&record, entry->value, entry->bytes);
    int status = 0, head_sound = 0;

    if (wrong) return base_fail(err, PCCT_E_DAMAGED, "a frame that holds the catalogue is damaged: a version: %s", wrong);
    TRY(base_vector_add(&found, &scan->found, scan->folder->env, 1, err));
    *found = (struct store_found){.record = record, .note = (size_t)(entry->value + STORE_RECORD_BYTES - (uint8_t *)scan->base.memory.data)};
    if (record.version.flags & STORE_DROPPED) goto done;
    status = enter(o, scan, record.version.segment, &cause);
    if (status == 0) {
        status = store_journal_read_at(&frame, &head_sound, scan->fast ? NULL : &scratch[0], scan->fast ? NULL : &scratch[1], scan->folder, o->fd,
                                       o->bytes, record.version.segment, record.version.offset, &cause);
    }
    if (status == PCCT_E_MEMORY || status == PCCT_E_PERMISSION) TRY(base_fail(err, status, "%s", cause.message));
    if (status == 0 && frame.hash != record.hash) status = base_fail(&cause, PCCT_E_DAMAGED, "another frame stands in the place of its own");
    found->frame_sound = status == 0;
    if (status != 0) store_scan_report(scan, 1, "v%" PRIu64 ": %s", record.version.version, cause.message);
    status = 0;
    found->record.link = frame.link;
    memcpy(found->record.ref, head_sound ? frame.ref : "main", head_sound ? sizeof(frame.ref) : 5);
    scan->frames += (uint64_t)head_sound;
    scan->bytes += record.version.bytes;
done:
    return status;
}

static int add_segment(struct store_scan *scan, const struct store_base_entry *entry, struct pcct_error *err)
{
    struct store_segment *segment = NULL;
    int status = 0;

    if (entry->key_bytes != 8 || entry->bytes != 16 || store_get_key(entry->key) >= scan->tail.segment) return 0;
    TRY(base_vector_add(&segment, &scan->segment, scan->folder->env, 1, err));
    *segment = (struct store_segment){store_get_key(entry->key), store_get64(entry->value, 0), store_get64(entry->value, 8), 0};
done:
    return status;
}

static int take_base(struct store_scan *scan, struct pcct_error *err)
{
    struct base_vector scratch[2] = {{.item_bytes = 1}, {.item_bytes = 1}};
    struct opened opened = {-1, 0, 0};
    const uint8_t *head = scan->base.memory.data;
    struct store_base_entry entry;
    size_t at = 0;
    int status = 0, more;

    scan->base_next = store_get64(head, AT_NEXT);
    scan->base_reflog = store_get64(head, AT_REFLOG);
    scan->base_prunes = store_get64(head, AT_PRUNES);
    scan->base_removed = store_get64(head, AT_REMOVED);
    while ((more = store_base_next(&entry, &at, &scan->base, err)) == 1) {
        if (entry.table == STORE_VERSIONS) TRY(add_version(scan, &opened, &entry, scratch, err));
        if (entry.table == STORE_SEGMENTS) TRY(add_segment(scan, &entry, err));
    }
    status = more;
done:
    if (opened.fd >= 0) base_os_close(scan->folder->env->os, opened.fd);
    for (int i = 0; i < 2; i++) base_vector_free(&scratch[i], scan->folder->env);
    return status;
}

int store_base_read(struct store_scan *scan, uint64_t least, uint64_t last, struct pcct_error *err)
{
    int status = 0, found = 0;

    for (uint64_t number = last; number >= least && number > 0 && !found; number--) TRY(find_base(&found, scan, number, err));
    if (found) TRY(take_base(scan, err));
done:
    return status;
}
