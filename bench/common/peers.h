/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <stddef.h>

/* Runs every program in the folder `peers` beside the one that is running, in the order of their names, with --build (see bench/peers/peer.hpp), and
 * hands on each line of theirs. Programs whose library is not installed are left out; without the folder nothing is run. */
void bench_peers_build(const char *points, size_t n, size_t dim, int repeats,
                       void (*show)(void *ctx, const char *name, int threads, size_t leaf, double seconds), void *ctx);

#endif
