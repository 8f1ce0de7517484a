/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FAULT_H
#define CLI_FAULT_H

#include <pcct/error.h>

#include <stddef.h>

/* Functions that can fail declare `int status = 0;`, call TRY(...) and have one `done:` label; the first error wins. */
#define TRY(call)                  \
    do {                           \
        status = (call);           \
        if (status != 0) goto done; \
    } while (0)

/* What the program answers to its caller. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_NO = 1,          /* differences, damage, mismatch */
    EXIT_USAGE = 2,       /* also rows that cannot be taken */
    EXIT_NOT_FOUND = 3,
    EXIT_BUSY = 4,        /* or a conflict */
    EXIT_DAMAGED = 5,
    EXIT_IO = 6,          /* also permission and no space */
    EXIT_MEMORY = 7,
    EXIT_INTERRUPTED = 130
};

/* A verb's answer is a negative pcct_code, or 0 for done, or FAULT_NO: it worked, and the answer is "no". */
enum { FAULT_NO = 1 };

/* Writes code and message into *err and returns code. */
int fault(struct pcct_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: picks the code and appends the system's words. EINTR is CANCELLED. */
int fault_errno(struct pcct_error *err, int error_number, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts words before (after) the message that *err holds. */
void fault_prefix(struct pcct_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fault_suffix(struct pcct_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit code of a verb's answer. */
enum exit_code fault_exit_code(int status);

/* Prints "pcct: VERB: message" as one line on stderr, control bytes shown as escapes. verb may be NULL. */
void fault_print(const char *verb, const struct pcct_error *err);

/* Makes *(void **)pointer hold at least `need` items of item_bytes, keeping what is there; *capacity counts items. Freed with free(). */
int memory_grow(void *pointer, size_t *capacity, size_t need, size_t item_bytes, struct pcct_error *err);

#endif
