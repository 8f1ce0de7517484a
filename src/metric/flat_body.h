/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels of a flat scan, once. The including file, flat_<isa>.c, defines FLAT (the table), FLAT_ISA and FLAT_NAME, how many vectors and queries
 * are summed side by side, VECTORS_TOGETHER and QUERIES_TOGETHER (registers), and over vectors of IWIDTH sums: ivec, ivec_load(p), ivec_store(p, v),
 * ivec_all(x), ivec_add(a, b), ivec_min(a, b), ivec_within(v, bar), a bit for each that is not above it, and ivec_dot(sum, p, q), which adds to each
 * sum the products of two shorts at p and those of q, a vector of equal pairs.
 */
#define FLAT_INSIDE static inline __attribute__((always_inline)) FLAT_ISA
#define FLAT_UNROLLED _Pragma("GCC unroll 16")

enum { SPAN = VECTORS_TOGETHER * IWIDTH, FOLDS = METRIC_FLAT_COLUMNS / IWIDTH };
_Static_assert(VECTORS_TOGETHER % FOLDS == 0 && METRIC_LANES % SPAN == 0 && METRIC_FLAT_QUERIES % QUERIES_TOGETHER == 0, "whole groups");

/* |x|^2 - 2 x q of some lanes from `first` on and `queries` queries. */
FLAT_INSIDE void sums(ivec (*sum)[VECTORS_TOGETHER], const struct metric_flat_rows *rows, size_t group, unsigned first,
                      const struct metric_flat_query *query, unsigned queries)
{
    const int16_t *lane = rows->lane + (group * rows->pairs * METRIC_LANES + first) * 2;
    const int32_t *square = rows->square + group * METRIC_LANES + first;

    FLAT_UNROLLED
    for (unsigned j = 0; j < VECTORS_TOGETHER; j++) {
        FLAT_UNROLLED
        for (unsigned i = 0; i < queries; i++) sum[i][j] = ivec_load(square + j * IWIDTH);
    }
    for (uint32_t pair = 0; pair < rows->pairs; pair++, lane += METRIC_LANES * 2) {
        FLAT_UNROLLED
        for (unsigned i = 0; i < queries; i++) {
            int32_t both;
            memcpy(&both, query[i].twice[pair], sizeof both);
            const ivec q = ivec_all(both);

            FLAT_UNROLLED
            for (unsigned j = 0; j < VECTORS_TOGETHER; j++) sum[i][j] = ivec_dot(sum[i][j], lane + j * IWIDTH * 2, q);
        }
    }
}

FLAT_ISA static void look(int32_t *least, const struct metric_flat_rows *rows, const struct metric_flat_query query[METRIC_FLAT_QUERIES])
{
    for (size_t group = 0; group < rows->groups; group++) {
        for (unsigned from = 0; from < METRIC_FLAT_QUERIES; from += QUERIES_TOGETHER) {
            ivec fold[QUERIES_TOGETHER][FOLDS], sum[QUERIES_TOGETHER][VECTORS_TOGETHER];

            for (unsigned first = 0; first < METRIC_LANES; first += SPAN) {
                sums(sum, rows, group, first, query + from, QUERIES_TOGETHER);
                FLAT_UNROLLED
                for (unsigned i = 0; i < QUERIES_TOGETHER; i++) {
                    FLAT_UNROLLED
                    for (unsigned j = 0; j < VECTORS_TOGETHER; j++) {
                        fold[i][j % FOLDS] = first + j < FOLDS ? sum[i][j] : ivec_min(fold[i][j % FOLDS], sum[i][j]);
                    }
                }
            }
            FLAT_UNROLLED
            for (unsigned i = 0; i < QUERIES_TOGETHER; i++) {
                FLAT_UNROLLED
                for (unsigned j = 0; j < FOLDS; j++) {
                    ivec_store(least + ((group * METRIC_FLAT_QUERIES + from + i) * FOLDS + j) * IWIDTH,
                               ivec_add(fold[i][j], ivec_all(query[from + i].square)));
                }
            }
        }
    }
}

FLAT_ISA static void fold(float *value, const int32_t *least, size_t groups, size_t folds)
{
    for (size_t f = 0; f < folds; f++) {
        _Alignas(64) int32_t column[METRIC_FLAT_COLUMNS];

        for (unsigned j = 0; j < FOLDS; j++) {
            ivec low = ivec_all(INT32_MAX);

            for (size_t group = f; group < groups; group += folds) {
                low = ivec_min(low, ivec_load(least + group * METRIC_FLAT_QUERIES * METRIC_FLAT_COLUMNS + j * IWIDTH));
            }
            ivec_store(column + j * IWIDTH, low);
        }
        for (unsigned j = 0; j < METRIC_FLAT_COLUMNS; j++) value[f * METRIC_FLAT_COLUMNS + j] = (float)column[j];
    }
}

/* The groups that have a row within the limit. */
FLAT_INSIDE size_t hits(uint32_t *hit, const int32_t *least, size_t groups, int32_t limit)
{
    const ivec bar = ivec_all(limit);
    size_t count = 0;

    for (size_t group = 0; group < groups; group++, least += METRIC_FLAT_QUERIES * METRIC_FLAT_COLUMNS) {
        unsigned within = 0;

        FLAT_UNROLLED
        for (unsigned j = 0; j < FOLDS; j++) within |= ivec_within(ivec_load(least + j * IWIDTH), bar);
        hit[count] = (uint32_t)group;
        count += within != 0;
    }
    return count;
}

FLAT_ISA static int pick(struct metric_near *near, size_t capacity, const struct metric_flat_rows *rows, const struct metric_flat_query *query,
                         const int32_t *least, uint32_t *hit, int32_t limit)
{
    const size_t count = hits(hit, least, rows->groups, limit);
    const ivec bar = ivec_all(limit - query->square);

    for (size_t i = 0; i < count; i++) {
        _Alignas(64) int32_t key[METRIC_LANES];
        uint64_t mask = 0;

        if (near->count + METRIC_LANES > capacity) return 0;
        for (unsigned first = 0; first < METRIC_LANES; first += SPAN) {
            ivec sum[1][VECTORS_TOGETHER];

            sums(sum, rows, hit[i], first, query, 1);
            FLAT_UNROLLED
            for (unsigned j = 0; j < VECTORS_TOGETHER; j++) {
                ivec_store(key + first + j * IWIDTH, sum[0][j]);
                mask |= (uint64_t)ivec_within(sum[0][j], bar) << (first + j * IWIDTH);
            }
        }
        for (; mask != 0; mask &= mask - 1, near->count++) {
            const uint32_t lane = (uint32_t)__builtin_ctzll(mask);

            near->value[near->count] = (float)(key[lane] + query->square);
            near->number[near->count] = rows->number[hit[i]] + lane;
        }
    }
    return 1;
}

const struct metric_flat FLAT = { FLAT_NAME, look, fold, pick };
