/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_API_H
#define TESTS_SUPPORT_API_H

#include "support.h"

#include "api/handle.h"

/* A store of dimension 2 in a folder of its own, opened with counted memory. */
struct support_api {
    struct support_env env;
    char *folder;
    char path[4096];
    pcct_store *store;
};
void support_api_start(struct support_api *s, const char *metric);
void support_api_finish(struct support_api *s); /* asserts that everything was freed */

/* Commits n points (labels NULL: counted) and deletes m labels; returns the version. */
uint64_t support_api_commit(struct support_api *s, const double *points, const int64_t *labels, size_t n, const int64_t *gone, size_t m);

/* Commits a version on `parent`, main's newest, as the store alone would: nothing is executed. Frame, digests and identity fit; the payload is what
 * change() (NULL: nothing) made of a frame on the parent's state, and `more` behind it. */
void support_api_commit_frame(struct support_api *s, uint64_t parent, void (*change)(struct index_state *state), const void *more, size_t more_bytes);

/* The state of the version that is shown: between commits. */
struct index_state *support_api_head(struct support_api *s);

#endif
