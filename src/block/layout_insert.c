/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "base/par.h"
#include "base/sort.h"
#include "block/layout_annex.h"
#include "block/layout_split.h"
#include "block/layout_views.h"

#include <assert.h>
#include <string.h>

/*
 * A *family* is a lowest inner node with its blocks; every entry goes to one.
 * 1. Each entry is routed to a block, in parallel; the layout stands still. 2. Entries are grouped by family and block. From their counts follows
 * what becomes of each family: blocks that are too small are split; where that would leave too many or too poor ones, the whole family is laid out
 * anew, as several if one inner node cannot hold it. So all the memory that will be needed is known: nothing can fail after that.
 * 3. Families are changed, in parallel, each on its own. 4. Summaries are renewed level by level, at every ancestor of every family that was touched.
 * 5. New families are hung beside those they came from, by the planes that they were cut by; inner nodes that are full are split in two.
 * No entry is moved but within its family.
 */
enum {
    ROUTE_ENTRIES = 64,
    FAMILIES_AT_ONCE = 2,
    FEW_ENTRIES = 64,   /* so many are always inserted in one step */
    INNERS_SPARE = 256, /* inner nodes that a step may make room for in any case; beyond, half as many as there are */
    SPARE_HEIGHT = 4,
    SPARE = 8 /* a family keeps an eighth more blocks than it needs */
};

/* The new entries of one block. */
struct group {
    uint32_t block;
    uint32_t first, count; /* in insertion.pair */
    uint32_t pieces;       /* blocks that this one becomes */
};

struct family {
    uint32_t inner;
    uint32_t first, groups;  /* in insertion.group */
    uint32_t number, blocks; /* in insertion.number: its blocks before, then new ones; how many there are afterwards */
    uint32_t had;            /* blocks before */
    uint32_t fresh, inners;  /* in insertion.fresh: further inner nodes; how many there are afterwards with the old one */
    uint32_t entries;        /* afterwards; only if the family is laid out anew, which `anew` says */
    int anew;
    size_t record;           /* the first of its records */
    size_t cut;              /* and of its cuts */
};

struct insertion {
    struct block_layout *layout;
    const struct block_source *source;
    const uint32_t *node;
    size_t n;
    struct base_pair *pair;       /* [n] family and block, number of the entry; sorted */
    struct group *group;
    struct family *family;
    size_t groups, families;
    uint32_t *number, *fresh;     /* blocks and inner nodes */
    size_t numbers, fresh_blocks, fresh_inners, record_count, cuts;
    struct block_records records; /* of what is split or laid out anew: old lanes and new entries */
    struct block_cut *cut;
    uint32_t *touched;            /* [families] */
};

/* ---- routing ------------------------------------------------------------------------------------------------------------------------------ */

static void route_entries(void *ctx, size_t begin, size_t end, int thread)
{
    struct insertion *insertion = ctx;
    const struct block_source *source = insertion->source;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t node = insertion->node[i];
        uint32_t block;

        assert(node < source->rows && (node >= insertion->layout->rows || block_where(insertion->layout)[node] == BLOCK_NONE));
        block = block_route(insertion->layout, source, node);
        insertion->pair[i].key = (uint64_t)block_link_of(insertion->layout, block)->parent << 32 | block;
        insertion->pair[i].value = i;
    }
}

/* ---- planning ----------------------------------------------------------------------------------------------------------------------------- */

static void count_groups(struct insertion *insertion)
{
    for (size_t i = 0; i < insertion->n; i++) {
        const uint64_t changed = i == 0 ? UINT64_MAX : insertion->pair[i].key ^ insertion->pair[i - 1].key;

        insertion->groups += changed != 0;
        insertion->families += changed >> 32 != 0;
    }
}

static uint32_t pieces_of(size_t entries) { return (uint32_t)((entries + BLOCK_PIECE - 1) / BLOCK_PIECE); }

