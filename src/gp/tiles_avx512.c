/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/tiles.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

typedef __m512d vec;
typedef __m512 fvec;

#define ISA __attribute__((target("avx512f,avx512dq")))
#define TABLE gp_tiles_avx512
#define TABLE_NAME "avx512"
#define WIDTH 8u
#define FWIDTH 16u
#define VECTORS 2u
#define vec_load(p) _mm512_load_pd(p)
#define vec_store(p, v) _mm512_store_pd(p, v)
#define vec_all(x) _mm512_set1_pd(x)
#define vec_add(a, b) _mm512_add_pd(a, b)
#define vec_sub(a, b) _mm512_sub_pd(a, b)
#define vec_mul(a, b) _mm512_mul_pd(a, b)
#define vec_div(a, b) _mm512_div_pd(a, b)
#define vec_fma(a, b, c) _mm512_fmadd_pd(a, b, c)
#define vec_max(a, b) _mm512_max_pd(a, b)
#define vec_root(v) _mm512_sqrt_pd(v)
#define vec_abs(v) _mm512_abs_pd(v)
#define vec_not_below(a, b) ((uint32_t)_mm512_cmp_pd_mask(a, b, _CMP_GE_OQ))
#define vec_where_less(a, b, yes, no) _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_LT_OQ), no, yes)
#define vec_raise(v, turned) \
    _mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(v), _mm512_slli_epi64(_mm512_castpd_si512(turned), 52)))
#define fvec_load(p) _mm512_load_ps(p)
#define fvec_load_any(p) _mm512_loadu_ps(p)
#define fvec_store(p, v) _mm512_store_ps(p, v)
#define fvec_all(x) _mm512_set1_ps(x)
#define fvec_add(a, b) _mm512_add_ps(a, b)
#define fvec_sub(a, b) _mm512_sub_ps(a, b)
#define fvec_mul(a, b) _mm512_mul_ps(a, b)
#define fvec_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define fvec_max(a, b) _mm512_max_ps(a, b)
#define fvec_abs(v) _mm512_abs_ps(v)
#define fvec_where_less(a, b, yes, no) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes)
#define fvec_raise(v, turned) \
    _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(v), _mm512_slli_epi32(_mm512_castps_si512(turned), 23)))
#define fvec_total(v) _mm512_reduce_add_ps(v)
#define fvec_root(v) _mm512_sqrt_ps(v)
#define fvec_not_below(a, b) ((uint32_t)_mm512_cmp_ps_mask(a, b, _CMP_GE_OQ))

#include "gp/tiles_body.h"
#endif
