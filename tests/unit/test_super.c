/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"
#include "store/super.h"

#include <stdlib.h>
#include <string.h>

static struct support_env support;
static struct support_store s;
static struct store_folder folder;

static int set_up(void **state)
{
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_folder_open(&folder, s.path, 0, &support.env, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_folder_close(&folder);
    support_store_finish(&s);
    support_env_finish(&support);
    return 0;
}

static void test_round_trip(void **state)
{
    const struct store_super written = {.uuid = {1, 2, 3, 255},
                                        .format = 1,
                                        .dim = 4096,
                                        .metric = 2,
                                        .dtype = 1,
                                        .seed = UINT64_C(0x123456789abcdef0),
                                        .read_only_compatible = 8,
                                        .created_ns = -5};
    struct store_super read;
    struct pcct_error err;
    unsigned damaged = 9;

    (void)state;
    support_ok(store_super_write(&folder, &written, &err), &err);
    support_ok(store_super_read(&read, &damaged, &folder, &err), &err);
    assert_int_equal(damaged, 0);
    assert_memory_equal(&read, &written, sizeof(read));
}

/* Each copy alone suffices, wherever the other is hit; with both hit it is damage. */
static void test_copies(void **state)
{
    struct store_super read;
    struct pcct_error err;
    unsigned damaged;
    size_t bytes;
    uint8_t *file = support_file_read(&bytes, &s, "SUPER");

    (void)state;
    assert_int_equal(bytes, 8192);
    for (size_t at = 0; at < 8192; at += 31) {
        file[at] ^= 64;
        support_file_write(&s, "SUPER", file, bytes);
        support_ok(store_super_read(&read, &damaged, &folder, &err), &err);
        assert_int_equal(damaged, at < 4096 ? 1 : 2);
        assert_int_equal(read.dim, 3);
        file[(at + 4096) % 8192] ^= 1;
        support_file_write(&s, "SUPER", file, bytes);
        /* without a magic anywhere it does not even look like one */
        assert_int_equal(store_super_read(&read, &damaged, &folder, &err), at % 4096 < 8 ? PCCT_E_NOT_A_STORE : PCCT_E_DAMAGED);
        assert_non_null(strstr(err.message, "SUPER"));
        file[(at + 4096) % 8192] ^= 1;
        file[at] ^= 64;
    }
    support_file_write(&s, "SUPER", file, 4096 + 100);
    support_ok(store_super_read(&read, &damaged, &folder, &err), &err);
    assert_int_equal(damaged, 2);
    support_file_write(&s, "SUPER", file, 5);
    assert_int_equal(store_super_read(&read, &damaged, &folder, &err), PCCT_E_NOT_A_STORE);
    free(file);
}

/* The name of a custom metric goes with its feature, and nothing stands behind it. */
static void test_custom(void **state)
{
    static const struct {
        uint64_t incompatible;
        char custom[32];
        int status;
    } cases[] = {
        {STORE_FEATURE_CUSTOM, "words", 0}, {STORE_FEATURE_CUSTOM, "abcdefghijklmnopqrstuvwxyz01234", 0}, {STORE_FEATURE_CUSTOM, "", PCCT_E_DAMAGED},
        {0, "words", PCCT_E_DAMAGED}, {STORE_FEATURE_CUSTOM, "words\0x", PCCT_E_DAMAGED}, {STORE_FEATURE_CUSTOM | 4, "words", PCCT_E_FORMAT},
        {STORE_FEATURE_CUSTOM | STORE_FEATURE_PIECES, "words", 0}, {STORE_FEATURE_PIECES, "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct store_super written = {.format = 1, .dim = 1, .metric = 64, .dtype = 1, .incompatible = cases[i].incompatible}, read;
        struct pcct_error err;
        unsigned damaged;

        memcpy(written.custom, cases[i].custom, sizeof(written.custom));
        support_ok(store_super_write(&folder, &written, &err), &err);
        assert_int_equal(store_super_read(&read, &damaged, &folder, &err), cases[i].status);
        if (cases[i].status == 0) assert_memory_equal(&read, &written, sizeof(read));
    }
}

/* What a later pcct writes is refused by name, not called damage. */
static void test_newer(void **state)
{
    static const size_t at[] = {8, 64};
    struct store_super read;
    struct pcct_error err;
    unsigned damaged;
    size_t bytes;
    uint8_t *file = support_file_read(&bytes, &s, "SUPER");

    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t *copy = malloc(bytes);

        memcpy(copy, file, bytes);
        for (size_t half = 0; half < bytes; half += 4096) {
            store_put32(copy + half, at[i], 4);
            store_put64(copy + half, 4088, base_hash64(copy + half, 4088));
        }
        support_file_write(&s, "SUPER", copy, bytes);
        assert_int_equal(store_super_read(&read, &damaged, &folder, &err), PCCT_E_FORMAT);
        assert_non_null(strstr(err.message, "newer pcct"));
        free(copy);
    }
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down), cmocka_unit_test_setup_teardown(test_copies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_newer, set_up, tear_down), cmocka_unit_test_setup_teardown(test_custom, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
