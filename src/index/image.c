/* SPDX-License-Identifier: Apache-2.0 */
#include "index/image.h"

#include "base/error.h"
#include "base/os.h"
#include "base/par.h"
#include "index/check.h"
#include "index/rows.h"

#include <assert.h>
#include <string.h>

/*
 * The head of an image, little-endian: this structure, then `levels` pairs { u64 stored level, u64 live nodes of it }, ascending by level, counts
 * above 0. Arrays are as in memory: those of the state by their number in enum index_array, those of the layout from 32 on in the order of
 * block_arrays().
 */
struct image_head {
    uint32_t form, metric, input_dim, dim;   /* form: form_of() */
    uint32_t n, n_live, root, levels;
    uint64_t seed;
    int64_t next_label;
    uint64_t twins;
    uint64_t digest[INDEX_ARRAYS];
    struct block_shape shape;
};
_Static_assert(sizeof(struct image_head) == 176 && offsetof(struct image_head, shape) == 136, "image_head is written out as it is");
_Static_assert(sizeof(struct block_shape) == 40 && offsetof(struct block_shape, fine) == 36, "block_shape is written out as it is");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written out as they are");

/* FORM: of images with fine views, which were floats before. Others are of the same form as they were then. */
enum { FORM_BEFORE = 2, FORM = 3, LAYOUT_FIRST_ID = 32 };

struct level_count {
    uint64_t level, count;
};

static const char *const names[INDEX_ARRAYS] = { "", "point", "label", "parent", "level", "radius", "pdist", "child", "next", "place" };

static uint32_t form_of(uint32_t fine) { return fine > 0 ? FORM : FORM_BEFORE; }

static int damaged(struct pcct_error *err, const char *what)
{
    return base_fail(err, PCCT_E_DAMAGED, "damaged state: %s", what);
}

/* ---- which arrays -------------------------------------------------------------------------------------------------------------------------- */

/* Lists the arrays of a metric's state; `buffer` of each in the same order. floats: fine views are. */
static void list_arrays(struct index_image *image, struct base_buffer **buffer, struct index_state *state, int floats)
{
    struct block_array block[BLOCK_ARRAYS];
    size_t k = 0;

    memset(image, 0, sizeof *image);
    for (int i = 1; i < INDEX_ARRAYS; i++) {
        uint32_t bytes = (uint32_t)index_array_bytes(&state->metric, i);

        if (bytes == 0) continue;
        image->array[k] = (struct index_image_array){ .id = (uint32_t)i, .name = names[i], .item_bytes = bytes, .items = state->n };
        image->array[k].rows_stay = i == INDEX_POINT || i == INDEX_LABEL || i == INDEX_PLACE;
        buffer[k++] = &state->array[i];
    }
    block_arrays(block, &state->layout);
    for (uint32_t i = 0; i < BLOCK_ARRAYS; i++) {
        if (block[i].item_bytes == 0) continue;
        image->array[k] = (struct index_image_array){ .id = LAYOUT_FIRST_ID + i, .name = block[i].name, .item_bytes = (uint32_t)block[i].item_bytes,
                                                      .items = block[i].items };
        if (floats && block[i].buffer == &state->layout.fine_view) image->array[k].item_bytes *= sizeof(float) / sizeof(int16_t);
        buffer[k++] = block[i].buffer;
    }
    image->arrays = k;
}

int index_image_of(struct index_image *image, struct base_vector *head, struct index_state *state, struct pcct_error *err)
{
    struct base_buffer *buffer[INDEX_IMAGE_ARRAYS];
    struct image_head numbers = { .form = form_of(state->layout.fine) };
    unsigned char *place = NULL;
    int status = 0;

    assert(!state->frame && head->item_bytes == 1);
    list_arrays(image, buffer, state, 0);
    for (size_t i = 0; i < image->arrays; i++) {
        image->array[i].data = buffer[i]->data;
        image->array[i].capacity = buffer[i]->capacity;
    }
    for (int i = 0; i < INDEX_LEVELS; i++) numbers.levels += state->level_count[i] > 0;
    numbers.metric = (uint32_t)state->metric.id;
    numbers.input_dim = state->metric.input_dim;
    numbers.dim = state->metric.dim;
    numbers.n = state->n;
    numbers.n_live = state->n_live;
    numbers.root = state->root;
    numbers.seed = state->seed;
    numbers.next_label = state->next_label;
    numbers.twins = state->twins;
    memcpy(numbers.digest, state->digest, sizeof numbers.digest);
    block_shape_get(&numbers.shape, &state->layout);
    TRY(base_vector_add(&place, head, state->env, sizeof numbers + numbers.levels * sizeof(struct level_count), err));
    memcpy(place, &numbers, sizeof numbers);
    place += sizeof numbers;
    for (uint64_t i = 0; i < INDEX_LEVELS; i++) {
        struct level_count level = { i, state->level_count[i] };

        if (level.count == 0) continue;
        memcpy(place, &level, sizeof level);
        place += sizeof level;
    }
done:
    return status;
}

