/* SPDX-License-Identifier: Apache-2.0 */
#include "base/env.h"

#include "base/memory.h"
#include "base/par.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

/* aligned_alloc() wants a multiple of the alignment. Memory that is asked for at the alignment of huge pages is meant to have them; that the
 * kernel declines is no error. */
static void *system_alloc(void *ctx, size_t bytes, size_t alignment)
{
    size_t whole = (bytes + alignment - 1) / alignment * alignment;
    void *memory;

    (void)ctx;
    if (whole < bytes) return NULL;
    memory = aligned_alloc(alignment, whole);
    if (memory && alignment >= BASE_HUGE_PAGE) madvise(memory, whole, MADV_HUGEPAGE);
    return memory;
}

static void system_free(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

void base_env_init(struct base_env *env, struct base_os *os, int threads)
{
    assert(threads >= 0);
    env->memory = (struct pcct_allocator){system_alloc, system_free, NULL};
    env->os = os;
    env->watch = NULL;
    env->threads = threads > 0 ? threads : base_par_processors();
}
