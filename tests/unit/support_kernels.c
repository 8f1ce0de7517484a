/* SPDX-License-Identifier: Apache-2.0 */
#include "support_kernels.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 7, PLACES = 5, DIM_SMALL = 20, ROOM = METRIC_DIM_MAX };

static const char *const metric_of[METRIC_SUMS] = { [METRIC_SQUARES] = "euclidean", [METRIC_SIZES] = "manhattan", [METRIC_GREATEST] = "chebyshev" };

static double within_limit(double x)
{
    const double most = nextafter(METRIC_COORDINATE_LIMIT, 0);

    return fmax(-most, fmin(most, x));
}

static double awkward(struct base_random *random, int kind)
{
    const double g = base_random_gauss(random);

    switch (kind) {
    case 0: return g;
    case 1: return (double)base_random_below(random, 3) - 1;                                         /* ties */
    case 2: return g * 0x1p-1060;                                                                    /* denormal */
    case 3: return g * 0x1p-540;                                                                     /* squares that are denormal or 0 */
    case 4: return within_limit(g * 1e150);                                                          /* squares near the limit */
    case 5: return 1e6 + g * 1e-3;                                                                   /* far from 0 */
    default: return ldexp(g, (int)base_random_below(random, 120) - 60) * (base_random_below(random, 4) ? 1 : 0); /* all sizes, and zeros */
    }
}

struct data {
    double *row, *frame, *box, *q, *box_reach, *box_frame;
    float *lane, *reach, *near_box;
    double key[METRIC_LANES]; /* of the rows, by definition */
    struct metric metric;
    struct base_random random;
};

/* ---- lanes -------------------------------------------------------------------------------------------------------------------------------- */

/* Rows, the frame in which they are at most 1, and lanes by it. Some frames are not as good as they could be, which is allowed. */
static void fill_lanes(struct data *data, int kind)
{
    const uint32_t dim = data->metric.dim;
    const int poor = base_random_below(&data->random, 4) == 0;
    double width = 0, scale = METRIC_SCALE_MAX;

    for (size_t i = 0; i < (size_t)dim * METRIC_LANES; i++) data->row[i] = awkward(&data->random, kind);
    for (uint32_t j = 0; j < dim; j++) {
        double low = data->row[j], high = low;

        for (uint32_t i = 0; i < METRIC_LANES; i++) {
            low = fmin(low, data->row[(size_t)i * dim + j]);
            high = fmax(high, data->row[(size_t)i * dim + j]);
        }
        data->frame[1 + j] = poor ? low : low + (high - low) / 2;
        width = fmax(width, fmax(high - data->frame[1 + j], data->frame[1 + j] - low));
    }
    while (width * scale > 1) scale /= 2;
    data->frame[0] = poor ? scale / 8 : scale;
    for (uint32_t j = 0; j < dim; j++) {
        for (uint32_t i = 0; i < METRIC_LANES; i++) {
            const double y = (data->row[(size_t)i * dim + j] - data->frame[1 + j]) * data->frame[0];

            assert_true(fabs(y) <= 1);
            data->lane[j * METRIC_LANES + i] = (float)y;
        }
    }
}

/* A query that is a row, nearly a row, another of the kind, far outside, beyond what a float holds. */
static void fill_query(struct data *data, int kind, int place)
{
    const uint32_t dim = data->metric.dim;
    const double *row = data->row + base_random_below(&data->random, METRIC_LANES) * (size_t)dim;
    const double times = place == 3 ? ldexp(1, (int)base_random_below(&data->random, 80)) : 0x1p200;

    for (uint32_t j = 0; j < dim; j++) {
        const double x = place < 2 ? row[j] : awkward(&data->random, kind);
        const double nudge = base_random_gauss(&data->random) * 0x1p-29 / data->frame[0];

        data->q[j] = within_limit(place == 1 ? x + nudge : place < 3 ? x : x * times);
    }
    for (uint32_t i = 0; i < METRIC_LANES; i++) data->key[i] = support_key(data->row + (size_t)i * dim, data->q, data->metric.sum, dim);
}

/* Both bounds. What is beyond a float's range is infinite, as its limit is. */
static void check_filter(const struct data *data, const float *value)
{
    const struct metric_filter *filter = &data->metric.filter;
    const double unit = metric_unit(&data->metric, data->frame[0]);

    for (uint32_t i = 0; i < METRIC_LANES; i++) {
        const double f = (double)value[i], key = data->key[i] * unit, most = filter->grow * key + filter->slack;

        assert_true(f <= most || most > (double)FLT_MAX * (1 - 0x1p-24));
        assert_true(key <= filter->grow * f + filter->slack);
        assert_true(value[i] <= metric_filter_limit(&data->metric, key));
    }
}

