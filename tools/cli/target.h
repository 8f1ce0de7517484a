/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include <pcct/error.h>

#include <stdio.h>

/*
 * Where output goes: standard output, or a file that appears under its name only when it is whole. It is written under a temporary name beside it
 * and renamed; something that is not a plain file (a pipe, a device) is written directly.
 */
struct target {
    FILE *file;
    const char *name; /* for messages */
    char *path, *temporary;
};
int target_open(struct target *target, const char *path, struct pcct_error *err); /* path NULL or "-": standard output */
int target_flush(struct target *target, struct pcct_error *err);
/* Puts the file in place. After a failure, as after target_abandon(), nothing is left of it. */
int target_finish(struct target *target, struct pcct_error *err);
void target_abandon(struct target *target); /* fine when it was not opened, or finished */

#endif
