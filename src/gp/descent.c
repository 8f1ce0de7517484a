/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/seeker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Which blocks a query block has to be compared with. A node is passed over by G4, the envelope: no |rho| with any point below can reach the least
 * that counts; or by G3, the angle between the spans of the pivots, first with 8 of the queries' pivots, then with all. Leaves that remain are
 * looked at in order of their bound, each query for itself. Where bounds come from floats or from rho itself, room is left for what rounding may
 * do to them.
 */
#define LEFT_MARGIN 0.1F /* a G is left for a leaf that this many radians more would have reached */
#define ANGLE_SLACK 4e-6F /* cosines in float, of values that are a few roundings long */

/* ---- bounds of a whole node --------------------------------------------------------------------------------------------------------------- */

static double dot(const double *a, const double *b, size_t n)
{
    double sum[8] = { 0 }, rest = 0;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        for (size_t j = 0; j < 8; j++) sum[j] += a[i + j] * b[i + j];
    }
    for (; i < n; i++) rest += a[i] * b[i];
    for (size_t j = 0; j < 8; j++) rest += sum[j];
    return rest;
}

/* G4 for the whole block: the greatest kernel that two points of the boxes can have, and the features' products term by term. */
static double envelope(const struct gp_seeker *s, uint32_t at)
{
    const struct gp_form *form = &s->to->features->form;
    const size_t dim = form->dim, m = form->m;
    const double *a = s->from->box + s->block * 2 * dim, *b = s->to->box + at * 2 * dim;
    _Alignas(64) double d2[GP_LANES] = { 0 }, k[GP_LANES];

    for (size_t t = 0; t < dim; t++) {
        const double gap = fmax(fmax(a[t] - b[dim + t], b[t] - a[dim + t]), 0);

        d2[0] += gap * gap;
    }
    d2[0] *= 1 - 0x1p-40;
    s->to->features->tiles->kernel(k, d2, GP_LANES, form);
    return (k[0] * (1 + 0x1p-40) + dot(s->from->most + s->block * m, s->to->most + at * m, m) * (1 + 0x1p-30))
           * s->from->node[s->block].isp * s->to->node[at].isp * (1 + 0x1p-40);
}

/* Whether the envelope is worth asking: always at first, then where it has helped, else now and then. */
static int worth_it(struct gp_seeker *s)
{
    if (s->to->features->form.shape == GP_CUSTOM) return 0;
    return s->tried++ < 256 || s->helped * 32 > s->tried || s->tried % 32 == 0;
}

static double least_of_all(const struct gp_seeker *s)
{
    double least = 2;

    for (uint64_t left = s->active; left != 0; left &= left - 1) least = fmin(least, s->least[__builtin_ctzll(left)]);
    return least;
}

/* The greatest angle that any of the queries has to look to from the span of its block's pivots; with `half` from that of 8 of them. */
static float reach_of_all(const struct gp_seeker *s, int half)
{
    const float *tail = s->from->tail + (size_t)s->block * GP_BLOCK;
    float reach = 0;

    for (uint64_t left = s->active; left != 0; left &= left - 1) {
        const unsigned lane = (unsigned)__builtin_ctzll(left);
        const float angle = (float)acos(s->least[lane] < 1 ? s->least[lane] : 1) + ANGLE_SLACK;

        reach = fmaxf(reach, angle + (half ? s->from->node[s->block].tail_half : tail[lane]));
    }
    return reach;
}

struct asked {
    double least;
    float angle;             /* of `least` */
    float reach, reach_half;
};

static struct asked ask(const struct gp_seeker *s)
{
    const double least = least_of_all(s);

    return (struct asked){ least, (float)acos(least < 1 ? least : 1) + ANGLE_SLACK, reach_of_all(s, 0), reach_of_all(s, 1) };
}

static struct gp_panel pivots_of(const struct gp_space *space, uint32_t at)
{
    const struct gp_form *form = &space->features->form;

    return (struct gp_panel){ space->pivot_v + (size_t)at * form->m * GP_PIVOTS, space->pivot_x + (size_t)at * form->dim * GP_PIVOTS,
                              space->pivot_isp + (size_t)at * GP_PIVOTS };
}

