/* SPDX-License-Identifier: Apache-2.0 */
#include "support_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    assert_non_null(memory);
    return memory;
}

/* ---- the naive tree ----------------------------------------------------------------------------------------------------------------------- */

void support_tree_start(struct support_tree *tree, const struct metric *metric, uint64_t seed)
{
    memset(tree, 0, sizeof *tree);
    tree->metric = *metric;
    tree->seed = seed;
    tree->root = INDEX_NONE;
}

void support_tree_free(struct support_tree *tree)
{
    free(tree->place);
    free(tree->label);
    free(tree->parent);
    free(tree->level);
}

static const double *place_of(const struct support_tree *tree, uint32_t node)
{
    return tree->place + (size_t)node * tree->metric.dim;
}

static double key_of(const struct support_tree *tree, uint32_t a, uint32_t b)
{
    if (tree->metric.sum == METRIC_CALLED) return tree->metric.custom.distance(tree->metric.custom.ctx, place_of(tree, a), place_of(tree, b));
    return support_key(place_of(tree, a), place_of(tree, b), tree->metric.sum, tree->metric.dim);
}

/* The key of distance 2^level: 4^level or 2^level, whose least level reaches to 0 only. */
static double reach_of(const struct support_tree *tree, int level)
{
    if (tree->metric.sum == METRIC_SQUARES) return ldexp(1, 2 * level);
    return level <= 1 - INDEX_LEVEL_BIAS ? 0 : ldexp(1, level);
}

/* Stored level of a point at this key: one below the least i with key <= the key of 2^i. */
static int16_t level_at(const struct support_tree *tree, double key)
{
    int i = 0;

    if (!(key > 0)) return INDEX_LEVEL_TWIN;
    while (key > reach_of(tree, i)) i++;
    while (key <= reach_of(tree, i - 1)) i--;
    return (int16_t)(i - 1 + INDEX_LEVEL_BIAS);
}

static int eligible(const struct support_tree *tree, uint32_t y, double key)
{
    int level = tree->level[y];

    if (y == tree->root) return 1;
    return level > 0 && key <= reach_of(tree, level - INDEX_LEVEL_BIAS);
}

static void settle_one(struct support_tree *tree, uint32_t x)
{
    double best = INFINITY;
    uint32_t parent = INDEX_NONE;

    if (tree->root == INDEX_NONE) {
        tree->root = x;
        tree->parent[x] = INDEX_NONE;
        if (tree->level[x] <= 0) tree->level[x] = INDEX_LEVEL_BIAS;
        return;
    }
    for (uint32_t y = 0; y < tree->n; y++) {
        double key;

        if (y == x || tree->level[y] == INDEX_LEVEL_DEAD || tree->level[y] == INDEX_LEVEL_FREE) continue;
        key = key_of(tree, x, y);
        if (key < best && eligible(tree, y, key)) {
            best = key;
            parent = y;
        }
    }
    assert_int_not_equal(parent, INDEX_NONE);
    tree->parent[x] = parent;
    tree->level[x] = level_at(tree, best);
}

struct turn {
    int level;
    uint32_t priority, node;
};

static int by_turn(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;

    if (x->level != y->level) return x->level > y->level ? -1 : 1;
    return x->priority < y->priority ? -1 : x->priority > y->priority;
}

static uint32_t heir_of(const struct support_tree *tree, uint32_t dead)
{
    if (tree->level[dead] == INDEX_LEVEL_TWIN) return INDEX_NONE;
    for (uint32_t c = 0; c < tree->n; c++) {
        if (tree->level[c] != INDEX_LEVEL_TWIN || tree->parent[c] != dead) continue;
        if (memcmp(place_of(tree, c), place_of(tree, dead), tree->metric.dim * sizeof(double)) == 0) return c;
    }
    return INDEX_NONE;
}

/* One dead node that is marked so already; its old level is given. Twins die first, so that none of them inherits. */
static void bury(struct support_tree *tree, uint32_t dead, int16_t level)
{
    uint32_t heir = INDEX_NONE;

    tree->level[dead] = level;
    heir = heir_of(tree, dead);
    tree->level[dead] = INDEX_LEVEL_DEAD;
    if (heir == INDEX_NONE) {
        if (tree->root == dead) tree->root = INDEX_NONE;
        return;
    }
    tree->level[heir] = level;
    tree->parent[heir] = tree->parent[dead];
    for (uint32_t c = 0; c < tree->n; c++) {
        if (c != heir && tree->parent[c] == dead) tree->parent[c] = heir;
    }
    if (tree->root == dead) tree->root = heir;
}

