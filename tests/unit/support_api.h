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

/* The state of the version that is shown: between commits. */
struct index_state *support_api_head(struct support_api *s);

#endif