/* Those that pass have the values of a scan without a limit. */
static void check_values(const float *value, const float *right, uint64_t mask)
{
    for (; mask != 0; mask &= mask - 1) assert_true(value[__builtin_ctzll(mask)] == right[__builtin_ctzll(mask)]);
}

/* Masks are what comparing the values gives, for a limit; and nothing is missed that lies within it. */
static void check_masks(struct data *data, const float *right, float limit)
{
    _Alignas(64) float value[METRIC_LANES];
    const struct metric *metric = &data->metric;
    uint64_t mask, lanes = 0, reaching = 0;

    for (uint32_t i = 0; i < METRIC_LANES; i++) {
        const float reach[4] = { right[i], nextafterf(right[i], -1), -1, (float)INFINITY };

        data->reach[i] = reach[(i + (i >> 4)) % 4];
        lanes |= (uint64_t)(right[i] <= limit) << i;
        reaching |= (uint64_t)(right[i] <= limit && right[i] <= data->reach[i]) << i;
    }
    memset(value, 0xff, sizeof value);
    mask = metric->kernels->lanes(value, data->lane, data->frame, data->q, metric->dim, limit);
    assert_true(mask == lanes);
    check_values(value, right, mask);
    memset(value, 0xff, sizeof value);
    mask = metric->kernels->lanes_reaching(value, data->lane, data->reach, data->frame, data->q, metric->dim, limit, -1);
    assert_true(mask == reaching);
    check_values(value, right, mask);
    for (uint32_t i = 16; i < 48; i++) data->reach[i] = i == 40 ? 1 : i % 2 ? -1 : 0.5F; /* a group without, one with one that reaches 1 */
    reaching &= UINT64_C(0xffff00000000ffff);
    for (uint32_t i = 32; i < 48; i++) reaching |= (uint64_t)(right[i] <= limit && right[i] <= data->reach[i]) << i;
    memset(value, 0xff, sizeof value);
    mask = metric->kernels->lanes_reaching(value, data->lane, data->reach, data->frame, data->q, metric->dim, limit, 1);
    assert_true(mask == reaching);
    check_values(value, right, mask);
    for (uint32_t i = 16; i < 32; i++) assert_true(isnan(value[i])); /* not even written */
}

static void check_lanes(struct data *data)
{
    _Alignas(64) float value[METRIC_LANES];
    const double unit = metric_unit(&data->metric, data->frame[0]);
    const uint32_t some = (uint32_t)base_random_below(&data->random, METRIC_LANES);
    const float limit = metric_filter_limit(&data->metric, data->key[some] * unit);
    const uint64_t all = data->metric.kernels->lanes(value, data->lane, data->frame, data->q, data->metric.dim, (float)INFINITY);

    assert_true(all == ~UINT64_C(0));
    check_filter(data, value);
    check_masks(data, value, (float)INFINITY);
    check_masks(data, value, -1);
    check_masks(data, value, 0);
    check_masks(data, value, value[some]);
    check_masks(data, value, nextafterf(value[some], -1));
    check_masks(data, value, limit);
    for (uint32_t i = 0; i < METRIC_LANES; i++) assert_true(data->key[i] > data->key[some] || value[i] <= limit);
}

/* ---- boxes -------------------------------------------------------------------------------------------------------------------------------- */

static void fill_boxes(struct data *data, int kind)
{
    const size_t dim = data->metric.dim;

    for (size_t at = 0; at < dim * METRIC_FANOUT; at++) {
        const double a = awkward(&data->random, kind), b = awkward(&data->random, kind);

        data->box[at] = fmin(a, b);
        data->box[dim * METRIC_FANOUT + at] = fmax(a, b);
    }
}

/* To the nearest point of the box. */
static double box_bound(const struct data *data, uint32_t slot)
{
    const uint32_t dim = data->metric.dim;
    double nearest[ROOM];

    for (uint32_t j = 0; j < dim; j++) {
        nearest[j] = fmin(fmax(data->q[j], data->box[j * METRIC_FANOUT + slot]), data->box[(dim + j) * METRIC_FANOUT + slot]);
    }
    return support_key(nearest, data->q, data->metric.sum, dim);
}

