/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "metric/flat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 9, CAPACITY = 10000 };

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
    s->rows = (struct metric_flat_rows){ room(groups * pairs * METRIC_LANES * 4), room(groups * METRIC_LANES * 4), room(groups * 4), groups, pairs };
    memset(s->query, 0, sizeof s->query);
    memset(s->key, 0, sizeof s->key);
    for (uint32_t i = 0; i < METRIC_FLAT_QUERIES; i++) {
        for (uint32_t j = 0; j < dim; j++) {
            const int32_t q = coordinate(&random, most);

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

        s->flat->fold(value, least + query * METRIC_FLAT_COLUMNS, s->rows.groups, folds);
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

/* Every row within the limit is picked, once, and no other. */
static void check_pick(const struct scene *s, const int32_t *least, unsigned query, int32_t limit)
{
    struct metric_near near = { .value = room(CAPACITY * sizeof(float)), .number = room(CAPACITY * sizeof(uint32_t)) };
    uint32_t hit[GROUPS];
    size_t expected = 0, at = 0;

    for (size_t i = 0; i < s->rows.groups * METRIC_LANES; i++) expected += s->key[query][i] <= limit;
    assert_int_equal(s->flat->pick(&near, CAPACITY, &s->rows, &s->query[query], least + query * METRIC_FLAT_COLUMNS, hit, limit), 1);
    assert_int_equal(near.count, expected);
    for (size_t i = 0; i < s->rows.groups * METRIC_LANES; i++) {
        if (s->key[query][i] > limit) continue;
        assert_int_equal(near.number[at], s->rows.number[i / METRIC_LANES] + i % METRIC_LANES);
        assert_true(near.value[at++] == (float)s->key[query][i]);
    }
    if (expected > 0) { /* as many as there may be fill the room: those of a group want to fit with all its lanes */
        near.count = CAPACITY - METRIC_LANES + 1;
        assert_int_equal(s->flat->pick(&near, CAPACITY, &s->rows, &s->query[query], least + query * METRIC_FLAT_COLUMNS, hit, limit), 0);
    }
    free(near.value);
    free(near.number);
}

static void check(const struct metric_flat *flat)
{
    for (uint32_t dim = 1; dim <= 2 * METRIC_FLAT_PAIRS; dim++) {
        const size_t groups = 1 + dim % GROUPS;
        int32_t *least = room(groups * METRIC_FLAT_QUERIES * METRIC_FLAT_COLUMNS * sizeof *least);
        struct scene s;

        start(&s, flat, groups, dim, 1 + dim * 7 % METRIC_LANES, dim);
        flat->look(least, &s.rows, s.query);
        for (unsigned query = 0; query < METRIC_FLAT_QUERIES; query++) {
            for (size_t i = 0; i < groups * METRIC_FLAT_COLUMNS; i++) {
                const size_t group = i / METRIC_FLAT_COLUMNS;
                const unsigned column = (unsigned)(i % METRIC_FLAT_COLUMNS);

                assert_int_equal(least[(group * METRIC_FLAT_QUERIES + query) * METRIC_FLAT_COLUMNS + column],
                                 least_in_column(&s, query, group, column));
            }
            check_folds(&s, least, query);
            check_pick(&s, least, query, s.key[query][0]);
            check_pick(&s, least, query, s.key[query][0] - 1);
            check_pick(&s, least, query, METRIC_FLAT_MOST);
            check_pick(&s, least, query, -1);
        }
        finish(&s);
        free(least);
    }
}

static void every_kind_gives_squared_distances(void **state)
{
    static const enum metric_isa isas[] = { METRIC_ISA_SCALAR, METRIC_ISA_AVX2, METRIC_ISA_AVX512, METRIC_ISA_NEON, METRIC_ISA_BEST };

    (void)state;
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) check(metric_flat_choose(isas[i]));
    assert_string_equal(metric_flat_choose(METRIC_ISA_SCALAR)->name, "plain");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_kind_gives_squared_distances) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
