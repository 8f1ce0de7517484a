/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_views.h"

#include "base/error.h"
#include "base/par.h"
#include "base/sort.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/*
 * The basis as it is kept: struct block_basis_head, centre[dim] in double, axes in float. A view is (R, s[1], ..., s[dim - 1]), a fine one
 * (R', s[1], ..., s[fine - 1]) times `scale`, rounded to whole numbers; what is beyond METRIC_SHORT_MAX counts as that, which hardly anything of the
 * sample is.
 */
struct basis_head {
    double defect; /* metric_basis_defect() */
    double scale;
};
_Static_assert(sizeof(struct basis_head) == BLOCK_BASIS_HEAD, "basis_head is written out as it is");

enum {
    LEAST_DIM = 16, LEAST_ENTRIES = 1024, OUTGROWN = 8, SAMPLE = 2048, ENTRIES_AT_ONCE = 64,
    VIEW_STEP = 8, FINE_STEP = 16, FINE_LEAST_DIM = 128,
    EQUAL_SHARE = 16 /* of the sample: so many equal points are better told apart by exact boxes */
};
/* What part of the variance is to be in a view; in the widest one at least, else there is none; and in a fine one. */
static const double view_share = 0.9, least_share = 0.6, fine_share = 0.97;

/* (a + b)^2 <= (1 + e) a^2 + (1 + 1/e) b^2, for e of views and of fine ones. */
static const double view_e = 0x1p-14, fine_e = 0x1p-7;
#define DEFECT_MAX 0x1p-16

static uint32_t axes_of(const struct block_layout *layout) { return (layout->fine > layout->dim ? layout->fine : layout->dim) - 1; }

static const struct basis_head *head_of(const struct block_layout *layout) { return layout->basis.data; }

static struct metric_basis basis_of(const struct block_layout *layout)
{
    const double *centre = (const double *)(head_of(layout) + 1);

    return (struct metric_basis){ centre, (const float *)(centre + layout->metric->dim), layout->metric->dim, axes_of(layout) };
}

static double *view_of(const struct block_layout *layout, uint32_t node)
{
    return (double *)layout->view.data + (size_t)node * layout->dim;
}

/* ---- choosing ----------------------------------------------------------------------------------------------------------------------------- */

/* What is looked at. */
struct sample {
    double *rows;      /* [n x dim] */
    double *centre, *share, *first;
    float *axis;
    struct base_pair *pair; /* [n] */
    size_t n;
    uint32_t dim, axes;
};

/* The least multiple of `step` from `step` to `most` such that all axes of a view of so many numbers hold this share; `most` if none does. */
static uint32_t numbers_for(const struct sample *sample, double share, uint32_t step, uint32_t most)
{
    double sum = 0;
    uint32_t numbers = step, a = 0;

    for (; numbers < most; numbers += step) {
        for (; a + 1 < numbers; a++) sum += sample->share[a];
        if (sum >= share) break;
    }
    return numbers;
}

static double share_of(const struct sample *sample, uint32_t numbers)
{
    double sum = 0;

    for (uint32_t a = 0; a + 1 < numbers; a++) sum += sample->share[a];
    return sum;
}

/* Whether many of the rows are one and the same: what they have along the first axis then is, too. */
static int has_many_equal(int *many, struct sample *sample, const struct base_env *env, struct pcct_error *err)
{
    size_t equal = 0;
    int status = 0;

    for (size_t i = 0; i < sample->n; i++) {
        sample->pair[i].value = i;
        memcpy(&sample->pair[i].key, &sample->first[i], sizeof sample->pair[i].key);
    }
    TRY(base_sort_pairs(sample->pair, sample->n, env, err));
    for (size_t i = 1; i < sample->n; i++) equal += sample->pair[i].key == sample->pair[i - 1].key;
    *many = equal > sample->n / EQUAL_SHARE;
done:
    return status;
}

/* A power of two that brings what the sample's rows, which are multiplied by `scale`, have along the first axis near to METRIC_SHORT_MAX. */
static double fine_scale(const struct sample *sample, double scale)
{
    double most = 0, times;
    int exponent = 0;

    for (size_t i = 0; i < sample->n; i++) most = fmax(most, fabs(sample->first[i]));
    frexp(most, &exponent);
    times = ldexp(1, exponent < -13 ? 26 : 13 - exponent);
    return scale < METRIC_SCALE_MAX / times ? scale * times : METRIC_SCALE_MAX;
}

static void keep_basis(struct block_layout *layout, const struct sample *sample, double scale)
{
    struct basis_head *head = layout->basis.data;
    double *centre = (double *)(head + 1);
    struct metric_basis basis;

    memcpy(centre, sample->centre, sample->dim * sizeof *centre);
    memcpy(centre + sample->dim, sample->axis, (size_t)axes_of(layout) * sample->dim * sizeof *sample->axis);
    basis = basis_of(layout);
    *head = (struct basis_head){ metric_basis_defect(&basis), scale };
}

/* Takes memory and rows of the entries at even places of the list. */
static int take_sample(struct sample *sample, const struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n,
                       struct pcct_error *err)
{
    const struct base_env *env = layout->env;
    const uint32_t dim = layout->metric->dim, step = dim >= FINE_LEAST_DIM ? FINE_STEP : VIEW_STEP;
    const uint32_t most = dim >= FINE_LEAST_DIM ? BLOCK_FINE_MAX : BLOCK_VIEW_MAX, half = dim / 2 / step * step;
    int status = 0;

    sample->n = n < SAMPLE ? n : SAMPLE;
    sample->dim = dim;
    sample->axes = (half < most ? half : most) - 1;
    TRY(base_take(&sample->rows, env, sample->n, dim * sizeof(double), err));
    TRY(base_take(&sample->centre, env, dim, sizeof(double), err));
    TRY(base_take(&sample->share, env, sample->axes, sizeof(double), err));
    TRY(base_take(&sample->first, env, sample->n, sizeof(double), err));
    TRY(base_take(&sample->axis, env, sample->axes, dim * sizeof(float), err));
    TRY(base_take(&sample->pair, env, sample->n, sizeof *sample->pair, err));
    for (size_t i = 0; i < sample->n; i++) {
        memcpy(sample->rows + i * dim, block_source_place(source, dim, node[n * i / sample->n]), dim * sizeof(double));
    }
done:
    return status;
}

static void free_sample(struct sample *sample, const struct base_env *env)
{
    base_free(env, sample->rows);
    base_free(env, sample->centre);
    base_free(env, sample->share);
    base_free(env, sample->first);
    base_free(env, sample->axis);
    base_free(env, sample->pair);
}

/* Whether there may be views at all. */
static int may_have(const struct block_layout *layout, size_t entries)
{
    return layout->rotates && layout->metric->sum == METRIC_SQUARES && layout->metric->dim >= LEAST_DIM && entries >= LEAST_ENTRIES;
}

int block_views_are_due(const struct block_layout *layout, size_t entries, size_t before)
{
    return may_have(layout, entries) && entries / OUTGROWN >= before;
}

int block_views_choose(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, struct pcct_error *err)
{
    const struct metric *metric = layout->metric;
    const uint32_t half = metric->dim / 2 / VIEW_STEP * VIEW_STEP, most = half < BLOCK_VIEW_MAX ? half : BLOCK_VIEW_MAX;
    struct sample sample = { 0 };
    int status = 0, many_equal = 0;
    double scale = 1;

    layout->dim = metric->dim;
    layout->fine = 0;
    if (!may_have(layout, n)) return 0;
    TRY(take_sample(&sample, layout, source, node, n, err));
    TRY(metric_basis_find(sample.centre, &scale, sample.axis, sample.share, sample.first, sample.rows, sample.n, metric->dim, sample.axes,
                          metric->kernels, layout->env, err));
    TRY(has_many_equal(&many_equal, &sample, layout->env, err));
    if (many_equal || share_of(&sample, most) < least_share) goto done;
    layout->dim = numbers_for(&sample, view_share, VIEW_STEP, most);
    if (metric->dim >= FINE_LEAST_DIM && share_of(&sample, layout->dim) < fine_share) {
        layout->fine = numbers_for(&sample, fine_share, FINE_STEP, sample.axes + 1);
    }
    if (layout->fine <= layout->dim) layout->fine = 0;
    status = base_buffer_reserve(&layout->basis, layout->env, block_basis_bytes(layout), 0, err);
    if (status == 0) {
        keep_basis(layout, &sample, fine_scale(&sample, scale));
    } else {
        layout->dim = metric->dim;
        layout->fine = 0;
    }
done:
    free_sample(&sample, layout->env);
    return status;
}

/* ---- making ------------------------------------------------------------------------------------------------------------------------------- */

static int16_t whole(double x)
{
    return (int16_t)rint(x > METRIC_SHORT_MAX ? METRIC_SHORT_MAX : x > -METRIC_SHORT_MAX ? x : -METRIC_SHORT_MAX);
}

/* Both views of a row; fine: NULL if it is not wanted, or there is none. */
static void make(double *view, int16_t *fine, const struct block_layout *layout, const double *row)
{
    const struct metric_basis basis = basis_of(layout);
    const struct metric_kernels *kernels = layout->metric->kernels;
    const double scale = head_of(layout)->scale;
    double rest[METRIC_DIM_MAX], share[METRIC_AXES_MAX];

    metric_basis_start(rest, &basis, row);
    metric_basis_project(share, rest, &basis, 0, layout->dim - 1, kernels);
    view[0] = sqrt(kernels->product(rest, rest, basis.dim));
    memcpy(view + 1, share, (layout->dim - 1) * sizeof *view);
    if (!fine) return;
    metric_basis_project(share + layout->dim - 1, rest, &basis, layout->dim - 1, layout->fine - 1, kernels);
    fine[0] = whole(sqrt(kernels->product(rest, rest, basis.dim)) * scale);
    for (uint32_t j = 1; j < layout->fine; j++) fine[j] = whole(share[j - 1] * scale);
}

struct making {
    struct block_layout *layout;
    const struct block_source *source;
    const uint32_t *node;
};

static void make_some(void *ctx, size_t begin, size_t end, int thread)
{
    const struct making *making = ctx;
    const struct block_layout *layout = making->layout;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t node = making->node[i];

        make(view_of(layout, node), layout->fine > 0 ? block_fine_of(layout, node) : NULL, layout,
             block_source_place(making->source, layout->metric->dim, node));
    }
}