static void list_groups(struct insertion *insertion)
{
    struct group *group = insertion->group;
    struct family *family = insertion->family;

    for (size_t i = 0; i < insertion->n; group++) {
        const uint64_t key = insertion->pair[i].key;
        uint32_t total;

        *group = (struct group){ (uint32_t)key, (uint32_t)i, 0, 1 };
        while (i < insertion->n && insertion->pair[i].key == key) i++;
        group->count = (uint32_t)i - group->first;
        total = block_link_of(insertion->layout, group->block)->count + group->count;
        if (total > METRIC_LANES) group->pieces = pieces_of(total);
        if (group == insertion->group || family->inner != key >> 32) {
            if (group != insertion->group) family++;
            *family = (struct family){ .inner = (uint32_t)(key >> 32), .first = (uint32_t)(group - insertion->group) };
        }
        family->groups++;
    }
}

/* What becomes of a family. */
static void plan_family(struct insertion *insertion, struct family *family)
{
    const struct block_layout *layout = insertion->layout;
    const struct group *group = insertion->group + family->first;
    size_t split_records = 0, total = 0;
    uint32_t wanted;

    family->had = family->blocks = block_inner(layout, family->inner)->count;
    family->inners = 1;
    for (uint32_t slot = 0; slot < family->had; slot++) total += block_child_link(layout, block_children(layout, family->inner)[slot])->count;
    for (uint32_t g = 0; g < family->groups; g++) {
        total += group[g].count;
        family->blocks += group[g].pieces - 1;
        if (group[g].pieces > 1) split_records += block_link_of(layout, group[g].block)->count + group[g].count;
    }
    wanted = pieces_of(total);
    if (family->blocks > family->had && (family->blocks > METRIC_FANOUT || family->blocks > wanted + (wanted + SPARE - 1) / SPARE)) {
        family->anew = 1;
        family->entries = (uint32_t)total;
        family->blocks = wanted;
        family->inners = (family->blocks + BLOCK_CHILDREN - 1) / BLOCK_CHILDREN;
        split_records = total;
    }
    family->number = (uint32_t)insertion->numbers;
    family->fresh = (uint32_t)insertion->fresh_inners;
    family->record = insertion->record_count;
    family->cut = insertion->cuts;
    insertion->numbers += family->blocks > family->had ? family->blocks : family->had;
    insertion->fresh_blocks += family->blocks > family->had ? family->blocks - family->had : 0;
    insertion->fresh_inners += family->inners - 1;
    insertion->record_count += split_records;
    insertion->cuts += family->blocks;
}

/* By how much hanging the new families may raise the layout: once, and again for every 15 children that the new root gets. */
static size_t raised(const struct insertion *insertion)
{
    return insertion->fresh_inners > 0 ? 1 + insertion->fresh_inners / BLOCK_PLANES : 0;
}

/* Inner nodes to make room for: the new families', and what hanging them may take. Each splits at most one node a level. */
static size_t inners_needed(const struct insertion *insertion)
{
    const size_t fresh = insertion->fresh_inners, levels = (size_t)block_height(insertion->layout) - 1 + raised(insertion);

    return fresh + fresh * levels + raised(insertion);
}

/* Whether that is out of proportion; it never is for FEW_ENTRIES. */
static int is_too_much(const struct insertion *insertion)
{
    return insertion->n > FEW_ENTRIES && (inners_needed(insertion) > insertion->layout->inners / 2 + INNERS_SPARE ||
                                          raised(insertion) > BLOCK_HEIGHT_MAX - BLOCK_HEIGHT_GROWN);
}

static int reserve(struct insertion *insertion, struct pcct_error *err)
{
    struct block_layout *layout = insertion->layout;
    const struct base_env *env = layout->env;
    const uint32_t rows = insertion->source->rows > layout->rows ? insertion->source->rows : layout->rows;
    int status = 0;

    TRY(base_take(&insertion->number, env, insertion->numbers, sizeof *insertion->number, err));
    TRY(base_take(&insertion->fresh, env, insertion->fresh_inners, sizeof *insertion->fresh, err));
    TRY(base_take(&insertion->touched, env, insertion->families, sizeof *insertion->touched, err));
    TRY(base_take(&insertion->cut, env, insertion->cuts, sizeof *insertion->cut, err));
    TRY(base_take(&insertion->records.record, env, insertion->record_count, insertion->records.record_bytes, err));
    TRY(block_reserve(layout, layout->blocks + insertion->fresh_blocks, layout->inners + inners_needed(insertion), rows, err));
done:
    return status;
}

