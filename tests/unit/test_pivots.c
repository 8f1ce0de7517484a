/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include "gp/space.h"

#include <math.h>
#include <stdlib.h>

/* What G2 says of every node and any feature q: |rho(q, x)| is at most the cosine of the angle from q to the span less the tail. q: other points. */
static void check_node(const struct gp_space *space, uint32_t at, const struct support_gp *s)
{
    const struct gp_node *node = &space->node[at];
    const double *lower = space->lower + (size_t)at * GP_PIVOTS * GP_PIVOTS;

    for (size_t q = 0; q < s->n; q += s->n / 13 + 1) {
        double share = 0, angle;

        for (unsigned i = 0; i < node->pivots; i++) {
            double y = 0;

            for (unsigned j = 0; j <= i; j++) {
                y += lower[i * GP_PIVOTS + j] * support_gp_rho(&s->points, q, &s->points, space->pivot[at * GP_PIVOTS + j]);
                assert_true(lower[i * GP_PIVOTS + j] == space->upper[((size_t)at * GP_PIVOTS + j) * GP_PIVOTS + i]);
            }
            share += y * y;
        }
        angle = acos(fmin(sqrt(share), 1));
        for (size_t lane = (size_t)node->first_block * GP_BLOCK; lane < ((size_t)node->first_block + node->blocks) * GP_BLOCK; lane++) {
            const double tail = (double)(node->children > 0 ? node->tail : space->tail[lane]);

            if (space->id[lane] == GP_NONE || space->id[lane] == q) continue;
            assert_true(tail <= (double)node->tail || tail > (double)GP_RIGHT_ANGLE);
            if (tail > angle) continue;
            assert_true(fabs(support_gp_rho(&s->points, q, &s->points, space->id[lane])) <= cos(angle - tail) + 1e-7);
        }
    }
}

static void tails_bound_rho(void **test)
{
    (void)test;
    for (int shape = 0; shape <= GP_CUSTOM; shape++) {
        const struct support_gp_case c = { .n = 1200, .m = 25, .dim = 2, .k = 1, .shape = (enum gp_shape)shape, .lengthscale = 0.5, .gauss = 1,
                                           .seed = (uint64_t)shape + 1 };
        struct support_gp s;
        struct gp_space space;
        struct pcct_error err = { 0, "" };
        double sum = 0;

        support_gp_start(&s, &c);
        support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
        assert_true(space.nodes > space.blocks);
        for (uint32_t at = 0; at < space.nodes; at++) {
            assert_true(space.node[at].pivots >= 1 && space.node[at].tail <= space.node[at].tail_half);
            check_node(&space, at, &s);
        }
        for (uint32_t at = 0; at < space.blocks; at++) sum += (double)space.node[at].tail;
        if (shape == GP_MATERN52) assert_true(sum / space.blocks < 0.6); /* and they are worth something */
        gp_space_free(&space);
        support_gp_finish(&s);
    }
}

/* A leaf's coordinates have the length of the cosine of the tail; a panel's tail is the greatest of its points'. */
static void coordinates_go_with_tails(void **test)
{
    const struct support_gp_case c = { .n = 640, .m = 10, .dim = 3, .k = 1, .shape = GP_MATERN52, .lengthscale = 1, .gauss = 1, .seed = 3 };
    struct support_gp s;
    struct gp_space space;
    struct pcct_error err = { 0, "" };

    (void)test;
    support_gp_start(&s, &c);
    support_ok(gp_space_make(&space, &s.points, s.member, c.n, NULL, &s.env.env, &err), &err);
    for (size_t lane = 0; lane < (size_t)space.blocks * GP_BLOCK; lane++) {
        const float *panel = space.panel_tail + lane / GP_LANES * 3;
        double sum = 0;

        if (space.id[lane] == GP_NONE) continue;
        for (size_t t = 0; t < GP_PIVOTS; t++) {
            const double y = (double)space.y[(lane / GP_BLOCK * GP_PIVOTS + t) * GP_BLOCK + lane % GP_BLOCK];

            sum += y * y;
        }
        assert_true(fabs(sqrt(sum) * (double)space.inverse[lane] - 1) < 1e-5);
        assert_true(fabs(cos((double)space.tail[lane]) - sqrt(sum)) < 1e-4);
        assert_true(space.tail[lane] <= panel[0]);
        assert_true((double)space.sine[lane] >= sin((double)space.tail[lane]) && (double)space.sine[lane] < sin((double)space.tail[lane]) + 1e-5);
        assert_true(fabs((double)panel[1] - cos((double)panel[0])) < 1e-6 && fabs((double)panel[2] - sin((double)panel[0])) < 1e-6);
    }
    gp_space_free(&space);
    support_gp_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tails_bound_rho),
        cmocka_unit_test(coordinates_go_with_tails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
