/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What a store does: the arrays of an image copied out, and into private mappings again. */
static void map_copy(struct index_image *to, const struct index_image *from)
{
    assert_int_equal(to->arrays, from->arrays);
    for (size_t i = 0; i < to->arrays; i++) {
        size_t bytes = (size_t)from->array[i].items * from->array[i].item_bytes, mapped = (bytes + 65536) / 4096 * 4096;

        assert_int_equal(to->array[i].id, from->array[i].id);
        assert_int_equal(to->array[i].items, from->array[i].items);
        assert_int_equal(to->array[i].item_bytes, from->array[i].item_bytes);
        assert_string_equal(to->array[i].name, from->array[i].name);
        to->array[i].data = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(to->array[i].data != MAP_FAILED);
        to->array[i].capacity = to->array[i].mapped = mapped;
        if (bytes > 0) memcpy(to->array[i].data, from->array[i].data, bytes);
    }
}

struct imaged {
    struct support_index s;
    struct index_image image;
    struct base_vector head;
};

static void start(struct imaged *m, const char *metric, size_t n)
{
    struct index_frame frame;
    struct base_random random;
    struct pcct_error err = { 0, "" };

    base_random_seed(&random, 91);
    support_index_start(&m->s, metric, 2, 2);
    for (int round = 0; round < 2 && n > 0; round++) {
        index_frame_init(&frame, &m->s.support.env);
        support_index_batch(&m->s, &frame, SUPPORT_LATTICE, n / 2, SUPPORT_PICK_ANY, n / 5, &random);
        index_frame_free(&frame);
    }
    m->head = (struct base_vector){ .item_bytes = 1 };
    support_ok(index_image_of(&m->image, &m->head, &m->s.state, &err), &err);
}

/* Points that spread less and less along 128 axes: the layout has fine views. */
static void start_fine(struct imaged *m)
{
    enum { N = 1100, DIM = 128 };
    struct support_batch batch;
    struct index_frame frame;
    struct pcct_error err = { 0, "" };

    support_index_start(&m->s, "euclidean", DIM, 2);
    index_frame_init(&frame, &m->s.support.env);
    support_batch_start(&batch, &m->s.metric, SUPPORT_GAUSS, 0, N, NULL, 0, 3);
    for (size_t i = 0; i < N * DIM; i++) batch.points[i] *= pow(0.93, (double)(i % DIM));
    support_tree_update(&m->s.tree, &batch.tree);
    index_frame_begin(&frame, &m->s.state);
    support_ok(support_index_follow(&m->s.state, &m->s.tree, &batch.tree, 4, &err), &err);
    support_ok(index_frame_seal(&frame, &m->s.state, &err), &err);
    index_frame_free(&frame);
    support_batch_free(&batch);
    m->head = (struct base_vector){ .item_bytes = 1 };
    support_ok(index_image_of(&m->image, &m->head, &m->s.state, &err), &err);
    assert_true(m->s.state.layout.fine > 0);
}

static void finish(struct imaged *m)
{
    base_vector_free(&m->head, &m->s.support.env);
    support_index_free(&m->s);
}

/* Maps a copy and adopts it; the spoiler has its way with the arrays in between. */
typedef void spoiler(struct index_image *image, void *ctx);

static int adopt_as(struct index_state *state, int proved, struct imaged *m, const void *head, size_t head_bytes, spoiler *spoil, void *ctx,
                    struct pcct_error *err)
{
    struct index_image image;
    int status = 0;

    index_init(state, &m->s.support.env, &m->s.metric, 7);
    TRY(index_image_plan(&image, m->head.memory.data, m->head.count, &m->s.metric, err));
    map_copy(&image, &m->image);
    if (spoil) spoil(&image, ctx);
    status = index_image_adopt(state, head, head_bytes, &image, proved, err);
    for (size_t i = 0; i < image.arrays; i++) assert_true(image.array[i].mapped == 0 && image.array[i].data == NULL);
done:
    return status;
}

static int adopt(struct index_state *state, struct imaged *m, const void *head, size_t head_bytes, spoiler *spoil, void *ctx, struct pcct_error *err)
{
    return adopt_as(state, 0, m, head, head_bytes, spoil, ctx, err);
}

