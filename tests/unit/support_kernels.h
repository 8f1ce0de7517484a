/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_KERNELS_H
#define TESTS_SUPPORT_KERNELS_H

#include "support.h"

#include "metric/metric.h"

/* Every kernel for these instructions against the definition, bit for bit, on many dimensions and awkward values; and against the scalar ones. */
void support_kernels_check(enum metric_isa isa);

#endif
