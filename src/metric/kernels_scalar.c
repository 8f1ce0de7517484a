/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/kernels.h"

#include <math.h>

typedef double vec;

#define ISA
#define TABLES metric_kernels_scalar
#define TABLE_NAME "scalar"
#define WIDTH 1u
#define GROUP 8u
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

static inline double greater(double a, double b)
{
    return a > b ? a : b;
}

static inline double lesser(double a, double b)
{
    return a < b ? a : b;
}

#include "metric/kernels_body.h"
