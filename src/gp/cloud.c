/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/cloud.h"

#include "base/par.h"
#include "base/watch.h"
#include "query/filter.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { GRAIN = 4096, FILL = 64 };

struct placing {
    struct gp_cloud *cloud;
    const struct index_state *state;
    const double *lengthscale;
    uint64_t bad; /* rows with a coordinate that is too large */
};

static void place_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct placing *placing = ctx;
    const uint32_t dim = placing->cloud->metric.dim;

    (void)thread;
    for (size_t row = begin; row < end; row++) {
        const double *from = index_place(placing->state, placing->cloud->node[row]);
        double *to = placing->cloud->place + row * dim;
        int good = 1;

        for (uint32_t j = 0; j < dim; j++) {
            to[j] = placing->lengthscale ? from[j] / placing->lengthscale[j] : from[j];
            good &= fabs(to[j]) < METRIC_COORDINATE_LIMIT;
        }
        if (!good) base_par_add(&placing->bad, 1);
    }
}

static int fail_row(const struct placing *placing, struct pcct_error *err)
{
    const struct gp_cloud *cloud = placing->cloud;
    uint32_t row = 0, j = 0;

    for (const double *x = cloud->place; fabs(*x) < METRIC_COORDINATE_LIMIT; x++) {
        j = (j + 1) % cloud->metric.dim;
        row += j == 0;
    }
    return base_fail(err, PCCT_E_POINT,
                     "coordinate %u of label %" PRId64 " divided by its lengthscale %.15g is too large, 2^500 is the limit", j + 1,
                     index_label(placing->state)[cloud->node[row]], placing->lengthscale[j]);
}

void gp_cloud_rows(uint32_t *all, const struct gp_cloud *cloud)
{
    for (uint32_t row = 0; row < cloud->n; row++) all[row] = row;
}

int gp_cloud_make(struct gp_cloud *cloud, const struct index_state *state, const double *lengthscale, const struct base_env *env,
                  struct pcct_error *err)
{
    struct placing placing = { cloud, state, lengthscale, 0 };
    uint32_t *all = NULL;
    int status = 0;

    memset(cloud, 0, sizeof *cloud);
    cloud->metric = state->metric;
    cloud->n = state->n_live;
    block_init(&cloud->layout, env, &cloud->metric);
    if (metric_is_custom(&state->metric)) {
        TRY(base_fail(err, PCCT_E_INVALID, "the metric %s has no coordinates to order points by; give an order of your own to pcct_filter_open",
                      metric_called(&state->metric)));
    }
    if (lengthscale && state->metric.embeds) {
        TRY(base_fail(err, PCCT_E_INVALID, "lengthscales divide coordinates; distances of the metric %s are between directions",
                      metric_called(&state->metric)));
    }
    TRY(base_take(&cloud->node, env, cloud->n, sizeof *cloud->node, err));
    TRY(base_take(&cloud->place, env, (size_t)cloud->n * cloud->metric.dim, sizeof *cloud->place, err));
    TRY(base_take(&all, env, cloud->n, sizeof *all, err));
    TRY(query_nodes_by_label(cloud->node, state, env, err));
    base_par_for(env, cloud->n, GRAIN, place_rows, &placing);
    if (placing.bad > 0) TRY(fail_row(&placing, err));
    gp_cloud_rows(all, cloud);
    cloud->source = (struct block_source){ cloud->place, NULL, NULL, NULL, cloud->n };
    TRY(block_build(&cloud->layout, &cloud->source, all, cloud->n, FILL, err));
    TRY(base_watch_check(env, err));
done:
    base_free(env, all);
    return status;
}

void gp_cloud_free(struct gp_cloud *cloud, const struct base_env *env)
{
    if (cloud->layout.metric) block_free(&cloud->layout);
    base_free(env, cloud->node);
    base_free(env, cloud->place);
    memset(cloud, 0, sizeof *cloud);
}
