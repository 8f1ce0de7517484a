/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "base/par.h"
#include "base/sort.h"
#include "block/layout_nodes.h"
#include "block/layout_split.h"

#include <assert.h>
#include <string.h>

/*
 * A *family* is a lowest inner node with its blocks; every entry goes to one.
 * 1. Each entry is routed to a block, in parallel; the layout stands still. 2. Entries are grouped by family and block. From their counts follows
 * what becomes of each family: blocks that are too small are split; where that would make too many blocks for one inner node, the whole family is
 * laid out anew as several, with room to grow in blocks and nodes. So all the memory that will be needed is known: nothing can fail after that.
 * 3. Families are changed, in parallel, each on its own. 4. New families are hung next to those they came from, splitting inner nodes further up.
 * 5. Summaries are renewed level by level, at every ancestor of every family that was touched.
 */
enum {
    PIECE = 60,    /* lanes aimed at in blocks that are split or laid out anew: full ones would be split again by the next entry */
    CHILDREN = 14, /* likewise for the inner nodes of families that are laid out anew */
    ROUTE_ENTRIES = 64,
    FAMILIES_AT_ONCE = 2,
    STACK = 64
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
    size_t numbers, fresh_blocks, fresh_inners, record_count;
    struct block_records records; /* of what is split or laid out anew: old lanes and new entries */
    uint32_t *touched;            /* [families + fresh_inners] */
};

/* ---- routing ------------------------------------------------------------------------------------------------------------------------------ */

/* Among children at the same distance, labels decide as in a search tree: equal points stay in runs of ascending labels. */
static uint32_t best_slot(const double *bound, const int64_t *least, uint32_t count, int64_t label)
{
    uint32_t best = 0;

    for (uint32_t slot = 1; slot < count; slot++) {
        if (bound[slot] > bound[best]) continue;
        if (bound[slot] < bound[best]) best = slot;
        else if (least[slot] <= label ? least[best] > label || least[slot] > least[best] : least[slot] < least[best]) best = slot;
    }
    return best;
}

static uint32_t route(const struct block_layout *layout, const double *place, int64_t label)
{
    _Alignas(64) double bound[METRIC_FANOUT];
    uint32_t at = layout->root;

    do {
        layout->metric->kernels->boxes_exact(bound, block_boxes(layout, at), place, layout->dim, (double)INFINITY);
        at = block_children(layout, at)[best_slot(bound, block_least_labels(layout, at), block_inner(layout, at)->count, label)];
    } while (!(at & BLOCK_IS_LEAF));
    return at & ~BLOCK_IS_LEAF;
}

static void route_entries(void *ctx, size_t begin, size_t end, int thread)
{
    struct insertion *insertion = ctx;
    const struct block_source *source = insertion->source;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t node = insertion->node[i];
        uint32_t block;

        assert(node < source->rows && (node >= insertion->layout->rows || block_where(insertion->layout)[node] == BLOCK_NONE));
        block = route(insertion->layout, source->place + (size_t)node * insertion->layout->dim, block_source_label(source, node));
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
        if (total > METRIC_LANES) group->pieces = (total + PIECE - 1) / PIECE;
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

    family->had = family->blocks = block_inner(layout, family->inner)->count;
    family->inners = 1;
    for (uint32_t slot = 0; slot < family->had; slot++) total += block_child_link(layout, block_children(layout, family->inner)[slot])->count;
    for (uint32_t g = 0; g < family->groups; g++) {
        total += group[g].count;
        family->blocks += group[g].pieces - 1;
        if (group[g].pieces > 1) split_records += block_link_of(layout, group[g].block)->count + group[g].count;
    }
    if (family->blocks > METRIC_FANOUT) {
        family->anew = 1;
        family->entries = (uint32_t)total;
        family->blocks = (uint32_t)((total + PIECE - 1) / PIECE);
        family->inners = (family->blocks + CHILDREN - 1) / CHILDREN;
        split_records = total;
    }
    family->number = (uint32_t)insertion->numbers;
    family->fresh = (uint32_t)insertion->fresh_inners;
    family->record = insertion->record_count;
    insertion->numbers += family->blocks > family->had ? family->blocks : family->had;
    insertion->fresh_blocks += family->blocks > family->had ? family->blocks - family->had : 0;
    insertion->fresh_inners += family->inners - 1;
    insertion->record_count += split_records;
}