/* Nothing fails from here on. */
static void take_numbers(struct insertion *insertion)
{
    struct block_layout *layout = insertion->layout;

    if (insertion->source->rows > layout->rows) {
        memset(block_where(layout) + layout->rows, 0xff, (size_t)(insertion->source->rows - layout->rows) * sizeof(uint32_t));
        layout->rows = insertion->source->rows;
    }
    for (size_t f = 0; f < insertion->families; f++) {
        const struct family *family = &insertion->family[f];
        uint32_t *number = insertion->number + family->number;

        for (uint32_t i = 0; i < family->had; i++) number[i] = block_children(layout, family->inner)[i] & ~BLOCK_IS_LEAF;
        for (uint32_t i = family->had; i < family->blocks; i++) number[i] = block_take_block(layout);
        for (uint32_t i = 1; i < family->inners; i++) insertion->fresh[family->fresh + i - 1] = block_take_inner(layout);
    }
}

/* ---- families ----------------------------------------------------------------------------------------------------------------------------- */

/* Records of the lanes of a block from `record` on. Returns where the next goes. */
static size_t gather_lanes(struct insertion *insertion, size_t record, uint32_t block)
{
    for (uint32_t lane = 0; lane < block_link_of(insertion->layout, block)->count; lane++, record++) {
        block_record_set(&insertion->records, record, block_nodes(insertion->layout, block)[lane]);
    }
    return record;
}

/* The same for the new entries of a block. */
static size_t gather_entries(struct insertion *insertion, size_t record, const struct group *group)
{
    for (uint32_t i = 0; i < group->count; i++, record++) {
        block_record_set(&insertion->records, record, insertion->node[insertion->pair[group->first + i].value]);
    }
    return record;
}

/* Hangs the blocks on the right of a cut, beside those on the left. */
static void divide_family(struct block_layout *layout, uint32_t inner, const struct block_cut *cut, const uint32_t *number)
{
    block_divide(layout, inner, block_link_of(layout, number[cut->left])->slot, &cut->plane, number[cut->right] | BLOCK_IS_LEAF);
}

/* The i-th of the inner nodes that a family becomes. */
static uint32_t inner_of(const struct insertion *insertion, const struct family *family, uint32_t i)
{
    return i == 0 ? family->inner : insertion->fresh[family->fresh + i - 1];
}

/* Appends to the blocks that have room and splits the others. */
static void change_family(struct insertion *insertion, const struct family *family)
{
    struct block_layout *layout = insertion->layout;
    const uint32_t *number = insertion->number + family->number;
    struct block_cut *cut = insertion->cut + family->cut;
    uint32_t next = family->had;
    size_t record = family->record;

    for (uint32_t g = 0; g < family->groups; g++) {
        const struct group *group = &insertion->group[family->first + g];
        const uint32_t slot = block_link_of(layout, group->block)->slot;
        uint32_t piece[METRIC_FANOUT];

        if (group->pieces == 1) {
            for (uint32_t i = 0; i < group->count; i++) {
                block_put_lane(layout, insertion->source, group->block, insertion->node[insertion->pair[group->first + i].value]);
            }
        } else {
            const size_t end = gather_entries(insertion, gather_lanes(insertion, record, group->block), group);

            piece[0] = group->block;
            memcpy(piece + 1, number + next, (group->pieces - 1) * sizeof *piece);
            block_records_share(cut, layout, &insertion->records, record, end, piece, group->pieces, 1);
            record = end;
            next += group->pieces - 1;
            for (uint32_t i = 0; i < group->pieces - 1; i++) divide_family(layout, family->inner, &cut[i], piece);
        }
        block_summarise(layout, family->inner, slot);
    }
}

