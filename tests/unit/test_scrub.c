/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/scrub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 30000, VERSIONS = 20 };

static struct support_live live;

static int set_up(void **state)
{
    (void)state;
    support_live_start(&live, STORE_FULL);
    support_commit(live.store, VERSIONS, BYTES);
    support_anchor(live.store, 10);
    support_anchor(live.store, 15);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_live_finish(&live);
    return 0;
}

static void flip(const char *name, size_t at)
{
    size_t bytes = 0;
    uint8_t *data = support_file_read(&bytes, &live.s, name);

    assert_true(at < bytes);
    data[at] ^= 2;
    support_file_write(&live.s, name, data, bytes);
    free(data);
}

static int listed(uint64_t version)
{
    struct store_txn txn = {0};
    struct pcct_error err;
    int is = 0;

    support_ok(store_txn_begin(&txn, live.store->catalogue, &live.store->folder, 0, &err), &err);
    support_ok(store_anchor_listed(&is, &txn, version, &err), &err);
    store_txn_abort(&txn);
    return is;
}

static void keep_first(void *ctx, int damaged, const char *text)
{
    char *first = ctx;

    if (damaged && !*first) snprintf(first, 256, "%s", text);
}

static struct store_scrub scrub(char *first)
{
    struct store_scrub scrub = {.report = keep_first, .ctx = first};
    struct pcct_error err;

    *first = '\0';
    support_ok(store_scrub(&scrub, live.store, &err), &err);
    return scrub;
}

static void test_sound(void **state)
{
    struct store_scrub done;
    char first[256];

    (void)state;
    done = scrub(first);
    assert_string_equal(first, "");
    assert_true(done.frames == VERSIONS && done.anchors == 2 && done.damaged == 0 && done.dropped.count == 0);
    assert_true(done.bytes > (uint64_t)VERSIONS * BYTES);
}

/* A damaged frame is named and stays; a damaged anchor goes, for the frames are there. */
static void test_damage(void **state)
{
    struct store_scrub done;
    struct store_version v;
    struct pcct_error err;
    char first[256];

    (void)state;
    support_ok(store_version(&v, NULL, live.store, 7, &err), &err);
    flip("journal/J00000001", v.offset + 5000);
    done = scrub(first);
    assert_non_null(strstr(first, "v7: "));
    assert_int_equal(done.damaged, 1);
    flip("journal/J00000001", v.offset + 5000);
    flip("data/A000000000000000a", 150000);
    done = scrub(first);
    assert_non_null(strstr(first, "A000000000000000a"));
    assert_int_equal(done.damaged, 0);
    assert_int_equal(done.dropped.count, 1);
    assert_int_equal(*(uint64_t *)done.dropped.memory.data, 10);
    base_vector_free(&done.dropped, &live.support.env);
    assert_true(!listed(10) && listed(15));
    done = scrub(first);
    assert_string_equal(first, "");
    assert_true(done.anchors == 1 && done.dropped.count == 0);
}

/* One that is all there is of a state stays, damaged as it is. */
static void test_sole(void **state)
{
    struct store_prune prune = {.keep_last = 8};
    struct store_scrub done;
    struct pcct_error err;
    char first[256];
    int dropped = 1;

    (void)state;
    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_prune(&prune, live.store, &err), &err);
    store_unlock(live.store);
    flip("data/A000000000000000a", 150000);
    done = scrub(first);
    assert_true(done.damaged == 1 && done.dropped.count == 0 && done.anchors == 2);
    assert_true(listed(10));
    support_ok(store_anchor_drop(&dropped, live.store, 10, &err), &err);
    assert_true(!dropped && listed(10));
    support_ok(store_anchor_drop(&dropped, live.store, 12, &err), &err);
    assert_false(dropped);
    support_anchor(live.store, 13); /* the oldest that can be named: when it is pruned behind it, its own frame has nothing to be applied to */
    prune.keep_last = 8;
    support_ok(store_lock(live.store, 1, &err), &err);
    support_ok(store_prune(&prune, live.store, &err), &err);
    store_unlock(live.store);
    assert_int_equal(prune.removed, 3);
    support_ok(store_anchor_drop(&dropped, live.store, 13, &err), &err);
    assert_true(!dropped && listed(13));
    support_ok(store_anchor_drop(&dropped, live.store, 15, &err), &err);
    assert_true(dropped && !listed(15));
}

