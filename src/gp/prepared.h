/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_PREPARED_H
#define GP_PREPARED_H

#include "gp/coarse.h"
#include "gp/residual.h"

/*
 * Points laid out for questions, with the filters that will do for them. Where angles and envelopes exclude next to nothing - a few blocks are
 * tried - and some principal coordinates say most of what v says, every point is looked at by these first: a cascade (docs/algorithm.md, G6).
 */
struct gp_prepared {
    struct gp_space space;
    struct gp_rounded_frame frame;   /* of `rounded` */
    struct gp_rounded rounded;       /* env NULL: single precision is not good enough */
    struct gp_principal principal;
    struct gp_coarse coarse;         /* by principal coordinates; env NULL: no cascade */
    double *centre;
};

/* Of a zeroed one; rank (by point; NULL: none). gp_prepared_empty() in any case. Parallel. Errors: MEMORY. */
int gp_prepared_fill(struct gp_prepared *prepared, const struct gp_ask *ask, const uint32_t *member, size_t members, const struct base_env *env,
                     struct pcct_error *err);
/* Queries from outside, with the filters of those they are compared with, so far as these hold for them. */
int gp_prepared_queries(struct gp_prepared *queries, const struct gp_features *asked, const struct gp_prepared *to, const struct base_env *env,
                        struct pcct_error *err);
void gp_prepared_empty(struct gp_prepared *prepared, const struct base_env *env);

#endif
