/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include <pcct/error.h>

#include <stddef.h>

/*
 * A stream of bytes: a file or standard input ("-"), unpacked when it is gzip, or an array within an .npz archive. Read in pieces, never whole.
 */
struct source;

/* *source is owned: source_close(). */
int source_open(struct source **source, const char *path, struct pcct_error *err);
/* An array of an .npz file: the one called `array`; NULL: `usual` if there is one of that name, else the only one. */
int source_open_array(struct source **source, const char *path, const char *array, const char *usual, struct pcct_error *err);
void source_close(struct source *source); /* NULL is fine */

/* The path for messages ("standard input" for "-"). */
const char *source_name(const struct source *source);

/* Makes up to `wanted` (at most 4096) unread bytes visible at *data without taking them; *bytes is smaller only at the end. */
int source_peek(const unsigned char **data, size_t *bytes, struct source *source, size_t wanted, struct pcct_error *err);
/* All unread bytes at hand, at least one; *bytes is 0 at the end. They stay unread until source_take(). */
int source_look(const unsigned char **data, size_t *bytes, struct source *source, struct pcct_error *err);
void source_take(struct source *source, size_t bytes);
/* Exactly `bytes` bytes; INVALID when the stream ends before. */
int source_read(void *data, size_t bytes, struct source *source, struct pcct_error *err);

/* How much of the file was read, 0 to 1; negative when that cannot be known. */
double source_share(const struct source *source);

#endif
