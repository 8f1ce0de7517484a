/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/copy.h"
#include "index/frame.h"

#include <string.h>

static void start(struct support_index *s, const char *metric, size_t n)
{
    struct index_frame frame;
    struct base_random random;

    base_random_seed(&random, 17);
    support_index_start(s, metric, 2, 2);
    for (int round = 0; round < 2 && n > 0; round++) {
        index_frame_init(&frame, &s->support.env);
        support_index_batch(s, &frame, SUPPORT_LATTICE, n / 2, SUPPORT_PICK_ANY, n / 5, &random);
        index_frame_free(&frame);
    }
}

/* A copy is the same version, sound, and a thing of its own: what is done to one does not reach the other. */
static void a_copy_stands_alone(void **state)
{
    static const char *const metrics[] = { "euclidean", "angular", "custom" };

    (void)state;
    for (int m = 0; m < 3; m++) {
        struct index_state copy;
        struct index_frame frame;
        struct base_random random;
        struct support_index s;
        struct pcct_error err = { 0, "" };
        uint64_t digest[INDEX_ARRAYS];

        base_random_seed(&random, 5);
        start(&s, metrics[m], 400);
        memcpy(digest, s.state.digest, sizeof digest);
        support_ok(index_copy(&copy, &s.support.env, &s.state, &err), &err);
        index_frame_init(&frame, &s.support.env);
        support_index_batch(&s, &frame, SUPPORT_LATTICE, 100, SUPPORT_PICK_ANY, 50, &random);
        assert_memory_equal(copy.digest, digest, sizeof digest);
        support_ok(index_check(&copy, &err), &err);
        support_ok(index_apply(&copy, &frame, &err), &err); /* the copy can be changed in its turn */
        support_ok(index_check(&copy, &err), &err);
        assert_memory_equal(copy.digest, s.state.digest, sizeof digest);
        index_frame_free(&frame);
        index_free(&copy);
        support_index_sound(&s.state);
        support_index_free(&s);
    }
}

static void of_nothing(void **state)
{
    struct index_state copy;
    struct support_index s;
    struct pcct_error err = { 0, "" };

    (void)state;
    start(&s, "euclidean", 0);
    support_ok(index_copy(&copy, &s.support.env, &s.state, &err), &err);
    assert_true(copy.n == 0 && copy.root == INDEX_NONE);
    support_ok(index_check(&copy, &err), &err);
    index_free(&copy);
    support_index_free(&s);
}

static int copy_it(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct support_index *s = ctx;
    struct index_state copy;
    int status = index_copy(&copy, env, &s->state, err);

    if (status == 0) index_free(&copy);
    return status;
}

static void memory_runs_out(void **state)
{
    struct support_index s;

    (void)state;
    start(&s, "euclidean", 100);
    assert_true(support_fail_each(&s.support, copy_it, &s) > 10);
    support_index_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_stands_alone), cmocka_unit_test(of_nothing), cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
