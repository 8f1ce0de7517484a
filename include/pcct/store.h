/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_STORE_H
#define PCCT_STORE_H

#include <stddef.h>
#include <stdint.h>

#include <pcct/error.h>
#include <pcct/metric.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A store is a directory that holds every version of one set of labelled points and the compressed cover tree over them.
 *
 * Threads: a pcct_store may be used by any number of threads at once. Processes: one writes at a time, any number read. A handle does not
 * survive fork(): the child opens the store anew (PCCT_E_FORKED otherwise), but views that were open go on answering there, by one thread.
 */
typedef struct pcct_store pcct_store;

/* Where memory comes from. `alloc` returns `bytes` bytes aligned to `alignment` (a power of two) or NULL; both may be called by any thread. */
struct pcct_allocator {
    void *(*alloc)(void *ctx, size_t bytes, size_t alignment);
    void (*free)(void *ctx, void *memory);
    void *ctx;
};

/*
 * Metrics, and the unit of their distances:
 *   "euclidean"
 *   "manhattan"  the sum of the coordinates' differences without sign
 *   "chebyshev"  the greatest of these differences
 *   "cosine"     1 - cos of the angle between rows as vectors, 0 to 2; a zero row has no direction and is refused
 *   "angular"    that angle, in radians
 *   "haversine"  dim 2: latitude and longitude in degrees; metres along a sphere of 6 371 008.8 m
 * or a function of the caller's: metric.h.
 */

/* Every option structure: set `size` to sizeof (use _INIT), zero means the default, bytes beyond those the library knows must be zero. */
struct pcct_create_options {
    size_t size;
    uint32_t dim;         /* columns of a point; required, 1 to 4096 */
    uint32_t reserved;
    const char *metric;   /* see above; NULL: "euclidean", or the custom one */
    uint64_t seed;        /* of the insertion order; part of every version's identity */
    const struct pcct_metric *custom; /* a metric of the caller's own, whose name the store keeps; NULL: a built-in one */
};
#define PCCT_CREATE_OPTIONS_INIT { sizeof(struct pcct_create_options), 0, 0, NULL, 0, NULL }

/* What a commit outlives when it has returned. */
enum pcct_durability {
    PCCT_DURABLE_FULL = 0, /* everything: three flushes */
    PCCT_DURABLE_WAL = 1,  /* everything too, by one flush: after the machine went down the next to open the store makes its catalogue anew */
    PCCT_DURABLE_NONE = 2  /* the end of the process, however it comes; what the machine takes with it are the last commits. No flush: for tests */
};

struct pcct_open_options {
    size_t size;
    int threads;                            /* for commits and opening views; 0: as many as the machine offers */
    /* 1: nobody writes to the store while it is open, which is the caller's promise. Nothing is written, locked or counted then, so it may be on
     * read-only media or a network file system. Commits are refused (PERMISSION). */
    int immutable;
    const struct pcct_allocator *allocator; /* copied; NULL: the C library's */
    const struct pcct_metric *custom;       /* the function of the store's custom metric, by its name; copied; NULL: do without distances */
    int durability;                         /* enum pcct_durability, of the commits by this handle */
    int reserved;
};
#define PCCT_OPEN_OPTIONS_INIT { sizeof(struct pcct_open_options), 0, 0, NULL, NULL, 0, 0 }

/* Makes an empty store at `path`, which must not exist; durable when it returns. Nothing is left behind after a failure.
 * Errors: INVALID, LIMIT, EXISTS, NOT_FOUND (the folder above), PERMISSION, NOSPACE, IO, FILESYSTEM, MEMORY. */
PCCT_PUBLIC int pcct_store_create(const char *path, const struct pcct_create_options *options, struct pcct_error *err);

/* Opens the store at `path` for reading and writing. *store is owned: pcct_store_close(); NULL after a failure.
 * Errors: NOT_FOUND, NOT_A_STORE, FORMAT, DAMAGED, PERMISSION, FILESYSTEM, IO, MEMORY, INVALID (another custom metric than the store's). */
PCCT_PUBLIC int pcct_store_open(pcct_store **store, const char *path, const struct pcct_open_options *options, struct pcct_error *err);

/* Closes the handle; NULL is fine. Batches and views of it must be closed before. */
PCCT_PUBLIC void pcct_store_close(pcct_store *store);

/* Whether the store has a custom metric, and whether its function is here. */
enum pcct_custom { PCCT_CUSTOM_NONE = 0, PCCT_CUSTOM_REGISTERED = 1, PCCT_CUSTOM_MISSING = 2 };

/* What never changes about a store, and its size. Fill `size` before the call. */
struct pcct_store_info {
    size_t size;
    uint32_t dim;
    uint32_t format;         /* format version of the files */
    char metric[32];
    uint64_t seed;
    uint8_t uuid[16];
    uint64_t head;           /* version that branch main stands at; 0: the empty version that every store starts from */
    uint64_t journal_bytes;  /* bytes of frames written */
    uint64_t anchor_bytes;
    uint64_t disk_bytes;     /* blocks that the store's files occupy */
    uint32_t anchors;
    uint32_t custom;         /* enum pcct_custom */
};
PCCT_PUBLIC int pcct_store_describe(struct pcct_store_info *info, pcct_store *store, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
