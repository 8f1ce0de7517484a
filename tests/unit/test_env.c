/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/memory.h"
#include "base/par.h"

static void test_threads(void **state)
{
    struct base_os os;
    struct base_env env;

    (void)state;
    base_os_init(&os);
    base_env_init(&env, &os, 0);
    assert_int_equal(env.threads, base_par_processors());
    base_env_init(&env, &os, 5);
    assert_int_equal(env.threads, 5);
    assert_ptr_equal(env.os, &os);
}

/* The allocator as the public header describes it. */
static void test_allocator(void **state)
{
    struct base_os os;
    struct base_env env;

    (void)state;
    base_os_init(&os);
    base_env_init(&env, &os, 1);
    for (size_t alignment = 64; alignment <= BASE_HUGE_PAGE; alignment *= 2) {
        for (size_t bytes = 1; bytes < 5000000; bytes = bytes * 9 + 1) {
            char *memory = env.memory.alloc(env.memory.ctx, bytes, alignment);

            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % alignment, 0);
            memory[0] = memory[bytes - 1] = 1;
            env.memory.free(env.memory.ctx, memory);
        }
    }
    assert_null(env.memory.alloc(env.memory.ctx, SIZE_MAX - 10, 64)); /* rounding up must not wrap round */
    assert_null(env.memory.alloc(env.memory.ctx, SIZE_MAX / 4, 64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads), cmocka_unit_test(test_allocator)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
