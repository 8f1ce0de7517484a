/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/flat.h"

#include "metric/kernels.h"

#if METRIC_X86
#include <immintrin.h>
#include <string.h>

typedef __m512i ivec;

#define FLAT metric_flat_vnni
#define FLAT_NAME "avx512vnni"
#define FLAT_ISA __attribute__((target("avx512f,avx512bw,avx512vnni,popcnt")))
#define IWIDTH 16u
#define VECTORS_TOGETHER 4u
#define QUERIES_TOGETHER 4u
#define ivec_load(p) _mm512_load_si512(p)
#define ivec_store(p, v) _mm512_store_si512(p, v)
#define ivec_all(x) _mm512_set1_epi32(x)
#define ivec_add(a, b) _mm512_add_epi32(a, b)
#define ivec_min(a, b) _mm512_min_epi32(a, b)
#define ivec_within(v, bar) ((unsigned)_mm512_cmple_epi32_mask(v, bar))
#define ivec_dot(sum, a, b) _mm512_dpwssd_epi32(sum, a, b)
#define ivec_pair(a, b) _mm512_mask_blend_epi16(0xaaaaaaaaU, a, _mm512_slli_epi32(b, 16))
#define ivec_round(p, by, from) \
    _mm512_cvtps_epi32(_mm512_add_ps(_mm512_mul_ps(_mm512_load_ps(p), _mm512_set1_ps(by)), _mm512_set1_ps(from)))
#define ivec_short_sub(a, b) _mm512_sub_epi16(a, b)
#define ivec_short_max(a, b) _mm512_max_epi16(a, b)

static inline __attribute__((always_inline)) FLAT_ISA unsigned ivec_put(uint32_t *to, uint32_t first, unsigned mask)
{
    const __m512i all = _mm512_add_epi32(_mm512_set1_epi32((int)first), _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));

    _mm512_storeu_si512(to, _mm512_maskz_compress_epi32((__mmask16)mask, all));
    return (unsigned)__builtin_popcount(mask);
}

#include "metric/flat_body.h"
#endif
