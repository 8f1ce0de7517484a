/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "block/layout_near.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 40, ENTRIES = BLOCKS * METRIC_LANES, K_MOST = 300 };

/* Entries whose keys are known, and what a filter may say of them: anything between the bounds that it keeps. */
struct offers {
    struct metric metric;
    struct base_random random;
    double unit[BLOCKS];
    uint64_t mask[BLOCKS];
    _Alignas(64) float value[ENTRIES];
    double key[ENTRIES];
    char offered[ENTRIES];
};

/* A value for a key in the block's unit: the least, the greatest or any that the bounds allow. */
static float value_for(struct offers *o, double key)
{
    const struct metric_filter *f = &o->metric.filter;
    const double least = fmax(0, (key - f->slack) / f->grow), most = f->grow * key + f->slack;
    const uint64_t way = base_random_below(&o->random, 4);
    float value = (float)(way == 0 ? least : way == 1 ? most : least + (most - least) * (double)base_random_below(&o->random, 1000) / 1000);

    while ((double)value < least) value = nextafterf(value, (float)INFINITY);
    while ((double)value > most) value = nextafterf(value, 0);
    return value;
}

/* Keys of a kind: any; hardly different; few values, hence ties; falling, so that all that was known is in vain; all within the slack. */
static void fill(struct offers *o, int kind)
{
    for (uint32_t block = 0; block < BLOCKS; block++) {
        o->unit[block] = ldexp(1, (int)base_random_below(&o->random, 9) - 4);
        o->mask[block] = base_random_next(&o->random) | (kind % 2 ? UINT64_MAX : 1);
    }
    for (uint32_t i = 0; i < ENTRIES; i++) {
        const double any = (double)base_random_below(&o->random, 1 << 30) / (1 << 30);
        const double keys[] = { any, 1 + any * 1e-3, (double)base_random_below(&o->random, 60), (double)(ENTRIES - i) + any, any * 1e-12 };

        o->key[i] = keys[kind];
        o->value[i] = value_for(o, o->key[i] * o->unit[i / METRIC_LANES]);
        o->offered[i] = (char)(o->mask[i / METRIC_LANES] >> i % METRIC_LANES & 1);
    }
}

static double upper_end(const struct offers *o, uint32_t i)
{
    return (o->metric.filter.grow * (double)o->value[i] + o->metric.filter.slack) / o->unit[i / METRIC_LANES];
}

static double lower_end(const struct offers *o, uint32_t i)
{
    return ((double)o->value[i] / o->metric.filter.grow - o->metric.filter.slack) / o->unit[i / METRIC_LANES];
}

