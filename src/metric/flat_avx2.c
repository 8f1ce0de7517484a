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
#define ivec_dot(sum, p, q) _mm256_add_epi32(sum, _mm256_madd_epi16(ivec_load(p), q))

#include "metric/flat_body.h"
#endif