/* Inner nodes to make room for: the new families', and what hanging them may take. Each splits at most one node a level and may raise the root. A
 * node that was split has at most 9 children and is split again only after 8 more, so s splits of nodes among I need 8 (s - I) new children, of
 * which at most s are not families. */
static size_t inners_needed(const struct block_layout *layout, size_t fresh)
{
    const size_t by_path = fresh * ((size_t)block_height(layout) + 1), by_count = (8 * (size_t)layout->inners + fresh) / 7 + BLOCK_HEIGHT_MAX;

    return fresh + (by_path < by_count ? by_path : by_count);
}

static int reserve(struct insertion *insertion, struct pcct_error *err)
{
    struct block_layout *layout = insertion->layout;
    const struct base_env *env = layout->env;
    const uint32_t rows = insertion->source->rows > layout->rows ? insertion->source->rows : layout->rows;
    int status = 0;

    TRY(base_take(&insertion->number, env, insertion->numbers, sizeof *insertion->number, err));
    TRY(base_take(&insertion->fresh, env, insertion->fresh_inners, sizeof *insertion->fresh, err));
    TRY(base_take(&insertion->touched, env, insertion->families + insertion->fresh_inners, sizeof *insertion->touched, err));
    TRY(base_take(&insertion->records.record, env, insertion->record_count, insertion->records.record_bytes, err));
    TRY(block_reserve(layout, layout->blocks + insertion->fresh_blocks, layout->inners + inners_needed(layout, insertion->fresh_inners), rows, err));
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

/* A run of records that becomes so many blocks. */
struct run {
    size_t begin, end;
    uint32_t first, count;
};

/* First block of the i-th of a family's inner nodes. */
static uint32_t share_begin(uint32_t blocks, uint32_t inners, uint32_t i)
{
    return (uint32_t)((uint64_t)blocks * i / inners);
}

/* After how many blocks a run is cut: between the inner nodes that its blocks go to, as long as there are several. */
static uint32_t cut_of(const struct run *run, uint32_t blocks, uint32_t inners)
{
    const uint32_t i = (uint32_t)(((uint64_t)(run->first + run->count / 2) * inners + inners - 1) / blocks);

    for (uint32_t at = i > 0 ? i - 1 : 0; at <= i + 1 && at <= inners; at++) {
        const uint32_t begin = share_begin(blocks, inners, at);

        if (begin > run->first && begin < run->first + run->count) return begin - run->first;
    }
    return run->count / 2;
}

/* Splits the records into as many blocks as there are numbers, each inner node's blocks from a run of their own. */
static void split_records(struct insertion *insertion, size_t begin, size_t end, const uint32_t *number, uint32_t blocks, uint32_t inners)
{
    struct run waiting[STACK] = { { begin, end, 0, blocks } };
    size_t count = 1;

    while (count > 0) {
        struct run at = waiting[--count];

        while (at.count > 1) {
            const uint32_t cut = cut_of(&at, blocks, inners);
            const size_t middle = at.begin + (at.end - at.begin) * cut / at.count;

            block_records_split(&insertion->records, at.begin, middle, at.end);
            assert(count < STACK);
            waiting[count++] = (struct run){ middle, at.end, at.first + cut, at.count - cut };
            at.end = middle;
            at.count = cut;
        }
        block_records_write(insertion->layout, number[at.first], &insertion->records, at.begin, at.end);
    }
}

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

/* Appends to the blocks that have room and splits the others. */
static void change_family(struct insertion *insertion, const struct family *family)
{
    struct block_layout *layout = insertion->layout;
    uint32_t *number = insertion->number + family->number, next = family->had;
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
            split_records(insertion, record, end, piece, group->pieces, 1);
            record = end;
            for (uint32_t i = 1; i < group->pieces; i++) block_add_slot(layout, family->inner, number[next++] | BLOCK_IS_LEAF);
        }
        block_summarise(layout, family->inner, slot);
    }
}