/* The same by a kernel of the caller's. */
static void cross_custom(const struct gp_seeker *s, double *c, uint32_t own, uint32_t at, unsigned first)
{
    const struct gp_space *from = s->from, *to = s->to;
    const struct gp_panel panel = pivots_of(to, at);
    const double *lane[GP_LANES] = { NULL };
    struct gp_row row[GP_ROWS];

    for (unsigned i = 0; i < GP_ROWS; i++) {
        const size_t pivot = (size_t)own * GP_PIVOTS + first + i;

        row[i] = gp_features_row(from->features, from->pivot[pivot]);
        row[i].isp = from->pivot_isp[pivot];
    }
    for (unsigned i = 0; i < GP_LANES; i++) {
        lane[i] = to->features->point + to->pivot[(size_t)at * GP_PIVOTS + i] * (size_t)to->features->form.dim;
    }
    gp_rho_tile(c, to->features, row, GP_ROWS, &panel, lane);
}

/* rho of rows first to first + 7 of the pivots of one node of the queries with those of a node, into c[16][16]. */
static void cross(const struct gp_seeker *s, double *c, uint32_t own, uint32_t at, unsigned first)
{
    const struct gp_features *f = s->to->features;
    const struct gp_panel rows = pivots_of(s->from, own), panel = pivots_of(s->to, at);

    if (f->form.shape == GP_CUSTOM) cross_custom(s, c + first * GP_PIVOTS, own, at, first);
    else f->tiles->cross(c + first * GP_PIVOTS, &rows, first, &panel, &f->form);
}

static float angle_of(float fourth_power, double slack)
{
    const double sigma = sqrt(sqrt((double)fourth_power)) + slack;

    return sigma < 1 ? (float)acos(sigma) - ANGLE_SLACK : 0;
}

/* What rounding of rho may do to the cosine of an angle between two spans, or from a query's share of one to the other. */
static double slack_of(const struct gp_seeker *s, uint32_t own, uint32_t at)
{
    return 64 * (s->from->node[own].slack + s->to->node[at].slack);
}

/* Whether two leaves tell each other what they find. */
static int keeps_notes(const struct gp_seeker *s, uint32_t at)
{
    return s->to->notes && s->to->notes->angle && at < s->to->blocks;
}

/* 1: what a leaf noted about itself and this block excludes it. Else *angle is that between their spans as far as it is known. */
static int excluded_by_note(const struct gp_seeker *s, uint32_t at, const struct asked *asked, float *angle, int *known)
{
    const struct gp_node *node = &s->to->node[at];
    int full = 0;

    *angle = 0;
    *known = keeps_notes(s, at) && gp_notes_angle_of(angle, &full, s->to->notes, at, s->block);
    if (!*known) return 0;
    *angle -= ANGLE_SLACK;
    return *angle - (full ? node->tail : node->tail_half) > asked->reach;
}

/* G from the other side. */
static void take_gram(const struct gp_seeker *s, float *g, uint32_t place)
{
    const float *left = gp_notes_gram(s->to->notes, place);

    for (unsigned i = 0; i < GP_PIVOTS; i++) {
        for (unsigned j = 0; j < GP_PIVOTS; j++) g[i * GP_PIVOTS + j] = left[j * GP_PIVOTS + i];
    }
}

/* For a leaf that is still to come, and that is likely to have a use for it. */
static void leave_gram(struct gp_seeker *s, const float *g, uint32_t at, float beyond)
{
    uint32_t place = GP_NOTES_NONE;

    if (!keeps_notes(s, at) || at >= s->block || beyond > LEFT_MARGIN) return;
    if (s->place.count > 0) place = ((const uint32_t *)s->place.memory.data)[--s->place.count];
    else place = gp_notes_place(s->to->notes);
    if (place == GP_NOTES_NONE) return;
    memcpy(gp_notes_gram(s->to->notes, place), g, GP_PIVOTS * GP_PIVOTS * sizeof *g);
    gp_notes_leave(s->to->notes, place, s->block, at);
}

