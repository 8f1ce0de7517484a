/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels of k-NN searches, a part of kernels_body.h, which includes it; beside what is said there an instance defines
 *   uvec                   a vector of FWIDTH unsigned numbers of 32 bits
 *   uvec_load(p)           p need not be aligned
 *   uvec_from(first)       first, first + 1, ...
 *   fvec_shifted(v, before), fvec_last(v)   as for vec, but that fvec_last() has its last in all places
 *   fvec_first(v)          its first float
 *   fvec_least(v)          the least of its floats
 *   fvec_only(v, mask)     infinity where the mask has no bit
 *   put(value, number, v, u, mask)   writes what `mask` chooses of v and u side by side, and may write anything behind, FWIDTH each in all;
 *                          returns how many were chosen
 */

/* Each value moves what is greater up by one place: w[i] = min(w[i], max(w[i - 1], x)). */
INSIDE void move_up(fvec *w, unsigned vectors, float value)
{
    const fvec x = fvec_all(value), nothing = fvec_all(-INFINITY);

    UNROLLED
    for (unsigned g = vectors; g-- > 0;) w[g] = fvec_min(w[g], fvec_max(fvec_shifted(w[g], g > 0 ? w[g - 1] : nothing), x));
}

/* Puts the values in `mask` of a vector behind what is there; returns the new count. */
INSIDE size_t put_behind(struct metric_near *near, size_t count, const float *value, unsigned mask, uint32_t number)
{
    return count + put(near->value + count, near->number + count, fvec_load(value), uvec_from(number), mask);
}

/* Takes in the values that are in `mask`, all of them within the limit or nearly. How many these are in a vector is hard to predict, so they are put
 * side by side without asking and are sorted in one loop. A search that begins has many: the first of them keep out others. */
INSIDE void take_in(struct metric_near *near, const float *value, uint64_t mask, uint32_t number, unsigned length)
{
    enum { MOST = METRIC_SORTED_MAX / FWIDTH, MANY = 16 };
    const unsigned sorted = length / FWIDTH, all = (1U << FWIDTH) - 1;
    const unsigned step = sorted > 0 && __builtin_popcountll(mask) > MANY ? FWIDTH : METRIC_LANES;
    const fvec grow = fvec_all(near->grow), slack = fvec_all(near->slack);
    fvec bar = fvec_all(near->limit), w[MOST];
    size_t count = near->count, from = count;

    UNROLLED
    for (unsigned g = 0; g < sorted; g++) w[g] = fvec_load(near->sorted + g * FWIDTH);
    for (unsigned first = 0; first < METRIC_LANES; first += step) {
        if (step == FWIDTH) {
            count = put_behind(near, count, value + first, (unsigned)(mask >> first) & all & fvec_not_above(fvec_load(value + first), bar),
                               number + first);
        } else {
            UNROLLED
            for (unsigned at = 0; at < METRIC_LANES; at += FWIDTH) {
                count = put_behind(near, count, value + at, (unsigned)(mask >> at) & all, number + at);
            }
        }
        if (sorted == 0) continue;
        for (; from < count; from++) move_up(w, sorted, near->value[from]);
        bar = fvec_min(bar, fvec_add_product(slack, grow, fvec_last(w[sorted - 1])));
    }
    UNROLLED
    for (unsigned g = 0; g < sorted; g++) fvec_store(near->sorted + g * FWIDTH, w[g]);
    near->count = count;
    near->limit = fvec_first(bar);
}

ISA static void near_values(struct metric_near *near, const float value[METRIC_LANES], uint64_t mask, uint32_t number)
{
    if (near->length == 16) take_in(near, value, mask, number, 16);
    else if (near->length == 0) take_in(near, value, mask, number, 0);
    else take_in(near, value, mask, number, METRIC_SORTED_MAX);
}

