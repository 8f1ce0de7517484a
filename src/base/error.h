/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <pcct/error.h>

/*
 * The one control-flow macro. A function that can fail declares `int status = 0;` at its top, calls TRY(...) and has one `done:` label, where
 * it frees what it took and returns status. The first error wins.
 */
#define TRY(call)                  \
    do {                           \
        status = (call);           \
        if (status != 0) goto done; \
    } while (0)

/* Writes code and message into *err (NULL: nowhere) and returns code: `return base_fail(err, PCCT_E_BUSY, "...", ...)`. */
int base_fail(struct pcct_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: maps ENOSPC/EDQUOT, EACCES/EPERM/EROFS, ENOENT, EEXIST, ENOMEM to their codes, anything else to IO, and
 * appends ": " and the system's words for it. */
int base_fail_errno(struct pcct_error *err, int error_number, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