/* The boxes in a frame around them all, as an inner node has it. */
static void frame_boxes(struct data *data)
{
    const uint32_t dim = data->metric.dim;
    double width = 0;
    int exponent = 0;

    for (uint32_t j = 0; j < dim; j++) {
        double low = data->box[j * METRIC_FANOUT], high = data->box[(dim + j) * METRIC_FANOUT];

        for (uint32_t i = 0; i < METRIC_FANOUT; i++) {
            low = fmin(low, data->box[j * METRIC_FANOUT + i]);
            high = fmax(high, data->box[(dim + j) * METRIC_FANOUT + i]);
        }
        data->box_frame[1 + j] = low + (high - low) / 2;
        width = fmax(width, fmax(high - data->box_frame[1 + j], data->box_frame[1 + j] - low));
    }
    frexp(width, &exponent);
    data->box_frame[0] = width < 1 / METRIC_SCALE_MAX ? METRIC_SCALE_MAX : ldexp(1, -exponent);
    for (uint32_t at = 0; at < 2 * dim * METRIC_FANOUT; at++) {
        data->near_box[at] = (float)((data->box[at] - data->box_frame[1 + at / METRIC_FANOUT % dim]) * data->box_frame[0]);
        assert_true(fabsf(data->near_box[at]) <= 1);
    }
}

/* The filter's values of boxes are within what it promises of the key of the nearest place. */
static void check_near_boxes(const struct data *data, const double *wanted)
{
    const struct metric *metric = &data->metric;
    const double unit = metric_unit(metric, data->box_frame[0]);
    const uint32_t used = (UINT32_C(1) << (1 + (unsigned)(wanted[0] > wanted[1]) + 2 * data->metric.dim % 14)) - 1; /* any */
    _Alignas(64) float value[METRIC_FANOUT];
    uint32_t least;

    least = metric->kernels->near_boxes(value, data->near_box, data->box_frame, data->q, metric->dim, used);
    assert_true(used >> least & 1);
    for (uint32_t i = 0; i < METRIC_FANOUT; i++) {
        const double f = (double)value[i], key = wanted[i] * unit, most = metric->filter.grow * key + metric->filter.slack;

        assert_true(f <= most || most > (double)FLT_MAX * (1 - 0x1p-24));
        assert_true(key <= metric->filter.grow * f + metric->filter.slack);
        assert_true(!(used >> i & 1) || value[i] >= value[least]);
    }
}

/* Exact bounds have the bits of keys; the filter's are not above them, nor below by more than it says. */
static void check_boxes(struct data *data)
{
    _Alignas(64) double bound[METRIC_FANOUT], exact[METRIC_FANOUT];
    const struct metric *metric = &data->metric;
    const struct metric_filter *filter = &metric->filter;
    double wanted[METRIC_FANOUT];

    frame_boxes(data);
    for (uint32_t i = 0; i < METRIC_FANOUT; i++) wanted[i] = box_bound(data, i);
    check_near_boxes(data, wanted);
    metric->kernels->boxes(bound, data->near_box, data->box_frame, filter, data->q, metric->dim, (double)INFINITY);
    for (uint32_t i = 0; i < METRIC_FANOUT; i++) {
        const double unit = metric_unit(metric, data->box_frame[0]), most = fmin(wanted[i] * unit, 0x1p127);

        assert_true(bound[i] <= wanted[i] && bound[i] >= 0);
        assert_true(filter->grow * filter->grow * bound[i] * unit * (1 + 1e-9) + 3 * filter->slack * filter->grow >= most);
        data->box_reach[i] = i % 2 ? bound[i] : nextafter(bound[i], -1);
    }
    for (int round = 0; round < 4; round++) {
        const double some = round % 2 ? wanted[3] : bound[base_random_below(&data->random, METRIC_FANOUT)];
        const double limit = round == 0 ? (double)INFINITY : round == 1 ? -1 : round == 2 ? some : nextafter(some, -1);
        uint32_t boxes = 0, reaching = 0, sides = 0;

        for (uint32_t i = 0; i < METRIC_FANOUT; i++) {
            boxes |= (uint32_t)(bound[i] <= limit) << i;
            reaching |= (uint32_t)(bound[i] <= limit && bound[i] <= data->box_reach[i]) << i;
            sides |= (uint32_t)(wanted[i] <= limit) << i;
        }
        memset(exact, 0xff, sizeof exact);
        assert_true(metric->kernels->boxes(exact, data->near_box, data->box_frame, filter, data->q, metric->dim, limit) == boxes);
        assert_memory_equal(exact, bound, sizeof bound);
        memset(exact, 0xff, sizeof exact);
        assert_true(metric->kernels->boxes_reaching(exact, data->near_box, data->box_reach, data->box_frame, filter, data->q, metric->dim, limit) ==
                    reaching);
        assert_memory_equal(exact, bound, sizeof bound);
        memset(exact, 0xff, sizeof exact);
        assert_true(metric->kernels->boxes_exact(exact, data->box, data->q, metric->dim, limit) == sides);
        assert_memory_equal(exact, wanted, sizeof wanted);
    }
}

