/* SPDX-License-Identifier: Apache-2.0 */
#include "support_kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 6, DIM_MOST = 784 };

static double awkward(struct base_random *random, int kind)
{
    const double g = base_random_gauss(random);

    switch (kind) {
    case 0: return g;
    case 1: return (double)base_random_below(random, 3) - 1;                                         /* ties */
    case 2: return g * 0x1p-1060;                                                                    /* denormal */
    case 3: return g * 0x1p-540;                                                                     /* squares that are denormal or 0 */
    case 4: return g * 1e150;                                                                        /* squares near the limit */
    default: return ldexp(g, (int)base_random_below(random, 120) - 60) * (base_random_below(random, 4) ? 1 : 0); /* all sizes, and zeros */
    }
}

struct data {
    double *lane, *box, *q, *reach, *box_reach;
};

static void fill(struct data *data, struct base_random *random, uint32_t dim, int kind)
{
    for (uint32_t j = 0; j < dim; j++) {
        data->q[j] = awkward(random, kind);
        for (uint32_t i = 0; i < METRIC_LANES; i++) data->lane[j * METRIC_LANES + i] = i == 5 ? data->q[j] : awkward(random, kind);
        for (uint32_t i = 0; i < METRIC_FANOUT; i++) {
            const double a = awkward(random, kind), b = awkward(random, kind);

            data->box[j * METRIC_FANOUT + i] = fmin(a, b);
            data->box[(dim + j) * METRIC_FANOUT + i] = fmax(a, b);
        }
    }
}

static double with(double key, double t, enum metric_sum sum)
{
    if (sum == METRIC_SQUARES) return key + t * t;
    if (sum == METRIC_SIZES) return key + fabs(t);
    return fabs(t) > key ? fabs(t) : key;
}

static double lane_key(const struct data *data, enum metric_sum sum, uint32_t dim, uint32_t i)
{
    double key = 0;

    for (uint32_t j = 0; j < dim; j++) key = with(key, data->lane[j * METRIC_LANES + i] - data->q[j], sum);
    return key;
}

static double box_bound(const struct data *data, enum metric_sum sum, uint32_t dim, uint32_t i)
{
    double bound = 0;

    for (uint32_t j = 0; j < dim; j++) {
        const double low = data->box[j * METRIC_FANOUT + i], high = data->box[(dim + j) * METRIC_FANOUT + i], q = data->q[j];

        bound = with(bound, q < low ? low - q : q > high ? q - high : 0, sum);
    }
    return bound;
}

static void check(const struct metric_kernels *k, enum metric_sum sum, struct data *data, struct base_random *random, uint32_t dim)
{
    _Alignas(64) double key[METRIC_LANES], bound[METRIC_FANOUT], other[METRIC_LANES];
    double wanted[METRIC_LANES], wanted_bound[METRIC_FANOUT], limit;
    const struct metric_kernels *scalar = metric_kernels_choose(sum, METRIC_ISA_SCALAR);

    for (uint32_t i = 0; i < METRIC_LANES; i++) wanted[i] = lane_key(data, sum, dim, i);
    for (uint32_t i = 0; i < METRIC_FANOUT; i++) wanted_bound[i] = box_bound(data, sum, dim, i);
    for (int round = 0; round < 4; round++) {
        uint64_t lanes = 0, lanes_reaching = 0;
        uint32_t boxes = 0, boxes_reaching = 0;

        /* limits and reaches that are met exactly, missed by a hair, infinite and negative */
        limit = round == 0 ? (double)INFINITY : round == 1 ? -1 : wanted[base_random_below(random, METRIC_LANES)];
        for (uint32_t i = 0; i < METRIC_LANES; i++) {
            const double reach[4] = { wanted[i], nextafter(wanted[i], -1), -1, (double)INFINITY };

            data->reach[i] = reach[i % 4];
        }
        for (uint32_t i = 0; i < METRIC_FANOUT; i++) data->box_reach[i] = i % 2 ? wanted_bound[i] : nextafter(wanted_bound[i], -1);
        for (uint32_t i = 0; i < METRIC_LANES; i++) {
            lanes |= (uint64_t)(wanted[i] <= limit) << i;
            lanes_reaching |= (uint64_t)(wanted[i] <= limit && wanted[i] <= data->reach[i]) << i;
        }
        if (round == 3) limit = wanted_bound[3];
        for (uint32_t i = 0; i < METRIC_FANOUT; i++) {
            boxes |= (uint32_t)(wanted_bound[i] <= limit) << i;
            boxes_reaching |= (uint32_t)(wanted_bound[i] <= limit && wanted_bound[i] <= data->box_reach[i]) << i;
        }
        assert_true(k->boxes(bound, data->box, data->q, dim, limit) == boxes);
        assert_memory_equal(bound, wanted_bound, sizeof bound);
        memset(bound, 0xff, sizeof bound);
        assert_true(k->boxes_reaching(bound, data->box, data->box_reach, data->q, dim, limit) == boxes_reaching);
        assert_memory_equal(bound, wanted_bound, sizeof bound);
        if (round == 3) continue;
        assert_true(k->lanes(key, data->lane, data->q, dim, limit) == lanes);
        assert_memory_equal(key, wanted, sizeof key);
        memset(key, 0xff, sizeof key);
        assert_true(k->lanes_reaching(key, data->lane, data->reach, data->q, dim, limit) == lanes_reaching);
        assert_memory_equal(key, wanted, sizeof key);
        assert_true(scalar->lanes(other, data->lane, data->q, dim, limit) == lanes);
        assert_memory_equal(key, other, sizeof key);
    }
}

void support_kernels_check(enum metric_isa isa)
{
    static const uint32_t large[] = { 64, 100, DIM_MOST };
    struct base_random random;
    struct data data;

    base_random_seed(&random, 11);
    data.lane = aligned_alloc(64, DIM_MOST * METRIC_LANES * sizeof(double));
    data.box = aligned_alloc(64, 2 * DIM_MOST * METRIC_FANOUT * sizeof(double));
    data.q = aligned_alloc(64, DIM_MOST * sizeof(double));
    data.reach = aligned_alloc(64, METRIC_LANES * sizeof(double));
    data.box_reach = aligned_alloc(64, METRIC_FANOUT * sizeof(double));
    assert_true(data.lane && data.box && data.q && data.reach && data.box_reach);
    for (uint32_t dim = 1; dim <= 23; dim++) {
        for (int kind = 0; kind < KINDS; kind++) {
            const uint32_t d = dim <= 20 ? dim : large[dim - 21];

            for (int again = 0; again < (d <= 20 ? 30 : 6); again++) {
                const enum metric_sum sum = (enum metric_sum)(again % METRIC_SUMS);

                fill(&data, &random, d, kind);
                check(metric_kernels_choose(sum, isa), sum, &data, &random, d);
            }
        }
    }
    free(data.lane);
    free(data.box);
    free(data.q);
    free(data.reach);
    free(data.box_reach);
}
