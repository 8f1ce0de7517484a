/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "metric/metric.h"

#include <math.h>
#include <string.h>

static void names_and_dimensions(void **state)
{
    struct pcct_error err = { 0, "" };
    struct metric m;

    (void)state;
    assert_int_equal(metric_init(&m, "euclidean", 5, METRIC_ISA_BEST, &err), 0);
    assert_int_equal(m.id, METRIC_EUCLIDEAN);
    assert_int_equal(m.dim, 5);
    assert_int_equal(m.embeds, 0);
    assert_int_equal(metric_init(&m, "haversine", 2, METRIC_ISA_SCALAR, &err), 0);
    assert_int_equal(m.id, METRIC_HAVERSINE);
    assert_int_equal(m.input_dim, 2);
    assert_int_equal(m.dim, 3);
    assert_int_equal(m.embeds, 1);
    assert_string_equal(m.kernels->name, "scalar");
    assert_int_equal(metric_init(&m, "euclidean", METRIC_DIM_MAX, METRIC_ISA_BEST, &err), 0);

    assert_int_equal(metric_init(&m, "euclidean", 0, METRIC_ISA_BEST, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "1 to 4096"));
    assert_int_equal(metric_init(&m, "euclidean", METRIC_DIM_MAX + 1, METRIC_ISA_BEST, &err), PCCT_E_INVALID);
    assert_int_equal(metric_init(&m, "haversine", 3, METRIC_ISA_BEST, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "latitude and longitude"));
    assert_int_equal(metric_init(&m, "cosine", 3, METRIC_ISA_BEST, &err), PCCT_E_INVALID);
    assert_string_equal(err.message, "unknown metric \"cosine\": there are euclidean and haversine");
    assert_null(metric_name(3));
    assert_string_equal(metric_name(METRIC_HAVERSINE), "haversine");
}

static void bad_rows_are_named(void **state)
{
    const double sphere[] = { 0, 0, 90, 180, 91.5, 0, -90, -180, 0, -180.25, (double)NAN, 7 };
    const double plane[] = { 1, 2, 3, 4, 0x1p500, 0, -0x1p500, 1, 0, (double)INFINITY, -0x1.fffffffffffffp499, 0 };
    struct pcct_error err = { 0, "" };
    struct metric m;
    size_t row = 99;

    (void)state;
    assert_int_equal(metric_init(&m, "haversine", 2, METRIC_ISA_BEST, &err), 0);
    assert_int_equal(metric_validate(&row, &m, sphere, 2, 0, &err), 0);
    assert_int_equal(metric_validate(&row, &m, sphere, 6, 15, &err), PCCT_E_POINT);
    assert_int_equal(row, 2);
    assert_string_equal(err.message, "row 17: latitude 91.5 is outside -90..90 (3 bad rows in all)");
    assert_int_equal(metric_validate(&row, &m, sphere + 6, 2, 0, &err), PCCT_E_POINT);
    assert_string_equal(err.message, "row 1: longitude -180.25 is outside -180..180 (1 bad row in all)");
    assert_int_equal(metric_validate(&row, &m, sphere + 10, 1, 4, &err), PCCT_E_POINT);
    assert_string_equal(err.message, "row 4 has NaN (1 bad row in all)");

    assert_int_equal(metric_init(&m, "euclidean", 2, METRIC_ISA_BEST, &err), 0);
    assert_int_equal(metric_validate(&row, &m, plane, 2, 0, &err), 0);
    assert_int_equal(metric_validate(&row, &m, plane, 6, 0, &err), PCCT_E_POINT);
    assert_int_equal(row, 2);
    assert_non_null(strstr(err.message, "row 2: coordinate 3.27339060789614e+150 is too large"));
    assert_non_null(strstr(err.message, "(3 bad rows in all)"));
    assert_int_equal(metric_validate(&row, &m, plane + 8, 1, 8, &err), PCCT_E_POINT);
    assert_string_equal(err.message, "row 8 has an infinite value (1 bad row in all)");
    assert_int_equal(metric_validate(&row, &m, plane + 10, 1, 0, NULL), 0);
}

static void keys_follow_the_definition(void **state)
{
    const double a[] = { 0.1, 0.2, 0.3 }, b[] = { 1.7, -0.4, 1e-3 };
    double key = 0, place[3];
    struct metric m;

    (void)state;
    assert_int_equal(metric_init(&m, "euclidean", 3, METRIC_ISA_BEST, NULL), 0);
    for (int j = 0; j < 3; j++) {
        volatile double t = a[j] - b[j], square = t * t; /* volatile: rounded on its own, whatever the compiler may do */

        key = key + square;
    }
    assert_true(metric_key(&m, a, b) == key);
    assert_true(metric_key(&m, b, a) == key);
    assert_true(metric_distance(&m, 2.25) == 1.5);
    assert_true(metric_inner(&m, 2.25) == 1.5);
    metric_embed(place, &m, a, 1);
    assert_memory_equal(place, a, sizeof a);
}

/* Against exact powers, at them and a hair beside them, down to the least double. */
static void scales_are_exact(void **state)
{
    (void)state;
    for (int i = -536; i <= 506; i++) {
        const double power = ldexp(1, 2 * i);

        assert_int_equal(metric_scale(power), i);
        assert_int_equal(metric_scale(nextafter(power, (double)INFINITY)), i + 1);
        assert_int_equal(metric_scale(nextafter(power, 0)), i);
        assert_int_equal(metric_scale(2 * power), i + 1);
        assert_int_equal(metric_scale(power / 2), i);
        assert_true(metric_reach(i) == power);
    }
    assert_int_equal(metric_scale(0x1p-1074), -537);
    assert_true(metric_reach(-537) == 0x1p-1074);
    assert_true(metric_reach(-538) == 0);
    assert_true(metric_reach(METRIC_LEVEL_MIN) == 0);
    assert_true(metric_scale(4096 * 0x1p1002) < METRIC_LEVEL_MAX);
    assert_true(isinf(metric_reach(METRIC_LEVEL_MAX)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_dimensions),
        cmocka_unit_test(bad_rows_are_named),
        cmocka_unit_test(keys_follow_the_definition),
        cmocka_unit_test(scales_are_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
