/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_ORDERING_H
#define PCCT_ORDERING_H

#include <pcct/query.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Orderings of the points of a view, and for each point its nearest among those before it: what Vecchia's approximation of a Gaussian process takes
 * (Vecchia, Estimation and model identification for continuous spatial processes, JRSS B 50, 1988; Katzfuss and Guinness, A general framework
 * for Vecchia approximations of Gaussian processes, Statistical Science 36, 2021).
 *
 * All are exact and the same on any machine, whatever the number of threads: equal to the plain algorithm over keys as query.h defines them.
 *
 * Lengthscales: coordinates are divided by them, one for each column, and rounded once; all distances are then between such rows. The plain
 * correlation of a stationary kernel with these lengthscales falls with this distance, so the lists are those of nearest by correlation, too.
 */
enum pcct_ordering_kind {
    PCCT_ORDERING_MAXMIN = 1,     /* first the point nearest to the mean of all (in the metric's inner coordinates); then, again and again, the one
                                   * whose nearest among those before it is farthest off; ties: the least label */
    PCCT_ORDERING_COORDINATE = 2, /* ascending by one coordinate, ties by label */
    PCCT_ORDERING_HILBERT = 3,    /* along a Hilbert curve of the leading 8 coordinates */
    PCCT_ORDERING_RANDOM = 4,     /* shuffled, the same for the same seed and labels */
    PCCT_ORDERING_COARSE = 5,     /* the root of the tree, then level by level of it, the greatest first, twins last (tree.h); within a level as
                                   * MAXMIN goes on from what is before it */
    PCCT_ORDERING_GIVEN = 6       /* as `ordering` says */
};

struct pcct_ordering_options {
    size_t size;
    int kind;                  /* of enum pcct_ordering_kind; 0: MAXMIN */
    int threads;               /* 0: as many as the machine offers */
    const double *lengthscale; /* [dim] of the store, finite and above 0; NULL: none. Borrowed for the call. Not for metrics of directions. */
    uint64_t seed;             /* RANDOM */
    uint32_t axis;             /* COORDINATE: which, from 0 */
    uint32_t reserved;
    const int64_t *ordering;   /* GIVEN: [n_ordering] the labels of all live points, each once, first to last. Borrowed for the call. */
    size_t n_ordering;
    struct pcct_work *work;    /* of finding the neighbours; NULL: not wanted */
    int (*progress)(void *ctx, double done); /* called now and then by the calling thread; other than 0 stops. NULL: none */
    void *progress_ctx;
    const struct pcct_gp *gp;  /* of this view (gp.h): coordinates are divided by its kernel's lengthscales, and neighbours are nearest by its
                                * residual correlation, or by correlation where it has no inducing points. NULL: by distance. */
};
#define PCCT_ORDERING_OPTIONS_INIT { sizeof(struct pcct_ordering_options), 0, 0, NULL, 0, 0, 0, NULL, 0, NULL, NULL, NULL, NULL }

/* labels[n_live]: the points in order. Takes O(n log n) expected in few dimensions and some 60 bytes a point beside the view (MAXMIN, COARSE).
 * Any thread.
 * Errors: INVALID (an unknown kind, an axis that is none, lengthscales that are not for this metric or not above 0, an ordering that is not of all
 * points; a custom metric; a kernel of another view, or one beside lengthscales), UNKNOWN, DUPLICATE (in an ordering), POINT (a coordinate too
 * large when divided, naming the label), MEMORY, CANCELLED. */
PCCT_PUBLIC int pcct_ordering(int64_t *labels, const pcct_view *view, const struct pcct_ordering_options *options, struct pcct_error *err);

/*
 * An ordering with the m nearest predecessors of each point: exactly min(m, rank) of the point of this rank, by (distance, label). Keeps nothing of
 * the view. Reading calls may be made by any number of threads. *vecchia is owned: pcct_vecchia_close(); NULL after a failure.
 * m: at least 1. Memory: 12 bytes a neighbour; while those by a kernel are looked for, 16 more.
 * Errors: as pcct_ordering(); also LIMIT (more than 2^31 - 1 points).
 */
typedef struct pcct_vecchia pcct_vecchia;
PCCT_PUBLIC int pcct_vecchia_open(pcct_vecchia **vecchia, const pcct_view *view, size_t m, const struct pcct_ordering_options *options,
                                  struct pcct_error *err);
PCCT_PUBLIC void pcct_vecchia_close(pcct_vecchia *vecchia); /* NULL is fine */

/* Compressed rows by rank: those of the point of rank r are at starts[r] to starts[r + 1] - 1. Fill `size` before the call. The arrays are borrowed
 * until the handle is closed. */
struct pcct_vecchia_rows {
    size_t size;
    size_t n, m;             /* points; neighbours asked for */
    const int64_t *labels;   /* [n] the ordering */
    const uint64_t *starts;  /* [n + 1] */
    const int32_t *ranks;    /* [starts[n]] of the neighbours, each less than the row's own */
    const double *distances; /* the same */
};
PCCT_PUBLIC int pcct_vecchia_read(struct pcct_vecchia_rows *rows, const pcct_vecchia *vecchia);

#ifdef __cplusplus
}
#endif
#endif
