/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_PATCHES_H
#define FUZZ_PATCHES_H

#include "fuzz.h"

/*
 * A file of a sound store with a few bytes changed. An input is a byte of flags, then patches: u8 count (of 1 to 16, less 1, in the low bits), u8[3]
 * where, count bytes. `where` counts through the parts of the file that mean something.
 */
struct patches_part {
    uint64_t at, bytes;
};

enum { PATCHES_PARTS = 600 };

struct patches_file {
    char path[400];
    uint8_t *sound, *now; /* the bytes */
    size_t bytes;
    struct patches_part part[PATCHES_PARTS];
    size_t parts;
    uint64_t total;
};

void patches_read(struct patches_file *file, const char *path);
void patches_add(struct patches_file *file, uint64_t at, uint64_t bytes);
/* Changes `now`. */
void patches_apply(struct patches_file *file, const uint8_t *data, size_t bytes);
/* Writes `now` where it differs from `sound`; then `sound` again and `now` with it. */
void patches_write(const struct patches_file *file);
void patches_restore(struct patches_file *file);

#endif
