/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels of self-joins for k-NN, in which 64 queries stand side by side as the lanes of a block do; a part of kernels_body.h, which includes it.
 */

/* Frames queries as a block sees them, and tells which of them may find something in its box: rounding is monotone, so the sides are rounded as its
 * rows are and no value of a row is below the box's. */
INSIDE uint64_t pair_boxes(float *centre, const double *place, const double *frame, const float *limit, float per_unit, enum metric_sum how,
                           uint32_t dim)
{
    const fvec nothing = fvec_all(0), times = fvec_all(per_unit);
    const double *low = frame + 1 + dim, *high = low + dim;
    uint64_t mask = 0;

    for (uint32_t j = 0; j < dim; j++) {
        for (unsigned i = 0; i < METRIC_LANES; i++) {
            centre[j * METRIC_LANES + i] = (float)((place[j * METRIC_LANES + i] - frame[1 + j]) * frame[0]);
        }
    }
    for (unsigned at = 0; at < METRIC_LANES; at += FWIDTH) {
        fvec sum = nothing;

        for (uint32_t j = 0; j < dim; j++) {
            const fvec middle = fvec_load(centre + j * METRIC_LANES + at);
            const fvec least = fvec_all((float)((low[j] - frame[1 + j]) * frame[0])), most = fvec_all((float)((high[j] - frame[1 + j]) * frame[0]));

            sum = filter_up(sum, OUTSIDE(fvec, least, middle, most, nothing), how);
        }
        mask |= (uint64_t)fvec_not_above(sum, fvec_mul(fvec_load(limit + at), times)) << at;
    }
    return mask;
}

/* Compares the queries in `asking`, as centre[] has them, with the lanes of a block. Returns the greatest count. */
INSIDE size_t pair_lanes(struct metric_near *const *near, float *limit, uint64_t asking, const float *lane, const float *centre, float unit,
                         uint64_t used, uint32_t number, enum metric_sum how, uint32_t dim)
{
    const float per_unit = 1 / unit;
    size_t most = 0;

    for (; asking != 0; asking &= asking - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(asking);
        const fvec bar = fvec_all(limit[i] * per_unit);
        _Alignas(64) float value[METRIC_LANES];
        float middle[METRIC_PAIRS_DIM];
        uint64_t mask = 0;

        for (uint32_t j = 0; j < dim; j++) middle[j] = centre[j * METRIC_LANES + i];
        for (unsigned first = 0; first < METRIC_LANES; first += FGROUP * FWIDTH) {
            fvec sum[FGROUP];

            sum_lanes(sum, lane, middle, first, FGROUP, how, dim, bar);
            UNROLLED
            for (unsigned g = 0; g < FGROUP; g++) {
                fvec_store(value + first + g * FWIDTH, fvec_mul(sum[g], fvec_all(unit)));
                mask |= (uint64_t)fvec_not_above(sum[g], bar) << (first + g * FWIDTH);
            }
        }
        near_values(near[i], value, mask & used, number);
        limit[i] = near[i]->limit;
        most = near[i]->count > most ? near[i]->count : most;
    }
    return most;
}

/* ---- the block itself --------------------------------------------------------------------------------------------------------------------- */

/*
 * A block against itself: value[i][j], of lane i for the query that is lane j, or the other way round, which is the same to the bit. The least of
 * each column are sorted for a vector of queries at once, by Batcher's networks, which branch nowhere.
 */
INSIDE void exchange(fvec *a, fvec *b)
{
    const fvec lesser_one = fvec_min(*a, *b);

    *b = fvec_max(*a, *b);
    *a = lesser_one;
}

/* merge_n: n vectors, r apart, both halves of which are in order; sort_n: any n; bitonic_n: those that rise and then fall, or can be turned so. */
INSIDE void merge_2(fvec *w, unsigned r) { exchange(w, w + r); }
INSIDE void sort_2(fvec *w) { exchange(w, w + 1); }
INSIDE void bitonic_2(fvec *w) { exchange(w, w + 1); }

