/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_LAYOUT_H
#define BLOCK_LAYOUT_H

#include "base/memory.h"
#include "base/topk.h"
#include "metric/metric.h"

/*
 * The query layout: points again, arranged for SIMD. Blocks of up to 64 lanes under a hierarchy of inner nodes with up to 16 children each.
 * It is a cache: any layout that satisfies T6 gives the same answers. It knows nothing of the tree but a *reach* for each entry: the key within
 * which the entry may be found by block_nearest (4^level for an ordinary node, +infinity for the root, -1 for twins).
 *
 * Lanes hold coordinates in single precision, relative to a centre and in a unit of the block's own (struct metric_filter): half the memory to read
 * and twice the lanes in a register. They only decide which entries are looked at; what is answered is decided by the keys of the coordinates in
 * double precision, which the searches fetch from the source.
 *
 * T6 layout. (a) Each entry stands in exactly one lane of one block and `where` says which; (b) the box that a parent keeps for a child encloses
 * every point below, at every ancestor, and so does a block's own; (c) the reach kept for a child is at least, and the least label at most, those of
 * every lane below; (d) parent, slot and count fields agree with the children, and all blocks hang at one depth; (e) lanes hold the entry's
 * coordinates and reach as the block's frame says, rows what the source has, near boxes the sides as the inner node's, and nothing is beyond 1
 * there; (f) the planes of an inner node are a tree with its slots as leaves, and each entry is on the side of its own block at every plane on the
 * way from the root; (g) in many dimensions entries may stand as views (layout_views.h), and points, boxes, frames, coordinates and planes are then
 * of these: views are those of the basis, and reaches are told with what views may be off by.
 *
 * All arrays are flat and index-linked, so that a layout can be written out and mapped (block_arrays). Threads: reading calls may run
 * concurrently; changing calls exclude all others.
 */
enum { BLOCK_NONE = 0xffffffffu };
#define BLOCK_IS_LEAF 0x80000000u /* in `child`: the rest is a block's number, else an inner node's */

/* Where a block or an inner node hangs: parent node (BLOCK_NONE for the root) and slot there; count: lanes or children; size_at_build: entries
 * below an inner node when it was last built. On the free list parent is the next free one and count 0. */
struct block_link {
    uint32_t parent;
    uint16_t slot, count;
    uint32_t size_at_build;
};

/* Divides a cell of an inner node in two: an entry is to the right if its (coordinate, label, number) is not less than these, else to the left. Each
 * side is another plane of the node or, with bit 7 set, a slot. A node with c children has planes 0 to c - 2; plane 0 divides all of its cell. */
struct block_plane {
    double value;
    int64_t label;  /* 0 if entries have none but their number */
    uint32_t node;  /* an entry that was there when the plane was made */
    uint16_t axis;
    uint8_t left, right;
};
enum { BLOCK_PLANES = METRIC_FANOUT - 1, BLOCK_BY_NUMBER = 0xffff /* as an axis: the number of the entry instead of a coordinate */ };

