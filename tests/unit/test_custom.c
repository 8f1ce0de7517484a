/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/custom.h"

#include "support_custom.h"

#include "base/par.h"

#include <math.h>
#include <string.h>

static double one(void *ctx, const double *a, const double *b)
{
    (void)ctx;
    return a == b ? 0 : 1;
}

static void names_are_short_words_of_the_callers_own(void **test)
{
    static const char *const good[] = { "w", "words", "a-b_c9", "abcdefghijklmnopqrstuvwxyz01234" };
    static const char *const bad[] = { "", "9w", "Words", "my words", "-w", "abcdefghijklmnopqrstuvwxyz012345", "w\xc3\xb6rter", "a.b" };
    static const char *const built_in[] = { "euclidean", "haversine", "manhattan", "chebyshev", "cosine", "angular" };
    const struct pcct_metric function = { sizeof function, NULL, one, NULL, NULL };
    struct pcct_error err = { 0, "" };
    struct metric metric;

    (void)test;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        support_ok(metric_custom_init(&metric, good[i], 3, &function, &err), &err);
        assert_string_equal(metric_called(&metric), good[i]);
        assert_true(metric_is_custom(&metric) && metric_has_keys(&metric) && metric.dim == 3 && metric.input_dim == 3 && !metric.kernels);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(metric_custom_init(&metric, bad[i], 3, &function, &err), PCCT_E_INVALID);
        assert_false(metric_is_custom(&metric));
    }
    for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++) {
        assert_int_equal(metric_custom_init(&metric, built_in[i], 2, &function, &err), PCCT_E_INVALID);
        assert_non_null(strstr(err.message, built_in[i]));
    }
    assert_int_equal(metric_custom_init(&metric, NULL, 3, &function, &err), PCCT_E_INVALID);
    assert_int_equal(metric_custom_init(&metric, "w", 0, &function, &err), PCCT_E_INVALID);
    assert_int_equal(metric_custom_init(&metric, "w", METRIC_DIM_MAX + 1, &function, &err), PCCT_E_INVALID);
    assert_null(metric_name(METRIC_CUSTOM));
}

static void without_a_function_there_are_no_keys(void **test)
{
    const struct pcct_metric function = { sizeof function, "w", NULL, NULL, NULL };
    struct pcct_error err = { 0, "" };
    struct metric metric;

    (void)test;
    support_ok(metric_custom_init(&metric, "w", 1, NULL, &err), &err);
    assert_true(metric_is_custom(&metric));
    assert_false(metric_has_keys(&metric));
    assert_int_equal(metric_custom_init(&metric, "w", 1, &function, &err), PCCT_E_INVALID);
}

/* Keys are distances: their scales and reaches are those of distances too. */
static void a_key_is_the_distance(void **test)
{
    const double a[2] = { 0, 0 }, b[2] = { 3, 4 };
    struct support_custom custom;
    struct metric metric;

    (void)test;
    support_custom_start(&custom, &metric, SUPPORT_PLAIN, 2, 0);
    assert_true(metric_key(&metric, a, b) == 5 && metric_inner(&metric, 5) == 5 && metric_distance(&metric, 5) == 5);
    assert_int_equal(metric_scale(&metric, 5), 3);
    assert_int_equal(metric_scale(&metric, 4), 2);
    assert_true(metric_reach(&metric, 3) == 8 && metric_reach(&metric, -2) == 0.25 && metric_reach(&metric, METRIC_LEVEL_MIN) == 0);
    assert_int_equal(custom.calls.evaluations, 1);
    assert_int_equal(custom.calls.faulty, 0);
}

