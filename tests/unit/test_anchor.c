/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/anchor.h"
#include "store/bytes.h"

#include <string.h>

static const uint8_t uuid[16] = "sixteen bytes..";

static void make(struct store_anchor *anchor, uint8_t head[STORE_ANCHOR_HEAD_BYTES])
{
    struct index_image image = {.arrays = 4};

    image.array[0] = (struct index_image_array){.id = 1, .item_bytes = 4, .items = 100};
    image.array[1] = (struct index_image_array){.id = 2, .item_bytes = 8, .items = 0};
    image.array[2] = (struct index_image_array){.id = 3, .item_bytes = 24, .items = 100000};
    image.array[3] = (struct index_image_array){.id = 9, .item_bytes = 65536, .items = 2};
    store_anchor_layout(anchor, 77, &image, 1000);
    anchor->head_hash = 5;
    anchor->table_hash = 6;
    anchor->time_ns = -7;
    anchor->identity.byte[3] = 8;
    store_anchor_encode(head, anchor, uuid);
}

static void test_layout(void **state)
{
    uint8_t head[STORE_ANCHOR_HEAD_BYTES];
    struct store_anchor anchor, read;

    (void)state;
    make(&anchor, head);
    assert_int_equal(anchor.extent[0].offset, 65536);
    assert_int_equal(anchor.extent[1].offset, 0);
    assert_int_equal(anchor.extent[2].offset, 2 << 20);
    assert_int_equal(anchor.extent[3].offset, (2 << 20) + 37 * 65536);
    assert_int_equal(anchor.table_units, 1 + 0 + 37 + 2);
    assert_int_equal(anchor.extent[3].first_unit, 38);
    assert_int_equal(anchor.file_bytes, anchor.extent[3].offset + 2 * 65536);
    assert_int_equal(anchor.table_offset, 4096 + 1024);
    assert_null(store_anchor_decode(&read, head, uuid, 77, anchor.file_bytes));
    anchor.hash = read.hash; /* told by what was read alone */
    assert_memory_equal(&read, &anchor, sizeof(read));
    assert_non_null(store_anchor_decode(&read, head, uuid, 78, anchor.file_bytes));
    assert_non_null(store_anchor_decode(&read, head, uuid, 77, anchor.file_bytes - 1));
    assert_non_null(store_anchor_decode(&read, head, (const uint8_t *)"another uuid....", 77, anchor.file_bytes));
    for (size_t at = 0; at < sizeof(head); at += 3) {
        head[at] ^= 32;
        assert_non_null(store_anchor_decode(&read, head, uuid, 77, anchor.file_bytes));
        head[at] ^= 32;
    }
}

/* A head whose checksum is right may still be somebody's invention: nothing in it is followed unless it fits. */
static void test_invented(void **state)
{
    static const size_t at[] = {8, 12, 32, 40, 48, 64, 72, 112, 128 + 15, 128 + 16, 128 + 24, 128 + 32, 128 + 48 + 16, 128 + 96 + 15, 128 + 96 + 19,
                                128 + 4 * 48};
    uint8_t head[STORE_ANCHOR_HEAD_BYTES];
    struct store_anchor anchor, read;

    (void)state;
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        make(&anchor, head);
        head[at[i]] ^= 0x81;
        store_put64(head, 4088, base_hash64(head, 4088));
        assert_non_null(store_anchor_decode(&read, head, uuid, 77, anchor.file_bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layout), cmocka_unit_test(test_invented)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
