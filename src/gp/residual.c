/* SPDX-License-Identifier: Apache-2.0 */
#include "gp/residual.h"

#include "base/par.h"
#include "base/watch.h"
#include "gp/flats.h"
#include "gp/prepared.h"
#include "gp/seeker.h"

#include <math.h>
#include <string.h>

/* Predecessors: points of ranks below n, below n / 3, ... are laid out by themselves for the queries that stand in the last two thirds of each:
 * early points have their predecessors far away, and would look at everything that came later in vain. */
enum { SEGMENT_RATIO = 3, SEGMENT_LEAST = 1500 };

struct run {
    const struct gp_ask *ask;
    int64_t *labels;
    double *distances;
    int32_t *counts;
    uint32_t *row;              /* by point of the members: its row; NULL: queries are from outside, rows are their numbers */
    struct gp_seeker *seeker;   /* [threads] */
    int *status;                /* [threads] */
    const struct gp_prepared *from, *to;
    const struct gp_flats *flats;
    int filtered;
    uint32_t lowest;            /* rank of the first query of this segment */
    uint64_t next;              /* blocks that somebody has begun: they are taken in turn by all threads, as what one leaves for others
                                 * (gp/notes.h) is for blocks that come after its own */
};

static void answer(const struct run *run, struct gp_seeker *s, unsigned lane)
{
    const uint32_t id = run->from->space.id[(size_t)s->block * GP_BLOCK + lane];
    const size_t k = run->ask->k, at = (run->row ? run->row[id] : id) * k;
    const struct base_topk_entry *entry = s->entry;
    const size_t found = gp_seeker_decide(s, lane);

    for (size_t j = 0; j < k; j++) {
        run->labels[at + j] = j < found ? entry[j].id : -1;
        run->distances[at + j] = j < found ? sqrt(entry[j].key) : (double)INFINITY;
    }
    if (run->counts) run->counts[at / k] = (int32_t)found;
}

static void seek(void *ctx, size_t begin, size_t end, int thread)
{
    struct run *run = ctx;
    struct gp_seeker *s = &run->seeker[thread];
    const uint32_t all = run->from->space.blocks + run->from->space.flats;

    s->from = &run->from->space;
    s->to = &run->to->space;
    s->row_of = run->row;
    s->flats = run->flats;
    s->filter_from = run->filtered ? &run->from->rounded : NULL;
    s->filter_to = run->filtered ? &run->to->rounded : NULL;
    s->coarse_from = run->filtered && run->from->coarse.env ? &run->from->coarse : NULL;
    s->coarse_to = s->coarse_from ? &run->to->coarse : NULL;
    for (size_t piece = begin; piece < end; piece++) {
        const uint32_t block = (uint32_t)base_par_add(&run->next, 1);

        if (run->status[thread] != 0 || base_watch_stopped(s->env)) return;
        run->status[thread] = gp_seek(s, all - block, run->lowest, NULL); /* flat ones first: they take longest */
        if (run->status[thread] != 0) return;
        for (uint64_t left = s->active; left != 0; left &= left - 1) answer(run, s, (unsigned)__builtin_ctzll(left));
    }
}

static int seek_all(struct run *run, const struct base_env *env, struct pcct_error *err)
{
    int status = 0;

    for (int t = 0; t < base_par_threads(env); t++) run->seeker[t].place.count = 0; /* those of other notes */
    run->next = 0;
    base_par_for(env, run->from->space.blocks + run->from->space.flats, 1, seek, run);
    TRY(base_watch_check(env, err));
    for (int t = 0; t < base_par_threads(env); t++) {
        if (run->status[t] != 0) TRY(base_fail(err, run->status[t], "no memory for the candidates of a search by residual correlation"));
        if (run->seeker[t].bad) TRY(base_fail(err, PCCT_E_INVALID, "the custom kernel returned what is no number"));
    }
done:
    return status;
}

/* ---- searching ---------------------------------------------------------------------------------------------------------------------------- */

