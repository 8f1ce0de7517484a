/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 600 };

/* What is wrong with the distance of points on a line. */
enum fault { NONE, SELF, ASYMMETRIC, TRIANGLE, TOGETHER, NOT_A_NUMBER, RARE };

static double near_a, near_b; /* RARE: these two alone are too near each other */

static double distance(void *ctx, const double *a, const double *b)
{
    const enum fault fault = *(enum fault *)ctx;
    double d = fabs(*a - *b);

    if (fault == SELF && d == 0 && *a == 7) return 0.25;
    if (fault == ASYMMETRIC && *a == 5 && *b > 5) return d + 0.5;
    if (fault == TRIANGLE) return d * d;
    if (fault == NOT_A_NUMBER && *a == 9) return (double)NAN;
    if (fault == RARE && ((*a == near_a && *b == near_b) || (*a == near_b && *b == near_a))) return d / 8;
    return d;
}

static void together(void *ctx, double *out, const double *q, const double *const *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = distance(ctx, q, rows[i]) + (*(enum fault *)ctx == TOGETHER && *q == 3 ? 1 : 0);
}

struct scene {
    struct support_env env;
    char *folder, path[4096];
    enum fault fault;
    pcct_store *store;
    pcct_view *view;
};

static void start(struct scene *s)
{
    struct pcct_metric metric = { sizeof metric, "line", distance, together, &s->fault };
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;

    support_env_start(&s->env, 1);
    s->folder = support_folder_new();
    s->fault = NONE;
    snprintf(s->path, sizeof s->path, "%s/store", s->folder);
    create.dim = 1;
    create.custom = open.custom = &metric;
    open.threads = 1;
    open.allocator = &s->env.env.memory;
    support_ok(pcct_store_create(s->path, &create, &err), &err);
    support_ok(pcct_store_open(&s->store, s->path, &open, &err), &err);
    support_ok(pcct_batch_begin(&batch, s->store, NULL, NULL, &err), &err);
    for (int64_t i = 0; i < N; i++) {
        const double row = (double)i;
        const int64_t label = 1000 + i;

        support_ok(pcct_batch_insert(batch, &row, 1, &label, &err), &err);
    }
    support_ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    pcct_batch_close(batch);
    support_ok(pcct_view_open(&s->view, s->store, NULL, &err), &err);
}

static void finish(struct scene *s)
{
    pcct_view_close(s->view);
    pcct_store_close(s->store);
    support_folder_free(s->folder);
    support_env_finish(&s->env);
}

static int check(struct scene *s, enum fault fault, uint64_t triples, struct pcct_error *err)
{
    struct pcct_metric_check_options options = PCCT_METRIC_CHECK_OPTIONS_INIT;

    s->fault = fault;
    options.triples = triples;
    options.seed = 3;
    return pcct_metric_check(s->view, &options, err);
}

static void a_metric_passes(void **test)
{
    struct pcct_error err = { 0, "" };
    struct scene s;

    (void)test;
    start(&s);
    support_ok(check(&s, NONE, 0, &err), &err);
    support_ok(pcct_metric_check(s.view, NULL, &err), &err);
    finish(&s);
}

/* Each fault is found, and the message names the points (1000 + their place) and the values. */
static void every_broken_rule_is_named(void **test)
{
    struct pcct_error err = { 0, "" };
    long long a, b, c;
    double x, y, z;
    struct scene s;

    (void)test;
    start(&s);
    assert_int_equal(check(&s, SELF, 0, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "label 1007 is 0.25 from itself"));
    assert_int_equal(check(&s, ASYMMETRIC, 0, &err), PCCT_E_INVALID);
    assert_int_equal(sscanf(err.message, "the metric \"line\" is none: from label %lld to %lld it is %lf, and %lf back", &a, &b, &x, &y), 4);
    assert_true((a == 1005 && b > a && x == y + 0.5) || (b == 1005 && a > b && y == x + 0.5));
    assert_int_equal(check(&s, TRIANGLE, 0, &err), PCCT_E_INVALID);
    assert_int_equal(sscanf(err.message, "the metric \"line\" is none: from label %lld to %lld it is %lf, by way of %lld only %lf + %lf", &a, &b, &x,
                            &c, &y, &z), 6);
    assert_true(x == (double)((a - b) * (a - b)) && y == (double)((a - c) * (a - c)) && z == (double)((c - b) * (c - b)) && y + z < x);
    assert_int_equal(check(&s, TOGETHER, 0, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "from label 1003"));
    assert_int_equal(check(&s, NOT_A_NUMBER, 0, &err), PCCT_E_INVALID);
    assert_non_null(strstr(err.message, "label 1009"));
    assert_non_null(strstr(err.message, "nan"));
    finish(&s);
}

/* A point and its parent, which every second triple has: a rule that is broken between neighbours alone is found soon. */
static void near_points_are_tried(void **test)
{
    struct pcct_node_info node = { .size = sizeof node };
    struct pcct_error err = { 0, "" };
    struct scene s;

    (void)test;
    start(&s);
    support_ok(pcct_node_describe(&node, s.view, 1040, &err), &err);
    near_a = 40;
    near_b = (double)(node.parent - 1000);
    assert_int_equal(check(&s, RARE, 6000, &err), PCCT_E_INVALID); /* pairs at random: one in 10 that this one is among as many */
    assert_non_null(strstr(err.message, "1040"));
    finish(&s);
}

/* As many triples as were asked for, the same for a seed. */
static void the_sample_is_the_seeds(void **test)
{
    struct pcct_error first = { 0, "" }, again = { 0, "" };
    struct scene s;
    uint64_t few = 1;

    (void)test;
    start(&s);
    while (check(&s, SELF, few, &first) == 0) few++;
    assert_true(few > 1);
    assert_int_equal(check(&s, SELF, few - 1, &again), 0);
    assert_int_equal(check(&s, SELF, 0, &again), PCCT_E_INVALID);
    assert_string_equal(first.message, again.message);
    finish(&s);
}

static void memory_runs_out(void **test)
{
    struct pcct_error err = { 0, "" };
    struct scene s;

    (void)test;
    start(&s);
    support_env_fail(&s.env, 1);
    assert_int_equal(check(&s, NONE, 10, &err), PCCT_E_MEMORY);
    support_env_fail(&s.env, 0);
    support_ok(check(&s, NONE, 10, &err), &err);
    finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_metric_passes), cmocka_unit_test(every_broken_rule_is_named), cmocka_unit_test(near_points_are_tried),
        cmocka_unit_test(the_sample_is_the_seeds), cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
