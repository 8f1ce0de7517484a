/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/space.h"

#include "base/memory.h"
#include "base/par.h"
#include "base/sort.h"
#include "block/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A point goes to a flat block when p is below this share of its block's median, */
#define SMALL_SHARE 0.01
/* or when rounding may change its rho with its like by more than this. */
#define NOISE_MAX 1e-6

enum { GROUP = 7, FAN = 14 };

/* ---- which point stands where ------------------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median_p(const struct gp_features *f, const uint32_t *id, unsigned count)
{
    double p[GP_BLOCK];

    for (unsigned i = 0; i < count; i++) p[i] = f->p[id[i]];
    qsort(p, count, sizeof *p, by_value);
    return p[count / 2];
}

/* Points of a block of the layout: those that stay to keep[], the others to apart[]. Returns how many stay. */
static unsigned sort_out(uint32_t *keep, uint32_t *apart, unsigned *parted, const struct gp_features *f, const uint32_t *id, unsigned count)
{
    const double least = SMALL_SHARE * median_p(f, id, count), noise = gp_rounding(&f->form);
    unsigned kept = 0;

    *parted = 0;
    for (unsigned i = 0; i < count; i++) {
        if (f->p[id[i]] < least || noise > NOISE_MAX * f->p[id[i]]) apart[(*parted)++] = id[i];
        else keep[kept++] = id[i];
    }
    return kept;
}

static int place_points(struct gp_space *space, const struct block_layout *layout, const uint32_t *member, size_t n, const struct base_env *env,
                        struct pcct_error *err)
{
    const uint32_t most = layout->blocks + (uint32_t)((n + GP_BLOCK - 1) / GP_BLOCK) + 1;
    uint32_t *apart = NULL;
    size_t flat = 0;
    int status = 0;

    TRY(base_take(&space->id, env, (size_t)most * GP_BLOCK, sizeof(uint32_t), err));
    TRY(base_take(&apart, env, n + GP_BLOCK, sizeof *apart, err));
    memset(space->id, 0xff, (size_t)most * GP_BLOCK * sizeof(uint32_t));
    for (uint32_t b = 0; b < layout->blocks; b++) {
        const unsigned count = ((const struct block_link *)layout->block.data)[b].count;
        const uint32_t *node = (const uint32_t *)layout->node.data + (size_t)b * METRIC_LANES;
        uint32_t id[GP_BLOCK];
        unsigned parted = 0;

        for (unsigned i = 0; i < count; i++) id[i] = member[node[i]];
        if (sort_out(space->id + (size_t)space->blocks * GP_BLOCK, apart + flat, &parted, space->features, id, count) > 0) space->blocks++;
        flat += parted;
    }
    space->flats = (uint32_t)((flat + GP_BLOCK - 1) / GP_BLOCK);
    memcpy(space->id + (size_t)space->blocks * GP_BLOCK, apart, flat * sizeof *apart);
done:
    base_free(env, apart);
    return status;
}

static int arrange(struct gp_space *space, const uint32_t *member, size_t n, const struct base_env *env, struct pcct_error *err)
{
    const struct gp_features *f = space->features;
    struct block_layout layout;
    struct block_source source = { .rows = (uint32_t)n };
    struct metric metric;
    uint32_t *number = NULL;
    double *place = NULL;
    int status = 0;

    TRY(metric_init(&metric, "euclidean", f->form.dim, METRIC_ISA_BEST, err));
    block_init(&layout, env, &metric);
    status = base_take(&number, env, n, sizeof *number, err);
    if (status == 0) status = base_take(&place, env, n * f->form.dim, sizeof *place, err);
    for (size_t i = 0; status == 0 && i < n; i++) {
        number[i] = (uint32_t)i;
        memcpy(place + i * f->form.dim, f->x + member[i] * (size_t)f->form.dim, f->form.dim * sizeof *place);
    }
    source.place = place;
    if (status == 0 && n > 0) status = block_build(&layout, &source, number, n, GP_BLOCK, err);
    if (status == 0) status = place_points(space, &layout, member, n, env, err);
    block_free(&layout);
done:
    base_free(env, place);
    base_free(env, number);
    return status;
}

/* ---- panels ------------------------------------------------------------------------------------------------------------------------------- */

/* A panel's columns are those of its points, side by side. */
static void fill_panel(struct gp_space *space, size_t panel)
{
    const struct gp_features *f = space->features;
    const size_t m = f->form.m, dim = f->form.dim;
    const uint32_t *id = space->id + panel * GP_LANES, any = space->id[panel / GP_PANELS * GP_BLOCK];
    double *v = space->v + panel * m * GP_LANES, *x = space->x + panel * dim * GP_LANES;
    const double *from[GP_LANES], *place[GP_LANES];

    for (unsigned i = 0; i < GP_LANES; i++) {
        const size_t point = id[i] == GP_NONE ? any : id[i]; /* any finite values */

        from[i] = f->v + point * m;
        place[i] = f->x + point * dim;
        space->isp[panel * GP_LANES + i] = id[i] == GP_NONE ? (double)NAN : f->isp[point];
    }
    for (size_t l = 0; l < m; l++) {
        for (unsigned i = 0; i < GP_LANES; i++) v[l * GP_LANES + i] = from[i][l];
    }
    for (size_t t = 0; t < dim; t++) {
        for (unsigned i = 0; i < GP_LANES; i++) x[t * GP_LANES + i] = place[i][t];
    }
}

