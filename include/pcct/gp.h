/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_GP_H
#define PCCT_GP_H

#include <pcct/batch.h>
#include <pcct/metric.h>
#include <pcct/query.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Nearest neighbours by correlation and by residual correlation, for Vecchia approximations of Gaussian processes.
 *
 * A kernel K is `variance` times a function of the Euclidean distance r of two points whose coordinates were divided by the lengthscales:
 *   "rbf"       exp(-r^2 / 2)
 *   "matern12"  exp(-r)
 *   "matern32"  (1 + s) exp(-s),            s = sqrt(3) r
 *   "matern52"  (1 + s + s^2 / 3) exp(-s),  s = sqrt(5) r
 * or a function of the caller's. With m inducing points Z, L L^T = K(Z, Z) + jitter variance I, and for each point x
 *   v = L^-1 K(Z, x),   p = K(x, x) - |v|^2 + nugget, raised to 1e-9 K(x, x) where it is less,
 * the residual correlation of two points is rho = (K(a, b) - v_a . v_b) / sqrt(p_a p_b), and their distance sqrt(1 - min(|rho|, 1)).
 * Without inducing points that is the plain correlation distance, by which the same points are nearest as by r.
 *
 * Answers are exact: equal to a comparison with every point in double precision, by (1 - |rho|, label), or without inducing points by (r, label),
 * to the bit, whatever the number of threads and the processor. Sums run in order, each step a fused multiply-add. Where it goes by r, the distances
 * that are told are rounded for themselves: of points that are as far off but for rounding they need not ascend, by some 1e-8 where rho is next to 1.
 *
 * What it needs of a kernel: that K is a covariance (positive definite), and, with features of the caller's own, that they belong to it. Where that
 * does not hold correlations are none, and a search may pass over points.
 */
struct pcct_kernel {
    size_t size;
    const char *name;          /* see above; NULL: the caller's own function */
    const double *lengthscale; /* [dim of the store], 2^-200 to 2^200; NULL: all 1 */
    double variance;           /* 0: 1 */
    double nugget;             /* variance of noise, 0 or more */
    double jitter;             /* share of the variance that is added to the diagonal of K(Z, Z); 0: 1e-6. Taken ten times as large, up to 0.01, until
                                * the matrix has a factor; pcct_gp_describe() says what was used. */
    const double *inducing;    /* [m x dim] Z, row-major, in the store's units */
    size_t m;                  /* 0: none */
    /* The caller's own: out[na x nb] = K(a[i], b[j]) of rows of dim coordinates; K(x, x) = variance, or less with a diagonal of pcct_gp_options. The
     * same bits whenever a pair is asked for, either way round, in whatever company; called by any number of threads at once. Lengthscales are not
     * applied. Cannot be kept in a store. */
    void (*tile)(void *ctx, double *out, const double *const *a, size_t na, const double *const *b, size_t nb);
    void *ctx;
};
#define PCCT_KERNEL_INIT { sizeof(struct pcct_kernel), NULL, NULL, 0, 0, 0, NULL, 0, NULL, NULL }

/* Notes a kernel with the version that the batch will make: from there on it is the kernel of each version, until another is set. NULL: none any
 * more. Everything is copied. A failure may take with it the one that the batch was given before. Errors: INVALID (naming the parameter), LIMIT (more
 * than 250 000 coordinates of inducing points, or no room beside notes of the caller's), MEMORY. */
PCCT_PUBLIC int pcct_batch_set_kernel(pcct_batch *batch, const struct pcct_kernel *kernel, struct pcct_error *err);

/*
 * Chooses inducing points among the points of a view, into points[*m x dim] and labels[*m] (either may be NULL); *m says how many there is room for
 * and then how many there are, which is fewer where the view has not as many (NET: at a level of its tree).
 */
