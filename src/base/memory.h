/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include "base/env.h"

#include <stddef.h>

/* Blocks of BASE_HUGE_BYTES and more are aligned to BASE_HUGE_PAGE, all others to BASE_ALIGNMENT. */
enum { BASE_ALIGNMENT = 64, BASE_HUGE_PAGE = 2 << 20, BASE_HUGE_BYTES = 4 << 20 };

/* count * size bytes, 64-byte aligned, not cleared, into *(void **)out; NULL there and MEMORY after a failure or an overflow.
 * count 0 gives a pointer that may be freed. Owned: base_free(). */
int base_take(void *out, const struct base_env *env, size_t count, size_t size, struct pcct_error *err);
/* The same, cleared to zero. */
int base_take_zero(void *out, const struct base_env *env, size_t count, size_t size, struct pcct_error *err);
void base_free(const struct base_env *env, void *memory); /* NULL is fine */

/*
 * A growable block of memory. It owns either heap memory or, after base_buffer_adopt() and base_buffer_beside(), a private mapping, which stays one
 * when it grows. Blocks of 4 MiB and more are aligned for huge pages. data is 64-byte aligned. A zeroed structure is an empty buffer.
 *
 * Why mappings stay mappings: an allocator keeps large blocks that were freed, in pieces, and a state that follows others from anchor to anchor would
 * come to have twice its size. What is unmapped is gone.
 */
struct base_buffer {
    void *data;
    size_t capacity; /* bytes that may be used */
    size_t mapped;   /* bytes of the mapping; 0: on the heap */
};
/* Makes the capacity at least `bytes`, keeping the first `keep` bytes; grows by a quarter at least, so that repeated calls cost O(1) a byte. */
int base_buffer_reserve(struct base_buffer *buffer, const struct base_env *env, size_t bytes, size_t keep, struct pcct_error *err);
/* Takes over `mapped` bytes of a readable and writable private mapping at data, of which `capacity` may be used. The buffer must be empty. */
void base_buffer_adopt(struct base_buffer *buffer, void *data, size_t capacity, size_t mapped);
/* Makes an empty buffer one of at least `bytes`, of the kind that `other` is. */
int base_buffer_beside(struct base_buffer *buffer, const struct base_buffer *other, const struct base_env *env, size_t bytes, struct pcct_error *err);
/* Has the system make `bytes` of a mapping from `at` on the process's own, all at once, since they will be written to. Only a wish. */
void base_buffer_populate(const struct base_buffer *buffer, size_t at, size_t bytes);
void base_buffer_free(struct base_buffer *buffer, const struct base_env *env);

/* A growable list of items of one size. A vector zeroed but for item_bytes is empty. */
struct base_vector {
    struct base_buffer memory;
    size_t count;
    size_t item_bytes;
};
/* Appends n items, not cleared; *(void **)out: the first of them, valid until the next append. */
int base_vector_add(void *out, struct base_vector *vector, const struct base_env *env, size_t n, struct pcct_error *err);
/* Turns the order of the items round. */
void base_vector_reverse(struct base_vector *vector);
void base_vector_free(struct base_vector *vector, const struct base_env *env);

/*
 * Memory of one operation: taken piece by piece, freed all at once. One thread at a time. A zeroed arena with `env` set is empty.
 * Pieces are 64-byte aligned; base_arena_clear() keeps the largest chunk for the next operation.
 */
struct base_arena {
    const struct base_env *env;
    struct base_arena_chunk *chunk;
    size_t used, peak; /* bytes handed out since the last clear; most ever */
};
int base_arena_take(void *out, struct base_arena *arena, size_t count, size_t size, struct pcct_error *err);
void base_arena_clear(struct base_arena *arena);
void base_arena_free(struct base_arena *arena);

#endif
