/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "metric/direction.h"

#include <math.h>
#include <string.h>

enum { DIM_MOST = 40 };

/* Against long double, whose range holds every square: each coordinate is within (dim / 2 + 2) roundings. */
static void places_are_accurate(void **state)
{
    struct base_random random;

    (void)state;
    base_random_seed(&random, 5);
    for (int i = 0; i < 20000; i++) {
        const uint32_t dim = 1 + (uint32_t)base_random_below(&random, DIM_MOST);
        const int size = (int)base_random_below(&random, 1500) - 1010, spread = 1 + (int)base_random_below(&random, 80);
        double row[DIM_MOST], place[DIM_MOST];
        long double sum = 0;

        for (uint32_t j = 0; j < dim; j++) row[j] = ldexp(base_random_gauss(&random), size - (int)base_random_below(&random, (uint64_t)spread));
        for (uint32_t j = 0; j < dim; j++) sum += (long double)row[j] * row[j];
        if (!(sum > 0)) continue;
        metric_direction_embed(place, row, 1, dim);
        for (uint32_t j = 0; j < dim; j++) {
            const long double wanted = row[j] / sqrtl(sum);

            assert_true(fabsl(place[j] - wanted) <= (dim / 2.0L + 2) * 0x1p-53L * fabsl(wanted));
        }
    }
}

static void the_greatest_and_the_least(void **state)
{
    const double rows[] = { 0x1.fffffffffffffp499, 0x1.fffffffffffffp499, 0x1p-1074, -0x1p-1074, 0x1p499, 0x1p-600 };
    double place[6];

    (void)state;
    metric_direction_embed(place, rows, 3, 2);
    assert_true(fabs(place[0] - sqrt(0.5)) < 2e-16 && place[0] == place[1]);
    assert_true(fabs(place[2] - sqrt(0.5)) < 2e-16 && place[2] == -place[3]);
    assert_true(place[4] == 1 && place[5] == 0);
}

static void one_direction_has_one_place(void **state)
{
    const double rows[] = { 3, -0.0, -7, -0x1p-1074 };
    double place[4], other[4], scaled[4];

    (void)state;
    metric_direction_embed(place, rows, 1, 4);
    for (int exponent = -60; exponent <= 60; exponent++) {
        for (int j = 0; j < 4; j++) scaled[j] = ldexp(rows[j], exponent);
        scaled[1] = 0;
        metric_direction_embed(other, scaled, 1, 4);
        assert_memory_equal(place, other, sizeof place);
    }
}

/* Bits that must never change: trees depend on them. */
static void bits_are_pinned(void **state)
{
    const double rows[] = { 0.1, -0.7, 12.5, 1, 1, 1 };
    double place[6];

    (void)state;
    metric_direction_embed(place, rows, 2, 3);
    assert_true(place[0] == 0x1.05b9bf30464adp-7 && place[1] == -0x1.ca050e947b02dp-5 && place[2] == 0x1.ff2ec96a494a1p-1);
    assert_true(place[3] == 0x1.279a74590331dp-1 && place[4] == place[3] && place[5] == place[3]);
    assert_true(metric_direction_half_angle(0.3) == 0x1.1c10311438013p-2);
    assert_true(metric_direction_half_angle(3.7) == 0x1.4b1ba8ff34d14p+0);
}

static void half_angles_are_accurate_and_rise(void **state)
{
    struct base_random random;
    double last = 0;

    (void)state;
    base_random_seed(&random, 4);
    for (int i = 0; i < 100000; i++) {
        const double key = 4 * base_random_unit(&random) * (i % 3 ? 1 : 1e-9);
        const double angle = metric_direction_half_angle(key);
        const long double wanted = asinl(sqrt(key) / 2.0L);

        assert_true(fabsl(angle - wanted) <= 6e-16L * wanted);
        assert_true(metric_direction_half_angle(nextafter(key, 5)) >= angle);
        assert_true(metric_direction_half_angle(nextafter(key, -1)) <= angle);
    }
    for (double key = 1 - 1000 * 0x1p-53; key < 1 + 1000 * 0x1p-52; key = nextafter(key, 2)) { /* where the two formulas meet */
        const double angle = metric_direction_half_angle(key);

        assert_true(angle >= last);
        last = angle;
    }
    assert_true(metric_direction_half_angle(0) == 0);
    assert_true(metric_direction_half_angle(4) == 0x1.921fb54442d18p+0);
    assert_true(metric_direction_half_angle(nextafter(4, 5)) == metric_direction_half_angle(4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_accurate), cmocka_unit_test(the_greatest_and_the_least), cmocka_unit_test(one_direction_has_one_place),
        cmocka_unit_test(bits_are_pinned),     cmocka_unit_test(half_angles_are_accurate_and_rise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
