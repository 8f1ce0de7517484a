/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"
#include "store/guard.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096 };

static struct support_env support;
static struct support_store s;
static struct store_folder folder;
static uint8_t *file;
static size_t bytes;

static int set_up(void **state)
{
    struct store *store = NULL;
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 1);
    support_store_start(&s, &support);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 200, 10);
    store_close(store);
    support_ok(store_folder_open(&folder, s.path, 0, &support.env, &err), &err);
    file = support_file_read(&bytes, &s, "catalogue.mdb");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(file);
    store_folder_close(&folder);
    support_store_finish(&s);
    support_env_finish(&support);
    return 0;
}

static uint64_t newest(void)
{
    uint64_t a = store_get64(file, 144), b = store_get64(file, PAGE + 144);

    return a > b ? a : b;
}

static int look(size_t left, struct pcct_error *err)
{
    int status, fd, checked = 0;

    support_file_write(&s, "catalogue.mdb", file, left);
    fd = openat(folder.top, "catalogue.mdb", O_RDONLY);
    status = store_guard_metas(&folder, fd, left, err);
    if (status == 0) status = store_guard_pages(&checked, &folder, fd, newest(), err);
    if (status == 0) assert_true(checked);
    close(fd);
    return status;
}

static void test_sound(void **state)
{
    struct pcct_error err;
    int checked = 1, fd = openat(folder.top, "catalogue.mdb", O_RDONLY);

    (void)state;
    support_ok(look(bytes, &err), &err);
    support_ok(store_guard_pages(&checked, &folder, fd, newest() + 2, &err), &err);
    assert_false(checked); /* that transaction's meta page is not there */
    close(fd);
}

/* Damage that LMDB would follow: each is found. */
static void test_structure(void **state)
{
    struct pcct_error err;
    size_t found = 0;
    uint8_t *meta = file + newest() % 2 * PAGE;
    uint64_t root = store_get64(meta, 88 + 40), last = store_get64(meta, 136);
    struct { size_t at; uint8_t value;
    } hit[] = {
        {(size_t)(meta - file) + 16, 1},
        {(size_t)(meta - file) + 20, 2},
        {(size_t)(meta - file) + 88 + 40, 1},
        {(size_t)(meta - file) + 88 + 45, 1},
        {(size_t)(meta - file) + 88 + 6, 9},
        {(size_t)(meta - file) + 88 + 32, 77},
        {(size_t)(meta - file) + 144, 99},
        {(size_t)(meta - file) + 41, 0},
        {root * PAGE, (uint8_t)(root + 1)},
        {root * PAGE + 10, 1},
        {root * PAGE + 12, 3},
        {root * PAGE + 17, 0x7f},
    };

    (void)state;
    assert_true(last < bytes / PAGE);
    for (size_t i = 0; i < sizeof(hit) / sizeof(hit[0]); i++) {
        uint8_t was = file[hit[i].at];

        file[hit[i].at] = hit[i].value;
        assert_int_equal(look(bytes, &err), PCCT_E_DAMAGED);
        assert_non_null(strstr(err.message, "catalogue.mdb is damaged"));
        file[hit[i].at] = was;
        found++;
    }
    assert_int_equal(found, 12);
    support_ok(look(bytes, &err), &err);
}

/* Any flip in a page's head or node offsets: an answer, never a crash; cut short: found as soon as a page in use is missing. */
static void test_flips(void **state)
{
    struct pcct_error err;
    size_t found = 0, tried = 0;

    (void)state;
    for (size_t page = 0; page < bytes / PAGE; page++) {
        if (page >= 2 && file[page * PAGE + 10] != 1 && file[page * PAGE + 10] != 2) continue;
        for (size_t at = 0; at < 160; at += 7) {
            uint8_t mask = (uint8_t)(1u << at % 8);

            file[page * PAGE + at] ^= mask;
            found += look(bytes, &err) != 0;
            tried++;
            file[page * PAGE + at] ^= mask;
        }
    }
    assert_true(tried > 200 && found > 40);
    for (size_t left = 0; left < bytes; left += bytes / 40) (void)look(left, &err);
    assert_int_equal(look(PAGE, &err), PCCT_E_DAMAGED);
    assert_int_equal(look(0, &err), PCCT_E_DAMAGED);
    support_ok(look(bytes, &err), &err);
}

static int look_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    (void)ctx;
    (void)env;
    return look(bytes, err);
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(support_fail_each(&support, look_once, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sound), cmocka_unit_test(test_structure), cmocka_unit_test(test_flips),
                                       cmocka_unit_test(test_no_memory)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
