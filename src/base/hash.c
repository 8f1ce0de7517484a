/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "base/memory.h"

#define XXH_INLINE_ALL /* compiled here with our optimisation: short keys, most of what we hash, gain by it, and nothing is linked */
#include <xxhash.h>

#include <string.h>

/* One state serves both lengths: XXH3 feeds 64 and 128 bits alike and differs in the digest only. */
struct base_hasher {
    XXH3_state_t state;
};

uint64_t base_hash64(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

int base_hasher_new(struct base_hasher **hasher, const struct base_env *env, struct pcct_error *err)
{
    int status = base_take(hasher, env, 1, sizeof(**hasher), err);

    if (status == 0) base_hasher_reset(*hasher);
    return status;
}

void base_hasher_reset(struct base_hasher *hasher)
{
    XXH3_INITSTATE(&hasher->state);
    XXH3_128bits_reset(&hasher->state);
}

void base_hasher_feed(struct base_hasher *hasher, const void *data, size_t bytes)
{
    XXH3_128bits_update(&hasher->state, data, bytes);
}

struct base_hash128 base_hasher_128(const struct base_hasher *hasher)
{
    struct base_hash128 hash;
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&hasher->state));
    memcpy(hash.byte, canonical.digest, sizeof(hash.byte));
    return hash;
}

/* Both kinds read their bytes in the same way, and xxHash says that a state serves for either digest. */
uint64_t base_hasher_64(const struct base_hasher *hasher)
{
    return XXH3_64bits_digest(&hasher->state);
}

void base_hasher_free(struct base_hasher *hasher, const struct base_env *env)
{
    base_free(env, hasher);
}
