/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_METRIC_H
#define METRIC_METRIC_H

#include "base/error.h"
#include "base/topk.h"

#include <pcct/metric.h>

#include <stddef.h>
#include <stdint.h>

/*
 * A metric is: which rows it takes (validate), where they stand inside (embed), how near two of them are (a *key*: a number that orders like the
 * distance and is cheap), bounds of keys over boxes, and the way from a key to the distance that users see.
 *
 * euclidean: stands where it is; key = squared distance.
 * haversine: latitude, longitude in degrees stand as unit vectors in 3 dimensions; key = squared chord; distance = 2 R asin(chord / 2).
 * manhattan: stands where it is; key = distance, the sum of the coordinates' differences without sign.
 * chebyshev: stands where it is; key = distance, the greatest of them.
 * cosine:    rows that are not zero stand as unit vectors; key = squared chord; distance = 1 - cos(angle) = key / 2.
 * angular:   the same; distance = angle in radians = 2 asin(chord / 2).
 * custom:    rows stand as they are; key = distance, what a function of the caller's returns (custom.h). No boxes, no kernels: nothing is known of
 *            keys but that they are distances.
 *
 * The key of two rows is defined once: t = a[j] - b[j] in double, key = key + t * t (or key + |t|, or the greater of key and |t|), for
 * j = 0, 1, ... in order, every operation rounded by itself (no fused multiply-add), which is what a plain loop anywhere computes. Every kernel
 * gives these bits. A box's bound is computed the same way from the distance to the nearest side; rounding is monotone, so the computed bound
 * never exceeds the computed key of a point in the box: bounds need no margin and are compared with <=.
 */
enum { METRIC_LANES = 64, METRIC_FANOUT = 16, METRIC_DIM_MAX = 4096, METRIC_SORTED_MAX = 32, METRIC_ORDERED_MAX = 128, METRIC_KEYS = 8,
       METRIC_PAIRS_DIM = 3, METRIC_SHORT_MAX = 8191 };

/* Coordinates of this magnitude and beyond are refused, so that no key overflows (4096 * 2^1002 < 2^1024). */
#define METRIC_COORDINATE_LIMIT 0x1p500

/*
 * The inner distance is what levels are about, and obeys the triangle inequality: the root of the key where it is a sum of squares, else the key.
 *
 * Levels of the cover tree: 2^level in units of inner distance. The least level reaches to 0 only, so that every non-zero key has a scale above it:
 * sums of squares get down to scale -537, other keys that are below 2^-1022 are all of the scale -1022. The greatest: a sum of sizes may come to
 * 4096 * 2^501 = 2^513.
 */
enum { METRIC_LEVEL_MIN = -1023, METRIC_LEVEL_MAX = 513 };

/* How the coordinates' differences make a key. */
enum metric_sum { METRIC_SQUARES, METRIC_SIZES, METRIC_GREATEST, METRIC_SUMS, METRIC_CALLED /* by the caller's function */ };

enum metric_isa { METRIC_ISA_BEST, METRIC_ISA_SCALAR, METRIC_ISA_AVX2, METRIC_ISA_AVX512, METRIC_ISA_NEON };

/*
 * The filter: nearly keys, in single precision, of 64 rows at a time. The rows of a block stand as y[j] = (float)((x[j] - centre[j]) * scale), where
 * scale is a power of two, at most METRIC_SCALE_MAX, for which every |y[j]| <= 1; a query is treated in the same way and may come to anything, also
 * infinity. The filter's value f is the sum that makes a key, of the differences between these, in float. In the block's unit a key is
 * key * metric_unit(scale), and
 *     f <= grow * key * unit + slack    and    key * unit <= grow * f + slack,
 * whatever the data, but that an f beyond a float's range says no more than that (docs/algorithm.md has the proof). So nothing is missed that lies
 * within a limit when f is compared with metric_filter_limit(), and few are met in vain. Filter values may differ from processor to processor; what
 * is decided by them may not.
 */
