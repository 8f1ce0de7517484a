/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BUNDLE_H
#define STORE_BUNDLE_H

#include "store/record.h"

/*
 * A bundle: versions of a store as one file, for another store. A head; then for each version, ascending by the number that it had, the identities
 * of its parent and its state parent, and its frame as it stands in the journal; then branches and tags. formats/pcct-bundle.md describes every byte.
 * The head has a hash of all that follows, so a file that is not whole is known before anything of it is used; but hashes find accidents, not
 * forgers, and everything is checked again where it is used.
 */
enum { STORE_BUNDLE_FORMAT = 1, STORE_BUNDLE_HEAD_BYTES = 256, STORE_BUNDLE_ENTRY_BYTES = 64, STORE_BUNDLE_REF_BYTES = 128 };

struct store_bundle_head {
    struct store_super super;    /* of the store that it was made from: uuid, dim, metric, dtype, seed, incompatible, custom */
    struct base_hash128 base;    /* identity of the version that the first ones follow on; zeros: the empty version */
    uint64_t body;               /* hash of all bytes behind the head */
    uint64_t versions, refs, bytes;
    int64_t time_ns;
};

/* What goes into a bundle. */
struct store_bundle_plan {
    struct base_hash128 base;
    const struct store_version *version; /* ascending */
    size_t versions;
    const struct store_ref *ref;
    size_t refs;
};
/* Writes the file under another name beside `path`, syncs it and renames it, so that it is there whole or not at all; a file that stands there is
 * replaced. watched: whose watch is told how far it is. *bytes: of the file. Errors: NOT_FOUND (a parent was pruned; the folder), DAMAGED, NOSPACE,
 * IO, PERMISSION, MEMORY, CANCELLED. After one nothing is left. */
int store_bundle_write(uint64_t *bytes, struct store *store, const char *path, const struct store_bundle_plan *plan, const struct base_env *watched,
                       struct pcct_error *err);

/* A bundle that is being read. */
struct store_bundle {
    const struct base_env *env; /* borrowed */
    const char *path;           /* borrowed */
    struct store_bundle_head head;
    struct base_vector note, payload; /* of the version that was read last */
    uint64_t at, versions, refs; /* where the next one begins; how many of them were read */
    int fd;
};
/* Reads the head. Errors: NOT_FOUND, PERMISSION, DAMAGED (also of what is no bundle), FORMAT (of a newer pcct), IO. After one nothing is open. */
int store_bundle_open(struct store_bundle *bundle, const char *path, const struct base_env *env, struct pcct_error *err);
/* Reads the whole file once and compares its hash. Errors: DAMAGED, IO, MEMORY, CANCELLED. */
int store_bundle_verify(struct store_bundle *bundle, const struct base_env *watched, struct pcct_error *err);
/* The next version: its head, note and payload, each with a right checksum and inside the file; what they say is not looked at. */
struct store_bundle_entry {
    struct store_record record;
    struct base_hash128 parent, state_parent;
};
int store_bundle_next(struct store_bundle_entry *entry, struct store_bundle *bundle, struct pcct_error *err);
/* Behind the last version: the next branch or tag (its version is not set), and the identity of the version that it stands at. */
int store_bundle_ref(struct store_ref *ref, struct base_hash128 *identity, struct store_bundle *bundle, struct pcct_error *err);
void store_bundle_close(struct store_bundle *bundle); /* also of one that is closed */

#endif
