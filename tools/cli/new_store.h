/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_NEW_STORE_H
#define CLI_NEW_STORE_H

#include <pcct/error.h>

/*
 * A store that appears under its name only when it is whole: it is made and filled at `path`, in a folder of its own beside its place, and moved.
 * What a program that was killed leaves, PLACE.new-XXXXXX, is in nobody's way and can be removed.
 */
struct new_store {
    const char *place;
    char *folder, *path;
};
/* Errors: EXISTS (something is there), MEMORY, and those of making a folder. new_store_end() in any case. */
int new_store_begin(struct new_store *made, const char *place, struct pcct_error *err);
/* To its place, and that to the disk; nobody has it open. */
int new_store_finish(struct new_store *made, struct pcct_error *err);
void new_store_end(struct new_store *made);

#endif
