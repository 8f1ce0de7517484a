/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/flat.h"

#include "metric/kernels.h"

const struct metric_flat *metric_flat_choose(enum metric_isa isa)
{
#if METRIC_X86
    const int best = isa == METRIC_ISA_BEST || isa == METRIC_ISA_AVX512;

    __builtin_cpu_init();
    if (best && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni")) {
        return &metric_flat_vnni;
    }
    if ((best || isa == METRIC_ISA_AVX2) && __builtin_cpu_supports("avx2")) return &metric_flat_avx2;
#else
    (void)isa;
#endif
    return &metric_flat_plain;
}
