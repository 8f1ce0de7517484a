/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/kernels.h"

#if METRIC_X86
#include <immintrin.h>

typedef __m256d vec;
typedef __m256 fvec;

#define ISA __attribute__((target("avx2,fma")))
#define TABLES metric_kernels_avx2
#define TABLE_NAME "avx2"
#define WIDTH 4u
#define FWIDTH 8u
#define FGROUP 8u
#define vec_load(p) _mm256_load_pd(p)
#define vec_store(p, v) _mm256_store_pd(p, v)
#define vec_all(x) _mm256_set1_pd(x)
#define vec_add(a, b) _mm256_add_pd(a, b)
#define vec_sub(a, b) _mm256_sub_pd(a, b)
#define vec_mul(a, b) _mm256_mul_pd(a, b)
#define vec_max(a, b) _mm256_max_pd(a, b)
#define vec_min(a, b) _mm256_min_pd(a, b)
#define vec_abs(v) _mm256_andnot_pd(_mm256_set1_pd(-0.0), v)
#define vec_not_above(a, b) ((unsigned)_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LE_OQ)))
#define vec_shifted(v, before) _mm256_shuffle_pd(_mm256_permute2f128_pd(before, v, 0x21), v, 0x5)
#define vec_last(v) _mm256_cvtsd_f64(_mm256_permute4x64_pd(v, 3))
#define vec_of_floats(p) _mm256_cvtps_pd(_mm_load_ps(p))
#define fvec_load(p) _mm256_load_ps(p)
#define fvec_store(p, v) _mm256_store_ps(p, v)
#define fvec_all(x) _mm256_set1_ps(x)
#define fvec_add(a, b) _mm256_add_ps(a, b)
#define fvec_sub(a, b) _mm256_sub_ps(a, b)
#define fvec_add_product(sum, a, b) _mm256_fmadd_ps(a, b, sum)
#define fvec_max(a, b) _mm256_max_ps(a, b)
#define fvec_min(a, b) _mm256_min_ps(a, b)
#define fvec_abs(v) _mm256_andnot_ps(_mm256_set1_ps(-0.0F), v)
#define fvec_not_above(a, b) ((unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ)))

#include "metric/kernels_body.h"
#endif