int block_views_make(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, struct pcct_error *err)
{
    const size_t rows = source->rows > layout->rows ? source->rows : layout->rows, view = layout->dim * sizeof(double);
    const size_t fine = layout->fine * sizeof(int16_t);
    struct making making = { layout, source, node };
    int status = 0;

    if (!block_has_views(layout)) return 0;
    TRY(base_buffer_reserve(&layout->view, layout->env, rows * view, layout->rows * view, err));
    TRY(base_buffer_reserve(&layout->fine_view, layout->env, rows * fine, layout->rows * fine, err));
    /* what is written out is all known */
    memset(view_of(layout, layout->rows), 0, (rows - layout->rows) * view);
    if (fine > 0) memset(block_fine_of(layout, layout->rows), 0, (rows - layout->rows) * fine);
    base_par_for(layout->env, n, ENTRIES_AT_ONCE, make_some, &making);
done:
    return status;
}

void block_views_renumber(struct block_layout *layout, const uint32_t *map)
{
    if (!block_has_views(layout)) return;
    for (uint32_t node = 0; node < layout->rows; node++) { /* numbers keep their order, so nothing is overwritten that is still to move */
        if (map[node] == BLOCK_NONE || map[node] == node) continue;
        memcpy(view_of(layout, map[node]), view_of(layout, node), layout->dim * sizeof(double));
        if (layout->fine > 0) memcpy(block_fine_of(layout, map[node]), block_fine_of(layout, node), layout->fine * sizeof(int16_t));
    }
}

