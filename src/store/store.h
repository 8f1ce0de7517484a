/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/hash.h"
#include "base/memory.h"
#include "index/image.h"

#include <pcct/metric.h>

/*
 * The files of a store: SUPER, catalogue, journal, anchors, LOCK, BALLAST. It knows frames and arrays as bytes, not what they mean.
 * formats/pcct-store.md describes every byte. Threads: reading calls may run at once; writing calls are for the one that holds the writer lock
 * (store_lock), which also keeps out other threads of the same handle.
 */
struct store;

enum { STORE_FORMAT = 1, STORE_NAME_BYTES = 64 };

/* Bits of `incompatible`. */
enum { STORE_FEATURE_CUSTOM = 1, STORE_FEATURE_PIECES = 2 /* anchors share pieces; of every store that is made now */ };

/* What never changes. */
struct store_super {
    uint8_t uuid[16];
    uint32_t format;
    uint32_t dim;        /* columns of the caller's rows */
    uint32_t metric;     /* METRIC_... */
    uint32_t dtype;      /* 1: float64 */
    uint64_t seed;
    uint64_t incompatible, read_only_compatible; /* feature flags */
    char custom[PCCT_METRIC_NAME_BYTES]; /* STORE_FEATURE_CUSTOM: the custom metric's name; else "" */
    int64_t created_ns;
};

/* Makes the store in a temporary folder beside `path` and renames it, so that it is there whole or not at all. super->uuid, format, created_ns are
 * filled in here. The path must not exist (EXISTS). */
int store_create(const char *path, struct store_super *super, const struct base_env *env, struct pcct_error *err);

/* Errors: NOT_FOUND, NOT_A_STORE, FORMAT, DAMAGED (naming the file), PERMISSION, FILESYSTEM, IO, MEMORY. */
int store_open(struct store **store, const char *path, const struct base_env *env, struct pcct_error *err);
/* The same otherwise than for reading and writing with full durability. */
enum store_durability {
    STORE_FULL = 0, /* a commit is on the disk, whatever happens: three flushes */
    STORE_WAL = 1,  /* the same, but by one: the catalogue is written behind, and made anew from the journal if the machine went down */
    STORE_NONE = 2  /* a commit survives the end of the process only */
};
struct store_options {
    int immutable; /* nobody writes to it: nothing is written, locked or counted, so it may stand where that cannot be done */
    enum store_durability durability;
};
int store_open_as(struct store **store, const char *path, const struct store_options *options, const struct base_env *env, struct pcct_error *err);
void store_close(struct store *store);
const struct store_super *store_super(const struct store *store);

/* 1 in a child of the process that opened it. */
int store_forked(const struct store *store);
/* Errors: FORKED, in a child of the process that opened it. */
int store_check_process(const struct store *store, struct pcct_error *err);
/* Errors: CONFLICT, when the store was removed or its catalogue was made anew since it was opened: what is read is not what others have. */
int store_check_current(const struct store *store, struct pcct_error *err);

/* Who uses which version, and waiting for commits: store/pins.h. A commit announces itself there. */
struct store_pins *store_pins(struct store *store);

/* The writer lock: across processes by an OFD lock on LOCK, across threads of this handle by a mutex. BUSY when wait is 0 and it is held. */
int store_lock(struct store *store, int wait, struct pcct_error *err);
void store_unlock(struct store *store);

/* One version. Version 0 is the empty one: it has no record, identity all zero. */
struct store_version {
    uint64_t version, parent, state_parent;
    uint64_t generation;          /* parents up to version 0 */
    uint64_t flags;               /* STORE_PRUNED, STORE_DROPPED */
    uint64_t kept;                /* the nearest ancestor that is not pruned: the parent, as long as that is not */
    uint64_t jump;                /* an ancestor, for O(log) steps back (skew-binary jump pointers) */
    uint64_t redo_frames, redo_bytes; /* from the nearest anchor at or before it on the state chain (or from version 0) up to it */
    uint64_t segment, offset, bytes;  /* its frame */
    uint64_t n_rows, n_live, inserted, deleted;
    int64_t time_ns;
    struct base_hash128 identity, content; /* content: of the batch as asked for, to answer a repeated write id */
    uint8_t write_id[16];         /* all zero: none */
};

/* A version that was pruned has no name any more, but stays as long as the state of another rests on it; its frame goes before it does when an anchor
 * has its state. Then that anchor is all there is of it. */
enum { STORE_PRUNED = 1, STORE_DROPPED = 2 };

/* A version's note: message and user keys, as bytes: message, 0, then key, 0, value, 0, ... ascending by key. */