/* Values of groups that do not pass are not written. */
INSIDE uint64_t near_lanes(float *value, const float *lane, const double *frame, const double *q, enum metric_sum how, uint32_t dim, float unit,
                           float limit)
{
    const fvec bar = fvec_all(limit);
    float centre[METRIC_DIM_MAX];
    uint64_t mask = 0;

    frame_query(centre, frame, q, dim);
    for (unsigned first = 0; first < METRIC_LANES; first += FGROUP * FWIDTH) {
        fvec sum[FGROUP];

        if (!sum_lanes(sum, lane, centre, first, FGROUP, how, dim, bar)) continue;
        UNROLLED
        for (unsigned g = 0; g < FGROUP; g++) {
            fvec_store(value + first + g * FWIDTH, fvec_mul(sum[g], fvec_all(unit)));
            mask |= (uint64_t)fvec_not_above(sum[g], bar) << (first + g * FWIDTH);
        }
    }
    return mask;
}

/* Bit i: value[i] <= limit, for the values from `at` on of n. */
INSIDE unsigned within_from(const float *value, size_t at, size_t n, fvec bar)
{
    const unsigned mask = fvec_not_above(fvec_load(value + at), bar);

    return n - at < FWIDTH ? mask & ((1U << (n - at)) - 1) : mask;
}

ISA static void near_drop(struct metric_near *near)
{
    const fvec bar = fvec_all(near->limit);
    size_t kept = 0;

    for (size_t at = 0; at < near->count; at += FWIDTH) {
        const unsigned mask = within_from(near->value, at, near->count, bar);

        kept += put(near->value + kept, near->number + kept, fvec_load(near->value + at), uvec_load(near->number + at), mask);
    }
    near->count = kept;
}

/* Numbers that are not negative are in the order of their bits. */
INSIDE uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

INSIDE float float_of(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The greatest of the values. */
INSIDE float greatest_of(const struct metric_near *near)
{
    fvec most = fvec_all(0);

    for (size_t at = 0; at < near->count; at += FWIDTH) {
        const unsigned mask = near->count - at < FWIDTH ? (1U << (near->count - at)) - 1 : (1U << FWIDTH) - 1;

        most = fvec_min(most, fvec_only(fvec_sub(fvec_all(0), fvec_load(near->value + at)), mask));
    }
    return 0 - fvec_least(most);
}

/* Dividing the interval of bits evenly finds a value in few steps whether they are of one size or of many, and costs no mispredicted branch, unlike
 * selection by pivots. In four parts: a step waits for what it has counted, not for counting. Mostly the k-th is within a power of two of the
 * greatest, or of the limit that all but a few are within, where the first steps look. */
ISA static void near_narrow(struct metric_near *near, size_t k)
{
    enum { STEPS = 12, BY_SIZE = 2, PARTS = 4, TWICE = 1 << 23 };
    const size_t few = k / 16 + 2;
    size_t top = near->count; /* how many are within `high` */
    uint32_t low = 0, high = bits_of(near->limit < 0x1p127F ? near->limit : greatest_of(near));
    float limit;

    for (unsigned i = 0; i < FWIDTH; i++) near->value[near->count + i] = INFINITY;
    for (int step = 0; step < STEPS && low < high && top > k + few; step++) {
        const uint32_t span = high - low, part = step < BY_SIZE && span > TWICE ? TWICE / PARTS : span / PARTS;
        const uint32_t end[PARTS] = { high - 3 * part, high - 2 * part, high - part, high };
        const fvec first = fvec_all(float_of(end[0])), second = fvec_all(float_of(end[1])), third = fvec_all(float_of(end[2]));
        size_t within[PARTS] = { 0, 0, 0, top };
        unsigned wanted;

        for (size_t at = 0; at < near->count; at += FWIDTH) {
            const fvec value = fvec_load(near->value + at);

            within[0] += (size_t)__builtin_popcount(fvec_not_above(value, first));
            within[1] += (size_t)__builtin_popcount(fvec_not_above(value, second));
            within[2] += (size_t)__builtin_popcount(fvec_not_above(value, third));
        }
        wanted = (unsigned)(within[0] < k) + (unsigned)(within[1] < k) + (unsigned)(within[2] < k);
        if (wanted > 0) low = end[wanted - 1] + 1;
        high = end[wanted];
        top = within[wanted];
    }
    limit = near->grow * float_of(high) + near->slack;
    if (limit < near->limit) near->limit = limit;
    near_drop(near);
}

/* By a value's place among all, which is how many are less: no branch depends on data. `side` at a time. */
INSIDE void order_from(uint32_t *order, const int32_t *all, size_t from, size_t n, size_t side)
{
    int32_t place[64] = { 0 };

    for (size_t j = 0; j < n; j++) {
        const int32_t other = all[j];

        for (size_t i = 0; i < side; i++) place[i] = other < all[from + i] ? place[i] + 1 : place[i];
    }
    for (size_t i = 0; i < side && from + i < n; i++) order[place[i]] = (uint32_t)(from + i);
}

/* The last bits make values differ. */
ISA static void near_order(uint32_t *order, const float *value, size_t n)
{
    int32_t all[METRIC_ORDERED_MAX];

    for (size_t i = 0; i < n; i++) all[i] = (int32_t)((bits_of(value[i]) & ~(uint32_t)(METRIC_ORDERED_MAX - 1)) | (uint32_t)i);
    for (size_t i = n; i < METRIC_ORDERED_MAX && i % 64 != 0; i++) all[i] = INT32_MAX;
    if (n <= 16) order_from(order, all, 0, n, 16);
    else if (n <= 32) order_from(order, all, 0, n, 32);
    else for (size_t from = 0; from < n; from += 64) order_from(order, all, from, n, 64);
}

/* The first place of the least of the values in `mask`, of SIDE vectors. */
INSIDE uint32_t least_place(const fvec *value, uint32_t mask)
{
    enum { SIDE = METRIC_FANOUT / FWIDTH };
    fvec least = fvec_all(INFINITY);
    uint32_t places = 0;

    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) least = fvec_min(least, fvec_only(value[g], mask >> g * FWIDTH));
    least = fvec_all(fvec_least(least));
    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) places |= fvec_not_above(value[g], least) << g * FWIDTH;
    return (uint32_t)__builtin_ctz(places & mask);
}