/* By the angle to the span of the node's pivots. 1: nothing below can be among the answers. Else g and key are those of a leaf's candidate. */
static int passed_by_angle(struct gp_seeker *s, uint32_t at, const struct asked *asked, float *g, float *key)
{
    const struct gp_node *node = &s->to->node[at];
    const double *lower = s->from->lower + (size_t)s->block * GP_PIVOTS * GP_PIVOTS, *upper = s->to->upper + (size_t)at * GP_PIVOTS * GP_PIVOTS;
    const struct gp_tiles *tiles = s->to->features->tiles;
    const int notes = keeps_notes(s, at);
    const uint32_t left = notes ? ((const uint32_t *)s->left.memory.data)[at] : GP_NOTES_NONE;
    _Alignas(64) double c[GP_PIVOTS * GP_PIVOTS];
    float angle = 0;
    int known = 0;

    if (node->children > 0 && node->tail > GP_RIGHT_ANGLE) return 0;
    if (excluded_by_note(s, at, asked, &angle, &known)) {
        gp_audit(s, node->first_block, node->blocks, s->active, "noted angle");
        return 1;
    }
    if (left != GP_NOTES_NONE) {
        *key = angle - node->tail;
        take_gram(s, g, left);
        return 0;
    }
    s->work.nodes++;
    cross(s, c, s->block, at, 0);
    if (!known) {
        angle = angle_of(tiles->gram(g, c, lower, upper, GP_ROWS), slack_of(s, s->block, at));
        if (angle - node->tail > asked->reach_half) {
            if (notes) gp_notes_angle(s->to->notes, s->block, at, angle, 0);
            gp_audit(s, node->first_block, node->blocks, s->active, "half of the pivots");
            return 1;
        }
    }
    cross(s, c, s->block, at, GP_ROWS);
    angle = angle_of(tiles->gram(g, c, lower, upper, GP_PIVOTS), slack_of(s, s->block, at));
    if (notes) gp_notes_angle(s->to->notes, s->block, at, angle, 1);
    *key = angle - node->tail;
    leave_gram(s, g, at, *key - asked->reach);
    if (*key > asked->reach) {
        gp_audit(s, node->first_block, node->blocks, s->active, "pivots");
        return 1;
    }
    return 0;
}

/*
 * G3 for a node above the leaves and the one of its level that this block is under: one angle for all blocks under either, found by whoever asks
 * first. Where groups seldom exclude each other few are tried: a note that is missing costs time alone.
 */
static int passed_with_all(struct gp_seeker *s, uint32_t at, const struct asked *asked)
{
    const struct gp_node *node = &s->to->node[at];
    const struct gp_tiles *tiles = s->to->features->tiles;
    uint32_t own = s->block;
    _Alignas(64) double c[GP_PIVOTS * GP_PIVOTS];
    _Alignas(64) float g[GP_PIVOTS * GP_PIVOTS];
    float angle = 0;

    if (!s->to->notes || !s->to->notes->above) return 0;
    while (s->to->node[own].level < node->level) own = s->to->node[own].parent;
    if (own == at || node->tail + s->to->node[own].tail > GP_RIGHT_ANGLE) return 0;
    if (!gp_notes_above_of(&angle, s->to->notes, own, at)) {
        if (s->pairs++ >= 256 && s->pairs_passed * 16 < s->pairs && s->pairs % 32 != 0) return 0;
        for (unsigned first = 0; first < GP_PIVOTS; first += GP_ROWS) cross(s, c, own, at, first);
        s->work.nodes++;
        angle = angle_of(tiles->gram(g, c, s->from->lower + (size_t)own * GP_PIVOTS * GP_PIVOTS, s->to->upper + (size_t)at * GP_PIVOTS * GP_PIVOTS,
                                     GP_PIVOTS), slack_of(s, own, at));
        gp_notes_above(s->to->notes, own, at, angle);
        s->pairs_passed += angle - s->to->node[own].tail - node->tail > asked->angle;
    }
    if (angle - ANGLE_SLACK - s->to->node[own].tail - node->tail <= asked->angle) return 0;
    gp_audit(s, node->first_block, node->blocks, s->active, "pivots of nodes");
    return 1;
}

static int passed_over(struct gp_seeker *s, uint32_t at, const struct asked *asked, float *g, float *key)
{
    const struct gp_node *node = &s->to->node[at];

    if (s->to->rank && node->least_rank >= s->most_rank) return 1;
    if (asked->least > 0 && worth_it(s) && envelope(s, at) < asked->least) {
        s->helped++;
        s->work.enveloped++;
        gp_audit(s, node->first_block, node->blocks, s->active, "envelope");
        return 1;
    }
    return passed_by_angle(s, at, asked, g, key);
}

/* Takes what was left for this block: by leaf into left[], *first leads through all. */
static int take_left(struct gp_seeker *s, uint32_t *first, struct pcct_error *err)
{
    struct gp_notes *notes = s->to->notes;
    uint32_t *left = NULL;
    int status = 0;

    if (!notes || !notes->angle) return 0;
    s->left.count = 0;
    TRY(base_vector_add(&left, &s->left, s->env, s->to->blocks, err));
    memset(left, 0xff, s->to->blocks * sizeof *left);
    *first = gp_notes_take(notes, s->block);
    for (uint32_t at = *first; at != GP_NOTES_NONE; at = notes->note[at].next) left[notes->note[at].from] = at;
done:
    return status;
}

