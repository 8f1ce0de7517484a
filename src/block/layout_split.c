/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_split.h"

#include "base/random.h"

#include <assert.h>
#include <string.h>

void block_record_set(const struct block_records *records, size_t i, uint32_t node)
{
    struct block_record *record = block_record_at(records, i);

    record->node = node;
    if (!records->looked_up) {
        memcpy(record->place, records->source->place + (size_t)node * records->dim, records->dim * sizeof(double));
    }
}

/* ---- widest axis -------------------------------------------------------------------------------------------------------------------------- */

enum { AXES_AT_ONCE = 16 };

/* Widths of `axes` axes from `first` on; the box is kept in registers or at least on one line of the cache. */
static void widths(double *width, const struct block_records *records, size_t begin, size_t end, uint32_t first, uint32_t axes)
{
    double low[AXES_AT_ONCE], high[AXES_AT_ONCE];
    const double *place = block_record_place(records, block_record_at(records, begin)) + first;

    for (uint32_t j = 0; j < axes; j++) low[j] = high[j] = place[j];
    for (size_t i = begin + 1; i < end; i++) {
        place = block_record_place(records, block_record_at(records, i)) + first;
        for (uint32_t j = 0; j < axes; j++) {
            low[j] = place[j] < low[j] ? place[j] : low[j];
            high[j] = place[j] > high[j] ? place[j] : high[j];
        }
    }
    for (uint32_t j = 0; j < axes; j++) width[j] = high[j] - low[j];
}

static uint32_t widest_axis(const struct block_records *records, size_t begin, size_t end)
{
    uint32_t widest = 0;
    double most = -1;

    for (uint32_t first = 0; first < records->dim; first += AXES_AT_ONCE) {
        const uint32_t axes = records->dim - first < AXES_AT_ONCE ? records->dim - first : AXES_AT_ONCE;
        double width[AXES_AT_ONCE];

        widths(width, records, begin, end, first, axes);
        for (uint32_t j = 0; j < axes; j++) {
            if (width[j] > most) {
                most = width[j];
                widest = first + j;
            }
        }
    }
    return widest;
}

/* ---- selection ---------------------------------------------------------------------------------------------------------------------------- */

/* What records are compared by. */
struct rank {
    double key;
    uint32_t node;
};

static inline struct rank rank_of(const struct block_records *records, size_t i, uint32_t axis)
{
    const struct block_record *record = block_record_at(records, i);

    return (struct rank){ block_record_place(records, record)[axis], record->node };
}

static int tie_less(const struct block_source *source, uint32_t a, uint32_t b)
{
    const int64_t label_a = block_source_label(source, a), label_b = block_source_label(source, b);

    return label_a < label_b || (label_a == label_b && a < b);
}

static inline int rank_less(const struct block_records *records, struct rank a, struct rank b)
{
    return a.key < b.key || (a.key == b.key && tie_less(records->source, a.node, b.node));
}

static inline void swap_records(const struct block_records *records, size_t a, size_t b)
{
    uint64_t *x = (uint64_t *)(void *)block_record_at(records, a), *y = (uint64_t *)(void *)block_record_at(records, b);

    for (size_t i = 0; i < records->record_bytes / sizeof *x; i++) {
        const uint64_t kept = x[i];

        x[i] = y[i];
        y[i] = kept;
    }
}

enum { SAMPLE = 31, SAMPLED_FROM = 512 };

/* A rank to divide [low, high] at: near where `middle` stands, from a random sample when there are many, else the middle one of three. */
static struct rank pivot_of(const struct block_records *records, size_t low, size_t high, size_t middle, uint32_t axis, struct base_random *random)
{
    const size_t count = high - low + 1, size = count >= SAMPLED_FROM ? SAMPLE : 3;
    const size_t wanted = (size_t)((double)(middle - low) / (double)count * (double)size);
    struct rank sample[SAMPLE];

    for (size_t i = 0; i < size; i++) {
        const struct rank r = rank_of(records, low + base_random_below(random, count), axis);
        size_t at = i;

        for (; at > 0 && rank_less(records, r, sample[at - 1]); at--) sample[at] = sample[at - 1];
        sample[at] = r;
    }
    return sample[count >= SAMPLED_FROM ? wanted : 1];
}

/* Hoare's selection. The order of records is total and strict, so equal coordinates do not slow it; the sample is random (the seed is not: the
 * moves are the same for any number of threads), so no input does. */
static void select_records(const struct block_records *records, size_t begin, size_t middle, size_t end, uint32_t axis)
{
    size_t low = begin, high = end - 1;
    struct base_random random;

    base_random_seed(&random, end - begin);
    while (low < high) {
        const struct rank pivot = pivot_of(records, low, high, middle, axis, &random);
        size_t i = low, j = high;

        while (i <= j) {
            while (rank_less(records, rank_of(records, i, axis), pivot)) i++;
            while (rank_less(records, pivot, rank_of(records, j, axis))) j--;
            if (i > j) break;
            swap_records(records, i++, j);
            if (j-- == low) break;
        }
        if (j != SIZE_MAX && middle <= j) high = j;
        else if (middle >= i) low = i;
        else return;
    }
}

