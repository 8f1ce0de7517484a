/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_STORE_H
#define TESTS_SUPPORT_STORE_H

#include "support.h"

#include "store/internal.h"

/* A folder with an empty store in it. */
struct support_store {
    struct support_env *support;
    char *folder;
    char path[256];
};
void support_store_start(struct support_store *s, struct support_env *support);
void support_store_finish(struct support_store *s);

/* One that is open, with a memory of its own. support_live_open() opens it again after the test has closed it. */
struct support_live {
    struct support_env support;
    struct support_store s;
    struct store *store;
};
void support_live_start(struct support_live *scene, enum store_durability durability);
void support_live_open(struct support_live *scene, enum store_durability durability);
void support_live_finish(struct support_live *scene);

/* The payload that belongs to a version of this number: any bytes, of this length. */
void support_payload(uint8_t *payload, size_t bytes, uint64_t version);
/* Fills in a record to commit on `parent`: an identity and a content that follow from the version that it will have. */
void support_record(struct store_version *record, uint64_t parent, uint64_t version);
/* Locks, commits `n` versions to main, each with a payload of `bytes`, and unlocks. */
void support_commit(struct store *store, uint64_t n, size_t bytes);
void support_commit_to(struct store *store, const char *branch, uint64_t n, size_t bytes);
/* Asserts that a version is there with the right note, payload and numbers; returns its status otherwise, without asserting, when it cannot be read.
 */
int support_check(struct store *store, uint64_t version, size_t bytes, struct pcct_error *err);

/* Reads and writes files of the store; names are below its folder. */
uint8_t *support_file_read(size_t *bytes, const struct support_store *s, const char *name);
void support_file_write(const struct support_store *s, const char *name, const void *data, size_t bytes);

/* store_fsck, quietly; the text of the first finding that is damage goes to first (256 bytes, may be NULL). */
int support_fsck(struct store_fsck *fsck, const struct support_store *s, int rebuild, char *first);

/* A made-up image: three arrays (small, empty, larger than 2 MiB if `big`), filled by the version, and its head. Owned: support_image_free. */
void support_image(struct index_image *image, struct base_vector *head, const struct base_env *env, uint64_t version, int big);
void support_image_free(struct index_image *image, struct base_vector *head, const struct base_env *env);
/* Writes one, without a large array, as the anchor of a version; returns the bytes that were written. */
uint64_t support_anchor(struct store *store, uint64_t version);

#endif
