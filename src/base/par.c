/* SPDX-License-Identifier: Apache-2.0 */
#include "base/par.h"

#include "base/env.h"
#include "base/os.h"
#include "base/watch.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <string.h>

/* The process whose threads OpenMP has started: a child after fork() has none of them, and a parallel region would wait for them for ever. 0: nobody
 * has yet. Relaxed: it is set once, and a child, which has one thread when it begins, sees what its parent had set. */
static pid_t started;

static int can_start(void)
{
    pid_t self = base_os_pid(), nobody = 0;

    return __atomic_load_n(&started, __ATOMIC_RELAXED) == self ||
           __atomic_compare_exchange_n(&started, &nobody, self, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

int base_par_processors(void)
{
    int processors = omp_get_num_procs();

    return processors < 1 ? 1 : processors > BASE_PAR_THREADS_MAX ? BASE_PAR_THREADS_MAX : processors;
}

int base_par_threads(const struct base_env *env)
{
    assert(env->threads >= 1);
    return env->threads > BASE_PAR_THREADS_MAX ? BASE_PAR_THREADS_MAX : env->threads;
}

/* By the calling thread after a piece of its own, some hundred times a loop. Pieces are handed out in order, so the number says how far all are. */
static void tell(const struct base_env *env, size_t *next, size_t piece, size_t pieces)
{
    if (piece < *next) return;
    *next = piece + pieces / 100 + 1;
    base_watch_tell(env, (double)(piece + 1) / (double)pieces);
}

void base_par_for(const struct base_env *env, size_t n, size_t grain, base_par_body *body, void *ctx)
{
    int threads = base_par_threads(env);
    size_t pieces, next = 0; /* the calling thread alone uses `next` */

    assert(grain >= 1);
    if (n == 0) return;
    pieces = (n - 1) / grain + 1;
    if ((size_t)threads > pieces) threads = (int)pieces;
    if (threads == 1 || !can_start()) { /* piece by piece all the same: a body may keep something for each piece */
        for (size_t piece = 0; piece < pieces; piece++) {
            body(ctx, piece * grain, piece + 1 < pieces ? (piece + 1) * grain : n, 0);
            tell(env, &next, piece, pieces);
        }
        return;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (size_t piece = 0; piece < pieces; piece++) {
        int thread = omp_get_thread_num();

        body(ctx, piece * grain, piece + 1 < pieces ? (piece + 1) * grain : n, thread);
        if (thread == 0) tell(env, &next, piece, pieces);
    }
}

void base_par_tasks(const struct base_env *env, base_par_job *job, void *ctx)
{
    if (!can_start()) {
        job(ctx);
        return;
    }
#pragma omp parallel num_threads(base_par_threads(env))
#pragma omp single
    job(ctx);
}

void base_par_spawn(const struct base_env *env, base_par_job *job, void *ctx)
{
#pragma omp task firstprivate(env, job, ctx)
    {
        job(ctx);
        if (omp_get_thread_num() == 0) base_watch_tell(env, 0);
    }
}

void base_par_max(double *place, double value)
{
    double seen;

    assert(value >= 0);
    __atomic_load(place, &seen, __ATOMIC_RELAXED);
    /* Relaxed: nothing else is published with the value. A failed exchange reads what is there anew. */
    while (value > seen && !__atomic_compare_exchange(place, &seen, &value, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) continue;
}
