/* SPDX-License-Identifier: Apache-2.0 */
#include "index/rows.h"

#include "base/error.h"
#include "base/par.h"
#include "base/watch.h"
#include "block/layout_annex.h"
#include "index/links.h"

#include <assert.h>
#include <math.h>

enum { GRAIN = 4096 };

double index_row_pdist(const struct index_state *state, uint32_t node, uint32_t parent)
{
    return parent == INDEX_NONE ? 0 : metric_inner(&state->metric, index_key(state, node, parent));
}

double index_row_reach(const struct metric *metric, const struct index_row *row)
{
    return row->parent == INDEX_NONE ? (double)INFINITY : index_level_reach(metric, row->level);
}

/* ---- counts ------------------------------------------------------------------------------------------------------------------------------- */

/* Counts of a piece of rows, added to the state's at its end; taking one off is adding 2^64 - 1. */
struct tally {
    uint64_t level[INDEX_LEVELS], twins, live;
};

static void count(struct tally *tally, int16_t level, uint64_t amount)
{
    if (level > 0) {
        assert(level < INDEX_LEVELS);
        tally->level[level] += amount;
        tally->live += amount;
    } else if (level == INDEX_LEVEL_TWIN) {
        tally->twins += amount;
        tally->live += amount;
    }
}

static void add_tally(struct index_state *state, uint64_t *live, const struct tally *tally)
{
    for (int i = 0; i < INDEX_LEVELS; i++) {
        if (tally->level[i]) base_par_add(&state->level_count[i], tally->level[i]);
    }
    base_par_add(&state->twins, tally->twins);
    base_par_add(live, tally->live);
}

struct recount {
    struct index_state *state;
    uint64_t live;
};

static void recount_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct recount *work = ctx;
    struct tally tally = { { 0 }, 0, 0 };

    (void)thread;
    for (size_t i = begin; i < end; i++) count(&tally, index_level(work->state)[i], 1);
    add_tally(work->state, &work->live, &tally);
}

void index_recount(struct index_state *state)
{
    struct recount work = { state, 0 };

    for (int i = 0; i < INDEX_LEVELS; i++) state->level_count[i] = 0;
    state->twins = 0;
    base_par_for(state->env, state->n, 16 * GRAIN, recount_rows, &work);
    state->n_live = (uint32_t)work.live;
}

/* ---- one move of many rows ---------------------------------------------------------------------------------------------------------------- */

/* Nodes for one call of the layout. */
struct lanes {
    uint32_t *node;
    size_t n;
};

struct moving {
    struct index_state *state;
    const struct index_change *move;
    size_t n;
    struct index_link *out, *in;  /* links to take out of lists and to put in */
    size_t n_out, n_in;
    struct lanes leave, come, stay; /* lanes: taken out, added, with a new reach */
    uint64_t live;
};

static int seat_differs(const struct index_row *a, const struct index_row *b)
{
    return a->parent != b->parent || a->level != b->level;
}

/* Whether the row stands in its parent's list and has to leave it. An orphan stands in none. */
static int leaves_list(const struct moving *m, const struct index_change *c)
{
    return index_row_is_live(&c->before) && c->before.parent != INDEX_NONE && seat_differs(&c->before, &c->after) &&
           index_is_live(m->state, c->before.parent);
}

static int enters_list(const struct index_change *c)
{
    return index_row_is_live(&c->after) && c->after.parent != INDEX_NONE && seat_differs(&c->before, &c->after);
}

static struct lanes *lanes_of(struct moving *m, const struct index_change *c)
{
    const struct metric *metric = &m->state->metric;
    int was = index_row_is_live(&c->before), is = index_row_is_live(&c->after);

    if (metric_is_custom(metric)) return NULL; /* there is no layout */
    /* a number or +infinity each */
    if (was && is) return index_row_reach(metric, &c->before) != index_row_reach(metric, &c->after) ? &m->stay : NULL;
    return was ? &m->leave : is ? &m->come : NULL;
}

static void count_work(struct moving *m)
{
    for (size_t i = 0; i < m->n; i++) {
        struct lanes *lanes = lanes_of(m, &m->move[i]);

        if (lanes) lanes->n++;
        m->n_out += (size_t)leaves_list(m, &m->move[i]);
        m->n_in += (size_t)enters_list(&m->move[i]);
    }
}

static int take_lanes(struct lanes *lanes, const struct base_env *env, struct pcct_error *err)
{
    int status = 0;

    TRY(base_take(&lanes->node, env, lanes->n, sizeof *lanes->node, err));
    lanes->n = 0;
done:
    return status;
}

/* Everything that can fail but the layout's own growth, before anything changes. */
static int prepare(struct moving *m, struct pcct_error *err)
{
    const struct base_env *env = m->state->env;
    int status = 0;

    count_work(m);
    TRY(take_lanes(&m->leave, env, err));
    TRY(take_lanes(&m->come, env, err));
    TRY(take_lanes(&m->stay, env, err));
    TRY(base_take(&m->out, env, m->n_out, sizeof *m->out, err));
    TRY(base_take(&m->in, env, m->n_in, sizeof *m->in, err));
    m->n_out = m->n_in = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct index_change *c = &m->move[i];
        struct lanes *lanes = lanes_of(m, c);

        if (lanes) lanes->node[lanes->n++] = c->node;
        if (leaves_list(m, c)) m->out[m->n_out++] = (struct index_link){ c->before.parent, c->node, index_list_order(c->before.level) };
        if (enters_list(c)) m->in[m->n_in++] = (struct index_link){ c->after.parent, c->node, index_list_order(c->after.level) };
    }
    TRY(index_links_sort(m->out, m->n_out, env, err));
    TRY(index_links_sort(m->in, m->n_in, env, err));
