/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/flat.h"

#include <string.h>

typedef int32_t ivec;

#define FLAT metric_flat_plain
#define FLAT_NAME "plain"
#define FLAT_ISA
#define IWIDTH 1u
#define VECTORS_TOGETHER 16u
#define QUERIES_TOGETHER 1u
#define ivec_load(p) (*(p))
#define ivec_store(p, v) (*(p) = (v))
#define ivec_all(x) (x)
#define ivec_add(a, b) ((a) + (b))
#define ivec_min(a, b) ((a) < (b) ? (a) : (b))
#define ivec_within(v, bar) ((unsigned)((v) <= (bar)))

static inline int32_t ivec_dot(int32_t sum, const int16_t *p, int32_t q)
{
    int16_t both[2];

    memcpy(both, &q, sizeof both);
    return sum + p[0] * both[0] + p[1] * both[1];
}

#include "metric/flat_body.h"