#define NETWORKS(n, half)                                                                     \
    INSIDE void merge_##n(fvec *w, unsigned r)                                                \
    {                                                                                         \
        merge_##half(w, 2 * r);                                                               \
        merge_##half(w + r, 2 * r);                                                           \
        UNROLLED                                                                              \
        for (unsigned i = 1; i + 1 < (n); i += 2) exchange(w + i * r, w + (i + 1) * r);       \
    }                                                                                         \
    INSIDE void sort_##n(fvec *w)                                                             \
    {                                                                                         \
        sort_##half(w);                                                                       \
        sort_##half(w + (half));                                                              \
        merge_##n(w, 1);                                                                      \
    }                                                                                         \
    INSIDE void bitonic_##n(fvec *w)                                                          \
    {                                                                                         \
        UNROLLED                                                                              \
        for (unsigned i = 0; i < (half); i++) exchange(w + i, w + (half) + i);                \
        bitonic_##half(w);                                                                    \
        bitonic_##half(w + (half));                                                           \
    }
NETWORKS(4, 2)
NETWORKS(8, 4)
NETWORKS(16, 8)
NETWORKS(32, 16)

/* The `length` least of a vector of columns, in order. */
INSIDE void least_of_columns(fvec *w, const float *value, unsigned length)
{
    fvec more[METRIC_SORTED_MAX];

    for (unsigned first = 0; first < METRIC_LANES; first += length) {
        fvec *to = first == 0 ? w : more;

        UNROLLED
        for (unsigned i = 0; i < length; i++) to[i] = fvec_load(value + (first + i) * METRIC_LANES);
        if (length == 16) sort_16(to);
        else sort_32(to);
        if (first == 0) continue;
        UNROLLED
        for (unsigned i = 0; i < length; i++) w[i] = fvec_min(w[i], more[length - 1 - i]);
        if (length == 16) bitonic_16(w);
        else bitonic_32(w);
    }
}

/* Limits of the queries that are lanes from `at` on. */
INSIDE void limit_columns(struct metric_near *const *near, float *limit, unsigned at, unsigned count, const float *value, size_t k, unsigned length)
{
    const fvec grow = fvec_all(near[0]->grow), slack = fvec_all(near[0]->slack);
    fvec w[METRIC_SORTED_MAX];
    _Alignas(64) float least[METRIC_SORTED_MAX * FWIDTH];

    least_of_columns(w, value + at, length);
    fvec_store(limit + at, fvec_add_product(slack, grow, w[k - 1]));
    for (unsigned r = 0; r < length; r++) fvec_store(least + r * FWIDTH, w[r]);
    for (unsigned i = 0; i < FWIDTH && at + i < count; i++) {
        float *sorted = near[at + i]->sorted + (length - k);

        for (unsigned r = 0; r < k; r++) sorted[r] = least[r * FWIDTH + i];
        near[at + i]->limit = limit[at + i];
    }
}

INSIDE void pair_own(struct metric_near *const *near, float *limit, const float *lane, unsigned count, uint32_t number, size_t k,
                     enum metric_sum how, uint32_t dim)
{
    const uint64_t used = UINT64_MAX >> (METRIC_LANES - count);
    _Alignas(64) float value[METRIC_LANES * METRIC_LANES];

    for (unsigned i = 0; i < METRIC_LANES; i++) {
        for (unsigned at = 0; at < METRIC_LANES; at += FWIDTH) {
            fvec sum = fvec_all(i < count ? 0 : INFINITY);

            for (uint32_t j = 0; j < dim; j++) {
                sum = filter_up(sum, fvec_sub(fvec_load(lane + j * METRIC_LANES + at), fvec_all(lane[j * METRIC_LANES + i])), how);
            }
            fvec_store(value + i * METRIC_LANES + at, sum);
        }
        value[i * METRIC_LANES + i] = INFINITY;
    }
    for (unsigned at = 0; at < count; at += FWIDTH) {
        if (k <= 16) limit_columns(near, limit, at, count, value, k, 16);
        else limit_columns(near, limit, at, count, value, k, METRIC_SORTED_MAX);
    }
    for (unsigned i = 0; i < count; i++) {
        const fvec bar = fvec_all(limit[i]);
        const float *row = value + i * METRIC_LANES;
        size_t found = 0;

        for (unsigned at = 0; at < METRIC_LANES; at += FWIDTH) {
            found = put_behind(near[i], found, row + at, fvec_not_above(fvec_load(row + at), bar) & (unsigned)(used >> at), number + at);
        }
        near[i]->count = found;
    }
    for (unsigned i = count; i < METRIC_LANES; i++) limit[i] = -1;
}
