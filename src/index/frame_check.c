/* SPDX-License-Identifier: Apache-2.0 */
#include "index/frame_check.h"

#include "base/error.h"
#include "base/par.h"
#include "base/sort.h"
#include "index/fault.h"
#include "index/rows.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { GRAIN = 2048, AHEAD = 8 };

/* What can be wrong with one row. */
enum {
    ORDER = 1, NOT_LIVE, OLD_VALUES, DEATH, LEVEL, RADIUS, PARENT, ROOT, CHILDREN, GONE, LABEL
};

static const char *const words[] = {
    [ORDER] = "rows are out of order or out of range",
    [NOT_LIVE] = "it changes a row that is not live",
    [OLD_VALUES] = "the old values are not those of the version that it is to be applied to",
    [DEATH] = "a dead row keeps a parent, a radius or a distance",
    [LEVEL] = "a level is out of range",
    [RADIUS] = "a radius is negative or not finite",
    [PARENT] = "a parent is not live, or its level is not above its child's",
    [ROOT] = "there would be another root than the one that it names",
    [CHILDREN] = "children would be left under a row that is dead or not above them",
    [GONE] = "the deleted labels are not those of the rows that die",
    [LABEL] = "a new label is live already, stands twice or is -1",
};

struct checking {
    const struct index_frame *frame;
    const struct index_state *state;
    const struct index_change *change;
    const struct index_row *added;
    uint64_t *marks;          /* a bit for each changed row, where its number is scattered to: most rows that are asked for are not among them */
    unsigned shift;
    uint64_t passing;         /* added rows that are dead */
    struct index_fault fault; /* items: changed rows, then added ones */
};

enum { MARKS_A_ROW = 16, MARKS_LEAST = 64 };

static uint64_t mark_of(const struct checking *c, uint32_t node)
{
    return node * UINT64_C(0x9e3779b97f4a7c15) >> c->shift;
}

static int make_marks(struct checking *c, struct pcct_error *err)
{
    const struct base_env *env = c->state->env;
    uint64_t marks = MARKS_LEAST;
    int status = 0;

    for (c->shift = 64 - 6; marks < MARKS_A_ROW * (uint64_t)c->frame->change.count; c->shift--) marks *= 2;
    TRY(base_take_zero(&c->marks, env, marks / 64, sizeof *c->marks, err));
    for (size_t i = 0; i < c->frame->change.count; i++) {
        uint64_t mark = mark_of(c, c->change[i].node);

        c->marks[mark / 64] |= UINT64_C(1) << mark % 64;
    }
done:
    return status;
}

static const struct index_change *find_change(const struct checking *c, uint32_t node)
{
    size_t low = 0, high = c->frame->change.count;
    uint64_t mark = mark_of(c, node);

    if (!(c->marks[mark / 64] >> mark % 64 & 1)) return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (c->change[middle].node < node) low = middle + 1;
        else high = middle;
    }
    return low < c->frame->change.count && c->change[low].node == node ? &c->change[low] : NULL;
}

/* A row that was there before as it will be, pdist aside; change NULL: it stays as it is. */
static struct index_row changed_row(const struct checking *c, uint32_t node, const struct index_change *change)
{
    struct index_row row = { .radius = index_radius(c->state)[node], .parent = index_parent(c->state)[node], .level = index_level(c->state)[node] };

    if (!change) return row;
    if (change->before.parent != change->after.parent) row.parent = change->after.parent;
    if (change->before.level != change->after.level) row.level = change->after.level;
    if (!index_same_radius(&change->before, &change->after)) row.radius = change->after.radius;
    return row;
}

/* Any row as it will be, pdist aside. */
static struct index_row row_after(const struct checking *c, uint32_t node)
{
    const struct index_row none = { 0, 0, INDEX_NONE, INDEX_LEVEL_DEAD, 0 };

    if (node >= c->frame->n_after) return none;
    if (node >= c->frame->n_before) return c->added[node - c->frame->n_before];
    return changed_row(c, node, find_change(c, node));
}

static int level_in_range(int16_t level)
{
    return level == INDEX_LEVEL_TWIN || (level >= INDEX_LEVEL_BIAS + METRIC_LEVEL_MIN && level <= INDEX_LEVEL_BIAS + METRIC_LEVEL_MAX);
}

/* A live row as it will be: 0 or what is wrong. */
static unsigned live_fault(const struct checking *c, uint32_t node, const struct index_row *row)
{
    int16_t above;

    if (!level_in_range(row->level)) return LEVEL;
    if (!(row->radius >= 0 && row->radius < (double)INFINITY) || signbit(row->radius)) return RADIUS;
    if (row->parent == INDEX_NONE) return node == c->frame->root_after && row->level > 0 ? 0 : ROOT;
    if (node == c->frame->root_after) return ROOT;
    above = row_after(c, row->parent).level;
    return above > 0 && (row->level == INDEX_LEVEL_TWIN || above > row->level) ? 0 : PARENT;
}

/* A dead row as it will be: 0 or what is wrong. */
static unsigned death_fault(const struct index_row *row, double pdist)
{
    return row->parent != INDEX_NONE || row->radius > 0 || !(row->radius >= 0) || pdist > 0 ? DEATH : 0;
}

