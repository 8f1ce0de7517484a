/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api/handle.h"
#include "tree/update.h"

/*
 * What a batch comes to against a state: labels from the counter given out, deleted labels found, duplicates refused, skipped or replaced.
 * A zeroed structure with `env` set is empty.
 */
struct api_request {
    const struct base_env *env;
    int64_t *label;              /* [rows] final labels of all rows of the batch */
    uint8_t *dropped;            /* [rows] 1: not inserted */
    uint32_t *dead;              /* nodes, ascending, distinct */
    size_t n_dead;
    double *kept_point;          /* the rows that are inserted; NULL when all are */
    int64_t *kept_label;
    struct tree_batch tree;      /* borrows from here and from the batch */
    uint64_t skipped, replaced;
};

/* Errors: DUPLICATE, UNKNOWN (naming the label), LIMIT, MEMORY. */
int api_request_resolve(struct api_request *request, const pcct_batch *batch, struct index_state *state, struct pcct_error *err);
void api_request_free(struct api_request *request);

/* Hash of a batch as asked for, to know a repeated commit by. */
int api_request_content(struct base_hash128 *hash, const pcct_batch *batch, const void *note, size_t note_bytes, struct pcct_error *err);

#endif
