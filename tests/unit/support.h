/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/error.h"
#include "base/os.h"
#include "base/random.h"
#include "base/topk.h"
#include "metric/metric.h"

/* Asserts that a call succeeded; shows its message otherwise. */
#define support_ok(status, err) support_ok_at((status), (err), __FILE__, __LINE__)
void support_ok_at(int status, const struct pcct_error *err, const char *file, int line);

/*
 * An env whose memory is counted, filled with junk when it is handed out, and refused at the fail_at-th block from now (1: the next; 0: never).
 * support_env_finish() asserts that everything was freed.
 */
struct support_env {
    struct base_env env; /* first: &s->env is what the code under test gets */
    struct base_os os;
    uint64_t taken;      /* blocks handed out or refused since fail_at was set */
    uint64_t live;       /* blocks not yet freed */
    uint64_t fail_at;
};
void support_env_start(struct support_env *support, int threads);
void support_env_finish(struct support_env *support);
void support_env_fail(struct support_env *support, uint64_t fail_at);

/*
 * Makes the call again and again, refusing the first block, then the second, ... until it succeeds, and asserts for each failure that it was
 * reported as PCCT_E_MEMORY with a message and that no block was left behind. Returns how many failures there were: assert what you expect.
 */
typedef int support_call(void *ctx, const struct base_env *env, struct pcct_error *err);
uint64_t support_fail_each(struct support_env *support, support_call *call, void *ctx);

/* Rows to test with. GRID: small integers, hence many ties and equal points. CLUSTERS: sizes over twelve powers of ten. */
enum support_shape { SUPPORT_UNIFORM, SUPPORT_GRID, SUPPORT_CLUSTERS, SUPPORT_SHAPES };
void support_points(double *rows, size_t n, uint32_t dim, enum support_shape shape, uint64_t seed);

/* The key of two rows by its definition in src/metric/metric.h, in a loop of the tests' own. */
double support_key(const double *a, const double *b, enum metric_sum sum, uint32_t dim);

/* The k least of rows 0..n-1 (those with alive[i], or all when alive is NULL) by (key to q, label), sorted, by comparison with every row; label
 * NULL: the row's number. Returns how many there are. entry[k]. */
size_t support_brute_knn(struct base_topk_entry *entry, size_t k, const double *rows, const int64_t *label, const char *alive, size_t n,
                         enum metric_sum sum, uint32_t dim, const double *q);

/* An empty folder of the test's own, removed with all that is in it by support_folder_free(). */
char *support_folder_new(void);
void support_folder_free(char *path);

#endif
