/* SPDX-License-Identifier: Apache-2.0 */
#include "index/labels.h"

#include "base/error.h"
#include "base/par.h"

#include <assert.h>

enum { GRAIN = 4096 };
#define SLOT_EMPTY INDEX_NONE
#define SLOT_STRUCK (INDEX_NONE - 1) /* no row has this number: there are at most 2^32 - 2 */

struct index_labels {
    uint32_t *slot;  /* NULL: labels ascend */
    size_t slots;    /* a power of two */
    size_t used;     /* slots that are not empty */
};

static size_t slot_of(const struct index_labels *labels, int64_t label)
{
    uint64_t x = (uint64_t)label;

    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return (size_t)(x ^ x >> 32) & (labels->slots - 1);
}

static int ascend(const int64_t *label, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (label[i - 1] >= label[i]) return 0;
    }
    return 1;
}

/* ---- making a table ----------------------------------------------------------------------------------------------------------------------- */

struct filling {
    const struct index_state *state;
    struct index_labels *labels;
    uint64_t used;
};

static void empty_slots(void *ctx, size_t begin, size_t end, int thread)
{
    struct filling *filling = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) filling->labels->slot[i] = SLOT_EMPTY;
}

/* Rows that are dead are left out; labels of all others differ. Which slot of a chain a row gets depends on the threads, what is found does not. */
static void fill_slots(void *ctx, size_t begin, size_t end, int thread)
{
    struct filling *filling = ctx;
    struct index_labels *labels = filling->labels;
    uint64_t used = 0;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        uint32_t empty = SLOT_EMPTY;
        size_t at;

        if (index_level(filling->state)[i] == INDEX_LEVEL_DEAD) continue;
        at = slot_of(labels, index_label(filling->state)[i]);
        /* Relaxed: the slot's number is all that is shared until the parallel region ends. */
        while (!__atomic_compare_exchange_n(&labels->slot[at], &empty, (uint32_t)i, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            at = (at + 1) & (labels->slots - 1);
            empty = SLOT_EMPTY;
        }
        used++;
    }
    base_par_add(&filling->used, used);
}

/* A new table over the rows that are there, at most half full with `more` rows to come. */
static int fill(struct index_state *state, struct index_labels *labels, size_t more, struct pcct_error *err)
{
    struct index_labels fresh = { NULL, 1024, 0 };
    struct filling filling = { state, &fresh, 0 };
    int status = 0;

    while (fresh.slots / 2 < (size_t)state->n + more) fresh.slots *= 2;
    TRY(base_take(&fresh.slot, state->env, fresh.slots, sizeof *fresh.slot, err));
    base_par_for(state->env, fresh.slots, 16 * GRAIN, empty_slots, &filling);
    base_par_for(state->env, state->n, GRAIN, fill_slots, &filling);
    fresh.used = filling.used;
    base_free(state->env, labels->slot);
    *labels = fresh;
done:
    return status;
}

int index_labels_prepare(struct index_state *state, struct pcct_error *err)
{
    struct index_labels *labels = NULL;
    int status = 0;

    if (state->labels) return 0;
    TRY(base_take_zero(&labels, state->env, 1, sizeof *labels, err));
    if (!ascend(index_label(state), state->n)) TRY(fill(state, labels, 0, err));
    state->labels = labels;
    labels = NULL;
done:
    base_free(state->env, labels);
    return status;
}

void index_labels_free(struct index_state *state)
{
    if (state->labels) base_free(state->env, state->labels->slot);
    base_free(state->env, state->labels);
    state->labels = NULL;
}

/* ---- upkeep ------------------------------------------------------------------------------------------------------------------------------- */

int index_labels_reserve(struct index_state *state, const int64_t *labels, size_t n, struct pcct_error *err)
{
    struct index_labels *table = state->labels;

    if (!table || n == 0) return 0;
    if (!table->slot) {
        if (ascend(labels, n) && (state->n == 0 || index_label(state)[state->n - 1] < labels[0])) return 0;
        return fill(state, table, n, err);
    }
    return (table->used + n) * 2 <= table->slots ? 0 : fill(state, table, n, err);
}

/* The slot that names a row with this label, else the first empty one. */
static size_t find_slot(const struct index_state *state, int64_t label)
{
    const struct index_labels *labels = state->labels;
    size_t at = slot_of(labels, label);

    while (labels->slot[at] != SLOT_EMPTY && (labels->slot[at] == SLOT_STRUCK || index_label(state)[labels->slot[at]] != label)) {
        at = (at + 1) & (labels->slots - 1);
    }
    return at;
}

static void enter(struct index_state *state, uint32_t node)
{
    struct index_labels *labels = state->labels;
    size_t at = find_slot(state, index_label(state)[node]);

    if (labels->slot[at] == SLOT_EMPTY) labels->used++;
    assert(labels->used < labels->slots);
    labels->slot[at] = node;
}

void index_labels_put(struct index_state *state, uint32_t first, size_t n)
{
    if (!state->labels || !state->labels->slot) return;
    for (size_t i = 0; i < n; i++) enter(state, first + (uint32_t)i);
}

void index_labels_strike(struct index_state *state, uint32_t first)
{
    if (!state->labels || !state->labels->slot) return;
    for (uint32_t node = first; node < state->n; node++) {
        size_t at = find_slot(state, index_label(state)[node]);

        if (state->labels->slot[at] == node) state->labels->slot[at] = SLOT_STRUCK;
    }
}

void index_labels_revive(struct index_state *state, const uint32_t *nodes, size_t n)
{
    if (!state->labels || !state->labels->slot) return;
    for (size_t i = 0; i < n; i++) enter(state, nodes[i]);
}

uint64_t index_labels_memory(const struct index_state *state)
{
    return state->labels ? sizeof *state->labels + state->labels->slots * sizeof *state->labels->slot : 0;
}

/* ---- looking up --------------------------------------------------------------------------------------------------------------------------- */

/* The first row whose label is not below. */
static uint32_t lower_bound(const struct index_state *state, int64_t label)
{
    uint32_t low = 0, high = state->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (index_label(state)[middle] < label) low = middle + 1;
        else high = middle;
    }
    return low;
}

uint32_t index_find_prepared(const struct index_state *state, int64_t label)
{
    uint32_t node;

    assert(state->labels);
    if (state->labels->slot) {
        node = state->labels->slot[find_slot(state, label)];
        return node != SLOT_EMPTY && index_is_live(state, node) ? node : INDEX_NONE;
    }
    node = lower_bound(state, label);
    return node < state->n && index_label(state)[node] == label && index_is_live(state, node) ? node : INDEX_NONE;
}

int index_find(uint32_t *node, struct index_state *state, int64_t label, struct pcct_error *err)
{
    int status = 0;

    *node = INDEX_NONE;
    TRY(index_labels_prepare(state, err));
    *node = index_find_prepared(state, label);
done:
    return status;
}