/* ---- reading a head ------------------------------------------------------------------------------------------------------------------------ */

static int has_floats(const struct image_head *numbers) { return numbers->form == FORM_BEFORE && numbers->shape.fine > 0; }

static int read_head(struct image_head *numbers, const void *head, size_t head_bytes, const struct metric *metric, struct pcct_error *err)
{
    if (head_bytes < sizeof *numbers) return damaged(err, "its head is cut off");
    memcpy(numbers, head, sizeof *numbers);
    if (numbers->form != form_of(numbers->shape.fine) && !has_floats(numbers)) return damaged(err, "its head is of an unknown form");
    if (numbers->levels > INDEX_LEVELS || head_bytes != sizeof *numbers + numbers->levels * sizeof(struct level_count)) {
        return damaged(err, "its head has a wrong length");
    }
    if (numbers->metric != (uint32_t)metric->id || numbers->input_dim != metric->input_dim || numbers->dim != metric->dim) {
        return damaged(err, "it is of another metric or dimension");
    }
    if (numbers->n == INDEX_NONE || numbers->n_live > numbers->n || numbers->next_label < 0) return damaged(err, "its counts contradict each other");
    if (numbers->shape.rows > numbers->n || numbers->shape.entries != (metric_is_custom(metric) ? 0 : numbers->n_live)) {
        return damaged(err, "its layout is not over its rows");
    }
    return block_shape_check(&numbers->shape, metric, err);
}

/* The numbers of a head into an empty state. */
static int take_numbers(struct index_state *state, const struct image_head *numbers, const unsigned char *levels, struct pcct_error *err)
{
    uint64_t last = 0;

    for (uint32_t i = 0; i < numbers->levels; i++) {
        struct level_count level;

        memcpy(&level, levels + i * sizeof level, sizeof level);
        if (level.level <= last || level.level >= INDEX_LEVELS || level.count == 0) return damaged(err, "its level counts are out of order");
        state->level_count[level.level] = level.count;
        last = level.level;
    }
    state->n = numbers->n;
    state->n_live = numbers->n_live;
    state->root = numbers->root;
    state->next_label = numbers->next_label;
    state->twins = numbers->twins;
    memcpy(state->digest, numbers->digest, sizeof state->digest);
    block_shape_set(&state->layout, &numbers->shape);
    return 0;
}

int index_image_plan(struct index_image *image, const void *head, size_t head_bytes, const struct metric *metric, struct pcct_error *err)
{
    struct base_buffer *buffer[INDEX_IMAGE_ARRAYS];
    struct index_state state;
    struct image_head numbers;
    int status = 0;

    memset(image, 0, sizeof *image);
    index_init(&state, NULL, metric, 0);
    TRY(read_head(&numbers, head, head_bytes, metric, err));
    TRY(take_numbers(&state, &numbers, (const unsigned char *)head + sizeof numbers, err));
    list_arrays(image, buffer, &state, has_floats(&numbers));
done:
    return status;
}

/* ---- mappings ------------------------------------------------------------------------------------------------------------------------------ */

static void unmap_all(struct index_image *image, const struct base_env *env)
{
    for (size_t i = 0; i < image->arrays; i++) {
        if (image->array[i].mapped > 0) base_os_munmap(env->os, image->array[i].data, image->array[i].mapped);
        image->array[i].data = NULL;
        image->array[i].mapped = 0;
    }
}

/* Compares the image with what the head asks for; then the mappings belong to the state. */
static int take_mappings(struct index_state *state, struct index_image *image, int floats, struct pcct_error *err)
{
    struct base_buffer *buffer[INDEX_IMAGE_ARRAYS];
    struct index_image wanted;

    list_arrays(&wanted, buffer, state, floats);
    if (wanted.arrays != image->arrays) return damaged(err, "it has not the arrays that its head tells");
    for (size_t i = 0; i < wanted.arrays; i++) {
        const struct index_image_array *a = &image->array[i], *w = &wanted.array[i];

        if (a->id != w->id || a->item_bytes != w->item_bytes || a->items != w->items || a->capacity / a->item_bytes < a->items ||
            a->capacity > a->mapped || (a->items > 0 && !a->data)) {
            return base_fail(err, PCCT_E_DAMAGED, "damaged state: array %s is not as its head tells", w->name);
        }
    }
    for (size_t i = 0; i < wanted.arrays; i++) {
        struct index_image_array *a = &image->array[i];

        if (a->mapped > 0) base_buffer_adopt(buffer[i], a->data, a->capacity, a->mapped);
        a->data = NULL;
        a->mapped = 0;
    }
    return 0;
}

