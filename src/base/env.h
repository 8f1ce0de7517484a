/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <pcct/store.h>

struct base_os;
struct base_watch;

/*
 * The surroundings of an operation: where memory comes from, how the system is called, how many threads may work. There are no globals:
 * every object keeps a pointer to the env it was made with, and every function that needs one is handed it. Borrowed until the object is freed.
 */
struct base_env {
    struct pcct_allocator memory;
    struct base_os *os;
    int threads; /* >= 1 */
    struct base_watch *watch; /* of the operation at work (base/watch.h); NULL: nobody. Set by its owner, who keeps others off this env meanwhile */
};

/* The C library's memory, the real system, all processors. `threads` 0: as many as the machine offers. */
void base_env_init(struct base_env *env, struct base_os *os, int threads);

#endif