static void test_round_trip(void **state)
{
    static const char *const metric[] = { "euclidean", "haversine", "manhattan", "cosine", "custom" };
    static const size_t sizes[] = { 0, 2, 300 };

    (void)state;
    for (int i = 0; i < 15; i++) {
        struct imaged m;
        struct index_state copy;
        struct index_frame frame;
        struct base_random random;
        struct pcct_error err = { 0, "" };

        base_random_seed(&random, 92);
        start(&m, metric[i % 5], sizes[i / 5]);
        assert_int_equal(m.image.arrays, 8 + m.s.metric.embeds + BLOCK_ARRAYS);
        support_ok(adopt_as(&copy, i % 2, &m, m.head.memory.data, m.head.count, NULL, NULL, &err), &err); /* proved or not */
        support_state_equal(&copy, &m.s.state);
        support_index_sound(&copy);
        assert_int_equal(index_memory(&copy) > 0, copy.n > 0);
        /* and it is a state like any other: the next frame fits and makes the same */
        index_frame_init(&frame, &m.s.support.env);
        support_index_batch(&m.s, &frame, SUPPORT_LATTICE, 50, SUPPORT_PICK_ANY, 10, &random);
        support_ok(index_apply(&copy, &frame, &err), &err);
        support_state_equal(&copy, &m.s.state);
        support_index_sound(&copy);
        index_frame_free(&frame);
        index_free(&copy);
        finish(&m);
    }
}

/* A batch that was taken back leaves nothing in the image, though arrays and layout had grown. */
static void test_image_after_undo(void **state)
{
    struct imaged m;
    struct index_state copy;
    struct index_frame frame;
    struct base_random random;
    struct pcct_error err = { 0, "" };

    (void)state;
    base_random_seed(&random, 94);
    start(&m, "euclidean", 100);
    index_frame_init(&frame, &m.s.support.env);
    support_index_batch(&m.s, &frame, SUPPORT_LATTICE, 500, SUPPORT_PICK_ANY, 10, &random);
    support_ok(index_undo(&m.s.state, &frame, &err), &err);
    m.head.count = 0;
    support_ok(index_image_of(&m.image, &m.head, &m.s.state, &err), &err);
    support_ok(adopt(&copy, &m, m.head.memory.data, m.head.count, NULL, NULL, &err), &err);
    support_state_equal(&copy, &m.s.state);
    support_index_sound(&copy);
    index_frame_free(&frame);
    index_free(&copy);
    finish(&m);
}

static void expect_damaged(struct imaged *m, const void *head, size_t head_bytes, spoiler *spoil, void *ctx)
{
    struct index_state copy;
    struct pcct_error err = { 0, "" };

    assert_int_equal(adopt(&copy, m, head, head_bytes, spoil, ctx, &err), PCCT_E_DAMAGED);
    assert_true(err.message[0] != '\0');
    assert_true(copy.n == 0 && copy.array[INDEX_POINT].data == NULL && copy.layout.root == BLOCK_NONE);
    index_free(&copy);
}

/* Every bit of a head matters, but for digests, what a layout was built with and how its free lists go on. */
static void test_heads(void **state)
{
    struct imaged m;
    unsigned char *head;
    size_t digests = 56, shape = 136;

    (void)state;
    start(&m, "haversine", 100);
    head = malloc(m.head.count);
    assert_non_null(head);
    memcpy(head, m.head.memory.data, m.head.count);
    for (size_t n = 0; n < m.head.count; n++) {
        struct index_image image;

        assert_int_equal(index_image_plan(&image, head, n, &m.s.metric, NULL), PCCT_E_DAMAGED);
        expect_damaged(&m, head, n, NULL, NULL);
    }
    for (size_t bit = 0; bit < m.head.count * 8; bit++) {
        size_t at = bit / 8;

        if (at >= digests && at < shape) continue; /* told by the next frame */
        if (at >= 40 && at < 48) continue;         /* label counter: likewise */
        if (at >= shape + 8 && at < shape + 16) continue;
        head[at] ^= (unsigned char)(1 << bit % 8);
        expect_damaged(&m, head, m.head.count, NULL, NULL);
        head[at] ^= (unsigned char)(1 << bit % 8);
    }
    free(head);
    finish(&m);
}