static void remove_dead(struct support_tree *tree, const uint32_t *dead, size_t n)
{
    struct turn *orphan = must(calloc(tree->n + 1, sizeof *orphan));
    int16_t *level = must(calloc(n + 1, sizeof *level));
    size_t orphans = 0;

    for (size_t i = 0; i < n; i++) {
        level[i] = tree->level[dead[i]];
        tree->level[dead[i]] = INDEX_LEVEL_DEAD;
    }
    for (size_t i = 0; i < n; i++) bury(tree, dead[i], level[i]);
    for (uint32_t c = 0; c < tree->n; c++) {
        if (tree->level[c] == INDEX_LEVEL_DEAD || tree->parent[c] == INDEX_NONE || tree->level[tree->parent[c]] != INDEX_LEVEL_DEAD) continue;
        orphan[orphans++] = (struct turn){ tree->level[c], base_priority(tree->seed, c), c };
    }
    qsort(orphan, orphans, sizeof *orphan, by_turn);
    for (size_t i = 0; i < orphans; i++) settle_one(tree, orphan[i].node);
    for (size_t i = 0; i < n; i++) tree->parent[dead[i]] = INDEX_NONE;
    free(level);
    free(orphan);
}

static void append(struct support_tree *tree, const struct tree_batch *batch)
{
    size_t dim = tree->metric.dim, n = batch->n_insert;
    uint32_t first = tree->n;

    tree->n += (uint32_t)n;
    tree->place = must(realloc(tree->place, (size_t)tree->n * dim * sizeof(double)));
    tree->label = must(realloc(tree->label, tree->n * sizeof *tree->label));
    tree->parent = must(realloc(tree->parent, tree->n * sizeof *tree->parent));
    tree->level = must(realloc(tree->level, tree->n * sizeof *tree->level));
    if (tree->metric.embeds) metric_embed(tree->place + first * dim, &tree->metric, batch->points, n);
    else memcpy(tree->place + first * dim, batch->points, n * dim * sizeof(double));
    for (size_t i = 0; i < n; i++) {
        tree->label[first + i] = batch->labels[i];
        tree->parent[first + i] = INDEX_NONE;
        tree->level[first + i] = INDEX_LEVEL_FREE;
    }
}

/* Rows not inserted yet have level FREE and so are nobody's parent. */
static void insert_new(struct support_tree *tree, const struct tree_batch *batch)
{
    struct turn *turn = must(calloc(batch->n_insert + 1, sizeof *turn));
    uint32_t first = tree->n;

    append(tree, batch);
    for (size_t i = 0; i < batch->n_insert; i++) {
        uint32_t node = first + (uint32_t)i;

        turn[i] = (struct turn){ 0, base_priority(tree->seed, node), node };
    }
    qsort(turn, batch->n_insert, sizeof *turn, by_turn);
    for (size_t i = 0; i < batch->n_insert; i++) settle_one(tree, turn[i].node);
    free(turn);
}

void support_tree_update(struct support_tree *tree, const struct tree_batch *batch)
{
    int greatest = 0; /* of all but the root; its own is one above, and level 0 where there is no other */

    if (batch->n_delete > 0) remove_dead(tree, batch->dead, batch->n_delete);
    if (batch->n_insert > 0) insert_new(tree, batch);
    for (uint32_t i = 0; i < tree->n; i++) {
        if (i != tree->root && tree->level[i] > greatest) greatest = tree->level[i];
    }
    if (tree->root != INDEX_NONE) tree->level[tree->root] = (int16_t)(greatest > 0 ? greatest + 1 : INDEX_LEVEL_BIAS);
}

void support_tree_expect(const struct support_tree *tree, const struct index_state *state)
{
    assert_int_equal(state->n, tree->n);
    assert_int_equal(state->root, tree->root);
    for (uint32_t i = 0; i < tree->n; i++) {
        if (index_level(state)[i] == tree->level[i] && index_parent(state)[i] == tree->parent[i]) continue;
        print_error("node %u: level %d parent %u, expected level %d parent %u\n", i, index_level(state)[i], index_parent(state)[i], tree->level[i],
                    tree->parent[i]);
        fail();
    }
}

