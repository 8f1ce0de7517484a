/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/basis.h"

#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 400, DIM = 40, AXES = 12 };

struct found {
    double rows[ROWS * DIM], centre[DIM], share[AXES], first[ROWS], scale;
    float axis[AXES * DIM];
};

static struct metric_basis basis_of(const struct found *found)
{
    return (struct metric_basis){ found->centre, found->axis, DIM, AXES };
}

/* Normal numbers, the j-th of size spread^j, moved by `offset`. */
static void make_rows(double *rows, double spread, double offset, double size)
{
    struct base_random random;

    base_random_seed(&random, 3);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < DIM; j++) rows[i * DIM + j] = offset + size * pow(spread, j) * base_random_gauss(&random);
    }
}

static void find(struct found *found, struct support_env *env, enum metric_isa isa)
{
    struct pcct_error err = { 0, "" };

    support_ok(metric_basis_find(found->centre, &found->scale, found->axis, found->share, found->first, found->rows, ROWS, DIM, AXES,
                                 metric_kernels_choose(METRIC_SQUARES, isa), &env->env, &err), &err);
}

/* Axes have the length 1 and are orthogonal, whatever the rows: spread out, on a line, all one point, huge, tiny. */
static void axes_are_straight(void **state)
{
    static const struct {
        double spread, offset, size;
    } kinds[] = { { 0.7, 5, 1 }, { 1, 0, 1 }, { 0, -2, 1 }, { 0, 3, 0 }, { 0.9, 0, 0x1p490 }, { 0.9, 0, 0x1p-1000 } };
    struct support_env env;

    (void)state;
    support_env_start(&env, 2);
    for (int isa = METRIC_ISA_SCALAR; isa <= METRIC_ISA_AVX512; isa++) {
        if (!metric_kernels_choose(METRIC_SQUARES, (enum metric_isa)isa)) continue;
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            struct found *found = malloc(sizeof *found);
            struct metric_basis basis;

            assert_non_null(found);
            make_rows(found->rows, kinds[k].spread, kinds[k].offset, kinds[k].size);
            find(found, &env, (enum metric_isa)isa);
            basis = basis_of(found);
            assert_true(metric_basis_defect(&basis) < 1e-6);
            for (int a = 0; a < AXES; a++) {
                for (int b = 0; b < a; b++) {
                    double product = 0;

                    for (int j = 0; j < DIM; j++) product += (double)found->axis[a * DIM + j] * (double)found->axis[b * DIM + j];
                    assert_true(fabs(product) < 1e-6);
                }
            }
            for (int i = 0; i < ROWS * DIM; i++) assert_true(fabs(found->rows[i]) <= 1);
            free(found);
        }
    }
    support_env_finish(&env);
}

/* The first axes are those of the greatest variance, and shares say how much that is. */
static void shares_are_those_of_the_variance(void **state)
{
    struct support_env env[2];
    struct found *found[2];
    double before = 1, sum = 0, wanted = 0, all = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        support_env_start(&env[i], 1 + 3 * i);
        found[i] = malloc(sizeof *found[i]);
        assert_non_null(found[i]);
        make_rows(found[i]->rows, 0.7, 5, 1);
        find(found[i], &env[i], METRIC_ISA_BEST);
    }
    assert_memory_equal(found[0], found[1], sizeof *found[0]); /* for any number of threads */
    for (int j = 0; j < DIM; j++) {
        all += pow(0.7, 2 * j);
        if (j < AXES) wanted += pow(0.7, 2 * j);
    }
    for (int a = 0; a < AXES; a++) {
        assert_true(found[0]->share[a] <= before);
        assert_true(fabs((double)found[0]->axis[a * DIM + a]) > 0.8 || a > 0);
        before = found[0]->share[a];
        sum += before;
    }
    assert_true(fabs(sum - wanted / all) < 0.01);
    for (int i = 0; i < 2; i++) {
        free(found[i]);
        support_env_finish(&env[i]);
    }
}