/* Lanes are there for the live rows and no others. */
static int check_lanes(const struct index_state *state, struct pcct_error *err)
{
    const uint32_t *where = state->layout.where.data;

    if (metric_is_custom(&state->metric)) return 0; /* the layout is empty, as its head was found to say */
    for (uint32_t i = 0; i < state->n; i++) {
        int has_lane = i < state->layout.rows && where[i] != BLOCK_NONE;

        if (has_lane != index_is_live(state, i)) {
            return base_fail(err, PCCT_E_DAMAGED, "damaged state: node %u is live or in the layout, not both", i);
        }
    }
    return 0;
}

/* ---- points -------------------------------------------------------------------------------------------------------------------------------- */

enum { BAD_POINT = 1, BAD_PLACE, GRAIN = 4096 };

struct point_check {
    const struct index_state *state;
    struct index_fault fault;
};

/* Points that the metric takes, and places that are theirs. */
static void check_points(void *ctx, size_t begin, size_t end, int thread)
{
    struct point_check *check = ctx;
    const struct metric *metric = &check->state->metric;
    const double *point = index_points(check->state);
    double place[METRIC_DIM_MAX];
    size_t bad = 0;

    (void)thread;
    if (metric_validate(&bad, metric, point + begin * metric->input_dim, end - begin, 0, NULL) != 0) {
        index_fault_note(&check->fault, begin + bad, BAD_POINT);
        return;
    }
    for (size_t i = begin; metric->embeds && i < end; i++) {
        metric_embed(place, metric, point + i * metric->input_dim, 1);
        if (memcmp(place, index_place(check->state, (uint32_t)i), metric->dim * sizeof *place) != 0) index_fault_note(&check->fault, i, BAD_PLACE);
    }
}

static int check_all_points(const struct index_state *state, struct pcct_error *err)
{
    struct point_check check = { state, INDEX_FAULT_NONE };

    base_par_for(state->env, state->n, GRAIN, check_points, &check);
    if (!index_fault_found(&check.fault)) return 0;
    return base_fail(err, PCCT_E_DAMAGED, "damaged state: the coordinates of row %u are %s", (unsigned)index_fault_item(&check.fault),
                     index_fault_code(&check.fault) == BAD_POINT ? "none that the metric takes" : "not embedded where they belong");
}

/* The layout is a cache: one of a form that is not used any more is made anew. */
static int lay_out(struct index_state *state, struct pcct_error *err)
{
    const struct block_source source = index_source(state);
    uint32_t *node = NULL;
    size_t n = 0;
    int status = 0;

    TRY(base_take(&node, state->env, state->n_live, sizeof *node, err));
    for (uint32_t i = 0; i < state->n && n < state->n_live; i++) {
        if (index_is_live(state, i)) node[n++] = i;
    }
    block_free(&state->layout);
    if (n > 0) TRY(block_build(&state->layout, &source, node, n, METRIC_LANES, err));
done:
    base_free(state->env, node);
    return status;
}

/* ---- adopting ------------------------------------------------------------------------------------------------------------------------------ */

int index_image_adopt(struct index_state *state, const void *head, size_t head_bytes, struct index_image *image, int proved, struct pcct_error *err)
{
    struct image_head numbers;
    int status = 0;

    assert(state->n == 0 && !state->frame && !state->labels);
    TRY(read_head(&numbers, head, head_bytes, &state->metric, err));
    if (numbers.seed != state->seed) TRY(damaged(err, "it is of another store: its seed differs"));
    TRY(take_numbers(state, &numbers, (const unsigned char *)head + sizeof numbers, err));
    TRY(take_mappings(state, image, has_floats(&numbers), err));
    if (!proved) {
        TRY(index_check_rows(state, err));
        TRY(check_all_points(state, err));
    }
    if (has_floats(&numbers)) TRY(lay_out(state, err));
    if (proved) goto done;
    TRY(block_check_links(&state->layout, err));
    TRY(check_lanes(state, err));
done:
    unmap_all(image, state->env);
    if (status != 0) index_free(state);
    return status;
}
