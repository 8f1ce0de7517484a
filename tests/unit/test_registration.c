/* SPDX-License-Identifier: Apache-2.0 */
#include "api/registration.h"

#include "support.h"

#include <string.h>

static double apart(void *ctx, const double *a, const double *b)
{
    (void)ctx;
    return *a != *b;
}

static const struct pcct_metric words = { sizeof words, "words", apart, NULL, NULL };

static void create_marks_super(void **test)
{
    struct store_super super = { .dim = 2 };
    struct pcct_error err = { 0, "" };

    (void)test;
    support_ok(api_metric_create(&super, NULL, NULL, &err), &err);
    assert_true(super.metric == METRIC_EUCLIDEAN && super.incompatible == 0 && super.custom[0] == '\0');
    support_ok(api_metric_create(&super, "manhattan", NULL, &err), &err);
    assert_true(super.metric == METRIC_MANHATTAN && super.incompatible == 0 && super.custom[0] == '\0');
    assert_int_equal(api_metric_create(&super, "words", NULL, &err), PCCT_E_INVALID);
    assert_int_equal(api_metric_create(&super, "manhattan", &words, &err), PCCT_E_INVALID);
    support_ok(api_metric_create(&super, NULL, &words, &err), &err);
    assert_true(super.metric == METRIC_CUSTOM && super.incompatible == STORE_FEATURE_CUSTOM);
    assert_string_equal(super.custom, "words");
}

static void open_finds_the_function(void **test)
{
    struct store_super super = { .dim = 3, .metric = METRIC_CUSTOM, .custom = "words" };
    struct pcct_metric other = words;
    struct pcct_error err = { 0, "" };
    struct metric metric;

    (void)test;
    support_ok(api_metric_open(&metric, &super, &words, "s", &err), &err);
    assert_true(metric_has_keys(&metric) && metric.custom.distance == apart && metric.dim == 3);
    assert_string_equal(metric_called(&metric), "words");
    support_ok(api_metric_open(&metric, &super, NULL, "s", &err), &err);
    assert_true(metric_is_custom(&metric) && !metric_has_keys(&metric));
    other.name = "letters";
    assert_int_equal(api_metric_open(&metric, &super, &other, "s", &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "\"words\""));
    assert_non_null(strstr(err.message, "\"letters\""));
    other.name = NULL;
    assert_int_equal(api_metric_open(&metric, &super, &other, "s", &err), PCCT_E_INVALID);
    super = (struct store_super){ .dim = 3, .metric = METRIC_COSINE };
    support_ok(api_metric_open(&metric, &super, NULL, "s", &err), &err);
    assert_string_equal(metric_called(&metric), "cosine");
    assert_int_equal(api_metric_open(&metric, &super, &words, "s", &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "cosine"));
}

/* A number that is none, a custom metric without a name, a name without one. */
static void what_a_newer_pcct_may_write(void **test)
{
    static const struct store_super bad[] = { { .dim = 1, .metric = 999 }, { .dim = 1, .metric = METRIC_CUSTOM },
                                              { .dim = 1, .metric = METRIC_EUCLIDEAN, .custom = "words" } };
    struct pcct_error err = { 0, "" };
    struct metric metric;

    (void)test;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(api_metric_open(&metric, &bad[i], NULL, "s", &err), PCCT_E_FORMAT);
}

static void each_reader_has_its_own_notes(void **test)
{
    struct pcct_error err = { 0, "" };
    struct metric_calls one = { .evaluations = 7, .faulty = 1 }, other;
    struct index_state state, reader;
    const double row[2] = { 0, 1 };
    struct support_env env;
    struct metric metric;

    (void)test;
    support_env_start(&env, 1);
    support_ok(metric_custom_init(&metric, "words", 1, &words, &err), &err);
    metric.calls = &one;
    index_init(&state, &env.env, &metric, 1);
    api_reader(&reader, &other, &state);
    assert_true(metric_key(&reader.metric, row, row + 1) == 1);
    assert_true(other.evaluations == 1 && !other.faulty && one.evaluations == 7 && one.faulty && state.metric.calls == &one);
    index_free(&state);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_marks_super), cmocka_unit_test(open_finds_the_function), cmocka_unit_test(what_a_newer_pcct_may_write),
        cmocka_unit_test(each_reader_has_its_own_notes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
