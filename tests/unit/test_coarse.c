/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include "gp/coarse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct made {
    struct support_gp s;
    struct gp_space space;
    struct gp_rounded_frame frame;
    struct gp_rounded rounded;
    struct gp_principal principal;
    struct gp_coarse coarse;
    double centre[8];
};

static void make(struct made *made, const struct support_gp_case *c)
{
    struct pcct_error err = { 0, "" };

    support_gp_start(&made->s, c);
    support_ok(gp_space_make(&made->space, &made->s.points, made->s.member, c->n, NULL, &made->s.env.env, &err), &err);
    gp_rounded_frame(&made->frame, made->centre, &made->space);
    support_ok(gp_rounded_make(&made->rounded, &made->space, &made->frame, GP_ROUNDED_PANELS_OF_X, &made->s.env.env, &err), &err);
    support_ok(gp_principal_make(&made->principal, &made->space, 0, 1, &made->s.env.env, &err), &err);
    assert_true(made->principal.size > 0);
    support_ok(gp_coarse_make(&made->coarse, &made->rounded, &made->frame, &made->principal, 0, &made->s.env.env, &err), &err);
    assert_int_equal(made->coarse.form.m, made->principal.size);
}

static void finish(struct made *made)
{
    gp_coarse_free(&made->coarse);
    gp_principal_free(&made->principal);
    gp_rounded_free(&made->rounded);
    gp_space_free(&made->space);
    support_gp_finish(&made->s);
}

/* How far the middle of what coordinates tell of a pair is off, as a share of what the four facts allow. */
static double share_of(const struct made *made, const struct gp_coarse_row *row, const struct gp_coarse_panel *at, size_t lane, double rho)
{
    const uint32_t m = made->coarse.form.m, dim = made->coarse.form.dim;
    const float *fact = at->fact + lane;
    const double scale = (double)row->isp * (double)at->isp[lane];
    double sum = 0, d2 = 0, k, room;

    for (uint32_t l = 0; l < m; l++) sum += (double)row->value[l] * ((double)at->value[(l / 4 * 32 + lane) * 4 + l % 4] - GP_COARSE_ZERO);
    for (uint32_t t = 0; t < dim; t++) d2 += pow((double)row->x[t] - (double)at->x[t * 32 + lane], 2);
    k = made->coarse.form.shape == GP_RBF ? exp(-d2 / 2) : exp(-sqrt(d2));
    room = (double)row->fact[1] * (double)fact[2 * 32] + (double)row->fact[2] * (double)fact[32] + (double)row->fact[3] * (double)fact[3 * 32];
    return fabs((k - sum * (double)row->fact[0] * (double)fact[0]) * scale - rho) / (room * scale + (double)GP_ROUNDED_MARGIN);
}

/*
 * Where v has few directions what rounding takes has no more, and comes close to what is allowed for it; where it has many, those that are left
 * out do. No pair goes beyond, and each is found when it is as near as asked for.
 */
static void within_what_is_said(void **test)
{
    struct support_gp_case c = { .n = 900, .m = 80, .dim = 6, .k = 1, .gauss = 1, .variance = 5, .seed = 4 };

    (void)test;
    for (int i = 0; i < 4; i++) {
        struct made made;
        double worst = 0;
        uint64_t found_in_vain = 0, pairs = 0;

        c.shape = i & 1 ? GP_MATERN12 : GP_RBF;
        c.lengthscale = i & 1 ? 4 : 2;
        c.few = i < 2 ? 5 : 60;
        make(&made, &c);
        for (size_t q = 0; q < (size_t)made.space.blocks * GP_BLOCK; q++) {
            for (size_t panel = 0; panel < (size_t)made.space.blocks * GP_ROUNDED_PANELS && made.space.id[q] != GP_NONE; panel++) {
                const struct gp_coarse_panel at = gp_coarse_panel_at(&made.coarse, panel);

                for (size_t lane = 0; lane < GP_ROUNDED_LANES; lane += 1 + q % 5) {
                    const uint32_t id = made.space.id[panel * GP_ROUNDED_LANES + lane];
                    struct gp_coarse_row row = gp_coarse_row_at(&made.coarse, q, -1);
                    uint32_t found[GP_ROWS] = { 0 };
                    double rho;

                    if (id == GP_NONE || id == made.space.id[q]) continue;
                    rho = support_gp_rho(&made.s.points, made.space.id[q], &made.s.points, id);
                    worst = fmax(worst, share_of(&made, &row, &at, lane, rho));
                    row.least = (float)fabs(rho) - 2 * GP_ROUNDED_MARGIN;
                    made.s.points.tiles->coarse(found, &row, 1, &at, &made.coarse.form);
                    assert_true(found[0] >> lane & 1);
                    row.least = (float)fabs(rho) + 0.2F;
                    made.s.points.tiles->coarse(found, &row, 1, &at, &made.coarse.form);
                    found_in_vain += found[0] >> lane & 1;
                    pairs++;
                }
            }
        }
        if (worst > 1 || worst < (i & 1 ? 0.2 : 0.8)) fail_msg("case %d: %g of what is allowed", i, worst);
        if (i & 1) assert_true(found_in_vain < pairs / 20);
        finish(&made);
    }
}

