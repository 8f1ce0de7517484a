/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fault(struct pcct_error *err, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    err->code = code;
    (void)vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    return code;
}

static int code_of_errno(int error_number)
{
    switch (error_number) {
    case ENOENT:
    case ENOTDIR: return PCCT_E_NOT_FOUND;
    case EEXIST: return PCCT_E_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS: return PCCT_E_PERMISSION;
    case ENOSPC:
    case EDQUOT: return PCCT_E_NOSPACE;
    case ENOMEM: return PCCT_E_MEMORY;
    case EINTR: return PCCT_E_CANCELLED;
    default: return PCCT_E_IO;
    }
}

int fault_errno(struct pcct_error *err, int error_number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    err->code = code_of_errno(error_number);
    (void)vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    fault_suffix(err, ": %s", strerror(error_number));
    return err->code;
}

void fault_prefix(struct pcct_error *err, const char *format, ...)
{
    char whole[2 * PCCT_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(whole, PCCT_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    if (used < 0) return;
    if (used >= PCCT_MESSAGE_BYTES) used = PCCT_MESSAGE_BYTES - 1;
    (void)snprintf(whole + used, PCCT_MESSAGE_BYTES, "%s", err->message);
    whole[PCCT_MESSAGE_BYTES - 1] = '\0';
    memcpy(err->message, whole, sizeof err->message);
}

void fault_suffix(struct pcct_error *err, const char *format, ...)
{
    size_t used = strlen(err->message);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(err->message + used, sizeof err->message - used, format, arguments);
    va_end(arguments);
}

enum exit_code fault_exit_code(int status)
{
    switch (status) {
    case 0: return EXIT_DONE;
    case FAULT_NO: return EXIT_NO;
    case PCCT_E_INVALID:
    case PCCT_E_POINT:
    case PCCT_E_DIMENSION:
    case PCCT_E_DUPLICATE:
    case PCCT_E_LIMIT:
    case PCCT_E_EXISTS:
    case PCCT_E_AMBIGUOUS: return EXIT_USAGE;
    case PCCT_E_UNKNOWN:
    case PCCT_E_NOT_FOUND: return EXIT_NOT_FOUND;
    case PCCT_E_BUSY:
    case PCCT_E_CONFLICT: return EXIT_BUSY;
    case PCCT_E_CANCELLED: return EXIT_INTERRUPTED;
    case PCCT_E_DAMAGED:
    case PCCT_E_NOT_A_STORE:
    case PCCT_E_FORMAT:
    case PCCT_E_INTERNAL: return EXIT_DAMAGED;
    case PCCT_E_MEMORY: return EXIT_MEMORY;
    default: return EXIT_IO;
    }
}

void fault_print(const char *verb, const struct pcct_error *err)
{
    fputs("pcct: ", stderr);
    if (verb) fprintf(stderr, "%s: ", verb);
    text_print_escaped(stderr, err->message);
    fputc('\n', stderr);
}

int memory_grow(void *pointer, size_t *capacity, size_t need, size_t item_bytes, struct pcct_error *err)
{
    if (need <= *capacity) return 0;
    size_t wanted = *capacity + *capacity / 2;
    if (wanted < need) wanted = need;
    if (wanted < 16) wanted = 16;
    if (wanted > SIZE_MAX / item_bytes) return fault(err, PCCT_E_MEMORY, "no memory for %zu items of %zu bytes", wanted, item_bytes);
    void *old = NULL;
    memcpy(&old, pointer, sizeof old);
    void *fresh = realloc(old, wanted * item_bytes);
    if (!fresh) return fault(err, PCCT_E_MEMORY, "no memory for %zu bytes", wanted * item_bytes);
    memcpy(pointer, &fresh, sizeof fresh);
    *capacity = wanted;
    return 0;
}