/* ---- k-NN --------------------------------------------------------------------------------------------------------------------------------- */

enum { KEPT = 3 * METRIC_LANES };

/* A search under way: what it was shown, beside what it has made of it. */
struct nearing {
    struct metric_near near;
    _Alignas(64) float value[KEPT + METRIC_FANOUT];
    uint32_t number[KEPT + METRIC_FANOUT];
    float shown[KEPT];
    size_t shown_count, k;
};

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static void nearing_start(struct nearing *nearing, size_t k, float limit)
{
    struct metric_near *near = &nearing->near;

    memset(nearing, 0, sizeof *nearing);
    nearing->k = k;
    near->value = nearing->value;
    near->number = nearing->number;
    near->length = k <= 16 ? 16 : k <= METRIC_SORTED_MAX ? METRIC_SORTED_MAX : 0;
    for (size_t i = 0; i < near->length; i++) near->sorted[i] = i < near->length - k ? -INFINITY : INFINITY;
    near->grow = 1.0009765625F;
    near->slack = 0x1p-30F;
    near->limit = limit;
}

/* `value` are those of the lanes in `wanted`, shown as `number` + lane: which are there now, whatever the limit was at first. */
static void check_taken(struct nearing *nearing, const float *value, uint64_t wanted, uint32_t number, float first_limit)
{
    const struct metric_near *near = &nearing->near;
    size_t count = 0;

    for (uint32_t i = 0; i < METRIC_LANES; i++) {
        size_t found = 0;

        for (size_t at = 0; at < near->count; at++) {
            if (near->number[at] != number + i) continue;
            assert_true(near->value[at] == value[i]);
            found++;
        }
        count += found;
        assert_true(found <= (wanted >> i & 1) && (found == 0 || value[i] <= first_limit));
        assert_true(found == 1 || !(wanted >> i & 1) || value[i] > near->limit);
        if ((wanted >> i & 1) && value[i] <= first_limit) nearing->shown[nearing->shown_count++] = value[i];
    }
    if (number == 0) assert_int_equal(near->count, count);
    qsort(nearing->shown, nearing->shown_count, sizeof *nearing->shown, by_size);
    if (near->length == 0) {
        assert_true(near->limit == first_limit);
        return;
    }
    for (size_t i = 0; i < nearing->k; i++) {
        const float wanted_value = i < nearing->shown_count ? nearing->shown[i] : INFINITY;

        assert_true(near->sorted[near->length - nearing->k + i] == wanted_value);
    }
    if (nearing->shown_count < nearing->k) {
        assert_true(near->limit == first_limit);
    } else {
        assert_true(near->limit <= 1.001F * nearing->shown[nearing->k - 1] + 0x1p-29F);
        assert_true(near->limit >= fminf(first_limit, nearing->shown[nearing->k - 1]));
    }
}

/* Two blocks: the second meets a limit. Values are those of `lanes`, times the unit. */
static void check_near_lanes(struct data *data)
{
    static const size_t ks[] = { 1, 3, 16, 17, 32, 40 };
    const struct metric_kernels *kernels = data->metric.kernels;
    const float unit = base_random_below(&data->random, 2) ? 1 : 0x1p-5F;
    const size_t k = ks[base_random_below(&data->random, 6)];
    _Alignas(64) float value[METRIC_LANES];
    struct nearing nearing;

    kernels->lanes(value, data->lane, data->frame, data->q, data->metric.dim, INFINITY);
    for (uint32_t i = 0; i < METRIC_LANES; i++) value[i] *= unit;
    nearing_start(&nearing, k, INFINITY);
    for (uint32_t block = 0; block < 2; block++) {
        const float limit = nearing.near.limit;
        const uint64_t wanted = base_random_next(&data->random) | (base_random_below(&data->random, 2) ? UINT64_MAX : 0);
        _Alignas(64) float seen[METRIC_LANES];
        const uint64_t mask = kernels->near_lanes(seen, data->lane, data->frame, data->q, data->metric.dim, unit, limit / unit);

        for (uint32_t i = 0; i < METRIC_LANES; i++) assert_int_equal(mask >> i & 1, value[i] <= limit);
        kernels->near_values(&nearing.near, seen, mask & wanted, block * METRIC_LANES);
        check_taken(&nearing, value, wanted, block * METRIC_LANES, limit);
    }
}