/* ---- spaces ------------------------------------------------------------------------------------------------------------------------------- */

const struct support_space support_spaces[SUPPORT_SPACES] = {
    { "euclidean", 1 }, { "euclidean", 2 }, { "euclidean", 3 }, { "euclidean", 8 }, { "haversine", 2 },
    { "manhattan", 3 }, { "chebyshev", 2 }, { "cosine", 3 },    { "angular", 4 },
};

/* ---- points ------------------------------------------------------------------------------------------------------------------------------- */

const char *support_kind_name(enum support_kind kind)
{
    static const char *const name[SUPPORT_KINDS] = { "gauss", "box", "balls", "lattice", "decades", "line", "equal", "denormal", "chain" };

    return name[kind];
}

static double coordinate(enum support_kind kind, size_t row, uint32_t j, struct base_random *random, double size, double centre)
{
    switch (kind) {
    case SUPPORT_GAUSS: return base_random_gauss(random);
    case SUPPORT_BOX: return base_random_unit(random);
    case SUPPORT_BALLS: return 10 * centre + 0.01 * base_random_gauss(random);
    case SUPPORT_LATTICE: return (double)base_random_below(random, 7);
    case SUPPORT_DECADES: return size * base_random_gauss(random);
    case SUPPORT_LINE: return (double)row * 0.37;
    case SUPPORT_EQUAL: return 3.25;
    case SUPPORT_DENORMAL: return 0.6e-162 * (double)base_random_below(random, 400);
    default: return j == 0 ? ldexp(row % 2 ? 1 : -1, (int)(row * 389 % 1000) - 510) : 0;
    }
}

static double onto(double x, double limit)
{
    double y = fmod(x * 20, 2 * limit);

    if (y > limit) y -= 2 * limit;
    if (y < -limit) y += 2 * limit;
    return y;
}

/* Around the first axis, both ways: near it the shapes are what they are, at the scale of their coordinates. */
static void point_along(double *row, uint32_t dim, struct base_random *random)
{
    memmove(row + 1, row, (dim - 1) * sizeof *row);
    row[0] = base_random_below(random, 8) ? 1 : -1;
}

void support_kind_points(double *rows, const struct metric *metric, enum support_kind kind, size_t first, size_t n, uint64_t seed)
{
    struct base_random random;

    for (size_t i = 0; i < n; i++) {
        double size, centre, *row = rows + i * metric->input_dim;

        base_random_seed(&random, seed * 1000003 + first + i);
        size = pow(10, -(double)base_random_below(&random, 12));
        centre = (double)base_random_below(&random, 8);
        for (uint32_t j = 0; j < metric->input_dim; j++) row[j] = coordinate(kind, first + i, j, &random, size, centre);
        for (uint32_t j = 0; kind == SUPPORT_DENORMAL && metric->sum != METRIC_SQUARES && j < metric->input_dim; j++) row[j] *= 0x1p-490;
        if (metric->id == METRIC_COSINE || metric->id == METRIC_ANGULAR) point_along(row, metric->input_dim, &random);
        if (metric->id != METRIC_HAVERSINE) continue;
        row[0] = onto(row[0], 90);
        row[1] = onto(row[1], 180);
        if (base_random_below(&random, 40) == 0) row[0] = row[0] < 0 ? -90 : 90;
        if (base_random_below(&random, 40) == 0) row[1] = row[1] < 0 ? -180 : 180;
    }
}

void support_batch_start(struct support_batch *batch, const struct metric *metric, enum support_kind kind, uint32_t first, size_t n,
                         const uint32_t *dead, size_t n_dead, uint64_t seed)
{
    batch->points = must(calloc(n * metric->input_dim + 1, sizeof(double)));
    batch->labels = must(calloc(n + 1, sizeof(int64_t)));
    support_kind_points(batch->points, metric, kind, first, n, seed);
    for (size_t i = 0; i < n; i++) batch->labels[i] = (int64_t)(first + i) ^ 5; /* nearly ascending */
    batch->tree = (struct tree_batch){ .points = batch->points, .labels = batch->labels, .n_insert = n, .dead = dead, .n_delete = n_dead };
}

void support_batch_free(struct support_batch *batch)
{
    free(batch->points);
    free(batch->labels);
}