/* Children of a row that dies, becomes a twin or falls: each must be dead then, under another parent, or below it. */
static int children_fit(const struct checking *c, uint32_t node, int16_t level)
{
    for (uint32_t child = index_child(c->state)[node]; child != INDEX_NONE; child = index_next(c->state)[child]) {
        const struct index_change *change = find_change(c, child);
        int16_t below = change && change->before.level != change->after.level ? change->after.level : index_level(c->state)[child];

        if (below == INDEX_LEVEL_DEAD || (change && change->before.parent != change->after.parent && change->after.parent != node)) continue;
        if (level <= 0 || (below != INDEX_LEVEL_TWIN && below >= level)) return 0;
    }
    return 1;
}

static unsigned change_fault(const struct checking *c, size_t i)
{
    const struct index_change *change = &c->change[i];
    uint32_t node = change->node;
    struct index_row row;
    double pdist = 0;
    unsigned fault;
    int16_t level;

    if (node >= c->frame->n_before || (i > 0 && c->change[i - 1].node >= node)) return ORDER;
    if (!index_is_live(c->state, node)) return NOT_LIVE;
    level = index_level(c->state)[node];
    if (change->before.parent != change->after.parent && change->before.parent != index_parent(c->state)[node]) return OLD_VALUES;
    if (change->before.level != change->after.level && change->before.level != level) return OLD_VALUES;
    if (!index_same_radius(&change->before, &change->after) && change->before.radius != index_radius(c->state)[node]) return OLD_VALUES;
    if (metric_is_custom(&c->state->metric) && !index_same_pdist(&change->before, &change->after)) {
        if (change->before.pdist != index_pdist(c->state)[node]) return OLD_VALUES;
        pdist = change->after.pdist;
    }
    row = changed_row(c, node, change);
    fault = row.level == INDEX_LEVEL_DEAD ? death_fault(&row, pdist) : live_fault(c, node, &row);
    if (fault) return fault;
    return row.level >= level || children_fit(c, node, row.level) ? 0 : CHILDREN;
}

static void check_order(void *ctx, size_t begin, size_t end, int thread)
{
    struct checking *c = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        if (c->change[i].node >= c->frame->n_before || (i > 0 && c->change[i - 1].node >= c->change[i].node)) index_fault_note(&c->fault, i, ORDER);
    }
}

static void check_changes(void *ctx, size_t begin, size_t end, int thread)
{
    struct checking *c = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        unsigned fault;

        if (i + AHEAD < c->frame->change.count) {
            index_row_ask(c->state, c->change[i + AHEAD].node); /* in range, by check_order */
            __builtin_prefetch(&index_child(c->state)[c->change[i + AHEAD].node]);
        }
        fault = change_fault(c, i);
        if (fault) index_fault_note(&c->fault, i, fault);
    }
}

static void check_added(void *ctx, size_t begin, size_t end, int thread)
{
    struct checking *c = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const struct index_row *row = &c->added[i];
        unsigned fault;

        if (row->level == INDEX_LEVEL_DEAD && c->frame->passing > 0) {
            base_par_add(&c->passing, 1);
            fault = death_fault(row, metric_is_custom(&c->state->metric) ? row->pdist : 0);
        } else {
            fault = live_fault(c, c->frame->n_before + (uint32_t)i, row);
        }
        if (fault) index_fault_note(&c->fault, c->frame->change.count + i, fault);
    }
}

/* The rows that die, in order, with their labels. */
static void check_gone(struct checking *c)
{
    const uint32_t *gone = c->frame->gone.memory.data;
    const int64_t *label = c->frame->gone_label.memory.data;
    size_t n = 0;

    for (size_t i = 0; i < c->frame->change.count; i++) {
        uint32_t node = c->change[i].node;

        if (changed_row(c, node, &c->change[i]).level != INDEX_LEVEL_DEAD) continue;
        if (n >= c->frame->gone.count || gone[n] != node || label[n] != index_label(c->state)[node]) {
            index_fault_note(&c->fault, i, GONE);
            return;
        }
        n++;
    }
    if (n != c->frame->gone.count) index_fault_note(&c->fault, c->frame->change.count, GONE);
}

static int damaged(const struct checking *c, struct pcct_error *err)
{
    uint64_t item = index_fault_item(&c->fault);
    const char *what = words[index_fault_code(&c->fault)];

    if (item < c->frame->change.count) return base_fail(err, PCCT_E_DAMAGED, "the frame does not fit: %s (row %u)", what, c->change[item].node);
    return base_fail(err, PCCT_E_DAMAGED, "the frame does not fit: %s (new row %" PRIu64 ")", what, item - c->frame->change.count);
}