/* Queries side by side, each with what it found. */
struct pairs {
    struct nearing nearing[METRIC_LANES], twin;
    struct metric_near *near[METRIC_LANES];
    _Alignas(64) double place[METRIC_PAIRS_DIM * METRIC_LANES];
    _Alignas(64) float centre[METRIC_PAIRS_DIM * METRIC_LANES], limit[METRIC_LANES];
};

/* The first `count` lanes against each other. */
static void check_own(struct pairs *pairs, const struct data *data, unsigned count, size_t k)
{
    for (unsigned i = 0; i < METRIC_LANES; i++) {
        nearing_start(&pairs->nearing[i], k, INFINITY);
        pairs->near[i] = &pairs->nearing[i].near;
    }
    data->metric.kernels->pair_own(pairs->near, pairs->limit, data->lane, data->metric.dim, count, 0, k);
    for (unsigned i = 0; i < count; i++) {
        const double as_they_are[1 + METRIC_PAIRS_DIM] = { 1, 0, 0, 0 };
        _Alignas(64) float value[METRIC_LANES];
        double q[METRIC_PAIRS_DIM];

        for (uint32_t j = 0; j < data->metric.dim; j++) q[j] = (double)data->lane[j * METRIC_LANES + i];
        data->metric.kernels->lanes(value, data->lane, as_they_are, q, data->metric.dim, INFINITY);
        check_taken(&pairs->nearing[i], value, (UINT64_MAX >> (METRIC_LANES - count)) & ~(UINT64_C(1) << i), 0, INFINITY);
        assert_true(pairs->limit[i] == pairs->near[i]->limit && pairs->near[i]->count >= k);
    }
    for (unsigned i = count; i < METRIC_LANES; i++) assert_true(pairs->limit[i] == -1);
}

/* A query looks into a block as its twin does alone. */
static void check_looked(struct pairs *pairs, const struct data *data, unsigned i, float before, float unit, uint64_t used)
{
    const struct metric_near *near = pairs->near[i];
    const struct metric_kernels *kernels = data->metric.kernels;
    double q[METRIC_PAIRS_DIM];
    _Alignas(64) float value[METRIC_LANES];

    for (uint32_t j = 0; j < data->metric.dim; j++) q[j] = pairs->place[j * METRIC_LANES + i];
    used &= kernels->near_lanes(value, data->lane, data->frame, q, data->metric.dim, unit, before / unit);
    kernels->near_values(&pairs->twin.near, value, used, METRIC_LANES);
    assert_int_equal(near->count, pairs->twin.near.count);
    assert_memory_equal(near->value, pairs->twin.near.value, near->count * sizeof *near->value);
    assert_memory_equal(near->number, pairs->twin.near.number, near->count * sizeof *near->number);
    assert_true(near->limit == pairs->twin.near.limit && pairs->limit[i] == near->limit);
}

/* Whether a query that was told to pass over the block's box has nothing in it, and one that was not has its box within the limit, nearly. */
static void check_asking(const struct pairs *pairs, const struct data *data, unsigned i, int asks, float unit)
{
    const uint32_t dim = data->metric.dim;
    const double *low = data->frame + 1 + dim, *high = low + dim, limit = (double)pairs->limit[i] / (double)unit;
    _Alignas(64) float value[METRIC_LANES];
    double q[METRIC_PAIRS_DIM], sum = 0;

    for (uint32_t j = 0; j < dim; j++) {
        q[j] = pairs->place[j * METRIC_LANES + i];
        const double outside = fmax(fmax(low[j] - q[j], q[j] - high[j]), 0) * data->frame[0];

        assert_true(pairs->centre[j * METRIC_LANES + i] == (float)((q[j] - data->frame[1 + j]) * data->frame[0]));
        sum = data->metric.sum == METRIC_SQUARES ? sum + outside * outside : data->metric.sum == METRIC_SIZES ? sum + outside : fmax(sum, outside);
    }
    data->metric.kernels->lanes(value, data->lane, data->frame, q, dim, INFINITY);
    for (unsigned lane = 0; lane < METRIC_LANES; lane++) assert_true(asks || (double)value[lane] > limit);
    if (asks) assert_true(0.99 * sum <= data->metric.filter.grow * limit + data->metric.filter.slack);
}