static size_t pick_any(uint32_t *dead, const uint32_t *live, size_t n_live, size_t n, struct base_random *random)
{
    size_t count = 0;

    for (size_t i = 0; i < n_live && count < n; i++) {
        if (base_random_below(random, n_live - i) < n - count) dead[count++] = live[i];
    }
    return count;
}

static size_t pick_ball(uint32_t *dead, const struct index_state *state, const uint32_t *live, size_t n_live, size_t n, struct base_random *random)
{
    uint32_t centre = live[base_random_below(random, n_live)];
    double limit = index_key(state, centre, live[base_random_below(random, n_live)]);
    size_t count = 0;

    for (size_t i = 0; i < n_live && count < n; i++) {
        if (index_key(state, centre, live[i]) <= limit) dead[count++] = live[i];
    }
    return count;
}

size_t support_pick_nodes(uint32_t **dead, const struct index_state *state, enum support_pick pick, size_t n, struct base_random *random)
{
    uint32_t *live = must(calloc((size_t)state->n + 1, sizeof *live));
    size_t n_live = 0, count = 0;

    *dead = must(calloc((size_t)state->n + 1, sizeof **dead));
    for (uint32_t node = 0; node < state->n; node++) {
        if (index_is_live(state, node)) live[n_live++] = node;
    }
    if (n_live > 0 && pick == SUPPORT_PICK_ANY) count = pick_any(*dead, live, n_live, n, random);
    if (n_live > 0 && pick == SUPPORT_PICK_BALL) count = pick_ball(*dead, state, live, n_live, n, random);
    for (size_t i = 0; i < n_live; i++) {
        int root = live[i] == state->root || (index_parent(state)[live[i]] == state->root && base_random_below(random, 2));

        if (pick == SUPPORT_PICK_ALL || (pick == SUPPORT_PICK_ROOT && root)) (*dead)[count++] = live[i];
    }
    free(live);
    return count;
}

void support_plan(struct index_state *state, const struct tree_batch *batch)
{
    struct pcct_error err = { 0, "" };
    struct index_frame frame;

    index_frame_init(&frame, state->env);
    index_frame_begin(&frame, state);
    support_ok(tree_update(state, batch, &err), &err);
    support_ok(index_frame_seal(&frame, state, &err), &err);
    index_frame_free(&frame);
}

/* ---- states ------------------------------------------------------------------------------------------------------------------------------- */

static size_t row_bytes(const struct index_state *state, int array)
{
    static const size_t fixed[INDEX_ARRAYS] = { 0, 0, sizeof(int64_t), sizeof(uint32_t), sizeof(int16_t), sizeof(double), sizeof(double),
                                                sizeof(uint32_t), sizeof(uint32_t), 0 };

    if (array == INDEX_POINT) return state->metric.input_dim * sizeof(double);
    if (array == INDEX_PLACE) return state->metric.embeds ? state->metric.dim * sizeof(double) : 0;
    return fixed[array];
}

void support_state_equal(const struct index_state *a, const struct index_state *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->n_live, b->n_live);
    assert_int_equal(a->root, b->root);
    assert_int_equal(a->next_label, b->next_label);
    assert_int_equal(a->twins, b->twins);
    for (int i = 1; i < INDEX_ARRAYS && a->n > 0; i++) {
        if (row_bytes(a, i) > 0) assert_memory_equal(a->array[i].data, b->array[i].data, a->n * row_bytes(a, i));
    }
    assert_memory_equal(a->level_count, b->level_count, sizeof a->level_count);
    assert_memory_equal(a->digest, b->digest, sizeof a->digest);
}

void support_state_copy(struct index_state *copy, const struct index_state *state)
{
    index_init(copy, state->env, &state->metric, state->seed);
    copy->n = state->n;
    copy->n_live = state->n_live;
    copy->root = state->root;
    copy->next_label = state->next_label;
    copy->twins = state->twins;
    memcpy(copy->level_count, state->level_count, sizeof copy->level_count);
    memcpy(copy->digest, state->digest, sizeof copy->digest);
    for (int i = 1; i < INDEX_ARRAYS; i++) {
        size_t bytes = state->n * row_bytes(state, i);

        if (bytes == 0) continue;
        support_ok(base_buffer_reserve(&copy->array[i], state->env, bytes, 0, NULL), NULL);
        memcpy(copy->array[i].data, state->array[i].data, bytes);
    }
}
