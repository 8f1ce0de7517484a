/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops of struct gp_tiles, written once over vectors of WIDTH doubles (vec_*) and FWIDTH floats (fvec_*). The including file defines these,
 * ISA (the functions' attribute), products() (gp/products_body.h), TABLE, TABLE_NAME, and VECTORS: how many vectors of a panel are summed at a time.
 * Every double is made by the same operations in the same order whatever the width.
 */
#define INLINE static inline __attribute__((always_inline)) ISA
#define PASSES (GP_LANES / (VECTORS * WIDTH))

/* exp(x) for x <= 0: x = n ln 2 + r, exp(r) by its series to r^13; 0 below -708. The sum with `turn` leaves n in the low bits. */
INLINE vec exponential(vec x)
{
    static const double series[] = { 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                     1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1 };
    const vec turn = vec_all(0x1.8p52);
    const vec inside = vec_max(x, vec_all(-708.0));
    const vec turned = vec_fma(inside, vec_all(0x1.71547652b82fep0), turn);
    const vec n = vec_sub(turned, turn);
    vec r = vec_fma(n, vec_all(-0x1.62e42feep-1), inside), sum = vec_all(series[0]);

    r = vec_fma(n, vec_all(-0x1.a39ef35793c76p-33), r);
    for (int i = 1; i < 14; i++) sum = vec_fma(sum, r, vec_all(series[i]));
    return vec_where_less(x, vec_all(-708.0), vec_all(0), vec_raise(sum, turned));
}

INLINE vec covariance(vec d2, enum gp_shape shape, vec variance)
{
    const vec one = vec_all(1);
    vec s, e;

    if (shape == GP_RBF) return vec_mul(variance, exponential(vec_mul(d2, vec_all(-0.5))));
    s = vec_root(d2);
    if (shape == GP_MATERN32) s = vec_mul(s, vec_all(0x1.bb67ae8584caap0));
    if (shape == GP_MATERN52) s = vec_mul(s, vec_all(0x1.1e3779b97f4a8p1));
    e = exponential(vec_sub(vec_all(0), s));
    if (shape == GP_MATERN32) e = vec_mul(vec_add(one, s), e);
    if (shape == GP_MATERN52) e = vec_mul(vec_fma(vec_mul(s, s), vec_all(0x1.5555555555555p-2), vec_add(one, s)), e);
    return vec_mul(variance, e);
}

INLINE void sum_products(vec sum[GP_ROWS][VECTORS], const double *const *row, unsigned rows, const double *panel, uint32_t m)
{
    for (unsigned i = 0; i < rows; i++) {
        for (unsigned j = 0; j < VECTORS; j++) sum[i][j] = vec_all(0);
    }
    for (uint32_t l = 0; l < m; l++) {
        vec lane[VECTORS];

        for (unsigned j = 0; j < VECTORS; j++) lane[j] = vec_load(panel + (size_t)l * GP_LANES + j * WIDTH);
        for (unsigned i = 0; i < rows; i++) {
            const vec value = vec_all(row[i][l]);

            for (unsigned j = 0; j < VECTORS; j++) sum[i][j] = vec_fma(value, lane[j], sum[i][j]);
        }
    }
}

INLINE void dots_of(double *out, const double *const *row, unsigned rows, const double *panel, uint32_t m)
{
    for (unsigned pass = 0; pass < PASSES; pass++) {
        const unsigned first = pass * VECTORS * WIDTH;
        vec sum[GP_ROWS][VECTORS];

        sum_products(sum, row, rows, panel + first, m);
        for (unsigned i = 0; i < rows; i++) {
            for (unsigned j = 0; j < VECTORS; j++) vec_store(out + i * GP_LANES + first + j * WIDTH, sum[i][j]);
        }
    }
}

ISA static void dots(double *out, const double *const *row, unsigned rows, const double *panel, uint32_t m)
{
    const double *const *at = row;

    for (; rows >= 8; rows -= 8, at += 8, out += 8 * GP_LANES) dots_of(out, at, 8, panel, m);
    for (; rows >= 4; rows -= 4, at += 4, out += 4 * GP_LANES) dots_of(out, at, 4, panel, m);
    for (; rows >= 2; rows -= 2, at += 2, out += 2 * GP_LANES) dots_of(out, at, 2, panel, m);
    if (rows > 0) dots_of(out, at, 1, panel, m);
}

ISA static void substitute(double *panel, const double *sums, const double *const *row, unsigned rows, uint32_t first)
{
    for (unsigned i = 0; i < rows; i++) {
        double *at = panel + (size_t)(first + i) * GP_LANES;
        const vec diagonal = vec_all(row[i][first + i]);

        for (unsigned j = 0; j < GP_LANES; j += WIDTH) {
            vec sum = vec_load(sums + i * GP_LANES + j);

            for (unsigned l = 0; l < i; l++) {
                sum = vec_fma(vec_all(row[i][first + l]), vec_load(panel + (size_t)(first + l) * GP_LANES + j), sum);
            }
            vec_store(at + j, vec_div(vec_sub(vec_load(at + j), sum), diagonal));
        }
    }
}

ISA static void squares(double *out, const double *panel, uint32_t m)
{
    for (unsigned j = 0; j < GP_LANES; j += WIDTH) {
        vec sum = vec_all(0);

        for (uint32_t l = 0; l < m; l++) sum = vec_fma(vec_load(panel + (size_t)l * GP_LANES + j), vec_load(panel + (size_t)l * GP_LANES + j), sum);
        vec_store(out + j, sum);
    }
}

/* Squared distances of one point, whose coordinates stand `step` apart, to a vector of the panel. */
INLINE vec square(const double *x, size_t step, const double *panel, uint32_t dim)
{
    vec sum = vec_all(0);

    for (uint32_t t = 0; t < dim; t++) {
        const vec difference = vec_sub(vec_all(x[t * step]), vec_load(panel + (size_t)t * GP_LANES));

        sum = vec_fma(difference, difference, sum);
    }
    return sum;
}

INLINE void covariances_of(double *out, const double *const *x, unsigned rows, const double *panel, const struct gp_form *form, enum gp_shape shape)
{
    const vec variance = vec_all(form->variance);

    for (unsigned i = 0; i < rows; i++) {
        for (unsigned j = 0; j < GP_LANES; j += WIDTH) {
            vec_store(out + i * GP_LANES + j, covariance(square(x[i], 1, panel + j, form->dim), shape, variance));
        }
    }
}

ISA static void covariances(double *out, const double *const *x, unsigned rows, const double *panel, const struct gp_form *form)
{
    switch (form->shape) {
    case GP_RBF: covariances_of(out, x, rows, panel, form, GP_RBF); break;
    case GP_MATERN12: covariances_of(out, x, rows, panel, form, GP_MATERN12); break;
    case GP_MATERN32: covariances_of(out, x, rows, panel, form, GP_MATERN32); break;
    default: covariances_of(out, x, rows, panel, form, GP_MATERN52); break;
    }
}

INLINE void rho_of(double *out, const struct gp_row *row, unsigned rows, const struct gp_panel *panel, const struct gp_form *form,
                   enum gp_shape shape)
{
    const vec variance = vec_all(form->variance);

    for (unsigned i = 0; i < rows; i++) {
        const vec scale = vec_all(row[i].isp);

        for (unsigned j = 0; j < GP_LANES; j += WIDTH) {
            const vec k = covariance(square(row[i].x, 1, panel->x + j, form->dim), shape, variance);
            const vec rest = vec_sub(k, vec_load(out + i * GP_LANES + j));

            vec_store(out + i * GP_LANES + j, vec_mul(rest, vec_mul(scale, vec_load(panel->isp + j))));
        }
    }
}

ISA static void rho(double *out, const struct gp_row *row, unsigned rows, const struct gp_panel *panel, const struct gp_form *form)
{
    const double *v[GP_ROWS] = { NULL };

    for (unsigned i = 0; i < rows; i++) v[i] = row[i].v;
    dots(out, v, rows, panel->v, form->m);
    switch (form->shape) {
    case GP_RBF: rho_of(out, row, rows, panel, form, GP_RBF); break;
    case GP_MATERN12: rho_of(out, row, rows, panel, form, GP_MATERN12); break;
    case GP_MATERN32: rho_of(out, row, rows, panel, form, GP_MATERN32); break;
    default: rho_of(out, row, rows, panel, form, GP_MATERN52); break;
    }
}

/* Rows that are lanes of a panel: what is added up, and in which order, is as in rho. */
INLINE void cross_of(double *out, const struct gp_panel *own, const struct gp_panel *panel, const struct gp_form *form, enum gp_shape shape)
{
    const vec variance = vec_all(form->variance);

    for (unsigned first = 0; first < GP_LANES; first += VECTORS * WIDTH) {
        vec sum[GP_ROWS][VECTORS];

        for (unsigned i = 0; i < GP_ROWS; i++) {
            for (unsigned j = 0; j < VECTORS; j++) sum[i][j] = vec_all(0);
        }
        for (uint32_t l = 0; l < form->m; l++) {
            const double *row = own->v + (size_t)l * GP_LANES, *lane = panel->v + (size_t)l * GP_LANES + first;
            vec value[VECTORS];

            for (unsigned j = 0; j < VECTORS; j++) value[j] = vec_load(lane + j * WIDTH);
            for (unsigned i = 0; i < GP_ROWS; i++) {
                for (unsigned j = 0; j < VECTORS; j++) sum[i][j] = vec_fma(vec_all(row[i]), value[j], sum[i][j]);
            }
        }
        for (unsigned i = 0; i < GP_ROWS; i++) {
            for (unsigned j = 0; j < VECTORS; j++) vec_store(out + i * GP_LANES + first + j * WIDTH, sum[i][j]);
        }
    }
    for (unsigned i = 0; i < GP_ROWS; i++) {
        for (unsigned j = 0; j < GP_LANES; j += WIDTH) {
            const vec k = covariance(square(own->x + i, GP_LANES, panel->x + j, form->dim), shape, variance);
            const vec rest = vec_sub(k, vec_load(out + i * GP_LANES + j));

            vec_store(out + i * GP_LANES + j, vec_mul(rest, vec_mul(vec_all(own->isp[i]), vec_load(panel->isp + j))));
        }
    }
}

ISA static void cross(double *out, const struct gp_panel *own, unsigned first, const struct gp_panel *panel, const struct gp_form *form)
{
    const struct gp_panel rows = { own->v + first, own->x + first, own->isp + first };

    switch (form->shape) {
    case GP_RBF: cross_of(out, &rows, panel, form, GP_RBF); break;
    case GP_MATERN12: cross_of(out, &rows, panel, form, GP_MATERN12); break;
    case GP_MATERN32: cross_of(out, &rows, panel, form, GP_MATERN32); break;
    default: cross_of(out, &rows, panel, form, GP_MATERN52); break;
    }
}

ISA static uint32_t above(const double *value, double t)
{
    const vec limit = vec_all(t);
    uint32_t mask = 0;

    for (unsigned j = 0; j < GP_LANES; j += WIDTH) mask |= vec_not_below(vec_abs(vec_load(value + j)), limit) << j;
    return mask;
}

/* Chains of eight pairs side by side; every chain is that of a lane of `rho`. `same`: the rows are one. */
INLINE void pair_sums(double sum[GP_ROWS], const double *const *row, const double *const *other, uint32_t m, int same)
{
    for (uint32_t l = 0; l < m; l++) {
        const double value = row[0][l];

        for (unsigned i = 0; i < GP_ROWS; i++) sum[i] = fma(same ? value : row[i][l], other[i][l], sum[i]);
    }
}

ISA static void pairs(double *out, const struct gp_row *row, size_t step, const struct gp_row *other, unsigned n, const struct gp_form *form)
{
    _Alignas(64) double d2[GP_LANES] = { 0 }, k[GP_LANES], sum[GP_ROWS] = { 0 };
    const double *from[GP_ROWS], *to[GP_ROWS];

    for (unsigned i = 0; i < GP_ROWS; i++) {
        from[i] = row[i < n ? i * step : 0].v;
        to[i] = other[i < n ? i : 0].v;
    }
    if (step == 0) pair_sums(sum, from, to, form->m, 1);
    else pair_sums(sum, from, to, form->m, 0);
    for (unsigned i = 0; i < n; i++) {
        for (uint32_t t = 0; t < form->dim; t++) {
            const double difference = row[i * step].x[t] - other[i].x[t];

            d2[i] = fma(difference, difference, d2[i]);
        }
    }
    for (unsigned i = 0; i < GP_LANES; i += WIDTH) vec_store(k + i, covariance(vec_load(d2 + i), form->shape, vec_all(form->variance)));
    for (unsigned i = 0; i < n; i++) out[i] = (k[i] - sum[i]) * (row[i * step].isp * other[i].isp);
}

/* exp(x) for x <= 0 in float, within a few roundings; 0 below -87. */
INLINE fvec fexponential(fvec x)
{
    static const float series[] = { 1.0F / 5040, 1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1, 1 };
    const fvec turn = fvec_all(0x1.8p23F), inside = fvec_max(x, fvec_all(-87.0F));
    const fvec turned = fvec_fma(inside, fvec_all(0x1.715476p0F), turn), n = fvec_sub(turned, turn);
    fvec r = fvec_fma(n, fvec_all(-0x1.62e4p-1F), inside), sum = fvec_all(series[0]);

    r = fvec_fma(n, fvec_all(-0x1.7f7d1cp-20F), r);
    for (int i = 1; i < 8; i++) sum = fvec_fma(sum, r, fvec_all(series[i]));
    return fvec_where_less(x, fvec_all(-87.0F), fvec_all(0), fvec_raise(sum, turned));
}

INLINE fvec fcovariance(fvec d2, enum gp_shape shape)
{
    const fvec one = fvec_all(1);
    fvec s, e;

    if (shape == GP_RBF) return fexponential(fvec_mul(d2, fvec_all(-0.5F)));
    s = fvec_root(d2);
    if (shape == GP_MATERN32) s = fvec_mul(s, fvec_all(0x1.bb67aep0F));
    if (shape == GP_MATERN52) s = fvec_mul(s, fvec_all(0x1.1e377ap1F));
    e = fexponential(fvec_sub(fvec_all(0), s));
    if (shape == GP_MATERN32) e = fvec_mul(fvec_add(one, s), e);
    if (shape == GP_MATERN52) e = fvec_mul(fvec_fma(fvec_mul(s, s), fvec_all(0x1.555556p-2F), fvec_add(one, s)), e);
    return e;
}

INLINE void fsums(float *out, const struct gp_rounded_row *row, unsigned rows, const float *panel, uint32_t m)
{
    for (unsigned first = 0; first < GP_ROUNDED_LANES; first += VECTORS * FWIDTH) {
        fvec sum[GP_ROWS][VECTORS];

        for (unsigned i = 0; i < rows; i++) {
            for (unsigned j = 0; j < VECTORS; j++) sum[i][j] = fvec_all(0);
        }
        for (uint32_t l = 0; l < m; l++) {
            fvec lane[VECTORS];

            for (unsigned j = 0; j < VECTORS; j++) lane[j] = fvec_load(panel + (size_t)l * GP_ROUNDED_LANES + first + j * FWIDTH);
            for (unsigned i = 0; i < rows; i++) {
                const fvec value = fvec_all(row[i].v[l]);

                for (unsigned j = 0; j < VECTORS; j++) sum[i][j] = fvec_fma(value, lane[j], sum[i][j]);
            }
        }
        for (unsigned i = 0; i < rows; i++) {
            for (unsigned j = 0; j < VECTORS; j++) fvec_store(out + i * GP_ROUNDED_LANES + first + j * FWIDTH, sum[i][j]);
        }
    }
}

/* Squared distances of one point to a vector of the panel. */
INLINE fvec fsquare(const float *x, const float *panel, uint32_t dim)
{
    fvec sum = fvec_all(0);

    for (uint32_t t = 0; t < dim; t++) {
        const fvec difference = fvec_sub(fvec_all(x[t]), fvec_load(panel + (size_t)t * GP_ROUNDED_LANES));

        sum = fvec_fma(difference, difference, sum);
    }
    return sum;
}

INLINE void filter_of(float *out, const struct gp_rounded_row *row, unsigned rows, const struct gp_rounded_panel *panel, uint32_t dim,
                      enum gp_shape shape)
{
    for (unsigned i = 0; i < rows; i++) {
        for (unsigned j = 0; j < GP_ROUNDED_LANES; j += FWIDTH) {
            const fvec k = fcovariance(fsquare(row[i].x, panel->x + j, dim), shape);
            const fvec rest = fvec_sub(k, fvec_load(out + i * GP_ROUNDED_LANES + j));

            fvec_store(out + i * GP_ROUNDED_LANES + j, fvec_mul(rest, fvec_mul(fvec_all(row[i].isp), fvec_load(panel->isp + j))));
        }
    }
}

ISA static void filter(float *out, const struct gp_rounded_row *row, unsigned rows, const struct gp_rounded_panel *panel, const struct gp_form *form)
{
    unsigned i = 0;

    for (; rows - i >= 8; i += 8) fsums(out + i * GP_ROUNDED_LANES, row + i, 8, panel->v, form->m);
    for (; rows - i >= 4; i += 4) fsums(out + i * GP_ROUNDED_LANES, row + i, 4, panel->v, form->m);
    for (; rows - i >= 2; i += 2) fsums(out + i * GP_ROUNDED_LANES, row + i, 2, panel->v, form->m);
    if (rows - i > 0) fsums(out + i * GP_ROUNDED_LANES, row + i, 1, panel->v, form->m);
    switch (form->shape) {
    case GP_RBF: filter_of(out, row, rows, panel, form->dim, GP_RBF); break;
    case GP_MATERN12: filter_of(out, row, rows, panel, form->dim, GP_MATERN12); break;
    case GP_MATERN32: filter_of(out, row, rows, panel, form->dim, GP_MATERN32); break;
    default: filter_of(out, row, rows, panel, form->dim, GP_MATERN52); break;
    }
}

/* Sums of products of eight rows and as many others, side by side. `same`: the rows are one. */
INLINE void fpair_sums(float out[GP_ROWS], const float *const *row, const float *const *other, uint32_t m, int same)
{
    fvec sum[GP_ROWS];
    uint32_t l = 0;

    for (unsigned i = 0; i < GP_ROWS; i++) sum[i] = fvec_all(0);
    for (; l + FWIDTH <= m; l += FWIDTH) {
        const fvec value = fvec_load_any(row[0] + l);

        for (unsigned i = 0; i < GP_ROWS; i++) sum[i] = fvec_fma(same ? value : fvec_load_any(row[i] + l), fvec_load_any(other[i] + l), sum[i]);
    }
    for (unsigned i = 0; i < GP_ROWS; i++) out[i] = fvec_total(sum[i]);
    for (; l < m; l++) {
        for (unsigned i = 0; i < GP_ROWS; i++) out[i] += row[i][l] * other[i][l];
    }
}

ISA static void filter_pairs(float *out, const struct gp_rounded_row *row, size_t step, const struct gp_rounded_row *other, unsigned n,
                             const struct gp_form *form)
{
    _Alignas(64) float d2[GP_LANES] = { 0 }, sum[GP_ROWS];
    const float *from[GP_ROWS], *to[GP_ROWS];

    for (unsigned i = 0; i < GP_ROWS; i++) {
        from[i] = row[i < n ? i * step : 0].v;
        to[i] = other[i < n ? i : 0].v;
    }
    if (step == 0) fpair_sums(sum, from, to, form->m, 1);
    else fpair_sums(sum, from, to, form->m, 0);
    for (unsigned i = 0; i < n; i++) {
        const float *x = row[i * step].x;

        for (uint32_t t = 0; t < form->dim; t++) d2[i] += (x[t] - other[i].x[t]) * (x[t] - other[i].x[t]);
    }
    for (unsigned i = 0; i < GP_LANES; i += FWIDTH) fvec_store(out + i, fcovariance(fvec_load(d2 + i), form->shape));
    for (unsigned i = 0; i < n; i++) out[i] = (out[i] - sum[i]) * (row[i * step].isp * other[i].isp);
}

ISA static uint32_t filter_above(const float *value, const float *error, float row_error, float t)
{
    const fvec limit = fvec_all(t), scale = fvec_all(row_error);
    uint32_t mask = 0;

    for (unsigned j = 0; j < GP_ROUNDED_LANES; j += FWIDTH) {
        mask |= fvec_not_below(fvec_fma(scale, fvec_load(error + j), fvec_abs(fvec_load(value + j))), limit) << j;
    }
    return mask;
}

INLINE void coarse_of(uint32_t found[GP_ROWS], const int32_t *sums, const struct gp_coarse_row *row, unsigned rows,
                      const struct gp_coarse_panel *panel, uint32_t dim, enum gp_shape shape)
{
    const float *unit = panel->fact, *length = unit + GP_ROUNDED_LANES, *error = length + GP_ROUNDED_LANES, *rest = error + GP_ROUNDED_LANES;

    for (unsigned i = 0; i < rows; i++) {
        const float *fact = row[i].fact;

        found[i] = 0;
        for (unsigned j = 0; j < GP_ROUNDED_LANES; j += FWIDTH) {
            const fvec products = fvec_mul(fvec_of_ints(sums + i * GP_ROUNDED_LANES + j), fvec_mul(fvec_all(fact[0]), fvec_load(unit + j)));
            fvec most = fvec_abs(fvec_sub(fcovariance(fsquare(row[i].x, panel->x + j, dim), shape), products));

            most = fvec_fma(fvec_all(fact[1]), fvec_load(error + j), most);
            most = fvec_fma(fvec_all(fact[2]), fvec_load(length + j), most);
            most = fvec_fma(fvec_all(fact[3]), fvec_load(rest + j), most);
            most = fvec_mul(most, fvec_mul(fvec_all(row[i].isp), fvec_load(panel->isp + j)));
            found[i] |= fvec_not_below(most, fvec_all(row[i].least)) << j;
        }
    }
}

INLINE void coarse_by(uint32_t found[GP_ROWS], const struct gp_coarse_row *row, unsigned rows, const struct gp_coarse_panel *panel,
                      const struct gp_form *form, void (*products_of)(int32_t *, const struct gp_coarse_row *, unsigned, const uint8_t *, uint32_t))
{
    _Alignas(64) int32_t sums[GP_ROWS * GP_ROUNDED_LANES];

    products_of(sums, row, rows, panel->value, form->m);
    switch (form->shape) {
    case GP_RBF: coarse_of(found, sums, row, rows, panel, form->dim, GP_RBF); break;
    case GP_MATERN12: coarse_of(found, sums, row, rows, panel, form->dim, GP_MATERN12); break;
    case GP_MATERN32: coarse_of(found, sums, row, rows, panel, form->dim, GP_MATERN32); break;
    default: coarse_of(found, sums, row, rows, panel, form->dim, GP_MATERN52); break;
    }
}

ISA static void coarse(uint32_t found[GP_ROWS], const struct gp_coarse_row *row, unsigned rows, const struct gp_coarse_panel *panel,
                       const struct gp_form *form)
{
    coarse_by(found, row, rows, panel, form, products);
}

/* The least of n values, a multiple of 16, that is not below t. */
INLINE float least_from(const float *value, size_t n, float t)
{
    _Alignas(64) float part[FWIDTH];
    fvec most = fvec_all(-(float)INFINITY); /* of what is turned round */
    float least = -(float)INFINITY;

    for (size_t i = 0; i < n; i += FWIDTH) {
        const fvec at = fvec_load(value + i);

        most = fvec_max(most, fvec_where_less(at, fvec_all(t), fvec_all(-(float)INFINITY), fvec_sub(fvec_all(0), at)));
    }
    fvec_store(part, most);
    for (unsigned i = 0; i < FWIDTH; i++) least = part[i] > least ? part[i] : least;
    return -least;
}

INLINE float greatest_of(const float *value, size_t n)
{
    _Alignas(64) float part[FWIDTH];
    fvec most = fvec_load(value);
    float greatest = -(float)INFINITY;

    for (size_t i = FWIDTH; i < n; i += FWIDTH) most = fvec_max(most, fvec_load(value + i));
    fvec_store(part, most);
    for (unsigned i = 0; i < FWIDTH; i++) greatest = part[i] > greatest ? part[i] : greatest;
    return greatest;
}

INLINE size_t count_from(const float *value, size_t n, float t)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i += FWIDTH) count += (size_t)__builtin_popcount(fvec_not_below(fvec_load(value + i), fvec_all(t)));
    return count;
}

