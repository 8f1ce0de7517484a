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

/*
 * Each thread begins with a share of its own, pieces that stand side by side, and helps others when it is through. What neighbouring pieces read and
 * write stays in one processor's caches so, also from one loop over the same items to the next: k-NN queries in spatial order over 10^6 points that
 * were handed out in turn took 1.1 to 1.2 times as long on two threads (docs/benchmarks.md, S1M).
 */
struct share {
    _Alignas(64) uint64_t next; /* the first piece that nobody has taken; a line of its own, since its thread writes to it all the time */
    uint64_t end;
};

struct loop {
    const struct base_env *env;
    base_par_body *body;
    void *ctx;
    size_t n, grain, pieces;
    struct share *share;
    uint64_t shares;
};

static void call_body(const struct loop *loop, uint64_t piece, int thread)
{
    loop->body(loop->ctx, piece * loop->grain, piece + 1 < loop->pieces ? (piece + 1) * loop->grain : loop->n, thread);
}

/* By the calling thread after a piece, some hundred times a share: how far it is with its own. While it helps others with theirs it goes on
 * telling that this one is done: that may be most of the time, and a request to stop is noticed nowhere else. */
static void tell(const struct loop *loop, uint64_t *next, uint64_t done, uint64_t pieces)
{
    if (done <= *next) return;
    *next = done + pieces / 100;
    base_watch_tell(loop->env, done < pieces ? (double)done / (double)pieces : 1);
}

static void work_off(const struct loop *loop, uint64_t thread)
{
    const uint64_t first = loop->pieces * thread / loop->shares, own = loop->pieces * (thread + 1) / loop->shares - first;
    uint64_t next = 0, done = 0; /* for telling */

    for (uint64_t i = 0; i < loop->shares; i++) {
        struct share *share = &loop->share[(thread + i) % loop->shares];

        for (;;) {
            const uint64_t piece = base_par_add(&share->next, 1) - 1;

            if (piece >= share->end) break;
            call_body(loop, piece, (int)thread);
            if (thread == 0) tell(loop, &next, ++done, own);
        }
    }
}

void base_par_for(const struct base_env *env, size_t n, size_t grain, base_par_body *body, void *ctx)
{
    struct share share[BASE_PAR_THREADS_MAX];
    struct loop loop = { env, body, ctx, n, grain, 0, share, 0 };
    size_t threads = (size_t)base_par_threads(env);

    assert(grain >= 1);
    if (n == 0) return;
    loop.pieces = (n - 1) / grain + 1;
    if (threads > loop.pieces) threads = loop.pieces;
    if (threads == 1 || !can_start()) { /* piece by piece all the same: a body may keep something for each piece */
        uint64_t next = 0;

        for (uint64_t piece = 0; piece < loop.pieces; piece++) {
            call_body(&loop, piece, 0);
            tell(&loop, &next, piece + 1, loop.pieces);
        }
        return;
    }
    loop.shares = threads;
    for (size_t t = 0; t < threads; t++) {
        share[t].next = loop.pieces * t / threads;
        share[t].end = loop.pieces * (t + 1) / threads;
    }
#pragma omp parallel num_threads((int)threads)
    work_off(&loop, (uint64_t)omp_get_thread_num());
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
