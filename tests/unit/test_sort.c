/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/memory.h"
#include "base/sort.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const struct base_pair *x = a, *y = b;

    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value; /* values are positions, so this is what a stable sort does */
}

enum { MOST = 200000 };

/* Keys that differ in these bits only. */
static const uint64_t masks[] = {0, 0xff, 0xff00, 0x3, UINT64_MAX, 0xff000000000000ff, 0x8000000000000000, 0x00f0000f00000000};

static void check_pairs(size_t n, uint64_t mask, uint64_t fixed, int threads)
{
    struct support_env support;
    struct base_pair *pairs = calloc(n + 1, sizeof(*pairs)), *wanted = calloc(n + 1, sizeof(*wanted));
    struct base_random random;
    struct pcct_error err;

    support_env_start(&support, threads);
    base_random_seed(&random, n ^ mask);
    for (size_t i = 0; i < n; i++) pairs[i] = (struct base_pair){(base_random_next(&random) & mask) | fixed, i};
    memcpy(wanted, pairs, n * sizeof(*pairs));
    qsort(wanted, n, sizeof(*wanted), compare);
    support_ok(base_sort_pairs(pairs, n, &support.env, &err), &err);
    assert_memory_equal(pairs, wanted, n * sizeof(*pairs) + sizeof(*pairs)); /* and the one behind the last was left alone */
    support_env_finish(&support);
    free(pairs);
    free(wanted);
}

static void test_pairs_against_qsort(void **state)
{
    static const size_t counts[] = {0, 1, 2, 3, 255, 1000, 16383, 16384, 40000};

    (void)state;
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]); m++) check_pairs(counts[c], masks[m], 0, 1 + (int)(m & 3));
    }
}

static void test_pairs_with_threads(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        check_pairs(MOST + 1, 0xff0f, 0, threads); /* 4096 keys: many equal ones, so stability shows */
        check_pairs(MOST, UINT64_MAX, 0, threads);
    }
}

static void test_pairs_with_common_bits(void **state)
{
    (void)state;
    check_pairs(5000, 0x00ffff0000000000, 0x1200000000abcdef, 2);
}

static int sort_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    return base_sort_pairs(ctx, 1000, env, err);
}

static void test_pairs_without_memory(void **state)
{
    struct support_env support;
    struct base_pair pairs[1000];

    (void)state;
    for (size_t i = 0; i < 1000; i++) pairs[i] = (struct base_pair){(i * 7919) % 1000, i};
    support_env_start(&support, 2);
    assert_int_equal(support_fail_each(&support, sort_call, pairs), 3);
    for (size_t i = 0; i < 1000; i++) assert_int_equal(pairs[i].key, i);
    support_env_finish(&support);
}

/* What base_group promises, said by its definition. */
static void check_groups(size_t n, size_t groups, int threads, uint64_t seed)
{
    struct support_env support;
    uint32_t *group = calloc(n + 1, sizeof(*group)), *order = calloc(n + 1, sizeof(*order)), *start = calloc(groups + 1, sizeof(*start));
    char *seen = calloc(n + 1, 1);
    struct base_random random;
    struct pcct_error err;

    support_env_start(&support, threads);
    base_random_seed(&random, seed);
    for (size_t i = 0; i < n; i++) group[i] = (uint32_t)base_random_below(&random, base_random_below(&random, groups) + 1);
    support_ok(base_group(order, start, group, n, groups, &support.env, &err), &err);
    assert_int_equal(start[0], 0);
    assert_int_equal(start[groups], n);
    for (size_t g = 0; g < groups; g++) {
        assert_true(start[g] <= start[g + 1]);
        for (uint32_t i = start[g]; i < start[g + 1]; i++) {
            assert_int_equal(group[order[i]], g);
            assert_false(seen[order[i]]);
            seen[order[i]] = 1;
            if (i > start[g]) assert_true(order[i - 1] < order[i]);
        }
    }
    support_env_finish(&support);
    free(seen);
    free(group);
    free(order);
    free(start);
}

static void test_groups(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        check_groups(0, 0, threads, 1);
        check_groups(0, 5, threads, 2);
        check_groups(1, 1, threads, 3);
        check_groups(1000, 7, threads, 4);
        check_groups(1000, 5000, threads, 5);
        check_groups(MOST, 3, threads, 6);
        check_groups(MOST, 50000, threads, 7);
        check_groups(MOST, 300000, threads, 8);
    }
}

struct group_input {
    uint32_t order[500], start[11], group[500];
};

static int group_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct group_input *input = ctx;

    return base_group(input->order, input->start, input->group, 500, 10, env, err);
}

static void test_groups_without_memory(void **state)
{
    struct support_env support;
    struct group_input input;

    (void)state;
    for (uint32_t i = 0; i < 500; i++) input.group[i] = i % 10;
    support_env_start(&support, 1);
    assert_int_equal(support_fail_each(&support, group_call, &input), 1);
    for (uint32_t i = 0; i < 500; i++) assert_int_equal(input.order[i], i / 50 + i % 50 * 10);
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_against_qsort),    cmocka_unit_test(test_pairs_with_threads),
        cmocka_unit_test(test_pairs_with_common_bits), cmocka_unit_test(test_pairs_without_memory),
        cmocka_unit_test(test_groups),                 cmocka_unit_test(test_groups_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
