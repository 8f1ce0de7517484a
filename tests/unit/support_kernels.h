/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_KERNELS_H
#define TESTS_SUPPORT_KERNELS_H

#include "support.h"

#include "metric/metric.h"

/* Every kernel of the table against the definition, bit for bit, on many dimensions and awkward values; and against the scalar table. */
void support_kernels_check(const struct metric_kernels *kernels);

#endif
