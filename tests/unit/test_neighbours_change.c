/* SPDX-License-Identifier: Apache-2.0 */
#include "query/neighbours_change.h"

#include "support.h"

#include <string.h>

enum { K = 2 };

/* Four rows before, four after: 10 stays, 20 goes, 30 is replaced, 40 stays beside it, 50 comes. */
static const int64_t old_label[] = { 10, 20, 30, 40 }, new_label[] = { 10, 30, 40, 50 };
static const double old_place[] = { 1, 2, 3, 4 }, new_place[] = { 1, 3.5, 4, 5 };
static int64_t old_list[] = { 20, -1, 10, 30, 40, 20, 30, 20 }, new_list[] = { 20, -1, 40, 50, 30, 20, 40, 30 };
static double old_distance[] = { 1, 9, 1, 1, 1, 1, 1, 2 }, new_distance[] = { 1, 9, 1, 2, 1, 2, 1, 2 };
static int32_t old_count[] = { 1, 2, 2, 2 }, new_count[] = { 1, 2, 2, 2 };

static struct query_neighbours lists(const int64_t *label, const double *place, int64_t *list, double *distance, int32_t *count)
{
    return (struct query_neighbours){ .k = K, .n = 4, .dim = 1, .label = (int64_t *)(uintptr_t)label, .place = (double *)(uintptr_t)place,
                                      .list = list, .distance = distance, .count = count };
}

struct seen {
    int64_t label[8];
    int n, most;
};

static int see(void *ctx, const struct query_change *change)
{
    struct seen *seen = ctx;

    assert_true(!change->before == (change->label == 50) && !change->after == (change->label == 20));
    if (change->after) assert_int_equal(change->count_after, K);
    seen->label[seen->n++] = change->label;
    return seen->n == seen->most;
}

static void what_came_went_and_differs(void **state)
{
    const struct query_neighbours old = lists(old_label, old_place, old_list, old_distance, old_count);
    const struct query_neighbours fresh = lists(new_label, new_place, new_list, new_distance, new_count);
    static const int64_t all[] = { 20, 30, 40, 50 };
    uint8_t touched[4] = { 0, 1, 0, 1 };
    struct pcct_error err = { 0, "" };
    struct query_match match;
    struct support_env env;
    struct seen seen = { { 0 }, 0, 0 }, some = { { 0 }, 0, 2 };

    (void)state;
    support_env_start(&env, 1);
    support_ok(query_match_rows(&match, &old, &fresh, &env.env, &err), &err);
    assert_true(match.gone == 2 && match.came == 2 && match.n_replaced == 1 && match.replaced[0] == 30);
    assert_true(match.before[0] == 0 && match.before[1] == INDEX_NONE && match.before[2] == 3 && match.before[3] == INDEX_NONE);
    assert_true(match.after[0] == 0 && match.after[1] == INDEX_NONE && match.after[2] == INDEX_NONE && match.after[3] == 2);
    /* 40 has the same list: 30 on it was replaced */
    assert_int_equal(query_tell_changes(&match, &old, &fresh, NULL, see, &seen), 4);
    assert_true(seen.n == 4);
    assert_memory_equal(seen.label, all, sizeof all);
    assert_int_equal(query_tell_changes(&match, &old, &fresh, NULL, see, &some), 4);
    assert_int_equal(some.n, 2);
    assert_int_equal(query_tell_changes(&match, &old, &fresh, touched, NULL, NULL), 3);
    new_distance[0] = 2; /* the same label, elsewhere */
    assert_int_equal(query_tell_changes(&match, &old, &fresh, NULL, NULL, NULL), 5);
    new_distance[0] = 1;
    query_match_free(&match, &env.env);
    support_env_finish(&env);
}

static int match_rows(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    const struct query_neighbours *both = ctx;
    struct query_match match;
    const int status = query_match_rows(&match, &both[0], &both[1], env, err);

    query_match_free(&match, env);
    return status;
}

static void memory_runs_out(void **state)
{
    struct query_neighbours both[2] = { lists(old_label, old_place, old_list, old_distance, old_count),
                                        lists(new_label, new_place, new_list, new_distance, new_count) };
    struct support_env env;

    (void)state;
    support_env_start(&env, 1);
    assert_int_equal(support_fail_each(&env, match_rows, both), 3);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_went_and_differs),
        cmocka_unit_test(memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
