/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_KERNELS_H
#define TESTS_SUPPORT_KERNELS_H

#include "support.h"

#include "metric/metric.h"

/* Every kernel for these instructions on many dimensions and awkward values: bounds of boxes bit for bit, the values of the filter within what it
 * promises, masks as comparing the values gives them. */
void support_kernels_check(enum metric_isa isa);

#endif
