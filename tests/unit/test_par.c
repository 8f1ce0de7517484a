/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/par.h"
#include "base/watch.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct cover {
    uint8_t *times;
    size_t n, grain;
    int threads;
    uint64_t pieces, wrong;
};

static void cover_body(void *ctx, size_t begin, size_t end, int thread)
{
    struct cover *cover = ctx;

    base_par_add(&cover->pieces, 1);
    if (begin % cover->grain != 0 || end <= begin || end > cover->n || (end - begin != cover->grain && end != cover->n) || thread < 0 ||
        thread >= cover->threads) {
        base_par_add(&cover->wrong, 1);
    }
    for (size_t i = begin; i < end; i++) cover->times[i]++;
}

static void test_for_covers_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        for (size_t n = 0; n < 3000; n += 1 + n / 3) {
            for (size_t grain = 1; grain < 4000; grain *= 7) {
                struct support_env support;
                struct cover cover = {calloc(n + 1, 1), n, grain, threads, 0, 0};

                support_env_start(&support, threads);
                base_par_for(&support.env, n, grain, cover_body, &cover);
                assert_int_equal(cover.pieces, (n + grain - 1) / grain);
                assert_int_equal(cover.wrong, 0);
                for (size_t i = 0; i < n; i++) assert_int_equal(cover.times[i], 1);
                assert_int_equal(cover.times[n], 0);
                free(cover.times);
            }
        }
    }
}

struct meeting {
    uint64_t here, threads;
};

/* Each of two pieces waits for the other: only two threads at once get through. */
static void meet(void *ctx, size_t begin, size_t end, int thread)
{
    struct meeting *meeting = ctx;

    (void)begin;
    (void)end;
    base_par_add(&meeting->threads, (uint64_t)thread + 1);
    base_par_add(&meeting->here, 1);
    while (base_par_read(&meeting->here) < 2) continue;
}

static void test_for_is_parallel(void **state)
{
    struct support_env support;
    struct meeting meeting = {0, 0};

    (void)state;
    support_env_start(&support, 2);
    base_par_for(&support.env, 2, 1, meet, &meeting);
    assert_int_equal(meeting.threads, 3); /* numbers 0 and 1 */
}

/* The first piece waits for all others, of which one is in the same share: another thread has to take it. */
static void wait_for_others(void *ctx, size_t begin, size_t end, int thread)
{
    struct meeting *meeting = ctx;

    (void)end;
    (void)thread;
    while (begin == 0 && base_par_read(&meeting->here) < 3) continue;
    base_par_add(&meeting->here, 1);
}

static void test_for_helps(void **state)
{
    struct support_env support;
    struct meeting meeting = {0, 0};

    (void)state;
    support_env_start(&support, 2);
    base_par_for(&support.env, 4, 1, wait_for_others, &meeting);
    assert_int_equal(meeting.here, 4);
}

/* The other thread stays in its first piece until the calling one, which is soon through with its own, has done the rest. */
struct telling {
    uint64_t told, helped;
};

static int count_told(void *ctx, double done)
{
    struct telling *telling = ctx;

    (void)done;
    base_par_add(&telling->told, 1);
    return 0;
}

static void wait_for_telling(void *ctx, size_t begin, size_t end, int thread)
{
    enum { PIECES = 40, ENOUGH = 4000 };
    struct telling *telling = ctx;

    (void)end;
    if (thread == 0 && begin >= PIECES / 2) base_par_add(&telling->helped, 1);
    for (int ms = 0; begin == PIECES / 2 && thread != 0 && ms < ENOUGH && base_par_read(&telling->helped) < PIECES / 2 - 1; ms++) usleep(1000);
}

static void test_for_tells_while_it_helps(void **state)
{
    struct support_env support;
    struct telling telling = {0, 0};
    struct base_watch watch;

    (void)state;
    support_env_start(&support, 2);
    base_watch_begin(&watch, NULL, count_told, &telling);
    support.env.watch = &watch;
    base_par_for(&support.env, 40, 1, wait_for_telling, &telling);
    assert_int_equal(telling.told, 20 + telling.helped);
    base_watch_end(&watch, &support.env);
}

static void test_threads_are_bounded(void **state)
{
    struct support_env support;

    (void)state;
    support_env_start(&support, 100000);
    assert_int_equal(base_par_threads(&support.env), BASE_PAR_THREADS_MAX);
    assert_in_range(base_par_processors(), 1, BASE_PAR_THREADS_MAX);
}

/* A sum over a binary tree of tasks. */
struct sum {
    const struct base_env *env;
    uint64_t begin, end;
    struct sum *room; /* for those that are spawned, shared by all */
    uint64_t *taken, *result;
};

static void sum_job(void *ctx)
{
    const struct sum *sum = ctx;
    struct sum *half;

    if (sum->end - sum->begin <= 10) {
        for (uint64_t i = sum->begin; i < sum->end; i++) base_par_add(sum->result, i);
        return;
    }
    half = sum->room + base_par_add(sum->taken, 2) - 2;
    half[0] = half[1] = *sum;
    half[0].end = half[1].begin = (sum->begin + sum->end) / 2;
    base_par_spawn(sum->env, sum_job, &half[0]);
    base_par_spawn(sum->env, sum_job, &half[1]);
}

static void test_tasks(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        struct support_env support;
        static struct sum room[8192];
        uint64_t taken = 0, result = 0;
        struct sum sum = {&support.env, 0, 20000, room, &taken, &result};

        support_env_start(&support, threads);
        base_par_tasks(&support.env, sum_job, &sum);
        assert_int_equal(result, 20000ull * 19999 / 2);
        assert_true(taken <= 8192);
    }
}

static void max_body(void *ctx, size_t begin, size_t end, int thread)
{
    (void)thread;
    for (size_t i = begin; i < end; i++) base_par_max(ctx, (double)(i * 7919 % 10007));
}

static void test_max(void **state)
{
    struct support_env support;
    double most = 0, kept = 5;

    (void)state;
    support_env_start(&support, 4);
    base_par_for(&support.env, 10007, 10, max_body, &most);
    assert_true(most == 10006);
    base_par_max(&kept, 4);
    assert_true(kept == 5);
}

/* OpenMP's threads are the parent's: with them, a child would wait for ever. */
static void test_forked_child(void **state)
{
    int status = 0;
    pid_t child;

    (void)state;
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) /* archer, which tells it about OpenMP, dies in such a child */
    skip();
#endif
#endif
    test_for_is_parallel(state);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(30);
        test_for_covers_once(state);
        test_tasks(state);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    test_for_is_parallel(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_for_covers_once), cmocka_unit_test(test_for_is_parallel), cmocka_unit_test(test_for_helps),
        cmocka_unit_test(test_for_tells_while_it_helps), cmocka_unit_test(test_threads_are_bounded), cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_max), cmocka_unit_test(test_forked_child),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