/* Lays a family out anew under its own inner node and the fresh ones. */
static void lay_out_family(struct insertion *insertion, const struct family *family)
{
    struct block_layout *layout = insertion->layout;
    const uint32_t *number = insertion->number + family->number;
    size_t record = family->record;

    for (uint32_t i = 0; i < family->had; i++) record = gather_lanes(insertion, record, number[i]);
    for (uint32_t g = 0; g < family->groups; g++) record = gather_entries(insertion, record, &insertion->group[family->first + g]);
    assert(record == family->record + family->entries);
    split_records(insertion, family->record, record, number, family->blocks, family->inners);
    block_clear_inner(layout, family->inner);
    for (uint32_t i = 0; i < family->inners; i++) {
        const uint32_t inner = i == 0 ? family->inner : insertion->fresh[family->fresh + i - 1];
        uint32_t below = 0;

        for (uint32_t b = share_begin(family->blocks, family->inners, i); b < share_begin(family->blocks, family->inners, i + 1); b++) {
            block_add_slot(layout, inner, number[b] | BLOCK_IS_LEAF);
            below += block_link_of(layout, number[b])->count;
        }
        block_inner(layout, inner)->size_at_build = below;
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

/* Hangs the fresh inner nodes beside the old ones and frees the blocks that are left over. */
static void hang_families(struct insertion *insertion)
{
    struct block_layout *layout = insertion->layout;

    for (size_t f = 0; f < insertion->families; f++) {
        const struct family *family = &insertion->family[f];

        for (uint32_t i = family->blocks; i < family->had; i++) block_give_block(layout, insertion->number[family->number + i]);
        if (family->inners == 1) continue;
        if (family->inner == layout->root) block_raise_root(layout);
        for (uint32_t i = 1; i < family->inners; i++) { /* splits move the old one: its parent is looked up anew */
            block_hang(layout, block_inner(layout, family->inner)->parent, insertion->fresh[family->fresh + i - 1]);
        }
    }
}

/* All blocks hang at one depth, so all nodes of a level are renewed before the level above. Nothing is skipped because a summary did not change:
 * splits may have renewed it already, and left those above to this. */
static void renew_ancestors(struct insertion *insertion)
{
    struct block_layout *layout = insertion->layout;
    size_t count = 0;

    for (size_t f = 0; f < insertion->families; f++) insertion->touched[count++] = insertion->family[f].inner;
    for (size_t i = 0; i < insertion->fresh_inners; i++) insertion->touched[count++] = insertion->fresh[i];
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

static int insert_locally(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, struct pcct_error *err)
{
    struct insertion insertion = { .layout = layout, .source = source, .node = node, .n = n,
                                   .records = { source, NULL, block_record_bytes(layout->dim), layout->dim } };
    const struct base_env *env = layout->env;
    int status = 0;

    TRY(base_take(&insertion.pair, env, n, sizeof *insertion.pair, err));
    base_par_for(env, n, ROUTE_ENTRIES, route_entries, &insertion);
    TRY(base_sort_pairs(insertion.pair, n, env, err));
    count_groups(&insertion);
    TRY(base_take(&insertion.group, env, insertion.groups, sizeof *insertion.group, err));
    TRY(base_take(&insertion.family, env, insertion.families, sizeof *insertion.family, err));
    list_groups(&insertion);
    for (size_t f = 0; f < insertion.families; f++) plan_family(&insertion, &insertion.family[f]);
    TRY(reserve(&insertion, err));
    take_numbers(&insertion);
    base_par_for(env, insertion.families, FAMILIES_AT_ONCE, change_families, &insertion);
    hang_families(&insertion);
    renew_ancestors(&insertion);
    layout->entries += n;
    layout->room -= n;
done:
    base_free(env, insertion.pair);
    base_free(env, insertion.group);
    base_free(env, insertion.family);
    base_free(env, insertion.number);
    base_free(env, insertion.fresh);
    base_free(env, insertion.touched);
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
    TRY(base_take(&all, layout->env, total, sizeof *all, err));
    have = list_entries(all, layout);
    memcpy(all + have, node, n * sizeof *node);
    TRY(block_build(&built, source, all, total, n >= have ? METRIC_LANES : PIECE, err));
    *layout = built;
    built = old;
done:
    block_free(&built);
    base_free(layout->env, all);
    return status;
}

int block_insert(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, struct pcct_error *err)
{
    if (n == 0) return 0;
    if (layout->root == BLOCK_NONE || n > layout->room || block_height(layout) >= BLOCK_HEIGHT_GROWN) {
        return rebuild_with(layout, source, node, n, err);
    }
    return insert_locally(layout, source, node, n, err);
}
