/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_GP_HANDLE_H
#define API_GP_HANDLE_H

#include "api/kernel_note.h"

#include "gp/residual.h"

struct pcct_gp {
    const pcct_view *view;        /* borrowed */
    struct base_env env;
    struct api_kernel kernel;
    struct gp_inducing inducing;
    struct gp_features features;  /* of all live points, by label */
    int ready, given;             /* whether there are features; whether they are the caller's */
    size_t n;
    uint32_t *node;               /* [n] */
    uint32_t *row;                /* [state.n] the place of a node among them */
    int64_t *label;               /* [n] */
    double *point;                /* [n x dim] */
    pthread_mutex_t lock;          /* around the making of `prepared` at its first use */
    struct gp_prepared *prepared;  /* written under it */
    int64_t *noisy;
    size_t n_noisy;
};

#endif
