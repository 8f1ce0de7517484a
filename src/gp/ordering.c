/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/ordering.h"

#include "base/hilbert.h"
#include "base/random.h"
#include "base/sort.h"
#include "gp/farthest.h"

#include <assert.h>
#include <string.h>

/* Unsigned numbers in the order of the doubles; -0 is 0. */
static uint64_t rising(double x)
{
    uint64_t bits;

    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static int by_coordinate(uint32_t *order, const struct gp_cloud *cloud, const struct gp_rule *rule, const struct base_env *env,
                         struct pcct_error *err)
{
    const uint32_t dim = cloud->metric.input_dim;
    const double *x = index_points(rule->state) + rule->axis;
    struct base_pair *pair = NULL;
    int status = 0;

    assert(rule->axis < dim);
    TRY(base_take(&pair, env, cloud->n, sizeof *pair, err));
    for (uint32_t row = 0; row < cloud->n; row++) pair[row] = (struct base_pair){ rising(x[(size_t)cloud->node[row] * dim]), row };
    TRY(base_sort_pairs(pair, cloud->n, env, err));
    for (uint32_t i = 0; i < cloud->n; i++) order[i] = (uint32_t)pair[i].value;
done:
    base_free(env, pair);
    return status;
}

static void shuffle(uint32_t *order, const struct gp_cloud *cloud, uint64_t seed)
{
    struct base_random random;

    base_random_seed(&random, seed);
    gp_cloud_rows(order, cloud);
    for (uint32_t left = cloud->n; left > 1; left--) {
        const uint32_t at = (uint32_t)base_random_below(&random, left), row = order[at];

        order[at] = order[left - 1];
        order[left - 1] = row;
    }
}

int gp_order_rows(uint32_t *order, const struct gp_cloud *cloud, const struct gp_rule *rule, const struct base_env *env, struct pcct_error *err)
{
    switch (rule->order) {
    case GP_ORDER_MAXMIN: return gp_farthest(order, cloud, env, err);
    case GP_ORDER_COORDINATE: return by_coordinate(order, cloud, rule, env, err);
    case GP_ORDER_HILBERT: return base_hilbert_order(order, cloud->place, cloud->n, cloud->metric.dim, env, err);
    case GP_ORDER_RANDOM: break;
    case GP_ORDER_COARSE: return gp_coarse_to_fine(order, cloud, rule->state, env, err);
    }
    assert(rule->order == GP_ORDER_RANDOM);
    shuffle(order, cloud, rule->seed);
    return 0;
}
