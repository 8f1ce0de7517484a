/* SPDX-License-Identifier: Apache-2.0 */
#include "api/note.h"

#include <string.h>

int api_key_fits(const char *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    const size_t bytes = strlen(key);

    return bytes > 0 && bytes <= API_KEY_BYTES && strspn(key, allowed) == bytes;
}

int api_note_fits(const void *note, size_t bytes)
{
    const char *text = note, *end = text + bytes, *before = "";
    size_t keys = 0;

    if (bytes == 0 || end[-1] != '\0' || strlen(text) > API_MESSAGE_BYTES) return 0;
    for (text += strlen(text) + 1; text < end; keys++) {
        const char *value = text + strlen(text) + 1;

        if (value >= end || !api_key_fits(text) || strcmp(before, text) >= 0 || strlen(value) > API_VALUE_BYTES) return 0;
        before = text;
        text = value + strlen(value) + 1;
    }
    return keys <= API_KEYS;
}
