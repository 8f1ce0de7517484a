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
    assert_int_equal(metric_init(&m, "cosinus", 3, METRIC_ISA_BEST, &err), PCCT_E_INVALID);
    assert_string_equal(err.message, "unknown metric \"cosinus\": there are euclidean, haversine, manhattan, chebyshev, cosine and angular");
    assert_int_equal(metric_init(&m, "angular", 0, METRIC_ISA_BEST, &err), PCCT_E_INVALID);
    assert_string_equal(err.message, "dimension 0: angular takes 1 to 4096 columns");
}

/* Numbers stand in stores: they must never change. */
static void numbers_are_pinned(void **state)
{
    static const char *const name[] = { NULL, "euclidean", "haversine", "manhattan", "chebyshev", "cosine", "angular" };
    struct metric m;

    (void)state;
    for (int id = 1; id <= 6; id++) {
        assert_string_equal(metric_name(id), name[id]);
        assert_int_equal(metric_init(&m, name[id], 2, METRIC_ISA_BEST, NULL), 0);
        assert_int_equal(m.id, id);
        assert_string_equal(m.name, name[id]);
        assert_int_equal(m.dim, id == METRIC_HAVERSINE ? 3 : 2);
        assert_int_equal(m.embeds, id == METRIC_HAVERSINE || id == METRIC_COSINE || id == METRIC_ANGULAR);
        assert_ptr_equal(m.kernels, metric_kernels_choose(m.sum, METRIC_ISA_BEST));
    }
    assert_null(metric_name(0));
    assert_null(metric_name(7));
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

static void zero_vectors_have_no_direction(void **state)
{
    const double rows[] = { 1, 0, 0, 0, -0x1p-1074, 0, -0.0, 0, 0x1p500, 0, 0, (double)NAN };
    struct pcct_error err = { 0, "" };
    struct metric m;
    size_t row = 99;

    (void)state;
    for (int id = METRIC_COSINE; id <= METRIC_ANGULAR; id++) {
        assert_int_equal(metric_init(&m, metric_name(id), 2, METRIC_ISA_BEST, &err), 0);
        assert_int_equal(metric_validate(&row, &m, rows, 1, 0, &err), 0);
        assert_int_equal(metric_validate(&row, &m, rows + 4, 1, 0, &err), 0);
        assert_int_equal(metric_validate(&row, &m, rows, 4, 2, &err), PCCT_E_POINT);
        assert_int_equal(row, 1);
        assert_string_equal(err.message, "row 3 is the zero vector, which has no direction (2 bad rows in all)");
        assert_int_equal(metric_validate(&row, &m, rows + 8, 1, 0, &err), PCCT_E_POINT);
        assert_non_null(strstr(err.message, "is too large"));
        assert_int_equal(metric_validate(&row, &m, rows + 10, 1, 0, &err), PCCT_E_POINT);
        assert_string_equal(err.message, "row 0 has NaN (1 bad row in all)");
    }
    assert_int_equal(metric_init(&m, "manhattan", 2, METRIC_ISA_BEST, &err), 0);
    assert_int_equal(metric_validate(&row, &m, rows, 4, 0, &err), 0);
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

static void keys_without_squares(void **state)
{
    const double a[] = { 0.1, 0.2, 0.3, -5 }, b[] = { 1.7, -0.4, 1e-3, -4 };
    double size[4], place[4], sum = 0;
    struct metric m;

    (void)state;
    for (int j = 0; j < 4; j++) {
        size[j] = fabs(a[j] - b[j]);
        sum = sum + size[j];
    }
    assert_int_equal(metric_init(&m, "manhattan", 4, METRIC_ISA_BEST, NULL), 0);
    assert_true(metric_key(&m, a, b) == sum && metric_key(&m, b, a) == sum && metric_key(&m, a, a) == 0);
    assert_true(metric_distance(&m, 2.25) == 2.25 && metric_inner(&m, 2.25) == 2.25);
    assert_int_equal(metric_init(&m, "chebyshev", 4, METRIC_ISA_BEST, NULL), 0);
    assert_true(metric_key(&m, a, b) == size[0] && metric_key(&m, b, a) == size[0] && metric_key(&m, a, a) == 0);
    assert_true(metric_distance(&m, 2.25) == 2.25 && metric_inner(&m, 2.25) == 2.25);
    metric_embed(place, &m, a, 1);
    assert_memory_equal(place, a, sizeof a);
}

static void directions_by_cosine_and_angle(void **state)
{
    static const double rows[] = { 3, 0, 0, 0.1, -7, 0, 2, 2, 2, 2 + 1e-9 };
    double place[10], key;
    struct metric cosine, angular;

    (void)state;
    assert_int_equal(metric_init(&cosine, "cosine", 2, METRIC_ISA_BEST, NULL), 0);
    assert_int_equal(metric_init(&angular, "angular", 2, METRIC_ISA_BEST, NULL), 0);
    metric_embed(place, &cosine, rows, 5);
    assert_true(place[0] == 1 && place[1] == 0 && place[2] == 0 && place[3] == 1 && place[4] == -1 && place[5] == 0);
    key = metric_key(&cosine, place, place + 2);
    assert_true(key == 2 && metric_distance(&cosine, key) == 1 && fabs(metric_distance(&angular, key) - 0x1.921fb54442d18p+0) < 5e-16);
    key = metric_key(&cosine, place, place + 4);
    assert_true(key == 4 && metric_distance(&cosine, key) == 2 && metric_distance(&angular, key) == 0x1.921fb54442d18p+1);
    assert_true(metric_distance(&cosine, nextafter(4, 5)) == 2 && metric_distance(&angular, nextafter(4, 5)) == 0x1.921fb54442d18p+1);
    key = metric_key(&cosine, place, place + 6);
    assert_true(fabs(metric_distance(&cosine, key) - (1 - sqrt(0.5))) < 2e-16);
    assert_true(fabs(metric_distance(&angular, key) - 0x1.921fb54442d18p-1) < 2e-16);
    key = metric_key(&angular, place + 6, place + 8); /* 1 - cos by itself would be 0 */
    assert_true(fabs(metric_distance(&angular, key) - 2.5e-10) < 2e-16);
    assert_true(fabs(metric_distance(&cosine, key) - 3.125e-20) < 1e-25);
    assert_true(metric_inner(&cosine, 2.25) == 1.5 && metric_inner(&angular, 2.25) == 1.5);
}

/* The limit of a distance is the greatest key that has it or less: all keys around it say so, also where many keys have one distance (roots; the
 * angle near opposite directions), where the angle's two formulas meet (key 1) and where a half is no double (cosine near 0). */
static void limits_are_exact(void **state)
{
    static const char *const name[] = { "euclidean", "manhattan", "chebyshev", "cosine", "angular", "haversine" };
    static const double special[] = { 0, 0x1p-1074, 0x3p-1074, 0x1p-1022, 1e-300, 1e-16, 1, 2, 2.25, 3.999999, 4, 1e10, 1e300 };
    enum { SPECIAL = sizeof special / sizeof *special, NEAR = 60 };
    struct base_random random;

    (void)state;
    base_random_seed(&random, 9);
    for (size_t m = 0; m < 6; m++) {
        struct metric metric;

        assert_int_equal(metric_init(&metric, name[m], 2, METRIC_ISA_BEST, NULL), 0);
        for (int i = 0; i < 400; i++) {
            double key = i < SPECIAL ? special[i] : ldexp(base_random_unit(&random), i % 3 ? 2 : -(i % 60));
            const double distance = metric_distance(&metric, key), limit = metric_limit(&metric, distance);

            assert_true(limit >= key);
            for (int step = 0; step < NEAR; step++) key = nextafter(key, 0);
            for (int step = 0; step < 2 * NEAR; step++, key = nextafter(key, (double)INFINITY)) {
                assert_int_equal(metric_distance(&metric, key) <= distance, key <= limit);
            }
            if (limit < 0x1.fffffffffffffp1023) assert_true(metric_distance(&metric, nextafter(limit, (double)INFINITY)) > distance);
        }
        assert_true(metric_limit(&metric, (double)INFINITY) == 0x1.fffffffffffffp1023);
    }
}

/* Against exact powers, at them and a hair beside them, down to the least double. */
static void scales_are_exact(void **state)
{
    struct metric m;

    (void)state;
    assert_int_equal(metric_init(&m, "euclidean", 1, METRIC_ISA_BEST, NULL), 0);
    for (int i = -536; i <= 506; i++) {
        const double power = ldexp(1, 2 * i);

        assert_int_equal(metric_scale(&m, power), i);
        assert_int_equal(metric_scale(&m, nextafter(power, (double)INFINITY)), i + 1);
        assert_int_equal(metric_scale(&m, nextafter(power, 0)), i);
        assert_int_equal(metric_scale(&m, 2 * power), i + 1);
        assert_int_equal(metric_scale(&m, power / 2), i);
        assert_true(metric_reach(&m, i) == power);
    }
    assert_int_equal(metric_scale(&m, 0x1p-1074), -537);
    assert_true(metric_reach(&m, -537) == 0x1p-1074);
    assert_true(metric_reach(&m, -538) == 0);
    assert_true(metric_reach(&m, METRIC_LEVEL_MIN) == 0);
    assert_true(metric_scale(&m, 4096 * 0x1p1002) < METRIC_LEVEL_MAX);
    assert_true(isinf(metric_reach(&m, METRIC_LEVEL_MAX)));
}

/* The same for keys that are distances. The root stands one level above the greatest, which is the greatest scale less one. */
static void scales_of_distances_are_exact(void **state)
{
    static const char *const name[] = { "manhattan", "chebyshev" };
    struct metric m;

    (void)state;
    for (int k = 0; k < 2; k++) {
        assert_int_equal(metric_init(&m, name[k], 1, METRIC_ISA_BEST, NULL), 0);
        for (int i = METRIC_LEVEL_MIN + 2; i < METRIC_LEVEL_MAX; i++) {
            const double power = ldexp(1, i);

            assert_int_equal(metric_scale(&m, power), i);
            assert_int_equal(metric_scale(&m, nextafter(power, (double)INFINITY)), i + 1);
            assert_int_equal(metric_scale(&m, nextafter(power, 0)), i);
            assert_true(metric_reach(&m, i) == power);
        }
        assert_int_equal(metric_scale(&m, 0x1p-1022), METRIC_LEVEL_MIN + 1);
        assert_int_equal(metric_scale(&m, 0x1p-1074), METRIC_LEVEL_MIN + 1);
        assert_true(metric_reach(&m, METRIC_LEVEL_MIN + 1) == 0x1p-1022);
        assert_true(metric_reach(&m, METRIC_LEVEL_MIN) == 0);
        assert_int_equal(metric_scale(&m, 4096 * 0x1p501), METRIC_LEVEL_MAX);
    }
}

/* The limit in single precision is never less than the filter allows, and hardly more; the filter lets in little in vain. */
static void limits_of_the_filter(void **state)
{
    static const char *const name[] = { "euclidean", "manhattan", "chebyshev", "cosine" };
    struct base_random random;

    (void)state;
    base_random_seed(&random, 5);
    for (uint32_t dim = 1; dim <= METRIC_DIM_MAX; dim = dim < 20 ? dim + 1 : 2 * dim - 8) {
        for (int i = 0; i < 4; i++) {
            struct metric m;

            assert_int_equal(metric_init(&m, name[i], dim, METRIC_ISA_BEST, NULL), 0);
            assert_true(m.filter.grow > 1 && m.filter.grow < 1.001 && m.filter.slack > 0 && m.filter.slack < 0x1p-22 * (dim + 1));
            for (int again = 0; again < 300; again++) {
                const double limit = ldexp(base_random_unit(&random), (int)base_random_below(&random, 170) - 60);
                const double least = m.filter.grow * limit + m.filter.slack, kept = (double)metric_filter_limit(&m, limit);

                assert_true(kept >= least && kept <= least * (1 + 0x1p-20));
            }
            assert_true(isinf(metric_filter_limit(&m, (double)INFINITY)) && isinf(metric_filter_limit(&m, 0x1p200)));
            assert_true((double)metric_filter_limit(&m, 0) >= m.filter.slack);
            assert_true(metric_unit(&m, 0x1p-7) == (m.sum == METRIC_SQUARES ? 0x1p-14 : 0x1p-7));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_dimensions),
        cmocka_unit_test(numbers_are_pinned),
        cmocka_unit_test(bad_rows_are_named),
        cmocka_unit_test(zero_vectors_have_no_direction),
        cmocka_unit_test(keys_follow_the_definition),
        cmocka_unit_test(keys_without_squares),
        cmocka_unit_test(directions_by_cosine_and_angle),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(scales_are_exact),
        cmocka_unit_test(scales_of_distances_are_exact),
        cmocka_unit_test(limits_of_the_filter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