enum pcct_inducing {
    PCCT_INDUCING_FARTHEST = 0, /* the first of the maxmin order (ordering.h): greedily the farthest from those before */
    PCCT_INDUCING_NET = 1,      /* the net of the lowest level of the cover tree that has at most *m points, by label */
    PCCT_INDUCING_RANDOM = 2    /* the first of the random order of `seed` */
};
struct pcct_inducing_options {
    size_t size;
    int how;                   /* of enum pcct_inducing */
    int threads;
    const double *lengthscale; /* FARTHEST: distances are between points divided by these; NULL: none */
    uint64_t seed;
};
#define PCCT_INDUCING_OPTIONS_INIT { sizeof(struct pcct_inducing_options), 0, 0, NULL, 0 }
/* Errors: INVALID, MEMORY, CANCELLED. */
PCCT_PUBLIC int pcct_inducing_choose(double *points, int64_t *labels, size_t *m, const pcct_view *view, const struct pcct_inducing_options *options,
                                     struct pcct_error *err);

/*
 * A kernel on a view, with the features of all of its points: what is made once for any number of questions. Borrows the view. Takes 8 (m + dim + 2)
 * bytes a point; the first pcct_gp_knn() or pcct_gp_knn_stored() without a filter adds twice as much, which later ones use.
 * Reading calls may be made by any number of threads. *gp is owned: pcct_gp_close(); NULL after a failure.
 * Errors: NOT_FOUND (no kernel was given, and none set for the version; also where it may have been set by a version that was pruned), CONFLICT
 * (another one than the version's was given; the message names both digests), INVALID (a parameter; a metric of directions; a coordinate too large
 * for its lengthscale; a kernel matrix without a factor, naming the inducing point; values of the caller's kernel or features that are not finite),
 * MEMORY, CANCELLED.
 */
typedef struct pcct_gp pcct_gp;
struct pcct_gp_options {
    size_t size;
    const struct pcct_kernel *kernel; /* NULL: the version's. Copied, but for what ctx points to. */
    int override;                     /* 1: the given kernel is meant though the version has another */
    int plain;                        /* 1: leave the inducing points out */
    int threads;
    const double *v, *p;              /* features of the caller's own, [n_live x m] and [n_live] in the order of pcct_view_read(), m as in the kernel,
                                       * whose inducing points are not looked at; NULL: computed. Copied. */
    const double *diagonal;           /* [n_live] with v and in the place of p: K(x, x) of each point, above 0 and at most the variance, for kernels
                                       * that are not the same everywhere: p = diagonal - |v|^2 + nugget, raised to 1e-9 diagonal. NULL: p is
                                       * given. */
    int (*progress)(void *ctx, double done); /* called now and then by the calling thread; other than 0 stops. NULL: none */
    void *progress_ctx;
};
#define PCCT_GP_OPTIONS_INIT { sizeof(struct pcct_gp_options), NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL }
PCCT_PUBLIC int pcct_gp_open(pcct_gp **gp, const pcct_view *view, const struct pcct_gp_options *options, struct pcct_error *err);
PCCT_PUBLIC void pcct_gp_close(pcct_gp *gp); /* NULL is fine */

/* Fill `size` before the call. Pointers are borrowed until the handle is closed. */
struct pcct_gp_info {
    size_t size;
    char name[32];
    uint8_t digest[16];        /* of all parameters and inducing points */
    uint64_t version;          /* where the kernel was set; 0: it was given to pcct_gp_open() */
    uint64_t n;
    size_t m;
    uint32_t dim;
    uint32_t reserved;
    double variance, nugget;
    double jitter;             /* as given */
    double jitter_used;        /* share of the variance that was added; 0 without inducing points, or with features of the caller's */
    const double *lengthscale; /* [dim] */
    const double *inducing;    /* [m x dim] */
    const double *v, *p;       /* [n x m], [n], in the order of pcct_view_read() */
    uint64_t noisy;            /* points of which inducing points and rounding leave so little that their correlations are noise: p at most 1e-8 of
                                * K(x, x). Answers for them are exact about noise. */
    const int64_t *noisy_labels;
};
PCCT_PUBLIC int pcct_gp_describe(struct pcct_gp_info *info, const pcct_gp *gp);

/* The kernel that is set for a version, without any computation: into *info, of which v, p, noisy and jitter_used stay 0. *gp as above; questions
 * are answered by INVALID. Errors: NOT_FOUND, DAMAGED, MEMORY. */
PCCT_PUBLIC int pcct_gp_parameters(pcct_gp **gp, const pcct_view *view, struct pcct_error *err);

