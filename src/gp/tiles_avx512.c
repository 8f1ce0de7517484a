/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/tiles.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

typedef __m512d vec;
typedef __m512 fvec;
typedef __m512i ivec;

#define ISA __attribute__((target("avx512f,avx512dq,avx512bw")))
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

#define fvec_of_ints(p) _mm512_cvtepi32_ps(_mm512_load_si512(p))

#define VNNI __attribute__((target("avx512f,avx512dq,avx512bw,avx512vnni")))
#define IWIDTH 16u
#define ROWS_TOGETHER 8u
#define VECTORS_TOGETHER 2u
#define ivec_all(x) _mm512_set1_epi32(x)
#define ivec_store(p, v) _mm512_store_si512(p, v)

ISA static inline ivec four(const int8_t *row)
{
    int32_t value;

    memcpy(&value, row, sizeof value);
    return _mm512_set1_epi32(value);
}

ISA static inline ivec add_products(ivec sum, const uint8_t *panel, const int8_t *row)
{
    return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(_mm512_load_si512(panel), four(row)), _mm512_set1_epi16(1)));
}

VNNI static inline ivec add_products_at_once(ivec sum, const uint8_t *panel, const int8_t *row)
{
    return _mm512_dpbusd_epi32(sum, _mm512_load_si512(panel), four(row));
}

#define PRODUCTS products
#define PRODUCTS_ISA ISA
#define ivec_dot(sum, panel, row) add_products(sum, panel, row)
#include "gp/products_body.h"
#define PRODUCTS products_vnni
#define PRODUCTS_ISA VNNI
#define ivec_dot(sum, panel, row) add_products_at_once(sum, panel, row)
#include "gp/products_body.h"
#include "gp/tiles_body.h"

ISA static void coarse_vnni(uint32_t found[GP_ROWS], const struct gp_coarse_row *row, unsigned rows, const struct gp_coarse_panel *panel,
                            const struct gp_form *form)
{
    coarse_by(found, row, rows, panel, form, products_vnni);
}

/* The same with four products at once. */
const struct gp_tiles gp_tiles_vnni = GP_TILES("avx512vnni", coarse_vnni);
#endif