static void together_is_one_by_one(void **test)
{
    double rows[40], q[2] = { 0.5, 1 }, key[20];
    const double *row[20];
    struct support_custom custom;
    struct metric metric;

    (void)test;
    support_points(rows, 20, 2, SUPPORT_UNIFORM, 4);
    for (size_t i = 0; i < 20; i++) row[i] = rows + 2 * (19 - i);
    for (int together = 0; together < 2; together++) {
        support_custom_start(&custom, &metric, SUPPORT_PLAIN, 2, together);
        metric_custom_keys(key, &metric, q, row, 20);
        metric_custom_keys(key, &metric, q, row, 0);
        assert_int_equal(custom.calls.evaluations, 20);
        for (size_t i = 0; i < 20; i++) assert_true(key[i] == metric_key(&metric, q, row[i]));
    }
}

static void what_is_no_distance_is_noted(void **test)
{
    static const double bad[] = { (double)NAN, (double)INFINITY, -(double)INFINITY, -1e-300, METRIC_DISTANCE_LIMIT };
    const double rows[3] = { 0, 1, 2 };
    const double *row[3] = { rows, rows + 1, rows + 2 };
    struct support_custom custom;
    struct metric metric;
    double key[3];

    (void)test;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        support_custom_start(&custom, &metric, SUPPORT_PLAIN, 1, (int)i % 2);
        custom.spoil_at = 2;
        custom.spoilt = bad[i];
        metric_custom_keys(key, &metric, &rows[0], row, 3);
        assert_true(custom.calls.faulty && custom.calls.a == rows && custom.calls.b == rows + 1);
        assert_memory_equal(&custom.calls.value, &bad[i], sizeof(double));
        assert_true(key[0] == 0 && key[1] == METRIC_FAR && key[2] == 2);
        metric_calls_clear(&custom.calls);
        assert_true(!custom.calls.faulty && custom.calls.evaluations == 0);
    }
    support_custom_start(&custom, &metric, SUPPORT_PLAIN, 1, 0);
    custom.spoil_at = 1;
    custom.spoilt = -0.0;
    key[0] = metric_key(&metric, rows, rows + 1);
    assert_true(key[0] == 0 && !signbit(key[0]) && !custom.calls.faulty);
    custom.spoil_at = 1;
    custom.spoilt = nextafter(METRIC_DISTANCE_LIMIT, 0);
    assert_true(metric_key(&metric, rows, rows + 1) == nextafter(METRIC_DISTANCE_LIMIT, 0) && !custom.calls.faulty);
}

static double never(void *ctx, const double *a, const double *b)
{
    (void)ctx;
    return a < b ? -1 : -2;
}

struct many {
    struct metric metric;
    double row[1000];
};

static void ask(void *ctx, size_t begin, size_t end, int thread)
{
    struct many *many = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) metric_key(&many->metric, &many->row[(i * 7 + 3) % 1000], &many->row[(i * 31 + 11) % 1000]);
}

/* Whichever thread comes first: the fault with the least rows stays, and every call is counted. */
static void the_least_fault_stays(void **test)
{
    const struct pcct_metric function = { sizeof function, "never", never, NULL, NULL };
    struct pcct_error err = { 0, "" };
    struct support_env env;
    struct metric_calls calls;
    struct many many;

    (void)test;
    support_ok(metric_custom_init(&many.metric, "never", 1, &function, &err), &err);
    many.metric.calls = &calls;
    for (int threads = 1; threads <= 4; threads *= 2) {
        support_env_start(&env, threads);
        metric_calls_clear(&calls);
        base_par_for(&env.env, 1000, 3, ask, &many);
        assert_int_equal(calls.evaluations, 1000);
        assert_ptr_equal(calls.a, many.row);
        assert_ptr_equal(calls.b, &many.row[(571 * 31 + 11) % 1000]); /* 571 * 7 + 3 = 4000 */
        support_env_finish(&env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_short_words_of_the_callers_own), cmocka_unit_test(without_a_function_there_are_no_keys),
        cmocka_unit_test(a_key_is_the_distance), cmocka_unit_test(together_is_one_by_one), cmocka_unit_test(what_is_no_distance_is_noted),
        cmocka_unit_test(the_least_fault_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