/* Between the least and the greatest, halved until just k are left or the halves are too close to matter. */
ISA static float kth(float *value, size_t n, size_t k)
{
    const size_t whole = (n + GP_LANES - 1) / GP_LANES * GP_LANES;
    float low, high;

    for (size_t i = n; i < whole; i++) value[i] = -(float)INFINITY;
    low = least_from(value, whole, -1e30F);
    high = greatest_of(value, whole);
    for (int i = 0; i < 20; i++) {
        const float middle = low + (high - low) / 2;
        const size_t count = count_from(value, whole, middle);

        if (count >= k) low = middle;
        else high = middle;
        if (count == k || middle == low + (high - low) / 2) break;
    }
    return least_from(value, whole, low);
}

ISA static void kernel(double *value, const double *d2, size_t n, const struct gp_form *form)
{
    const vec variance = vec_all(form->variance);

    for (size_t i = 0; i < n; i += WIDTH) vec_store(value + i, covariance(vec_load(d2 + i), form->shape, variance));
}

ISA static void envelope(double *out, const double *v, const double *most, uint32_t m)
{
    for (unsigned panel = 0; panel < GP_PANELS; panel++, v += (size_t)m * GP_LANES, out += GP_LANES) {
        vec sum[GP_LANES / WIDTH];

        for (unsigned j = 0; j < GP_LANES / WIDTH; j++) sum[j] = vec_all(0);
        for (uint32_t l = 0; l < m; l++) {
            const vec top = vec_all(most[l]);

            for (unsigned j = 0; j < GP_LANES / WIDTH; j++) sum[j] = vec_fma(vec_abs(vec_load(v + (size_t)l * GP_LANES + j * WIDTH)), top, sum[j]);
        }
        for (unsigned j = 0; j < GP_LANES / WIDTH; j++) vec_store(out + j * WIDTH, sum[j]);
    }
}

