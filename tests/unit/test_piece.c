/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/anchor.h"
#include "store/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ITEMS = 40000, RUN_BYTES = ITEMS * 8 };

static struct support_live live;

static int set_up(void **state)
{
    (void)state;
    support_live_start(&live, STORE_FULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_live_finish(&live);
    return 0;
}

static void test_head(void **state)
{
    static const size_t at[] = {8, 12, 72, 4080};
    uint8_t head[STORE_PIECE_HEAD_BYTES];
    struct store_piece piece = {.number = 9, .file_bytes = 1 << 20, .row_bytes = 70000, .version = 4, .time_ns = -5}, read;

    (void)state;
    store_piece_encode(head, &piece, live.store->super.uuid);
    assert_null(store_piece_decode(&read, head, live.store->super.uuid, 9, 1 << 20));
    assert_memory_equal(&read, &piece, sizeof(read));
    assert_non_null(store_piece_decode(&read, head, live.store->super.uuid, 8, 1 << 20));
    assert_non_null(store_piece_decode(&read, head, live.store->super.uuid, 9, (1 << 20) - 1));
    assert_non_null(store_piece_decode(&read, head, (const uint8_t *)"another uuid....", 9, 1 << 20));
    for (size_t i = 0; i < sizeof(head); i += 3) {
        head[i] ^= 32;
        assert_non_null(store_piece_decode(&read, head, live.store->super.uuid, 9, 1 << 20));
        head[i] ^= 32;
    }
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        head[at[i]] ^= 1;
        store_put64(head, 4088, base_hash64(head, 4088));
        assert_non_null(store_piece_decode(&read, head, live.store->super.uuid, 9, 1 << 20));
        head[at[i]] ^= 1;
    }
}

/* An anchor file of one array, in one piece; the side table is wrong, which is nobody's business here. */
static void make_anchor(struct store_anchor *anchor, uint64_t version, const struct store_piece *piece)
{
    struct index_image image = {.arrays = 1};
    uint8_t head[STORE_ANCHOR_HEAD_BYTES];
    char name[STORE_FILE_NAME_BYTES + 8];
    uint8_t *file;

    image.array[0] = (struct index_image_array){.id = 1, .item_bytes = 8, .items = ITEMS};
    store_anchor_layout(anchor, version, &image, 0, 1);
    anchor->piece[0].number = piece->number;
    anchor->piece[0].hash = piece->hash;
    anchor->pieces = anchor->runs = anchor->extent[0].runs = 1;
    anchor->run[0] = (struct store_run){0, 0, 65536, RUN_BYTES};
    store_anchor_encode(head, anchor, live.store->super.uuid);
    file = calloc(1, anchor->file_bytes);
    assert_non_null(file);
    memcpy(file, head, sizeof(head));
    snprintf(name, sizeof(name), "data/A%016llx", (unsigned long long)version);
    support_file_write(&live.s, name, file, anchor->file_bytes);
    free(file);
}

static void make_piece(struct store_piece *piece, uint64_t number, uint64_t bytes)
{
    char name[STORE_FILE_NAME_BYTES + 8];
    uint8_t *file = calloc(1, bytes);

    assert_non_null(file);
    *piece = (struct store_piece){.number = number, .file_bytes = bytes, .row_bytes = RUN_BYTES, .version = number};
    store_piece_encode(file, piece, live.store->super.uuid);
    snprintf(name, sizeof(name), "data/P%016llx", (unsigned long long)number);
    support_file_write(&live.s, name, file, bytes);
    free(file);
}

static int open_once(const struct store_anchor *anchor, const char *wrong)
{
    struct store_pieces pieces;
    struct pcct_error err = {0, ""};
    int status = store_pieces_open(&pieces, &live.store->folder, anchor, &err);

    assert_int_equal(pieces.n, status == 0 ? anchor->pieces : 0);
    store_pieces_close(&pieces);
    if (wrong) assert_non_null(strstr(err.message, wrong));
    return status;
}

/* What an anchor names is there, is what it was, and is long enough. */
static void test_open(void **state)
{
    static const char name[] = "data/P0000000000000003";
    struct store_anchor anchor;
    struct store_piece piece, other;
    size_t bytes;
    uint8_t *file;

    (void)state;
    make_piece(&piece, 3, 65536 + 5 * 65536);
    make_anchor(&anchor, 2, &piece);
    assert_int_equal(open_once(&anchor, NULL), 0);
    anchor.run[0].offset += 65536;
    assert_int_equal(open_once(&anchor, "P0000000000000003 is damaged: it ends too early"), PCCT_E_DAMAGED);
    anchor.run[0].offset -= 65536;
    anchor.piece[0].hash++;
    assert_int_equal(open_once(&anchor, "another than its anchor"), PCCT_E_DAMAGED);
    anchor.piece[0].hash--;
    file = support_file_read(&bytes, &live.s, name);
    support_file_write(&live.s, name, file, bytes - 1);
    assert_int_equal(open_once(&anchor, "cut off"), PCCT_E_DAMAGED);
    support_file_write(&live.s, name, file, 100);
    assert_int_equal(open_once(&anchor, "cut off"), PCCT_E_DAMAGED);
    make_piece(&other, 3, 65536 + 6 * 65536);
    assert_int_equal(open_once(&anchor, "another than its anchor"), PCCT_E_DAMAGED);
    anchor.piece[1].number = 77;
    anchor.pieces = 2;
    support_file_write(&live.s, name, file, bytes);
    assert_int_equal(open_once(&anchor, "P000000000000004d is missing"), PCCT_E_DAMAGED);
    free(file);
}

