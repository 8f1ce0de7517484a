/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels, once, over vectors of WIDTH doubles. No include guard: each kernels_<isa>.c includes it after it has defined
 *   ISA                    function attribute that turns the instructions on
 *   TABLES, TABLE_NAME     the tables to define, one for each way to sum, and their name
 *   vec, WIDTH             a vector of doubles, how many they are
 *   fvec, FWIDTH, FGROUP   a vector of floats, how many they are, how many vectors are summed side by side (registers)
 *   vec_load vec_store vec_all vec_add vec_sub vec_mul vec_max vec_min vec_abs
 *   fvec_load and so on, and fvec_add_product(sum, a, b)
 *   vec_not_above(a, b)    bit i: a[i] <= b[i]
 *   vec_of_floats(p)       as many floats widened
 * An exact bound is made of the very operations of metric_key(), in its order, so all instances give the same bits. The functions are specialised
 * for a few dimensions and for the way to sum by inlining them with constants: at small dimensions the loop costs more than its body.
 */
#define UNROLLED _Pragma("GCC unroll 16") /* the sums stay in registers only so */
#define INSIDE static inline __attribute__((always_inline)) ISA

/* One coordinate's difference t goes into the key. */
INSIDE vec add_up(vec sum, vec t, enum metric_sum how)
{
    if (how == METRIC_SQUARES) return vec_add(sum, vec_mul(t, t));
    return how == METRIC_SIZES ? vec_add(sum, vec_abs(t)) : vec_max(sum, vec_abs(t));
}

/* The same for the filter, which may round as it likes. */
INSIDE fvec filter_up(fvec sum, fvec t, enum metric_sum how)
{
    if (how == METRIC_SQUARES) return fvec_add_product(sum, t, t);
    return how == METRIC_SIZES ? fvec_add(sum, fvec_abs(t)) : fvec_max(sum, fvec_abs(t));
}

/* Frames a query. */
INSIDE void frame_query(float *centre, const double *frame, const double *q, uint32_t dim)
{
    for (uint32_t j = 0; j < dim; j++) centre[j] = (float)((q[j] - frame[1 + j]) * frame[0]);
}

/* Filter's values of the lanes of `groups` vectors from `first` on. In many dimensions most blocks are far beyond the limit, which shows after some
 * of them: values only grow, so where all are above the rest is left out. Returns 0 then. */
INSIDE int sum_lanes(fvec *sum, const float *lane, const float *centre, unsigned first, unsigned groups, enum metric_sum how, uint32_t dim, fvec bar)
{
    enum { LOOK_EVERY = 16 };

    UNROLLED
    for (unsigned g = 0; g < groups; g++) sum[g] = fvec_all(0);
    for (uint32_t from = 0; from < dim; from += LOOK_EVERY) {
        const uint32_t to = dim - from > LOOK_EVERY ? from + LOOK_EVERY : dim;
        unsigned near = 0;

        for (uint32_t j = from; j < to; j++) {
            const fvec middle = fvec_all(centre[j]);
            const float *at = lane + (size_t)j * METRIC_LANES + first;

            UNROLLED
            for (unsigned g = 0; g < groups; g++) sum[g] = filter_up(sum[g], fvec_sub(fvec_load(at + g * FWIDTH), middle), how);
        }
        if (to == dim) break;
        UNROLLED
        for (unsigned g = 0; g < groups; g++) near |= fvec_not_above(sum[g], bar);
        if (near == 0) return 0;
    }
    return 1;
}

INSIDE uint64_t scan(float *value, const float *lane, const double *frame, const double *q, enum metric_sum how, uint32_t dim, float limit)
{
    const fvec bar = fvec_all(limit);
    float centre[METRIC_DIM_MAX];
    uint64_t mask = 0;

    frame_query(centre, frame, q, dim);
    for (unsigned first = 0; first < METRIC_LANES; first += FGROUP * FWIDTH) {
        fvec sum[FGROUP];

        if (!sum_lanes(sum, lane, centre, first, FGROUP, how, dim, bar)) continue;
        UNROLLED
        for (unsigned g = 0; g < FGROUP; g++) {
            fvec_store(value + first + g * FWIDTH, sum[g]);
            mask |= (uint64_t)fvec_not_above(sum[g], bar) << (first + g * FWIDTH);
        }
    }
    return mask;
}

