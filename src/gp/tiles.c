/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/tiles.h"

static int has(enum metric_isa isa)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (isa == METRIC_ISA_AVX512) {
        return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512bw") != 0;
    }
    if (isa == METRIC_ISA_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return isa == METRIC_ISA_SCALAR;
}

const struct gp_tiles *gp_tiles_choose(enum metric_isa isa)
{
    if (isa == METRIC_ISA_BEST) {
        isa = METRIC_ISA_SCALAR;
        if (has(METRIC_ISA_AVX2)) isa = METRIC_ISA_AVX2;
        if (has(METRIC_ISA_AVX512)) isa = METRIC_ISA_AVX512;
    }
    if (!has(isa)) return NULL;
#if defined(__x86_64__)
    if (isa == METRIC_ISA_AVX512) return __builtin_cpu_supports("avx512vnni") ? &gp_tiles_vnni : &gp_tiles_avx512;
    if (isa == METRIC_ISA_AVX2) return &gp_tiles_avx2;
#endif
    return &gp_tiles_scalar;
}
