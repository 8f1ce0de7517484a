/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include "gp/prepared.h"

#include <stdlib.h>
#include <string.h>

/* Where bounds exclude much there is no cascade, nor where they do not but points are few; in many dimensions there is one. */
static void a_cascade_where_bounds_fail(void **test)
{
    const struct support_gp_case cases[] = {
        { .n = 3000, .m = 80, .dim = 2, .k = 8, .shape = GP_MATERN52, .lengthscale = 0.5, .nugget = 0.1, .gauss = 1, .seed = 3 },
        { .n = 1000, .m = 80, .dim = 8, .k = 8, .shape = GP_RBF, .lengthscale = 1.4, .few = 10, .gauss = 1, .seed = 3 },
        { .n = 3000, .m = 80, .dim = 8, .k = 8, .shape = GP_RBF, .lengthscale = 1.4, .few = 10, .gauss = 1, .seed = 3 },
    };

    (void)test;
    for (int i = 0; i < 3; i++) {
        struct support_gp s;
        struct gp_prepared p;
        struct pcct_error err = { 0, "" };

        memset(&p, 0, sizeof p);
        support_gp_start(&s, &cases[i]);
        {
            const struct gp_ask ask = { .points = &s.points, .member = s.member, .members = s.n, .label = s.label, .k = cases[i].k };

            support_ok(gp_prepared_fill(&p, &ask, s.member, s.n, &s.env.env, &err), &err);
        }
        assert_non_null(p.rounded.env);
        assert_int_equal(p.coarse.env != NULL, i == 2);
        assert_int_equal(p.rounded.v == NULL, i == 2);
        gp_prepared_empty(&p, &s.env.env);
        support_gp_finish(&s);
    }
}

/* What was prepared once answers as what is made for a question, in many dimensions, also when the first question was brute. */
static void prepared_once(void **test)
{
    const struct support_gp_case c = { .n = 2600, .nq = 90, .m = 96, .dim = 8, .k = 6, .shape = GP_RBF, .lengthscale = 1.4, .few = 10, .gauss = 1,
                                       .seed = 12 };
    int64_t *labels = malloc(c.nq * c.k * sizeof *labels), *again = malloc(c.nq * c.k * sizeof *again);
    double *distances = malloc(c.nq * c.k * sizeof *distances);
    struct gp_prepared *prepared = NULL;
    struct pcct_error err = { 0, "" };
    struct gp_work work = { 0 };
    struct support_gp s;

    (void)test;
    support_gp_start(&s, &c);
    {
        struct gp_ask ask = { .points = &s.points, .member = s.member, .members = s.n, .label = s.label, .queries = &s.queries, .k = c.k,
                              .brute = 1 };

        support_ok(gp_residual(labels, distances, NULL, &ask, &work, &s.env.env, &err), &err);
        assert_int_equal(work.cascaded, 0);
        support_ok(gp_prepare(&prepared, &ask, &s.env.env, &err), &err);
        ask.prepared = prepared;
        support_ok(gp_residual(again, distances, NULL, &ask, &work, &s.env.env, &err), &err);
        assert_memory_equal(labels, again, c.nq * c.k * sizeof *labels);
        ask.brute = 0;
        support_ok(gp_residual(again, distances, NULL, &ask, &work, &s.env.env, &err), &err);
        assert_memory_equal(labels, again, c.nq * c.k * sizeof *labels);
        assert_true(work.cascaded && work.again > 0 && work.again < work.pairs / 2);
    }
    gp_prepared_free(prepared, &s.env.env);
    gp_prepared_free(NULL, &s.env.env);
    support_gp_finish(&s);
    free(labels);
    free(again);
    free(distances);
}

static int call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct support_gp *s = ctx;
    const struct gp_ask ask = { .points = &s->points, .member = s->member, .members = s->n, .label = s->label, .k = 3 };
    struct gp_prepared *prepared = NULL;
    const int status = gp_prepare(&prepared, &ask, env, err);

    assert_true(status == 0 || !prepared);
    gp_prepared_free(prepared, env);
    return status;
}

static void without_memory(void **test)
{
    const struct support_gp_case c = { .n = 2100, .m = 64, .dim = 8, .k = 3, .shape = GP_RBF, .lengthscale = 1.4, .few = 10, .gauss = 1, .seed = 2,
                                       .threads = 1 };
    struct support_gp s;

    (void)test;
    support_gp_start(&s, &c);
    assert_true(support_fail_each(&s.env, call, &s) > 50);
    support_gp_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cascade_where_bounds_fail),
        cmocka_unit_test(prepared_once),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
