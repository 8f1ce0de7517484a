/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/hilbert.h"
#include "base/memory.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

/* Over a full grid the codes are 0..cells-1, each once, and neighbours along the curve differ by one in one coordinate. */
static void check_grid(uint32_t axes, uint32_t bits)
{
    size_t cells = (size_t)1 << (axes * bits);
    uint32_t mask = (1u << bits) - 1;
    int64_t *at = malloc(cells * sizeof(*at));

    for (size_t i = 0; i < cells; i++) at[i] = -1;
    for (size_t i = 0; i < cells; i++) {
        uint32_t cell[8];
        uint64_t code;

        for (uint32_t axis = 0; axis < axes; axis++) cell[axis] = (uint32_t)(i >> (axis * bits)) & mask;
        code = base_hilbert_code(cell, axes, bits);
        assert_true(code < cells);
        assert_int_equal(at[code], -1);
        at[code] = (int64_t)i;
    }
    assert_int_equal(at[0], 0); /* the curve starts in the corner */
    for (size_t i = 1; i < cells; i++) {
        uint32_t steps = 0;

        for (uint32_t axis = 0; axis < axes; axis++) {
            uint32_t a = (uint32_t)(at[i - 1] >> (axis * bits)) & mask, b = (uint32_t)(at[i] >> (axis * bits)) & mask;

            steps += a > b ? a - b : b - a;
        }
        assert_int_equal(steps, 1);
    }
    free(at);
}

static void test_grids(void **state)
{
    (void)state;
    check_grid(1, 1);
    check_grid(1, 16);
    check_grid(2, 1);
    check_grid(2, 3);
    check_grid(2, 8);
    check_grid(3, 1);
    check_grid(3, 5);
    check_grid(4, 4);
    check_grid(5, 3);
    check_grid(8, 2);
}

/* With the full number of bits the code fills 64 of them. */
static void test_widest(void **state)
{
    uint32_t cell[8] = {0xffff, 0, 0, 0}, eight[8] = {0xff, 0, 0, 0, 0, 0, 0, 0};

    (void)state;
    assert_true(base_hilbert_code(cell, 4, 16) == UINT64_MAX); /* the curve ends at the far end of the first axis */
    assert_true(base_hilbert_code(eight, 8, 8) == UINT64_MAX);
}

static void check_permutation(const uint32_t *order, size_t n)
{
    char *seen = calloc(n + 1, 1);

    for (size_t i = 0; i < n; i++) {
        assert_true(order[i] < n && !seen[order[i]]);
        seen[order[i]] = 1;
    }
    free(seen);
}

static void test_order_is_short_and_the_same_for_all_threads(void **state)
{
    enum { N = 20000 };
    static const uint32_t dims[] = {1, 2, 3, 8, 11};
    double *rows = malloc(sizeof(double) * N * 11);
    uint32_t *order = malloc(sizeof(uint32_t) * N), *first = malloc(sizeof(uint32_t) * N);

    (void)state;
    for (size_t d = 0; d < sizeof(dims) / sizeof(dims[0]); d++) {
        for (int shape = 0; shape < SUPPORT_SHAPES; shape++) {
            support_points(rows, N, dims[d], (enum support_shape)shape, d + 1);
            for (int threads = 1; threads <= 4; threads++) {
                struct support_env support;
                struct pcct_error err;

                support_env_start(&support, threads);
                support_ok(base_hilbert_order(order, rows, N, dims[d], &support.env, &err), &err);
                support_env_finish(&support);
                check_permutation(order, N);
                if (threads == 1) memcpy(first, order, sizeof(uint32_t) * N);
                assert_memory_equal(first, order, sizeof(uint32_t) * N);
            }
            if (dims[d] == 2 && shape == SUPPORT_UNIFORM) {
                double length = 0;

                for (size_t i = 1; i < N; i++) {
                    length += hypot(rows[2 * order[i]] - rows[2 * order[i - 1]], rows[2 * order[i] + 1] - rows[2 * order[i - 1] + 1]);
                }
                assert_true(length < 1.1 * sqrt(N)); /* a random order is 100 times as long, row by row strips no shorter than 0.92 */
            }
        }
    }
    free(rows);
    free(order);
    free(first);
}

static void check_line(const double *rows, size_t n, const uint32_t *wanted)
{
    struct support_env support;
    struct pcct_error err;
    uint32_t order[16];

    support_env_start(&support, 2);
    support_ok(base_hilbert_order(order, rows, n, 1, &support.env, &err), &err);
    assert_memory_equal(order, wanted, n * sizeof(*order));
    support_env_finish(&support);
}

static void test_odd_boxes(void **state)
{
    (void)state;
    check_line((const double[]){7}, 1, (const uint32_t[]){0});
    check_line((const double[]){7, 7, 7}, 3, (const uint32_t[]){0, 1, 2}); /* no extent: ties by row */
    check_line((const double[]){3, 1, 2, 1}, 4, (const uint32_t[]){1, 3, 2, 0});
    check_line((const double[]){DBL_MAX, -DBL_MAX, 0}, 3, (const uint32_t[]){1, 2, 0}); /* the extent is no double */
    check_line((const double[]){0x1p-1070, 0, 0x1p-1073}, 3, (const uint32_t[]){1, 2, 0});
    check_line(NULL, 0, NULL);
}

static int order_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    static const double rows[] = {0.5, 0.1, 0.9, 0.2};

    return base_hilbert_order(ctx, rows, 4, 1, env, err);
}

static void test_without_memory(void **state)
{
    struct support_env support;
    uint32_t order[4];

    (void)state;
    support_env_start(&support, 1);
    assert_int_equal(support_fail_each(&support, order_call, order), 5); /* two of its own, three of the sort */
    assert_memory_equal(order, ((const uint32_t[]){1, 3, 0, 2}), sizeof(order));
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grids),
        cmocka_unit_test(test_widest),
        cmocka_unit_test(test_order_is_short_and_the_same_for_all_threads),
        cmocka_unit_test(test_odd_boxes),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