struct filling {
    struct gp_space *space;
    const uint32_t *rank; /* by point; NULL: none */
};

/* The lanes of a block by rank: late ones share panels, which early queries have no use for. */
static void fill_ranks(struct gp_space *space, size_t block, const uint32_t *rank)
{
    uint32_t *id = space->id + block * GP_BLOCK, *out = space->rank + block * GP_BLOCK;

    for (unsigned i = 0; i < GP_BLOCK; i++) {
        const uint32_t point = id[i], its = point == GP_NONE ? GP_NONE : rank[point];
        unsigned at = i;

        for (; at > 0 && out[at - 1] > its; at--) {
            id[at] = id[at - 1];
            out[at] = out[at - 1];
        }
        id[at] = point;
        out[at] = its;
    }
}

static void fill_blocks(void *ctx, size_t begin, size_t end, int thread)
{
    const struct filling *filling = ctx;

    (void)thread;
    for (size_t block = begin; block < end; block++) {
        if (filling->rank) fill_ranks(filling->space, block, filling->rank);
        for (size_t panel = block * GP_PANELS; panel < (block + 1) * GP_PANELS; panel++) fill_panel(filling->space, panel);
    }
}

/* ---- nodes -------------------------------------------------------------------------------------------------------------------------------- */

static void start_node(struct gp_space *space, uint32_t at)
{
    const size_t m = space->features->form.m, dim = space->features->form.dim;

    space->node[at].least_rank = space->node[at].parent = GP_NONE;
    for (size_t t = 0; t < dim; t++) {
        space->box[(at * 2) * dim + t] = (double)INFINITY;
        space->box[(at * 2 + 1) * dim + t] = -(double)INFINITY;
    }
    memset(space->most + at * m, 0, m * sizeof(double));
}

static void measure_leaf(struct gp_space *space, uint32_t at)
{
    const struct gp_features *f = space->features;
    const size_t m = f->form.m, dim = f->form.dim;
    double *low = space->box + at * 2 * dim, *high = low + dim, *most = space->most + at * m, *centre = space->centre + at * dim;

    start_node(space, at);
    space->node[at].first_block = at;
    space->node[at].blocks = 1;
    for (size_t lane = at * (size_t)GP_BLOCK; lane < (at + 1) * (size_t)GP_BLOCK && space->id[lane] != GP_NONE; lane++) {
        const size_t id = space->id[lane];

        for (size_t t = 0; t < dim; t++) {
            low[t] = fmin(low[t], f->x[id * dim + t]);
            high[t] = fmax(high[t], f->x[id * dim + t]);
        }
        for (size_t l = 0; l < m; l++) {
            const double size = fabs(f->v[id * m + l]);

            most[l] = size > most[l] ? size : most[l];
        }
        space->node[at].isp = fmax(space->node[at].isp, f->isp[id]);
        if (space->rank && space->rank[lane] < space->node[at].least_rank) space->node[at].least_rank = space->rank[lane];
    }
    for (size_t t = 0; t < dim; t++) centre[t] = low[t] / 2 + high[t] / 2;
}

static void measure_leaves(void *ctx, size_t begin, size_t end, int thread)
{
    (void)thread;
    for (size_t at = begin; at < end; at++) measure_leaf(ctx, (uint32_t)at);
}

static void unite(struct gp_space *space, uint32_t at)
{
    const size_t m = space->features->form.m, dim = space->features->form.dim;
    struct gp_node *node = &space->node[at];

    start_node(space, at);
    node->first_block = space->node[node->first_child].first_block;
    node->level = space->node[node->first_child].level + 1;
    for (uint32_t child = node->first_child; child < node->first_child + node->children; child++) {
        struct gp_node *below = &space->node[child];

        below->parent = at;
        node->blocks += below->blocks;
        node->isp = fmax(node->isp, below->isp);
        if (below->least_rank < node->least_rank) node->least_rank = below->least_rank;
        for (size_t t = 0; t < dim; t++) {
            space->box[at * 2 * dim + t] = fmin(space->box[at * 2 * dim + t], space->box[child * 2 * dim + t]);
            space->box[(at * 2 + 1) * dim + t] = fmax(space->box[(at * 2 + 1) * dim + t], space->box[(child * 2 + 1) * dim + t]);
        }
        for (size_t l = 0; l < m; l++) space->most[at * m + l] = fmax(space->most[at * m + l], space->most[child * m + l]);
    }
}

