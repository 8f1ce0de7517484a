/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hilbert.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/par.h"
#include "base/sort.h"

#include <assert.h>

enum { AXES_MAX = 8, BITS_MAX = 16, GRAIN = 4096 };

/*
 * Skilling's method: the Gray code of the cell's bits, taken one bit of all axes at a time, would be the position if the curve had the same
 * orientation in every sub-cube. It has not: each sub-cube's curve is mirrored or has two axes exchanged, and undoing that from the greatest
 * cube down to the least makes it so.
 */
uint64_t base_hilbert_code(uint32_t *cell, uint32_t axes, uint32_t bits)
{
    uint32_t top, mirrored = 0;
    uint64_t code = 0;

    assert(axes >= 1 && axes <= AXES_MAX && bits >= 1 && bits <= BITS_MAX && axes * bits <= 64);
    top = 1u << (bits - 1);
    for (uint32_t bit = top; bit > 1; bit >>= 1) {
        uint32_t below = bit - 1;

        for (uint32_t axis = 0; axis < axes; axis++) {
            if (cell[axis] & bit) {
                cell[0] ^= below;
            } else {
                uint32_t exchange = (cell[0] ^ cell[axis]) & below;

                cell[0] ^= exchange;
                cell[axis] ^= exchange;
            }
        }
    }
    for (uint32_t axis = 1; axis < axes; axis++) cell[axis] ^= cell[axis - 1];
    for (uint32_t bit = top; bit > 1; bit >>= 1) {
        if (cell[axes - 1] & bit) mirrored ^= bit - 1;
    }
    for (uint32_t bit = bits; bit-- > 0;) {
        for (uint32_t axis = 0; axis < axes; axis++) code = code << 1 | ((cell[axis] ^ mirrored) >> bit & 1);
    }
    return code;
}

/* Cells are cubes: the longest side of the bounding box is cut into 2^bits, so that near along the curve is near in every axis alike. */
struct ordering {
    const double *rows;
    uint32_t dim, axes, bits;
    double (*box)[2][AXES_MAX]; /* [threads]: half of the least and of the greatest coordinates, so that their difference is finite */
    double side;                /* longest, halved */
    struct base_pair *pairs;
};

static void widen_box(void *ctx, size_t begin, size_t end, int thread)
{
    struct ordering *ordering = ctx;
    double(*box)[AXES_MAX] = ordering->box[thread];

    for (size_t row = begin; row < end; row++) {
        for (uint32_t axis = 0; axis < ordering->axes; axis++) {
            double half = ordering->rows[row * ordering->dim + axis] * 0.5;

            if (half < box[0][axis]) box[0][axis] = half;
            if (half > box[1][axis]) box[1][axis] = half;
        }
    }
}

static void find_codes(void *ctx, size_t begin, size_t end, int thread)
{
    struct ordering *ordering = ctx;
    double cells = (double)(1u << ordering->bits);

    (void)thread;
    for (size_t row = begin; row < end; row++) {
        uint32_t cell[AXES_MAX];

        for (uint32_t axis = 0; axis < ordering->axes; axis++) {
            double half = ordering->rows[row * ordering->dim + axis] * 0.5 - ordering->box[0][0][axis];
            double place = ordering->side > 0 ? half / ordering->side * cells : 0;

            cell[axis] = place < cells ? (uint32_t)place : (uint32_t)cells - 1;
        }
        ordering->pairs[row] = (struct base_pair){base_hilbert_code(cell, ordering->axes, ordering->bits), row};
    }
}

static void join_boxes(struct ordering *ordering, int threads)
{
    double(*joined)[AXES_MAX] = ordering->box[0];

    for (uint32_t axis = 0; axis < ordering->axes; axis++) {
        for (int thread = 1; thread < threads; thread++) {
            double(*box)[AXES_MAX] = ordering->box[thread];

            if (box[0][axis] < joined[0][axis]) joined[0][axis] = box[0][axis];
            if (box[1][axis] > joined[1][axis]) joined[1][axis] = box[1][axis];
        }
        if (joined[1][axis] - joined[0][axis] > ordering->side) ordering->side = joined[1][axis] - joined[0][axis];
    }
}

int base_hilbert_order(uint32_t *order, const double *rows, size_t n, uint32_t dim, const struct base_env *env, struct pcct_error *err)
{
    int threads = base_par_threads(env), status = 0;
    uint32_t axes = dim < AXES_MAX ? dim : AXES_MAX, bits = 64 / axes < BITS_MAX ? 64 / axes : BITS_MAX;
    struct ordering ordering = {.rows = rows, .dim = dim, .axes = axes, .bits = bits};

    assert(dim >= 1 && n <= UINT32_MAX);
    if (n == 0) return 0;
    TRY(base_take(&ordering.box, env, (size_t)threads, sizeof(*ordering.box), err));
    TRY(base_take(&ordering.pairs, env, n, sizeof(*ordering.pairs), err));
    for (int thread = 0; thread < threads; thread++) {
        for (uint32_t axis = 0; axis < axes; axis++) ordering.box[thread][0][axis] = ordering.box[thread][1][axis] = rows[axis] * 0.5;
    }
    base_par_for(env, n, GRAIN, widen_box, &ordering);
    join_boxes(&ordering, threads);
    base_par_for(env, n, GRAIN, find_codes, &ordering);
    TRY(base_sort_pairs(ordering.pairs, n, env, err));
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)ordering.pairs[i].value;
done:
    base_free(env, ordering.pairs);
    base_free(env, ordering.box);
    return status;
}
