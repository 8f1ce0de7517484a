/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FLAT_H
#define TESTS_SUPPORT_FLAT_H

#include "support.h"

#include "metric/flat.h"

/* Every kernel of a table, in all dimensions and with numbers of the greatest size, against definitions in plain loops. */
void support_flat_check(const struct metric_flat *flat);

#endif
