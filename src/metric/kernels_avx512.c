/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/kernels.h"

#if METRIC_X86
#include <immintrin.h>

typedef __m512d vec;

#define ISA __attribute__((target("avx512f")))
#define TABLES metric_kernels_avx512
#define TABLE_NAME "avx512"
#define WIDTH 8u
#define GROUP 8u
#define vec_load(p) _mm512_load_pd(p)
#define vec_store(p, v) _mm512_store_pd(p, v)
#define vec_all(x) _mm512_set1_pd(x)
#define vec_add(a, b) _mm512_add_pd(a, b)
#define vec_sub(a, b) _mm512_sub_pd(a, b)
#define vec_mul(a, b) _mm512_mul_pd(a, b)
#define vec_max(a, b) _mm512_max_pd(a, b)
#define vec_min(a, b) _mm512_min_pd(a, b)
#define vec_abs(v) _mm512_abs_pd(v)
#define vec_not_above(a, b) ((unsigned)_mm512_cmp_pd_mask(a, b, _CMP_LE_OQ))

#include "metric/kernels_body.h"
#endif
