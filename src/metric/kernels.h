/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_KERNELS_H
#define METRIC_KERNELS_H

#include "metric/metric.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The tables that metric_kernels_choose() chooses from. Within the metric room only. */
#if defined(__x86_64__)
#define METRIC_X86 1
#else
#define METRIC_X86 0
#endif
#if defined(__aarch64__)
#define METRIC_ARM 1
#else
#define METRIC_ARM 0
#endif

extern const struct metric_kernels metric_kernels_scalar[METRIC_SUMS];
#if METRIC_X86
extern const struct metric_kernels metric_kernels_avx2[METRIC_SUMS];
extern const struct metric_kernels metric_kernels_avx512[METRIC_SUMS];
#endif
#if METRIC_ARM
extern const struct metric_kernels metric_kernels_neon[METRIC_SUMS];
#endif

#endif