static int is_there(unsigned number)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/data/P%016x", live.s.path, number);
    return access(path, F_OK) == 0;
}

/* Pieces go that no anchor names; while the head of one cannot be made out, none goes. */
static void test_sweep(void **state)
{
    struct store_anchor anchor;
    struct store_piece piece;
    struct base_vector idle = {.item_bytes = sizeof(uint64_t)};
    struct pcct_error err = {0, ""};
    uint64_t newest = 0;
    size_t bytes;
    uint8_t *file;

    (void)state;
    for (unsigned i = 1; i <= 5; i++) make_piece(&piece, i, 65536 + 5 * 65536);
    make_piece(&piece, 2, 65536 + 5 * 65536);
    make_anchor(&anchor, 6, &piece);
    make_piece(&piece, 4, 65536 + 5 * 65536);
    make_anchor(&anchor, 11, &piece);
    support_file_write(&live.s, "data/P5", "somebody's", 10);
    support_file_write(&live.s, "data/A0000000000000010", "no anchor", 9);
    support_ok(store_pieces_idle(&idle, &newest, &live.store->folder, &err), &err);
    assert_true(idle.count == 0 && newest == 5);
    support_ok(store_pieces_sweep(&live.store->folder, &err), &err);
    for (unsigned i = 1; i <= 5; i++) assert_true(is_there(i));
    assert_int_equal(base_os_unlink(&live.support.os, live.store->folder.data, "A0000000000000010"), 0);
    file = support_file_read(&bytes, &live.s, "data/A0000000000000006");
    file[100] ^= 1;
    support_file_write(&live.s, "data/A0000000000000006", file, bytes);
    support_ok(store_pieces_sweep(&live.store->folder, &err), &err);
    for (unsigned i = 1; i <= 5; i++) assert_true(is_there(i));
    file[100] ^= 1;
    support_file_write(&live.s, "data/A0000000000000006", file, bytes);
    support_ok(store_pieces_sweep(&live.store->folder, &err), &err);
    for (unsigned i = 1; i <= 5; i++) assert_int_equal(is_there(i), i == 2 || i == 4);
    assert_int_equal(base_os_unlink(&live.support.os, live.store->folder.data, "A0000000000000006"), 0);
    support_ok(store_pieces_sweep(&live.store->folder, &err), &err);
    for (unsigned i = 1; i <= 5; i++) assert_int_equal(is_there(i), i == 4);
    base_vector_free(&idle, &live.support.env);
    free(file);
}

/* A call that fails, or memory, keeps all. The folder is on the disk before anything goes. */
static void test_failures(void **state)
{
    struct store_anchor anchor;
    struct store_piece piece;
    struct pcct_error err;
    uint64_t syncs;

    (void)state;
    make_piece(&piece, 1, 65536 + 5 * 65536);
    make_anchor(&anchor, 1, &piece);
    for (int kind = 0; kind < 2; kind++) {
        int status = -1;

        for (uint64_t n = 1; status != 0; n++) {
            make_piece(&piece, 2, 65536 + 5 * 65536);
            if (kind == 0) {
                live.support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_CLOSE) & ~(UINT64_C(1) << BASE_OS_UNLINK);
                live.support.os.counted = 0;
                live.support.os.fail_at = n;
                live.support.os.fail_errno = EIO;
            } else support_env_fail(&live.support, n);
            syncs = live.support.os.calls[BASE_OS_FSYNC];
            status = store_pieces_sweep(&live.store->folder, &err);
            live.support.os.fail_mask = 0;
            support_env_fail(&live.support, 0);
            assert_true(status == 0 || status == (kind == 0 ? PCCT_E_IO : PCCT_E_MEMORY));
            assert_true(is_there(1));
            assert_true(is_there(2) || live.support.os.calls[BASE_OS_FSYNC] == syncs + 1);
            if (status != 0) assert_true(is_there(2));
            else if (is_there(2)) status = -1; /* an anchor could not be read: nothing goes */
        }
        assert_false(is_there(2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_head, set_up, tear_down), cmocka_unit_test_setup_teardown(test_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sweep, set_up, tear_down), cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