ISA static void project(float *u, float *far, float *h, const float *g, const float *y, const float *inverse, float slack)
{
    for (unsigned first = 0; first < GP_BLOCK; first += FWIDTH) {
        const fvec scale = fvec_load(inverse + first);
        fvec coordinate[GP_PIVOTS], square_sum = fvec_all(0), rest;

        for (unsigned l = 0; l < GP_PIVOTS; l++) coordinate[l] = fvec_mul(fvec_load(y + l * GP_BLOCK + first), scale);
        for (unsigned j = 0; j < GP_PIVOTS; j++) {
            fvec a = fvec_all(0), b = fvec_all(0);

            for (unsigned l = 0; l < GP_PIVOTS; l += 2) {
                a = fvec_fma(fvec_all(g[l * GP_PIVOTS + j]), coordinate[l], a);
                b = fvec_fma(fvec_all(g[(l + 1) * GP_PIVOTS + j]), coordinate[l + 1], b);
            }
            a = fvec_add(a, b);
            fvec_store(h + j * GP_BLOCK + first, a);
            square_sum = fvec_fma(a, a, square_sum);
        }
        rest = fvec_max(fvec_sub(fvec_all(1), square_sum), fvec_all(0));
        fvec_store(u + first, fvec_root(square_sum));
        fvec_store(far + first, fvec_root(fvec_add(rest, fvec_all(4 * slack))));
    }
}