struct block_layout {
    const struct base_env *env;       /* borrowed */
    const struct metric *metric;      /* borrowed */
    uint32_t dim;                     /* numbers in a lane: metric->dim, or fewer where entries stand as views (layout_views.h) */
    uint32_t fine;                    /* numbers in a fine view; 0: there are none */
    int rotates;                      /* 1: it may be laid out by views; set by the owner when it is empty */
    uint32_t row_words;               /* of a row beside the lanes; 0: none are kept, see block_keep_rows() */
    uint64_t entries;                 /* lanes in use */
    uint32_t blocks, inners;          /* numbers in use, with the free ones */
    uint32_t free_block, free_inner;  /* heads of the free lists, BLOCK_NONE when empty */
    uint32_t root;                    /* an inner node; BLOCK_NONE when there are no entries */
    /* per block */
    struct base_buffer lane;          /* float [blocks][dim][64] */
    struct base_buffer reach;         /* float [blocks][64]: filter's limit for the reach, in the block's unit; -1: never found */
    struct base_buffer node;          /* uint32_t [blocks][64] */
    struct base_buffer frame;         /* double [blocks][1 + 3 dim]: scale, centre, least and greatest sides of the block's box */
    struct base_buffer least;         /* int64_t [blocks] least label */
    struct base_buffer block;         /* struct block_link [blocks] */
    struct base_buffer row;           /* double [blocks][64][row_words]: coordinates as the source has them, then the label's bits */
    /* per inner node */
    struct base_buffer box;           /* double [inners][2][dim][16] least sides, greatest sides */
    struct base_buffer near_box;      /* float [inners][2][dim][16]: the same as the node's frame says, for the filter */
    struct base_buffer near_frame;    /* double [inners][2 + dim]: scale, centre, width of the narrowest block below */
    struct base_buffer top_reach;     /* double [inners][16] greatest reach below */
    struct base_buffer least_label;   /* int64_t [inners][16] */
    struct base_buffer child;         /* uint32_t [inners][16] */
    struct base_buffer plane;         /* struct block_plane [inners][15] */
    struct base_buffer inner;         /* struct block_link [inners] */
    /* per entry number */
    struct base_buffer where;         /* uint32_t [rows]: block * 64 + lane; BLOCK_NONE: not in the layout */
    uint32_t rows;                    /* length of `where` */
    struct base_buffer view;          /* double [rows][dim], if there are views */
    struct base_buffer fine_view;     /* int16_t [rows][fine] */
    struct base_buffer basis;         /* what views are made with; see layout_views.c */
};

/* What the layout is laid over: row-major inner coordinates, labels and reaches by entry number (node). label NULL: the entry's number is its label;
 * reach NULL: +infinity. */
struct block_source {
    const double *place;
    const int64_t *label;
    double (*reach)(const void *owner, uint32_t node);
    const void *owner;
    uint32_t rows;                    /* entry numbers are below it */
};

void block_init(struct block_layout *layout, const struct base_env *env, const struct metric *metric);
void block_free(struct block_layout *layout); /* it is empty then, and keeps rows if it did */

/* Has an empty layout of up to BLOCK_ROW_DIM dimensions keep its entries' coordinates and labels beside the lanes, where a query that has met a lane
 * finds them with the next step: the source has them in the order in which they came, each far from the others. Labels must not change then. */
enum { BLOCK_ROW_DIM = 4 };
void block_keep_rows(struct block_layout *layout);

/* Lays out the n entries node[] anew, discarding what was there. Blocks are filled to `fill` lanes (1 to 64). Median splits of the widest axis (ties
 * and equal points by label, then node), pieces chosen so that the lowest inner nodes have 14 children. Parallel; the result depends on
 * the entries only. After a failure the layout is empty. Errors: MEMORY. */
int block_build(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, int fill, struct pcct_error *err);

/* Adds n entries that are not in the layout: each goes to the block in whose cell it is, as the planes say. Full blocks are split at medians; a
 * lowest inner node with more blocks than it can hold, or clearly more than its entries need, is laid out anew, as several if need be; those above
 * are split in two along a plane, which moves no entry. The whole is laid out anew only when n is half of what is there or more, or when it stands
 * far higher than so many entries need, which takes points in an order that leaves no plane to split by. Parallel, with the same result for every
 * number of threads. After a failure nothing has changed. Errors: MEMORY. */
int block_insert(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, struct pcct_error *err);

/* Takes n entries out; boxes, reaches and labels of all ancestors shrink to what is left; a lowest inner node with clearly more blocks than its
 * entries need is laid out anew in fewer, poor inner nodes are united, empty ones freed. The source still knows them. Cannot fail. */
void block_remove(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n);

/* Takes over from the source the reaches of n entries, here and at all ancestors. Cannot fail. */
void block_renew_reach(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n);

/* The same for all entries, and puts those that reach farthest first in each block. Parallel. Errors: MEMORY; nothing has changed then. */
int block_renew_all_reaches(struct block_layout *layout, const struct block_source *source, struct pcct_error *err);