/* Of queries that have looked into the block itself, some next to rows and some anywhere, those look into it a second time who may find something. */
static void check_pairs(struct data *data, struct pairs *pairs, int kind)
{
    static const size_t ks[] = { 1, 3, 10, 16, 17, 32 };
    const struct metric_kernels *kernels = data->metric.kernels;
    const float unit = base_random_below(&data->random, 2) ? 1 : 0x1p-5F;
    const size_t k = ks[base_random_below(&data->random, 6)];
    const unsigned count = (unsigned)k + 1 + (unsigned)base_random_below(&data->random, METRIC_LANES - k);
    const uint32_t dim = data->metric.dim;
    const uint64_t used = UINT64_MAX >> base_random_below(&data->random, METRIC_LANES);
    double *low = data->frame + 1 + dim, *high = low + dim;
    uint64_t asking = 0;

    if (dim > METRIC_PAIRS_DIM) return;
    check_own(pairs, data, count, k);
    for (uint32_t j = 0; j < dim; j++) {
        low[j] = high[j] = data->row[j];
        for (unsigned i = 0; i < METRIC_LANES; i++) {
            low[j] = fmin(low[j], data->row[i * dim + j]);
            high[j] = fmax(high[j], data->row[i * dim + j]);
            pairs->place[j * METRIC_LANES + i] = i % 2 ? data->row[i * dim + j] : awkward(&data->random, kind);
        }
    }
    asking = kernels->pair_boxes(pairs->centre, pairs->place, dim, data->frame, pairs->limit, 1 / unit);
    for (unsigned i = 0; i < METRIC_LANES; i++) check_asking(pairs, data, i, (int)(asking >> i & 1), unit);
    assert_int_equal(asking & ~(UINT64_MAX >> (METRIC_LANES - count)), 0);
    for (; asking != 0; asking &= asking - 1) { /* the lowest alone, then the lowest with the one after it */
        const unsigned i = (unsigned)__builtin_ctzll(asking);
        const uint64_t next = asking & (asking - 1), two = asking & ~(next & (next - 1));
        const float before = pairs->limit[i];

        pairs->twin = pairs->nearing[i];
        pairs->twin.near.value = pairs->twin.value;
        pairs->twin.near.number = pairs->twin.number;
        assert_true(kernels->pair_lanes(pairs->near, pairs->limit, two, data->lane, pairs->centre, dim, unit, used, METRIC_LANES) >=
                    pairs->near[i]->count);
        check_looked(pairs, data, i, before, unit, used);
        asking = next;
    }
}

/* Values with ties, infinite ones and zeros. */
static float some_value(struct base_random *random)
{
    const uint64_t kind = base_random_below(random, 12);

    if (kind == 0) return INFINITY;
    return kind == 1 ? 0 : (float)base_random_below(random, 40) * (kind < 4 ? 0x1p-20F : 1);
}

/* What waits in no order is narrowed to about k, all that are as near as the k-th among them. */
static void check_narrow(const struct metric_kernels *kernels, struct base_random *random, size_t k)
{
    struct nearing nearing;
    float sorted[KEPT];
    size_t n = k + base_random_below(random, KEPT - k), kept = 0;
    struct metric_near *near = &nearing.near;

    nearing_start(&nearing, METRIC_SORTED_MAX + 1, INFINITY);
    for (size_t i = 0; i < n; i++) {
        nearing.value[i] = sorted[i] = some_value(random);
        nearing.number[i] = (uint32_t)(7 * i);
        nearing.shown[i] = sorted[i];
    }
    qsort(sorted, n, sizeof *sorted, by_size);
    near->count = n;
    kernels->near_narrow(near, k);
    assert_true(near->count >= k && near->limit >= sorted[k - 1]);
    for (size_t i = 0; i < n; i++) kept += nearing.shown[i] <= near->limit;
    assert_int_equal(near->count, kept);
    for (size_t i = 0; i < kept; i++) {
        assert_int_equal(near->number[i] % 7, 0);
        assert_true(near->value[i] == nearing.shown[near->number[i] / 7] && near->value[i] <= near->limit);
        assert_true(i == 0 || near->number[i] > near->number[i - 1]);
    }
    while (n > k && sorted[n - 1] > sorted[k - 1] * 1.002F + 0x1p-29F) n--;
    assert_true(kept <= n + k / 16 + 2);
    near->limit = 5;
    for (size_t i = n = 0; i < near->count; i++) n += near->value[i] <= 5;
    kernels->near_drop(near);
    assert_int_equal(near->count, n);
    for (size_t i = 0; i < n; i++) assert_true(near->value[i] <= 5);
}

