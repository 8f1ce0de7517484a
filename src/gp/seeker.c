/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/seeker.h"

#include <math.h>
#include <string.h>

enum { NEAR = 7, SPARE = 144, SLACK_MOST = 32, RECALL_MOST = 256 };

int gp_seeker_start(struct gp_seeker *seeker, const struct gp_ask *ask, const struct base_env *env, struct pcct_error *err)
{
    int status = 0;

    memset(seeker, 0, sizeof *seeker);
    seeker->env = env;
    seeker->ask = ask;
    seeker->k = ask->k < ask->members ? ask->k : ask->members;
    if (seeker->k == 0) seeker->k = 1;
    seeker->capacity = (seeker->k + seeker->k / 2 + SPARE + GP_LANES) / GP_LANES * GP_LANES;
    seeker->candidate.item_bytes = sizeof(struct gp_candidate);
    seeker->gram.item_bytes = GP_PIVOTS * GP_PIVOTS * sizeof(float);
    seeker->waiting.item_bytes = seeker->left.item_bytes = seeker->place.item_bytes = sizeof(uint32_t);
    TRY(base_take(&seeker->low, env, GP_BLOCK * seeker->capacity, sizeof(float), err));
    TRY(base_take(&seeker->high, env, GP_BLOCK * seeker->capacity, sizeof(float), err));
    TRY(base_take(&seeker->held, env, GP_BLOCK * seeker->capacity, sizeof *seeker->held, err));
    TRY(base_take(&seeker->entry, env, 2 * seeker->capacity, sizeof *seeker->entry, err));
    TRY(base_take(&seeker->sorted, env, seeker->capacity, sizeof *seeker->sorted, err));
done:
    return status;
}

void gp_seeker_free(struct gp_seeker *seeker)
{
    if (!seeker->env) return;
    base_free(seeker->env, seeker->low);
    base_free(seeker->env, seeker->high);
    base_free(seeker->env, seeker->held);
    base_free(seeker->env, seeker->entry);
    base_free(seeker->env, seeker->sorted);
    base_vector_free(&seeker->candidate, seeker->env);
    base_vector_free(&seeker->gram, seeker->env);
    base_vector_free(&seeker->waiting, seeker->env);
    base_vector_free(&seeker->left, seeker->env);
    base_vector_free(&seeker->place, seeker->env);
}

/* ---- what is held ------------------------------------------------------------------------------------------------------------------------- */

/* Keys in double precision of all that a query holds, into entry[]; its ids become labels. */
static void evaluate_held(struct gp_seeker *s, unsigned lane)
{
    const struct gp_features *f = s->to->features;
    const uint32_t *held = s->held + lane * s->capacity;

    for (size_t first = 0; first < s->count[lane]; first += GP_ROWS) {
        const unsigned n = s->count[lane] - first < GP_ROWS ? (unsigned)(s->count[lane] - first) : GP_ROWS;
        struct gp_row row[GP_ROWS];
        double rho[GP_ROWS];

        for (unsigned i = 0; i < n; i++) row[i] = gp_features_row(f, held[first + i]);
        gp_rho_pairs(rho, f, &s->row[lane], row, n);
        for (unsigned i = 0; i < n; i++) s->entry[first + i] = (struct base_topk_entry){ gp_key(rho[i]), s->ask->label[held[first + i]] };
    }
}

size_t gp_seeker_decide(struct gp_seeker *s, unsigned lane)
{
    evaluate_held(s, lane);
    base_topk_sort(s->entry, s->count[lane]);
    return s->count[lane] < s->k ? s->count[lane] : s->k;
}

/* Where more are held than there is room for that cannot be told apart by their bounds: the k nearest of them stay. */
static void crowd(struct gp_seeker *s, unsigned lane)
{
    float *low = s->low + lane * s->capacity, *high = s->high + lane * s->capacity;
    uint32_t *held = s->held + lane * s->capacity;
    struct base_topk_entry *order = s->entry + s->capacity, worst;
    size_t kept = 0;

    evaluate_held(s, lane);
    memcpy(order, s->entry, s->count[lane] * sizeof *order);
    base_topk_sort(order, s->count[lane]);
    worst = order[s->k - 1];
    for (size_t i = 0; i < s->count[lane]; i++) {
        if (base_topk_less(&worst, &s->entry[i])) continue;
        held[kept] = held[i];
        low[kept] = (float)(1 - s->entry[i].key) * (1 - 0x1p-22F) - 0x1p-60F;
        high[kept++] = (float)(1 - s->entry[i].key) * (1 + 0x1p-22F) + 0x1p-60F;
    }
    s->count[lane] = kept;
}

