/* SPDX-License-Identifier: Apache-2.0 */
#include "support_block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void an_empty_layout_answers_nothing(void **state)
{
    const double q[3] = { 0, 0, 0 };
    struct support_env env;
    struct support_block block;
    struct base_topk_entry entry[2];
    struct base_topk top;
    struct block_work work = { 0 };
    struct block_hit best = { 1, 5 };

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 10, 3, SUPPORT_UNIFORM, 1);
    assert_int_equal(block_memory(&block.layout), 0);
    assert_int_equal(block_home(&block.layout, q), BLOCK_NONE);
    base_topk_start(&top, entry, 2);
    support_block_knn(&top, &block, q, BLOCK_NONE, &work);
    assert_int_equal(top.count, 0);
    block_nearest(&best, &block.layout, &block.source, q, BLOCK_NONE, &work);
    assert_int_equal(best.node, 5);
    block_visit(&block.layout, &block.source, q, 1, NULL, NULL, &work);
    assert_int_equal(work.blocks, 0);
    support_block_check(&block);
    support_block_finish(&block);
    support_env_finish(&env);
}

static void assert_array(const struct block_array *array, const char *name, size_t bytes, size_t items)
{
    int i = 0;

    while (i < BLOCK_ARRAYS && strcmp(array[i].name, name) != 0) i++;
    assert_true(i < BLOCK_ARRAYS);
    assert_int_equal(array[i].item_bytes, bytes);
    assert_int_equal(array[i].items, items);
}

static void arrays_and_memory_are_told(void **state)
{
    struct support_env env;
    struct support_block block;
    struct block_array array[BLOCK_ARRAYS];
    struct pcct_error err = { 0, "" };
    uint64_t bytes = 0;

    (void)state;
    support_env_start(&env, 1);
    support_block_start(&block, &env, 2000, 3, SUPPORT_UNIFORM, 1);
    support_ok(support_block_build(&block, 1500, 64, &err), &err);
    block_arrays(array, &block.layout);
    assert_array(array, "lane", 3 * 64 * 4, 24);
    assert_array(array, "frame", (1 + 3 * 3) * 8, 24);
    assert_array(array, "box", 2 * 3 * 16 * 8, 3);
    assert_array(array, "where", 4, 2000);
    assert_array(array, "row", 64 * (3 + 1) * 8, 24);
    for (int i = 0; i < BLOCK_ARRAYS; i++) {
        bytes += array[i].items * array[i].item_bytes;
        for (int other = 0; other < i; other++) assert_ptr_not_equal(array[i].buffer, array[other].buffer);
    }
    assert_int_equal(block_memory(&block.layout), bytes);
    support_block_finish(&block);
    support_env_finish(&env);
}

/* Copies what one layout holds to private mappings and lets another one use them. */
static void adopt(struct block_layout *to, struct block_layout *from)
{
    struct block_array source[BLOCK_ARRAYS], target[BLOCK_ARRAYS];
    struct block_shape shape;

    block_shape_get(&shape, from);
    block_shape_set(to, &shape);
    block_arrays(source, from);
    block_arrays(target, to);
    for (int i = 0; i < BLOCK_ARRAYS; i++) {
        const size_t bytes = source[i].items * source[i].item_bytes, mapped = bytes / 4096 * 4096 + 4096;
        void *data = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        assert_true(data != MAP_FAILED);
        if (bytes > 0) memcpy(data, source[i].buffer->data, bytes);
        base_buffer_adopt(target[i].buffer, data, i % 2 ? bytes : mapped, mapped);
        assert_int_equal(target[i].items, source[i].items);
    }
}

static void mapped_arrays_live_on(void **state)
{
    struct support_env env;
    struct pcct_error err = { 0, "" };

    (void)state;
    support_env_start(&env, 2);
    for (int removed_first = 0; removed_first < 2; removed_first++) { /* with an empty free list and with a full one */
        struct support_block block;
        struct block_layout mapped, kept;

        support_block_start(&block, &env, 9000, 3, SUPPORT_CLUSTERS, 2 + (uint64_t)removed_first); /* without and with rows */
        support_ok(support_block_build(&block, 6000, 56, &err), &err);
        if (removed_first) support_block_remove(&block, 3000);
        block_init(&mapped, &env.env, &block.metric);
        if (block.layout.row_words > 0) block_keep_rows(&mapped);
        adopt(&mapped, &block.layout);
        support_ok(block_check_links(&mapped, &err), &err);
        assert_true(support_block_same(&block.layout, &mapped));
        kept = block.layout;
        block.layout = mapped;
        block_free(&kept);
        support_block_check(&block);
        support_block_ask(&block, 10, 5);
        for (int step = 0; step < 20; step++) {
            support_ok(support_block_insert(&block, 100, &err), &err);
            support_block_remove(&block, 60);
            support_block_renew_reach(&block, 20);
            support_block_check(&block);
        }
        support_ok(support_block_insert(&block, 9000, &err), &err);
        support_block_check(&block);
        support_block_finish(&block);
    }
    support_env_finish(&env);
}

/* The list beside the layout, without the entries that are not in it. Numbers keep their order. Returns how many are left. */
static uint32_t make_map(uint32_t *map, struct support_block *block)
{
    uint32_t rows = 0;

    for (uint32_t i = 0; i < block->rows; i++) {
        map[i] = block->reach[i] > -INFINITY ? rows : BLOCK_NONE;
        if (map[i] == BLOCK_NONE) continue;
        memmove(block->place + rows * 3, block->place + i * 3, 3 * sizeof(double));
        block->label[rows] = block->label[i];
        block->reach[rows++] = block->reach[i];
    }
    return rows;
}

static void new_numbers(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct support_env env;
        struct support_block block;
        struct pcct_error err = { 0, "" };
        uint32_t *map = calloc(9000, sizeof *map), left = 5000;

        assert_non_null(map);
        support_env_start(&env, threads);
        support_block_start(&block, &env, 9000, 3, SUPPORT_CLUSTERS, 3);
        support_ok(support_block_build(&block, 7000, 64, &err), &err);
        support_block_remove(&block, 2500); /* with free blocks */
        support_ok(support_block_insert(&block, 500, &err), &err);
        support_env_fail(&env, 1);
        assert_int_equal(block_renumber(&block.layout, map, left, &err), PCCT_E_MEMORY);
        support_env_fail(&env, 0);
        support_block_check(&block);
        assert_int_equal(make_map(map, &block), left);
        support_ok(block_renumber(&block.layout, map, left, &err), &err);
        block.rows = block.source.rows = left;
        assert_int_equal(block.layout.rows, left);
        support_block_check(&block);
        support_block_ask(&block, 10, 5);
        support_block_remove(&block, 2000);
        support_ok(support_block_insert(&block, 1000, &err), &err);
        support_block_check(&block);
        support_block_remove(&block, left);
        support_ok(block_renumber(&block.layout, map, 0, &err), &err); /* empty */
        assert_int_equal(block.layout.rows, 0);
        support_block_finish(&block);
        support_env_finish(&env);
        free(map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_layout_answers_nothing),
        cmocka_unit_test(arrays_and_memory_are_told),
        cmocka_unit_test(mapped_arrays_live_on),
        cmocka_unit_test(new_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
