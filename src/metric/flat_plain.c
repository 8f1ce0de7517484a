/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/flat.h"

#include <math.h>
#include <string.h>

typedef int32_t ivec;

#define FLAT metric_flat_plain
#define FLAT_NAME "plain"
#define FLAT_ISA
#define IWIDTH 1u
#define VECTORS_TOGETHER 16u
#define QUERIES_TOGETHER 1u
#define ivec_store(p, v) (*(p) = (v))
#define ivec_all(x) (x)
#define ivec_add(a, b) ((a) + (b))
#define ivec_min(a, b) ((a) < (b) ? (a) : (b))
#define ivec_within(v, bar) ((unsigned)((v) <= (bar)))

/* Two shorts in one number. */
struct two {
    int16_t at[2];
};

static inline int32_t ivec_load(const void *p)
{
    int32_t bits;

    memcpy(&bits, p, sizeof bits);
    return bits;
}

static inline int32_t ivec_pair(int32_t a, int32_t b)
{
    const int16_t two[2] = { (int16_t)a, (int16_t)b };

    return ivec_load(two);
}

static inline int32_t ivec_round(const float *p, float by, float from)
{
    return (int32_t)rintf(*p * by + from);
}

static inline struct two shorts_of(int32_t bits)
{
    struct two two;

    memcpy(&two, &bits, sizeof two);
    return two;
}

static inline int32_t ivec_dot(int32_t sum, int32_t a, int32_t b)
{
    const struct two x = shorts_of(a), y = shorts_of(b);

    return (int32_t)((uint32_t)sum + (uint32_t)(x.at[0] * y.at[0]) + (uint32_t)(x.at[1] * y.at[1])); /* what lanes not in use hold may be anything */
}

static inline int32_t ivec_short_sub(int32_t a, int32_t b)
{
    const struct two x = shorts_of(a), y = shorts_of(b), less = { { (int16_t)(x.at[0] - y.at[0]), (int16_t)(x.at[1] - y.at[1]) } };

    return ivec_load(&less);
}

static inline int32_t ivec_short_max(int32_t a, int32_t b)
{
    const struct two x = shorts_of(a), y = shorts_of(b);
    const struct two most = { { x.at[0] > y.at[0] ? x.at[0] : y.at[0], x.at[1] > y.at[1] ? x.at[1] : y.at[1] } };

    return ivec_load(&most);
}

static inline unsigned ivec_put(uint32_t *to, uint32_t first, unsigned mask)
{
    *to = first;
    return mask;
}

#include "metric/flat_body.h"