ISA static void meet(uint64_t who[GP_BLOCK], const uint64_t mask[GP_PANELS], const float *h, const float *far, const float *cosine, const float *y,
                     const float *sine, float slack)
{
    const uint64_t whole = ((uint64_t)1 << FWIDTH) - 1;

    for (unsigned i = 0; i < GP_BLOCK; i++) who[i] = 0;
    for (unsigned first = 0; first < GP_BLOCK; first += FWIDTH) {
        const fvec outside = fvec_load(far + first), limit = fvec_sub(fvec_load(cosine + first), fvec_all(slack));
        fvec coordinate[GP_PIVOTS];

        for (unsigned l = 0; l < GP_PIVOTS; l++) coordinate[l] = fvec_load(h + l * GP_BLOCK + first);
        for (unsigned i = 0; i < GP_BLOCK; i++) {
            const uint64_t asked = mask[i / GP_LANES] >> first & whole;
            fvec a = fvec_all(0), b = fvec_all(0);

            if (asked == 0) continue;
            for (unsigned l = 0; l < GP_PIVOTS; l += 2) {
                a = fvec_fma(fvec_all(y[l * GP_BLOCK + i]), coordinate[l], a);
                b = fvec_fma(fvec_all(y[(l + 1) * GP_BLOCK + i]), coordinate[l + 1], b);
            }
            who[i] |= (asked & fvec_not_below(fvec_fma(outside, fvec_all(sine[i]), fvec_abs(fvec_add(a, b))), limit)) << first;
        }
    }
}