/* Lays a family out anew under its own inner node and the fresh ones. */
static void lay_out_family(struct insertion *insertion, const struct family *family)
{
    struct block_layout *layout = insertion->layout;
    const uint32_t *number = insertion->number + family->number;
    struct block_cut *cut = insertion->cut + family->cut;
    size_t record = family->record;

    for (uint32_t i = 0; i < family->had; i++) record = gather_lanes(insertion, record, number[i]);
    for (uint32_t g = 0; g < family->groups; g++) record = gather_entries(insertion, record, &insertion->group[family->first + g]);
    assert(record == family->record + family->entries);
    block_records_share(cut, layout, &insertion->records, family->record, record, number, family->blocks, family->inners);
    block_clear_inner(layout, family->inner);
    for (uint32_t i = 0; i < family->inners; i++) {
        const uint32_t inner = inner_of(insertion, family, i), end = block_share_begin(family->blocks, family->inners, i + 1);
        uint32_t b = block_share_begin(family->blocks, family->inners, i), below = 0;

        block_add_slot(layout, inner, number[b] | BLOCK_IS_LEAF);
        for (; b < end; b++) below += block_link_of(layout, number[b])->count;
        block_inner(layout, inner)->size_at_build = below;
    }
    for (uint32_t i = 0; i + 1 < family->blocks; i++) {
        const uint32_t left = block_share_owner(family->blocks, family->inners, cut[i].left);

        if (left != block_share_owner(family->blocks, family->inners, cut[i].right)) continue;
        divide_family(layout, inner_of(insertion, family, left), &cut[i], number);
    }
}

static void change_families(void *ctx, size_t begin, size_t end, int thread)
{
    struct insertion *insertion = ctx;

    (void)thread;
    for (size_t f = begin; f < end; f++) {
        if (insertion->family[f].anew) lay_out_family(insertion, &insertion->family[f]);
        else change_family(insertion, &insertion->family[f]);
    }
}

/* ---- hanging and renewing ----------------------------------------------------------------------------------------------------------------- */

/* All blocks hang at one depth, so all nodes of a level are renewed before the level above. */
static void renew_ancestors(struct insertion *insertion)
{
    struct block_layout *layout = insertion->layout;
    size_t count = insertion->families;

    for (size_t f = 0; f < insertion->families; f++) insertion->touched[f] = insertion->family[f].inner;
    while (insertion->touched[0] != layout->root) {
        uint32_t last = BLOCK_NONE;
        size_t kept = 0;

        for (size_t i = 0; i < count; i++) {
            const uint32_t inner = insertion->touched[i];
            const struct block_link *link = block_inner(layout, inner);

            if (inner == last) continue; /* neighbours in the list are often siblings */
            last = inner;
            block_summarise(layout, link->parent, link->slot);
            insertion->touched[kept++] = link->parent;
        }
        count = kept;
    }
}

/* Frees the blocks that are left over. */
static void give_blocks(struct insertion *insertion)
{
    for (size_t f = 0; f < insertion->families; f++) {
        const struct family *family = &insertion->family[f];

        for (uint32_t i = family->blocks; i < family->had; i++) block_give_block(insertion->layout, insertion->number[family->number + i]);
    }
}

/* Hangs the fresh inner nodes beside the old ones. */
static void hang_families(struct insertion *insertion)
{
    struct block_layout *layout = insertion->layout;

    for (size_t f = 0; f < insertion->families; f++) {
        const struct family *family = &insertion->family[f];
        const struct block_cut *cut = insertion->cut + family->cut;

        if (family->inners == 1) continue;
        if (family->inner == layout->root) block_raise_root(layout);
        for (uint32_t i = 0; i + 1 < family->blocks; i++) {
            const uint32_t left = block_share_owner(family->blocks, family->inners, cut[i].left);
            const uint32_t right = block_share_owner(family->blocks, family->inners, cut[i].right);

            if (left != right) block_hang(layout, inner_of(insertion, family, left), &cut[i].plane, inner_of(insertion, family, right));
        }
    }
}

/* What the insertion will be, as long as nothing has changed. */
static int plan(struct insertion *insertion, struct pcct_error *err)
{
    const struct base_env *env = insertion->layout->env;
    int status = 0;

    TRY(base_take(&insertion->pair, env, insertion->n, sizeof *insertion->pair, err));
    base_par_for(env, insertion->n, ROUTE_ENTRIES, route_entries, insertion);
    TRY(base_sort_pairs(insertion->pair, insertion->n, env, err));
    count_groups(insertion);
    TRY(base_take(&insertion->group, env, insertion->groups, sizeof *insertion->group, err));
    TRY(base_take(&insertion->family, env, insertion->families, sizeof *insertion->family, err));
    list_groups(insertion);
    for (size_t f = 0; f < insertion->families; f++) plan_family(insertion, &insertion->family[f]);
done:
    return status;
}

