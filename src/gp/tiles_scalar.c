/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/tiles.h"

#include <math.h>
#include <string.h>

typedef double vec;
typedef float fvec;
typedef int32_t ivec;

#define ISA
#define TABLE gp_tiles_scalar
#define TABLE_NAME "scalar"
#define WIDTH 1u
#define FWIDTH 1u
#define VECTORS 1u
#define vec_load(p) (*(p))
#define vec_store(p, v) (*(p) = (v))
#define vec_all(x) ((double)(x))
#define vec_add(a, b) ((a) + (b))
#define vec_sub(a, b) ((a) - (b))
#define vec_mul(a, b) ((a) * (b))
#define vec_div(a, b) ((a) / (b))
#define vec_fma(a, b, c) fma(a, b, c)
#define vec_max(a, b) ((a) > (b) ? (a) : (b))
#define vec_root(v) sqrt(v)
#define vec_abs(v) fabs(v)
#define vec_not_below(a, b) ((uint32_t)((a) >= (b)))
#define vec_where_less(a, b, yes, no) ((a) < (b) ? (yes) : (no))
#define vec_raise(v, turned) raise(v, turned)
#define fvec_load(p) (*(p))
#define fvec_load_any(p) (*(p))
#define fvec_store(p, v) (*(p) = (v))
#define fvec_all(x) ((float)(x))
#define fvec_add(a, b) ((a) + (b))
#define fvec_sub(a, b) ((a) - (b))
#define fvec_mul(a, b) ((a) * (b))
#define fvec_fma(a, b, c) ((a) * (b) + (c))
#define fvec_max(a, b) ((a) > (b) ? (a) : (b))
#define fvec_abs(v) fabsf(v)
#define fvec_where_less(a, b, yes, no) ((a) < (b) ? (yes) : (no))
#define fvec_raise(v, turned) fraise(v, turned)
#define fvec_total(v) (v)
#define fvec_root(v) sqrtf(v)
#define fvec_not_below(a, b) ((uint32_t)((a) >= (b)))

/* value * 2^n, where n stands in the low bits of `turned`. */
static inline double raise(double value, double turned)
{
    uint64_t bits, n;

    memcpy(&bits, &value, sizeof bits);
    memcpy(&n, &turned, sizeof n);
    bits += n << 52;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float fraise(float value, float turned)
{
    uint32_t bits, n;

    memcpy(&bits, &value, sizeof bits);
    memcpy(&n, &turned, sizeof n);
    bits += n << 23;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define fvec_of_ints(p) ((float)*(p))

#define IWIDTH 1u
#define ROWS_TOGETHER 1u
#define VECTORS_TOGETHER 32u
#define ivec_all(x) (x)
#define ivec_store(p, v) (*(p) = (v))
#define PRODUCTS products
#define PRODUCTS_ISA
#define ivec_dot(sum, panel, row) \
    ((sum) + (panel)[0] * (row)[0] + (panel)[1] * (row)[1] + (panel)[2] * (row)[2] + (panel)[3] * (row)[3])
#include "gp/products_body.h"
#include "gp/tiles_body.h"