static void tighten(struct gp_seeker *s, unsigned lane)
{
    float *low = s->low + lane * s->capacity, *high = s->high + lane * s->capacity, least_low = 0;
    uint32_t *held = s->held + lane * s->capacity;
    const size_t count = s->count[lane];
    size_t kept = 0;
    double least = 0;

    if (count < s->k) return;
    memcpy(s->sorted, low, count * sizeof *low);
    least_low = s->to->features->tiles->kth(s->sorted, count, s->k);
    for (size_t i = 0; i < count; i++) { /* written first and kept or not: no branch to guess wrong */
        const float its_high = high[i];

        low[kept] = low[i];
        high[kept] = its_high;
        held[kept] = held[i];
        kept += its_high >= least_low;
    }
    s->count[lane] = kept;
    least = (double)least_low * (1 - 0x1p-23) - 0x1p-50; /* a |rho| below has a greater key than k points have, however 1 - |rho| is rounded */
    if (least > s->least[lane]) {
        s->least[lane] = least;
        s->changed |= (uint64_t)1 << lane;
    }
    if (kept + GP_ROUNDED_LANES > s->capacity) crowd(s, lane);
}

void gp_seeker_tighten(struct gp_seeker *seeker, uint64_t mask)
{
    for (; mask != 0; mask &= mask - 1) tighten(seeker, (unsigned)__builtin_ctzll(mask));
}

uint64_t gp_seeker_after(const struct gp_seeker *s, size_t panel, uint64_t mask)
{
    unsigned before = 0;

    if (!s->to->rank) return mask;
    for (unsigned i = 0; i < GP_BLOCK; i++) before += s->rank[i] <= s->to->rank[panel * GP_LANES]; /* the first of each panel, as lanes ascend */
    return before < GP_BLOCK ? mask & ~(uint64_t)0 << before : 0;
}

int gp_seeker_may_find(const struct gp_seeker *s, unsigned lane, size_t at)
{
    return !(s->to->rank && s->to->rank[at] >= s->rank[lane]) && s->to->id[at] != s->id[lane];
}

/* Holds a point for a query. */
static void hold(struct gp_seeker *s, unsigned lane, size_t at, float low, float high)
{
    float *lows = s->low + lane * s->capacity, *highs = s->high + lane * s->capacity;
    uint32_t *held = s->held + lane * s->capacity;

    if (s->count[lane] == s->capacity) tighten(s, lane);
    lows[s->count[lane]] = low;
    highs[s->count[lane]] = high;
    held[s->count[lane]++] = s->to->id[at];
}

void gp_seeker_hold(struct gp_seeker *s, unsigned lane, size_t at, double rho)
{
    const float size = (float)(1 - gp_key(rho));

    hold(s, lane, at, size * (1 - 0x1p-22F) - 0x1p-60F, size * (1 + 0x1p-22F) + 0x1p-60F);
}

void gp_seeker_hold_filtered(struct gp_seeker *s, unsigned lane, size_t at, float rho, float error)
{
    const float size = rho < 0 ? -rho : rho, slack = error + 2 * GP_ROUNDED_MARGIN;

    hold(s, lane, at, size < 1 ? size - slack : 1 - slack, size + slack);
}

static void look_for_bad(struct gp_seeker *s, size_t panel, const double *rho, unsigned rows)
{
    for (unsigned i = 0; i < rows * GP_LANES; i++) {
        if (s->to->id[panel * GP_LANES + i % GP_LANES] != GP_NONE && !isfinite(rho[i])) s->bad = 1;
    }
}

