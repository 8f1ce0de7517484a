/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_CUSTOM_H
#define TESTS_SUPPORT_CUSTOM_H

#include "support_tree.h"

#include "metric/custom.h"

/*
 * Custom metrics to test with. PLAIN: the root of the sum of squares. CEILING: that, rounded up to a whole number, hence ties everywhere. DISCRETE: 1
 * between rows that differ. SIZES: the sum of sizes. SHADED: how far the first coordinates are apart, and a share of 2^-45 more where the last ones
 * differ: twins are not all equal, and triangles hold as well as they have to. PREFIX: 2^-(length of the common beginning of two rows as bits), an
 * ultrametric.
 */
enum support_custom_kind { SUPPORT_PLAIN, SUPPORT_CEILING, SUPPORT_DISCRETE, SUPPORT_ALL_SIZES, SUPPORT_SHADED, SUPPORT_PREFIX, SUPPORT_CUSTOMS };

/* What one of them is asked, and how it misbehaves. */
struct support_custom {
    enum support_custom_kind kind;
    uint32_t dim;
    struct metric_calls calls;
    uint64_t asked;        /* pairs; not for several threads when something below is set */
    uint64_t spoil_at;     /* this pair from now (1: the next) comes out as `spoilt`; 0: none does */
    double spoilt;
    uint64_t nonsense;     /* other than 0: no metric at all, a number made of this and the rows' order */
};

/* metric: with kinds as above; together: with both forms of the function. Points to *custom, which must outlive it. */
void support_custom_start(struct support_custom *custom, struct metric *metric, enum support_custom_kind kind, uint32_t dim, int together);

#endif