struct metric_filter {
    double grow, slack;
};
#define METRIC_SCALE_MAX 0x1p480 /* keys that underflow are then below the slack */

/* What a k-NN search knows so far: filter's values that may be among the k nearest, in the unit of the query, and a limit for those to come. */
struct metric_near {
    _Alignas(64) float sorted[METRIC_SORTED_MAX]; /* the least values, ascending; of `length` the last is the k-th */
    float *value;                                 /* aligned; and behind those that are there room for 16 */
    uint32_t *number;
    size_t count;
    unsigned length;                              /* 16, METRIC_SORTED_MAX, or 0: nothing is kept sorted */
    float limit;
    float grow, slack;                            /* limit = grow * k-th value + slack */
};

/*
 * Kernels over the lanes of a block, coordinate-major lane[dim][64], and over 16 boxes, coordinate-major box[2][dim][16] (least sides, then
 * greatest). frame: scale, then centre[dim]. Arrays are 64-byte aligned, but for q and frames. Each writes the values that pass, all bounds, and
 * returns a mask with a bit for each that passes; lanes beyond the used ones hold anything finite and are masked out by the caller.
 */
struct metric_kernels {
    const char *name;
    /* filter's value <= limit */
    uint64_t (*lanes)(float value[METRIC_LANES], const float *lane, const double *frame, const double *q, uint32_t dim, float limit);
    /* filter's value <= min(limit, reach[i]), for lanes of which it is known that every value is at least `bound`; groups of 16 whose reaches are all
     * below that are passed over, their values not written */
    uint64_t (*lanes_reaching)(float value[METRIC_LANES], const float *lane, const float *reach, const double *frame, const double *q, uint32_t dim,
                               float limit, float bound);
    /*
     * For k-NN, whose values are all in the unit of the query: a block's or an inner node's times `unit`, a power of two.
     * near_lanes: as lanes(), the limit in the block's unit, the values that it writes in the query's. near_values takes in the values in `mask`,
     * lane i as number + i: all are put behind what is there, and the limit is lowered if the nearest are kept sorted. A few that are above the
     * limit do no harm. There is room for 64 + 16 more.
     */
    uint64_t (*near_lanes)(float value[METRIC_LANES], const float *lane, const double *frame, const double *q, uint32_t dim, float unit,
                           float limit);
    void (*near_values)(struct metric_near *near, const float value[METRIC_LANES], uint64_t mask, uint32_t number);
    /* Lowers the limit to grow * v + slack, where the k-th least value is at most v, and v is hardly greater: no more than a few places. Then drops.
     * At least k are there. */
    void (*near_narrow)(struct metric_near *near, size_t k);
    /* Leaves the values that are within the limit. */
    void (*near_drop)(struct metric_near *near);
    /* order[0..n-1]: the places of n <= METRIC_ORDERED_MAX values, ascending but for some that hardly differ. */
    void (*near_order)(uint32_t *order, const float *value, size_t n);
    /* Filter's values of boxes, in the unit of their frame. Returns the slot with the least of those that are used, which is one at least. */
    uint32_t (*near_boxes)(float value[METRIC_FANOUT], const float *box, const double *frame, const double *q, uint32_t dim, uint32_t used);
    /* Writes the bounds (value - slack) * unit, that are within the limit, of the slots in `mask`, and their children, side by side; the last of them
     * is the nearest. Returns how many; there is room for 16. */
    unsigned (*near_push)(float *bound, uint32_t *child, const float value[METRIC_FANOUT], const uint32_t *children, uint32_t mask, float unit,
                          float slack, float limit);
    /*
     * The same for 64 queries side by side that are the lanes of a block, in at most METRIC_PAIRS_DIM dimensions: near[i] is what query i has found,
     * limit[i] its limit, near[i]->limit, or below 0: it does not ask.
     * pair_own begins: the first `count` lanes look for their k nearest, k < count and <= METRIC_SORTED_MAX, among each other, not themselves, lane i
     * having the number number + i; the others' limits become -1. What was in near[], and before in limit[], is overwritten but for what
     * near_values() leaves alone.
     * pair_boxes: frames queries, place[dim][64], as another block sees them, centre[dim][64], and returns those who may find something in its box;
     * `frame`: scale, centre[dim], least sides[dim], greatest sides[dim]; limit[i] times per_unit is in that block's unit.
     * pair_lanes: near_lanes() and near_values() for each of these. Returns the greatest of their counts.
     */
    void (*pair_own)(struct metric_near *const near[METRIC_LANES], float limit[METRIC_LANES], const float *lane, uint32_t dim, unsigned count,
                     uint32_t number, size_t k);
    uint64_t (*pair_boxes)(float *centre, const double *place, uint32_t dim, const double *frame, const float limit[METRIC_LANES], float per_unit);
    size_t (*pair_lanes)(struct metric_near *const near[METRIC_LANES], float limit[METRIC_LANES], uint64_t asking, const float *lane,
                         const float *centre, uint32_t dim, float unit, uint64_t used, uint32_t number);
    /* Square roots of keys. */
    void (*roots)(double *out, const struct base_topk_entry *entry, size_t n);
    /* Keys that nothing in a box is below, by the filter: boxes in the unit of a frame, rounded as rows are. bound <= limit; bound <= min(limit,
     * reach[i]). */
    uint32_t (*boxes)(double bound[METRIC_FANOUT], const float *box, const double *frame, const struct metric_filter *filter, const double *q,
                      uint32_t dim, double limit);
    uint32_t (*boxes_reaching)(double bound[METRIC_FANOUT], const float *box, const double *reach, const double *frame,
                               const struct metric_filter *filter, const double *q, uint32_t dim, double limit);
    /* The same in double precision: the key of the nearest place in the box, with the bits that metric_key() gives it. */
    uint32_t (*boxes_exact)(double bound[METRIC_FANOUT], const double *box, const double *q, uint32_t dim, double limit);