done:
    return status;
}

static void write_rows(void *ctx, size_t begin, size_t end, int thread)
{
    struct moving *m = ctx;
    struct tally tally = { { 0 }, 0, 0 };

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const struct index_change *c = &m->move[i];

        assert(c->node < m->state->n && c->before.level == index_level(m->state)[c->node]);
        index_row_put(m->state, c->node, &c->after);
        count(&tally, c->before.level, UINT64_MAX);
        count(&tally, c->after.level, 1);
    }
    add_tally(m->state, &m->live, &tally);
}

/* The lists of those that are dead now. Only the walker of a list writes the links in it. */
static void drop_lists(void *ctx, size_t begin, size_t end, int thread)
{
    struct moving *m = ctx;
    uint32_t *child = index_child(m->state), *next = index_next(m->state);

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        uint32_t node = m->move[i].node;

        if (index_row_is_live(&m->move[i].after)) continue;
        for (uint32_t c = child[node]; c != INDEX_NONE; ) {
            uint32_t following = next[c];

            next[c] = INDEX_NONE;
            c = following;
        }
        child[node] = INDEX_NONE;
    }
}

static void move_root(struct moving *m)
{
    struct index_state *state = m->state;
    uint32_t root = INDEX_NONE;

    for (size_t i = 0; i < m->n; i++) {
        const struct index_change *c = &m->move[i];
        int is_root = index_row_is_live(&c->after) && c->after.parent == INDEX_NONE;

        if (is_root) root = c->node;
        else if (c->node == state->root) state->root = INDEX_NONE;
    }
    if (root != INDEX_NONE) state->root = root;
}

/* Lanes for those that became live. */
static int add_lanes(const struct moving *m, uint32_t first, struct pcct_error *err)
{
    const struct block_source source = index_source(m->state);
    int status = 0, annexed = 0;

    if (m->come.n == 0) return 0;
    if (first != INDEX_NONE) TRY(block_annex(&annexed, &m->state->layout, &source, m->come.node, m->come.n, first, err));
    if (!annexed) TRY(block_insert(&m->state->layout, &source, m->come.node, m->come.n, err));
done:
    return status;
}

static int move_rows(struct index_state *state, const struct index_change *moves, size_t n, uint32_t first, struct pcct_error *err)
{
    struct moving m = { .state = state, .move = moves, .n = n };
    const struct base_env *env = state->env;
    const struct block_source source = index_source(state);
    enum base_stat stage = base_watch_stage(env, BASE_STAT_attach_seconds);
    struct base_span span = base_watch_span(env);
    int status = 0;

    if (n == 0) goto done;
    base_watch_part(env, span, 0, 0.25);
    TRY(prepare(&m, err));
    base_watch_stage(env, BASE_STAT_layout_seconds);
    block_remove(&state->layout, &source, m.leave.node, m.leave.n);
    base_watch_stage(env, BASE_STAT_attach_seconds);
    base_watch_part(env, span, 0.25, 0.4);
    base_par_for(env, n, GRAIN, write_rows, &m);
    state->n_live += (uint32_t)m.live;
    move_root(&m);
    base_par_for(env, n, GRAIN, drop_lists, &m);
    index_links_remove(state, m.out, m.n_out);
    index_links_add(state, m.in, m.n_in);
    base_watch_stage(env, BASE_STAT_layout_seconds);
    base_watch_part(env, span, 0.4, 1);
    block_renew_reach(&state->layout, &source, m.stay.node, m.stay.n);
    TRY(add_lanes(&m, first, err));
done:
    base_watch_stage(env, stage);
    base_free(env, m.leave.node);
    base_free(env, m.come.node);
    base_free(env, m.stay.node);
    base_free(env, m.in);
    base_free(env, m.out);
    return status;
}

int index_rows_move(struct index_state *state, const struct index_change *moves, size_t n, struct pcct_error *err)
{
    return move_rows(state, moves, n, INDEX_NONE, err);
}

int index_rows_move_apart(struct index_state *state, const struct index_change *moves, size_t n, uint32_t first, struct pcct_error *err)
{
    return move_rows(state, moves, n, first, err);
}

/* ---- all rows at once --------------------------------------------------------------------------------------------------------------------- */

struct founding {
    const struct index_state *state;
    uint64_t root; /* and one */
};

static void find_root(void *ctx, size_t begin, size_t end, int thread)
{
    struct founding *work = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        if (index_is_live(work->state, (uint32_t)i) && index_parent(work->state)[i] == INDEX_NONE) base_par_add(&work->root, i + 1); /* once */
    }
}

int index_rows_found(struct index_state *state, struct block_layout *layout, struct pcct_error *err)
{
    const struct block_source source = index_source(state);
    struct founding work = { state, 0 };
    int status = 0;

    assert(state->layout.entries == 0 && state->root == INDEX_NONE && layout->row_words == state->layout.row_words);
    base_par_for(state->env, state->n, GRAIN, find_root, &work);
    state->root = (uint32_t)work.root - 1;
    TRY(index_links_rebuild(state, err));
    TRY(block_renew_all_reaches(layout, &source, err));
    index_recount(state);
    block_free(&state->layout);
    state->layout = *layout;
    block_init(layout, state->env, &state->metric);
done:
    if (status != 0) state->root = INDEX_NONE;
    return status;
}
