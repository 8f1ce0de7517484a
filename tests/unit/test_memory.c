/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int is_aligned(const void *memory, size_t alignment)
{
    return ((uintptr_t)memory & (alignment - 1)) == 0;
}

static void test_take(void **state)
{
    struct support_env support;
    struct pcct_error err;
    uint8_t *block = NULL;

    (void)state;
    support_env_start(&support, 1);
    for (size_t bytes = 0; bytes < 300; bytes += 7) {
        support_ok(base_take(&block, &support.env, bytes, 1, &err), &err);
        assert_non_null(block);
        assert_true(is_aligned(block, 64));
        base_free(&support.env, block);
        support_ok(base_take_zero(&block, &support.env, bytes, 3, &err), &err);
        for (size_t i = 0; i < bytes * 3; i++) assert_int_equal(block[i], 0);
        base_free(&support.env, block);
    }
    support_ok(base_take(&block, &support.env, BASE_HUGE_BYTES, 1, &err), &err);
    assert_true(is_aligned(block, BASE_HUGE_PAGE));
    base_free(&support.env, block);
    base_free(&support.env, NULL);
    support_env_finish(&support);
}

static void test_take_too_much(void **state)
{
    struct support_env support;
    struct pcct_error err;
    void *block = &err;

    (void)state;
    support_env_start(&support, 1);
    assert_int_equal(base_take(&block, &support.env, SIZE_MAX / 2, 3, &err), PCCT_E_MEMORY);
    assert_null(block);
    block = &err;
    assert_int_equal(base_take(&block, &support.env, SIZE_MAX, 1, &err), PCCT_E_MEMORY);
    assert_null(block);
    block = &err;
    support_env_fail(&support, 1);
    assert_int_equal(base_take_zero(&block, &support.env, 1, 1, &err), PCCT_E_MEMORY);
    assert_null(block);
    assert_string_equal(err.message, "out of memory: 1 bytes asked for");
    support_env_finish(&support);
}

/* The C library's memory, as users get it. */
static void test_default_env(void **state)
{
    struct base_env env;
    struct base_os os;
    struct pcct_error err;
    uint8_t *block = NULL;

    (void)state;
    base_os_init(&os);
    base_env_init(&env, &os, 3);
    assert_int_equal(env.threads, 3);
    assert_ptr_equal(env.os, &os);
    support_ok(base_take(&block, &env, BASE_HUGE_BYTES + 1, 1, &err), &err);
    assert_true(is_aligned(block, BASE_HUGE_PAGE));
    block[BASE_HUGE_BYTES] = 1;
    base_free(&env, block);
    assert_int_equal(base_take(&block, &env, (size_t)1 << 62, 1, &err), PCCT_E_MEMORY);
    base_env_init(&env, &os, 0);
    assert_true(env.threads >= 1);
}

static void test_buffer_grows(void **state)
{
    struct support_env support;
    struct base_buffer buffer = {0};
    struct pcct_error err;
    uint64_t moves;

    (void)state;
    support_env_start(&support, 1);
    for (size_t n = 1; n <= 3000000; n += 1 + n / 50) {
        size_t before = buffer.capacity;

        support_ok(base_buffer_reserve(&buffer, &support.env, n * 4, (n - 1) * 4 < before ? (n - 1) * 4 : before, &err), &err);
        assert_true(buffer.capacity >= n * 4 && (buffer.capacity == before || buffer.capacity >= before + before / 4));
        assert_true(is_aligned(buffer.data, buffer.capacity >= BASE_HUGE_BYTES ? BASE_HUGE_PAGE : 64));
        memset(buffer.data, (int)(n % 251), 4);
        ((uint8_t *)buffer.data)[buffer.capacity - 1] = 1; /* all of the capacity may be used */
    }
    moves = support.taken;
    assert_true(moves < 80);
    support_ok(base_buffer_reserve(&buffer, &support.env, 10, 0, &err), &err);
    assert_int_equal(support.taken, moves); /* never shrinks */
    base_buffer_free(&buffer, &support.env);
    assert_null(buffer.data);
    assert_int_equal(buffer.capacity, 0);
    base_buffer_free(&buffer, &support.env);
    support_env_finish(&support);
}

