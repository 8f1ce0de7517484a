/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A fuzz target: takes any bytes, and nothing bad may come of it. With clang's libFuzzer (-DPCCT_FUZZ=ON) inputs are searched for; otherwise driver.c
 * goes through the corpus and through changes of it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* What must hold: an answer that a target finds wrong ends the process, as a crash would. */
#define MUST(condition)                                                                       \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);           \
            abort();                                                                          \
        }                                                                                     \
    } while (0)

/* A folder of this process that goes when it ends; in memory where possible. */
const char *fuzz_folder(void);

#endif
