/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/seeker.h"

/*
 * The pairs of a block's queries and another's points that bounds leave, where each point has its own queries: a panel at a time where they are many,
 * else one by one.
 */
enum { ALONE = 5 }; /* pairs of a tile take as long as one by itself */

struct meeting {
    unsigned query[GP_ROWS];
    size_t at[GP_ROWS];
    unsigned n;
};

static void meet_filtered(struct gp_seeker *s, const struct meeting *m)
{
    const struct gp_rounded *from = s->filter_from, *to = s->filter_to;
    struct gp_rounded_row row[GP_ROWS], other[GP_ROWS];
    _Alignas(64) float rho[GP_LANES];

    for (unsigned i = 0; i < m->n; i++) {
        row[i] = gp_rounded_row_at(from, (size_t)s->block * GP_BLOCK + m->query[i]);
        other[i] = gp_rounded_row_at(to, m->at[i]);
    }
    s->to->features->tiles->filter_pairs(rho, row, 1, other, m->n, &to->form);
    for (unsigned i = 0; i < m->n; i++) {
        const float error = row[i].error * other[i].error, size = rho[i] < 0 ? -rho[i] : rho[i];

        if (size + error >= (float)s->least[m->query[i]] - 2 * GP_ROUNDED_MARGIN) gp_seeker_hold_filtered(s, m->query[i], m->at[i], rho[i], error);
        else gp_audit_pair(s, m->at[i], (uint64_t)1 << m->query[i], "filter of a pair");
    }
}

static void meet_exactly(struct gp_seeker *s, const struct meeting *m)
{
    const struct gp_features *f = s->to->features;
    struct gp_row row[GP_ROWS], other[GP_ROWS];
    double rho[GP_ROWS];

    for (unsigned i = 0; i < m->n; i++) {
        row[i] = s->row[m->query[i]];
        other[i] = gp_features_row(f, s->to->id[m->at[i]]);
    }
    f->tiles->pairs(rho, row, 1, other, m->n, &f->form);
    for (unsigned i = 0; i < m->n; i++) {
        if ((rho[i] < 0 ? -rho[i] : rho[i]) >= s->least[m->query[i]]) gp_seeker_hold(s, m->query[i], m->at[i], rho[i]);
    }
}

static void meet(struct gp_seeker *s, struct meeting *m, int filtered)
{
    if (m->n == 0) return;
    if (filtered) meet_filtered(s, m);
    else meet_exactly(s, m);
    s->work.pairs += m->n;
    m->n = 0;
}

/* One by one. */
static void meet_alone(struct gp_seeker *s, struct meeting *m, size_t first, const uint64_t *who, unsigned lanes, int filtered)
{
    for (unsigned i = 0; i < lanes; i++) {
        for (uint64_t left = who[i]; left != 0; left &= left - 1) {
            const unsigned query = (unsigned)__builtin_ctzll(left);

            if (!gp_seeker_may_find(s, query, first + i)) continue;
            m->query[m->n] = query;
            m->at[m->n++] = first + i;
            if (m->n == GP_ROWS) meet(s, m, filtered);
        }
    }
}

void gp_seeker_meet(struct gp_seeker *s, uint32_t block, const uint64_t who[GP_BLOCK])
{
    const int filtered = s->filter_to != NULL;
    const unsigned lanes = filtered ? GP_ROUNDED_LANES : GP_LANES;
    struct meeting meeting = { .n = 0 };
    uint64_t all = 0;

    for (unsigned first = 0; first < GP_BLOCK; first += lanes) {
        const size_t at = (size_t)block * GP_BLOCK + first;
        uint64_t any = 0;
        unsigned pairs = 0, rows = 0;

        for (unsigned i = first; i < first + lanes; i++) {
            any |= who[i];
            pairs += (unsigned)__builtin_popcountll(who[i]);
        }
        if (any == 0) continue;
        all |= any;
        if (s->met) s->kept += pairs;
        rows = ((unsigned)__builtin_popcountll(any) + GP_ROWS - 1) / GP_ROWS * GP_ROWS;
        if (s->to->features->form.shape != GP_CUSTOM && pairs * ALONE < rows * lanes) meet_alone(s, &meeting, at, who + first, lanes, filtered);
        else if (filtered) gp_seeker_filter(s, at / lanes, any);
        else gp_seeker_evaluate(s, at / lanes, any);
    }
    meet(s, &meeting, filtered);
    gp_seeker_tighten_full(s, all);
}

/* Up to eight queries and a panel by principal coordinates; pairs that are left wait for the filter. */
static void look_coarsely(struct gp_seeker *s, struct meeting *m, const struct gp_coarse_row *row, const unsigned *query, unsigned rows, size_t panel)
{
    const struct gp_coarse_panel at = gp_coarse_panel_at(s->coarse_to, panel);
    uint32_t found[GP_ROWS];

    s->to->features->tiles->coarse(found, row, rows, &at, &s->coarse_to->form);
    for (unsigned i = 0; i < rows; i++) {
        gp_audit_filter(s, panel, query[i], found[i]);
        for (; found[i] != 0; found[i] &= found[i] - 1) {
            const size_t its = panel * GP_ROUNDED_LANES + (unsigned)__builtin_ctz(found[i]);

            if (!gp_seeker_may_find(s, query[i], its)) continue;
            m->query[m->n] = query[i];
            m->at[m->n++] = its;
            if (m->n < GP_ROWS) continue;
            meet_filtered(s, m);
            s->work.again += m->n;
            m->n = 0;
        }
    }
}

void gp_seeker_cascade(struct gp_seeker *s, uint32_t block, uint64_t mask)
{
    const size_t first = (size_t)block * GP_ROUNDED_PANELS;
    struct meeting meeting = { .n = 0 };

    for (size_t panel = first; panel < first + GP_ROUNDED_PANELS; panel++) {
        if (s->to->id[panel * GP_ROUNDED_LANES] == GP_NONE) continue;
        for (uint64_t left = mask; left != 0;) {
            struct gp_coarse_row row[GP_ROWS];
            unsigned query[GP_ROWS], rows = 0;

            for (; left != 0 && rows < GP_ROWS; left &= left - 1) {
                query[rows] = (unsigned)__builtin_ctzll(left);
                row[rows] = gp_coarse_row_at(s->coarse_from, (size_t)s->block * GP_BLOCK + query[rows],
                                             (float)s->least[query[rows]] - 2 * GP_ROUNDED_MARGIN);
                rows++;
            }
            look_coarsely(s, &meeting, row, query, rows, panel);
            s->work.pairs += rows * GP_ROUNDED_LANES;
        }
    }
    if (meeting.n > 0) meet_filtered(s, &meeting);
    s->work.again += meeting.n;
}