/* Work of a call. flat, filtered and cascaded do not depend on the number of threads. pairs, nodes, enveloped and again may, by little, and with
 * several threads from run to run: searches leave each other bounds that they found, and nobody waits for them. With one thread they are always the
 * same. That goes for struct pcct_work where a kernel is given (neighbours.h, ordering.h), too; never for answers. */
struct pcct_gp_work {
    size_t size;
    uint64_t pairs;     /* correlations evaluated in blocks */
    uint64_t nodes;     /* groups of points that were tested as a whole */
    uint64_t enveloped; /* passed over by the kernel's decay */
    uint64_t flat;      /* points that every query is compared with: next to inducing points, or noise */
    uint64_t filtered;  /* 1: single precision had the first look */
    uint64_t cascaded;  /* 1: a few principal coordinates had it, because bounds of groups excluded too little */
    uint64_t again;     /* of the pairs, those that the principal coordinates left to be looked at again */
    double layout_seconds; /* laying out points and queries, pivots, rounding; of points once for all questions of some from outside */
    double search_seconds;
};

struct pcct_gp_ask_options {
    size_t size;
    int threads;
    int exclude_self;          /* pcct_gp_knn_stored: leave the query point itself out */
    int brute;                 /* 1: compare with every point; the answer is the same */
    int reserved;
    int32_t *counts;           /* [nq]; NULL: not wanted */
    const pcct_filter *filter; /* of the same view; NULL: every live point may be found */
    struct pcct_gp_work *work; /* with its size filled in; NULL: not wanted */
    int (*progress)(void *ctx, double done); /* called now and then by the calling thread; other than 0 stops. NULL: none */
    void *progress_ctx;
};
#define PCCT_GP_ASK_OPTIONS_INIT { sizeof(struct pcct_gp_ask_options), 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL }

/*
 * The k nearest by the kernel's correlation. Rows, labels, distances and counts as pcct_graph(), pcct_knn() and pcct_knn_stored() have them. With an
 * order in the filter pcct_gp_graph() finds predecessors only, exactly min(k, rank) of them where nothing else is filtered. Points from outside find
 * observed points only.
 * Errors: INVALID (k = 0; a filter of another view, or with an order for other calls than pcct_gp_graph()), POINT, UNKNOWN, LIMIT, MEMORY,
 * CANCELLED.
 */
PCCT_PUBLIC int pcct_gp_graph(int64_t *labels, double *distances, const pcct_gp *gp, size_t k, const struct pcct_gp_ask_options *options,
                              struct pcct_error *err);
PCCT_PUBLIC int pcct_gp_knn(int64_t *labels, double *distances, const pcct_gp *gp, const double *queries, size_t nq, size_t k,
                            const struct pcct_gp_ask_options *options, struct pcct_error *err);
PCCT_PUBLIC int pcct_gp_knn_stored(int64_t *labels, double *distances, const pcct_gp *gp, const int64_t *query_labels, size_t nq, size_t k,
                                   const struct pcct_gp_ask_options *options, struct pcct_error *err);

/*
 * The kernel's distance as a custom metric (metric.h), to build a store in it: a tree over distances alone, without coordinates. A row of such a
 * store has one column, the number of a point in the order of pcct_view_read(), and
 *   distance = sqrt(1 - min(|rho|, 1)) + *slack   of two different points,   0 of a point and itself.
 * The slack is more than rounding can take from the triangle inequality; it is the same for all pairs, so that neighbours are those that the calls
 * above find, but where distances differ by less than 2^-52 (without inducing points: by as little as they may descend, see above). It is of the
 * order of sqrt(m 2^-50 / p) for the least p.
 *
 * Its name tells kernel, points and features apart (not a function of the caller's), so that a store is not opened with others. Borrows the handle,
 * which must stay until that store is closed; metric->size must be filled in. One thread at a time. What it costs: one distance at a time in the
 * place of tiles, and from three dimensions on much of the tree is looked at (docs/gp.md).
 * Errors: INVALID (a handle that answers no questions), MEMORY.
 */
PCCT_PUBLIC int pcct_gp_metric(struct pcct_metric *metric, double *slack, pcct_gp *gp, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
