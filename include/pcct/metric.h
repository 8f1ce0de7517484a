/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_METRIC_H
#define PCCT_METRIC_H

#include <stddef.h>

#include <pcct/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A custom metric: the caller's own distance between two rows of doubles. A row need not be a place in space: with dim 1 it can be the number of an
 * entry in a table of the caller's, such as a string (docs/examples/words.c).
 *
 * It is given by the options of pcct_store_create, which keep its name in the store, and again by those of each pcct_store_open (and pcct_fsck). A
 * store that is opened without it still tells its log, versions, points and tree; what needs a distance says INVALID and how to register it.
 *
 * What the function promises, for all rows a, b, c (values are taken as it computes them):
 *  - d(a, b) is a number from 0 to below 2^512, and the same, to the bit, whenever, in whatever thread and in whatever process it is asked;
 *  - d(a, a) = 0, and d(a, b) = d(b, a) to the bit;
 *  - d(a, c) <= (1 + 2^-40) (d(a, b) + d(b, c)): the triangle inequality, with room for some thousand roundings. It holds for zeros too: what is at
 *    distance 0 from a point is as far from all others as that point is.
 * A value that is NaN, negative or too large is an error that names the points. The other promises cannot be checked as cheaply: pcct_metric_check
 * (check.h) tries them on a sample. Where one is broken the answers are wrong, or a commit says that the function is no metric.
 *
 * Threads: any number of threads call the functions at once. They must not call the library with the handle that they are called for.
 */
enum { PCCT_METRIC_NAME_BYTES = 32 };

struct pcct_metric {
    size_t size;
    /* 1 to 31 of [a-z0-9_-], a letter first, none of the built-in metrics' names. Copied. Choose a new name when distances change. */
    const char *name;
    double (*distance)(void *ctx, const double *a, const double *b);
    /* The same for n pairs at once, out[i] = d(q, rows[i]), the very bits of `distance`, for those who are faster at that; NULL: one by one. */
    void (*distances)(void *ctx, double *out, const double *q, const double *const *rows, size_t n);
    void *ctx; /* handed to both; must live until the store is closed */
};
#define PCCT_METRIC_INIT { sizeof(struct pcct_metric), NULL, NULL, NULL, NULL }

#ifdef __cplusplus
}
#endif
#endif
