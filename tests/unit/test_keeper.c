/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include "api/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 20000 };

static uint64_t anchors(struct support_api *s)
{
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };

    support_ok(pcct_store_describe(&info, s->store, &err), &err);
    return info.anchors;
}

static uint64_t commit_many(struct support_api *s, size_t n, uint64_t seed, uint64_t *anchor_bytes)
{
    struct pcct_batch_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    double *points = malloc(2 * n * sizeof *points);
    pcct_batch *batch = NULL;
    uint64_t version = 0;

    support_points(points, n, 2, SUPPORT_UNIFORM, seed);
    support_ok(pcct_batch_begin(&batch, s->store, "main", NULL, &err), &err);
    support_ok(pcct_batch_insert(batch, points, n, NULL, &err), &err);
    support_ok(pcct_batch_commit(&version, batch, NULL, &err), &err);
    assert_int_equal(pcct_batch_describe(&result, batch), 0);
    *anchor_bytes = result.anchor_bytes;
    pcct_batch_close(batch);
    free(points);
    return version;
}

static uint64_t redo_frames(struct support_api *s, uint64_t version)
{
    struct store_version record;
    struct pcct_error err = { 0, "" };

    support_ok(store_version(&record, NULL, s->store->store, version, &err), &err);
    return record.redo_frames;
}

/* An anchor is promised, written beside what goes on, and listed; as many bytes as were promised. */
static void anchors_are_written_in_the_background(void **state)
{
    struct support_api s;
    struct stat about;
    uint64_t promised = 0, none = 1, v;
    char path[4200];

    (void)state;
    support_api_start(&s, "euclidean");
    v = commit_many(&s, MANY, 1, &promised);
    assert_true(promised > MANY * 16);
    for (int i = 0; i < 3; i++) commit_many(&s, 5, 9, &none); /* versions that come before it is listed, perhaps */
    api_keeper_wait(s.store);
    assert_int_equal(none, 0);
    assert_int_equal(anchors(&s), 1);
    for (uint64_t i = 0; i < 4; i++) assert_int_equal(redo_frames(&s, v + i), i);
    snprintf(path, sizeof path, "%s/data/A%016x", s.path, 1);
    assert_int_equal(stat(path, &about), 0);
    assert_true((uint64_t)about.st_size >= promised);
    support_api_finish(&s);
}

/* Closing the store finishes what was begun. */
static void closing_waits_for_it(void **state)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct support_api s;
    uint64_t promised = 0;
    pcct_view *view = NULL;

    (void)state;
    support_api_start(&s, "euclidean");
    commit_many(&s, MANY, 1, &promised);
    pcct_store_close(s.store);
    options.allocator = &s.env.env.memory;
    support_ok(pcct_store_open(&s.store, s.path, &options, &err), &err);
    assert_int_equal(anchors(&s), 1);
    support_ok(pcct_view_open(&view, s.store, "main", &err), &err);
    assert_int_equal(view->anchor, 1);
    assert_int_equal(view->frames, 0);
    pcct_view_close(view);
    support_api_finish(&s);
}

/* That an anchor cannot be written is nobody's failure, and the next commit that is due has one written. */
static void a_failure_loses_nothing(void **state)
{
    struct support_api s;
    struct index_state opened;
    struct pcct_error err = { 0, "" };
    uint64_t promised = 0;
    char path[4200];

    (void)state;
    support_api_start(&s, "euclidean");
    snprintf(path, sizeof path, "%s/data/A%016x.new", s.path, 1);
    assert_int_equal(mkdir(path, 0700), 0); /* in its way */
    commit_many(&s, MANY, 1, &promised);
    assert_true(promised > 0);
    api_keeper_wait(s.store);
    assert_int_equal(anchors(&s), 0);
    support_ok(api_state_open(&opened, NULL, NULL, s.store, &s.store->env, 1, &err), &err);
    assert_int_equal(opened.n_live, MANY);
    index_free(&opened);
    commit_many(&s, 5, 2, &promised);
    assert_true(promised > 0);
    api_keeper_wait(s.store);
    assert_int_equal(anchors(&s), 1);
    assert_int_equal(redo_frames(&s, 2), 0);
    assert_int_equal(rmdir(path), 0);
    support_api_finish(&s);
}

