/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "api/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE(text) (text), sizeof(text) - 1

static void notes(void **state)
{
    char *large = calloc(1, API_MESSAGE_BYTES + 3);

    (void)state;
    assert_true(api_note_fits(NOTE("\0")));
    assert_true(api_note_fits(NOTE("said\0")));
    assert_true(api_note_fits(NOTE("\0a\0\0b\0two\0")));
    assert_false(api_note_fits("", 0));
    assert_false(api_note_fits(NOTE("said")));
    assert_false(api_note_fits(NOTE("said\0a\0")));    /* a key without a value */
    assert_false(api_note_fits(NOTE("said\0a\0b")));
    assert_false(api_note_fits(NOTE("\0\0x\0")));      /* a key of nothing */
    assert_false(api_note_fits(NOTE("\0a b\0x\0")));
    assert_false(api_note_fits(NOTE("\0b\0x\0a\0x\0"))); /* out of order, twice */
    assert_false(api_note_fits(NOTE("\0a\0x\0a\0x\0")));
    memset(large, 'x', API_MESSAGE_BYTES);
    assert_true(api_note_fits(large, API_MESSAGE_BYTES + 1));
    large[API_MESSAGE_BYTES] = 'x';
    assert_false(api_note_fits(large, API_MESSAGE_BYTES + 2));
    memset(large, 0, API_MESSAGE_BYTES);
    large[1] = 'k';
    memset(large + 3, 'x', API_VALUE_BYTES + 1);
    assert_false(api_note_fits(large, API_VALUE_BYTES + 5));
    large[API_VALUE_BYTES + 3] = '\0';
    assert_true(api_note_fits(large, API_VALUE_BYTES + 4));
    for (int i = 0; i <= API_KEYS; i++) (void)snprintf(large + 1 + (size_t)i * 7, 6, "k%04d", i);
    for (int i = 0; i <= API_KEYS; i++) large[1 + i * 7 + 6] = '\0';
    assert_true(api_note_fits(large, 1 + 7 * API_KEYS));
    assert_false(api_note_fits(large, 1 + 7 * (API_KEYS + 1)));
    free(large);
}

static void keys(void **state)
{
    char key[API_KEY_BYTES + 2];

    (void)state;
    assert_true(api_key_fits("epoch") && api_key_fits("_.-9Z"));
    assert_false(api_key_fits("") || api_key_fits("a=b") || api_key_fits("\xc3\xa9"));
    memset(key, 'k', sizeof key);
    key[API_KEY_BYTES] = '\0';
    assert_true(api_key_fits(key));
    key[API_KEY_BYTES] = 'k';
    key[API_KEY_BYTES + 1] = '\0';
    assert_false(api_key_fits(key));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(notes), cmocka_unit_test(keys) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
