/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gp_handle.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* |rho| may be off by `error`, a distance then by its root, and three distances meet in a triangle; as much again for the rounding of features. */
#define SLACK_ROOTS 6
#define LEAST_ERROR 0x1p-50

/* The point that a row of the store names; n: none. */
static size_t point_of(const pcct_gp *gp, const double *row)
{
    const int is_number = *row >= 0 && *row < (double)gp->n && *row == floor(*row);

    return is_number ? (size_t)*row : gp->n;
}

static double slack_of(const pcct_gp *gp)
{
    double least = (double)INFINITY;

    for (size_t i = 0; i < gp->n; i++) least = fmin(least, gp->features.p[i]);
    return gp->n == 0 ? 0 : SLACK_ROOTS * sqrt(gp_rounding(&gp->features.form) / least + LEAST_ERROR);
}

static void distances(void *ctx, double *out, const double *q, const double *const *rows, size_t n)
{
    const pcct_gp *gp = ctx;
    const struct gp_features *f = &gp->features;
    const size_t from = point_of(gp, q);

    for (size_t first = 0; first < n; first += GP_ROWS) {
        const unsigned some = n - first < GP_ROWS ? (unsigned)(n - first) : GP_ROWS;
        struct gp_row query, row[GP_ROWS];
        double rho[GP_ROWS];

        for (unsigned i = 0; i < some; i++) {
            const size_t to = point_of(gp, rows[first + i]);

            if (from == gp->n || to == gp->n) out[first + i] = (double)NAN;
            row[i] = gp_features_row(f, to < gp->n ? to : 0);
        }
        if (from == gp->n) continue;
        query = gp_features_row(f, from);
        gp_rho_pairs(rho, f, &query, row, some);
        for (unsigned i = 0; i < some; i++) {
            const size_t to = point_of(gp, rows[first + i]);

            if (to < gp->n) out[first + i] = to == from ? 0 : sqrt(gp_key(rho[i])) + gp->metric_slack;
        }
    }
}

static double distance(void *ctx, const double *a, const double *b)
{
    double d = 0;

    distances(ctx, &d, a, &b, 1);
    return d;
}

/* What distances depend on, but for a function of the caller's. */
static int name(pcct_gp *gp, struct pcct_error *err)
{
    const struct gp_features *f = &gp->features;
    struct base_hasher *hasher = NULL;
    struct base_hash128 hash;
    int status = 0, at = 0;

    TRY(base_hasher_new(&hasher, &gp->env, err));
    base_hasher_feed(hasher, gp->kernel.digest.byte, sizeof gp->kernel.digest.byte);
    base_hasher_feed(hasher, gp->point, gp->n * f->form.dim * sizeof *gp->point);
    base_hasher_feed(hasher, f->v, gp->n * f->form.m * sizeof *f->v);
    base_hasher_feed(hasher, f->p, gp->n * sizeof *f->p);
    hash = base_hasher_128(hasher);
    at = snprintf(gp->metric, sizeof gp->metric, "residual-");
    for (size_t i = 0; i < sizeof hash.byte && at + 3 <= (int)sizeof gp->metric; i++) {
        at += snprintf(gp->metric + at, sizeof gp->metric - (size_t)at, "%02x", hash.byte[i]);
    }
done:
    base_hasher_free(hasher, &gp->env);
    return status;
}

int pcct_gp_metric(struct pcct_metric *metric, double *slack, pcct_gp *gp, struct pcct_error *err)
{
    struct pcct_metric ours = { .size = sizeof ours, .distance = distance, .distances = distances, .ctx = gp };
    int status = 0;

    if (!gp->ready) TRY(base_fail(err, PCCT_E_INVALID, "pcct_gp_parameters() prepares no questions; open the kernel with pcct_gp_open()"));
    TRY(name(gp, err));
    gp->metric_slack = slack_of(gp);
    ours.name = gp->metric;
    if (api_result_write(metric, &ours, sizeof ours) != 0) TRY(base_fail(err, PCCT_E_INVALID, "struct pcct_metric needs its size filled in"));
    if (slack) *slack = gp->metric_slack;
done:
    return status;
}
