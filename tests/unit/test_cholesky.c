/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include "gp/cholesky.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 77 };

static void make(double *matrix, uint32_t m)
{
    for (uint32_t i = 0; i < m; i++) {
        for (uint32_t j = 0; j < m; j++) matrix[i * m + j] = exp(-0.01 * ((double)i - j) * ((double)i - j));
    }
}

static void the_product_is_the_matrix(void **test)
{
    static const uint32_t sizes[] = { 1, 2, 8, 15, 16, 17, 33, MOST };
    double *matrix = malloc(sizeof(double) * MOST * MOST), *factor = malloc(sizeof(double) * MOST * MOST);
    double *scalar = malloc(sizeof(double) * MOST * MOST);

    (void)test;
    for (size_t s = 0; s < 8; s++) {
        const uint32_t m = sizes[s];
        struct support_env env;
        struct pcct_error err = { 0, "" };
        uint32_t row = 0;

        support_env_start(&env, 1);
        make(matrix, m);
        memset(factor, 0, sizeof(double) * m * m);
        memset(scalar, 0, sizeof(double) * m * m);
        support_ok(gp_cholesky(factor, &row, matrix, m, 1e-3, gp_tiles_choose(METRIC_ISA_BEST), &env.env, &err), &err);
        assert_int_equal(row, m);
        support_ok(gp_cholesky(scalar, &row, matrix, m, 1e-3, &gp_tiles_scalar, &env.env, &err), &err);
        assert_memory_equal(factor, scalar, sizeof(double) * m * m);
        for (uint32_t i = 0; i < m; i++) {
            for (uint32_t j = 0; j <= i; j++) {
                double sum = 0;

                for (uint32_t l = 0; l <= j; l++) sum += factor[i * m + l] * factor[j * m + l];
                assert_true(fabs(sum - matrix[i * m + j] - (i == j ? 1e-3 : 0)) < 1e-14 * m);
            }
        }
        support_env_finish(&env);
    }
    free(matrix);
    free(factor);
    free(scalar);
}

static void the_first_bad_row_is_named(void **test)
{
    enum { M = 40 };
    double *matrix = calloc(M * M, sizeof *matrix), *factor = calloc(M * M, sizeof *factor);

    (void)test;
    for (uint32_t bad = 0; bad < M; bad++) {
        struct support_env env;
        uint32_t row = 0;

        support_env_start(&env, 1);
        for (uint32_t i = 0; i < M; i++) matrix[i * M + i] = i == bad ? (bad % 2 ? -1 : (double)NAN) : 2;
        assert_int_equal(gp_cholesky(factor, &row, matrix, M, 0, &gp_tiles_scalar, &env.env, NULL), 0);
        assert_int_equal(row, bad);
        support_env_finish(&env);
    }
    free(matrix);
    free(factor);
}

static void what_is_solved_fits(void **test)
{
    double *factor = calloc(MOST * MOST, sizeof *factor);
    double *panel = aligned_alloc(64, sizeof(double) * MOST * 16);

    (void)test;
    for (uint32_t i = 0; i < MOST; i++) {
        for (uint32_t j = 0; j <= i; j++) factor[i * MOST + j] = i == j ? 3 : sin(i * 7.0 + j) / 10;
    }
    for (uint32_t m = 0; m <= MOST; m++) {
        for (uint32_t i = 0; i < m * 16; i++) panel[i] = cos(i);
        gp_cholesky_solve(panel, factor, MOST, m, gp_tiles_choose(METRIC_ISA_BEST));
        for (uint32_t i = 0; i < m; i++) {
            for (uint32_t lane = 0; lane < 16; lane++) {
                double sum = 0;

                for (uint32_t l = 0; l <= i; l++) sum += factor[i * MOST + l] * panel[l * 16 + lane];
                assert_true(fabs(sum - cos(i * 16 + lane)) < 1e-12);
            }
        }
    }
    free(factor);
    free(panel);
}

static int call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    static const double matrix[] = { 2, 1, 1, 2 };
    double factor[4];
    uint32_t row;

    (void)ctx;
    return gp_cholesky(factor, &row, matrix, 2, 0, &gp_tiles_scalar, env, err);
}

static void without_memory(void **test)
{
    struct support_env env;

    (void)test;
    support_env_start(&env, 1);
    assert_int_equal(support_fail_each(&env, call, NULL), 1);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_product_is_the_matrix),
        cmocka_unit_test(the_first_bad_row_is_named),
        cmocka_unit_test(what_is_solved_fits),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
