/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/kernels.h"
#include "metric/kernels_shorts.h"

#if METRIC_ARM
#include <arm_neon.h>

typedef float64x2_t vec;
typedef float32x4_t fvec;
typedef uint32x4_t uvec;

#define ISA
#define TABLES metric_kernels_neon
#define TABLE_NAME "neon"
#define WIDTH 2u
#define FWIDTH 4u
#define FGROUP 8u
#define vec_load(p) vld1q_f64(p)
#define vec_store(p, v) vst1q_f64(p, v)
#define vec_all(x) vdupq_n_f64(x)
#define vec_add(a, b) vaddq_f64(a, b)
#define vec_sub(a, b) vsubq_f64(a, b)
#define vec_mul(a, b) vmulq_f64(a, b)
#define vec_max(a, b) vmaxq_f64(a, b)
#define vec_min(a, b) vminq_f64(a, b)
#define vec_abs(v) vabsq_f64(v)
#define vec_not_above(a, b) ((unsigned)vaddvq_u64(vandq_u64(vcleq_f64(a, b), (uint64x2_t){ 1, 2 })))
#define vec_of_floats(p) vcvt_f64_f32(vld1_f32(p))
#define vec_near(p) vld1q_f64(p)
#define vec_put(p, v) vst1q_f64(p, v)
#define vec_wide(p) vcvt_f64_f32(vld1_f32(p))
#define vec_add_product(sum, a, b) vfmaq_f64(sum, a, b)
#define vec_total(v) vaddvq_f64(v)
#define shorts_squares(a, b, n) metric_shorts_plain(a, b, n)
#define fvec_load(p) vld1q_f32(p)
#define fvec_store(p, v) vst1q_f32(p, v)
#define fvec_all(x) vdupq_n_f32(x)
#define fvec_add(a, b) vaddq_f32(a, b)
#define fvec_sub(a, b) vsubq_f32(a, b)
#define fvec_add_product(sum, a, b) vfmaq_f32(sum, a, b)
#define fvec_max(a, b) vmaxq_f32(a, b)
#define fvec_min(a, b) vminq_f32(a, b)
#define fvec_mul(a, b) vmulq_f32(a, b)
#define fvec_least(v) vminvq_f32(v)
#define fvec_only(v, mask) vbslq_f32(vtstq_u32(vdupq_n_u32(mask), (uint32x4_t){ 1, 2, 4, 8 }), v, vdupq_n_f32(INFINITY))
#define fvec_shifted(v, before) vextq_f32(before, v, 3)
#define fvec_last(v) vdupq_laneq_f32(v, 3)
#define fvec_first(v) vgetq_lane_f32(v, 0)
#define uvec_load(p) vld1q_u32(p)
#define uvec_from(first) vaddq_u32(vdupq_n_u32(first), (uint32x4_t){ 0, 1, 2, 3 })
#define fvec_abs(v) vabsq_f32(v)
#define fvec_not_above(a, b) vaddvq_u32(vandq_u32(vcleq_f32(a, b), (uint32x4_t){ 1, 2, 4, 8 }))

static inline __attribute__((always_inline)) unsigned put(float *value, uint32_t *number, fvec v, uvec u, unsigned mask)
{
    float values[FWIDTH];
    uint32_t numbers[FWIDTH];
    unsigned count = 0;

    vst1q_f32(values, v);
    vst1q_u32(numbers, u);
    for (; mask != 0; mask &= mask - 1, count++) {
        value[count] = values[__builtin_ctz(mask)];
        number[count] = numbers[__builtin_ctz(mask)];
    }
    return count;
}

#include "metric/kernels_body.h"
#endif
