/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_NOTES_H
#define GP_NOTES_H

#include "gp/tiles.h"

/*
 * Where queries are the points themselves each pair of blocks is met twice, from either side, and what their pivots say is the same from both: who
 * comes first leaves it for the other. Angles between the spans of two blocks stay, rounded down. G, the product of two bases (docs/algorithm.md,
 * G3), is left for a block that is still to come, which takes all that is there for it and gives back their room.
 *
 * Any number of threads at once. A note that is not seen yet costs time and nothing else. Angles are single words, so relaxed order will do for them;
 * a G is written before its block's list leads to it (release), and read by who took that list (acquire).
 */
enum { GP_NOTES_NONE = 0xffffffff };

struct gp_note {
    uint32_t next, from; /* the next for the same block; who left it */
};

struct gp_notes {
    const struct base_env *env;
    uint32_t blocks, nodes, capacity;
    uint32_t used;         /* places in gram[] that were ever given out */
    uint16_t *angle;       /* [blocks][blocks]; NULL: of blocks nothing is kept */
    uint16_t *above;       /* [nodes - blocks][nodes - blocks] angles of the nodes above; NULL: none */
    uint32_t *first;       /* [blocks] */
    struct gp_note *note;  /* [capacity] */
    float *gram;           /* [capacity][16][16] */
};

/* Keeps nothing of blocks, or of the nodes above, where they are too many. gp_notes_free() in any case. Errors: MEMORY. */
int gp_notes_make(struct gp_notes *notes, uint32_t blocks, uint32_t nodes, const struct base_env *env, struct pcct_error *err);
void gp_notes_free(struct gp_notes *notes); /* a zeroed one too */

/* The angle between the spans of two blocks, from below; `full`: of all pivots, else of 8 of a's and all of b's. */
void gp_notes_angle(struct gp_notes *notes, uint32_t a, uint32_t b, float angle, int full);
/* What b noted about itself and a: 1 and the angle. 0: nothing. */
int gp_notes_angle_of(float *angle, int *full, const struct gp_notes *notes, uint32_t b, uint32_t a);

/* The same of two nodes above the blocks, from either side, both of all pivots. */
void gp_notes_above(struct gp_notes *notes, uint32_t a, uint32_t b, float angle);
int gp_notes_above_of(float *angle, const struct gp_notes *notes, uint32_t a, uint32_t b);

/* A place for a G; GP_NOTES_NONE: all are taken. */
uint32_t gp_notes_place(struct gp_notes *notes);
/* Leaves what was written at a place for block `to`. */
void gp_notes_leave(struct gp_notes *notes, uint32_t place, uint32_t from, uint32_t to);
/* All that was left for a block so far: the first place; note[].next leads on. They are the caller's now. */
uint32_t gp_notes_take(struct gp_notes *notes, uint32_t block);

static inline float *gp_notes_gram(const struct gp_notes *notes, uint32_t place)
{
    return notes->gram + (size_t)place * GP_PIVOTS * GP_PIVOTS;
}

#endif
