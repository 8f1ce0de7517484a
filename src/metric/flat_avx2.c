/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/flat.h"

#include "metric/kernels.h"

#if METRIC_X86
#include <immintrin.h>
#include <string.h>

typedef __m256i ivec;

#define FLAT metric_flat_avx2
#define FLAT_NAME "avx2"
#define FLAT_ISA __attribute__((target("avx2")))
#define IWIDTH 8u
#define VECTORS_TOGETHER 4u
#define QUERIES_TOGETHER 2u
#define ivec_load(p) _mm256_load_si256((const __m256i *)(const void *)(p))
#define ivec_store(p, v) _mm256_store_si256((__m256i *)(void *)(p), v)
#define ivec_all(x) _mm256_set1_epi32(x)
#define ivec_add(a, b) _mm256_add_epi32(a, b)
#define ivec_min(a, b) _mm256_min_epi32(a, b)
#define ivec_within(v, bar) (0xffU & ~(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(v, bar))))
#define ivec_dot(sum, a, b) _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
#define ivec_pair(a, b) _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xaa)
#define ivec_round(p, by, from) \
    _mm256_cvtps_epi32(_mm256_add_ps(_mm256_mul_ps(_mm256_load_ps(p), _mm256_set1_ps(by)), _mm256_set1_ps(from)))
#define ivec_short_sub(a, b) _mm256_sub_epi16(a, b)
#define ivec_short_max(a, b) _mm256_max_epi16(a, b)

static inline unsigned ivec_put(uint32_t *to, uint32_t first, unsigned mask)
{
    unsigned count = 0;

    for (; mask != 0; mask &= mask - 1) to[count++] = first + (uint32_t)__builtin_ctz(mask);
    return count;
}

#include "metric/flat_body.h"
#endif