/* Who writes an anchor has the maintenance lock: another's commit is told that it has none, and is done all the same. */
static void one_at_a_time(void **state)
{
    struct support_api s;
    struct store *other = NULL;
    struct pcct_error err = { 0, "" };
    struct base_vector head = { .item_bytes = 1 };
    struct index_image image = { 0 };
    uint64_t promised = 0, written = 0;
    char path[4200];
    int fd;

    (void)state;
    support_api_start(&s, "euclidean");
    support_ok(store_open(&other, s.path, &s.env.env, &err), &err);
    snprintf(path, sizeof path, "%s/LOCK", s.path);
    fd = base_os_open(&s.env.os, -100, path, 2, 0);
    assert_int_equal(base_os_lock(&s.env.os, fd, 1, 1, 0), 0);
    commit_many(&s, MANY, 1, &promised);
    api_keeper_wait(s.store);
    assert_int_equal(anchors(&s), 0);
    support_ok(index_image_of(&image, &head, support_api_head(&s), &err), &err);
    assert_int_equal(store_anchor_write(&written, other, 1, &image, head.memory.data, head.count, 0, &err), PCCT_E_BUSY);
    assert_int_equal(base_os_close(&s.env.os, fd), 0);
    support_ok(store_anchor_write(&written, other, 1, &image, head.memory.data, head.count, 0, &err), &err);
    assert_true(written == promised + 4096); /* the head of a piece */
    assert_int_equal(anchors(&s), 1);
    base_vector_free(&head, &s.store->env);
    store_close(other);
    support_api_finish(&s);
}

static int count(void *ctx, const struct pcct_usage *usage)
{
    (void)usage;
    ++*(uint64_t *)ctx;
    return 0;
}

static uint64_t versions(struct support_api *s)
{
    struct pcct_error err = { 0, "" };
    uint64_t n = 0;

    support_ok(pcct_usage_each(s->store, count, &n, &err), &err);
    return n;
}

/* Versions are pruned behind those who commit, who let the keeper have the lock, without waiting for another writer if they are not to. */
static void the_policy_is_followed(void **state)
{
    struct pcct_policy policy = PCCT_POLICY_INIT;
    struct pcct_ref_options at_once = PCCT_REF_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct support_api s;
    uint64_t none = 0;
    char path[4200];
    int fd, status;

    (void)state;
    support_api_start(&s, "euclidean");
    for (int i = 0; i < 10; i++) commit_many(&s, 3, 9, &none);
    assert_int_equal(pcct_policy_get(&policy, s.store, &err), 0);
    assert_int_equal(policy.keep_last, 0);
    policy.age_ns = -1;
    assert_int_equal(pcct_policy_set(s.store, &policy, &err), PCCT_E_INVALID);
    policy.age_ns = 0;
    policy.keep_last = 4;
    support_ok(pcct_policy_set(s.store, &policy, &err), &err);
    commit_many(&s, 3, 9, &none);
    api_keeper_wait(s.store);
    assert_int_equal(versions(&s), 4);
    for (int i = 0; i < 64; i++) commit_many(&s, 3, 9, &none); /* not yet again */
    api_keeper_wait(s.store);
    assert_int_equal(versions(&s), 68);
    commit_many(&s, 3, 9, &none);
    api_keeper_wait(s.store);
    assert_int_equal(versions(&s), 4);
    /* another writes: the keeper waits, and who is not to wait is told so */
    snprintf(path, sizeof path, "%s/LOCK", s.path);
    fd = base_os_open(&s.env.os, -100, path, 2, 0);
    for (int i = 0; i < 9; i++) commit_many(&s, 3, 9, &none);
    assert_int_equal(base_os_lock(&s.env.os, fd, 0, 1, 0), 0);
    pthread_mutex_lock(&s.store->keeper.mutex);
    s.store->keeper.prune = 1;
    pthread_cond_broadcast(&s.store->keeper.changed);
    while (s.store->keeper.at != API_KEEPER_WAITS) pthread_cond_wait(&s.store->keeper.changed, &s.store->keeper.mutex);
    pthread_mutex_unlock(&s.store->keeper.mutex);
    at_once.no_wait = 1;
    assert_int_equal(pcct_branch_create(s.store, "other", "main", &at_once, &err), PCCT_E_BUSY);
    assert_int_equal(base_os_close(&s.env.os, fd), 0);
    status = pcct_branch_create(s.store, "other", "main", NULL, &err);
    support_ok(status, &err);
    api_keeper_wait(s.store);
    assert_int_equal(versions(&s), 4);
    policy = (struct pcct_policy)PCCT_POLICY_INIT;
    support_ok(pcct_policy_set(s.store, NULL, &err), &err);
    assert_int_equal(pcct_policy_get(&policy, s.store, &err), 0);
    assert_int_equal(policy.keep_last, 0);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_are_written_in_the_background), cmocka_unit_test(closing_waits_for_it), cmocka_unit_test(a_failure_loses_nothing),
        cmocka_unit_test(one_at_a_time), cmocka_unit_test(the_policy_is_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
