/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <stddef.h>

enum { BENCH_PEER_NOT_INSTALLED = 77 }; /* the exit status of a program whose library is missing */

/* Visits every program in a folder beside the one that is running ("peers", "stores"), in the order of their names; none without the folder. */
void bench_peers_each(const char *folder, void (*visit)(void *ctx, const char *path), void *ctx);

/* Runs each with --build (see bench/peers/peer.hpp) and hands on each line of theirs. Programs whose library is not installed are left out. */
void bench_peers_build(const char *points, size_t n, size_t dim, int repeats,
                       void (*show)(void *ctx, const char *name, int threads, size_t leaf, double seconds), void *ctx);

#endif