/* Lanes that reach far stand together, so whole groups of 16 are passed over. */
INSIDE uint64_t scan_reaching(float *value, const float *lane, const float *reach, const double *frame, const double *q, enum metric_sum how,
                              uint32_t dim, float limit, float bound)
{
    enum { GROUP = 16, PARTS = GROUP / FWIDTH };
    const fvec bar = fvec_all(limit), near = fvec_all(bound);
    float centre[METRIC_DIM_MAX];
    uint64_t mask = 0;

    frame_query(centre, frame, q, dim);
    for (unsigned first = 0; first < METRIC_LANES; first += GROUP) {
        fvec sum[PARTS];
        unsigned reaching = 0;

        UNROLLED
        for (unsigned g = 0; g < PARTS; g++) reaching |= fvec_not_above(near, fvec_load(reach + first + g * FWIDTH));
        if (reaching == 0) continue;
        if (!sum_lanes(sum, lane, centre, first, PARTS, how, dim, bar)) continue;
        UNROLLED
        for (unsigned g = 0; g < PARTS; g++) {
            const unsigned at = first + g * FWIDTH;

            fvec_store(value + at, sum[g]);
            mask |= (uint64_t)fvec_not_above(sum[g], fvec_min(bar, fvec_load(reach + at))) << at;
        }
    }
    return mask;
}

/* One coordinate's distance from a box. */
#define OUTSIDE(kind, low, centre, high, nothing) kind##_max(kind##_max(kind##_sub(low, centre), kind##_sub(centre, high)), nothing)

/* Filter's values of the boxes of an inner node, also written out. */
INSIDE void sum_boxes(fvec *sum, float *value, const float *box, const double *frame, const double *q, enum metric_sum how, uint32_t dim)
{
    const float *high = box + (size_t)dim * METRIC_FANOUT;
    const fvec nothing = fvec_all(0);
    enum { SIDE = METRIC_FANOUT / FWIDTH };
    float centre[METRIC_DIM_MAX];

    frame_query(centre, frame, q, dim);
    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) sum[g] = nothing;
    for (uint32_t j = 0; j < dim; j++) {
        const fvec middle = fvec_all(centre[j]);

        UNROLLED
        for (unsigned g = 0; g < SIDE; g++) {
            const size_t at = (size_t)j * METRIC_FANOUT + g * FWIDTH;

            sum[g] = filter_up(sum[g], OUTSIDE(fvec, fvec_load(box + at), middle, fvec_load(high + at), nothing), how);
        }
    }
    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) fvec_store(value + g * FWIDTH, sum[g]);
}

#include "metric/kernels_near_body.h"
#include "metric/kernels_pairs_body.h"

INSIDE uint32_t bound_boxes(double *bound, const float *box, const double *reach, const double *frame, const struct metric_filter *filter,
                            const double *q, enum metric_sum how, uint32_t dim, double limit)
{
    const double per_unit = 1 / (how == METRIC_SQUARES ? frame[0] * frame[0] : frame[0]);
    const vec shrink = vec_all(per_unit / filter->grow), slack = vec_all(per_unit * filter->slack), bar = vec_all(limit), zero = vec_all(0);
    const vec most_known = vec_all((double)FLT_MAX);
    _Alignas(64) float value[METRIC_FANOUT];
    uint32_t mask = 0;
    fvec sum[METRIC_FANOUT / FWIDTH];

    sum_boxes(sum, value, box, frame, q, how, dim);
    UNROLLED
    for (unsigned at = 0; at < METRIC_FANOUT; at += WIDTH) {
        const vec known = vec_min(vec_of_floats(value + at), most_known); /* an infinite value says no more */
        const vec least = vec_max(vec_sub(vec_mul(known, shrink), slack), zero);
        const vec most = reach ? vec_min(bar, vec_load(reach + at)) : bar;

        vec_store(bound + at, least);
        mask |= (uint32_t)vec_not_above(least, most) << at;
    }
    return mask;
}

