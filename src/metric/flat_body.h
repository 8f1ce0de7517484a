/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels of a flat scan, once. The including file, flat_<isa>.c, defines FLAT (the table), FLAT_ISA and FLAT_NAME, how many vectors and queries
 * are summed side by side, VECTORS_TOGETHER and QUERIES_TOGETHER (registers), and over vectors of IWIDTH sums
 *   ivec, ivec_load(p), ivec_store(p, v), ivec_all(x), ivec_add(a, b), ivec_min(a, b)
 *   ivec_within(v, bar)    bit i: v[i] <= bar[i]
 *   ivec_pair(a, b)        two shorts each out of whole numbers
 *   ivec_dot(sum, a, b)    adds to each sum the products of two shorts; ivec_short_sub(a, b), ivec_short_max(a, b)
 *   ivec_round(p, by, from)   floats at p times `by`, plus `from`, to the nearest whole number
 *   ivec_put(to, first, mask) writes first + i for each bit i, and may write IWIDTH in all; returns how many they are
 */
#define FLAT_INSIDE static inline __attribute__((always_inline)) FLAT_ISA
#define FLAT_UNROLLED _Pragma("GCC unroll 16")

enum { SPAN = VECTORS_TOGETHER * IWIDTH, FOLDS = METRIC_FLAT_COLUMNS / IWIDTH };
_Static_assert(VECTORS_TOGETHER % FOLDS == 0 && METRIC_LANES % SPAN == 0 && METRIC_FLAT_QUERIES % QUERIES_TOGETHER == 0, "whole groups");

FLAT_INSIDE ivec both(const int16_t pair[2])
{
    int32_t bits;

    memcpy(&bits, pair, sizeof bits);
    return ivec_all(bits);
}

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
            const ivec q = both(query[i].twice[pair]);

            FLAT_UNROLLED
            for (unsigned j = 0; j < VECTORS_TOGETHER; j++) sum[i][j] = ivec_dot(sum[i][j], ivec_load(lane + j * IWIDTH * 2), q);
        }
    }
}