/* Places of what was taken, for what this thread leaves from now on. */
static int keep_places(struct gp_seeker *s, uint32_t first, struct pcct_error *err)
{
    uint32_t *place = NULL;
    int status = 0;

    for (uint32_t at = first; at != GP_NOTES_NONE; at = s->to->notes->note[at].next) {
        TRY(base_vector_add(&place, &s->place, s->env, 1, err));
        *place = at;
    }
done:
    return status;
}

/* ---- leaves that remain ------------------------------------------------------------------------------------------------------------------- */

static int is_near(const struct gp_seeker *s, uint32_t block)
{
    for (unsigned i = 0; i < s->nears; i++) {
        if (s->near[i] == block) return 1;
    }
    return 0;
}

static int add_candidate(struct gp_seeker *s, uint32_t block, float key, const float *g, struct pcct_error *err)
{
    struct gp_candidate *candidate = NULL;
    float *gram = NULL;
    int status = 0;

    TRY(base_vector_add(&candidate, &s->candidate, s->env, 1, err));
    *candidate = (struct gp_candidate){ key, block, (uint32_t)s->gram.count };
    TRY(base_vector_add(&gram, &s->gram, s->env, 1, err));
    memcpy(gram, g, GP_PIVOTS * GP_PIVOTS * sizeof *gram);
done:
    return status;
}

/* Whether a node that is no leaf is tested before its children are: not where that seldom spares them. */
static int worth_testing(struct gp_seeker *s)
{
    return s->inner++ < 256 || s->inner_passed * 12 > s->inner || s->inner % 32 == 0;
}

static int collect(struct gp_seeker *s, struct pcct_error *err)
{
    const struct asked asked = ask(s);
    _Alignas(64) float g[GP_PIVOTS * GP_PIVOTS];
    uint32_t *node = NULL, left = GP_NOTES_NONE;
    int status = 0;

    TRY(take_left(s, &left, err));
    s->candidate.count = s->gram.count = s->waiting.count = 0;
    TRY(base_vector_add(&node, &s->waiting, s->env, s->to->nodes - s->to->root_first, err));
    for (uint32_t i = 0; i < s->to->nodes - s->to->root_first; i++) node[i] = s->to->root_first + i;
    while (s->waiting.count > 0) {
        const uint32_t at = ((uint32_t *)s->waiting.memory.data)[--s->waiting.count];
        const struct gp_node *here = &s->to->node[at];
        float key = 0;

        if (here->children == 0 && is_near(s, at)) continue;
        if (here->children > 0 && passed_with_all(s, at, &asked)) continue;
        if ((here->children == 0 || worth_testing(s)) && passed_over(s, at, &asked, g, &key)) {
            s->inner_passed += here->children > 0;
            continue;
        }
        if (here->children == 0) {
            TRY(add_candidate(s, at, key, g, err));
            continue;
        }
        TRY(base_vector_add(&node, &s->waiting, s->env, here->children, err));
        for (uint32_t i = 0; i < here->children; i++) node[i] = here->first_child + i;
    }
    TRY(keep_places(s, left, err));
done:
    return status;
}

