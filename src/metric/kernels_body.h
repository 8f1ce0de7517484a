/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels, once, over vectors of WIDTH doubles. No include guard: each kernels_<isa>.c includes it after it has defined
 *   ISA                    function attribute that turns the instructions on
 *   TABLE, TABLE_NAME      the table to define and its name
 *   vec, WIDTH, GROUP      a vector, its doubles, how many of them are summed side by side (registers)
 *   vec_load vec_store vec_all vec_add vec_sub vec_mul vec_max vec_min
 *   vec_not_above(a, b)    bit i: a[i] <= b[i]
 * Every lane does exactly the operations of metric_key(), in its order, so all instances give the same bits. The functions are specialised for a
 * few dimensions by inlining them with a constant: at small dimensions the loop costs more than its body.
 */
#define UNROLLED _Pragma("GCC unroll 16") /* the sums stay in registers only so */
#define INSIDE static inline __attribute__((always_inline)) ISA

INSIDE uint64_t scan(double *key, const double *lane, const double *reach, const double *q, uint32_t dim, double limit)
{
    const vec bar = vec_all(limit);
    uint64_t mask = 0;

    for (unsigned first = 0; first < METRIC_LANES; first += GROUP * WIDTH) {
        vec sum[GROUP];

        UNROLLED
        for (unsigned g = 0; g < GROUP; g++) sum[g] = vec_all(0);
        for (uint32_t j = 0; j < dim; j++) {
            const vec centre = vec_all(q[j]);
            const double *at = lane + (size_t)j * METRIC_LANES + first;

            UNROLLED
            for (unsigned g = 0; g < GROUP; g++) {
                const vec t = vec_sub(vec_load(at + g * WIDTH), centre);

                sum[g] = vec_add(sum[g], vec_mul(t, t));
            }
        }
        UNROLLED
        for (unsigned g = 0; g < GROUP; g++) {
            const unsigned at = first + g * WIDTH;
            const vec most = reach ? vec_min(bar, vec_load(reach + at)) : bar;

            vec_store(key + at, sum[g]);
            mask |= (uint64_t)vec_not_above(sum[g], most) << at;
        }
    }
    return mask;
}

INSIDE uint32_t bound_boxes(double *bound, const double *box, const double *reach, const double *q, uint32_t dim, double limit)
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

            sum[g] = vec_add(sum[g], vec_mul(t, t));
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

ISA static uint64_t lanes(double key[METRIC_LANES], const double *lane, const double *q, uint32_t dim, double limit)
{
#define CALL(d) scan(key, lane, NULL, q, d, limit)
    BY_DIM(CALL)
#undef CALL
}

ISA static uint64_t lanes_reaching(double key[METRIC_LANES], const double *lane, const double *reach, const double *q, uint32_t dim, double limit)
{
#define CALL(d) scan(key, lane, reach, q, d, limit)
    BY_DIM(CALL)
#undef CALL
}

ISA static uint32_t boxes(double bound[METRIC_FANOUT], const double *box, const double *q, uint32_t dim, double limit)
{
#define CALL(d) bound_boxes(bound, box, NULL, q, d, limit)
    BY_DIM(CALL)
#undef CALL
}

ISA static uint32_t boxes_reaching(double bound[METRIC_FANOUT], const double *box, const double *reach, const double *q, uint32_t dim, double limit)
{
#define CALL(d) bound_boxes(bound, box, reach, q, d, limit)
    BY_DIM(CALL)
#undef CALL
}

const struct metric_kernels TABLE = { TABLE_NAME, lanes, lanes_reaching, boxes, boxes_reaching };