/* Searches for the points themselves, or for the queries from outside. */
static int search(struct run *run, const struct gp_prepared *to, struct gp_work *work, const struct base_env *env, struct pcct_error *err)
{
    struct gp_prepared queries = { .centre = NULL };
    struct gp_flats flats = { .env = NULL };
    const struct gp_prepared *from = to;
    enum base_stat stage;
    int status = 0;

    if (run->ask->queries) {
        TRY(gp_prepared_queries(&queries, run->ask->queries, to, env, err));
        from = &queries;
    }
    run->from = from;
    run->to = to;
    run->filtered = !run->ask->brute && from->rounded.env;
    work->filtered |= run->filtered;
    work->cascaded |= run->filtered && from->coarse.env;
    work->blocks += to->space.blocks;
    work->flat += (uint64_t)to->space.flats * GP_BLOCK;
    if (!run->ask->queries && !run->ask->brute && to->space.flats > 0) {
        TRY(gp_flats_make(&flats, &to->space, env, err));
        work->pairs += (uint64_t)flats.lanes * flats.blocks * GP_BLOCK;
    }
    run->flats = flats.env ? &flats : NULL;
    stage = base_watch_stage(env, BASE_STAT_locate_seconds);
    status = seek_all(run, env, err);
    base_watch_stage(env, stage);
done:
    gp_flats_free(&flats);
    gp_prepared_empty(&queries, env);
    return status;
}

/* Members of rank below `end`, into chosen[]. Returns how many. */
static size_t choose(uint32_t *chosen, const struct gp_ask *ask, size_t end)
{
    size_t n = 0;

    for (size_t i = 0; i < ask->members; i++) {
        if (!ask->rank || ask->rank[ask->member[i]] < end) chosen[n++] = ask->member[i];
    }
    return n;
}

static int segments(struct run *run, struct gp_work *work, const struct base_env *env, struct pcct_error *err)
{
    const struct gp_ask *ask = run->ask;
    struct gp_prepared points = { .centre = NULL };
    struct gp_notes notes = { .env = NULL };
    uint32_t *chosen = NULL, most = 0;
    size_t end = SIZE_MAX;
    int status = 0;

    TRY(base_take(&chosen, env, ask->members, sizeof *chosen, err));
    for (size_t i = 0; ask->rank && i < ask->members; i++) most = ask->rank[ask->member[i]] > most ? ask->rank[ask->member[i]] : most;
    if (ask->rank) end = (size_t)most + 1;
    for (;;) {
        const size_t n = choose(chosen, ask, end);
        const size_t begin = ask->rank && !ask->brute && n > SEGMENT_LEAST ? end / SEGMENT_RATIO : 0;

        TRY(gp_prepared_fill(&points, ask, chosen, n, env, err));
        if (!ask->queries && !ask->brute) TRY(gp_notes_make(&notes, points.space.blocks, points.space.nodes, env, err));
        if (notes.env) points.space.notes = &notes;
        run->lowest = (uint32_t)begin;
        TRY(search(run, &points, work, env, err));
        gp_prepared_empty(&points, env);
        gp_notes_free(&notes);
        if (begin == 0) break;
        end = begin;
    }
done:
    gp_prepared_empty(&points, env);
    gp_notes_free(&notes);
    base_free(env, chosen);
    return status;
}

int gp_residual(int64_t *labels, double *distances, int32_t *counts, const struct gp_ask *ask, struct gp_work *work, const struct base_env *env,
                struct pcct_error *err)
{
    struct run run = { .ask = ask, .labels = labels, .distances = distances, .counts = counts };
    const size_t threads = (size_t)base_par_threads(env);
    const enum base_stat stage = base_watch_stage(env, BASE_STAT_layout_seconds);
    struct gp_work sum = { 0 };
    int status = 0;

    TRY(base_take_zero(&run.seeker, env, threads, sizeof *run.seeker, err));
    TRY(base_take_zero(&run.status, env, threads, sizeof *run.status, err));
    for (size_t t = 0; t < threads; t++) TRY(gp_seeker_start(&run.seeker[t], ask, env, err));
    if (!ask->queries) {
        TRY(base_take(&run.row, env, ask->points->n, sizeof *run.row, err));
        for (size_t i = 0; i < ask->members; i++) run.row[ask->member[i]] = (uint32_t)i;
    }
    if (ask->prepared && !ask->rank) TRY(search(&run, ask->prepared, &sum, env, err));
    else TRY(segments(&run, &sum, env, err));
    for (size_t t = 0; t < threads; t++) {
        sum.pairs += run.seeker[t].work.pairs;
        sum.nodes += run.seeker[t].work.nodes;
        sum.enveloped += run.seeker[t].work.enveloped;
        sum.again += run.seeker[t].work.again;
    }
    if (work) *work = sum;
done:
    for (size_t t = 0; run.seeker && t < threads; t++) gp_seeker_free(&run.seeker[t]);
    base_free(env, run.row);
    base_free(env, run.status);
    base_free(env, run.seeker);
    base_watch_stage(env, stage);
    return status;
}
