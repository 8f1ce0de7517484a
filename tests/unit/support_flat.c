/* SPDX-License-Identifier: Apache-2.0 */
#include "support_flat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 9, CAPACITY = 10000, STEP = METRIC_FLAT_QUERIES * METRIC_FLAT_COLUMNS };

/* Rows and queries of the greatest size allowed, some of them at the very end; the last group has `used` lanes. */
struct scene {
    const struct metric_flat *flat;
    struct metric_flat_rows rows;
    struct metric_flat_query query[METRIC_FLAT_QUERIES];
    int32_t key[METRIC_FLAT_QUERIES][GROUPS * METRIC_LANES]; /* squared distances by definition; of empty lanes what exceeds all */
};

static void *room(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);

    assert_non_null(memory);
    memset(memory, 0, (bytes + 63) / 64 * 64);
    return memory;
}

static int32_t coordinate(struct base_random *random, int32_t most)
{
    const int32_t at = (int32_t)base_random_below(random, (uint64_t)(2 * most + 1)) - most;

    return base_random_below(random, 10) == 0 ? (at < 0 ? -most : most) : at;
}

static void start(struct scene *s, const struct metric_flat *flat, size_t groups, uint32_t dim, unsigned used, uint64_t seed)
{
    const uint32_t pairs = (dim + 1) / 2;
    const int32_t most = (int32_t)floor(0x1p14 / sqrt(dim)) - 1;
    struct base_random random;

    base_random_seed(&random, seed);
    s->flat = flat;
    s->rows = (struct metric_flat_rows){ .lane = room(groups * pairs * METRIC_LANES * 4), .square = room(groups * METRIC_LANES * 4),
                                         .number = room(groups * 4), .groups = groups, .pairs = pairs };
    s->rows.low = room((size_t)pairs * METRIC_FLAT_COLUMNS * 4); /* GROUPS are one panel */
    s->rows.high = room((size_t)pairs * METRIC_FLAT_COLUMNS * 4);
    memset(s->query, 0, sizeof s->query);
    memset(s->key, 0, sizeof s->key);
    for (uint32_t i = 0; i < METRIC_FLAT_QUERIES; i++) {
        for (uint32_t j = 0; j < dim; j++) {
            const int32_t q = coordinate(&random, most);

            s->query[i].at[j / 2][j % 2] = (int16_t)q;
            s->query[i].twice[j / 2][j % 2] = (int16_t)(-2 * q);
            s->query[i].square += q * q;
        }
    }
    for (size_t group = 0; group < groups; group++) {
        s->rows.number[group] = (uint32_t)(1000 * (groups - group));
        for (unsigned lane = 0; lane < METRIC_LANES; lane++) {
            const size_t at = group * METRIC_LANES + lane;

            if (group + 1 == groups && lane >= used) {
                s->rows.square[at] = METRIC_FLAT_EMPTY;
                for (uint32_t i = 0; i < METRIC_FLAT_QUERIES; i++) s->key[i][at] = METRIC_FLAT_EMPTY + s->query[i].square;
                continue;
            }
            for (uint32_t j = 0; j < dim; j++) {
                const int32_t x = coordinate(&random, most);

                s->rows.lane[((group * pairs + j / 2) * METRIC_LANES + lane) * 2 + j % 2] = (int16_t)x;
                s->rows.square[at] += x * x;
                for (uint32_t i = 0; i < METRIC_FLAT_QUERIES; i++) {
                    const int32_t q = s->query[i].twice[j / 2][j % 2] / -2;

                    s->key[i][at] += (x - q) * (x - q);
                }
            }
        }
    }
}

static void finish(struct scene *s)
{
    free(s->rows.lane);
    free(s->rows.square);
    free(s->rows.number);
    free(s->rows.low);
    free(s->rows.high);
}

static int32_t least_in_column(const struct scene *s, unsigned query, size_t group, unsigned column)
{
    int32_t least = INT32_MAX;

    for (unsigned lane = column; lane < METRIC_LANES; lane += METRIC_FLAT_COLUMNS) {
        const int32_t key = s->key[query][group * METRIC_LANES + lane];

        least = key < least ? key : least;
    }
    return least;
}

