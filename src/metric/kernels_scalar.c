/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/kernels.h"
#include "metric/kernels_shorts.h"

#include <math.h>

typedef double vec;
typedef float fvec;
typedef uint32_t uvec;

#define ISA
#define TABLES metric_kernels_scalar
#define TABLE_NAME "scalar"
#define WIDTH 1u
#define FWIDTH 1u
#define FGROUP 8u
#define vec_load(p) (*(p))
#define vec_store(p, v) (*(p) = (v))
#define vec_all(x) ((double)(x))
#define vec_add(a, b) ((a) + (b))
#define vec_sub(a, b) ((a) - (b))
#define vec_mul(a, b) ((a) * (b))
#define vec_max(a, b) greater(a, b)
#define vec_min(a, b) lesser(a, b)
#define vec_abs(v) fabs(v)
#define vec_not_above(a, b) ((unsigned)((a) <= (b)))
#define vec_of_floats(p) ((double)*(p))
#define vec_near(p) (*(p))
#define vec_put(p, v) (*(p) = (v))
#define vec_wide(p) ((double)*(p))
#define vec_add_product(sum, a, b) ((sum) + (a) * (b))
#define vec_total(v) (v)
#define shorts_squares(a, b, n) metric_shorts_plain(a, b, n)
#define fvec_load(p) (*(p))
#define fvec_store(p, v) (*(p) = (v))
#define fvec_all(x) ((float)(x))
#define fvec_add(a, b) ((a) + (b))
#define fvec_sub(a, b) ((a) - (b))
#define fvec_add_product(sum, a, b) ((sum) + (a) * (b))
#define fvec_max(a, b) fmaxf(a, b)
#define fvec_min(a, b) fminf(a, b)
#define fvec_mul(a, b) ((a) * (b))
#define fvec_least(v) (v)
#define fvec_only(v, mask) ((mask)&1 ? (v) : INFINITY)
#define fvec_shifted(v, before) (before)
#define fvec_last(v) (v)
#define fvec_first(v) (v)
#define uvec_load(p) (*(p))
#define uvec_from(first) ((uint32_t)(first))
#define fvec_abs(v) fabsf(v)
#define fvec_not_above(a, b) ((unsigned)((a) <= (b)))

static inline double greater(double a, double b)
{
    return a > b ? a : b;
}

static inline double lesser(double a, double b)
{
    return a < b ? a : b;
}

static inline unsigned put(float *value, uint32_t *number, float v, uint32_t u, unsigned mask)
{
    *value = v;
    *number = u;
    return mask;
}

#include "metric/kernels_body.h"
