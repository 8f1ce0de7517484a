/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout.h"

#include "base/par.h"
#include "block/layout_nodes.h"
#include "block/layout_split.h"
#include "block/layout_views.h"

#include <assert.h>
#include <string.h>

/*
 * The entries are put into an order in which each block, each lowest inner node, and so on upwards, is a run that begins at a multiple of its
 * full size: `fill` for a block, fill * 14^h for an inner node of height h: two children may come before one is split. All but the last of each kind
 * are full, and numbers follow from positions alone, so that tasks can carry out the splits in any order: block i holds the run from i * fill on. So
 * do those of planes: a plane between slots is at first kept under the number of the slot that begins to the right of it, less one.
 */
enum { HEIGHTS = 9 /* 14^8 blocks are more than there can be */, TASK_RECORDS = 4096, GATHER_RECORDS = 8192, STACK = 64 };

struct job {
    struct build *build;
    size_t begin, end;
};

struct build {
    struct block_layout *layout;
    struct block_records records;
    const uint32_t *node;
    size_t n;
    size_t run[HEIGHTS + 1];        /* entries of a full subtree by height; [0]: a block */
    uint32_t first[HEIGHTS + 1];    /* number of the first inner node of a height */
    uint32_t count[HEIGHTS + 1];    /* subtrees of a height */
    int height;                     /* of the root */
    int level;                      /* summarised just now */
    struct job *job;                /* room for those that are spawned */
    uint64_t jobs;
};

static size_t pieces_of(size_t n, size_t size)
{
    return (n + size - 1) / size;
}

static void plan(struct build *build, size_t n, int fill)
{
    int h = 0;

    build->n = n;
    build->run[0] = (size_t)fill;
    build->count[0] = (uint32_t)pieces_of(n, build->run[0]);
    do {
        h++;
        assert(h <= HEIGHTS);
        build->run[h] = build->run[h - 1] * BLOCK_CHILDREN;
        build->count[h] = (uint32_t)pieces_of(n, build->run[h]);
    } while (build->count[h] > 1);
    build->height = h;
    build->first[h] = 0;
    for (; h > 1; h--) build->first[h - 1] = build->first[h] + build->count[h];
}

/* ---- splitting ---------------------------------------------------------------------------------------------------------------------------- */

static void gather(void *ctx, size_t begin, size_t end, int thread)
{
    struct build *build = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) block_record_set(&build->records, i, build->node[i]);
}

/* The height of the inner node that divides a run of more than a block among its children. */
static int height_of(const struct build *build, size_t size)
{
    int h = build->height;

    while (build->run[h - 1] >= size) h--;
    return h;
}

/* Where it is cut: after half of its pieces of the next size below. */
static size_t middle_of(const struct build *build, int h, size_t begin, size_t end)
{
    return begin + pieces_of(end - begin, build->run[h - 1]) / 2 * build->run[h - 1];
}

/* What a plane of an inner node of height h says for a side of it: a slot, or the plane that divides this side. */
static uint8_t side_of(const struct build *build, int h, size_t begin, size_t end)
{
    if (end - begin <= build->run[h - 1]) return (uint8_t)(BLOCK_CELL | (begin % build->run[h] / build->run[h - 1]));
    return (uint8_t)(middle_of(build, h, begin, end) % build->run[h] / build->run[h - 1] - 1);
}

static size_t cut_run(const struct build *build, size_t begin, size_t end)
{
    const int h = height_of(build, end - begin);
    const size_t middle = middle_of(build, h, begin, end);
    struct block_plane plane = block_records_split(&build->records, begin, middle, end);

    plane.left = side_of(build, h, begin, middle);
    plane.right = side_of(build, h, middle, end);
    block_planes(build->layout, build->first[h] + (uint32_t)(begin / build->run[h]))[middle % build->run[h] / build->run[h - 1] - 1] = plane;
    return middle;
}

static void split_run(void *ctx)
{
    const struct job *job = ctx;
    struct build *build = job->build;
    struct job waiting[STACK];
    size_t count = 0;

    waiting[count++] = *job;
    while (count > 0) {
        struct job at = waiting[--count];

        while (at.end - at.begin > build->run[0]) {
            const size_t middle = cut_run(build, at.begin, at.end);
            const struct job rest = { build, middle, at.end };

            if (rest.end - rest.begin > TASK_RECORDS) {
                struct job *spawned = &build->job[base_par_add(&build->jobs, 1) - 1];

                *spawned = rest;
                base_par_spawn(build->layout->env, split_run, spawned);
            } else {
                assert(count < STACK);
                waiting[count++] = rest;
            }
            at.end = middle;
        }
        block_records_write(build->layout, (uint32_t)(at.begin / build->run[0]), &build->records, at.begin, at.end);
    }
}