/* ---- limits ------------------------------------------------------------------------------------------------------------------------------- */

/* At least how far a place is from the centre. */
static double distance_of(const struct block_layout *layout, const double *view)
{
    double sum = 0;

    for (uint32_t j = 0; j < layout->dim; j++) sum += view[j] * view[j];
    return 1.001 * sqrt(sum);
}

/* docs/algorithm.md: what a key may grow by, and what may be added, by what views are off: `error` for what points are
 * from each other, and `off` for what they are from the centre. */
static void bounds(double *grow, double *slack, const struct block_layout *layout, double error, double e, double off)
{
    const double defect = head_of(layout)->defect;

    *grow = (1 + e) * (1 + 3 * (defect + error)) * (1 + (layout->metric->dim + 8) * 0x1p-52);
    *slack = 4.1 * (1 + 1 / e) * off * off;
}

/* Keys that underflow come to less than LEAST. */
#define LEAST 0x1p-1000

static double limit_at(const struct block_layout *layout, double limit, double distance)
{
    const double error = metric_basis_error(layout->metric->dim, layout->dim - 1);
    double grow, slack;

    bounds(&grow, &slack, layout, error, view_e, error * distance);
    return grow * limit + slack + LEAST;
}

double block_reach_seen(const struct block_layout *layout, uint32_t node, double reach)
{
    if (!block_has_views(layout) || reach < 0) return reach;
    return limit_at(layout, reach, distance_of(layout, view_of(layout, node)));
}

double block_views_limit(const struct block_layout *layout, const double *low, const double *high, double limit)
{
    double farthest[BLOCK_VIEW_MAX];

    if (!block_has_views(layout)) return limit;
    for (uint32_t j = 0; j < layout->dim; j++) farthest[j] = fmax(fabs(low[j]), fabs(high[j]));
    return limit_at(layout, limit, distance_of(layout, farthest));
}

/* ---- eyes --------------------------------------------------------------------------------------------------------------------------------- */