void gp_seeker_evaluate(struct gp_seeker *s, size_t panel, uint64_t mask)
{
    const struct gp_features *f = s->to->features;
    const struct gp_panel at = gp_space_panel(s->to, panel);
    _Alignas(64) double rho[GP_ROWS * GP_LANES];
    const double *lane[GP_LANES] = { NULL };

    if (f->form.shape == GP_CUSTOM) gp_space_lanes(lane, s->to, panel);
    while (mask != 0) {
        struct gp_row row[GP_ROWS];
        unsigned query[GP_ROWS], rows = 0;

        for (; mask != 0 && rows < GP_ROWS; mask &= mask - 1) {
            query[rows] = (unsigned)__builtin_ctzll(mask);
            row[rows] = s->row[query[rows]];
            rows++;
        }
        gp_rho_tile(rho, f, row, rows, &at, lane);
        s->work.pairs += rows * GP_LANES;
        if (f->form.shape == GP_CUSTOM) look_for_bad(s, panel, rho, rows);
        for (unsigned i = 0; i < rows; i++) {
            const uint32_t found = f->tiles->above(rho + i * GP_LANES, s->least[query[i]]);

            for (uint32_t left = found; left != 0; left &= left - 1) {
                const unsigned point = (unsigned)__builtin_ctz(left);
                const size_t its = panel * GP_LANES + point;

                if (gp_seeker_may_find(s, query[i], its)) gp_seeker_hold(s, query[i], its, rho[i * GP_LANES + point]);
            }
        }
    }
}

void gp_seeker_filter(struct gp_seeker *s, size_t panel, uint64_t mask)
{
    const struct gp_rounded *filter = s->filter_to;
    const struct gp_rounded_panel at = gp_rounded_panel_at(filter, panel);
    const struct gp_tiles *tiles = s->to->features->tiles;
    _Alignas(64) float rho[GP_ROWS * GP_ROUNDED_LANES];

    while (mask != 0) {
        struct gp_rounded_row row[GP_ROWS];
        unsigned query[GP_ROWS], rows = 0;

        for (; mask != 0 && rows < GP_ROWS; mask &= mask - 1) {
            query[rows] = (unsigned)__builtin_ctzll(mask);
            row[rows] = gp_rounded_row_at(s->filter_from, (size_t)s->block * GP_BLOCK + query[rows]);
            rows++;
        }
        tiles->filter(rho, row, rows, &at, &filter->form);
        s->work.pairs += rows * GP_ROUNDED_LANES;
        for (unsigned i = 0; i < rows; i++) {
            const float *value = rho + i * GP_ROUNDED_LANES;
            uint32_t found = tiles->filter_above(value, at.error, row[i].error, (float)s->least[query[i]] - 2 * GP_ROUNDED_MARGIN);

            gp_audit_filter(s, panel, query[i], found);
            for (; found != 0; found &= found - 1) {
                const unsigned lane = (unsigned)__builtin_ctz(found);
                const size_t its = panel * GP_ROUNDED_LANES + lane;

                if (gp_seeker_may_find(s, query[i], its)) gp_seeker_hold_filtered(s, query[i], its, value[lane], row[i].error * at.error[lane]);
            }
        }
    }
}

void gp_seeker_tighten_full(struct gp_seeker *s, uint64_t mask)
{
    for (; mask != 0; mask &= mask - 1) {
        const unsigned lane = (unsigned)__builtin_ctzll(mask);

        if (s->count[lane] > s->k + (s->k < 2 * SLACK_MOST ? s->k / 2 : SLACK_MOST)) tighten(s, lane);
    }
}

void gp_seeker_look(struct gp_seeker *s, uint32_t block, const uint64_t mask[GP_PANELS])
{
    const int filtered = s->filter_to && block < s->to->blocks && s->block < s->from->blocks;

    if (filtered && s->coarse_to) gp_seeker_cascade(s, block, mask[0] | mask[1] | mask[2] | mask[3]);
    for (size_t panel = 0; panel < GP_PANELS && !(filtered && s->coarse_to); panel++) {
        if (!filtered) gp_seeker_evaluate(s, (size_t)block * GP_PANELS + panel, mask[panel]);
        else if (panel % 2 == 0) gp_seeker_filter(s, (size_t)block * GP_ROUNDED_PANELS + panel / 2, mask[panel] | mask[panel + 1]);
    }
    gp_seeker_tighten_full(s, mask[0] | mask[1] | mask[2] | mask[3]);
}

void gp_seeker_evaluate_block(struct gp_seeker *s, uint32_t block)
{
    uint64_t mask[GP_PANELS];

    for (size_t panel = 0; panel < GP_PANELS; panel++) {
        const size_t at = (size_t)block * GP_PANELS + panel;

        mask[panel] = s->to->id[at * GP_LANES] == GP_NONE ? 0 : gp_seeker_after(s, at, s->active);
    }
    gp_seeker_look(s, block, mask);
}