struct block_plane block_records_split(const struct block_records *records, size_t begin, size_t middle, size_t end)
{
    const uint32_t axis = widest_axis(records, begin, end);

    assert(begin < middle && middle < end);
    select_records(records, begin, middle, end, axis);
    return block_plane_at(records->source, records->dim, axis, block_record_at(records, middle)->node);
}

/* ---- into lanes --------------------------------------------------------------------------------------------------------------------------- */

/* A record on its way into a lane. */
struct coming {
    double reach;
    const double *place;
    uint32_t node;
};

/* Those that reach farthest first, then by node. */
static void order_records(struct coming *coming, const struct block_records *records, size_t begin, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct block_record *record = block_record_at(records, begin + i);
        const struct coming next = { block_source_reach(records->source, record->node), block_record_place(records, record), record->node };
        uint32_t at = i;

        for (; at > 0 && (coming[at - 1].reach < next.reach || (coming[at - 1].reach == next.reach && coming[at - 1].node > next.node)); at--) {
            coming[at] = coming[at - 1];
        }
        coming[at] = next;
    }
}

/* Box and least label. */
static void write_box(struct block_layout *layout, uint32_t block, const struct block_source *source, const struct coming *coming, uint32_t count)
{
    double *low = block_low(layout, block), *high = block_high(layout, block);
    int64_t least = INT64_MAX;

    for (uint32_t i = 0; i < count; i++) {
        const int64_t label = block_source_label(source, coming[i].node);

        least = label < least ? label : least;
    }
    *block_least(layout, block) = least;
    for (uint32_t j = 0; j < layout->dim; j++) {
        double from = coming[0].place[j], to = from;

        for (uint32_t i = 1; i < count; i++) {
            from = coming[i].place[j] < from ? coming[i].place[j] : from;
            to = coming[i].place[j] > to ? coming[i].place[j] : to;
        }
        low[j] = from;
        high[j] = to;
    }
}

/* The records have their coordinates at hand, which the source has not. */
void block_records_write(struct block_layout *layout, uint32_t block, const struct block_records *records, size_t begin, size_t end)
{
    const uint32_t count = (uint32_t)(end - begin);
    const double *frame = block_frame(layout, block);
    float *lane = block_lanes(layout, block), *reach = block_reaches(layout, block);
    struct coming coming[METRIC_LANES];

    assert(begin < end && end - begin <= METRIC_LANES);
    order_records(coming, records, begin, count);
    write_box(layout, block, records->source, coming, count);
    block_frame_box(layout, block);
    for (uint32_t i = 0; i < count; i++) {
        block_nodes(layout, block)[i] = coming[i].node;
        block_where(layout)[coming[i].node] = block * METRIC_LANES + i;
        reach[i] = block_reach_kept(layout, block, coming[i].node, coming[i].reach);
        block_write_row(layout, block, i, coming[i].place, block_source_label(records->source, coming[i].node));
    }
    for (uint32_t j = 0; j < layout->dim; j++, lane += METRIC_LANES) {
        for (uint32_t i = 0; i < count; i++) lane[i] = block_framed(frame, j, coming[i].place[j]);
    }
    block_link_of(layout, block)->count = (uint16_t)count;
    block_clear_lanes(layout, block, count);
}

/* ---- into several blocks ------------------------------------------------------------------------------------------------------------------ */

enum { STACK = 64 };

/* A run of records that becomes so many blocks. */
struct run {
    size_t begin, end;
    uint32_t first, count;
};

uint32_t block_share_begin(uint32_t blocks, uint32_t inners, uint32_t i)
{
    return (uint32_t)((uint64_t)blocks * i / inners);
}

uint32_t block_share_owner(uint32_t blocks, uint32_t inners, uint32_t b)
{
    return (uint32_t)((((uint64_t)b + 1) * inners - 1) / blocks);
}

/* After how many blocks a run is cut: between the inner nodes that its blocks go to, as long as there are several. */
static uint32_t cut_of(const struct run *run, uint32_t blocks, uint32_t inners)
{
    const uint32_t from = block_share_owner(blocks, inners, run->first), to = block_share_owner(blocks, inners, run->first + run->count - 1);

    return from == to ? run->count / 2 : block_share_begin(blocks, inners, from + (to - from + 1) / 2) - run->first;
}

void block_records_share(struct block_cut *cut, struct block_layout *layout, const struct block_records *records, size_t begin, size_t end,
                         const uint32_t *number, uint32_t blocks, uint32_t inners)
{
    struct run waiting[STACK] = { { begin, end, 0, blocks } };
    size_t count = 1;

    while (count > 0) {
        struct run at = waiting[--count];

        while (at.count > 1) {
            const uint32_t left = cut_of(&at, blocks, inners);
            const size_t middle = at.begin + (at.end - at.begin) * left / at.count;

            *cut++ = (struct block_cut){ block_records_split(records, at.begin, middle, at.end), at.first, at.first + left };
            assert(count < STACK);
            waiting[count++] = (struct run){ middle, at.end, at.first + left, at.count - left };
            at.end = middle;
            at.count = left;
        }
        block_records_write(layout, number[at.first], records, at.begin, at.end);
    }
}
