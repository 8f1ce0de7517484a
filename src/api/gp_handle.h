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
    char metric[PCCT_METRIC_NAME_BYTES]; /* its name as a metric, by pcct_gp_metric(), which is not for two threads at once */
    double metric_slack;
};

/* Whether the kernel falls with the scaled distance alone: no inducing points, and none of the caller's functions or features. */
static inline int api_gp_plain(const pcct_gp *gp)
{
    return gp->features.form.m == 0 && gp->features.form.shape != GP_CUSTOM && !gp->given;
}

/* order[n]: the points, counted by label, first to last. The min(m, rank) nearest before each by the kernel: ranks and distances as
 * gp_predecessors() has them (gp/predecessors.h). Errors: INVALID (a handle that answers no questions), MEMORY, CANCELLED. */
int api_gp_predecessors(int32_t *rank, double *distance, const pcct_gp *gp, const uint32_t *order, uint32_t m, const struct base_env *env,
                        struct block_work *work, struct pcct_error *err);

#endif
