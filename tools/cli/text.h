/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <pcct/error.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TEXT_BYTES = 48 };

/* Prints a string that came from a store or a file: control bytes (C0, DEL, C1) as escapes, everything else as it is. Prints one line. */
void text_print_escaped(FILE *out, const char *text);

/* Each writes into and returns text[TEXT_BYTES]. */
const char *text_size(char *text, uint64_t bytes);               /* "14.2 MiB" */
const char *text_seconds(char *text, double seconds);            /* "3.21 s", "2 min 05 s" */
const char *text_count(char *text, uint64_t n, const char *one); /* "1 point", "3 points" */
const char *text_hex(char *text, const uint8_t bytes[16]);       /* 32 hex digits */
const char *text_time(char *text, int64_t time_ns);              /* "2026-11-20T08:15:00.123Z" */
const char *text_double(char *text, double value);               /* the fewest digits that read back as the same number */

/* The whole text as a number; INVALID (naming `what`) when it is none or out of range. */
int text_to_u64(uint64_t *value, const char *text, uint64_t least, uint64_t most, const char *what, struct pcct_error *err);
/* 1 when the whole of text[length] is one number (spaces around are fine), with the number in *value. text[length] must be readable and 0. */
int text_is_double(double *value, const char *text, size_t length);
int text_is_int64(int64_t *value, const char *text, size_t length);

/* 1 when path ends in `ending` (such as ".csv"), capitals or not. */
int text_ends_in(const char *path, const char *ending);

#endif