static uint32_t count_nodes(uint32_t blocks)
{
    uint32_t level = blocks, all = blocks, fan = GROUP;

    while (level > fan) {
        level = (level + fan - 1) / fan;
        all += level;
        fan = FAN;
    }
    return all;
}

static void build_levels(struct gp_space *space)
{
    uint32_t first = 0, level = space->blocks, fan = GROUP;

    while (level > fan) {
        const uint32_t above = (level + fan - 1) / fan, start = first + level;

        for (uint32_t i = 0; i < above; i++) {
            space->node[start + i].first_child = first + i * fan;
            space->node[start + i].children = i + 1 < above ? fan : level - i * fan;
            unite(space, start + i);
        }
        first = start;
        level = above;
        fan = FAN;
    }
    space->root_first = first;
}

static int take(struct gp_space *space, const struct base_env *env, struct pcct_error *err)
{
    const size_t m = space->features->form.m, dim = space->features->form.dim, nodes = space->nodes;
    const size_t blocks = space->blocks, lanes = (blocks + space->flats) * GP_BLOCK;
    int status = 0;

    TRY(base_take(&space->v, env, lanes * m, sizeof(double), err));
    TRY(base_take(&space->x, env, lanes * dim, sizeof(double), err));
    TRY(base_take(&space->isp, env, lanes, sizeof(double), err));
    TRY(base_take(&space->tail, env, blocks * GP_BLOCK, sizeof(float), err));
    TRY(base_take(&space->sine, env, blocks * GP_BLOCK, sizeof(float), err));
    TRY(base_take(&space->panel_tail, env, blocks * GP_PANELS * 3, sizeof(float), err));
    TRY(base_take(&space->y, env, blocks * GP_PIVOTS * GP_BLOCK, sizeof(float), err));
    TRY(base_take(&space->inverse, env, blocks * GP_BLOCK, sizeof(float), err));
    TRY(base_take(&space->centre, env, blocks * dim, sizeof(double), err));
    TRY(base_take_zero(&space->node, env, nodes, sizeof(struct gp_node), err));
    TRY(base_take(&space->box, env, nodes * 2 * dim, sizeof(double), err));
    TRY(base_take(&space->most, env, nodes * m, sizeof(double), err));
    TRY(base_take(&space->pivot_v, env, nodes * m * GP_PIVOTS, sizeof(double), err));
    TRY(base_take(&space->pivot_x, env, nodes * dim * GP_PIVOTS, sizeof(double), err));
    TRY(base_take(&space->pivot_isp, env, nodes * GP_PIVOTS, sizeof(double), err));
    TRY(base_take(&space->pivot, env, nodes * GP_PIVOTS, sizeof(uint32_t), err));
    TRY(base_take(&space->lower, env, nodes * GP_PIVOTS * GP_PIVOTS, sizeof(double), err));
    TRY(base_take(&space->upper, env, nodes * GP_PIVOTS * GP_PIVOTS, sizeof(double), err));
done:
    return status;
}

int gp_space_make(struct gp_space *space, const struct gp_features *features, const uint32_t *member, size_t n, const uint32_t *rank,
                  const struct base_env *env, struct pcct_error *err)
{
    struct filling filling = { space, rank };
    int status = 0;

    memset(space, 0, sizeof *space);
    space->env = env;
    space->features = features;
    TRY(arrange(space, member, n, env, err));
    space->nodes = count_nodes(space->blocks);
    TRY(take(space, env, err));
    if (rank) TRY(base_take(&space->rank, env, (size_t)(space->blocks + space->flats) * GP_BLOCK, sizeof(uint32_t), err));
    base_par_for(env, space->blocks + space->flats, 4, fill_blocks, &filling);
    base_par_for(env, space->blocks, 16, measure_leaves, space);
    build_levels(space);
    TRY(gp_space_pivots(space, env, err));
done:
    return status;
}

void gp_space_lanes(const double **lane, const struct gp_space *space, size_t panel)
{
    const struct gp_features *f = space->features;
    const uint32_t *id = space->id + panel * GP_LANES, first = space->id[panel / GP_PANELS * GP_BLOCK];

    for (int i = 0; i < GP_LANES; i++) lane[i] = f->point + (id[i] == GP_NONE ? first : id[i]) * (size_t)f->form.dim;
}

void gp_space_free(struct gp_space *space)
{
    void *const memory[] = { space->id, space->v, space->x, space->isp, space->rank, space->tail, space->sine, space->panel_tail, space->y,
                             space->inverse, space->centre, space->node, space->box, space->most, space->pivot_v, space->pivot_x,
                             space->pivot_isp, space->pivot, space->lower, space->upper };

    if (!space->env) return;
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) base_free(space->env, memory[i]);
    space->env = NULL;
}
