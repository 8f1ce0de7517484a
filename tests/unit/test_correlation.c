/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include <math.h>
#include <stdlib.h>

/* By (scaled distance, label), with d of the kernel. */
static void expect(struct support_gp *s, const struct support_gp_case *c)
{
    const size_t rows = c->nq > 0 ? c->nq : c->n;
    const struct gp_ask ask = { .points = &s->points, .member = s->member, .members = c->n, .label = s->label,
                                .queries = c->nq > 0 ? &s->queries : NULL, .rank = c->predecessors ? s->rank : NULL, .k = c->k };
    const struct gp_features *asked = c->nq > 0 ? &s->queries : &s->points;
    int64_t *labels = malloc(rows * c->k * sizeof *labels);
    double *distances = malloc(rows * c->k * sizeof *distances);
    int32_t *counts = malloc(rows * sizeof *counts);
    struct base_topk_entry *entry = malloc(c->n * sizeof *entry);
    struct pcct_error err = { 0, "" };
    struct gp_work work = { 0 };

    support_ok(gp_correlation(labels, distances, counts, &ask, &work, &s->env.env, &err), &err);
    for (size_t i = 0; i < rows; i++) {
        size_t n = 0;

        for (size_t j = 0; j < c->n; j++) {
            if (c->nq == 0 && (j == i || (c->predecessors && s->rank[j] >= s->rank[i]))) continue;
            entry[n].id = s->label[j];
            entry[n++].key = support_key(asked->x + i * c->dim, s->points.x + j * c->dim, METRIC_SQUARES, c->dim);
        }
        base_topk_sort(entry, n);
        if (n > c->k) n = c->k;
        assert_int_equal(counts[i], n);
        for (size_t j = 0; j < n; j++) {
            _Alignas(64) double d2[16] = { entry[j].key }, k[16];

            gp_tiles_scalar.kernel(k, d2, 16, &s->points.form);
            assert_true(labels[i * c->k + j] == entry[j].id);
            assert_true(distances[i * c->k + j] == sqrt(gp_key(k[0] / (s->kernel.variance + s->kernel.nugget))));
        }
        for (size_t j = n; j < c->k; j++) assert_true(labels[i * c->k + j] == -1 && isinf(distances[i * c->k + j]));
    }
    free(labels);
    free(distances);
    free(counts);
    free(entry);
}

static void as_defined(void **test)
{
    (void)test;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        const struct support_gp_case c = { .n = seed % 4 == 0 ? 1 : 400, .nq = seed % 3 == 0 ? 50 : 0, .dim = 1 + (uint32_t)(seed % 5),
                                           .k = 1 + seed % 7,
                                           .shape = (enum gp_shape)(seed % 4), .lengthscale = 0.4, .nugget = seed % 2 ? 0.2 : 0,
                                           .points = seed % 5 == 0 ? SUPPORT_GRID : SUPPORT_UNIFORM, .predecessors = seed % 3 == 1, .seed = seed };
        struct support_gp s;

        support_gp_start(&s, &c);
        expect(&s, &c);
        support_gp_finish(&s);
    }
}

static int call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct support_gp *s = ctx;
    const struct gp_ask ask = { .points = &s->points, .member = s->member, .members = s->n, .label = s->label, .rank = s->rank, .k = 2 };
    int64_t labels[100 * 2];
    double distances[100 * 2];
    struct gp_work work = { 0 };

    return gp_correlation(labels, distances, NULL, &ask, &work, env, err);
}

static void without_memory(void **test)
{
    const struct support_gp_case c = { .n = 100, .dim = 2, .k = 2, .shape = GP_RBF, .lengthscale = 1, .seed = 2, .threads = 1 };
    struct support_gp s;

    (void)test;
    support_gp_start(&s, &c);
    assert_true(support_fail_each(&s.env, call, &s) > 10);
    support_gp_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_defined),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