/* Errors: NOT_FOUND (naming the number), DAMAGED, IO. `note` (may be NULL) is replaced by the version's note (item_bytes 1). */
int store_version(struct store_version *out, struct base_vector *note, struct store *store, uint64_t version, struct pcct_error *err);
int store_head(uint64_t *version, struct store *store, const char *ref, struct pcct_error *err); /* NOT_FOUND names the ref */
int store_revision(uint64_t *version, struct store *store, const char *text, struct pcct_error *err); /* see pcct/view.h */
/* Up to `most` versions at once, newest first, from *next on: each one's nearest ancestor that is kept, before `stop` (0: none); with
 * `all`, by number,
 * all that are not pruned, from UINT64_MAX: the newest. *next: where to go on; 0: no more. told (struct store_told) and note (item_bytes 1) are
 * replaced. What cannot be read ends the list, or fails when it comes first. Errors: those of store_version. */
struct store_told {
    struct store_version version;
    uint64_t note_at, note_bytes; /* in `note` */
};
int store_history(struct base_vector *told, struct base_vector *note, uint64_t *next, struct store *store, uint64_t stop, int all, size_t most,
                  struct pcct_error *err);
/* The newest version that is an ancestor of both, or one of them; 0: the empty one. O(log) records are read. */
int store_common_ancestor(uint64_t *version, struct store *store, uint64_t a, uint64_t b, struct pcct_error *err);
/* The versions that `to` (n of them) and what they rest on are made of, by parents and state parents, without those that `from` is made of; ascending
 * (struct store_version, replaced). Errors: NOT_FOUND (one of them was pruned, and its frame is gone), DAMAGED, MEMORY. */
int store_range(struct base_vector *versions, struct store *store, uint64_t from, const uint64_t *to, size_t n, struct pcct_error *err);
/* *found: 1 and a version with this identity, one that is not pruned if there is one. That of zeros is version 0's. */
int store_identity(int *found, uint64_t *version, struct store *store, const struct base_hash128 *identity, struct pcct_error *err);
/* *found: 1 and the version when this write id was committed. */
int store_write_id(int *found, struct store_version *out, struct store *store, const uint8_t write_id[16], struct pcct_error *err);

/* Commits one version with full durability (page 02 section 3, steps 2 to 5); the caller holds the lock and has checked the head. In: parent,
 * state_parent, counts, identity, content, write_id; out: version, generation, jump, redo_*, address, time_ns. After a failure nothing has changed.
 * After EIO from fdatasync the handle refuses further commits. Errors: NOSPACE, IO, MEMORY, DAMAGED. */
int store_commit(struct store_version *record, struct store *store, const char *ref, const void *note, size_t note_bytes, const void *payload,
                 size_t payload_bytes, struct pcct_error *err);

/*
 * Commits that share their flushes. The caller holds the lock for the whole of it; each store_group_commit is as store_commit, but what it made is
 * not committed before store_group_end returns 0, and until then is seen by this thread alone, in whatever it reads of the store. One that fails
 * leaves those before it as they are, unless it breaks the group: then, and when store_group_end fails, none of them has happened. Whoever called
 * the first must call the second, before anything else is written. So many commits, and about so many bytes, are flushed together at most, so that
 * the first of them need not wait for ever.
 */
enum { STORE_GROUP_MOST = 64, STORE_GROUP_BYTES = 16 << 20 };
int store_group_commit(struct store_version *record, struct store *store, const char *ref, const void *note, size_t note_bytes, const void *payload,
                       size_t payload_bytes, struct pcct_error *err);
/* A version as it was made in another store: at no branch, with the time and, unless that is another version's here, the write id of record. */
struct store_bytes {
    const void *note, *payload;
    size_t note_bytes, payload_bytes;
};
int store_group_adopt(struct store_version *record, struct store *store, const struct store_bytes *bytes, struct pcct_error *err);
int store_group_end(struct store *store, struct pcct_error *err);

/* What a frame, and an entry of the reflog, tells of. Numbers are pinned: they stand in files. */
enum store_operation {
    STORE_COMMITTED = 0, STORE_BRANCH_MADE = 1, STORE_BRANCH_MOVED = 2, STORE_BRANCH_DELETED = 3, STORE_TAG_MADE = 4, STORE_TAG_DELETED = 5,
    STORE_PRUNING = 6, STORE_POLICY_SET = 7, STORE_OPERATIONS
};
enum store_ref_kind { STORE_BRANCH = 1, STORE_TAG = 2 };

struct store_ref {
    char name[STORE_NAME_BYTES];
    uint32_t kind; /* enum store_ref_kind */
    uint64_t version;
    int64_t time_ns;
};