static void check_folds(const struct scene *s, const int32_t *least, unsigned query)
{
    for (size_t folds = 1; folds <= s->rows.groups; folds++) {
        _Alignas(64) float value[GROUPS * METRIC_FLAT_COLUMNS];

        s->flat->fold(value, least + query * METRIC_FLAT_COLUMNS, STEP, s->rows.groups, folds);
        for (size_t i = 0; i < folds * METRIC_FLAT_COLUMNS; i++) {
            int32_t expected = INT32_MAX;

            for (size_t group = i / METRIC_FLAT_COLUMNS; group < s->rows.groups; group += folds) {
                const int32_t in_group = least_in_column(s, query, group, (unsigned)(i % METRIC_FLAT_COLUMNS));

                expected = in_group < expected ? in_group : expected;
            }
            assert_true(value[i] == (float)expected);
        }
    }
}

/* Every row of the listed groups within the limit is picked, once, and no other. */
static void check_pick(const struct scene *s, const uint32_t *list, size_t count, const int32_t *least, size_t step, unsigned query, int32_t limit)
{
    struct metric_near near = { .value = room(CAPACITY * sizeof(float)), .number = room(CAPACITY * sizeof(uint32_t)) };
    uint32_t hit[GROUPS];
    size_t at = 0;

    assert_int_equal(s->flat->pick(&near, CAPACITY, &s->rows, &s->query[query], list, count, least, step, hit, limit), 1);
    for (size_t i = 0; i < count; i++) {
        const size_t group = list ? list[i] : i;

        for (size_t lane = 0; lane < METRIC_LANES; lane++) {
            const int32_t key = s->key[query][group * METRIC_LANES + lane];

            if (key > limit) continue;
            assert_true(at < near.count);
            assert_int_equal(near.number[at], s->rows.number[group] + lane);
            assert_true(near.value[at++] == (float)key);
        }
    }
    assert_int_equal(near.count, at);
    if (at > 0) { /* as many as there may be fill the room: those of a group want to fit with all its lanes */
        near.count = CAPACITY - METRIC_LANES + 1;
        assert_int_equal(s->flat->pick(&near, CAPACITY, &s->rows, &s->query[query], list, count, least, step, hit, limit), 0);
    }
    free(near.value);
    free(near.number);
}

static void check_picks(const struct scene *s, const uint32_t *list, size_t count, const int32_t *least, size_t step, unsigned query)
{
    check_pick(s, list, count, least, step, query, s->key[query][0]);
    check_pick(s, list, count, least, step, query, s->key[query][0] - 1);
    check_pick(s, list, count, least, step, query, METRIC_FLAT_MOST);
    check_pick(s, list, count, least, step, query, -1);
}

/* Some of the groups, in any order. */
static void check_some(const struct scene *s, unsigned query)
{
    _Alignas(64) int32_t least[GROUPS * METRIC_FLAT_COLUMNS];
    uint32_t list[GROUPS];
    size_t count = 0;

    for (size_t group = s->rows.groups; group-- > 0;) {
        if (group % 3 != query % 3) list[count++] = (uint32_t)group;
    }
    s->flat->look_at(least, &s->rows, &s->query[query], list, count);
    for (size_t i = 0; i < count * METRIC_FLAT_COLUMNS; i++) {
        assert_int_equal(least[i], least_in_column(s, query, list[i / METRIC_FLAT_COLUMNS], (unsigned)(i % METRIC_FLAT_COLUMNS)));
    }
    check_picks(s, list, count, least, METRIC_FLAT_COLUMNS, query);
}

