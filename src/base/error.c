/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A message that does not fit ends in "..."; line ends in names that were quoted become blanks, so that a message stays one line. */
static void finish_message(struct pcct_error *err, int length)
{
    if (length < 0) err->message[0] = '\0';
    if (length >= PCCT_MESSAGE_BYTES) strcpy(err->message + PCCT_MESSAGE_BYTES - 4, "...");
    for (char *at = err->message; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\r') *at = ' ';
    }
}

int base_fail(struct pcct_error *err, int code, const char *format, ...)
{
    va_list arguments;

    assert(code < 0);
    if (!err) return code;
    err->code = code;
    va_start(arguments, format);
    finish_message(err, vsnprintf(err->message, sizeof(err->message), format, arguments));
    va_end(arguments);
    return code;
}

static int code_of_errno(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT: return PCCT_E_NOSPACE;
    case EACCES:
    case EPERM:
    case EROFS: return PCCT_E_PERMISSION;
    case ENOENT: return PCCT_E_NOT_FOUND;
    case EEXIST: return PCCT_E_EXISTS;
    case ENOMEM: return PCCT_E_MEMORY;
    default: return PCCT_E_IO;
    }
}

int base_fail_errno(struct pcct_error *err, int error_number, const char *format, ...)
{
    int code = code_of_errno(error_number);
    char text[128] = "";
    va_list arguments;
    int length, more;

    if (!err) return code;
    err->code = code;
    va_start(arguments, format);
    length = vsnprintf(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    if (length >= 0 && length < PCCT_MESSAGE_BYTES) {
        more = snprintf(err->message + length, sizeof(err->message) - (size_t)length, ": %s", strerror_r(error_number, text, sizeof(text)));
        length = more < 0 ? more : length + more;
    }
    finish_message(err, length);
    return code;
}

const char *pcct_code_name(int code)
{
    switch (code) {
    case PCCT_OK: return "PCCT_OK";
    case PCCT_E_INVALID: return "PCCT_E_INVALID";
    case PCCT_E_POINT: return "PCCT_E_POINT";
    case PCCT_E_DIMENSION: return "PCCT_E_DIMENSION";
    case PCCT_E_DUPLICATE: return "PCCT_E_DUPLICATE";
    case PCCT_E_UNKNOWN: return "PCCT_E_UNKNOWN";
    case PCCT_E_LIMIT: return "PCCT_E_LIMIT";
    case PCCT_E_NOT_FOUND: return "PCCT_E_NOT_FOUND";
    case PCCT_E_EXISTS: return "PCCT_E_EXISTS";
    case PCCT_E_AMBIGUOUS: return "PCCT_E_AMBIGUOUS";
    case PCCT_E_BUSY: return "PCCT_E_BUSY";
    case PCCT_E_CONFLICT: return "PCCT_E_CONFLICT";
    case PCCT_E_CANCELLED: return "PCCT_E_CANCELLED";
    case PCCT_E_FORKED: return "PCCT_E_FORKED";
    case PCCT_E_IO: return "PCCT_E_IO";
    case PCCT_E_NOSPACE: return "PCCT_E_NOSPACE";
    case PCCT_E_PERMISSION: return "PCCT_E_PERMISSION";
    case PCCT_E_FILESYSTEM: return "PCCT_E_FILESYSTEM";
    case PCCT_E_DAMAGED: return "PCCT_E_DAMAGED";
    case PCCT_E_NOT_A_STORE: return "PCCT_E_NOT_A_STORE";
    case PCCT_E_FORMAT: return "PCCT_E_FORMAT";
    case PCCT_E_MEMORY: return "PCCT_E_MEMORY";
    case PCCT_E_INTERNAL: return "PCCT_E_INTERNAL";
    default: return "PCCT_E_?";
    }
}
