/* SPDX-License-Identifier: Apache-2.0 */
#include "block/layout_cells.h"

#include "block/layout_views.h"

#include <assert.h>
#include <string.h>

_Static_assert(sizeof(struct block_plane) == 24, "block_plane is written out as it is");

/* Entries without labels are told apart by number: that is their label, and must not outlive a renumbering. */
static int64_t label_of(const struct block_source *source, uint32_t node) { return source->label ? source->label[node] : 0; }

struct block_plane block_plane_at(const struct block_source *source, uint32_t dim, uint32_t axis, uint32_t node)
{
    return (struct block_plane){ block_source_place(source, dim, node)[axis], label_of(source, node), node, (uint16_t)axis, 0, 0 };
}

/* What a plane compares. */
static inline double key_of(const struct block_plane *plane, const double *place, uint32_t node)
{
    return plane->axis == BLOCK_BY_NUMBER ? (double)node : place[plane->axis];
}

/* ---- routing ------------------------------------------------------------------------------------------------------------------------------ */

static inline int is_right(const struct block_plane *plane, double key, int64_t label, uint32_t node)
{
    if (key != plane->value) return key > plane->value;
    return label > plane->label || (label == plane->label && node >= plane->node);
}

static inline uint32_t slot_of(const struct block_plane *plane, uint32_t count, const double *place, int64_t label, uint32_t node)
{
    uint32_t at = 0;

    if (count == 1) return 0;
    do {
        at = is_right(&plane[at], key_of(&plane[at], place, node), label, node) ? plane[at].right : plane[at].left;
    } while (!(at & BLOCK_CELL));
    return at & ~(uint32_t)BLOCK_CELL;
}

static uint32_t route(const struct block_layout *layout, const double *place, int64_t label, uint32_t node)
{
    uint32_t at = layout->root;

    do {
        at = block_children(layout, at)[slot_of(block_planes(layout, at), block_inner(layout, at)->count, place, label, node)];
    } while (!(at & BLOCK_IS_LEAF));
    return at & ~BLOCK_IS_LEAF;
}

uint32_t block_route(const struct block_layout *layout, const struct block_source *source, uint32_t node)
{
    return route(layout, block_source_place(source, layout->dim, node), label_of(source, node), node);
}

uint32_t block_home(const struct block_layout *layout, const double *q)
{
    uint32_t home;

    block_homes(&home, layout, &q, 1);
    return home;
}

/* One plane further: *at is a plane of the node, then another of it or the first of its child. No branch depends on the side, which nobody could
 * predict. Numbers are taken as low: what was laid out first is much more than what was annexed. */
static inline void step_home(uint32_t *node, uint32_t *at, const struct block_layout *layout, const double *place)
{
    const struct block_plane *plane = &block_planes(layout, *node)[*at];
    const uint32_t *child = block_children(layout, *node);
    uint32_t next, through;

    if (block_inner(layout, *node)->count == 1) {
        *node = child[0];
        return;
    }
    next = ((uint32_t)plane->left | (uint32_t)plane->right << 8) >> (key_of(plane, place, 0) >= plane->value ? 8 : 0) & 0xff;
    through = 0 - (next / BLOCK_CELL); /* all bits if it is a slot */
    *node = (child[next % BLOCK_CELL & (METRIC_FANOUT - 1)] & through) | (*node & ~through);
    *at = next & ~through;
}

/* Several side by side: each waits for memory at every step. */
static void walk_home(uint32_t *home, const struct block_layout *layout, const double *const *place, size_t n)
{
    uint32_t at[BLOCK_HOMES] = { 0 };
    size_t left = n;

    for (size_t i = 0; i < n; i++) home[i] = layout->root;
    while (left > 0) {
        left = 0;
        for (size_t i = 0; i < n; i++) {
            if (home[i] & BLOCK_IS_LEAF) continue;
            step_home(&home[i], &at[i], layout, place[i]);
            left++;
        }
    }
    for (size_t i = 0; i < n; i++) home[i] &= ~BLOCK_IS_LEAF;
}

