/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_KERNEL_NOTE_H
#define API_KERNEL_NOTE_H

#include "api/handle.h"

#include "base/hash.h"
#include "gp/kernel.h"

#include <pcct/gp.h>

/*
 * A kernel with its inducing points, as callers give it and as the notes of versions keep it: under keys that begin with API_KERNEL_KEY, numbers
 * as the bits of doubles in hexadecimal. A version without such keys has the kernel of its parent.
 */
#define API_RESERVED_KEYS "pcct."
#define API_KERNEL_KEY API_RESERVED_KEYS "kernel"

struct api_kernel {
    const struct base_env *env;
    struct gp_kernel kernel;   /* its lengthscales are `lengthscale` */
    double *lengthscale;       /* [dim] */
    double *inducing;          /* [m x dim] */
    size_t m;
    double jitter;
    struct base_hash128 digest;
    uint64_t version;          /* 0: not from a note */
    int missing;               /* none was found, and the oldest versions are not there: one may have been set by them */
};

/* From what the caller gave; copies all of it. api_kernel_free() in any case. Errors: INVALID, LIMIT, MEMORY. */
int api_kernel_read(struct api_kernel *kernel, const struct pcct_kernel *given, uint32_t dim, const struct base_env *env, struct pcct_error *err);
/* That of a view's version: the newest that its lineage set, since prunings keep the version that did (API_KERNEL_KEY is what lasts, as store_prune
 * says). *found: 0 when there is none. api_kernel_free() in any case. Errors: DAMAGED, IO, MEMORY. */
int api_kernel_find(struct api_kernel *kernel, int *found, const pcct_view *view, const struct base_env *env, struct pcct_error *err);
/* Notes it with a batch; NULL: that there is none. */
int api_kernel_note(pcct_batch *batch, const struct api_kernel *kernel, struct pcct_error *err);
void api_kernel_free(struct api_kernel *kernel);

/* pcct_batch_set() without its check of reserved keys. */
int api_batch_set(pcct_batch *batch, const char *key, const char *value, struct pcct_error *err);
/* Takes out all keys that begin so. */
void api_batch_unset(pcct_batch *batch, const char *beginning);

#endif