/* Inserts *n entries, or none and sets it to 0 if they are too many for one step. */
static int insert_some(size_t *n, struct block_layout *layout, const struct block_source *source, const uint32_t *node, struct pcct_error *err)
{
    struct insertion insertion = { .layout = layout, .node = node, .n = *n };
    const struct base_env *env = layout->env;
    struct block_source seen;
    int status = 0;

    TRY(block_views_make(layout, source, node, *n, err));
    seen = block_seen(layout, source);
    insertion.source = &seen;
    insertion.records = block_records_of(&seen, layout->dim);
    TRY(plan(&insertion, err));
    if (is_too_much(&insertion)) {
        *n = 0;
        goto done;
    }
    TRY(reserve(&insertion, err));
    take_numbers(&insertion);
    base_par_for(env, insertion.families, FAMILIES_AT_ONCE, change_families, &insertion);
    renew_ancestors(&insertion);
    if (insertion.fresh_inners > 0) {
        hang_families(&insertion);
        renew_ancestors(&insertion);
    }
    give_blocks(&insertion);
    layout->entries += *n;
done:
    base_free(env, insertion.pair);
    base_free(env, insertion.group);
    base_free(env, insertion.family);
    base_free(env, insertion.number);
    base_free(env, insertion.fresh);
    base_free(env, insertion.touched);
    base_free(env, insertion.cut);
    base_free(env, insertion.records.record);
    return status;
}

/* ---- rebuilding --------------------------------------------------------------------------------------------------------------------------- */

/* The entries of a layout, block by block. */
static size_t list_entries(uint32_t *node, const struct block_layout *layout)
{
    size_t count = 0;

    for (uint32_t block = 0; block < layout->blocks; block++) {
        const uint32_t lanes = block_link_of(layout, block)->count;

        memcpy(node + count, block_nodes(layout, block), lanes * sizeof *node);
        count += lanes;
    }
    return count;
}

/* A layout that doubles was loaded, not kept up: it is packed full. Otherwise room is left for what comes next. */
static int rebuild_with(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, struct pcct_error *err)
{
    const size_t total = (size_t)layout->entries + n;
    struct block_layout built, old = *layout;
    uint32_t *all = NULL;
    size_t have;
    int status = 0;

    block_init(&built, layout->env, layout->metric);
    built.rotates = layout->rotates;
    if (layout->row_words > 0) block_keep_rows(&built);
    TRY(base_take(&all, layout->env, total, sizeof *all, err));
    have = list_entries(all, layout);
    memcpy(all + have, node, n * sizeof *node);
    TRY(block_build(&built, source, all, total, n >= have ? METRIC_LANES : BLOCK_PIECE, err));
    *layout = built;
    built = old;
done:
    block_free(&built);
    base_free(layout->env, all);
    return status;
}

/* Whether so many entries stand too high: a tree of planes that no plane splits evenly has grown by one child at a time. */
static int is_high(const struct block_layout *layout, size_t entries)
{
    int height = SPARE_HEIGHT;

    for (; entries > BLOCK_PIECE; entries /= BLOCK_CHILDREN) height++;
    return block_height(layout) >= (height < BLOCK_HEIGHT_GROWN ? height : BLOCK_HEIGHT_GROWN);
}

/* Whether entries have become so many since the whole was laid out that a basis may be due, or another one. */
static int is_outgrown(const struct block_layout *layout, size_t entries)
{
    return layout->root != BLOCK_NONE && block_views_are_due(layout, entries, block_inner(layout, layout->root)->size_at_build);
}

int block_insert(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, struct pcct_error *err)
{
    size_t inserted = 0, step = n;
    int status = 0;

    while (inserted < n) {
        size_t some = step < n - inserted ? step : n - inserted;

        if (some >= (layout->entries + 1) / 2 || is_outgrown(layout, layout->entries + some) || block_annex_is_large(layout, source->rows) ||
            is_high(layout, layout->entries + some)) {
            some = n - inserted;
            TRY(rebuild_with(layout, source, node + inserted, some, err));
        } else {
            TRY(insert_some(&some, layout, source, node + inserted, err));
            if (some == 0) step /= 2;
        }
        inserted += some;
    }
done:
    if (status != 0) block_remove(layout, source, node, inserted);
    return status;
}