static void set_bounds(struct block_eye *eye, const struct block_layout *layout)
{
    const uint32_t dim = layout->metric->dim;
    const double distance = distance_of(layout, eye->place), error = metric_basis_error(dim, layout->dim - 1);
    const double rounding = 1 + 2 * (layout->fine + 8.0) * 0x1p-24, scale = head_of(layout)->scale, whole_off = 0.51 * sqrt(layout->fine);
    double fine_error;

    bounds(&eye->grow, &eye->slack, layout, error, view_e, error * distance);
    eye->slack += LEAST;
    if (layout->fine == 0) return;
    fine_error = metric_basis_error(dim, layout->fine - 1);
    bounds(&eye->fine_grow, &eye->fine_slack, layout, fine_error, fine_e, fine_error * distance * scale + whole_off);
    eye->fine_grow *= rounding * scale * scale;
    eye->fine_slack *= rounding;
}

static void open_any(struct block_eye *eye, const struct block_layout *layout, const double *q, int fine)
{
    eye->q = eye->place = q;
    eye->fine = NULL;
    eye->grow = 1;
    eye->slack = 0;
    if (!block_has_views(layout)) return;
    if (fine) eye->fine = eye->own_fine;
    eye->place = eye->own_view;
    make(eye->own_view, fine ? eye->own_fine : NULL, layout, q);
    set_bounds(eye, layout);
}

void block_eye_open_view(struct block_eye *eye, const struct block_layout *layout, const double *q)
{
    open_any(eye, layout, q, 0);
}

void block_eye_open(struct block_eye *eye, const struct block_layout *layout, const double *q)
{
    open_any(eye, layout, q, layout->fine > 0);
}

void block_eye_open_entry(struct block_eye *eye, const struct block_layout *layout, const struct block_source *source, uint32_t node)
{
    eye->q = eye->place = block_source_place(source, layout->metric->dim, node);
    eye->fine = NULL;
    eye->grow = 1;
    eye->slack = 0;
    if (!block_has_views(layout)) return;
    if (layout->fine > 0) eye->fine = block_fine_of(layout, node);
    eye->place = view_of(layout, node);
    set_bounds(eye, layout);
}

double block_eye_least_fine(const struct block_eye *eye, const struct block_layout *layout, uint32_t node, double limit)
{
    const float most = (float)((eye->fine_grow * limit + eye->fine_slack) * (1 + 0x1p-22));
    float value;

    if (isinf(most)) return 0;
    value = layout->metric->kernels->row_squares(block_fine_of(layout, node), eye->fine, layout->fine, most);
    return value > most ? (double)INFINITY : ((double)value - eye->fine_slack) / eye->fine_grow;
}

/* ---- checking ----------------------------------------------------------------------------------------------------------------------------- */

int block_views_check_basis(const struct block_layout *layout, struct pcct_error *err)
{
    const struct basis_head *head = head_of(layout);
    struct metric_basis basis;
    int exponent = 0;

    if (!block_has_views(layout)) return 0;
    basis = basis_of(layout);
    if (!(head->defect >= 0 && head->defect <= DEFECT_MAX && metric_basis_defect(&basis) <= head->defect)) {
        return base_fail(err, PCCT_E_DAMAGED, "query layout: the axes of its basis have not the length 1");
    }
    if (!(head->scale > 0 && head->scale <= METRIC_SCALE_MAX && frexp(head->scale, &exponent) == 0.5)) {
        return base_fail(err, PCCT_E_DAMAGED, "query layout: its basis has the scale %g", head->scale);
    }
    return 0;
}

/* Views differ by rounding from processor to processor. */
int block_views_check(const struct block_layout *layout, const struct block_source *source, uint32_t node, struct pcct_error *err)
{
    const double *kept = view_of(layout, node), scale = head_of(layout)->scale;
    const int16_t *kept_fine = block_fine_of(layout, node);
    double view[BLOCK_VIEW_MAX], off;
    int16_t fine[BLOCK_FINE_MAX];

    make(view, layout->fine > 0 ? fine : NULL, layout, block_source_place(source, layout->metric->dim, node));
    off = 2 * metric_basis_error(layout->metric->dim, axes_of(layout)) * distance_of(layout, view) + LEAST;
    for (uint32_t j = 0; j < layout->dim; j++) {
        if (fabs(view[j] - kept[j]) <= off) continue;
        return base_fail(err, PCCT_E_DAMAGED, "query layout: T6g: entry %u has another number %u in its view", (unsigned)node, (unsigned)j);
    }
    for (uint32_t j = 0; j < layout->fine; j++) {
        const int most = METRIC_SHORT_MAX, other = kept_fine[j];

        if (other >= -most && other <= most && fabs((double)(fine[j] - other)) <= 1 + off * scale) continue;
        return base_fail(err, PCCT_E_DAMAGED, "query layout: T6g: entry %u has another number %u in its fine view", (unsigned)node, (unsigned)j);
    }
    return 0;
}