ISA static uint64_t reaching(const float *u, const float *c, const float *s, float cosine, float sine, float slack)
{
    const fvec cosines = fvec_all(cosine), sines = fvec_all(sine), more = fvec_all(slack);
    uint64_t mask = 0;

    for (unsigned i = 0; i < GP_BLOCK; i += FWIDTH) {
        const fvec limit = fvec_sub(fvec_mul(fvec_load(c + i), cosines), fvec_mul(fvec_load(s + i), sines));

        mask |= (uint64_t)fvec_not_below(fvec_add(fvec_load(u + i), more), limit) << i;
    }
    return mask;
}

/* Four rows: out[i][:] = sum over first <= l < end of left[i][l] * right[l][:], vector `part` and those after it. */
INLINE void multiply(double *out, const double *left, const double *right, unsigned first, unsigned end, unsigned part, unsigned parts)
{
    vec sum[4];

    for (unsigned j = part; j < part + parts; j++) {
        for (unsigned i = 0; i < 4; i++) sum[i] = vec_all(0);
        for (unsigned l = first; l < end; l++) {
            const vec value = vec_load(right + l * GP_PIVOTS + j * WIDTH);

            for (unsigned i = 0; i < 4; i++) sum[i] = vec_fma(vec_all(left[i * GP_PIVOTS + l]), value, sum[i]);
        }
        for (unsigned i = 0; i < 4; i++) vec_store(out + i * GP_PIVOTS + j * WIDTH, sum[i]);
    }
}