INSIDE uint32_t bound_exactly(double *bound, const double *box, const double *q, enum metric_sum how, uint32_t dim, double limit)
{
    const vec bar = vec_all(limit), nothing = vec_all(0);
    const double *high = box + (size_t)dim * METRIC_FANOUT;
    uint32_t mask = 0;
    enum { SIDE = METRIC_FANOUT / WIDTH };
    vec sum[SIDE];

    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) sum[g] = nothing;
    for (uint32_t j = 0; j < dim; j++) {
        const vec centre = vec_all(q[j]);

        UNROLLED
        for (unsigned g = 0; g < SIDE; g++) {
            const size_t at = (size_t)j * METRIC_FANOUT + g * WIDTH;

            sum[g] = add_up(sum[g], OUTSIDE(vec, vec_load(box + at), centre, vec_load(high + at), nothing), how);
        }
    }
    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) {
        vec_store(bound + g * WIDTH, sum[g]);
        mask |= (uint32_t)vec_not_above(sum[g], bar) << (g * WIDTH);
    }
    return mask;
}

#include "metric/kernels_rows_body.h"

/* Searches for the nearest spend their time in these. */
#define BY_NEAR_DIM(call)        \
    switch (dim) {               \
    case 1: return call(1);      \
    case 2: return call(2);      \
    case 3: return call(3);      \
    case 4: return call(4);      \
    case 5: return call(5);      \
    case 6: return call(6);      \
    case 7: return call(7);      \
    case 8: return call(8);      \
    case 9: return call(9);      \
    case 10: return call(10);    \
    case 12: return call(12);    \
    default: return call(dim);   \
    }

#define BY_PAIRS_DIM(call)       \
    switch (dim) {               \
    case 1: return call(1);      \
    case 2: return call(2);      \
    default: return call(3);     \
    }

#define BY_DIM(call)             \
    switch (dim) {               \
    case 1: return call(1);      \
    case 2: return call(2);      \
    case 3: return call(3);      \
    case 4: return call(4);      \
    case 8: return call(8);      \
    default: return call(dim);   \
    }

#define SCAN(d) scan(value, lane, frame, q, HOW, d, limit)
#define SCAN_REACHING(d) scan_reaching(value, lane, reach, frame, q, HOW, d, limit, bound)
#define NEAR_LANES(d) near_lanes(value, lane, frame, q, HOW, d, unit, limit)
#define NEAR_BOXES(d) near_boxes(value, box, frame, q, HOW, d, used)
#define PAIR_BOXES(d) pair_boxes(centre, place, frame, limit, per_unit, HOW, d)
#define PAIR_LANES(d) pair_lanes(near, limit, asking, lane, centre, unit, used, number, HOW, d)
#define PAIR_OWN(d) pair_own(near, limit, lane, count, number, k, HOW, d)
#define BOUND(d) bound_boxes(bound, box, NULL, frame, filter, q, HOW, d, limit)
#define BOUND_REACHING(d) bound_boxes(bound, box, reach, frame, filter, q, HOW, d, limit)

