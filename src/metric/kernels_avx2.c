/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/kernels.h"
#include "metric/kernels_shorts.h"

#if METRIC_X86
#include <immintrin.h>

typedef __m256d vec;
typedef __m256 fvec;
typedef __m256i uvec;

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
#define vec_of_floats(p) _mm256_cvtps_pd(_mm_load_ps(p))
#define vec_near(p) _mm256_loadu_pd(p)
#define vec_put(p, v) _mm256_storeu_pd(p, v)
#define vec_wide(p) _mm256_cvtps_pd(_mm_loadu_ps(p))
#define vec_add_product(sum, a, b) _mm256_fmadd_pd(a, b, sum)
#define vec_total(v) total(v)
#define shorts_squares(a, b, n) metric_shorts_avx2(a, b, n)
#define fvec_load(p) _mm256_load_ps(p)
#define fvec_store(p, v) _mm256_store_ps(p, v)
#define fvec_all(x) _mm256_set1_ps(x)
#define fvec_add(a, b) _mm256_add_ps(a, b)
#define fvec_sub(a, b) _mm256_sub_ps(a, b)
#define fvec_add_product(sum, a, b) _mm256_fmadd_ps(a, b, sum)
#define fvec_max(a, b) _mm256_max_ps(a, b)
#define fvec_min(a, b) _mm256_min_ps(a, b)
#define fvec_mul(a, b) _mm256_mul_ps(a, b)
#define fvec_shifted(v, before) \
    _mm256_castsi256_ps(_mm256_alignr_epi8(_mm256_castps_si256(v), _mm256_castps_si256(_mm256_permute2f128_ps(before, v, 0x21)), 12))
#define fvec_last(v) _mm256_permutevar8x32_ps(v, _mm256_set1_epi32(7))
#define fvec_first(v) _mm256_cvtss_f32(v)
#define uvec_load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define uvec_from(first) _mm256_add_epi32(_mm256_set1_epi32((int)(first)), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0))
#define fvec_abs(v) _mm256_andnot_ps(_mm256_set1_ps(-0.0F), v)
#define fvec_not_above(a, b) ((unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ)))

static inline __attribute__((always_inline)) ISA float fvec_least(fvec v)
{
    const __m128 four = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)));
}

static inline __attribute__((always_inline)) ISA fvec fvec_only(fvec v, unsigned mask)
{
    const __m256i bit = _mm256_set_epi32(128, 64, 32, 16, 8, 4, 2, 1);
    const __m256i chosen = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)mask), bit), bit);

    return _mm256_blendv_ps(_mm256_set1_ps(INFINITY), v, _mm256_castsi256_ps(chosen));
}

static inline __attribute__((always_inline)) ISA unsigned put(float *value, uint32_t *number, fvec v, uvec u, unsigned mask)
{
    _Alignas(32) float values[FWIDTH];
    _Alignas(32) uint32_t numbers[FWIDTH];
    unsigned count = 0;

    _mm256_store_ps(values, v);
    _mm256_store_si256((__m256i *)numbers, u);
    for (; mask != 0; mask &= mask - 1, count++) {
        value[count] = values[__builtin_ctz(mask)];
        number[count] = numbers[__builtin_ctz(mask)];
    }
    return count;
}

ISA static inline double total(__m256d v)
{
    const __m128d half = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));

    return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
}

#include "metric/kernels_body.h"
#endif