/* Gives each entry `node` the number map[node], below `rows`; BLOCK_NONE for the numbers of no entry. Numbers must keep their order. After a failure
 * nothing has changed. Errors: MEMORY. */
int block_renumber(struct block_layout *layout, const uint32_t *map, uint32_t rows, struct pcct_error *err);

/* Counters of one thread; added to, never cleared here. distances: lanes that were filtered; exact: keys in double precision. */
struct block_work {
    uint64_t nodes, blocks, distances, exact;
};

static inline void block_work_add(struct block_work *work, const struct block_work *more)
{
    work->nodes += more->nodes;
    work->blocks += more->blocks;
    work->distances += more->distances;
    work->exact += more->exact;
}

struct block_hit {
    double key;
    uint32_t node;
};

/* The nearest entry y by (key, node) with key(q, y) <= reach(y), other than entry `self` (BLOCK_NONE: none is left out), among those better than
 * *best, which the caller sets to {+infinity, BLOCK_NONE} or to a known candidate. Skips a child at bound v when v > min(best, greatest reach). */
void block_nearest(struct block_hit *best, const struct block_layout *layout, const struct block_source *source, const double *q, uint32_t self,
                   struct block_work *work);

/* Shows every entry y with key(q, y) <= min(limit, reach(y)) to visit(), in no promised order, until it returns other than 0. */
typedef int block_visitor(void *ctx, uint32_t node, double key);
void block_visit(const struct block_layout *layout, const struct block_source *source, const double *q, double limit, block_visitor *visit, void *ctx,
                 struct block_work *work);

/* What a search is for, beside how many. */
struct block_sieve;
struct block_query {
    const double *q;                   /* borrowed until it is answered */
    uint32_t self;                     /* the entry to leave out; BLOCK_NONE: none */
    double limit;                      /* the greatest key that may be found; +infinity: any */
    const struct block_sieve *sieve;   /* NULL: every entry may be found; else those of rank < below, see layout_sieve.h */
    uint32_t below;
};

/* Shows every entry that the query is for, whatever its reach, to visit(), in no promised order, until it returns other than 0. A child is skipped
 * when its bound is above the limit, or nothing below it may be found. */
void block_within(const struct block_layout *layout, const struct block_source *source, const struct block_query *query, block_visitor *visit,
                  void *ctx, struct block_work *work);

/* How many entries a query is for, whatever their reach; no more than `most`. Subtrees whose boxes are wholly within the limit are not looked into:
 * work grows with the border of the ball, and by one step for 64 entries or so inside. With a sieve neither are those of which all or none may be
 * found; of others inside, ranks are compared. Where entries stand as views all are met. */
uint64_t block_count(const struct block_layout *layout, const struct block_source *source, const struct block_query *query, uint64_t most,
                     struct block_work *work);

/*
 * Self-join: shows each pair of two entries with key <= limit once, in no promised order, both named by where they stand (block * 64 + lane).
 * Threads work side by side, thread < base_par_threads(). A visitor that returns other than 0 stops the join (soon, not at once). work: one for
 * each thread. Errors: MEMORY.
 */
typedef int block_join_visitor(void *ctx, int thread, uint32_t a, uint32_t b, double key);
int block_join(const struct block_layout *layout, const struct block_source *source, double limit, block_join_visitor *visit, void *ctx,
               struct block_work *work, struct pcct_error *err);

/*
 * k-NN. The scratch of one thread, for queries one after the other; block_near_take() makes room for any k up to the one it is given.
 */
