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
 * Every bound is made of exactly the operations of metric_key(), in its order, so all instances give the same bits. The functions are specialised for a
 * few dimensions and for the way to sum by inlining them with constants: at small dimensions the loop costs more than its body.
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

INSIDE uint64_t scan(float *value, const float *lane, const float *reach, const double *frame, const double *q, enum metric_sum how, uint32_t dim,
                     float limit)
{
    const fvec bar = fvec_all(limit);
    float centre[METRIC_DIM_MAX];
    uint64_t mask = 0;

    for (uint32_t j = 0; j < dim; j++) centre[j] = (float)((q[j] - frame[1 + j]) * frame[0]);
    for (unsigned first = 0; first < METRIC_LANES; first += FGROUP * FWIDTH) {
        fvec sum[FGROUP];

        UNROLLED
        for (unsigned g = 0; g < FGROUP; g++) sum[g] = fvec_all(0);
        for (uint32_t j = 0; j < dim; j++) {
            const fvec middle = fvec_all(centre[j]);
            const float *at = lane + (size_t)j * METRIC_LANES + first;

            UNROLLED
            for (unsigned g = 0; g < FGROUP; g++) sum[g] = filter_up(sum[g], fvec_sub(fvec_load(at + g * FWIDTH), middle), how);
        }
        UNROLLED
        for (unsigned g = 0; g < FGROUP; g++) {
            const unsigned at = first + g * FWIDTH;
            const fvec most = reach ? fvec_min(bar, fvec_load(reach + at)) : bar;

            fvec_store(value + at, sum[g]);
            mask |= (uint64_t)fvec_not_above(sum[g], most) << at;
        }
    }
    return mask;
}

INSIDE uint32_t bound_boxes(double *bound, const double *box, const double *reach, const double *q, enum metric_sum how, uint32_t dim, double limit)
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
            const vec t = vec_max(vec_max(vec_sub(vec_load(box + at), centre), vec_sub(centre, vec_load(high + at))), nothing);

            sum[g] = add_up(sum[g], t, how);
        }
    }
    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) {
        const unsigned at = g * WIDTH;
        const vec most = reach ? vec_min(bar, vec_load(reach + at)) : bar;

        vec_store(bound + at, sum[g]);
        mask |= (uint32_t)vec_not_above(sum[g], most) << at;
    }
    return mask;
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

#define SCAN(d) scan(value, lane, NULL, frame, q, HOW, d, limit)
#define SCAN_REACHING(d) scan(value, lane, reach, frame, q, HOW, d, limit)
#define BOUND(d) bound_boxes(bound, box, NULL, q, HOW, d, limit)
#define BOUND_REACHING(d) bound_boxes(bound, box, reach, q, HOW, d, limit)

/* The four functions of a table; HOW and the names are those of one way to sum. */
#define FOUR(sum)                                                                                                                          \
    ISA static uint64_t lanes_##sum(float value[METRIC_LANES], const float *lane, const double *frame, const double *q, uint32_t dim, float limit)\
    {                                                                                                                                      \
        BY_DIM(SCAN)                                                                                                                       \
    }                                                                                                                                      \
    ISA static uint64_t lanes_reaching_##sum(float value[METRIC_LANES], const float *lane, const float *reach, const double *frame, const double *q,\
                                             uint32_t dim, float limit)                                                                    \
    {                                                                                                                                      \
        BY_DIM(SCAN_REACHING)                                                                                                              \
    }                                                                                                                                      \
    ISA static uint32_t boxes_##sum(double bound[METRIC_FANOUT], const double *box, const double *q, uint32_t dim, double limit)           \
    {                                                                                                                                      \
        BY_DIM(BOUND)                                                                                                                      \
    }                                                                                                                                      \
    ISA static uint32_t boxes_reaching_##sum(double bound[METRIC_FANOUT], const double *box, const double *reach, const double *q,         \
                                             uint32_t dim, double limit)                                                                   \
    {                                                                                                                                      \
        BY_DIM(BOUND_REACHING)                                                                                                             \
    }

#define HOW METRIC_SQUARES
FOUR(squares)
#undef HOW
#define HOW METRIC_SIZES
FOUR(sizes)
#undef HOW
#define HOW METRIC_GREATEST
FOUR(greatest)
#undef HOW

const struct metric_kernels TABLES[METRIC_SUMS] = {
    [METRIC_SQUARES] = { TABLE_NAME, lanes_squares, lanes_reaching_squares, boxes_squares, boxes_reaching_squares },
    [METRIC_SIZES] = { TABLE_NAME, lanes_sizes, lanes_reaching_sizes, boxes_sizes, boxes_reaching_sizes },
    [METRIC_GREATEST] = { TABLE_NAME, lanes_greatest, lanes_reaching_greatest, boxes_greatest, boxes_reaching_greatest },
};
