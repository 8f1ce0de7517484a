/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The generators' definitions written out anew and slowly. */
static uint64_t splitmix(uint64_t *state)
{
    uint64_t z;

    *state += 0x9e3779b97f4a7c15u;
    z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void test_known_numbers(void **state)
{
    struct base_random random = {{1, 2, 3, 4}};
    uint64_t mixer = 42;

    (void)state;
    /* by hand from the definition: rotl(2 * 5, 7) * 9; then state {7, 0, 262146, rotl(6, 45)}; rotl(0) = 0 */
    assert_int_equal(base_random_next(&random), 11520);
    assert_int_equal(random.state[0], 7);
    assert_int_equal(random.state[1], 0);
    assert_int_equal(random.state[2], 262146);
    assert_int_equal(random.state[3], (uint64_t)6 << 45);
    assert_int_equal(base_random_next(&random), 0);
    assert_int_equal(base_random_next(&random), 1509978240); /* known from other implementations for this state */
    base_random_seed(&random, 42);
    for (int i = 0; i < 4; i++) assert_int_equal(random.state[i], splitmix(&mixer));
    mixer = 0;
    assert_true(splitmix(&mixer) == 0xe220a8397b1dcdafu); /* the well-known first number of seed 0 */
}

static void test_below_is_fair(void **state)
{
    static const uint64_t bounds[] = {1, 2, 3, 7, 10, 1000};
    struct base_random random;

    (void)state;
    base_random_seed(&random, 3);
    for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++) {
        uint64_t *count = calloc(bounds[b], sizeof(*count)), draws = bounds[b] * 2000;
        double chi = 0, free_counts = (double)bounds[b] - 1;

        for (uint64_t i = 0; i < draws; i++) {
            uint64_t x = base_random_below(&random, bounds[b]);

            assert_true(x < bounds[b]);
            count[x]++;
        }
        for (uint64_t x = 0; x < bounds[b]; x++) chi += ((double)count[x] - 2000) * ((double)count[x] - 2000) / 2000;
        assert_true(chi <= free_counts + 6 * sqrt(2 * free_counts) + 1e-9);
        free(count);
    }
    /* three quarters of the range: a product alone would draw the multiples of three twice as often, a modulus the lower third */
    for (int i = 0, low = 0, multiple = 0; i < 30000; i++) {
        uint64_t bound = (uint64_t)3 << 62, x = base_random_below(&random, bound);

        assert_true(x < bound);
        low += x < bound / 3;
        multiple += x % 3 == 0;
        if (i < 29999) continue;
        assert_in_range(low, 9500, 10500);
        assert_in_range(multiple, 9500, 10500);
    }
}

static void test_unit_and_gauss(void **state)
{
    enum { DRAWS = 200000 };
    struct base_random random;
    double sum = 0, squares = 0, least = 1, greatest = 0, mean = 0;

    (void)state;
    base_random_seed(&random, 4);
    for (int i = 0; i < DRAWS; i++) {
        double u = base_random_unit(&random), g = base_random_gauss(&random);

        assert_true(u >= 0 && u < 1);
        if (u < least) least = u;
        if (u > greatest) greatest = u;
        mean += u / DRAWS;
        sum += g;
        squares += g * g;
    }
    assert_true(least < 1e-4 && greatest > 1 - 1e-4 && fabs(mean - 0.5) < 0.005);
    assert_true(fabs(sum / DRAWS) < 0.015 && fabs(squares / DRAWS - 1) < 0.02);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static uint32_t inverse_of(uint32_t odd)
{
    uint32_t x = odd;

    for (int i = 0; i < 5; i++) x *= 2 - odd * x; /* Newton: each step doubles the bits that are right */
    return x;
}

static uint32_t undo_shift(uint32_t x, int by)
{
    uint32_t y = x;

    for (int i = 0; i < 32; i += by) y = x ^ y >> by;
    return y;
}

/* Each step of base_priority undone: a function that has an inverse is a bijection. */
static uint32_t node_of(uint64_t seed, uint32_t x)
{
    x = undo_shift(x, 12);
    x *= inverse_of(0x2c1b3c6du);
    x = undo_shift(x, 15);
    x -= (uint32_t)(seed >> 32);
    x = undo_shift(x, 16);
    x *= inverse_of(0x846ca68bu);
    x = undo_shift(x, 15);
    x *= inverse_of(0x7feb352du);
    x = undo_shift(x, 16);
    return x - (uint32_t)seed;
}

static void test_priority_is_a_bijection(void **state)
{
    enum { NODES = 1 << 20 };
    static const uint64_t seeds[] = {0, 1, 42, 0xffffffffffffffff, 0x8000000080000000};
    uint32_t *priority = calloc(NODES, sizeof(*priority));
    double order = 0;

    (void)state;
    for (size_t s = 0; s < sizeof(seeds) / sizeof(seeds[0]); s++) {
        for (uint32_t node = 0; node < NODES; node++) {
            priority[node] = base_priority(seeds[s], node);
            assert_int_equal(node_of(seeds[s], priority[node]), node);
            assert_int_equal(node_of(seeds[s], base_priority(seeds[s], ~node)), ~node);
            order += priority[node] < (1u << 31) ? 1 : -1;
        }
        qsort(priority, NODES, sizeof(*priority), compare);
        for (uint32_t node = 1; node < NODES; node++) assert_true(priority[node - 1] < priority[node]);
    }
    assert_true(fabs(order) < 5 * 6 * 1024); /* about half are in the lower half */
    free(priority);
}

/* Part of the format: these numbers must never change. */
static void test_priority_is_pinned(void **state)
{
    (void)state;
    assert_int_equal(base_priority(0, 0), 0);
    assert_int_equal(base_priority(0, 1), 3809561376u);
    assert_int_equal(base_priority(0x0123456789abcdef, 12345), 1299382849u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_numbers),           cmocka_unit_test(test_below_is_fair),      cmocka_unit_test(test_unit_and_gauss),
        cmocka_unit_test(test_priority_is_a_bijection), cmocka_unit_test(test_priority_is_pinned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