void block_homes(uint32_t *home, const struct block_layout *layout, const double *const *q, size_t n)
{
    assert(n <= BLOCK_HOMES);
    for (size_t i = 0; i < n && layout->root == BLOCK_NONE; i++) home[i] = BLOCK_NONE;
    if (layout->root == BLOCK_NONE) return;
    if (!block_has_views(layout)) {
        walk_home(home, layout, q, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct block_eye eye;
        const double *place;

        block_eye_open_view(&eye, layout, q[i]);
        place = eye.place;
        walk_home(&home[i], layout, &place, 1);
    }
}

/* ---- the planes of one node --------------------------------------------------------------------------------------------------------------- */

/* Where planes say `reference`, which one of them does. */
static uint8_t *find(struct block_plane *plane, uint32_t planes, uint32_t reference)
{
    for (uint32_t i = 0; i < planes; i++) {
        if (plane[i].left == reference) return &plane[i].left;
        if (plane[i].right == reference) return &plane[i].right;
    }
    assert(0);
    return NULL;
}

/* Takes a slot's cell out of a tree of at least one plane, together with the plane that bounds it; the last plane takes the place of that one. */
static void drop_leaf(struct block_plane *plane, uint32_t planes, uint32_t slot)
{
    const uint32_t last = planes - 1;
    uint32_t hole = 0, other;

    while (plane[hole].left != (slot | BLOCK_CELL) && plane[hole].right != (slot | BLOCK_CELL)) hole++;
    assert(hole < planes);
    other = plane[hole].left == (slot | BLOCK_CELL) ? plane[hole].right : plane[hole].left;
    if (hole > 0) {
        *find(plane, planes, hole) = (uint8_t)other;
    } else if (last > 0) { /* the root of the tree is plane 0 */
        plane[0] = plane[other];
        hole = other;
    }
    if (hole != last) {
        plane[hole] = plane[last];
        *find(plane, last, last) = (uint8_t)hole;
    }
    memset(&plane[last], 0, sizeof *plane);
}

void block_divide(struct block_layout *layout, uint32_t inner, uint32_t slot, const struct block_plane *plane, uint32_t child)
{
    struct block_plane *all = block_planes(layout, inner);
    const uint32_t count = block_inner(layout, inner)->count, made = count - 1;

    assert(slot < count && count < METRIC_FANOUT);
    if (made > 0) *find(all, made, slot | BLOCK_CELL) = (uint8_t)made;
    all[made] = *plane;
    all[made].left = (uint8_t)(slot | BLOCK_CELL);
    all[made].right = (uint8_t)(count | BLOCK_CELL);
    block_add_slot(layout, inner, child);
}

void block_drop_cell(struct block_layout *layout, uint32_t inner, uint32_t slot)
{
    struct block_plane *plane = block_planes(layout, inner);
    const uint32_t last = block_inner(layout, inner)->count - 1u;

    if (last > 0) drop_leaf(plane, last, slot);
    if (last > 1 && slot != last) *find(plane, last - 1, last | BLOCK_CELL) = (uint8_t)(slot | BLOCK_CELL);
    block_drop_slot(layout, inner, slot);
}

uint32_t block_sibling(const struct block_layout *layout, uint32_t inner, uint32_t slot)
{
    const struct block_plane *plane = block_planes(layout, inner);
    const uint32_t planes = block_inner(layout, inner)->count - 1u, leaf = slot | BLOCK_CELL;

    for (uint32_t i = 0; i < planes; i++) {
        if ((plane[i].left != leaf && plane[i].right != leaf) || !(plane[i].left & plane[i].right & BLOCK_CELL)) continue;
        return (plane[i].left == leaf ? plane[i].right : plane[i].left) & ~(uint32_t)BLOCK_CELL;
    }
    return METRIC_FANOUT;
}

/* ---- joining ------------------------------------------------------------------------------------------------------------------------------ */

/* Appends a tree of `count` cells, whose slots begin at `slot`, to other planes; returns what stands for it. */
static uint8_t append(struct block_plane *all, uint32_t *planes, const struct block_plane *plane, uint32_t count, uint32_t slot)
{
    const uint32_t first = *planes;

    for (uint32_t i = 0; i + 1 < count; i++) {
        struct block_plane *made = &all[(*planes)++];

        *made = plane[i];
        made->left = (uint8_t)(made->left + (made->left & BLOCK_CELL ? slot : first));
        made->right = (uint8_t)(made->right + (made->right & BLOCK_CELL ? slot : first));
    }
    return (uint8_t)(count > 1 ? first : BLOCK_CELL | slot);
}

void block_unite(struct block_layout *layout, uint32_t inner, uint32_t to, uint32_t from)
{
    const uint32_t kept = block_children(layout, inner)[to], gone = block_children(layout, inner)[from];
    const uint32_t had = block_inner(layout, kept)->count, more = block_inner(layout, gone)->count;
    struct block_plane all[BLOCK_PLANES], *between = block_planes(layout, inner);
    uint32_t planes = 1;
    uint8_t ours, theirs;

    assert(had + more <= METRIC_FANOUT);
    while (between->left + between->right != (to | BLOCK_CELL) + (from | BLOCK_CELL) ||
           (between->left != (to | BLOCK_CELL) && between->right != (to | BLOCK_CELL))) {
        between++;
    }
    ours = append(all, &planes, block_planes(layout, kept), had, 0);
    theirs = append(all, &planes, block_planes(layout, gone), more, had);
    all[0] = *between;
    all[0].left = between->left == (to | BLOCK_CELL) ? ours : theirs;
    all[0].right = between->left == (to | BLOCK_CELL) ? theirs : ours;
    for (uint32_t slot = 0; slot < more; slot++) block_copy_slot(layout, kept, gone, slot);
    memcpy(block_planes(layout, kept), all, planes * sizeof *all);
    block_inner(layout, kept)->size_at_build += block_inner(layout, gone)->size_at_build;
    block_summarise(layout, inner, to);
    block_drop_cell(layout, inner, from);
    block_give_inner(layout, gone);
}

/* ---- splitting ---------------------------------------------------------------------------------------------------------------------------- */

static int before(const struct block_plane *a, const struct block_plane *b)
{
    return !is_right(b, a->value, a->label, a->node);
}

/* Which side of a plane the cell of a slot is on: -1 left, 1 right, 0 both or not known. Of plane 0 the tree knows, whatever values a damaged file
 * has in it; of others planes of the same axis that bound it. (What is in the cell does not tell: more of it may be about to be hung.) */
static int side_of(const struct block_layout *layout, uint32_t inner, const struct block_plane *by, uint32_t slot)
{
    struct block_plane *plane = block_planes(layout, inner);
    const uint32_t planes = block_inner(layout, inner)->count - 1u;
    uint32_t at = slot | BLOCK_CELL;

    while (at != 0) { /* up to the root of the tree */
        const uint8_t *found = find(plane, planes, at);

        for (at = 0; found != &plane[at].left && found != &plane[at].right; at++) continue;
        if (by == plane && at == 0) return found == &plane[0].left ? -1 : 1;
        if (by == plane || plane[at].axis != by->axis) continue;
        if (found == &plane[at].left && !before(by, &plane[at])) return -1;
        if (found == &plane[at].right && !before(&plane[at], by)) return 1;
    }
    return 0;
}

/* Which slots are to the right of a plane; 0 if it cuts any cell that has something on both sides. */
static uint32_t right_of(const struct block_layout *layout, uint32_t inner, const struct block_plane *by)
{
    uint32_t right = 0;

    for (uint32_t slot = 0; slot < block_inner(layout, inner)->count; slot++) {
        const int side = side_of(layout, inner, by, slot);

        if (side == 0) return 0;
        if (side > 0) right |= UINT32_C(1) << slot;
    }
    return right;
}

/* The plane that splits a node most evenly; the root of its tree always can. Returns the slots to the right of it. */
static uint32_t best_plane(struct block_plane *best, const struct block_layout *layout, uint32_t inner)
{
    const uint32_t count = block_inner(layout, inner)->count;
    uint32_t best_right = 0, most = 0;

    for (uint32_t i = 0; i + 1 < count; i++) {
        const uint32_t right = right_of(layout, inner, &block_planes(layout, inner)[i]);
        const uint32_t many = (uint32_t)__builtin_popcount(right), few = many < count - many ? many : count - many;

        if (few <= most) continue;
        most = few;
        best_right = right;
        *best = block_planes(layout, inner)[i];
    }
    assert(most > 0);
    return best_right;
}

/* Leaves those planes of a tree that divide what is kept, and names the slots that its children have now. */
static void prune(struct block_layout *layout, uint32_t inner, const struct block_plane *from, const uint32_t *child, uint32_t count, uint32_t keep)
{
    struct block_plane plane[BLOCK_PLANES];
    uint32_t planes = count - 1;

    memcpy(plane, from, planes * sizeof *plane);
    for (uint32_t slot = 0; slot < count; slot++) {
        if (!(keep >> slot & 1)) drop_leaf(plane, planes--, slot);
    }
    for (uint32_t i = 0; i < planes; i++) {
        if (plane[i].left & BLOCK_CELL) plane[i].left = (uint8_t)(BLOCK_CELL | block_child_link(layout, child[plane[i].left & ~BLOCK_CELL])->slot);
        if (plane[i].right & BLOCK_CELL) plane[i].right = (uint8_t)(BLOCK_CELL | block_child_link(layout, child[plane[i].right & ~BLOCK_CELL])->slot);
    }
    memset(block_planes(layout, inner), 0, BLOCK_PLANES * sizeof *plane);
    memcpy(block_planes(layout, inner), plane, planes * sizeof *plane);
}

/* Splits an inner node whose parent has room. */
static void split_inner(struct block_layout *layout, uint32_t inner)
{
    const uint32_t sibling = block_take_inner(layout), count = block_inner(layout, inner)->count;
    struct block_link *old = block_inner(layout, inner), *made = block_inner(layout, sibling);
    struct block_plane by, plane[BLOCK_PLANES];
    const uint32_t right = best_plane(&by, layout, inner), all = (UINT32_C(1) << count) - 1;
    uint32_t child[METRIC_FANOUT];

    memcpy(plane, block_planes(layout, inner), (count - 1) * sizeof *plane);
    memcpy(child, block_children(layout, inner), count * sizeof *child);
    for (uint32_t slot = count; slot-- > 0;) { /* downwards: the last slot, which fills the gap, stays */
        if (!(right >> slot & 1)) continue;
        block_copy_slot(layout, sibling, inner, slot);
        block_drop_slot(layout, inner, slot);
    }
    prune(layout, inner, plane, child, count, all & ~right);
    prune(layout, sibling, plane, child, count, right);
    made->size_at_build = (uint32_t)((uint64_t)old->size_at_build * made->count / count);
    old->size_at_build -= made->size_at_build;
    block_summarise(layout, old->parent, old->slot);
    block_divide(layout, old->parent, old->slot, &by, sibling);
}

void block_hang(struct block_layout *layout, uint32_t inner, const struct block_plane *plane, uint32_t child)
{
    while (block_inner(layout, block_inner(layout, inner)->parent)->count == METRIC_FANOUT) {
        uint32_t full = block_inner(layout, inner)->parent;

        while (full != layout->root && block_inner(layout, block_inner(layout, full)->parent)->count == METRIC_FANOUT) {
            full = block_inner(layout, full)->parent;
        }
        if (full == layout->root) block_raise_root(layout);
        split_inner(layout, full);
    }
    block_divide(layout, block_inner(layout, inner)->parent, block_inner(layout, inner)->slot, plane, child);
    block_climb(layout, block_inner(layout, inner)->parent);
}