    /* Rows, coordinate after coordinate, of metrics that sum squares (basis.h). Their values differ by kind of kernel, but for keys(). */

    /* Takes from `rest` its share along each of so many axes, one after the other: along[a] = rest * axis[a], rest -= along[a] axis[a]. */
    void (*project)(double *along, double *rest, const float *axis, uint32_t dim, uint32_t axes);
    double (*product)(const double *a, const double *b, uint32_t dim);
    void (*add_times)(double *sum, double factor, const double *row, uint32_t dim); /* sum += factor * row */
    /* The sum of the squared differences of n whole numbers, a multiple of 16, none above METRIC_SHORT_MAX in size, nearly; or, when it is above the
     * limit, something above it. */
    float (*row_squares)(const int16_t *row, const int16_t *q, uint32_t n, float limit);
    /* metric_key() of n rows, to the bit; where it is above the limit, something above it. Best for METRIC_KEYS rows at a time. */
    void (*keys)(double *key, const double *q, const double *const *row, unsigned n, uint32_t dim, double limit);
};

/* A custom metric's function; distance NULL: it is not registered. */
struct metric_custom {
    char name[PCCT_METRIC_NAME_BYTES];
    double (*distance)(void *ctx, const double *a, const double *b);
    void (*distances)(void *ctx, double *out, const double *q, const double *const *rows, size_t n);
    void *ctx;
};

struct metric_calls;

struct metric {
    int id;              /* pinned: it stands in SUPER */
    const char *name;
    uint32_t input_dim;  /* columns of the caller's rows */
    uint32_t dim;        /* columns inside */
    enum metric_sum sum;
    int embeds;          /* inner rows differ from the caller's */
    struct metric_filter filter;
    const struct metric_kernels *kernels; /* NULL: METRIC_CALLED */
    const struct metric_flat *flat;       /* METRIC_SQUARES: the kernels of a flat scan (flat.h); else NULL */
    struct metric_custom custom;
    struct metric_calls *calls;           /* METRIC_CALLED: where evaluations are noted; borrowed by whoever is about to ask for keys */
};

