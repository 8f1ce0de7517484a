/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_ERROR_H
#define PCCT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#ifndef PCCT_PUBLIC
#define PCCT_PUBLIC __attribute__((visibility("default")))
#endif

/*
 * Codes. Every function of the library that can fail returns 0 or one of these negative numbers. The numbers are pinned: they stand in
 * classes with gaps, never change their meaning and are never used again.
 */
enum pcct_code {
    PCCT_OK = 0,
    /* the caller's input, -1 to -19 */
    PCCT_E_INVALID = -1,    /* an argument that is not allowed */
    PCCT_E_POINT = -2,      /* a coordinate that is NaN, infinite or out of range */
    PCCT_E_DIMENSION = -3,  /* rows of another number of columns than the store's */
    PCCT_E_DUPLICATE = -4,  /* a label that a live point has already */
    PCCT_E_UNKNOWN = -5,    /* a label that no live point has */
    PCCT_E_LIMIT = -6,      /* more than the format can hold */
    /* names that lead nowhere, -20 to -39 */
    PCCT_E_NOT_FOUND = -20, /* no such store, revision or version */
    PCCT_E_EXISTS = -21,    /* something stands at that path already */
    PCCT_E_AMBIGUOUS = -22, /* a revision that fits several versions */
    /* other writers and the caller's own wish, -40 to -59 */
    PCCT_E_BUSY = -40,      /* another writer holds the store */
    PCCT_E_CONFLICT = -41,  /* the head moved, or a write id was used for something else */
    PCCT_E_CANCELLED = -42, /* the progress callback asked to stop */
    PCCT_E_FORKED = -43,    /* a handle that was opened before fork() */
    /* the system, -60 to -79 */
    PCCT_E_IO = -60,
    PCCT_E_NOSPACE = -61,
    PCCT_E_PERMISSION = -62,
    PCCT_E_FILESYSTEM = -63, /* a file system that a store cannot live on */
    /* what was read is not right, -80 to -99 */
    PCCT_E_DAMAGED = -80,
    PCCT_E_NOT_A_STORE = -81,
    PCCT_E_FORMAT = -82,     /* written by a newer pcct */
    /* the rest */
    PCCT_E_MEMORY = -100,
    PCCT_E_INTERNAL = -120   /* a broken promise inside the library: please report it */
};

enum { PCCT_MESSAGE_BYTES = 512 };

/*
 * What went wrong, in words. Owned by the caller, who passes its address (or NULL) as the last argument of a call; it is written only when
 * the call fails. The message is one line without a line end: the fact, then the way out. One structure per thread; never shared.
 */
struct pcct_error {
    int code;
    char message[PCCT_MESSAGE_BYTES];
};

/* The name of a code, such as "PCCT_E_BUSY"; "PCCT_E_?" for a number that is none. Static storage; any thread. */
PCCT_PUBLIC const char *pcct_code_name(int code);

#ifdef __cplusplus
}
#endif
#endif