/*
 * Makes, moves or deletes a branch or tag: one frame, one catalogue transaction, as durable as a commit. The caller holds the lock. `expect`: where
 * it must stand (not for making one); UINT64_MAX: anywhere. `version`: where it is to stand (not for deleting one). *before: where it stood (0 when
 * made); may be NULL. A branch that is there already is not moved by making it. After a failure nothing has changed.
 * Errors: INVALID (a name that cannot be one; deleting main), NOT_FOUND (ref or version), EXISTS, CONFLICT (it stands elsewhere), and store_commit's.
 */
struct store_ref_change {
    enum store_operation operation;
    const char *name;
    uint64_t expect, version;
};
int store_ref_change(uint64_t *before, struct store *store, const struct store_ref_change *change, struct pcct_error *err);
/* All branches and tags, by name (struct store_ref, replaced). */
int store_refs(struct base_vector *refs, struct store *store, struct pcct_error *err);

/* What happened to branches and tags, oldest first. before and after are 0 where the ref was or is not there. */
struct store_reflog_entry {
    uint64_t number; /* from 1 on */
    uint32_t operation;
    char name[STORE_NAME_BYTES];
    uint64_t before, after;
    int64_t time_ns;
};
/* Entries `first` and later, `most` at most (struct store_reflog_entry, replaced). */
int store_reflog(struct base_vector *entries, struct store *store, uint64_t first, size_t most, struct pcct_error *err);
int store_reflog_last(uint64_t *number, struct store *store, struct pcct_error *err); /* 0: none yet */

/*
 * Takes versions away. Never those that branches and tags stand at. Of the others, those go for which all holds that is asked for: made before
 * older_than_ns (0: whenever); the user key `key` (NULL: not asked for) is a number less than `before`; not among the last keep_last of a branch,
 * counted from where it stands; generation not a multiple of keep_every (0: not asked for). none: nothing is taken away anew, only what is of no use
 * any more is freed. What a version that stays needs for its state is kept, and when an anchor is all that is left for that, it is read and verified
 * first.
 *
 * One frame, which holds the whole catalogue as it is then, in a segment of its own, and one catalogue transaction, with full durability whatever the
 * store was opened with; when that is on the disk, files are removed and holes punched, and what a crash leaves of that is done by the next. The
 * caller holds the lock. dry_run: only counts.
 */
struct store_prune {
    uint64_t keep_last, keep_every;
    int64_t older_than_ns;
    const char *key;
    double before;
    const char *lasting; /* a user key that holds until a version has it again: those stay whose value holds for one that stays */
    int none, dry_run;
    int by_policy; /* the rules are those of the store's policy; nothing happens when it has none */
    uint64_t pruned, removed, left;      /* out: versions pruned now; versions of which nothing is left; versions that can be named */
    uint64_t freed_bytes, left_bytes;    /* out: of frames and anchors; pieces that others use too count for the anchor that wrote them */
};
int store_prune(struct store_prune *prune, struct store *store, struct pcct_error *err);

/*
 * The rules by which a store is pruned from time to time by those who write to it. It is kept in the journal as what happens to branches is.
 * All zero: there is none.
 */
struct store_policy {
    uint64_t keep_last, keep_every;
    int64_t age_ns;  /* only versions that are older go; 0: whenever */
    uint64_t due;    /* the version with which a pruning is due */
};
int store_policy(struct store_policy *policy, struct store *store, struct pcct_error *err);
/* As durable as a commit; the caller holds the lock. A pruning is due with the next version. `due` is not looked at. */
int store_policy_set(struct store *store, const struct store_policy *policy, struct pcct_error *err);

/* What a version takes: its own frame and anchor; all that it takes to open it; and what would be freed if it alone were pruned. */
struct store_usage {
    uint64_t version;
    uint64_t frame_bytes, anchor_bytes; /* 0: gone; none */
    uint64_t needed_bytes, own_bytes;
    uint64_t behind_bytes;              /* of what was pruned and is there for its state alone */
    uint64_t children;                  /* versions whose state rests on its */
    int pruned;
};
/* Of all versions, those that were pruned and are still needed too, ascending (struct store_usage, replaced). */
int store_usages(struct base_vector *usages, struct store *store, struct pcct_error *err);

/* How often versions were taken away: a reader that failed tries again when the number has changed meanwhile. */
int store_prunes(uint64_t *prunes, struct store *store, struct pcct_error *err);

/* A version's frame payload into `bytes` (item_bytes 1, replaced), hashes verified. Errors: DAMAGED (naming file and version), IO, MEMORY. */
int store_frame(struct base_vector *bytes, struct store *store, const struct store_version *version, struct pcct_error *err);

/* The versions to apply, oldest first, on top of *anchor (0: the empty state), to get `version`. path: uint64_t items, replaced. Anchors known to be
 * damaged in this handle (store_anchor_reject) are passed over. */
int store_path(uint64_t *anchor, struct base_vector *path, struct store *store, uint64_t version, struct pcct_error *err);

