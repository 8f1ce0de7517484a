/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_NOTE_H
#define API_NOTE_H

#include <stddef.h>

/* What the note of a version may hold: message 0 key 0 value 0 ..., ascending by key. */
enum { API_MESSAGE_BYTES = 65536, API_KEY_BYTES = 64, API_VALUE_BYTES = 4096, API_KEYS = 1024 };

/* 1: a key that a version may have. */
int api_key_fits(const char *key);
/* 1: bytes from elsewhere that a commit could have written as a note. */
int api_note_fits(const void *note, size_t bytes);

#endif