/* Shares and what is left hold the whole length, for axes that are not even orthogonal; taken in two steps or in one. */
static void nothing_is_lost(void **state)
{
    struct base_random random;
    float axis[AXES * DIM];
    double centre[DIM];
    const struct metric_basis basis = { centre, axis, DIM, AXES };

    (void)state;
    base_random_seed(&random, 6);
    for (int i = 0; i < DIM; i++) centre[i] = base_random_gauss(&random);
    for (int a = 0; a < AXES; a++) {
        double length = 0;

        for (int j = 0; j < DIM; j++) {
            axis[a * DIM + j] = (float)base_random_gauss(&random);
            length += (double)axis[a * DIM + j] * (double)axis[a * DIM + j];
        }
        for (int j = 0; j < DIM; j++) axis[a * DIM + j] = (float)((double)axis[a * DIM + j] / sqrt(length));
    }
    for (int i = 0; i < 300; i++) {
        const double size = ldexp(1, (int)base_random_below(&random, 900) - 450);
        double row[DIM], rest[DIM], share[AXES], again[AXES], length = 0, left = 0;

        for (int j = 0; j < DIM; j++) row[j] = size * base_random_gauss(&random);
        metric_basis_start(rest, &basis, row);
        for (int j = 0; j < DIM; j++) length += rest[j] * rest[j];
        for (int isa = METRIC_ISA_SCALAR; isa <= METRIC_ISA_AVX512; isa++) {
            const struct metric_kernels *kernels = metric_kernels_choose(METRIC_SQUARES, (enum metric_isa)isa);

            if (!kernels) continue;
            metric_basis_start(rest, &basis, row);
            metric_basis_project(share, rest, &basis, 0, AXES, kernels);
            left = kernels->product(rest, rest, DIM);
            for (int a = 0; a < AXES; a++) left += share[a] * share[a];
            assert_true(fabs(left - length) <= 1e-6 * length);
            metric_basis_start(rest, &basis, row);
            metric_basis_project(again, rest, &basis, 0, 5, kernels);
            metric_basis_project(again + 5, rest, &basis, 5, AXES, kernels);
            for (int a = 0; a < AXES; a++) assert_true(fabs(share[a] - again[a]) <= metric_basis_error(DIM, AXES) * sqrt(length));
        }
    }
}

static void bad_axes_are_seen(void **state)
{
    float axis[2 * 3] = { 1, 0, 0, 0, 0.6F, 0.8F };
    double centre[3] = { 1, 2, 3 };
    const struct metric_basis basis = { centre, axis, 3, 2 };

    (void)state;
    assert_true(metric_basis_defect(&basis) < 1e-6);
    axis[5] = 0.9F;
    assert_true(fabs(metric_basis_defect(&basis) - 0.17) < 1e-6);
    axis[5] = NAN;
    assert_true(isinf(metric_basis_defect(&basis)));
    axis[5] = (float)INFINITY;
    assert_true(isinf(metric_basis_defect(&basis)));
    axis[5] = 0.8F;
    centre[2] = (double)NAN;
    assert_true(isinf(metric_basis_defect(&basis)));
    centre[2] = 1e200;
    assert_true(isinf(metric_basis_defect(&basis)));
}

static int find_again(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct found *found = ctx;

    make_rows(found->rows, 0.7, 5, 1);
    return metric_basis_find(found->centre, &found->scale, found->axis, found->share, found->first, found->rows, ROWS, DIM, AXES,
                             metric_kernels_choose(METRIC_SQUARES, METRIC_ISA_BEST), env, err);
}

static void failures_are_told(void **state)
{
    struct support_env env;
    struct found *found = malloc(sizeof *found);

    (void)state;
    assert_non_null(found);
    support_env_start(&env, 2);
    assert_int_equal(support_fail_each(&env, find_again, found), 2);
    support_env_finish(&env);
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_are_straight), cmocka_unit_test(shares_are_those_of_the_variance), cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(bad_axes_are_seen), cmocka_unit_test(failures_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
