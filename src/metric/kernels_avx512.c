/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/kernels.h"
#include "metric/kernels_shorts.h"

#if METRIC_X86
#include <immintrin.h>

typedef __m512d vec;
typedef __m512 fvec;
typedef __m512i uvec;

#define ISA __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
#define TABLES metric_kernels_avx512
#define TABLE_NAME "avx512"
#define WIDTH 8u
#define FWIDTH 16u
#define FGROUP 4u
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
#define vec_of_floats(p) _mm512_cvtps_pd(_mm256_load_ps(p))
#define vec_near(p) _mm512_loadu_pd(p)
#define vec_put(p, v) _mm512_storeu_pd(p, v)
#define vec_wide(p) _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define vec_add_product(sum, a, b) _mm512_fmadd_pd(a, b, sum)
#define vec_total(v) _mm512_reduce_add_pd(v)
#define shorts_squares(a, b, n) metric_shorts_avx2(a, b, n)
#define fvec_load(p) _mm512_load_ps(p)
#define fvec_store(p, v) _mm512_store_ps(p, v)
#define fvec_all(x) _mm512_set1_ps(x)
#define fvec_add(a, b) _mm512_add_ps(a, b)
#define fvec_sub(a, b) _mm512_sub_ps(a, b)
#define fvec_add_product(sum, a, b) _mm512_fmadd_ps(a, b, sum)
#define fvec_max(a, b) _mm512_max_ps(a, b)
#define fvec_min(a, b) _mm512_min_ps(a, b)
#define fvec_mul(a, b) _mm512_mul_ps(a, b)
#define fvec_least(v) _mm512_reduce_min_ps(v)
#define fvec_only(v, mask) _mm512_mask_mov_ps(_mm512_set1_ps(INFINITY), (__mmask16)(mask), v)
#define fvec_shifted(v, before) _mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(v), _mm512_castps_si512(before), 15))
#define fvec_last(v) _mm512_permutexvar_ps(_mm512_set1_epi32(15), v)
#define fvec_first(v) _mm512_cvtss_f32(v)
#define uvec_load(p) _mm512_loadu_si512(p)
#define uvec_from(first) _mm512_add_epi32(_mm512_set1_epi32((int)(first)), _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0))
#define fvec_abs(v) _mm512_abs_ps(v)
#define fvec_not_above(a, b) ((unsigned)_mm512_cmp_ps_mask(a, b, _CMP_LE_OQ))

/* Chosen in a register, then stored whole: storing what is chosen takes many times as long on some processors. */
static inline __attribute__((always_inline)) ISA unsigned put(float *value, uint32_t *number, fvec v, uvec u, unsigned mask)
{
    _mm512_storeu_ps(value, _mm512_maskz_compress_ps((__mmask16)mask, v));
    _mm512_storeu_si512(number, _mm512_maskz_compress_epi32((__mmask16)mask, u));
    return (unsigned)__builtin_popcount(mask);
}

#include "metric/kernels_body.h"
#endif