/* Boxes of any sides: bounds by definition, and the groups between two of them. */
static void check_bounds(struct scene *s, uint32_t dim, unsigned query, struct base_random *random)
{
    const int32_t most = (int32_t)floor(0x1p14 / sqrt(dim)) - 1;
    _Alignas(64) int32_t bound[METRIC_FLAT_COLUMNS];
    int32_t expected[GROUPS] = { 0 };
    uint32_t list[GROUPS + METRIC_FLAT_COLUMNS];
    size_t count, at = 0;

    for (size_t group = 0; group < s->rows.groups; group++) {
        for (uint32_t j = 0; j < dim; j++) {
            const int32_t a = coordinate(random, most), b = coordinate(random, most), low = a < b ? a : b, high = a < b ? b : a;
            const int32_t q = s->query[query].at[j / 2][j % 2], off = q < low ? low - q : q > high ? q - high : 0;
            const size_t side = ((size_t)(j / 2) * METRIC_FLAT_COLUMNS + group) * 2 + j % 2;

            s->rows.low[side] = (int16_t)low;
            s->rows.high[side] = (int16_t)high;
            expected[group] += off * off;
        }
    }
    s->flat->bounds(bound, &s->rows, &s->query[query]);
    assert_memory_equal(bound, expected, s->rows.groups * sizeof *expected);
    count = s->flat->list(list, bound, s->rows.groups, bound[0] - 1, bound[s->rows.groups / 2]);
    for (size_t group = 0; group < s->rows.groups; group++) {
        if (bound[group] >= bound[0] && bound[group] <= bound[s->rows.groups / 2]) assert_int_equal(list[at++], group);
    }
    assert_int_equal(count, at);
}

/* Rows times 3, moved, are rounded to the nearest, and so is what is between two. */
static void check_take(const struct metric_flat *flat, uint32_t dim, struct base_random *random)
{
    float *row = room((size_t)dim * METRIC_LANES * sizeof *row), from[2 * METRIC_FLAT_PAIRS];
    int16_t *lane = room((size_t)(dim + 1) / 2 * METRIC_LANES * 4);
    _Alignas(64) int32_t square[METRIC_LANES];

    for (uint32_t j = 0; j < dim; j++) {
        from[j] = (float)coordinate(random, 1000) / 8;
        for (uint32_t l = 0; l < METRIC_LANES; l++) row[j * METRIC_LANES + l] = (float)coordinate(random, 1000) / 4;
    }
    memset(lane, 1, (size_t)(dim + 1) / 2 * METRIC_LANES * 4);
    flat->take(lane, square, row, dim, 3, from);
    for (uint32_t l = 0; l < METRIC_LANES; l++) {
        int32_t sum = 0;

        for (uint32_t j = 0; j < (dim + 1) / 2 * 2; j++) {
            const int16_t expected = j < dim ? (int16_t)rintf(row[j * METRIC_LANES + l] * 3 + from[j]) : 0;

            assert_int_equal(lane[(j / 2 * METRIC_LANES + l) * 2 + j % 2], expected);
            sum += expected * expected;
        }
        assert_int_equal(square[l], sum);
    }
    free(row);
    free(lane);
}

void support_flat_check(const struct metric_flat *flat)
{
    struct base_random random;

    base_random_seed(&random, 5);
    for (uint32_t dim = 1; dim <= 2 * METRIC_FLAT_PAIRS; dim++) {
        const size_t groups = 1 + dim % GROUPS;
        int32_t *least = room(groups * STEP * sizeof *least);
        struct scene s;

        start(&s, flat, groups, dim, 1 + dim * 7 % METRIC_LANES, dim);
        check_take(flat, dim, &random);
        flat->look(least, &s.rows, s.query);
        for (unsigned query = 0; query < METRIC_FLAT_QUERIES; query++) {
            for (size_t i = 0; i < groups * METRIC_FLAT_COLUMNS; i++) {
                const size_t group = i / METRIC_FLAT_COLUMNS;
                const unsigned column = (unsigned)(i % METRIC_FLAT_COLUMNS);

                assert_int_equal(least[group * STEP + query * METRIC_FLAT_COLUMNS + column], least_in_column(&s, query, group, column));
            }
            check_folds(&s, least, query);
            check_picks(&s, NULL, groups, least + query * METRIC_FLAT_COLUMNS, STEP, query);
            check_some(&s, query);
            check_bounds(&s, dim, query, &random);
        }
        finish(&s);
        free(least);
    }
}