static void check_order(const struct metric_kernels *kernels, struct base_random *random, size_t n)
{
    float value[METRIC_ORDERED_MAX];
    uint32_t order[METRIC_ORDERED_MAX];
    char seen[METRIC_ORDERED_MAX] = { 0 };

    for (size_t i = 0; i < n; i++) value[i] = some_value(random) * (1 + (float)base_random_below(random, 1000) * 0x1p-20F);
    kernels->near_order(order, value, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(order[i] < n && !seen[order[i]]);
        seen[order[i]] = 1;
        assert_true(i == 0 || value[order[i - 1]] <= value[order[i]] * (1 + 0x1p-15F));
    }
}

static void check_push(const struct metric_kernels *kernels, struct base_random *random)
{
    const float units[] = { 1, 0x1p-30F, 0x1p100F, 0 }, unit = units[base_random_below(random, 4)], slack = 0x1p-10F;
    const float limit = base_random_below(random, 3) ? 20 * unit : (float)INFINITY;
    const uint32_t mask = (uint32_t)base_random_next(random) & 0xffff;
    _Alignas(64) float value[METRIC_FANOUT], bound[2 * METRIC_FANOUT];
    _Alignas(64) uint32_t children[METRIC_FANOUT], child[2 * METRIC_FANOUT];
    uint32_t expected = 0;
    unsigned count;

    for (uint32_t i = 0; i < METRIC_FANOUT; i++) {
        value[i] = some_value(random);
        children[i] = 100 + i;
        expected |= (uint32_t)((fminf(value[i], 0x1p127F) - slack) * unit <= limit) << i;
    }
    expected &= mask;
    count = kernels->near_push(bound, child, value, children, mask, unit, slack, limit);
    assert_int_equal(count, __builtin_popcount(expected));
    for (unsigned i = 0; i < count; i++) {
        const uint32_t slot = child[i] - 100;

        assert_true(slot < METRIC_FANOUT && (expected >> slot & 1));
        expected &= ~(UINT32_C(1) << slot);
        assert_true(bound[i] == (fminf(value[slot], 0x1p127F) - slack) * unit && bound[i] >= bound[count - 1]);
    }
}

/* Kernels that do not depend on the dimension. */
static void check_near(const struct metric_kernels *kernels, struct base_random *random)
{
    for (size_t k = 1; k <= METRIC_LANES; k++) {
        _Alignas(64) float value[METRIC_LANES];
        struct nearing nearing;
        float limit = 0;

        nearing_start(&nearing, k, 30);
        for (uint32_t block = 0; block < 3; block++) {
            uint64_t mask = block == 0 ? base_random_next(random) : UINT64_MAX;

            if (block < 2) limit = nearing.near.limit; /* what the last was chosen by is not the newest */
            for (uint32_t i = 0; i < METRIC_LANES; i++) value[i] = some_value(random);
            for (uint32_t i = 0; i < METRIC_LANES; i++) mask &= ~((uint64_t)(value[i] > limit) << i);
            kernels->near_values(&nearing.near, value, mask, block * METRIC_LANES);
            check_taken(&nearing, value, mask, block * METRIC_LANES, limit);
        }
    }
    for (size_t n = 1; n < KEPT; n++) check_narrow(kernels, random, n);
    for (size_t n = 0; n <= METRIC_ORDERED_MAX; n++) check_order(kernels, random, n);
    for (int i = 0; i < 1000; i++) check_push(kernels, random);
    for (size_t n = 0; n < 40; n++) {
        struct base_topk_entry entry[40];
        double root[40];

        for (size_t i = 0; i < n; i++) entry[i] = (struct base_topk_entry){ (double)base_random_next(random), 0 };
        kernels->roots(root, entry, n);
        for (size_t i = 0; i < n; i++) assert_true(root[i] == sqrt(entry[i].key));
    }
}

/* ---- all ---------------------------------------------------------------------------------------------------------------------------------- */

static void *room(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);

    assert_non_null(memory);
    return memory;
}

/* ---- rows --------------------------------------------------------------------------------------------------------------------------------- */

