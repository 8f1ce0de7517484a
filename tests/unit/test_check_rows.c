/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/check.h"

#include <stdlib.h>
#include <string.h>

/* Junk in the arrays of parents, levels and links must be told, never walked into: what index_check needs from here is safety. */
static void test_junk_is_never_walked_into(void **state)
{
    struct support_index s;
    struct index_state copy;
    struct index_frame frame;
    struct base_random random;
    struct pcct_error err = { 0, "" };
    uint64_t told = 0;

    (void)state;
    base_random_seed(&random, 31);
    support_index_start(&s, "euclidean", 2, 2);
    index_frame_init(&frame, &s.support.env);
    support_index_batch(&s, &frame, SUPPORT_LATTICE, 90, SUPPORT_PICK_ANY, 0, &random);
    index_frame_free(&frame);
    support_index_batch(&s, NULL, SUPPORT_LATTICE, 10, SUPPORT_PICK_ANY, 20, &random);
    support_ok(index_check_rows(&s.state, &err), &err);
    for (int round = 0; round < 20000; round++) {
        static const uint32_t odd[] = { 0, 1, INDEX_NONE, INDEX_NONE - 1, 100, 99, 50, 0x80000000 };
        static const int16_t level[] = { 0, -1, -2, 1, 1024, 2047, 32767, -32768 };
        int status;

        support_state_copy(&copy, &s.state);
        for (uint64_t k = base_random_below(&random, 3); k < 3; k++) {
            uint32_t row = (uint32_t)base_random_below(&random, copy.n), value = odd[base_random_below(&random, 8)];

            switch (base_random_below(&random, 4)) {
            case 0: index_parent(&copy)[row] = value; break;
            case 1: index_child(&copy)[row] = value; break;
            case 2: index_next(&copy)[row] = value; break;
            default: index_level(&copy)[row] = level[base_random_below(&random, 8)];
            }
        }
        if (round % 7 == 0) copy.root = odd[base_random_below(&random, 8)];
        status = index_check_rows(&copy, &err);
        told += status != 0;
        if (status == 0) support_state_equal(&copy, &s.state); /* every change breaks something */
        else assert_true(err.message[0] == 'T' && err.message[1] >= '1' && err.message[1] <= '5');
        index_free(&copy);
    }
    assert_true(told > 15000);
    support_index_free(&s);
}

static void test_rows_without_a_place(void **state)
{
    struct support_index s;
    struct pcct_error err = { 0, "" };
    double point[2] = { 1, 2 };
    int64_t label = 4;

    (void)state;
    support_index_start(&s, "euclidean", 2, 1);
    support_ok(index_check_rows(&s.state, &err), &err); /* an empty state is sound */
    support_ok(index_append(&s.state, point, &label, 1, &err), &err);
    assert_int_equal(index_check_rows(&s.state, &err), PCCT_E_DAMAGED);
    support_index_free(&s);
}

static int check_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct pcct_error detail = { 0, "" };
    int status = index_check_rows(ctx, &detail);

    (void)env;
    if (status != PCCT_E_DAMAGED) return base_fail(err, status, "%s", detail.message);
    assert_non_null(strstr(detail.message, "missing"));
    return 0;
}

/* Saying who is missing in a list takes memory. */
static void test_without_memory(void **state)
{
    struct support_index s;
    struct base_random random;

    (void)state;
    base_random_seed(&random, 32);
    support_index_start(&s, "euclidean", 2, 2);
    support_index_batch(&s, NULL, SUPPORT_GAUSS, 50, SUPPORT_PICK_ANY, 0, &random);
    index_child(&s.state)[s.state.root] = index_next(&s.state)[index_child(&s.state)[s.state.root]];
    assert_int_equal(support_fail_each(&s.support, check_call, &s.state), 1);
    support_index_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_junk_is_never_walked_into),
        cmocka_unit_test(test_rows_without_a_place),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
