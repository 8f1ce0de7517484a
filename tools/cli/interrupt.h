/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <pcct/error.h>

/*
 * Ctrl-C (SIGINT), SIGTERM and SIGHUP ask the program to stop at the next safe place: a batch is finished or abandoned, a half-written output file is
 * removed. A second signal of the kind ends it at once, which a store survives as well.
 */
void interrupt_catch(void);
int interrupt_asked(void);

/* From here on the first signal ends the program, with the exit code of an interruption: for work that only reads and cannot be asked to stop. */
void interrupt_at_once(const char *verb);

/* CANCELLED when it was asked, else 0. */
int interrupt_check(struct pcct_error *err);

#endif