/* The way from the state of version `from` to that of `to`: the versions to undo, newest first, then those to apply, oldest first (struct
 * store_version, both replaced). *common: the newest version that both rest on. Errors: NOT_FOUND, DAMAGED, MEMORY. */
int store_way(uint64_t *common, struct base_vector *undo, struct base_vector *redo, struct store *store, uint64_t from, uint64_t to,
              struct pcct_error *err);

/*
 * A look at payloads where they stand in the journal, its segments mapped as they are asked for: for who reads little of many frames. The
 * head of the frame is
 * verified, the payload is not: what is taken from it must be proved by other means (index_frame_labels).
 */
struct store_peek {
    struct store *store;
    struct base_vector map;  /* struct store_peek_map */
    size_t last;             /* the one that was looked at before */
};
struct store_peek_map {
    void *data;
    uint64_t segment, bytes;
};
void store_peek_begin(struct store_peek *peek, struct store *store);
/* *payload (aligned to 64 bytes): borrowed until store_peek_end; prunes that come later may take it away: see store_prunes. Errors: DAMAGED (naming
 * file and version), IO, MEMORY. */
int store_peek(const uint8_t **payload, uint64_t *bytes, struct store_peek *peek, const struct store_version *version, struct pcct_error *err);
void store_peek_end(struct store_peek *peek);

/* Maps an anchor: fills head (replaced) and, through plan(), learns the arrays; each is mapped private, writable, contiguous, with as much slack
 * again (at least 64 KiB) behind it. proof->needed 0: some process has proved this file, hashes and all that index_image_adopt looks at, since the
 * machine started, and it has not been written to since. Else its hashes were verified now, in parallel, and the proof goes to store_anchor_proved
 * when the rest was found sound too. The caller owns the mappings in *image (index_image_adopt), or store_image_unmap. Errors: DAMAGED (naming the
 * file, and array and unit where a hash is wrong), NOT_FOUND, IO, MEMORY. */
struct store_proof {
    int needed;
    uint64_t key; /* what it is noted by; 0: it is not, for the file was written to just now */
};
int store_anchor_map(struct index_image *image, struct base_vector *head, struct store_proof *proof, struct store *store, uint64_t version,
                     const struct metric *metric, struct pcct_error *err);
void store_anchor_proved(struct store *store, const struct store_proof *proof); /* nothing happens when none was needed */
void store_image_unmap(struct index_image *image, const struct base_env *env);
void store_anchor_reject(struct store *store, uint64_t version);
/* None is known to be damaged from here on. 0: none was. */
int store_anchors_forgive(struct store *store);

/* Whether the redo rule asks for an anchor at this version: redo_bytes >= a quarter of what the anchor would write, or an eighth
 * when there is none on the way. *bytes: what that is. */
int store_anchor_due(uint64_t *bytes, const struct store_version *version, const struct index_image *image, size_t head_bytes);
/* Writes an anchor durably and lists it. Needs no writer lock: it holds the maintenance lock instead, from the first extent to the listing, and
 * commits go on meanwhile. *bytes: written; 0 when the version has one already, which is left alone. wait: for somebody else who writes an anchor,
 * or BUSY. A failure loses nothing. Errors: BUSY, CONFLICT, NOSPACE, IO, MEMORY, DAMAGED. */
int store_anchor_write(uint64_t *bytes, struct store *store, uint64_t version, const struct index_image *image, const void *head,
                       size_t head_bytes, int wait, struct pcct_error *err);

/* From here on commits tell the watch of `writer` how far they are, as base/watch.h says; it may stop them. Borrowed. */
void store_set_writer(struct store *store, const struct base_env *writer);

struct store_sizes {
    uint64_t journal_bytes, anchor_bytes, disk_bytes;
    uint32_t anchors;
};
int store_sizes(struct store_sizes *sizes, struct store *store, struct pcct_error *err);

/* Reads everything: SUPER copies, every frame of every version and its link, every anchor, catalogue records (in a forked child first, since LMDB can
 * die on a damaged page), refs. `version_ok` is told of each version whose chain is sound. rebuild: writes the catalogue anew from journal and anchor
 * files first. */
struct store_fsck {
    void (*report)(void *ctx, int damaged, const char *text);
    int (*progress)(void *ctx, double done);
    void (*sound)(void *ctx, uint64_t version); /* called for each sound version, ascending; may be NULL */
    void *ctx;
    int rebuild;
    int fast; /* what frames and anchors hold is not read, only their heads */
    uint64_t versions, frames, anchors, bytes, damaged, versions_readable; /* out */
    char catalogue[PCCT_MESSAGE_BYTES]; /* out: what was told of one of no use, or "" */
};
int store_fsck(struct store_fsck *fsck, const char *path, const struct base_env *env, struct pcct_error *err);

#endif
