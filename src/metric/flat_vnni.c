/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/flat.h"

#include "metric/kernels.h"

#if METRIC_X86
#include <immintrin.h>
#include <string.h>

typedef __m512i ivec;

#define FLAT metric_flat_vnni
#define FLAT_NAME "avx512vnni"
#define FLAT_ISA __attribute__((target("avx512f,avx512vnni")))
#define IWIDTH 16u
#define VECTORS_TOGETHER 4u
#define QUERIES_TOGETHER 4u
#define ivec_load(p) _mm512_load_si512(p)
#define ivec_store(p, v) _mm512_store_si512(p, v)
#define ivec_all(x) _mm512_set1_epi32(x)
#define ivec_add(a, b) _mm512_add_epi32(a, b)
#define ivec_min(a, b) _mm512_min_epi32(a, b)
#define ivec_within(v, bar) ((unsigned)_mm512_cmple_epi32_mask(v, bar))
#define ivec_dot(sum, p, q) _mm512_dpwssd_epi32(sum, ivec_load(p), q)

#include "metric/flat_body.h"
#endif
