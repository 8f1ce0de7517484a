/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/salvage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 3000 };

static struct support_env support;
static struct support_store s;
static char scratch[300];

/* Ten versions, of which the first five were pruned and rest on nothing but an anchor of v5 if `pruned`. */
static void start(int pruned)
{
    struct store *store = NULL;
    struct pcct_error err;

    support_env_start(&support, 1);
    support_store_start(&s, &support);
    snprintf(scratch, sizeof(scratch), "%s/scratch", s.folder);
    assert_int_equal(mkdir(scratch, 0700), 0);
    support_ok(store_open(&store, s.path, &support.env, &err), &err);
    support_commit(store, 10, BYTES);
    if (pruned) {
        struct store_prune prune = {.keep_last = 5};

        support_anchor(store, 5);
        support_ok(store_lock(store, 1, &err), &err);
        support_ok(store_prune(&prune, store, &err), &err);
        store_unlock(store);
        support_commit(store, 2, BYTES);
    }
    store_close(store);
}

static void finish(void)
{
    support_store_finish(&s);
    support_env_finish(&support);
}

static void lose(const char *name)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/%s", s.path, name);
    assert_int_equal(unlink(path), 0);
}

static int entries(const char *path)
{
    DIR *folder = opendir(path);
    int n = 0;

    assert_non_null(folder);
    while (readdir(folder)) n++;
    closedir(folder);
    return n - 2;
}

/* What is found: n versions, first to last, each readable from the files of the damaged store. */
static void expect(uint64_t first, uint64_t last, const struct store_super *given, struct pcct_error *err)
{
    struct store_salvage salvage = {.report = NULL};
    struct store_super super = given ? *given : (struct store_super){.dim = 0};
    struct store *store = NULL;
    uint64_t head = 0;

    support_ok(store_salvage_begin(&store, &salvage, &super, s.path, scratch, &support.env, err), err);
    assert_true(super.dim == 3 && super.metric == 1 && super.seed == 42);
    assert_int_equal(salvage.sound.count, last - first + 1);
    for (uint64_t v = first; v <= last; v++) {
        assert_int_equal(((uint64_t *)salvage.sound.memory.data)[v - first], v);
        support_ok(support_check(store, v, BYTES, err), err);
    }
    support_ok(store_head(&head, store, "main", err), err);
    assert_int_equal(head, last);
    assert_int_equal(store_lock(store, 0, err), PCCT_E_PERMISSION);
    store_salvage_end(store, &salvage, scratch, &support.env);
    assert_int_equal(entries(scratch), 0);
}

static void test_whole(void **state)
{
    struct pcct_error err;
    int files;

    (void)state;
    start(0);
    files = entries(s.path);
    expect(1, 10, NULL, &err);
    assert_int_equal(entries(s.path), files); /* nothing was made there */
    lose("catalogue.mdb");
    lose("LOCK");
    expect(1, 10, NULL, &err);
    finish();
}

/* Without SUPER: what is given, where there is no anchor; nothing given is told. */
static void test_no_super(void **state)
{
    const struct store_super given = {.dim = 3, .metric = 1, .dtype = 1, .seed = 42};
    struct store_salvage salvage = {.report = NULL};
    struct store_super super = {.dim = 0};
    struct store *store = NULL;
    struct pcct_error err;

    (void)state;
    start(0);
    lose("SUPER");
    assert_int_equal(store_salvage_begin(&store, &salvage, &super, s.path, scratch, &support.env, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "give them"));
    assert_null(store);
    store_salvage_end(store, &salvage, scratch, &support.env);
    expect(1, 10, &given, &err);
    lose("journal/J00000001");
    assert_int_equal(store_salvage_begin(&store, &salvage, &super, s.path, scratch, &support.env, &err), PCCT_E_DAMAGED);
    assert_non_null(strstr(err.message, "nothing is left"));
    store_salvage_end(store, &salvage, scratch, &support.env);
    finish();
}

/* Pruned versions are not offered, but what rests on their anchor is; without it, nothing is whole. */
static void test_pruned(void **state)
{
    struct store_salvage salvage = {.report = NULL};
    struct store_super super = {.dim = 0};
    struct store *store = NULL;
    struct pcct_error err;

    (void)state;
    start(1);
    lose("catalogue.mdb");
    expect(6, 12, NULL, &err);
    lose("data/A0000000000000005");
    support_ok(store_salvage_begin(&store, &salvage, &super, s.path, scratch, &support.env, &err), &err);
    assert_int_equal(salvage.sound.count, 0);
    assert_true(salvage.newest == 12 && salvage.versions == 7);
    store_salvage_end(store, &salvage, scratch, &support.env);
    finish();
}

static int begin(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct store_salvage salvage = {.report = NULL};
    struct store_super super = {.dim = 0};
    struct store *store = NULL;
    int status = store_salvage_begin(&store, &salvage, &super, s.path, scratch, env, err);

    (void)ctx;
    store_salvage_end(store, &salvage, scratch, env);
    return status;
}

static void test_no_memory(void **state)
{
    (void)state;
    start(1);
    assert_true(support_fail_each(&support, begin, NULL) > 5);
    finish();
}

/* A system call fails: an error in words, or what it is about is told as lost; nothing is left behind. */
static void test_failures(void **state)
{
    int more = 1;

    (void)state;
    start(1);
    for (uint64_t n = 1; more; n++) {
        struct pcct_error err = {0, ""};
        int status;

        support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_CLOSE | UINT64_C(1) << BASE_OS_UNLINK);
        support.os.counted = 0;
        support.os.fail_at = n;
        support.os.fail_errno = EIO;
        {
            struct store_salvage salvage = {.report = NULL};
            struct store_super super = {.dim = 3, .metric = 1, .seed = 42};
            struct store *store = NULL;

            status = store_salvage_begin(&store, &salvage, &super, s.path, scratch, &support.env, &err);
            more = support.os.counted >= n;
            support.os.fail_mask = 0;
            store_salvage_end(store, &salvage, scratch, &support.env);
        }
        if (status != 0) assert_true(strlen(err.message) > 0);
        assert_int_equal(entries(scratch), 0);
    }
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_no_super), cmocka_unit_test(test_pruned),
                                       cmocka_unit_test(test_no_memory), cmocka_unit_test(test_failures)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
