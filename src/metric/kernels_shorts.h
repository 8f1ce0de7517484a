/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_KERNELS_SHORTS_H
#define METRIC_KERNELS_SHORTS_H

#include "metric/kernels.h"

/* The sum of the squared differences of up to 64 whole numbers, a multiple of 16, none above METRIC_SHORT_MAX. Within the metric room only. */
static inline float metric_shorts_plain(const int16_t *row, const int16_t *q, uint32_t n)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < n; i++) {
        const int32_t t = row[i] - q[i];

        sum += t * t;
    }
    return (float)sum;
}

#if METRIC_X86
#include <immintrin.h>

/* Each of eight sums is one of four pairs at most: 8 * (2 * METRIC_SHORT_MAX)^2 < 2^31. */
_Static_assert(UINT64_C(8) * 4 * METRIC_SHORT_MAX * METRIC_SHORT_MAX < UINT64_C(1) << 31, "sums of shorts overflow");

static inline __attribute__((always_inline, target("avx2"))) float metric_shorts_avx2(const int16_t *row, const int16_t *q, uint32_t n)
{
    __m256i sum = _mm256_setzero_si256();

    for (uint32_t i = 0; i < n; i += 16) {
        const __m256i other = _mm256_loadu_si256((const __m256i *)(const void *)(q + i));
        const __m256i t = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(row + i)), other);

        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(t, t));
    }
    const __m256 eight = _mm256_cvtepi32_ps(sum);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
#endif

#endif