static int check_counts(const struct index_frame *f, const struct index_state *state, struct pcct_error *err)
{
    if (f->n_before != state->n || f->live_before != state->n_live || f->root_before != state->root ||
        f->next_label_before != state->next_label) {
        return base_fail(err, PCCT_E_DAMAGED,
                         "the frame is for another version: it starts from %u rows, %u live, root %u; there are %u rows, %u live, root %u",
                         f->n_before, f->live_before, f->root_before, state->n, state->n_live, state->root);
    }
    if (memcmp(f->digest_before, state->digest, sizeof f->digest_before) != 0) {
        return base_fail(err, PCCT_E_DAMAGED, "the frame is for another version: its digests are not those of the rows that are there");
    }
    if (f->n_after < f->n_before || f->n_after == INDEX_NONE || f->n_after - f->n_before != f->added.count || f->gone.count != f->gone_label.count ||
        (uint64_t)f->live_before + f->added.count != (uint64_t)f->live_after + f->gone.count + f->passing ||
        (f->live_after == 0) != (f->root_after == INDEX_NONE)) {
        return base_fail(err, PCCT_E_DAMAGED, "the frame does not fit: its counts contradict each other");
    }
    return 0;
}

/* Each row that is or becomes a root was looked at; the old one may be one only if it stays. */
static int check_root(const struct checking *c, struct pcct_error *err)
{
    const struct index_frame *f = c->frame;
    struct index_row row = row_after(c, f->root_after);

    if (f->root_after != INDEX_NONE && (row.level <= 0 || row.parent != INDEX_NONE)) {
        return base_fail(err, PCCT_E_DAMAGED, "the frame does not fit: row %u cannot be the root", f->root_after);
    }
    row = row_after(c, f->root_before);
    if (f->root_before != f->root_after && row.level != INDEX_LEVEL_DEAD && row.parent == INDEX_NONE) {
        return base_fail(err, PCCT_E_DAMAGED, "the frame does not fit: row %u would be a second root", f->root_before);
    }
    return 0;
}

/* Labels from the counter on were never used. Of the others each is looked up; one whose row dies in this frame may be used anew. */
static int check_labels(struct checking *c, struct index_state *state, struct pcct_error *err)
{
    const int64_t *label = c->frame->label.data;
    size_t n = c->frame->added.count, first = c->frame->change.count, live = 0;
    int64_t next = state->next_label;
    struct base_pair *pair = NULL;
    int status = 0, ascending = 1, old = 0;

    for (size_t i = 0; i < n; i++) {
        if (label[i] == -1) index_fault_note(&c->fault, first + i, LABEL);
        if (i > 0 && label[i - 1] >= label[i]) ascending = 0;
        if (label[i] < state->next_label) old = 1;
        if (label[i] >= next) next = label[i] < INT64_MAX ? label[i] + 1 : INT64_MAX;
    }
    if (next != c->frame->next_label_after) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "the frame does not fit: its label counter is not what its labels make it"));
    }
    if (old) TRY(index_labels_prepare(state, err));
    for (size_t i = 0; old && i < n; i++) {
        uint32_t node = c->added[i].level == INDEX_LEVEL_DEAD ? INDEX_NONE : index_find_prepared(state, label[i]);

        if (node != INDEX_NONE && row_after(c, node).level != INDEX_LEVEL_DEAD) index_fault_note(&c->fault, first + i, LABEL);
    }
    if (ascending) goto done;
    TRY(base_take(&pair, state->env, n, sizeof *pair, err));
    for (size_t i = 0; i < n; i++) {
        if (c->added[i].level != INDEX_LEVEL_DEAD) pair[live++] = (struct base_pair){ (uint64_t)label[i], i };
    }
    TRY(base_sort_pairs(pair, live, state->env, err));
    for (size_t i = 1; i < live; i++) {
        if (pair[i - 1].key == pair[i].key) index_fault_note(&c->fault, first + pair[i].value, LABEL);
    }
done:
    base_free(state->env, pair);
    return status;
}

int index_frame_check(const struct index_frame *frame, struct index_state *state, struct pcct_error *err)
{
    struct checking c = { frame, state, frame->change.memory.data, frame->added.memory.data, NULL, 0, 0, INDEX_FAULT_NONE };
    struct pcct_error detail = { 0, "" };
    size_t bad = 0;
    int status = 0;

    TRY(check_counts(frame, state, err));
    base_par_for(state->env, frame->change.count, GRAIN, check_order, &c);
    if (index_fault_found(&c.fault)) TRY(damaged(&c, err)); /* rows are looked up by it */
    TRY(make_marks(&c, err));
    base_par_for(state->env, frame->change.count, GRAIN, check_changes, &c);
    base_par_for(state->env, frame->added.count, GRAIN, check_added, &c);
    check_gone(&c);
    if (index_fault_found(&c.fault)) TRY(damaged(&c, err));
    if (c.passing != frame->passing) TRY(base_fail(err, PCCT_E_DAMAGED, "the frame does not fit: its counts contradict each other"));
    TRY(check_root(&c, err));
    TRY(check_labels(&c, state, err));
    if (index_fault_found(&c.fault)) TRY(damaged(&c, err));
    if (frame->added.count > 0 && metric_validate(&bad, &state->metric, frame->point.data, frame->added.count, 0, &detail) != 0) {
        TRY(base_fail(err, PCCT_E_DAMAGED, "the frame does not fit: of its new points, %s", detail.message));
    }
done:
    base_free(state->env, c.marks);
    return status;
}
