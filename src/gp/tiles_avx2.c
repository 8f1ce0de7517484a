/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/tiles.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

typedef __m256d vec;
typedef __m256 fvec;
typedef __m256i ivec;

#define ISA __attribute__((target("avx2,fma")))
#define TABLE gp_tiles_avx2
#define TABLE_NAME "avx2"
#define WIDTH 4u
#define FWIDTH 8u
#define VECTORS 1u
#define vec_load(p) _mm256_load_pd(p)
#define vec_store(p, v) _mm256_store_pd(p, v)
#define vec_all(x) _mm256_set1_pd(x)
#define vec_add(a, b) _mm256_add_pd(a, b)
#define vec_sub(a, b) _mm256_sub_pd(a, b)
#define vec_mul(a, b) _mm256_mul_pd(a, b)
#define vec_div(a, b) _mm256_div_pd(a, b)
#define vec_fma(a, b, c) _mm256_fmadd_pd(a, b, c)
#define vec_max(a, b) _mm256_max_pd(a, b)
#define vec_root(v) _mm256_sqrt_pd(v)
#define vec_abs(v) _mm256_andnot_pd(_mm256_set1_pd(-0.0), v)
#define vec_not_below(a, b) ((uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_GE_OQ)))
#define vec_where_less(a, b, yes, no) _mm256_blendv_pd(no, yes, _mm256_cmp_pd(a, b, _CMP_LT_OQ))
#define vec_raise(v, turned) \
    _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(v), _mm256_slli_epi64(_mm256_castpd_si256(turned), 52)))
#define fvec_load(p) _mm256_load_ps(p)
#define fvec_load_any(p) _mm256_loadu_ps(p)
#define fvec_store(p, v) _mm256_store_ps(p, v)
#define fvec_all(x) _mm256_set1_ps(x)
#define fvec_add(a, b) _mm256_add_ps(a, b)
#define fvec_sub(a, b) _mm256_sub_ps(a, b)
#define fvec_mul(a, b) _mm256_mul_ps(a, b)
#define fvec_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define fvec_max(a, b) _mm256_max_ps(a, b)
#define fvec_abs(v) _mm256_andnot_ps(_mm256_set1_ps(-0.0F), v)
#define fvec_where_less(a, b, yes, no) _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ))
#define fvec_raise(v, turned) \
    _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), _mm256_slli_epi32(_mm256_castps_si256(turned), 23)))
#define fvec_total(v) total(v)
#define fvec_root(v) _mm256_sqrt_ps(v)
#define fvec_not_below(a, b) ((uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ)))

ISA static inline float total(__m256 v)
{
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)), two = _mm_add_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#define fvec_of_ints(p) _mm256_cvtepi32_ps(_mm256_load_si256((const __m256i *)(p)))

#define IWIDTH 8u
#define ROWS_TOGETHER 2u
#define VECTORS_TOGETHER 4u
#define ivec_all(x) _mm256_set1_epi32(x)
#define ivec_store(p, v) _mm256_store_si256((__m256i *)(p), v)

ISA static inline ivec add_products(ivec sum, const uint8_t *panel, const int8_t *row)
{
    int32_t four;

    memcpy(&four, row, sizeof four);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_load_si256((const __m256i *)(const void *)panel),
                                                                        _mm256_set1_epi32(four)), _mm256_set1_epi16(1)));
}

#define PRODUCTS products
#define PRODUCTS_ISA ISA
#define ivec_dot(sum, panel, row) add_products(sum, panel, row)
#include "gp/products_body.h"
#include "gp/tiles_body.h"
#endif