/* A dead row with a lane in place of a live one: links and counts are right, answers would not be. */
static void test_lane_of_a_dead_row(void **state)
{
    struct imaged m;
    uint32_t live = 0, dead = 0;
    struct block_source source;
    struct pcct_error err = { 0, "" };

    (void)state;
    start(&m, "euclidean", 100);
    while (!index_is_live(&m.s.state, live)) live++;
    while (index_is_live(&m.s.state, dead)) dead++;
    source = index_source(&m.s.state);
    block_remove(&m.s.state.layout, &source, &live, 1);
    support_ok(block_insert(&m.s.state.layout, &source, &dead, 1, &err), &err);
    m.head.count = 0;
    support_ok(index_image_of(&m.image, &m.head, &m.s.state, &err), &err);
    expect_damaged(&m, m.head.memory.data, m.head.count, NULL, NULL);
    finish(&m);
}

struct flip {
    size_t array, item;
    uint32_t value;
};

static void set_word(struct index_image *image, void *ctx)
{
    const struct flip *flip = ctx;

    memcpy((char *)image->array[flip->array].data + flip->item, &flip->value, sizeof flip->value);
}

static size_t array_of(const struct imaged *m, const char *name)
{
    size_t i = 0;

    while (strcmp(m->image.array[i].name, name) != 0) i++;
    return i;
}

static void test_spoilt_arrays(void **state)
{
    static const struct { const char *name; size_t item; uint32_t value; } spoilt[] = {
        { "point", 4, 0x7ff80000 }, { "point", 12, 0xffffffff }, { "place", 4, 0x3fe00000 }, { "parent", 8, 0xfffffff0 }, { "parent", 8, 2 },
        { "level", 4, 0x7fff7fff }, { "level", 4, 0 }, { "radius", 4, 0x7ff00000 }, { "radius", 4, 0xbff00000 }, { "pdist", 20, 0xfff00000 },
        { "child", 0, 0xfffffff0 }, { "next", 4, 0xfffffff0 }, { "next", 4, 1 }, { "where", 8, 0x00ffffff }, { "where", 8, 0xffffffff },
        { "node", 0, 0x7fffffff }, { "child", 0, 0 },
    };
    struct imaged m;

    (void)state;
    start(&m, "haversine", 100);
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        struct flip flip = { array_of(&m, spoilt[i].name), spoilt[i].item, spoilt[i].value };

        if (memcmp((char *)m.image.array[flip.array].data + flip.item, &flip.value, 4) == 0) continue;
        expect_damaged(&m, m.head.memory.data, m.head.count, set_word, &flip);
    }
    finish(&m);
}

static void set_parent(struct index_image *image, void *ctx)
{
    (void)ctx;
    ((uint32_t *)image->array[INDEX_PARENT - 1].data)[1] = 1; /* its own */
}

/* What is proved is not looked at again: that is what makes opening quick. */
static void test_proved(void **state)
{
    struct imaged m;
    struct index_state copy;
    struct pcct_error err = { 0, "" };

    (void)state;
    start(&m, "euclidean", 100);
    assert_int_equal(adopt_as(&copy, 0, &m, m.head.memory.data, m.head.count, set_parent, NULL, &err), PCCT_E_DAMAGED);
    support_ok(adopt_as(&copy, 1, &m, m.head.memory.data, m.head.count, set_parent, NULL, &err), &err);
    index_free(&copy);
    assert_int_equal(adopt_as(&copy, 1, &m, m.head.memory.data, m.head.count - 1, NULL, NULL, &err), PCCT_E_DAMAGED); /* the head is */
    finish(&m);
}

/* Junk anywhere is refused, or harmless: nothing that adopting let through may lead astray later. */
static void test_random_junk(void **state)
{
    static const uint32_t odd[] = { 0, 1, 0xffffffff, 0xfffffffe, 0x80000000, 0x7fffffff, 63, 100 };
    struct imaged m;
    struct base_random random;
    size_t refused = 0;

    (void)state;
    base_random_seed(&random, 93);
    start(&m, "euclidean", 100);
    for (int round = 0; round < 2000; round++) {
        size_t array = (size_t)base_random_below(&random, m.image.arrays);
        size_t bytes = (size_t)m.image.array[array].items * m.image.array[array].item_bytes;
        struct flip flip = { array, bytes < 4 ? 0 : (size_t)base_random_below(&random, bytes / 4) * 4, odd[base_random_below(&random, 8)] };
        struct index_state copy;
        struct pcct_error err = { 0, "" };
        int status = adopt(&copy, &m, m.head.memory.data, m.head.count, set_word, &flip, &err);

        refused += status != 0;
        if (status != 0) assert_int_equal(status, PCCT_E_DAMAGED);
        if (status == 0) index_check(&copy, &err); /* whatever it says, it comes back */
        index_free(&copy);
    }
    assert_true(refused > 300);
    finish(&m);
}