enum { METRIC_EUCLIDEAN = 1, METRIC_HAVERSINE = 2, METRIC_MANHATTAN = 3, METRIC_CHEBYSHEV = 4, METRIC_COSINE = 5, METRIC_ANGULAR = 6 };
enum { METRIC_CUSTOM = 64 }; /* numbers below are for built-in ones */

/* Kernels chosen by what the processor has, or the ones asked for (tests); NULL when the processor lacks them. */
const struct metric_kernels *metric_kernels_choose(enum metric_sum sum, enum metric_isa isa);

/* Errors: INVALID (unknown name; a dimension that the metric does not take), naming what is allowed. */
int metric_init(struct metric *metric, const char *name, uint32_t input_dim, enum metric_isa isa, struct pcct_error *err);
const char *metric_name(int id); /* of a built-in one; NULL when there is none */
/* The name of this one, borrowed from it. */
static inline const char *metric_called(const struct metric *metric) { return metric->id == METRIC_CUSTOM ? metric->custom.name : metric->name; }
/* Whether keys are a function's, so that there are no boxes to search. */
static inline int metric_is_custom(const struct metric *metric) { return metric->sum == METRIC_CALLED; }
/* Whether there are keys at all. */
static inline int metric_has_keys(const struct metric *metric) { return metric->sum != METRIC_CALLED || metric->custom.distance; }

/* Checks n rows. After POINT, *bad_row is the first bad row and the message names it (as first_row + row), the fault and how many rows are bad. */
int metric_validate(size_t *bad_row, const struct metric *metric, const double *rows, size_t n, size_t first_row, struct pcct_error *err);

/* place[n x dim] from valid rows[n x input_dim]. Same bits on every machine: polynomials of our own, no libm. */
void metric_embed(double *place, const struct metric *metric, const double *rows, size_t n);

/* The key of two inner rows, by definition above. */
double metric_key(const struct metric *metric, const double *a, const double *b);

/* key[n] of q and the rows of numbers number[], row i at rows + i * stride. Not for custom metrics. */
void metric_keys(double *key, const struct metric *metric, const double *q, const double *rows, size_t stride, const uint32_t *number, size_t n);

/* What a key is multiplied by to be in the unit of rows that are multiplied by `scale`. Exact, and so is the product unless it leaves the range. */
static inline double metric_unit(const struct metric *metric, double scale)
{
    return metric->sum == METRIC_SQUARES ? scale * scale : scale;
}

/* The filter's value of a row is at most this when its key is at most `limit`, in the block's unit. */
static inline float metric_filter_limit(const struct metric *metric, double limit)
{
    return (float)((metric->filter.grow * limit + metric->filter.slack) * (1 + 0x1p-22)); /* rounding to float takes away less than was added */
}

/* From key to the distance in the user's unit. Monotone. */
double metric_distance(const struct metric *metric, double key);
/* The same of the keys of n entries. */
void metric_distances(double *out, const struct metric *metric, const struct base_topk_entry *entry, size_t n);

/* The greatest key whose metric_distance() is at most `distance`, which is at least 0 and may be infinite: for every key of two points
 * metric_distance(key) <= distance exactly when key <= metric_limit(distance). */
double metric_limit(const struct metric *metric, double distance);

/* The inner distance of a key (its square root, or itself), rounded to nearest. */
double metric_inner(const struct metric *metric, double key);

/* Least i with key <= metric_reach(i), exactly, from the exponent; key > 0. Above METRIC_LEVEL_MIN. */
int metric_scale(const struct metric *metric, double key);
/* The key of inner distance 2^level: exactly 4^level, 0 where that is below the least positive double (no non-zero key is, so comparisons hold); for
 * keys that are no squares exactly 2^level, and 0 at METRIC_LEVEL_MIN. */
double metric_reach(const struct metric *metric, int level);

#endif