/* ---- a block of queries ------------------------------------------------------------------------------------------------------------------- */

static void begin(struct gp_seeker *s, uint32_t block, uint32_t lowest)
{
    s->block = block;
    s->active = 0;
    s->most_rank = 0;
    s->nears = 0;
    for (unsigned lane = 0; lane < GP_BLOCK; lane++) {
        const size_t at = (size_t)block * GP_BLOCK + lane;
        const uint32_t id = s->from->id[at], rank = s->from->rank ? s->from->rank[at] : GP_NONE;

        s->id[lane] = s->ask->queries ? GP_NOBODY : id;
        if (s->ask->self && id != GP_NONE) s->id[lane] = s->ask->self[id];
        s->rank[lane] = rank;
        s->count[lane] = 0;
        s->least[lane] = 0;
        if (id == GP_NONE || rank < lowest) continue;
        s->active |= (uint64_t)1 << lane;
        s->row[lane] = gp_features_row(s->from->features, id);
        if (rank > s->most_rank) s->most_rank = rank;
    }
    s->changed = s->active;
}

/* The blocks whose middles are nearest, those under the lowest node with enough of them around where the queries are; its own first. */
static void find_near(struct gp_seeker *s)
{
    const struct gp_space *to = s->to;
    const size_t dim = to->features->form.dim;
    const double *middle = s->from->centre + s->block * dim;
    uint32_t first = 0, end = to->blocks;
    double distance[NEAR + 1];

    if (s->from == s->to && to->blocks > 512) { /* those around it in the order of the splits */
        first = s->block < 128 ? 0 : s->block - 128;
        end = first + 256 < to->blocks ? first + 256 : to->blocks;
    }
    for (uint32_t b = first; b < end; b++) {
        double sum = 0;
        unsigned at = 0;

        if (to->rank && to->node[b].least_rank >= s->most_rank) continue;
        for (size_t t = 0; t < dim; t++) sum += (middle[t] - to->centre[b * dim + t]) * (middle[t] - to->centre[b * dim + t]);
        if (s->nears > NEAR && sum >= distance[NEAR]) continue;
        at = s->nears > NEAR ? NEAR : s->nears++;
        for (; at > 0 && distance[at - 1] > sum; at--) {
            distance[at] = distance[at - 1];
            s->near[at] = s->near[at - 1];
        }
        distance[at] = sum;
        s->near[at] = b;
    }
}

/* `least` of a query by points that were near before: they are not held, only where the k-th of them stands is noted. */
static void recall(struct gp_seeker *s, unsigned lane)
{
    const struct gp_features *f = s->to->features;
    const uint32_t own = s->from->id[(size_t)s->block * GP_BLOCK + lane], *before = s->ask->before + (size_t)s->row_of[own] * s->ask->k;
    const size_t n = s->ask->k < s->capacity ? s->ask->k : s->capacity;
    size_t met = 0;

    for (size_t first = 0; first < n;) {
        struct gp_row row[GP_ROWS];
        double rho[GP_ROWS];
        unsigned rows = 0;

        for (; first < n && rows < GP_ROWS; first++) {
            if (before[first] == GP_NOBODY || before[first] == own) continue;
            if (s->ask->rank && s->ask->rank[before[first]] >= s->rank[lane]) continue;
            row[rows++] = gp_features_row(f, before[first]);
        }
        if (rows > 0) gp_rho_pairs(rho, f, &s->row[lane], row, rows);
        for (unsigned i = 0; i < rows; i++) s->sorted[met++] = (float)(1 - gp_key(rho[i])) * (1 - 0x1p-22F) - 0x1p-60F;
        s->work.pairs += rows;
    }
    if (met < s->k) return;
    s->least[lane] = (double)f->tiles->kth(s->sorted, met, s->k) * (1 - 0x1p-23) - 0x1p-50;
    s->changed |= (uint64_t)1 << lane;
}

/*
 * Whether all queries of the block know from before where about their k-th stands; the blocks around need not be looked at first then. Measured on
 * 32768 points in 3 dimensions, k = 50, two threads: Matern 5/2, m = 128: 0.95 s without, 0.88 s with; rbf, m = 512: 4.4 s and 5.4 s, as rows of that
 * length lie all over memory.
 */
