/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sweep.h"

#include "store/anchor.h"
#include "store/bytes.h"
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

enum { LEAST_HOLE_BYTES = 64 << 10, BLOCK_BYTES = 4096 };

struct sweep {
    struct store *store;
    struct store_txn txn;
    struct store_state state;
    struct base_vector listed; /* uint64_t: segments */
    struct base_vector idle;   /* uint64_t: files to remove */
    struct pcct_error *err;
    /* where frames that stay were met last */
    int fd;
    uint64_t segment, offset, bytes, base;
};

static int list_segment(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct sweep *s = ctx;
    uint64_t *number = NULL;
    int status = 0;

    (void)value;
    (void)bytes;
    if (key_bytes != 8) return 0;
    TRY(base_vector_add(&number, &s->listed, s->store->folder.env, 1, err));
    *number = store_get_key(key);
done:
    return status;
}

static int add_idle(struct sweep *s, uint64_t number)
{
    uint64_t *place = NULL;
    int status = base_vector_add(&place, &s->idle, s->store->folder.env, 1, s->err);

    if (status == 0) *place = number;
    return status;
}

static int look_at_segment(void *ctx, const char *name)
{
    struct sweep *s = ctx;
    uint64_t number = 0;
    char expected[STORE_FILE_NAME_BYTES];

    if (sscanf(name, "J%" SCNx64, &number) != 1 || number >= s->state.tail.segment || store_version_known(&s->listed, number)) return 0;
    store_segment_name(expected, number);
    return strcmp(name, expected) == 0 ? add_idle(s, number) : 0;
}

/* One that is not listed is left of a crash, or was found damaged when the catalogue was made anew: whoever writes or drops one now has the lock that
 * the caller holds. It goes where frames lead to the version; else it stays, since parts of it may be all that is left. */
static int is_idle(struct sweep *s, uint64_t version)
{
    struct store_record record;
    int status = store_record_get(&record, NULL, &s->txn, version, NULL), listed = 1, sole = 1;

    if (status == PCCT_E_NOT_FOUND) return 1;
    if (status != 0 || store_anchor_listed(&listed, &s->txn, version, NULL) != 0 || listed) return 0;
    return store_anchor_sole(&sole, &s->txn, &record.version, NULL) == 0 && !sole;
}

static int look_at_anchor(void *ctx, const char *name)
{
    struct sweep *s = ctx;
    uint64_t version = 0;
    char expected[STORE_FILE_NAME_BYTES];

    if (sscanf(name, "A%" SCNx64, &version) != 1 || version >= s->state.next_version) return 0;
    store_anchor_name(expected, version);
    return strcmp(name, expected) == 0 && is_idle(s, version) ? add_idle(s, version) : 0;
}

static int remove_idle(struct sweep *s, int folder, int (*look)(void *ctx, const char *name), void (*name)(char *, uint64_t), struct pcct_error *err)
{
    struct base_os *os = s->store->folder.env->os;
    char file[STORE_FILE_NAME_BYTES];
    const uint64_t *number;
    int result;

    s->idle.count = 0;
    result = base_os_list(os, folder, look, s);
    if (result == -1) return base_fail_errno(err, errno, "cannot list the files of %s", s->store->folder.path);
    if (result != 0) return result;
    number = s->idle.memory.data;
    for (size_t i = 0; i < s->idle.count; i++) {
        name(file, number[i]);
        (void)base_os_unlink(os, folder, file);
    }
    return 0;
}

/* What is left of an anchor or a piece whose writer was stopped: it held the maintenance lock, as who sweeps does now. */
static int remove_half_made(void *ctx, const char *name)
{
    const struct sweep *s = ctx;
    const size_t length = strlen(name);

    if ((name[0] == 'A' || name[0] == 'P') && length > 4 && strcmp(name + length - 4, ".new") == 0)
        (void)base_os_unlink(s->store->folder.env->os, s->store->folder.data, name);
    return 0;
}

/* Between the last frame that stays and `to`. */
static void punch(struct sweep *s, uint64_t to)
{
    uint64_t from = store_round_up(s->offset, BLOCK_BYTES);

    to -= to % BLOCK_BYTES;
    if (s->fd >= 0 && to > from && to - from >= LEAST_HOLE_BYTES) (void)base_os_punch(s->store->folder.env->os, s->fd, from, to - from);
}

static void leave(struct sweep *s)
{
    if (s->fd < 0) return;
    punch(s, s->bytes);
    base_os_close(s->store->folder.env->os, s->fd);
    s->fd = -1;
}

/* Frames stand in the order of versions. */
static int pass_frame(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct sweep *s = ctx;
    struct store_record record;

    (void)key;
    (void)key_bytes;
    (void)err;
    if (!value || store_record_decode(&record, value, bytes)) return 1; /* nothing is punched where it is not known what stands */
    if (record.version.flags & STORE_DROPPED) return 0;
    if (record.version.segment >= s->base) return 1;
    if (record.version.segment != s->segment) { /* one that cannot be opened is passed over as a whole */
        leave(s);
        s->segment = record.version.segment;
        s->offset = STORE_SEGMENT_HEAD_BYTES;
        if (store_segment_open(&s->fd, &s->bytes, &s->store->folder, s->segment, O_RDWR, NULL) != 0) s->fd = -1;
    }
    punch(s, record.version.offset);
    s->offset = record.version.offset + record.version.bytes;
    return 0;
}

/* The last segment that begins with a base: what stands before it is only looked at by the addresses of versions. */
static void find_base(struct sweep *s)
{
    const uint64_t *number = s->listed.memory.data;

    s->base = 0;
    for (size_t i = s->listed.count; i-- > 0 && s->base == 0;) {
        struct store_segment segment = {0};
        uint64_t bytes = 0;
        int fd = -1;

        if (store_segment_open(&fd, &bytes, &s->store->folder, number[i], O_RDONLY, NULL) != 0) continue;
        if (store_segment_read(&segment, fd, bytes, &s->store->folder, number[i], NULL) == 0 && (segment.flags & STORE_SEGMENT_BASE))
            s->base = number[i];
        base_os_close(s->store->folder.env->os, fd);
    }
}

int store_sweep(struct store *store, struct pcct_error *err)
{
    struct sweep s = {.store = store, .listed.item_bytes = sizeof(uint64_t), .idle.item_bytes = sizeof(uint64_t), .err = err, .fd = -1};
    int status = 0;

    TRY(store_txn_begin(&s.txn, store->catalogue, &store->folder, 0, err));
    TRY(store_state_get(&s.state, &s.txn, err));
    TRY(store_txn_each(&s.txn, STORE_SEGMENTS, NULL, 0, list_segment, &s, err));
    TRY(remove_idle(&s, store->folder.journal, look_at_segment, store_segment_name, err));
    TRY(remove_idle(&s, store->folder.data, look_at_anchor, store_anchor_name, err));
    TRY(store_pieces_sweep(&store->folder, err));
    (void)base_os_list(store->folder.env->os, store->folder.data, remove_half_made, &s); /* what it passes over the next sweep meets */
    find_base(&s);
    if (s.base > 0) TRY(store_txn_each(&s.txn, STORE_VERSIONS, NULL, 0, pass_frame, &s, err));
    leave(&s);
done:
    if (s.fd >= 0) base_os_close(store->folder.env->os, s.fd);
    store_txn_abort(&s.txn);
    base_vector_free(&s.listed, store->folder.env);
    base_vector_free(&s.idle, store->folder.env);
    return status;
}