static int less(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The k-th least of a number for each entry that was offered; infinity when they are fewer. */
static double kth(const struct offers *o, double (*of)(const struct offers *, uint32_t), size_t k)
{
    static double sorted[ENTRIES];
    size_t n = 0;

    for (uint32_t i = 0; i < ENTRIES; i++) {
        if (o->offered[i]) sorted[n++] = of(o, i);
    }
    qsort(sorted, n, sizeof *sorted, less);
    return k <= n ? sorted[k - 1] : (double)INFINITY;
}

static double key_of(const struct offers *o, uint32_t i)
{
    return o->key[i];
}

/* As the search does: lanes beyond the limit are not shown. */
static int offer_all(struct block_near *near, const struct offers *o, int by_limit)
{
    for (uint32_t block = 0; block < BLOCKS; block++) {
        const float *value = o->value + (size_t)block * METRIC_LANES;
        const float limit = metric_filter_limit(&o->metric, near->limit * o->unit[block]);
        uint64_t mask = o->mask[block];

        for (uint32_t lane = 0; by_limit && lane < METRIC_LANES; lane++) mask &= ~((uint64_t)(value[lane] > limit) << lane);
        if (!block_near_offer(near, &o->metric, o->unit[block], value, block, mask)) return 0;
    }
    return 1;
}

/* All that is as near as the k-th is left, and nothing that cannot be. */
static void check(const struct block_near *near, const struct offers *o, size_t k)
{
    const double last = kth(o, key_of, k), limit = kth(o, upper_end, k);
    static char left[ENTRIES];

    memset(left, 0, sizeof left);
    for (size_t i = 0; i < near->count; i++) {
        const uint32_t at = near->lane[i];

        assert_true(at < ENTRIES && o->offered[at] && !left[at]);
        left[at] = 1;
        assert_true(near->least[i] <= o->key[at] && o->key[at] <= near->most[i]);
        assert_true(lower_end(o, at) <= near->limit * (1 + 1e-12));
    }
    assert_true(near->limit >= last && near->limit >= limit * (1 - 1e-12));
    assert_true(near->limit <= kth(o, upper_end, k <= METRIC_SORTED_MAX ? k : k + k / 8 + 8) * (1 + 1e-6)); /* of many a few more are as good */
    for (uint32_t i = 0; i < ENTRIES; i++) assert_true(!o->offered[i] || o->key[i] > last || left[i]);
}

static void the_k_nearest_are_left(void **state)
{
    static const char *const name[] = { "euclidean", "manhattan", "chebyshev" };
    static struct offers o;
    struct support_env env;
    struct block_near near;
    size_t filled = 0;

    (void)state;
    support_env_start(&env, 1);
    base_random_seed(&o.random, 3);
    assert_int_equal(block_near_take(&near, &env.env, K_MOST, NULL), 0);
    for (int kind = 0; kind < 5; kind++) {
        for (size_t k = 1; k <= K_MOST; k += k < 30 ? 1 : 27) {
            const int by_limit = k % 2 == 0;

            assert_int_equal(metric_init(&o.metric, name[((size_t)kind + k) % 3], 1 + (uint32_t)k % 40, METRIC_ISA_BEST, NULL), 0);
            fill(&o, kind);
            block_near_start(&near, k, (double)INFINITY); /* after any other k */
            if (!offer_all(&near, &o, by_limit)) { /* too many that may all be the nearest */
                assert_true(kind == 4 || kind == 2);
                filled++;
                continue;
            }
            block_near_finish(&near, &o.metric);
            check(&near, &o, k);
        }
    }
    assert_true(filled > 0);
    block_near_free(&near, &env.env);
    support_env_finish(&env);
}

/* Fewer than k: all are left. */
static void too_few_are_all_left(void **state)
{
    static struct offers o;
    struct support_env env;
    struct block_near near;

    (void)state;
    support_env_start(&env, 1);
    assert_int_equal(metric_init(&o.metric, "euclidean", 3, METRIC_ISA_BEST, NULL), 0);
    assert_int_equal(block_near_take(&near, &env.env, K_MOST, NULL), 0);
    for (size_t k = 4; k <= K_MOST; k += 37) {
        _Alignas(64) float value[METRIC_LANES] = { 5, 1, 3, (float)INFINITY };

        block_near_start(&near, k, (double)INFINITY);
        assert_true(block_near_offer(&near, &o.metric, 1, value, 7, 13)); /* lanes 0, 2 and 3 */
        block_near_finish(&near, &o.metric);
        assert_int_equal(near.count, 3);
        assert_int_equal(near.lane[0] + near.lane[1] + near.lane[2], 3 * 7 * METRIC_LANES + 5);
        assert_true(isinf(near.limit));
    }
    block_near_free(&near, &env.env);
    support_env_finish(&env);
}

/* Equal values may all be the nearest: that they are too many is told, and not before they are k and a block's lanes. */
static void too_many_are_told(void **state)
{
    static struct offers o;
    struct support_env env;
    struct block_near near;

    (void)state;
    support_env_start(&env, 1);
    assert_int_equal(metric_init(&o.metric, "euclidean", 3, METRIC_ISA_BEST, NULL), 0);
    for (size_t k = 1; k <= K_MOST; k += 23) {
        _Alignas(64) float value[METRIC_LANES];
        uint32_t block = 0;

        assert_int_equal(block_near_take(&near, &env.env, k, NULL), 0);
        block_near_start(&near, k, (double)INFINITY);
        for (uint32_t lane = 0; lane < METRIC_LANES; lane++) value[lane] = 2;
        while (block < 1000 && block_near_offer(&near, &o.metric, 1, value, block, UINT64_MAX)) block++;
        assert_true(block * METRIC_LANES >= k + METRIC_LANES && block < 1000);
        assert_true(near.count <= near.capacity);

        block_near_start(&near, k, (double)INFINITY); /* a nearer one each time: there is always room */
        for (block = 0; block < 1000; block++) {
            for (uint32_t lane = 0; lane < METRIC_LANES; lane++) value[lane] = (float)ldexp(2 + lane / 64.0, 100 - (int)block % 100);
            if (block % 100 == 0) block_near_start(&near, k, (double)INFINITY);
            assert_true(block_near_offer(&near, &o.metric, 1, value, block, UINT64_MAX));
        }
        block_near_free(&near, &env.env);
    }
    support_env_finish(&env);
}

/* Beyond the range of a float the filter says nothing but that: a key in a small unit may still be the least. */
static void infinite_values_may_be_near(void **state)
{
    static struct offers o;
    struct support_env env;
    struct block_near near;

    (void)state;
    support_env_start(&env, 1);
    assert_int_equal(metric_init(&o.metric, "euclidean", 3, METRIC_ISA_BEST, NULL), 0);
    for (size_t k = 1; k <= 100; k += 33) {
        _Alignas(64) float far[METRIC_LANES], one[METRIC_LANES];
        int found = 0;

        for (int i = 0; i < METRIC_LANES; i++) {
            far[i] = (float)INFINITY;
            one[i] = 1;
        }
        assert_int_equal(block_near_take(&near, &env.env, k, NULL), 0);
        block_near_start(&near, k, (double)INFINITY);
        assert_true(block_near_offer(&near, &o.metric, 0x1p200, far, 1, 3)); /* at least 2^-72 */
        assert_true(block_near_offer(&near, &o.metric, 0x1p30, one, 2, UINT64_MAX));
        assert_true(block_near_offer(&near, &o.metric, 0x1p30, one, 3, UINT64_MAX));
        block_near_finish(&near, &o.metric);
        for (size_t i = 0; i < near.count; i++) found += near.lane[i] / METRIC_LANES == 1;
        assert_int_equal(found, 2);

        block_near_start(&near, k, (double)INFINITY); /* but not when it is known to be further off */
        assert_true(block_near_offer(&near, &o.metric, 0x1p20, far, 1, 3)); /* at least 2^107 */
        assert_true(block_near_offer(&near, &o.metric, 0x1p30, one, 2, UINT64_MAX));
        assert_true(block_near_offer(&near, &o.metric, 0x1p30, one, 3, UINT64_MAX));
        block_near_finish(&near, &o.metric);
        for (size_t i = 0; i < near.count; i++) assert_true(near.lane[i] / METRIC_LANES != 1);
        block_near_free(&near, &env.env);
    }
    support_env_finish(&env);
}

static int take(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct block_near near;
    int status;

    (void)ctx;
    status = block_near_take(&near, env, 10, err);
    block_near_free(&near, env); /* after a failure, too */
    return status;
}

static void without_memory(void **state)
{
    struct support_env env;

    (void)state;
    support_env_start(&env, 1);
    assert_true(support_fail_each(&env, take, NULL) >= 1);
    support_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_k_nearest_are_left),      cmocka_unit_test(too_few_are_all_left), cmocka_unit_test(too_many_are_told),
        cmocka_unit_test(infinite_values_may_be_near), cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
