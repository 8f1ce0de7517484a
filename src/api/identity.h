/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_IDENTITY_H
#define API_IDENTITY_H

#include "api/handle.h"
#include "index/frame.h"

/* What the identity of a version follows from, with the metric, dimension and seed of its store. */
struct api_origin {
    struct base_hash128 parent, state_parent;  /* identities; zeros: the empty version */
    const struct index_frame *frame;           /* what was put in: empty where a state was only restored */
    const void *note;
    size_t note_bytes;
    const uint64_t *digest;                    /* [INDEX_ARRAYS]: what came out; zeros where a state was only restored */
};
/* It covers that and nothing else: no number, time, write id or encoding. Errors: MEMORY. */
int api_identity(struct base_hash128 *identity, const pcct_store *store, const struct api_origin *origin, struct pcct_error *err);

/* The identity of a version of the store; zeros of version 0. */
int api_identity_of(struct base_hash128 *identity, const pcct_store *store, uint64_t version, struct pcct_error *err);

#endif
