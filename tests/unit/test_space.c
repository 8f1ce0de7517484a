/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gp.h"

#include "gp/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_panels(const struct gp_space *space, const struct support_gp *s, size_t n)
{
    const size_t m = s->points.form.m, dim = s->points.form.dim;
    char *seen = calloc(s->n + 1, 1);
    size_t met = 0;

    for (size_t lane = 0; lane < (size_t)(space->blocks + space->flats) * GP_BLOCK; lane++) {
        const uint32_t id = space->id[lane];
        const struct gp_panel panel = gp_space_panel(space, lane / GP_LANES);

        if (id == GP_NONE) {
            assert_true(isnan(panel.isp[lane % GP_LANES]));
            continue;
        }
        assert_true(id < s->n && !seen[id]);
        seen[id] = 1;
        met++;
        assert_true(panel.isp[lane % GP_LANES] == s->points.isp[id]);
        for (size_t l = 0; l < m; l++) assert_true(panel.v[l * GP_LANES + lane % GP_LANES] == s->points.v[id * m + l]);
        for (size_t t = 0; t < dim; t++) assert_true(panel.x[t * GP_LANES + lane % GP_LANES] == s->points.x[id * dim + t]);
        if (space->rank) assert_int_equal(space->rank[lane], s->rank[id]);
        if (space->rank && lane % GP_BLOCK > 0) assert_true(space->rank[lane] > space->rank[lane - 1]);
    }
    assert_int_equal(met, n);
    free(seen);
}

/* Every node encloses what is below, and the roots together have all leaves once. */
static void check_nodes(const struct gp_space *space, const struct support_gp *s)
{
    const size_t m = s->points.form.m, dim = s->points.form.dim;
    uint32_t next = 0;

    for (uint32_t at = space->root_first; at < space->nodes; at++) {
        assert_int_equal(space->node[at].first_block, next);
        next += space->node[at].blocks;
    }
    assert_int_equal(next, space->blocks);
    for (uint32_t at = 0; at < space->nodes; at++) {
        const struct gp_node *node = &space->node[at];
        uint32_t blocks = 0, least = GP_NONE;
        double isp = 0;

        for (uint32_t child = node->first_child; child < node->first_child + node->children; child++) {
            assert_int_equal(space->node[child].first_block, node->first_block + blocks);
            blocks += space->node[child].blocks;
        }
        if (node->children > 0) assert_int_equal(blocks, node->blocks);
        for (size_t lane = (size_t)node->first_block * GP_BLOCK; lane < ((size_t)node->first_block + node->blocks) * GP_BLOCK; lane++) {
            const uint32_t id = space->id[lane];

            if (id == GP_NONE) continue;
            isp = fmax(isp, s->points.isp[id]);
            if (space->rank && s->rank[id] < least) least = s->rank[id];
            for (size_t l = 0; l < m; l++) assert_true(space->most[at * m + l] >= fabs(s->points.v[id * m + l]));
            for (size_t t = 0; t < dim; t++) {
                assert_true(space->box[at * 2 * dim + t] <= s->points.x[id * dim + t]);
                assert_true(space->box[(at * 2 + 1) * dim + t] >= s->points.x[id * dim + t]);
            }
        }
        assert_true(node->isp == isp);
        assert_int_equal(node->least_rank, least);
    }
}

static void everything_stands_once(void **test)
{
    static const size_t sizes[] = { 0, 1, 63, 64, 65, 450, 3000 };

    (void)test;
    for (size_t i = 0; i < 7; i++) {
        for (int ranked = 0; ranked < 2; ranked++) {
            const struct support_gp_case c = { .n = sizes[i], .m = sizes[i] < 30 ? sizes[i] : 30, .dim = 2, .k = 1, .shape = GP_MATERN32,
                                               .lengthscale = 0.2, .seed = i + 1 };
            struct support_gp s;
            struct gp_space space;
            struct pcct_error err = { 0, "" };

            support_gp_start(&s, &c);
            support_ok(gp_space_make(&space, &s.points, s.member, c.n, ranked ? s.rank : NULL, &s.env.env, &err), &err);
            check_panels(&space, &s, c.n);
            check_nodes(&space, &s);
            if (c.n == 3000) assert_true(space.flats == 1); /* the inducing points, which are data */
            gp_space_free(&space);
            support_gp_finish(&s);
        }
    }
}

static int call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct support_gp *s = ctx;
    struct gp_space space;
    int status = gp_space_make(&space, &s->points, s->member, s->n, s->rank, env, err);

    gp_space_free(&space);
    return status;
}

static void without_memory(void **test)
{
    const struct support_gp_case c = { .n = 100, .m = 2, .dim = 2, .k = 1, .shape = GP_RBF, .lengthscale = 1, .seed = 2, .threads = 1 };
    struct support_gp s;

    (void)test;
    support_gp_start(&s, &c);
    assert_true(support_fail_each(&s.env, call, &s) > 20);
    support_gp_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_stands_once),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