/* ---- how fast ----------------------------------------------------------------------------------------------------------------------------- */

static uint64_t now_ns;

static uint64_t tick(void *ctx)
{
    (void)ctx;
    return now_ns += 2 * 1000 * 1000;
}

static int stop(void *ctx, double done)
{
    (void)done;
    return --*(int *)ctx == 0;
}

/* By a clock of its own: so many bytes take so long at least. */
static void test_rate(void **state)
{
    struct store_scrub paced = {.rate = 20 << 20};
    struct pcct_error err;
    int steps = 5;

    (void)state;
    live.support.os.ticks = tick;
    now_ns = 0;
    support_ok(store_scrub(&paced, live.store, &err), &err);
    assert_true((double)now_ns * 1e-9 >= (double)paced.bytes / (double)paced.rate);
    assert_true((double)now_ns * 1e-9 < (double)paced.bytes / (double)paced.rate + 0.05);
    paced = (struct store_scrub){.progress = stop, .ctx = &steps};
    assert_int_equal(store_scrub(&paced, live.store, &err), PCCT_E_CANCELLED);
    assert_int_equal(paced.frames, 5);
    live.support.os.ticks = NULL;
}

/* What is read in one go, and how the clock stands still or goes on at once. */
struct course {
    uint64_t all_bytes;
    double before, most_bytes;
    int steps, stall_at;
};

static int follow(void *ctx, double done)
{
    struct course *c = ctx;
    const double bytes = (done - c->before) * (double)c->all_bytes;

    c->before = done;
    if (bytes > c->most_bytes) c->most_bytes = bytes;
    if (++c->steps == c->stall_at) now_ns += UINT64_C(10000000000);
    return 0;
}

/* Never much at once: a large anchor is read in parts, and what a machine that stood still has not read is not made up for. */
static void test_even(void **state)
{
    struct store_scrub paced = {.rate = 20 << 20, .progress = follow};
    struct course course = {.stall_at = 5};
    struct store_sizes sizes;
    struct index_image image;
    struct base_vector head;
    struct pcct_error err;
    uint64_t written = 0;

    (void)state;
    support_image(&image, &head, &live.support.env, VERSIONS, 1);
    support_ok(store_anchor_write(&written, live.store, VERSIONS, &image, head.memory.data, head.count, 0, &err), &err);
    support_image_free(&image, &head, &live.support.env);
    assert_true(written > 3 << 20);
    support_ok(store_sizes(&sizes, live.store, &err), &err);
    course.all_bytes = sizes.journal_bytes + sizes.anchor_bytes;
    paced.ctx = &course;
    live.support.os.ticks = tick;
    now_ns = 0;
    support_ok(store_scrub(&paced, live.store, &err), &err);
    live.support.os.ticks = NULL;
    assert_true(course.most_bytes > 500000 && course.most_bytes < 1.1 * (1 << 20));
    assert_true((double)now_ns * 1e-9 > 10 + (double)(paced.bytes - 5 * (BYTES + 1000)) / (double)paced.rate - 0.11);
    assert_true((double)now_ns * 1e-9 < 10 + (double)paced.bytes / (double)paced.rate + 0.05);
}

static int scrub_once(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct store_scrub done = {.rate = 0};
    int status = store_scrub(&done, live.store, err);

    (void)ctx;
    base_vector_free(&done.dropped, env);
    return status;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_true(support_fail_each(&live.support, scrub_once, NULL) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sound, set_up, tear_down), cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sole, set_up, tear_down), cmocka_unit_test_setup_teardown(test_rate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_even, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
