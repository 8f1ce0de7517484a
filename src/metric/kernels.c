/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/kernels.h"

static int has(enum metric_isa isa)
{
#if METRIC_X86
    __builtin_cpu_init();
    if (isa == METRIC_ISA_AVX512) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw");
    }
    if (isa == METRIC_ISA_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    if (isa == METRIC_ISA_NEON) return METRIC_ARM; /* every one has it */
    return isa == METRIC_ISA_SCALAR;
}

const struct metric_kernels *metric_kernels_choose(enum metric_sum sum, enum metric_isa isa)
{
    if (isa == METRIC_ISA_BEST) {
        isa = METRIC_ISA_SCALAR;
        if (has(METRIC_ISA_AVX2)) isa = METRIC_ISA_AVX2;
        if (has(METRIC_ISA_AVX512)) isa = METRIC_ISA_AVX512;
        if (has(METRIC_ISA_NEON)) isa = METRIC_ISA_NEON;
    }
    if (!has(isa)) return NULL;
#if METRIC_X86
    if (isa == METRIC_ISA_AVX512) return &metric_kernels_avx512[sum];
    if (isa == METRIC_ISA_AVX2) return &metric_kernels_avx2[sum];
#endif
#if METRIC_ARM
    if (isa == METRIC_ISA_NEON) return &metric_kernels_neon[sum];
#endif
    return &metric_kernels_scalar[sum];
}