static int by_key(const void *a, const void *b)
{
    const struct gp_candidate *x = a, *y = b;

    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

static void renew_angles(struct gp_seeker *s)
{
    for (uint64_t left = s->changed & s->active; left != 0; left &= left - 1) {
        const unsigned lane = (unsigned)__builtin_ctzll(left);
        const double cosine = s->least[lane] < 1 ? s->least[lane] : 1, sine = sqrt(1 - cosine * cosine);

        s->cosine[lane] = (float)(cosine * s->tail_cosine[lane] - sine * s->tail_sine[lane]);
        s->sine[lane] = (float)(sine * s->tail_cosine[lane] + cosine * s->tail_sine[lane]);
        if (s->from->tail[(size_t)s->block * GP_BLOCK + lane] <= GP_RIGHT_ANGLE) continue;
        s->cosine[lane] = -4; /* no angle to rely on: it reaches everything */
        s->sine[lane] = 4;
    }
    s->changed = 0;
}

static void start_angles(struct gp_seeker *s)
{
    for (unsigned lane = 0; lane < GP_BLOCK; lane++) {
        const double tail = (double)s->from->tail[(size_t)s->block * GP_BLOCK + lane];

        s->tail_cosine[lane] = cos(tail);
        s->tail_sine[lane] = sin(tail);
        s->cosine[lane] = s->sine[lane] = 0;
    }
    s->changed = s->active;
}

/* G4 for each query by itself: which of them the block may hold an answer for. */
static uint64_t inside_envelope(const struct gp_seeker *s, uint32_t block, uint64_t mask)
{
    const struct gp_form *form = &s->to->features->form;
    const size_t dim = form->dim;
    const double *low = s->to->box + block * 2 * dim, *high = low + dim, isp = s->to->node[block].isp;
    _Alignas(64) double product[GP_BLOCK], d2[GP_BLOCK] = { 0 }, k[GP_BLOCK];
    uint64_t left = 0;

    s->to->features->tiles->envelope(product, gp_space_panel(s->from, (size_t)s->block * GP_PANELS).v, s->to->most + (size_t)block * form->m,
                                     form->m);
    for (uint64_t queries = mask; queries != 0; queries &= queries - 1) {
        const unsigned lane = (unsigned)__builtin_ctzll(queries);

        for (size_t t = 0; t < dim; t++) {
            const double gap = fmax(fmax(low[t] - s->row[lane].x[t], s->row[lane].x[t] - high[t]), 0);

            d2[lane] += gap * gap;
        }
        d2[lane] *= 1 - 0x1p-40;
    }
    s->to->features->tiles->kernel(k, d2, GP_BLOCK, form);
    for (uint64_t queries = mask; queries != 0; queries &= queries - 1) {
        const unsigned lane = (unsigned)__builtin_ctzll(queries);

        if ((k[lane] * (1 + 0x1p-40) + product[lane] * (1 + 0x1p-30)) * s->row[lane].isp * isp * (1 + 0x1p-40) >= s->least[lane]) {
            left |= (uint64_t)1 << lane;
        }
    }
    gp_audit(s, block, 1, mask & ~left, "envelope of a query");
    return left;
}

/* Whether points are tried by themselves once their panels were: always at first, then where that spares half of the pairs, else now and then. Where
 * it spares little (Matern 1/2; four dimensions) it took a tenth of the time. */
static int worth_meeting(struct gp_seeker *s)
{
    return s->meetings++ < 64 || s->kept * 2 < s->offered || s->meetings % 32 == 0;
}

/* Which queries have to look at which points of a candidate, who[point]. Returns those that have to at any. */
static uint64_t reached(struct gp_seeker *s, const struct gp_candidate *candidate, uint64_t who[GP_BLOCK])
{
    const struct gp_space *from = s->from, *to = s->to;
    const struct gp_tiles *tiles = to->features->tiles;
    const float *g = (const float *)s->gram.memory.data + (size_t)candidate->gram * GP_PIVOTS * GP_PIVOTS;
    const float slack = ANGLE_SLACK + (float)slack_of(s, s->block, candidate->block);
    const size_t own = (size_t)s->block * GP_BLOCK, at = (size_t)candidate->block * GP_BLOCK;
    _Alignas(64) float u[GP_BLOCK], far[GP_BLOCK], h[GP_PIVOTS * GP_BLOCK];
    uint64_t mask[GP_PANELS], all = 0, inside = ~(uint64_t)0;

    renew_angles(s);
    tiles->project(u, far, h, g, from->y + own * GP_PIVOTS, from->inverse + own, slack);
    for (size_t panel = 0; panel < GP_PANELS; panel++) {
        const float *tail = to->panel_tail + (at / GP_LANES + panel) * 3;

        mask[panel] = 0;
        if (to->id[at + panel * GP_LANES] == GP_NONE) continue;
        mask[panel] = gp_seeker_after(s, at / GP_LANES + panel, s->active);
        if (tail[0] <= GP_RIGHT_ANGLE) mask[panel] &= tiles->reaching(u, s->cosine, s->sine, tail[1], tail[2], slack);
        all |= mask[panel];
        gp_audit_panel(s, at / GP_LANES + panel, s->active & ~mask[panel], "pivots of a query");
    }
    if (all == 0) return 0;
    if (worth_it(s)) {
        inside = inside_envelope(s, candidate->block, all);
        s->helped += (inside & all) != all;
        for (size_t panel = 0; panel < GP_PANELS; panel++) mask[panel] &= inside;
    }
    s->met = worth_meeting(s);
    for (size_t panel = 0; s->met && panel < GP_PANELS; panel++) s->offered += GP_LANES * (uint64_t)__builtin_popcountll(mask[panel]);
    if (s->met) tiles->meet(who, mask, h, far, s->cosine, to->y + at * GP_PIVOTS, to->sine + at, slack);
    all = 0;
    for (size_t i = 0; i < GP_BLOCK; i++) {
        if (!s->met || to->panel_tail[(at + i) / GP_LANES * 3] > GP_RIGHT_ANGLE) who[i] = mask[i / GP_LANES];
        if (to->id[at + i] == GP_NONE) who[i] = 0;
        else gp_audit_pair(s, at + i, mask[i / GP_LANES] & ~who[i], "pivots of a query and a point");
        all |= who[i];
    }
    return all;
}

int gp_seeker_descend(struct gp_seeker *s, struct pcct_error *err)
{
    const struct gp_candidate *candidate = NULL;
    uint64_t who[GP_BLOCK];
    float reach = 0;
    int status = 0;

    TRY(collect(s, err));
    candidate = s->candidate.memory.data;
    if (s->candidate.count > 0) qsort(s->candidate.memory.data, s->candidate.count, sizeof *candidate, by_key);
    start_angles(s);
    for (size_t i = 0; i < s->candidate.count; i++) {
        if (i % 16 == 0) reach = reach_of_all(s, 0);
        if (candidate[i].key > reach) {
            for (; i < s->candidate.count; i++) gp_audit(s, candidate[i].block, 1, s->active, "order of the candidates");
            break;
        }
        if (reached(s, &candidate[i], who) != 0) gp_seeker_meet(s, candidate[i].block, who);
    }
done:
    return status;
}

int gp_seeker_sweep(struct gp_seeker *s, struct pcct_error *err)
{
    const size_t dim = s->to->features->form.dim;
    const double *middle = s->from->centre + s->block * dim;
    struct gp_candidate *candidate = NULL;
    int status = 0;

    s->candidate.count = 0;
    TRY(base_vector_add(&candidate, &s->candidate, s->env, s->to->blocks, err));
    for (uint32_t block = 0; block < s->to->blocks; block++) {
        double sum = 0;

        for (size_t t = 0; t < dim; t++) sum += (middle[t] - s->to->centre[block * dim + t]) * (middle[t] - s->to->centre[block * dim + t]);
        candidate[block] = (struct gp_candidate){ (float)sum, block, 0 };
    }
    qsort(candidate, s->to->blocks, sizeof *candidate, by_key);
    for (size_t i = 0; i < s->candidate.count; i++) {
        const uint32_t block = candidate[i].block;
        const double least = least_of_all(s);

        if (is_near(s, block) || (s->to->rank && s->to->node[block].least_rank >= s->most_rank)) continue;
        if (least > 0 && worth_it(s) && envelope(s, block) < least) {
            s->helped++;
            s->work.enveloped++;
            gp_audit(s, block, 1, s->active, "envelope");
            continue;
        }
        gp_seeker_evaluate_block(s, block);
    }
done:
    return status;
}

int gp_seeker_survivors(double *share, struct gp_seeker *s, uint32_t step, struct pcct_error *err)
{
    const struct asked asked = ask(s);
    _Alignas(64) float g[GP_PIVOTS * GP_PIVOTS];
    uint64_t who[GP_BLOCK], left = 0, all = 0;
    float key = 0;
    int status = 0;

    start_angles(s);
    for (uint32_t at = 0; at < s->to->blocks; at += step) {
        if (is_near(s, at)) continue;
        all += GP_PANELS * (uint64_t)__builtin_popcountll(s->active);
        if (passed_over(s, at, &asked, g, &key)) continue;
        s->candidate.count = s->gram.count = 0;
        TRY(add_candidate(s, at, key, g, err));
        if (reached(s, s->candidate.memory.data, who) == 0) continue;
        for (size_t first = 0; first < GP_BLOCK; first += GP_LANES) {
            uint64_t any = 0;

            for (size_t i = first; i < first + GP_LANES; i++) any |= who[i];
            left += (uint64_t)__builtin_popcountll(any);
        }
    }
    *share = all > 0 ? (double)left / (double)all : 0;
done:
    return status;
}
