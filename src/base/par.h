/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PAR_H
#define BASE_PAR_H

#include <stddef.h>
#include <stdint.h>

struct base_env;

/*
 * Parallel work. This is the only room that knows OpenMP. Results must not depend on which thread does what: bodies write to places of their
 * own, and sums over threads are of integers or of maxima. In a forked child of a process that had threads at work all is done by the calling one.
 */
enum { BASE_PAR_THREADS_MAX = 256 };

int base_par_processors(void);

/* Number of threads that base_par_for and base_par_tasks will use at most: env->threads, at most BASE_PAR_THREADS_MAX. */
int base_par_threads(const struct base_env *env);

/* Calls body(ctx, begin, end, thread) for pieces of `grain` items that together cover [0, n), on up to env->threads threads. Each takes a share of
 * pieces that stand side by side, in order, and then what others have left; all goes in order on the calling thread where one is enough.
 * 0 <= thread < base_par_threads(env); 0 is the calling thread, which tells env->watch how far its share of the loop is, as often while it helps
 * others. Bodies do not fail: they note failures in ctx. Not to be called from within a body. */
typedef void base_par_body(void *ctx, size_t begin, size_t end, int thread);
void base_par_for(const struct base_env *env, size_t n, size_t grain, base_par_body *body, void *ctx);

/* Runs job(ctx) on one thread while others carry out what it spawns; returns when all is done. Between jobs the calling thread tells env->watch that
 * the work goes on. */
typedef void base_par_job(void *ctx);
void base_par_tasks(const struct base_env *env, base_par_job *job, void *ctx);
/* Within base_par_tasks only; env: the same. ctx must live until that returns. */
void base_par_spawn(const struct base_env *env, base_par_job *job, void *ctx);

/* Relaxed atomics for counters and flags shared by bodies. */
static inline uint64_t base_par_add(uint64_t *counter, uint64_t amount) { return __atomic_add_fetch(counter, amount, __ATOMIC_RELAXED); }
static inline uint64_t base_par_read(const uint64_t *counter) { return __atomic_load_n(counter, __ATOMIC_RELAXED); }
/* *place = max(*place, value) for doubles >= 0. Relaxed: the value is read after the parallel region, whose end orders it. */
void base_par_max(double *place, double value);

#endif