/* Sums over whole numbers nearly, or something above the limit; the greatest ones among them. */
static void check_shorts(struct data *data, uint32_t n)
{
    static const int ranges[] = { 0, METRIC_SHORT_MAX, 150 };
    int16_t a[ROOM], b[ROOM];

    for (int turn = 0; turn < 3 && n > 0; turn++) {
        double sum = 0;

        for (uint32_t j = 0; j < n; j++) {
            a[j] = turn == 0 ? METRIC_SHORT_MAX : (int16_t)((int)base_random_below(&data->random, 2 * (uint64_t)ranges[turn] + 1) - ranges[turn]);
            b[j] = turn == 0 ? -METRIC_SHORT_MAX : (int16_t)((int)base_random_below(&data->random, 2 * (uint64_t)ranges[turn] + 1) - ranges[turn]);
            sum += (double)(a[j] - b[j]) * (a[j] - b[j]);
        }
        assert_true(fabs((double)data->metric.kernels->row_squares(a, b, n, (float)INFINITY) - sum) <= (n + 8) * 0x1p-24 * sum);
        assert_true(data->metric.kernels->row_squares(a, b, n, (float)(sum / 2)) > (float)(sum / 2));
    }
}

/* Keys of several rows to the bit, or something above the limit. */
static void check_rows(struct data *data)
{
    const struct metric_kernels *kernels = data->metric.kernels;
    const uint32_t dim = data->metric.dim, n = dim / 16 * 16;
    const double *row[METRIC_LANES];
    double key[METRIC_LANES];

    for (unsigned i = 0; i < METRIC_LANES; i++) row[i] = data->row + (METRIC_LANES - 1 - i) * (size_t)dim;
    for (unsigned count = 0; count <= 19; count++) {
        kernels->keys(key, data->q, row, count, dim, (double)INFINITY);
        for (unsigned i = 0; i < count; i++) assert_true(key[i] == support_key(data->q, row[i], METRIC_SQUARES, dim));
        for (unsigned l = 0; l < count; l++) {
            const double limit = support_key(data->q, row[l], METRIC_SQUARES, dim);

            kernels->keys(key, data->q, row, count, dim, limit);
            for (unsigned i = 0; i < count; i++) {
                const double wanted = support_key(data->q, row[i], METRIC_SQUARES, dim);

                assert_true(wanted <= limit ? key[i] == wanted : key[i] > limit && key[i] <= wanted);
            }
        }
    }
    check_shorts(data, n);
}

void support_kernels_check(enum metric_isa isa)
{
    static const uint32_t large[] = { 64, 100, 784, METRIC_DIM_MAX };
    struct pairs *pairs = room(sizeof *pairs);
    struct data data;

    base_random_seed(&data.random, 11);
    data.row = room(sizeof(double) * ROOM * METRIC_LANES);
    data.lane = room(sizeof(float) * ROOM * METRIC_LANES);
    data.frame = room(sizeof(double) * (3 * ROOM + 1));
    data.q = room(sizeof(double) * ROOM);
    data.reach = room(sizeof(float) * METRIC_LANES);
    data.box = room(sizeof(double) * 2 * ROOM * METRIC_FANOUT);
    data.near_box = room(sizeof(float) * 2 * ROOM * METRIC_FANOUT);
    data.box_frame = room(sizeof(double) * (ROOM + 1));
    data.box_reach = room(sizeof(double) * METRIC_FANOUT);
    check_near(metric_kernels_choose(METRIC_SQUARES, isa), &data.random);
    for (uint32_t at = 0; at < DIM_SMALL + 4; at++) {
        for (int kind = 0; kind < KINDS * METRIC_SUMS; kind++) {
            const uint32_t dim = at < DIM_SMALL ? at + 1 : large[at - DIM_SMALL];

            assert_int_equal(metric_init(&data.metric, metric_of[kind / KINDS], dim, isa, NULL), 0);
            for (int place = 0; place < (dim <= DIM_SMALL ? 4 * PLACES : PLACES); place++) {
                fill_lanes(&data, kind % KINDS);
                fill_query(&data, kind % KINDS, place % PLACES);
                check_lanes(&data);
                if (data.metric.sum == METRIC_SQUARES && dim < 1000) check_rows(&data);
                check_near_lanes(&data);
                check_pairs(&data, pairs, kind % KINDS);
                fill_boxes(&data, kind % KINDS);
                check_boxes(&data);
                if (dim == METRIC_DIM_MAX && place == 1) break; /* they are slow */
            }
        }
    }
    free(pairs);
    free(data.row);
    free(data.lane);
    free(data.frame);
    free(data.q);
    free(data.reach);
    free(data.box);
    free(data.near_box);
    free(data.box_frame);
    free(data.box_reach);
}