struct block_near {
    struct metric_near found; /* what may be among the k nearest of what was scanned; number: where it stands, block * 64 + lane */
    uint32_t *entry;          /* [capacity] after the search: where entries stand if rows are kept, else their numbers; nearest first, or nearly,
                               * if they are few */
    size_t k, capacity;
    size_t mark;              /* of so many the k-th is found next */
    double unit;              /* of the query: what keys are multiplied by */
    struct block_query query;
    uint32_t self_lane;       /* where the entry to leave out stands; BLOCK_NONE: nowhere */
    int full;                 /* 1: there were more than room, or further off than a float can tell */
};
/* For k up to BLOCK_NEAR_LENT memory may be the caller's, borrowed: block_near_free() is not called then. */
enum { BLOCK_NEAR_LENT = 64 };
enum { BLOCK_NEAR_ROOM = 512 /* for equal distances and for a block's lanes */, BLOCK_NEAR_BEHIND = 16 /* which kernels may write to */ };
struct block_near_room {
    _Alignas(64) float value[2 * BLOCK_NEAR_LENT + BLOCK_NEAR_ROOM + BLOCK_NEAR_BEHIND];
    uint32_t number[2 * BLOCK_NEAR_LENT + BLOCK_NEAR_ROOM + BLOCK_NEAR_BEHIND], entry[2 * BLOCK_NEAR_LENT + BLOCK_NEAR_ROOM];
};
void block_near_lend(struct block_near *near, struct block_near_room *room);
int block_near_take(struct block_near *near, const struct base_env *env, size_t k, struct pcct_error *err);
void block_near_free(struct block_near *near, const struct base_env *env);

/* Finds every entry that can be among the k least by (key, label) of those that the query is for, and has memory fetch what will be looked at: other
 * work in between, such as the next query's first step, costs nothing. query->q is borrowed until block_knn_decide(). */
void block_knn_filter(struct block_near *near, const struct block_layout *layout, const struct block_source *source,
                      const struct block_query *query, size_t k, struct block_work *work);
/* Offers what was found to `top`, which the caller has started with the same k. */
void block_knn_decide(struct base_topk *top, const struct block_near *near, const struct block_layout *layout, const struct block_source *source,
                      struct block_work *work);

/* The block in whose cell a point is: queries that share it are near each other. BLOCK_NONE when empty. Of a layout with an annex, the block of what
 * was there before. Of up to BLOCK_HOMES points at once it takes less time. */
enum { BLOCK_HOMES = 8 };
uint32_t block_home(const struct block_layout *layout, const double *q);
void block_homes(uint32_t *home, const struct block_layout *layout, const double *const *q, size_t n);

/* Proves T6 (a) to (f) against the source; has(owner, node) says whether the layout is to have an entry.
 * Errors: DAMAGED, naming the first fault. Used by index_check, tests and fsck. */
int block_check(const struct block_layout *layout, const struct block_source *source, int (*has)(const void *owner, uint32_t node),
                struct pcct_error *err);

/* The arrays as bytes, for writing out and mapping. Order and element sizes are fixed. */
enum { BLOCK_ARRAYS = 19, BLOCK_BASIS_HEAD = 16 };
struct block_array {
    const char *name;
    struct base_buffer *buffer;
    size_t item_bytes; /* of one block, inner node or row */
    size_t items;      /* in use */
};
void block_arrays(struct block_array out[BLOCK_ARRAYS], struct block_layout *layout);

/* The numbers that go with the arrays, fixed width, little-endian on disk. */
struct block_shape {
    uint64_t entries;
    uint32_t blocks, inners, free_block, free_inner, root, rows;
    uint32_t dim, fine;
};
void block_shape_get(struct block_shape *shape, const struct block_layout *layout);
/* Sets the numbers of an empty layout whose arrays are then filled (base_buffer_adopt through block_arrays). Every link is range-checked by
 * block_check_links() before use: nothing that was mapped is trusted. Errors: DAMAGED. */
/* Whether an image may say so. Errors: DAMAGED. */
int block_shape_check(const struct block_shape *shape, const struct metric *metric, struct pcct_error *err);
void block_shape_set(struct block_layout *layout, const struct block_shape *shape);
int block_check_links(const struct block_layout *layout, struct pcct_error *err);

uint64_t block_memory(const struct block_layout *layout); /* bytes of all arrays, without room to grow: nobody has touched that */

#endif