/* ---- the hierarchy ------------------------------------------------------------------------------------------------------------------------ */

/* Exchanges the plane that divides all with plane 0, which it has to be. */
static void raise_first_plane(struct block_layout *layout, uint32_t inner, uint32_t planes, uint32_t top)
{
    struct block_plane *plane = block_planes(layout, inner);
    const struct block_plane kept = plane[top];

    if (top == 0) return;
    plane[top] = plane[0];
    plane[0] = kept;
    for (uint32_t i = 0; i < planes; i++) {
        if (plane[i].left == 0) plane[i].left = (uint8_t)top;
        if (plane[i].right == 0) plane[i].right = (uint8_t)top;
    }
}

static void link_children(struct build *build, int h, uint32_t i)
{
    struct block_layout *layout = build->layout;
    const uint32_t inner = build->first[h] + i, first = i * BLOCK_CHILDREN;
    const uint32_t count = build->count[h - 1] - first < BLOCK_CHILDREN ? build->count[h - 1] - first : BLOCK_CHILDREN;
    const size_t begin = (size_t)i * build->run[h], size = build->n - begin < build->run[h] ? build->n - begin : build->run[h];
    struct block_link *link = block_inner(layout, inner);

    link->size_at_build = (uint32_t)size;
    link->count = (uint16_t)count;
    for (uint32_t slot = 0; slot < count; slot++) {
        const uint32_t child = h == 1 ? (first + slot) | BLOCK_IS_LEAF : build->first[h - 1] + first + slot;
        struct block_link *below = block_child_link(layout, child);

        block_children(layout, inner)[slot] = child;
        below->parent = inner;
        below->slot = (uint16_t)slot;
    }
    if (count > 1) raise_first_plane(layout, inner, count - 1, side_of(build, h, begin, begin + size));
}

static void summarise_level(void *ctx, size_t begin, size_t end, int thread)
{
    struct build *build = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const uint32_t inner = build->first[build->level] + (uint32_t)i;

        link_children(build, build->level, (uint32_t)i);
        for (uint32_t slot = 0; slot < block_inner(build->layout, inner)->count; slot++) block_summarise(build->layout, inner, slot);
    }
}

static void start_empty(struct block_layout *layout)
{
    layout->entries = 0;
    layout->blocks = layout->inners = layout->rows = 0;
    layout->free_block = layout->free_inner = layout->root = BLOCK_NONE;
}

static void number_all(struct build *build)
{
    struct block_layout *layout = build->layout;

    for (uint32_t block = 0; block < build->count[0]; block++) {
        layout->blocks++;
        *block_link_of(layout, block) = (struct block_link){ BLOCK_NONE, 0, 0, 0 };
    }
    for (int h = build->height; h > 0; h--) {
        for (uint32_t i = 0; i < build->count[h]; i++) block_take_inner(layout);
    }
    layout->root = build->first[build->height];
    layout->entries = build->n;
}

int block_build(struct block_layout *layout, const struct block_source *source, const uint32_t *node, size_t n, int fill, struct pcct_error *err)
{
    struct build build = { .layout = layout, .node = node };
    struct job all = { &build, 0, n };
    struct block_source seen;
    size_t inners = 0;
    int status = 0;

    assert(fill >= 1 && fill <= METRIC_LANES);
    start_empty(layout);
    TRY(block_views_choose(layout, source, node, n, err));
    TRY(block_views_make(layout, source, node, n, err));
    seen = block_seen(layout, source);
    build.records = block_records_of(&seen, layout->dim);
    if (n > 0) plan(&build, n, fill);
    for (int h = 1; h <= build.height; h++) inners += build.count[h];
    TRY(block_reserve(layout, build.count[0], inners, source->rows, err));
    TRY(base_take(&build.records.record, layout->env, n, build.records.record_bytes, err));
    /* A run that is spawned has more than TASK_RECORDS entries and its elder half more than half as many: these runs are disjoint. */
    TRY(base_take(&build.job, layout->env, 2 * n / TASK_RECORDS + 1, sizeof *build.job, err));
    layout->rows = source->rows;
    if (source->rows > 0) memset(layout->where.data, 0xff, source->rows * sizeof(uint32_t));
    if (n == 0) goto done;
    number_all(&build);
    base_par_for(layout->env, n, GATHER_RECORDS, gather, &build);
    if (n > TASK_RECORDS) base_par_tasks(layout->env, split_run, &all);
    else split_run(&all); /* spawns nothing */
    for (build.level = 1; build.level <= build.height; build.level++) {
        base_par_for(layout->env, build.count[build.level], METRIC_FANOUT, summarise_level, &build);
    }
done:
    base_free(layout->env, build.records.record);
    base_free(layout->env, build.job);
    return status;
}
