/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include <math.h>
#include <string.h>

static void names(void **test)
{
    static const char *const all[] = { "rbf", "matern12", "matern32", "matern52" };

    (void)test;
    for (int i = 0; i < GP_SHAPES; i++) {
        assert_int_equal(gp_shape_named(all[i]), i);
        assert_string_equal(gp_shape_name((enum gp_shape)i), all[i]);
    }
    assert_int_equal(gp_shape_named("matern72"), GP_SHAPES);
    assert_string_equal(gp_shape_name(GP_CUSTOM), "custom");
}

static void refuse(struct gp_kernel kernel, const char *word)
{
    struct pcct_error err = { 0, "" };

    assert_int_equal(gp_kernel_check(&kernel, &err), PCCT_E_INVALID);
    if (!strstr(err.message, word)) fail_msg("\"%s\" does not say \"%s\"", err.message, word);
}

static void parameters_are_checked(void **test)
{
    static const double good[] = { 0.5, 2 }, bad[][2] = { { 1, 0 }, { 1, -1 }, { 1, NAN }, { 1, INFINITY } };
    const struct gp_kernel kernel = { .shape = GP_RBF, .dim = 2, .lengthscale = good, .variance = 1 };
    struct gp_kernel k = kernel;

    (void)test;
    assert_int_equal(gp_kernel_check(&k, NULL), 0);
    k.lengthscale = NULL;
    assert_int_equal(gp_kernel_check(&k, NULL), 0);
    for (int i = 0; i < 4; i++) {
        k = kernel;
        k.lengthscale = bad[i];
        refuse(k, "lengthscale 2");
    }
    for (int i = 0; i < 4; i++) {
        k = kernel;
        k.variance = bad[i][1];
        refuse(k, "variance");
        if (i == 0) continue;
        k = kernel;
        k.nugget = bad[i][1];
        refuse(k, "nugget");
    }
    k = kernel;
    k.dim = 0;
    refuse(k, "dimension");
    k = kernel;
    k.shape = GP_CUSTOM;
    refuse(k, "function");
    k.tile = support_gp_tile;
    assert_int_equal(gp_kernel_check(&k, NULL), 0);
}

static void rows_are_scaled(void **test)
{
    static const double scale[] = { 0.5, 3 }, rows[] = { 1, 1, -2, 7 };
    struct gp_kernel kernel = { .shape = GP_RBF, .dim = 2, .lengthscale = scale, .variance = 1 };
    double out[4];

    (void)test;
    gp_kernel_scale(out, &kernel, rows, 2);
    assert_true(out[0] == 2 && out[1] == 1.0 / 3 && out[2] == -4 && out[3] == 7.0 / 3);
    kernel.lengthscale = NULL;
    gp_kernel_scale(out, &kernel, rows, 2);
    assert_memory_equal(out, rows, sizeof rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(parameters_are_checked),
        cmocka_unit_test(rows_are_scaled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
