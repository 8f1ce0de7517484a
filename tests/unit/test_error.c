/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <errno.h>
#include <string.h>

static void test_fail(void **state)
{
    struct pcct_error err = {0, "before"};

    (void)state;
    assert_int_equal(base_fail(&err, PCCT_E_BUSY, "row %d of %s", 7, "x.csv"), PCCT_E_BUSY);
    assert_int_equal(err.code, PCCT_E_BUSY);
    assert_string_equal(err.message, "row 7 of x.csv");
    assert_int_equal(base_fail(NULL, PCCT_E_IO, "nobody listens to %s", "this"), PCCT_E_IO);
    base_fail(&err, PCCT_E_INVALID, "a name with a\nline\rend");
    assert_string_equal(err.message, "a name with a line end");
}

static void test_long_messages_are_cut(void **state)
{
    char name[2000];
    struct pcct_error err;

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (int length = PCCT_MESSAGE_BYTES - 80; length < PCCT_MESSAGE_BYTES + 10; length++) {
        size_t wanted = (size_t)length < PCCT_MESSAGE_BYTES ? (size_t)length : PCCT_MESSAGE_BYTES - 1;

        memset(err.message, 'z', sizeof(err.message));
        base_fail(&err, PCCT_E_IO, "%.*s", length, name);
        assert_int_equal(strnlen(err.message, sizeof(err.message)), wanted);
        assert_string_equal(err.message + wanted - 3, length < PCCT_MESSAGE_BYTES ? "nnn" : "...");
        memset(err.message, 'z', sizeof(err.message));
        base_fail_errno(&err, ENOSPC, "%.*s", length, name);
        assert_true(strnlen(err.message, sizeof(err.message)) < sizeof(err.message));
        assert_true(strstr(err.message, ": No space left on device") || strstr(err.message, "..."));
    }
}

static void test_system_errors(void **state)
{
    static const struct {
        int error_number, code;
    } pairs[] = {
        {ENOSPC, PCCT_E_NOSPACE},    {EDQUOT, PCCT_E_NOSPACE},   {EACCES, PCCT_E_PERMISSION}, {EPERM, PCCT_E_PERMISSION},
        {EROFS, PCCT_E_PERMISSION},  {ENOENT, PCCT_E_NOT_FOUND}, {EEXIST, PCCT_E_EXISTS},     {ENOMEM, PCCT_E_MEMORY},
        {EIO, PCCT_E_IO},            {EMFILE, PCCT_E_IO},        {ENOTDIR, PCCT_E_IO},
    };
    struct pcct_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_int_equal(base_fail_errno(&err, pairs[i].error_number, "cannot open '%s'", "x"), pairs[i].code);
        assert_int_equal(err.code, pairs[i].code);
        assert_int_equal(base_fail_errno(NULL, pairs[i].error_number, "x"), pairs[i].code);
    }
    base_fail_errno(&err, ENOENT, "cannot open '%s'", "x");
    assert_string_equal(err.message, "cannot open 'x': No such file or directory");
}

static int try_three(int second, int *freed)
{
    int status = 0;

    TRY(0);
    TRY(second);
    TRY(PCCT_E_INTERNAL);
done:
    *freed = 1;
    return status;
}

static void test_try_stops_at_the_first(void **state)
{
    int freed = 0;

    (void)state;
    assert_int_equal(try_three(PCCT_E_LIMIT, &freed), PCCT_E_LIMIT);
    assert_int_equal(freed, 1);
    assert_int_equal(try_three(0, &freed), PCCT_E_INTERNAL);
}

/* Codes are pinned: these numbers must never change. */
static void test_names(void **state)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        {0, "PCCT_OK"},           {-1, "PCCT_E_INVALID"},     {-2, "PCCT_E_POINT"},         {-3, "PCCT_E_DIMENSION"},
        {-4, "PCCT_E_DUPLICATE"}, {-5, "PCCT_E_UNKNOWN"},     {-6, "PCCT_E_LIMIT"},         {-20, "PCCT_E_NOT_FOUND"},
        {-21, "PCCT_E_EXISTS"},   {-22, "PCCT_E_AMBIGUOUS"},  {-40, "PCCT_E_BUSY"},         {-41, "PCCT_E_CONFLICT"},
        {-42, "PCCT_E_CANCELLED"}, {-43, "PCCT_E_FORKED"},    {-60, "PCCT_E_IO"},           {-61, "PCCT_E_NOSPACE"},
        {-62, "PCCT_E_PERMISSION"}, {-63, "PCCT_E_FILESYSTEM"}, {-80, "PCCT_E_DAMAGED"},    {-81, "PCCT_E_NOT_A_STORE"},
        {-82, "PCCT_E_FORMAT"},   {-100, "PCCT_E_MEMORY"},    {-120, "PCCT_E_INTERNAL"},
    };
    int named = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) assert_string_equal(pcct_code_name(names[i].code), names[i].name);
    for (int code = -1000; code <= 1000; code++) named += strcmp(pcct_code_name(code), "PCCT_E_?") != 0;
    assert_int_equal(named, sizeof(names) / sizeof(names[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_long_messages_are_cut),
        cmocka_unit_test(test_system_errors),
        cmocka_unit_test(test_try_stops_at_the_first),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