static void test_buffer_keeps(void **state)
{
    struct support_env support;
    struct base_buffer buffer = {0};
    struct pcct_error err;
    uint32_t *item;

    (void)state;
    support_env_start(&support, 1);
    support_ok(base_buffer_reserve(&buffer, &support.env, 4000, 0, &err), &err);
    item = buffer.data;
    for (uint32_t i = 0; i < 1000; i++) item[i] = i * i;
    support_env_fail(&support, 1);
    assert_int_equal(base_buffer_reserve(&buffer, &support.env, 10000, 4000, &err), PCCT_E_MEMORY);
    assert_ptr_equal(buffer.data, item); /* a failure leaves it as it was */
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1000; i++) assert_int_equal(item[i], i * i);
        support_env_fail(&support, 0);
        support_ok(base_buffer_reserve(&buffer, &support.env, 10000, 4000, &err), &err);
        item = buffer.data;
    }
    assert_int_equal(base_buffer_reserve(&buffer, &support.env, SIZE_MAX - 10, 4000, &err), PCCT_E_MEMORY);
    assert_int_equal(base_buffer_reserve(&buffer, &support.env, PTRDIFF_MAX, 4000, &err), PCCT_E_MEMORY);
    assert_ptr_equal(buffer.data, item);
    base_buffer_free(&buffer, &support.env);
    support_env_finish(&support);
}

static void test_buffer_adopts_a_mapping(void **state)
{
    enum { BYTES = 1 << 16 };
    struct support_env support;
    struct base_buffer buffer = {0};
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 1);
    for (int grow = 0; grow < 2; grow++) {
        uint8_t *mapping = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        mapping[0] = 11;
        mapping[9999] = 22;
        base_buffer_adopt(&buffer, mapping, 10000, BYTES);
        support_ok(base_buffer_reserve(&buffer, &support.env, 10000, 10000, &err), &err);
        assert_ptr_equal(buffer.data, mapping); /* fits: stays */
        assert_int_equal(support.live, 0);
        if (grow) {
            support_ok(base_buffer_reserve(&buffer, &support.env, 10001, 10000, &err), &err);
            assert_int_equal(support.live, 0); /* a mapping again, which goes as a whole */
            assert_true(buffer.mapped >= buffer.capacity && buffer.capacity >= 10001);
            ((uint8_t *)buffer.data)[buffer.capacity - 1] = 1;
            assert_int_equal(((uint8_t *)buffer.data)[0], 11);
            assert_int_equal(((uint8_t *)buffer.data)[9999], 22);
            assert_int_equal(support.os.calls[BASE_OS_MUNMAP], 2); /* the other was freed below */
        }
        base_buffer_free(&buffer, &support.env);
        assert_int_equal(support.os.calls[BASE_OS_MUNMAP], 1 + 2 * grow);
        assert_int_equal(msync(mapping, BYTES, MS_ASYNC), -1); /* really gone */
    }
    support_env_finish(&support);
}

/* A buffer beside another is of the same kind; large mappings are aligned for huge pages; without address space it is as without memory. */
static void test_buffer_beside_another(void **state)
{
    struct support_env support;
    struct base_buffer heap = {0}, mapped = {0}, beside = {0};
    struct pcct_error err;

    (void)state;
    support_env_start(&support, 1);
    support_ok(base_buffer_beside(&beside, &heap, &support.env, 1000, &err), &err);
    assert_int_equal(beside.mapped, 0);
    assert_int_equal(support.live, 1);
    base_buffer_free(&beside, &support.env);
    base_buffer_adopt(&mapped, mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096, 4096);
    support_ok(base_buffer_beside(&beside, &mapped, &support.env, BASE_HUGE_BYTES + 5, &err), &err);
    assert_int_equal(support.live, 0);
    assert_true(beside.capacity >= BASE_HUGE_BYTES + 5 && beside.mapped >= beside.capacity);
    assert_int_equal((uintptr_t)beside.data % BASE_HUGE_PAGE, 0);
    ((uint8_t *)beside.data)[beside.capacity - 1] = 1;
    base_buffer_free(&beside, &support.env);
    support.os.fail_mask = UINT64_C(1) << BASE_OS_MMAP;
    support.os.fail_at = 1;
    support.os.fail_forever = 1;
    support.os.fail_errno = ENOMEM;
    assert_int_equal(base_buffer_beside(&beside, &mapped, &support.env, 5000, &err), PCCT_E_MEMORY);
    assert_int_equal(base_buffer_reserve(&mapped, &support.env, 5000, 4096, &err), PCCT_E_MEMORY);
    assert_null(beside.data);
    assert_int_equal(mapped.capacity, 4096);
    support.os.fail_mask = 0;
    base_buffer_free(&mapped, &support.env);
    support_env_finish(&support);
}

