/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels over rows, in which coordinates stand one after the other, over vectors of WIDTH doubles. No include guard: kernels_body.h includes it
 * with what it was given. Rows need not be aligned. Beside what that names:
 *   vec_near vec_put       load and store, not aligned
 *   vec_wide(p)            as many floats widened, not aligned
 *   vec_add_product        sum + a * b, rounded once or twice
 *   vec_total              the sum of a vector
 *   shorts_squares(a, b, n)   see kernels_shorts.h
 */

/* rest -= share * axis, and what `next` finds of the new rest. One pass: the rest stays in the nearest cache, axes come from afar. */
INSIDE double leave(double *rest, double share, const float *axis, const float *next, uint32_t dim)
{
    enum { SIDE = 4 };
    const vec part = vec_all(-share);
    double found = 0;
    uint32_t i = 0;
    vec sum[SIDE];

    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) sum[g] = vec_all(0);
    for (; i + SIDE * WIDTH <= dim; i += SIDE * WIDTH) {
        UNROLLED
        for (unsigned g = 0; g < SIDE; g++) {
            const vec left = vec_add_product(vec_near(rest + i + g * WIDTH), part, vec_wide(axis + i + g * WIDTH));

            vec_put(rest + i + g * WIDTH, left);
            sum[g] = vec_add_product(sum[g], left, vec_wide(next + i + g * WIDTH));
        }
    }
    for (; i < dim; i++) {
        rest[i] = rest[i] - share * (double)axis[i];
        found = found + rest[i] * (double)next[i];
    }
    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) found += vec_total(sum[g]);
    return found;
}

ISA static void project(double *along, double *rest, const float *axis, uint32_t dim, uint32_t axes)
{
    double share = leave(rest, 0, axis, axis, dim);

    for (uint32_t a = 0; a < axes; a++, axis += dim) {
        along[a] = share;
        share = leave(rest, share, axis, a + 1 < axes ? axis + dim : axis, dim);
    }
}

ISA static double product(const double *a, const double *b, uint32_t dim)
{
    enum { SIDE = 4 };
    double found = 0;
    uint32_t i = 0;
    vec sum[SIDE];

    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) sum[g] = vec_all(0);
    for (; i + SIDE * WIDTH <= dim; i += SIDE * WIDTH) {
        UNROLLED
        for (unsigned g = 0; g < SIDE; g++) sum[g] = vec_add_product(sum[g], vec_near(a + i + g * WIDTH), vec_near(b + i + g * WIDTH));
    }
    for (; i < dim; i++) found = found + a[i] * b[i];
    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) found += vec_total(sum[g]);
    return found;
}

ISA static void add_times(double *sum, double factor, const double *row, uint32_t dim)
{
    const vec by = vec_all(factor);
    uint32_t i = 0;

    for (; i + WIDTH <= dim; i += WIDTH) vec_put(sum + i, vec_add_product(vec_near(sum + i), by, vec_near(row + i)));
    for (; i < dim; i++) sum[i] = sum[i] + factor * row[i];
}

ISA static float row_squares(const int16_t *row, const int16_t *q, uint32_t n, float limit)
{
    enum { LOOK_EVERY = 64 };
    float value = 0;

    for (uint32_t from = 0; from < n && value <= limit; from += LOOK_EVERY) {
        value += shorts_squares(row + from, q + from, n - from > LOOK_EVERY ? LOOK_EVERY : n - from);
    }
    return value;
}

/* Keys of several rows side by side: each is a chain of additions, in which one waits for the other. */
INSIDE void key_rows(double *key, const double *q, const double *const *row, unsigned n, uint32_t dim, double limit)
{
    enum { LOOK_EVERY = 64 };
    double sum[METRIC_KEYS];

    UNROLLED
    for (unsigned r = 0; r < n; r++) sum[r] = 0;
    for (uint32_t from = 0; from < dim; from += LOOK_EVERY) {
        const uint32_t to = dim - from > LOOK_EVERY ? from + LOOK_EVERY : dim;
        int near = 0;

        for (uint32_t j = from; j < to; j++) {
            UNROLLED
            for (unsigned r = 0; r < n; r++) {
                const double t = q[j] - row[r][j];

                sum[r] = sum[r] + t * t;
            }
        }
        UNROLLED
        for (unsigned r = 0; r < n; r++) near |= sum[r] <= limit;
        if (!near) break;
    }
    UNROLLED
    for (unsigned r = 0; r < n; r++) key[r] = sum[r];
}

ISA static void keys_squares(double *key, const double *q, const double *const *row, unsigned n, uint32_t dim, double limit)
{
    for (; n >= METRIC_KEYS; n -= METRIC_KEYS, key += METRIC_KEYS, row += METRIC_KEYS) key_rows(key, q, row, METRIC_KEYS, dim, limit);
    if (n & 4) {
        key_rows(key, q, row, 4, dim, limit);
        key += 4;
        row += 4;
    }
    if (n & 2) {
        key_rows(key, q, row, 2, dim, limit);
        key += 2;
        row += 2;
    }
    if (n & 1) key_rows(key, q, row, 1, dim, limit);
}