static void shorten(struct index_image *image, void *ctx)
{
    size_t array = *(size_t *)ctx;

    image->array[array].capacity = (size_t)image->array[array].items * image->array[array].item_bytes - 1;
}

static void rename_array(struct index_image *image, void *ctx) { image->array[*(size_t *)ctx].id++; }
static void drop_array(struct index_image *image, void *ctx)
{
    (void)ctx;
    image->arrays--;
    munmap(image->array[image->arrays].data, image->array[image->arrays].mapped);
}

static void test_other_arrays(void **state)
{
    struct imaged m;

    (void)state;
    start(&m, "euclidean", 100);
    for (size_t i = 0; i < m.image.arrays; i++) {
        expect_damaged(&m, m.head.memory.data, m.head.count, shorten, &i);
        expect_damaged(&m, m.head.memory.data, m.head.count, rename_array, &i);
    }
    expect_damaged(&m, m.head.memory.data, m.head.count, drop_array, NULL);
    finish(&m);
}

/* A layout where there is none, and none where there is one. */
static void test_layout_of_the_other_kind(void **state)
{
    struct metric custom;
    struct imaged m;
    struct pcct_error err = { 0, "" };
    struct index_image image;
    unsigned char *head;

    (void)state;
    start(&m, "custom", 100);
    custom = m.s.metric;
    head = m.head.memory.data;
    head[136] = 1; /* an entry of the layout */
    assert_int_equal(index_image_plan(&image, head, m.head.count, &custom, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "layout"));
    finish(&m);
}

/* An image with fine views of the form before, which were floats, is read and its layout made anew; neither form is taken for the other. */
static void test_fine_views_of_before(void **state)
{
    struct imaged m;
    struct index_state copy;
    struct index_image_array *fine;
    struct pcct_error err = { 0, "" };
    unsigned char *before, *now;
    void *floats;

    (void)state;
    start_fine(&m);
    fine = m.image.array;
    while (strcmp(fine->name, "fine_view") != 0) fine++;
    now = m.head.memory.data;
    before = malloc(m.head.count);
    floats = calloc(fine->items, 2 * fine->item_bytes);
    assert_true(before && floats);
    memcpy(before, now, m.head.count);
    assert_int_equal(now[0], 3);
    before[0] = 2;
    expect_damaged(&m, before, m.head.count, NULL, NULL);
    fine->data = floats;
    fine->item_bytes *= 2;
    m.head.memory.data = before;
    expect_damaged(&m, now, m.head.count, NULL, NULL);
    for (int proved = 0; proved < 2; proved++) {
        support_ok(adopt_as(&copy, proved, &m, before, m.head.count, NULL, NULL, &err), &err);
        support_state_equal(&copy, &m.s.state);
        support_index_sound(&copy);
        assert_int_equal(copy.layout.fine, m.s.state.layout.fine);
        index_free(&copy);
    }
    m.head.memory.data = now;
    free(floats);
    free(before);
    finish(&m);
}

static int image_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct imaged *m = ctx;
    struct base_vector head = { .item_bytes = 1 };
    struct index_image image;
    int status = 0;

    TRY(index_image_of(&image, &head, &m->s.state, err));
    assert_int_equal(head.count, m->head.count);
    assert_memory_equal(head.memory.data, m->head.memory.data, head.count);
done:
    base_vector_free(&head, env);
    return status;
}

static void test_without_memory(void **state)
{
    struct imaged m;

    (void)state;
    start(&m, "euclidean", 100);
    assert_int_equal(support_fail_each(&m.s.support, image_call, &m), 1);
    finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_heads),        cmocka_unit_test(test_spoilt_arrays),
        cmocka_unit_test(test_random_junk), cmocka_unit_test(test_other_arrays), cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_image_after_undo), cmocka_unit_test(test_lane_of_a_dead_row),
        cmocka_unit_test(test_layout_of_the_other_kind), cmocka_unit_test(test_proved), cmocka_unit_test(test_fine_views_of_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
