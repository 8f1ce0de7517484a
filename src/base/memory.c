/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include "base/error.h"
#include "base/os.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { MAP_PAGE = 4096 };

/* ---- single blocks ------------------------------------------------------------------------------------------------------------------------ */

/* What the error shows of a count times a size that no size_t holds. */
static int too_much(struct pcct_error *err, size_t count, size_t size)
{
    return base_fail(err, PCCT_E_MEMORY, "out of memory: %zu items of %zu bytes asked for", count, size);
}

int base_take(void *out, const struct base_env *env, size_t count, size_t size, struct pcct_error *err)
{
    void *memory = NULL;
    size_t bytes;

    memcpy(out, &memory, sizeof(memory));
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX) return too_much(err, count, size);
    memory = env->memory.alloc(env->memory.ctx, bytes > 0 ? bytes : 1, bytes >= BASE_HUGE_BYTES ? BASE_HUGE_PAGE : BASE_ALIGNMENT);
    if (!memory) return base_fail(err, PCCT_E_MEMORY, "out of memory: %zu bytes asked for", bytes);
    assert(((uintptr_t)memory & (BASE_ALIGNMENT - 1)) == 0);
    memcpy(out, &memory, sizeof(memory));
    return 0;
}

int base_take_zero(void *out, const struct base_env *env, size_t count, size_t size, struct pcct_error *err)
{
    void *memory = NULL;
    int status = base_take(&memory, env, count, size, err);

    if (status == 0 && count > 0 && size > 0) memset(memory, 0, count * size);
    memcpy(out, &memory, sizeof(memory));
    return status;
}

void base_free(const struct base_env *env, void *memory)
{
    if (memory) env->memory.free(env->memory.ctx, memory);
}

/* ---- buffer ------------------------------------------------------------------------------------------------------------------------------- */

static void release(void *data, size_t mapped, const struct base_env *env)
{
    if (mapped > 0) base_os_munmap(env->os, data, mapped); /* cannot fail for a mapping that is ours */
    else base_free(env, data);
}

/* An anonymous mapping, from a multiple of BASE_HUGE_PAGE on where it is so large. */
static int map(struct base_buffer *buffer, const struct base_env *env, size_t bytes, struct pcct_error *err)
{
    size_t more = bytes >= BASE_HUGE_BYTES ? BASE_HUGE_PAGE : 0, skip;
    char *data;

    if (bytes > PTRDIFF_MAX - BASE_HUGE_PAGE) return too_much(err, bytes, 1);
    bytes = (bytes + MAP_PAGE - 1) / MAP_PAGE * MAP_PAGE;
    data = base_os_mmap(env->os, NULL, bytes + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)data == MAP_FAILED) return base_fail(err, PCCT_E_MEMORY, "out of memory: %zu bytes asked for", bytes);
    if (more > 0) {
        skip = (BASE_HUGE_PAGE - (uintptr_t)data % BASE_HUGE_PAGE) % BASE_HUGE_PAGE;
        if (skip > 0) base_os_munmap(env->os, data, skip);
        data += skip;
        if (more > skip) base_os_munmap(env->os, data + bytes, more - skip);
        (void)madvise(data, bytes, MADV_HUGEPAGE); /* only a wish */
    }
    *buffer = (struct base_buffer){data, bytes, bytes};
    return 0;
}

int base_buffer_beside(struct base_buffer *buffer, const struct base_buffer *other, const struct base_env *env, size_t bytes, struct pcct_error *err)
{
    assert(!buffer->data);
    return other->mapped > 0 && bytes > 0 ? map(buffer, env, bytes, err) : base_buffer_reserve(buffer, env, bytes, 0, err);
}

int base_buffer_reserve(struct base_buffer *buffer, const struct base_env *env, size_t bytes, size_t keep, struct pcct_error *err)
{
    size_t page = BASE_ALIGNMENT, grown = buffer->capacity + buffer->capacity / 4;
    struct base_buffer made = {NULL, 0, 0};
    int status = 0;

    assert(keep <= buffer->capacity);
    if (bytes <= buffer->capacity) return 0;
    if (grown < bytes) grown = bytes;
    if (grown >= BASE_HUGE_BYTES) page = BASE_HUGE_PAGE;
    if (grown > PTRDIFF_MAX - page) return too_much(err, bytes, 1);
    grown = (grown + page - 1) / page * page; /* what alignment costs anyway is made use of */
    made.capacity = grown;
    if (buffer->mapped > 0) TRY(map(&made, env, grown, err));
    else TRY(base_take(&made.data, env, grown, 1, err));
    if (keep > 0) memcpy(made.data, buffer->data, keep);
    release(buffer->data, buffer->mapped, env);
    *buffer = made;
done:
    return status;
}

void base_buffer_adopt(struct base_buffer *buffer, void *data, size_t capacity, size_t mapped)
{
    assert(!buffer->data && data && mapped > 0 && capacity <= mapped);
    assert(((uintptr_t)data & (BASE_ALIGNMENT - 1)) == 0);
    *buffer = (struct base_buffer){data, capacity, mapped};
}

