/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/kernels.h"

#if METRIC_X86
#include <immintrin.h>

typedef __m512d vec;
typedef __m512 fvec;

#define ISA __attribute__((target("avx512f")))
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
#define vec_shifted(v, before) _mm512_castsi512_pd(_mm512_alignr_epi64(_mm512_castpd_si512(v), _mm512_castpd_si512(before), 7))
#define vec_last(v) _mm512_cvtsd_f64(_mm512_permutexvar_pd(_mm512_set1_epi64(7), v))
#define vec_of_floats(p) _mm512_cvtps_pd(_mm256_load_ps(p))
#define fvec_load(p) _mm512_load_ps(p)
#define fvec_store(p, v) _mm512_store_ps(p, v)
#define fvec_all(x) _mm512_set1_ps(x)
#define fvec_add(a, b) _mm512_add_ps(a, b)
#define fvec_sub(a, b) _mm512_sub_ps(a, b)
#define fvec_add_product(sum, a, b) _mm512_fmadd_ps(a, b, sum)
#define fvec_max(a, b) _mm512_max_ps(a, b)
#define fvec_min(a, b) _mm512_min_ps(a, b)
#define fvec_abs(v) _mm512_abs_ps(v)
#define fvec_not_above(a, b) ((unsigned)_mm512_cmp_ps_mask(a, b, _CMP_LE_OQ))

#include "metric/kernels_body.h"
#endif
