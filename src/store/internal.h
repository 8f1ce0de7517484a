/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/catalogue.h"
#include "store/journal.h"
#include "store/pins.h"

#include <pthread.h>

/* Frames that were written and are to be flushed and committed together (store/group.c). All zero: none. */
struct store_group {
    struct store_txn txn;         /* held, from the first frame on */
    struct base_vector frame;     /* struct store_tail: where they stand */
    enum store_durability durability;
    int pruning;                /* one of them is that of a pruning, which is alone */
    int broken;                 /* the code of a failure after which none of them can be committed */
    char cause[PCCT_MESSAGE_BYTES]; /* and its words */
};

/* An open store. folder, super and catalogue do not change while it is open; `writer` guards writing; `mutex` guards the two lists. */
struct store {
    struct store_folder folder;
    struct store_super super;
    struct store_catalogue *catalogue;
    int lock;                 /* descriptor of LOCK, whose byte STORE_WRITER_BYTE is the writer lock; STORE_MAINTENANCE_BYTE is of who
                               * writes an anchor or prunes */
    pid_t pid;                /* of the process that opened it */
    const uint32_t *mark;     /* tells whether this is that process; NULL: the pid does */
    enum store_durability durability;
    int unsynced;             /* this handle has committed without flushing; under `writer` */
    int read_only;            /* a feature flag says that this library must not write */
    int poisoned;             /* atomic: an fdatasync failed, and what is on the disk is unknown */
    struct store_pins pins;
    pthread_mutex_t writer;
    struct store_group group; /* under `writer` */
    pthread_mutex_t maintaining; /* with the lock on STORE_MAINTENANCE_BYTE, which threads of a handle share */
    pthread_mutex_t mutex;
    struct base_vector proved;   /* uint64_t: keys of anchors that were found sound (anchor_map.c) */
    struct base_vector rejected; /* uint64_t: versions whose anchors were found damaged */
};

/* One of which nothing is open yet; store_close takes it. */
int store_new(struct store **store, const struct base_env *env, struct pcct_error *err);

/* How many hex digits of an identity name a version. */
enum { STORE_DIGITS_LEAST = 4, STORE_DIGITS_MOST = 32 };

/* Bytes of LOCK; STORE_PINS_LOCK_BYTE is another. */
enum { STORE_WRITER_BYTE = 0, STORE_MAINTENANCE_BYTE = 1 };

/* Nobody may go on writing by this handle. Relaxed: nothing else is told by it. */
static inline void store_poison(struct store *store) { __atomic_store_n(&store->poisoned, 1, __ATOMIC_RELAXED); }
static inline int store_is_poisoned(const struct store *store) { return __atomic_load_n(&store->poisoned, __ATOMIC_RELAXED); }

/* Keeps others from writing an anchor, and from removing files that nothing leads to, meanwhile. wait 0: BUSY when somebody does. Who has the writer
 * lock may wait for it; not the other way round. */
int store_maintenance_lock(struct store *store, int wait, struct pcct_error *err);
void store_maintenance_unlock(struct store *store);

/* What stands in the catalogue about the store as a whole. */
struct store_state {
    uint64_t next_version, next_reflog;
    uint64_t frame_bytes; /* of all frames that were committed */
    struct store_tail tail;
    uint64_t prunes;      /* how often versions were taken away */
    uint64_t removed;     /* versions of which nothing is left */
};
int store_state_get(struct store_state *state, struct store_txn *txn, struct pcct_error *err); /* DAMAGED, also when the uuid is another store's */
int store_state_put(struct store_txn *txn, const struct store_state *state, struct pcct_error *err);

/* Returns DAMAGED, with words for what is wrong with the catalogue. */
int store_txn_damaged(struct pcct_error *err, const struct store_txn *txn, const char *what);

/* A branch or tag. *found 0: there is none of that name. */
int store_ref_get(int *found, struct store_ref *ref, struct store_txn *txn, const char *name, struct pcct_error *err);
int store_ref_put(struct store_txn *txn, const struct store_ref *ref, struct pcct_error *err);
int store_ref_decode(struct store_ref *ref, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes); /* 0: it is none */
/* A branch, which must be there. Errors: NOT_FOUND (naming it), INVALID (a tag), DAMAGED. */
int store_branch_get(uint64_t *version, struct store_txn *txn, const char *name, struct pcct_error *err);
/* What a frame other than a version's did to refs, done again. */
int store_ref_redo(struct store_txn *txn, const struct store_record *record, struct pcct_error *err);

/* A version's record and, if note is not NULL, its note (borrowed from the transaction). Version 0 has none: do not ask.
 * Errors: NOT_FOUND (naming it and the newest), DAMAGED. */
int store_record_get(struct store_record *record, const uint8_t **note, struct store_txn *txn, uint64_t version, struct pcct_error *err);
/* The record and what leads to it: write id and identity. */
int store_record_put(struct store_txn *txn, const struct store_record *record, const void *note, struct pcct_error *err);

/* The entry that tells of a frame. */
int store_reflog_put(struct store_txn *txn, uint64_t number, const struct store_record *record, struct pcct_error *err);
int store_reflog_decode(struct store_reflog_entry *entry, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes); /* 0: none */

/*
 * Writes one frame and commits the transaction that tells of it: steps 2 to 6 of store/group.c, as durable as the store is. The caller holds the
 * lock and read `state` under it. In: record (version.version, operation and all else but link, hashes, address and time), note, payload; put()
 * writes what the frame means and may change *after, which comes with the tail moved on and one entry of the reflog more. Out: the whole record.
 * After a failure nothing has changed.
 */
struct store_writing {
    struct store_record *record;
    const struct store_state *state;
    const void *note, *payload;
    int64_t time_ns; /* when it was made; 0: now */
    int (*put)(void *ctx, struct store_txn *txn, struct store_state *after, struct pcct_error *err);
    void *ctx;
};
int store_write(const struct store_writing *writing, struct store *store, struct pcct_error *err);
/* Steps 2 and 4 alone, for one more frame of the group; the state that it is told must be read after the one before. See store_group_commit. */
int store_group_add(struct store *store, const struct store_writing *writing, struct pcct_error *err);
int store_segment_put(struct store_txn *txn, const struct store_segment *segment, struct pcct_error *err);

/* Whether the catalogue lists an anchor of this version. */
int store_anchor_listed(int *listed, struct store_txn *txn, uint64_t version, struct pcct_error *err);
/* Whether the anchor of a version is all there is of its state: its frame is gone, or what that was to be applied to. */
int store_anchor_sole(int *sole, struct store_txn *txn, const struct store_version *version, struct pcct_error *err);
int store_anchor_list(struct store_txn *txn, uint64_t version, uint64_t file_bytes, uint64_t data_bytes, struct pcct_error *err);
int store_version_known(const struct base_vector *list, uint64_t version); /* of uint64_t */

#endif