void base_buffer_populate(const struct base_buffer *buffer, size_t at, size_t bytes)
{
    const uintptr_t begin = ((uintptr_t)buffer->data + at) / MAP_PAGE * MAP_PAGE, end = (uintptr_t)buffer->data + at + bytes;

    assert(buffer->mapped > 0 && bytes <= buffer->capacity && at <= buffer->capacity - bytes);
    (void)madvise((void *)begin, (end - begin + MAP_PAGE - 1) / MAP_PAGE * MAP_PAGE, MADV_POPULATE_WRITE);
}

void base_buffer_free(struct base_buffer *buffer, const struct base_env *env)
{
    release(buffer->data, buffer->mapped, env);
    *buffer = (struct base_buffer){NULL, 0, 0};
}

/* ---- vector ------------------------------------------------------------------------------------------------------------------------------- */

int base_vector_add(void *out, struct base_vector *vector, const struct base_env *env, size_t n, struct pcct_error *err)
{
    size_t used = vector->count * vector->item_bytes, count, bytes;
    char *item = NULL;
    int status = 0;

    assert(vector->item_bytes > 0);
    memcpy(out, &item, sizeof(item));
    if (__builtin_add_overflow(vector->count, n, &count) || __builtin_mul_overflow(count, vector->item_bytes, &bytes)) {
        return too_much(err, n, vector->item_bytes);
    }
    TRY(base_buffer_reserve(&vector->memory, env, bytes > 0 ? bytes : 1, used, err));
    vector->count = count;
    item = (char *)vector->memory.data + used;
    memcpy(out, &item, sizeof(item));
done:
    return status;
}

void base_vector_reverse(struct base_vector *vector)
{
    const size_t bytes = vector->item_bytes;
    char *item = vector->memory.data;

    for (size_t i = 0, j = vector->count; i + 1 < j; i++) {
        j--;
        for (size_t k = 0; k < bytes; k++) {
            const char swap = item[i * bytes + k];

            item[i * bytes + k] = item[j * bytes + k];
            item[j * bytes + k] = swap;
        }
    }
}

void base_vector_free(struct base_vector *vector, const struct base_env *env)
{
    base_buffer_free(&vector->memory, env);
    vector->count = 0;
}

/* ---- arena -------------------------------------------------------------------------------------------------------------------------------- */

/* A chunk's head fills one alignment unit; its pieces follow. The newest and largest chunk comes first. */
struct base_arena_chunk {
    struct base_arena_chunk *older;
    size_t bytes, used; /* without the head */
};
_Static_assert(sizeof(struct base_arena_chunk) <= BASE_ALIGNMENT, "the head of a chunk keeps the pieces aligned");

enum { ARENA_LEAST_CHUNK = 64 << 10 };

static int add_chunk(struct base_arena *arena, size_t bytes, struct pcct_error *err)
{
    struct base_arena_chunk *chunk = NULL;
    size_t size = arena->chunk ? arena->chunk->bytes * 2 : ARENA_LEAST_CHUNK - BASE_ALIGNMENT;
    int status = 0;

    if (size < bytes) size = bytes;
    TRY(base_take(&chunk, arena->env, size + BASE_ALIGNMENT, 1, err));
    *chunk = (struct base_arena_chunk){arena->chunk, size, 0};
    arena->chunk = chunk;
done:
    return status;
}

int base_arena_take(void *out, struct base_arena *arena, size_t count, size_t size, struct pcct_error *err)
{
    char *piece = NULL;
    size_t bytes;
    int status = 0;

    memcpy(out, &piece, sizeof(piece));
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX / 4) return too_much(err, count, size);
    bytes = (bytes + BASE_ALIGNMENT - 1) / BASE_ALIGNMENT * BASE_ALIGNMENT;
    if (!arena->chunk || arena->chunk->bytes - arena->chunk->used < bytes) TRY(add_chunk(arena, bytes, err));
    piece = (char *)arena->chunk + BASE_ALIGNMENT + arena->chunk->used;
    arena->chunk->used += bytes;
    arena->used += bytes;
    if (arena->used > arena->peak) arena->peak = arena->used;
    memcpy(out, &piece, sizeof(piece));
done:
    return status;
}

static void free_chunks(const struct base_env *env, struct base_arena_chunk *chunk)
{
    while (chunk) {
        struct base_arena_chunk *older = chunk->older;

        base_free(env, chunk);
        chunk = older;
    }
}

void base_arena_clear(struct base_arena *arena)
{
    arena->used = 0;
    if (!arena->chunk) return;
    free_chunks(arena->env, arena->chunk->older);
    arena->chunk->older = NULL;
    arena->chunk->used = 0;
}

void base_arena_free(struct base_arena *arena)
{
    free_chunks(arena->env, arena->chunk);
    arena->chunk = NULL;
    arena->used = 0;
}