INSIDE uint32_t near_boxes(float *value, const float *box, const double *frame, const double *q, enum metric_sum how, uint32_t dim, uint32_t used)
{
    fvec sum[METRIC_FANOUT / FWIDTH];

    sum_boxes(sum, value, box, frame, q, how, dim);
    return least_place(sum, used);
}

ISA static unsigned near_push(float *bound, uint32_t *child, const float value[METRIC_FANOUT], const uint32_t *children, uint32_t mask, float unit,
                              float slack, float limit)
{
    const fvec times = fvec_all(unit), less = fvec_all(slack), bar = fvec_all(limit), most = fvec_all(0x1p127F);
    enum { SIDE = METRIC_FANOUT / FWIDTH };
    unsigned count = 0, nearest;
    uint32_t within = 0;
    fvec known[SIDE];

    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) {
        known[g] = fvec_mul(fvec_sub(fvec_min(fvec_load(value + g * FWIDTH), most), less), times); /* an infinite value says no more */
        within |= fvec_not_above(known[g], bar) << g * FWIDTH;
    }
    within &= mask;
    if (within == 0) return 0;
    nearest = (unsigned)__builtin_popcount(within & ((1U << least_place(known, within)) - 1));
    UNROLLED
    for (unsigned g = 0; g < SIDE; g++) {
        count += put(bound + count, child + count, known[g], uvec_load(children + g * FWIDTH), within >> g * FWIDTH & ((1U << FWIDTH) - 1));
    }
    const float kept = bound[nearest];
    const uint32_t first = child[nearest];

    bound[nearest] = bound[count - 1];
    child[nearest] = child[count - 1];
    bound[count - 1] = kept;
    child[count - 1] = first;
    return count;
}

ISA static void roots(double *out, const struct base_topk_entry *entry, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = sqrt(entry[i].key);
}