/* The sum of the squares of g^T g, in float. */
INLINE float fourth_power(const float *g, unsigned rows)
{
    _Alignas(64) float part[FWIDTH];
    fvec squares_sum = fvec_all(0);
    float sum = 0;

    for (unsigned i = 0; i < GP_PIVOTS; i += 4) {
        for (unsigned j = 0; j < GP_PIVOTS; j += FWIDTH) {
            fvec row[4];

            for (unsigned t = 0; t < 4; t++) row[t] = fvec_all(0);
            for (unsigned l = 0; l < rows; l++) {
                const fvec value = fvec_load(g + l * GP_PIVOTS + j);

                for (unsigned t = 0; t < 4; t++) row[t] = fvec_fma(fvec_all(g[l * GP_PIVOTS + i + t]), value, row[t]);
            }
            for (unsigned t = 0; t < 4; t++) squares_sum = fvec_fma(row[t], row[t], squares_sum);
        }
    }
    fvec_store(part, squares_sum);
    for (unsigned j = 0; j < FWIDTH; j++) sum += part[j];
    return sum;
}

/* Both factors are triangular: what stands beyond the diagonal of four rows, or right of it in half of the columns, is not multiplied. */
ISA static float gram(float *g, const double *c, const double *lower, const double *upper, unsigned rows)
{
    _Alignas(64) double half[GP_PIVOTS * GP_PIVOTS], product[GP_PIVOTS * GP_PIVOTS];
    const unsigned vectors = GP_PIVOTS / WIDTH, low = (vectors + 1) / 2;

    for (unsigned i = 0; i < rows; i += 4) {
        multiply(half + i * GP_PIVOTS, lower + i * GP_PIVOTS, c, 0, i + 4, 0, vectors);
        multiply(product + i * GP_PIVOTS, half + i * GP_PIVOTS, upper, 0, GP_PIVOTS / 2, 0, low);
        multiply(product + i * GP_PIVOTS, half + i * GP_PIVOTS, upper, 0, GP_PIVOTS, low, vectors - low);
    }
    for (unsigned i = 0; i < rows * GP_PIVOTS; i++) g[i] = (float)product[i];
    return fourth_power(g, rows);
}

#define GP_TILES(name, coarse) \
    { \
        name, dots, substitute, squares, covariances, rho, cross, above, pairs, filter, filter_pairs, filter_above, coarse, kth, kernel, envelope, \
        project, reaching, meet, gram, \
    }

const struct gp_tiles TABLE = GP_TILES(TABLE_NAME, coarse);
