/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_COMMON_H
#define CRASH_COMMON_H

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What must hold for the suite itself to make sense; what is found out about a store is a verdict (judge.h) instead. */
#define NEED(condition, ...)                                                            \
    do {                                                                                \
        if (!(condition)) {                                                             \
            fprintf(stderr, "crash suite: %s:%d: %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                               \
            fputc('\n', stderr);                                                        \
            exit(3);                                                                    \
        }                                                                               \
    } while (0)

/* items[*capacity] grown to hold `need`. */
static inline void *grown(void *items, size_t *capacity, size_t need, size_t item_bytes)
{
    void *more = items;

    if (need <= *capacity) return items;
    *capacity = need + need / 2 + 16;
    more = realloc(items, *capacity * item_bytes);
    NEED(more, "memory");
    return more;
}

struct random_numbers {
    uint64_t state;
};

static inline uint64_t random_next(struct random_numbers *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint64_t random_below(struct random_numbers *r, uint64_t bound)
{
    return random_next(r) % bound;
}

#endif
