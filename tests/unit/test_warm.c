/* SPDX-License-Identifier: Apache-2.0 */
#include "index/warm.h"

#include "support_index.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { POINTS = 400, MAPPED = 64 << 10, PAGE = 4096 };

/* How many of a mapping's pages are the process's own, as its map of pages says: those that are there and not of a file. */
static int own_pages(const void *data, size_t bytes)
{
    FILE *file = fopen("/proc/self/pagemap", "r");
    uint64_t entry = 0;
    int own = 0;

    assert_non_null(file);
    for (uintptr_t page = (uintptr_t)data / PAGE; page * PAGE < (uintptr_t)data + bytes; page++) {
        assert_int_equal(fseek(file, (long)(page * sizeof entry), SEEK_SET), 0);
        assert_int_equal(fread(&entry, sizeof entry, 1, file), 1);
        own += (entry >> 63 & 1) && !(entry >> 61 & 1);
    }
    fclose(file);
    return own;
}

/* Puts an array's contents where it is a private mapping of a file, as those of an opened version are. */
static void map(struct base_buffer *buffer, const struct base_env *env, size_t bytes)
{
    FILE *file = tmpfile();
    void *data;

    assert_non_null(file);
    assert_int_equal(fwrite(buffer->data, 1, bytes, file), bytes);
    assert_int_equal(fseek(file, MAPPED - 1, SEEK_SET), 0);
    assert_int_equal(fputc(0, file), 0);
    assert_int_equal(fflush(file), 0);
    data = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0);
    assert_ptr_not_equal(data, MAP_FAILED);
    fclose(file);
    base_buffer_free(buffer, env);
    base_buffer_adopt(buffer, data, MAPPED, MAPPED);
}

static void what_will_be_written_is_at_hand(void **state)
{
    struct support_index s;
    struct index_state before;
    struct base_random random;
    struct block_array array[BLOCK_ARRAYS];
    const void *radius, *lane;
    size_t lane_bytes;

    (void)state;
    base_random_seed(&random, 3);
    support_index_start(&s, "euclidean", 2, 2);
    support_index_batch(&s, NULL, SUPPORT_BOX, POINTS, SUPPORT_PICK_ANY, 0, &random);
    support_state_copy(&before, &s.state);
    index_warm(&s.state, POINTS, POINTS); /* on the heap: nothing */
    map(&s.state.array[INDEX_RADIUS], s.state.env, POINTS * sizeof(double));
    map(&s.state.array[INDEX_POINT], s.state.env, POINTS * 2 * sizeof(double));
    block_arrays(array, &s.state.layout);
    assert_string_equal(array[0].name, "lane");
    map(array[0].buffer, s.state.env, array[0].items * array[0].item_bytes);
    radius = s.state.array[INDEX_RADIUS].data;
    lane = array[0].buffer->data;
    lane_bytes = array[0].items * array[0].item_bytes;
    index_warm(&s.state, 0, 0);
    assert_int_equal(own_pages(radius, MAPPED), 0);
    index_warm(&s.state, 1, 0);
    assert_int_equal(own_pages(radius, MAPPED), 1); /* as far as there are rows */
    assert_int_equal(own_pages(lane, MAPPED), 0);
    index_warm(&s.state, 1, POINTS);
    assert_int_equal(own_pages(lane, MAPPED), (lane_bytes + PAGE - 1) / PAGE);
    assert_int_equal(own_pages(s.state.array[INDEX_POINT].data, MAPPED), 0); /* points never change */
    support_state_equal(&s.state, &before);
    index_radius(&s.state)[0] += 1; /* still the process's own to write */
    index_radius(&s.state)[0] -= 1;
    index_free(&before);
    support_index_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_will_be_written_is_at_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