/* The functions of a table that differ by the way to sum; HOW and the names are those of one. */
#define FUNCTIONS(sum)                                                                                                                     \
    ISA static uint64_t lanes_##sum(float value[METRIC_LANES], const float *lane, const double *frame, const double *q, uint32_t dim, float limit)\
    {                                                                                                                                      \
        BY_DIM(SCAN)                                                                                                                       \
    }                                                                                                                                      \
    ISA static uint64_t lanes_reaching_##sum(float value[METRIC_LANES], const float *lane, const float *reach, const double *frame, const double *q,\
                                             uint32_t dim, float limit, float bound)                                                       \
    {                                                                                                                                      \
        BY_DIM(SCAN_REACHING)                                                                                                              \
    }                                                                                                                                      \
    ISA static uint64_t near_lanes_##sum(float value[METRIC_LANES], const float *lane, const double *frame, const double *q, uint32_t dim,  \
                                         float unit, float limit)                                                                       \
    {                                                                                                                                      \
        BY_NEAR_DIM(NEAR_LANES)                                                                                                            \
    }                                                                                                                                      \
    ISA static uint32_t near_boxes_##sum(float value[METRIC_FANOUT], const float *box, const double *frame, const double *q, uint32_t dim, \
                                         uint32_t used)                                                                                    \
    {                                                                                                                                      \
        BY_NEAR_DIM(NEAR_BOXES)                                                                                                            \
    }                                                                                                                                      \
    ISA static uint64_t pair_boxes_##sum(float *centre, const double *place, uint32_t dim, const double *frame, const float limit[METRIC_LANES],\
                                         float per_unit)                                                                                   \
    {                                                                                                                                      \
        BY_PAIRS_DIM(PAIR_BOXES)                                                                                                           \
    }                                                                                                                                      \
    ISA static size_t pair_lanes_##sum(struct metric_near *const near[METRIC_LANES], float limit[METRIC_LANES], uint64_t asking, const float *lane,\
                                       const float *centre, uint32_t dim, float unit, uint64_t used, uint32_t number)                      \
    {                                                                                                                                      \
        BY_PAIRS_DIM(PAIR_LANES)                                                                                                           \
    }                                                                                                                                      \
    ISA static void pair_own_##sum(struct metric_near *const near[METRIC_LANES], float limit[METRIC_LANES], const float *lane, uint32_t dim,\
                                   unsigned count, uint32_t number, size_t k)                                                              \
    {                                                                                                                                      \
        BY_PAIRS_DIM(PAIR_OWN)                                                                                                             \
    }                                                                                                                                      \
    ISA static uint32_t boxes_##sum(double bound[METRIC_FANOUT], const float *box, const double *frame, const struct metric_filter *filter,\
                                    const double *q, uint32_t dim, double limit)                                                           \
    {                                                                                                                                      \
        BY_DIM(BOUND)                                                                                                                      \
    }                                                                                                                                      \
    ISA static uint32_t boxes_reaching_##sum(double bound[METRIC_FANOUT], const float *box, const double *reach, const double *frame,      \
                                             const struct metric_filter *filter, const double *q, uint32_t dim, double limit)              \
    {                                                                                                                                      \
        BY_DIM(BOUND_REACHING)                                                                                                             \
    }                                                                                                                                      \
    ISA static uint32_t boxes_exact_##sum(double bound[METRIC_FANOUT], const double *box, const double *q, uint32_t dim, double limit)     \
    {                                                                                                                                      \
        return bound_exactly(bound, box, q, HOW, dim, limit);                                                                              \
    }

#define HOW METRIC_SQUARES
FUNCTIONS(squares)
#undef HOW
#define HOW METRIC_SIZES
FUNCTIONS(sizes)
#undef HOW
#define HOW METRIC_GREATEST
FUNCTIONS(greatest)
#undef HOW

#define TABLE(sum)                                                                                                                         \
    {                                                                                                                                      \
        TABLE_NAME, lanes_##sum, lanes_reaching_##sum, near_lanes_##sum, near_values, near_narrow, near_drop, near_order, near_boxes_##sum, \
            near_push, pair_own_##sum, pair_boxes_##sum, pair_lanes_##sum, roots, boxes_##sum, boxes_reaching_##sum, boxes_exact_##sum,     \
            project, product, add_times, row_squares, keys_squares                                                                          \
    }

const struct metric_kernels TABLES[METRIC_SUMS] = {
    [METRIC_SQUARES] = TABLE(squares),
    [METRIC_SIZES] = TABLE(sizes),
    [METRIC_GREATEST] = TABLE(greatest),
};