static int all_recalled(struct gp_seeker *s)
{
    uint64_t known = 0;

    if (!s->ask->before || !s->row_of || s->to->features->form.m > RECALL_MOST) return 0;
    for (uint64_t left = s->active; left != 0; left &= left - 1) {
        recall(s, (unsigned)__builtin_ctzll(left));
        if (s->least[__builtin_ctzll(left)] > 0) known |= left & -left;
    }
    return known == s->active;
}

/* The lanes of a block whose |rho| with a flat point may count. */
static uint64_t still_open(const struct gp_seeker *s, float most)
{
    uint64_t mask = 0;

    for (uint64_t left = s->active; left != 0; left &= left - 1) {
        if ((double)most >= s->least[__builtin_ctzll(left)]) mask |= left & -left;
    }
    return mask;
}

/* The flat points that may be among the answers of a leaf's queries. */
static void look_at_flats(struct gp_seeker *s)
{
    const float *most = s->flats->most + (size_t)s->block * s->flats->lanes;

    for (size_t first = 0; first < s->flats->lanes; first += GP_LANES) {
        const size_t panel = (size_t)s->to->blocks * GP_PANELS + first / GP_LANES;
        float greatest = 0;
        uint64_t mask;

        if (s->to->id[panel * GP_LANES] == GP_NONE) continue;
        for (size_t i = 0; i < GP_LANES; i++) greatest = most[first + i] > greatest ? most[first + i] : greatest;
        mask = still_open(s, greatest);
        gp_audit_panel(s, panel, s->active & ~mask, "flat points");
        gp_seeker_evaluate(s, panel, mask);
    }
    gp_seeker_tighten_full(s, s->active);
}

/* The leaves that may hold answers of flat queries. */
static void look_from_flats(struct gp_seeker *s)
{
    for (uint32_t block = 0; block < s->to->blocks; block++) {
        const float *most = s->flats->most + (size_t)block * s->flats->lanes + (size_t)(s->block - s->to->blocks) * GP_BLOCK;
        uint64_t mask[GP_PANELS] = { 0 };

        for (uint64_t left = s->active; left != 0; left &= left - 1) {
            const unsigned lane = (unsigned)__builtin_ctzll(left);

            if ((double)most[lane] >= s->least[lane]) mask[0] |= (uint64_t)1 << lane;
        }
        gp_audit(s, block, 1, s->active & ~mask[0], "flat queries");
        for (size_t panel = GP_PANELS; panel-- > 0;) {
            mask[panel] = s->to->id[((size_t)block * GP_PANELS + panel) * GP_LANES] == GP_NONE ? 0 : mask[0];
        }
        gp_seeker_look(s, block, mask);
    }
}

int gp_seek(struct gp_seeker *s, uint32_t block, uint32_t lowest, struct pcct_error *err)
{
    const struct gp_space *to = s->to;
    const int from_flat = block >= s->from->blocks, flats_later = s->flats && !from_flat;
    int status = 0;

    begin(s, block, lowest);
    if (s->active == 0) return 0;
    for (uint32_t b = to->blocks; b < to->blocks + to->flats && !flats_later; b++) gp_seeker_evaluate_block(s, b);
    if (from_flat && s->flats) {
        look_from_flats(s);
    } else if (from_flat || s->ask->brute) {
        for (uint32_t b = 0; b < to->blocks; b++) gp_seeker_evaluate_block(s, b);
    } else if (to->blocks > 0) {
        if (!all_recalled(s)) find_near(s);
        for (unsigned i = 0; i < s->nears; i++) gp_seeker_evaluate_block(s, s->near[i]);
        gp_seeker_tighten(s, s->active);
        if (flats_later) look_at_flats(s);
        if (s->coarse_to) TRY(gp_seeker_sweep(s, err));
        else TRY(gp_seeker_descend(s, err));
    }
    gp_seeker_tighten(s, s->active);
done:
    return status;
}

int gp_seek_sample(double *share, double *least, struct gp_seeker *s, uint32_t block, uint32_t step, struct pcct_error *err)
{
    *least = 0;
    begin(s, block, 0);
    find_near(s);
    for (unsigned i = 0; i < s->nears; i++) gp_seeker_evaluate_block(s, s->near[i]);
    gp_seeker_tighten(s, s->active);
    for (uint64_t left = s->active; left != 0; left &= left - 1) *least += s->least[__builtin_ctzll(left)] / __builtin_popcountll(s->active);
    return gp_seeker_survivors(share, s, step, err);
}
