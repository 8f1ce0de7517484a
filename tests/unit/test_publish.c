/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/memory.h"
#include "store/publish.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READERS = 3, ROUNDS = 2000 };

/* What is shown: `check` tells whether it may be looked at. */
struct item {
    struct store_shown shown;
    uint64_t value, check;
};

struct scene {
    struct support_env support;
    struct store_publish *publish;
    int stop;       /* atomic */
    uint64_t seen;  /* atomic */
};

static struct item *item_new(struct scene *scene, uint64_t value)
{
    struct item *item = NULL;

    assert_int_equal(base_take(&item, &scene->support.env, 1, sizeof *item, NULL), 0);
    store_shown_start(&item->shown);
    item->value = value;
    item->check = ~value;
    return item;
}

static void item_give(struct scene *scene, struct item *item)
{
    if (!item || !store_shown_give(&item->shown)) return;
    item->check = item->value; /* a reader that still looks finds it out */
    base_free(&scene->support.env, item);
}

static void *look(void *ctx)
{
    struct scene *scene = ctx;
    uint64_t last = 0;

    while (!__atomic_load_n(&scene->stop, __ATOMIC_ACQUIRE)) {
        struct item *item = (struct item *)store_publish_take(scene->publish);

        if (!item) continue;
        if (item->check != ~item->value || item->value < last) return (void *)(uintptr_t)1;
        last = item->value;
        item_give(scene, item);
        __atomic_add_fetch(&scene->seen, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* Readers see what is shown, whole and in order, and what was replaced is theirs as long as they hold it; an item that its
 * shower finds alone after the swap is changed in place and shown again. */
static void show_to_threads(struct scene *scene)
{
    pthread_t thread[READERS];
    struct item *spare = NULL;
    void *wrong = NULL;
    int reused = 0;

    for (int i = 0; i < READERS; i++) assert_int_equal(pthread_create(&thread[i], NULL, look, scene), 0);
    for (uint64_t v = 1; v <= ROUNDS || __atomic_load_n(&scene->seen, __ATOMIC_RELAXED) < ROUNDS; v++) {
        struct item *next = spare, *before;

        if (next && store_shown_alone(&next->shown)) {
            next->check = 0;
            next->value = v;
            next->check = ~v;
            reused++;
        } else {
            item_give(scene, next);
            next = item_new(scene, v);
        }
        before = (struct item *)store_publish_swap(scene->publish, &next->shown);
        assert_true(!before || before->value == v - 1);
        spare = before;
    }
    __atomic_store_n(&scene->stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < READERS; i++) {
        pthread_join(thread[i], &wrong);
        assert_null(wrong);
    }
    assert_true(reused > 0);
    item_give(scene, spare);
    item_give(scene, (struct item *)store_publish_swap(scene->publish, NULL));
    assert_null(store_publish_take(scene->publish));
}

static void start(struct scene *scene)
{
    *scene = (struct scene){ .publish = NULL };
    support_env_start(&scene->support, 1);
    support_ok(store_publish_new(&scene->publish, &scene->support.env, NULL), NULL);
}

static void finish(struct scene *scene)
{
    store_publish_free(scene->publish, &scene->support.env);
}

static void readers_beside_one_who_shows(void **state)
{
    struct scene scene;

    (void)state;
    start(&scene);
    show_to_threads(&scene);
    finish(&scene);
}

/* A child of a process with registered threads does the same by other means. */
static void after_a_fork(void **state)
{
    struct scene scene;
    struct item *item;
    int status = 0;
    pid_t child;

    (void)state;
    start(&scene);
    item_give(&scene, (struct item *)store_publish_swap(scene.publish, &item_new(&scene, 1)->shown));
    item = (struct item *)store_publish_take(scene.publish); /* registers this thread */
    assert_int_equal(item->value, 1);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct scene own;

        start(&own);
        show_to_threads(&own);
        finish(&own);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    item_give(&scene, item);
    item_give(&scene, (struct item *)store_publish_swap(scene.publish, NULL));
    finish(&scene);
}

static void counting(void **state)
{
    struct store_shown shown;

    (void)state;
    store_shown_start(&shown);
    assert_true(store_shown_alone(&shown));
    store_shown_take(&shown);
    assert_false(store_shown_alone(&shown));
    assert_true(store_shown_take_living(&shown));
    assert_false(store_shown_give(&shown));
    assert_false(store_shown_give(&shown));
    assert_true(store_shown_alone(&shown));
    assert_true(store_shown_give(&shown));
    assert_false(store_shown_take_living(&shown));
}

static int make(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct store_publish *publish = NULL;
    int status = store_publish_new(&publish, env, err);

    (void)ctx;
    store_publish_free(publish, env);
    return status;
}

static void memory_runs_out(void **state)
{
    struct support_env support;

    (void)state;
    support_env_start(&support, 1);
    assert_int_equal(support_fail_each(&support, make, NULL), 1);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_beside_one_who_shows), cmocka_unit_test(after_a_fork), cmocka_unit_test(counting), cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