FLAT_ISA static void take(int16_t *lane, int32_t *square, const float *row, uint32_t dim, float by, const float *from)
{
    for (unsigned at = 0; at < METRIC_LANES; at += IWIDTH) {
        ivec sum = ivec_all(0);

        for (uint32_t j = 0; j < dim; j += 2) {
            const float *first = row + (size_t)j * METRIC_LANES + at;
            const ivec a = ivec_round(first, by, from[j]), b = j + 1 < dim ? ivec_round(first + METRIC_LANES, by, from[j + 1]) : ivec_all(0);
            const ivec pair = ivec_pair(a, b);

            sum = ivec_dot(sum, pair, pair);
            ivec_store((int32_t *)(void *)lane + (size_t)j / 2 * METRIC_LANES + at, pair);
        }
        ivec_store(square + at, sum);
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

FLAT_ISA static void look_at(int32_t *least, const struct metric_flat_rows *rows, const struct metric_flat_query *query, const uint32_t *list,
                             size_t count)
{
    for (size_t i = 0; i < count; i++, least += METRIC_FLAT_COLUMNS) {
        ivec fold[FOLDS], sum[1][VECTORS_TOGETHER];

        for (unsigned first = 0; first < METRIC_LANES; first += SPAN) {
            sums(sum, rows, list[i], first, query, 1);
            FLAT_UNROLLED
            for (unsigned j = 0; j < VECTORS_TOGETHER; j++) fold[j % FOLDS] = first + j < FOLDS ? sum[0][j] : ivec_min(fold[j % FOLDS], sum[0][j]);
        }
        FLAT_UNROLLED
        for (unsigned j = 0; j < FOLDS; j++) ivec_store(least + j * IWIDTH, ivec_add(fold[j], ivec_all(query->square)));
    }
}

FLAT_ISA static void bounds(int32_t *bound, const struct metric_flat_rows *rows, const struct metric_flat_query *query)
{
    const ivec nothing = ivec_all(0);

    for (size_t first = 0; first < rows->groups; first += METRIC_FLAT_COLUMNS) {
        const size_t from = first * rows->pairs * 2;

        for (unsigned at = 0; at < METRIC_FLAT_COLUMNS; at += IWIDTH) {
            ivec sum = nothing;

            for (uint32_t pair = 0; pair < rows->pairs; pair++) {
                const size_t side = from + ((size_t)pair * METRIC_FLAT_COLUMNS + at) * 2;
                const ivec q = both(query->at[pair]);
                const ivec below = ivec_short_sub(ivec_load(rows->low + side), q), above = ivec_short_sub(q, ivec_load(rows->high + side));
                const ivec off = ivec_short_max(ivec_short_max(below, above), nothing);

                sum = ivec_dot(sum, off, off);
            }
            ivec_store(bound + first + at, sum);
        }
    }
}

FLAT_ISA static size_t list(uint32_t *to, const int32_t *bound, size_t groups, int32_t above, int32_t limit)
{
    const ivec under = ivec_all(above), bar = ivec_all(limit);
    size_t count = 0;

    for (size_t first = 0; first < groups; first += IWIDTH) {
        const ivec at = ivec_load(bound + first);
        unsigned mask = ivec_within(at, bar) & (((1U << IWIDTH) - 1) ^ ivec_within(at, under));

        if (groups - first < IWIDTH) mask &= (1U << (groups - first)) - 1;
        count += ivec_put(to + count, (uint32_t)first, mask);
    }
    return count;
}

FLAT_ISA static void fold(float *value, const int32_t *least, size_t step, size_t groups, size_t folds)
{
    for (size_t f = 0; f < folds; f++) {
        _Alignas(64) int32_t column[METRIC_FLAT_COLUMNS];

        for (unsigned j = 0; j < FOLDS; j++) {
            ivec low = ivec_all(INT32_MAX);

            for (size_t group = f; group < groups; group += folds) low = ivec_min(low, ivec_load(least + group * step + j * IWIDTH));
            ivec_store(column + j * IWIDTH, low);
        }
        for (unsigned j = 0; j < METRIC_FLAT_COLUMNS; j++) value[f * METRIC_FLAT_COLUMNS + j] = (float)column[j];
    }
}

/* Which of so many have a row within the limit. */
FLAT_INSIDE size_t hits(uint32_t *hit, const int32_t *least, size_t step, size_t groups, int32_t limit)
{
    const ivec bar = ivec_all(limit);
    size_t count = 0;

    for (size_t group = 0; group < groups; group++, least += step) {
        unsigned within = 0;

        FLAT_UNROLLED
        for (unsigned j = 0; j < FOLDS; j++) within |= ivec_within(ivec_load(least + j * IWIDTH), bar);
        hit[count] = (uint32_t)group;
        count += within != 0;
    }
    return count;
}

FLAT_ISA static int pick(struct metric_near *near, size_t capacity, const struct metric_flat_rows *rows, const struct metric_flat_query *query,
                         const uint32_t *listed, size_t count, const int32_t *least, size_t step, uint32_t *hit, int32_t limit)
{
    const ivec bar = ivec_all(limit - query->square);

    count = hits(hit, least, step, count, limit);
    for (size_t i = 0; i < count; i++) {
        const uint32_t group = listed ? listed[hit[i]] : hit[i];
        _Alignas(64) int32_t key[METRIC_LANES];
        uint64_t mask = 0;

        if (near->count + METRIC_LANES > capacity) return 0;
        for (unsigned first = 0; first < METRIC_LANES; first += SPAN) {
            ivec sum[1][VECTORS_TOGETHER];

            sums(sum, rows, group, first, query, 1);
            FLAT_UNROLLED
            for (unsigned j = 0; j < VECTORS_TOGETHER; j++) {
                ivec_store(key + first + j * IWIDTH, sum[0][j]);
                mask |= (uint64_t)ivec_within(sum[0][j], bar) << (first + j * IWIDTH);
            }
        }
        for (; mask != 0; mask &= mask - 1, near->count++) {
            const uint32_t lane = (uint32_t)__builtin_ctzll(mask);

            near->value[near->count] = (float)(key[lane] + query->square);
            near->number[near->count] = rows->number[group] + lane;
        }
    }
    return 1;
}

const struct metric_flat FLAT = { FLAT_NAME, take, look, look_at, bounds, list, fold, pick };
