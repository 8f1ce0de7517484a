/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/env.h"

#include <stddef.h>
#include <stdint.h>

/* XXH3 of xxHash: 64 bits to detect damage, 128 bits to identify. Not cryptographic. This is the only room that knows xxHash. */
uint64_t base_hash64(const void *data, size_t bytes);

/* 128 bits in the canonical (big-endian) order of bytes, so that a hex print of the bytes is the usual one. */
struct base_hash128 {
    uint8_t byte[16];
};

/* Hashes what is fed piece by piece; equal to one call over the joined pieces. */
struct base_hasher;
int base_hasher_new(struct base_hasher **hasher, const struct base_env *env, struct pcct_error *err);
void base_hasher_reset(struct base_hasher *hasher);
void base_hasher_feed(struct base_hasher *hasher, const void *data, size_t bytes);
struct base_hash128 base_hasher_128(const struct base_hasher *hasher);
uint64_t base_hasher_64(const struct base_hasher *hasher); /* base_hash64 of the same bytes */
void base_hasher_free(struct base_hasher *hasher, const struct base_env *env);

#endif