/* |v - U a|^2 and |U^T (v - U a)|^2, in units of the variance, where a is what a lane's numbers stand for as a query. */
static void left_by(double *rest, double *error, const struct made *made, size_t lane)
{
    const struct gp_coarse_row row = gp_coarse_row_at(&made->coarse, lane, 0);
    const struct gp_features *f = &made->s.points;
    const uint32_t m = f->form.m;
    double left[64];

    for (uint32_t j = 0; j < m; j++) left[j] = f->v[made->space.id[lane] * (size_t)m + j] / sqrt(f->form.variance);
    *rest = *error = 0;
    for (uint32_t l = 0; l < made->coarse.form.m; l++) {
        const double *u = made->principal.basis + (size_t)(l / 16) * m * 16 + l % 16;

        for (uint32_t j = 0; j < m; j++) left[j] -= (double)row.fact[0] * row.value[l] * u[j * 16];
    }
    for (uint32_t j = 0; j < m; j++) *rest += left[j] * left[j];
    for (uint32_t l = 0; l < made->coarse.form.m; l++) {
        const double *u = made->principal.basis + (size_t)(l / 16) * m * 16 + l % 16;
        double sum = 0;

        for (uint32_t j = 0; j < m; j++) sum += left[j] * u[j * 16];
        *error += sum * sum;
    }
}

/* The facts of a query are those of its numbers, from above; those of the same point in a panel differ by no more than they say. */
static void facts_are_those_of_the_numbers(void **test)
{
    const struct support_gp_case c = { .n = 300, .m = 64, .dim = 3, .k = 1, .shape = GP_RBF, .lengthscale = 1, .few = 4, .gauss = 1, .variance = 5,
                                       .seed = 6 };
    struct made made;

    (void)test;
    make(&made, &c);
    for (size_t lane = 0; lane < (size_t)made.space.blocks * GP_BLOCK; lane++) {
        const struct gp_coarse_row row = gp_coarse_row_at(&made.coarse, lane, 0);
        const struct gp_coarse_panel at = gp_coarse_panel_at(&made.coarse, lane / GP_ROUNDED_LANES);
        const float *fact = at.fact + lane % 32;
        double square = 0, apart = 0, rest, error;
        int most = 0, sum = 0;

        if (made.space.id[lane] == GP_NONE) {
            assert_true(isnan(row.isp));
            continue;
        }
        for (uint32_t l = 0; l < made.coarse.form.m; l++) {
            const double mine = (double)row.fact[0] * row.value[l];

            square += mine * mine;
            apart += pow(mine - (double)fact[0] * (at.value[(l / 4 * 32 + lane % 32) * 4 + l % 4] - GP_COARSE_ZERO), 2);
            sum += row.value[l];
            most = abs(row.value[l]) > most ? abs(row.value[l]) : most;
        }
        left_by(&rest, &error, &made, lane);
        assert_int_equal(most, GP_COARSE_ROW); /* all bits are used */
        assert_int_equal(row.start, -GP_COARSE_ZERO * sum);
        assert_true(sqrt(square) <= (double)row.fact[1] && sqrt(square) > 0.99999 * (double)row.fact[1]);
        assert_true(sqrt(error) <= (double)row.fact[2] && sqrt(error) > 0.99999 * (double)row.fact[2]);
        assert_true(sqrt(rest + made.frame.bound) <= (double)row.fact[3] && sqrt(rest + made.frame.bound) > 0.99999 * (double)row.fact[3]);
        assert_true(sqrt(apart) <= (double)row.fact[2] + (double)fact[2 * 32] && fact[2 * 32] < row.fact[2]);
    }
    finish(&made);
}

static int call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct made *made = ctx;
    struct gp_coarse coarse;
    const int status = gp_coarse_make(&coarse, &made->rounded, &made->frame, &made->principal, 0, env, err);

    gp_coarse_free(&coarse);
    return status;
}

static void without_memory(void **test)
{
    const struct support_gp_case c = { .n = 300, .m = 64, .dim = 3, .k = 1, .shape = GP_RBF, .lengthscale = 1, .gauss = 1, .seed = 6, .threads = 1 };
    struct gp_coarse none = { .env = NULL };
    struct made made;

    (void)test;
    make(&made, &c);
    assert_true(support_fail_each(&made.s.env, call, &made) >= 6);
    gp_coarse_free(&none);
    finish(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_what_is_said),
        cmocka_unit_test(facts_are_those_of_the_numbers),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