static void test_vector(void **state)
{
    struct support_env support;
    struct base_vector vector = {.item_bytes = 12};
    struct pcct_error err;
    uint32_t *item, count = 0;

    (void)state;
    support_env_start(&support, 1);
    support_ok(base_vector_add(&item, &vector, &support.env, 0, &err), &err);
    assert_non_null(item);
    for (uint32_t n = 0; n < 200; n++) {
        support_ok(base_vector_add(&item, &vector, &support.env, n, &err), &err);
        assert_ptr_equal(item, (uint8_t *)vector.memory.data + (size_t)count * 12);
        for (uint32_t i = 0; i < n; i++, item += 3) item[0] = item[2] = count++;
    }
    assert_int_equal(vector.count, count);
    support_env_fail(&support, 1);
    assert_int_equal(base_vector_add(&item, &vector, &support.env, 1000000, &err), PCCT_E_MEMORY);
    assert_null(item);
    assert_int_equal(base_vector_add(&item, &vector, &support.env, SIZE_MAX, &err), PCCT_E_MEMORY);
    assert_int_equal(base_vector_add(&item, &vector, &support.env, SIZE_MAX / 12, &err), PCCT_E_MEMORY);
    assert_int_equal(vector.count, count);
    item = vector.memory.data;
    for (uint32_t i = 0; i < count; i++) assert_true(item[3 * i] == i && item[3 * i + 2] == i);
    base_vector_free(&vector, &support.env);
    assert_int_equal(vector.count, 0);
    support_env_finish(&support);
}

static void test_vector_reversed(void **state)
{
    struct support_env support;
    struct pcct_error err = {0, ""};

    (void)state;
    support_env_start(&support, 1);
    for (size_t n = 0; n < 7; n++) {
        struct base_vector vector = {.item_bytes = sizeof(uint64_t)};
        uint64_t *item = NULL;

        support_ok(base_vector_add(&item, &vector, &support.env, n, &err), &err);
        for (size_t i = 0; i < n; i++) item[i] = 0x0102030405060708 * (i + 1);
        base_vector_reverse(&vector);
        for (size_t i = 0; i < n; i++) assert_true(item[i] == 0x0102030405060708 * (n - i));
        base_vector_free(&vector, &support.env);
    }
    support_env_finish(&support);
}

static void test_arena(void **state)
{
    enum { PIECES = 500 };
    struct support_env support;
    struct base_arena arena = {0};
    struct base_random random;
    struct pcct_error err;
    uint8_t *piece[PIECES];
    size_t bytes[PIECES], peak;

    (void)state;
    support_env_start(&support, 1);
    base_random_seed(&random, 6);
    arena.env = &support.env;
    for (int round = 0; round < 3; round++) {
        size_t sum = 0;

        for (size_t i = 0; i < PIECES; i++) {
            bytes[i] = base_random_below(&random, i % 50 ? 3000 : 200000);
            support_ok(base_arena_take(&piece[i], &arena, bytes[i], 1, &err), &err);
            assert_true(is_aligned(piece[i], 64));
            memset(piece[i], (int)(i % 256), bytes[i]);
            sum += bytes[i];
        }
        assert_true(arena.used >= sum && arena.used < sum + PIECES * 64);
        assert_true(arena.peak >= arena.used);
        for (size_t i = 0; i < PIECES; i++) { /* pieces do not overlap */
            for (size_t j = 0; j < bytes[i]; j++) assert_int_equal(piece[i][j], i % 256);
        }
        peak = arena.peak;
        base_arena_clear(&arena);
        assert_int_equal(arena.used, 0);
        assert_int_equal(arena.peak, peak);
        assert_int_equal(support.live, 1); /* the largest chunk stays for the next operation */
    }
    base_arena_free(&arena);
    support.taken = 0;
    for (int round = 0; round < 9; round++) { /* the one chunk is used from its beginning each time */
        support_ok(base_arena_take(&piece[0], &arena, 1000000, 1, &err), &err);
        base_arena_clear(&arena);
    }
    assert_int_equal(support.taken, 1);
    assert_int_equal(base_arena_take(&piece[0], &arena, SIZE_MAX, 2, &err), PCCT_E_MEMORY);
    assert_null(piece[0]);
    base_arena_free(&arena);
    base_arena_clear(&arena);
    base_arena_free(&arena);
    support_env_finish(&support);
}

static int arena_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct base_arena arena = {.env = env};
    void *piece = NULL;
    int status = 0;

    (void)ctx;
    for (int i = 0; i < 4; i++) TRY(base_arena_take(&piece, &arena, 50000, 1, err));
done:
    if (status != 0) assert_null(piece);
    base_arena_free(&arena);
    return status;
}

static void test_arena_without_memory(void **state)
{
    struct support_env support;

    (void)state;
    support_env_start(&support, 1);
    assert_int_equal(support_fail_each(&support, arena_call, NULL), 3); /* chunks for one, two and one piece */
    support_env_finish(&support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_take_too_much),
        cmocka_unit_test(test_default_env),
        cmocka_unit_test(test_buffer_grows),
        cmocka_unit_test(test_buffer_keeps),
        cmocka_unit_test(test_buffer_adopts_a_mapping),
        cmocka_unit_test(test_buffer_beside_another),
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_vector_reversed),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_arena_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
