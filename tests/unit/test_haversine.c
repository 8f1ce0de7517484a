/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "metric/haversine.h"

#include <math.h>
#include <string.h>

#define DEGREE_L (3.14159265358979323846264338327950288L / 180)

static void embed(double place[3], double latitude, double longitude)
{
    const double row[2] = { latitude, longitude };

    metric_haversine_embed(place, row, 1);
}

static int near(double value, long double wanted)
{
    return fabsl((long double)value - wanted) <= 2 * (long double)(nextafter(fabs((double)wanted), 2) - fabs((double)wanted));
}

/* The C library's long double functions are good to well below one unit of a double: a sine alone to 2 units, of the place's
 * coordinates the product to 4. */
static void places_are_accurate(void **state)
{
    struct base_random random;

    (void)state;
    base_random_seed(&random, 3);
    for (int i = 0; i < 200000; i++) {
        const double latitude = 180 * base_random_unit(&random) - 90;
        const double longitude = i % 2 ? 360 * base_random_unit(&random) - 180 : 1e-3 * base_random_gauss(&random);
        const long double y = (long double)latitude * DEGREE_L, x = (long double)longitude * DEGREE_L;
        double place[3];

        embed(place, latitude, 0);
        assert_true(near(place[2], sinl(y)));
        assert_true(fabsl(place[0] - cosl(y)) <= 2.3e-16L);
        embed(place, 0, longitude);
        if (fabs(longitude) < 45) assert_true(near(place[1], sinl(x)));
        embed(place, latitude, longitude);
        assert_true(fabsl(place[0] - cosl(y) * cosl(x)) <= 4.5e-16L);
        assert_true(fabsl(place[1] - cosl(y) * sinl(x)) <= 4.5e-16L);
    }
}

static void right_angles_are_exact(void **state)
{
    static const double wanted[5][3] = { { 1, 0, 0 }, { 0, 1, 0 }, { -1, 0, 0 }, { 0, -1, 0 }, { 0, 0, 1 } };
    double place[3];

    (void)state;
    embed(place, 0, 0);
    assert_memory_equal(place, wanted[0], sizeof place);
    embed(place, 0, 90);
    assert_memory_equal(place, wanted[1], sizeof place);
    embed(place, 0, 180);
    assert_memory_equal(place, wanted[2], sizeof place);
    embed(place, -0.0, -90);
    assert_memory_equal(place, wanted[3], sizeof place);
    embed(place, 90, 17);
    assert_memory_equal(place, wanted[4], sizeof place);
}

static void one_point_has_one_place(void **state)
{
    double a[3], b[3];

    (void)state;
    for (double latitude = -90; latitude <= 90; latitude += 7.5) {
        embed(a, latitude, -180);
        embed(b, latitude, 180);
        assert_memory_equal(a, b, sizeof a);
        embed(a, latitude, 0.0);
        embed(b, latitude, -0.0);
        assert_memory_equal(a, b, sizeof a);
    }
    for (double longitude = -180; longitude <= 180; longitude += 22.5) {
        embed(a, 90, longitude);
        embed(b, 90, 0);
        assert_memory_equal(a, b, sizeof a);
        embed(a, -90, longitude);
        embed(b, -90, 0);
        assert_memory_equal(a, b, sizeof a);
    }
}

/* Bits that must never change: stored distances depend on them. */
static void bits_are_pinned(void **state)
{
    double place[3];

    (void)state;
    embed(place, 52.52, 13.405);
    assert_true(place[0] == 0x1.2f0e64fcf70cbp-1 && place[1] == 0x1.20e78d8401f55p-3 && place[2] == 0x1.964e4154a6763p-1);
    assert_true(metric_haversine_distance(0.3) == 0x1.af7b8fc9a1cacp+21);
    assert_true(metric_haversine_distance(3.7) == 0x1.f6f130efea15bp+23);
}

static void distances_are_accurate_and_rise(void **state)
{
    struct base_random random;
    double last = 0;

    (void)state;
    base_random_seed(&random, 4);
    for (int i = 0; i < 200000; i++) {
        const double key = 4 * base_random_unit(&random) * (i % 3 ? 1 : 1e-9);
        const double half = sqrt(key) / 2, distance = metric_haversine_distance(key);
        const long double wanted = 2 * 6371008.8L * asinl((long double)half);

        assert_true(fabsl(distance - wanted) <= 6e-16L * wanted);
        assert_true(metric_haversine_distance(nextafter(key, 5)) >= distance);
        assert_true(metric_haversine_distance(nextafter(key, -1)) <= distance);
    }
    for (double key = nextafter(1, 0) - 1000 * 0x1p-53; key < 1 + 1000 * 0x1p-52; key = nextafter(key, 2)) { /* where the two formulas meet */
        const double distance = metric_haversine_distance(key);

        assert_true(distance >= last);
        last = distance;
    }
    assert_true(metric_haversine_distance(0) == 0);
    assert_true(fabs(metric_haversine_distance(4) - 20015114.442) < 0.001); /* half the way round */
    assert_true(metric_haversine_distance(nextafter(4, 5)) == metric_haversine_distance(4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_accurate), cmocka_unit_test(right_angles_are_exact),
        cmocka_unit_test(one_point_has_one_place), cmocka_unit_test(bits_are_pinned),
        cmocka_unit_test(distances_are_accurate_and_rise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
