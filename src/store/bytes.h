/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BYTES_H
#define STORE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Numbers in the store's files: little-endian, at a byte offset, in memory of any alignment. */
static inline uint64_t store_get64(const void *data, size_t at)
{
    uint64_t value;

    memcpy(&value, (const char *)data + at, sizeof(value));
    return le64toh(value);
}

static inline uint32_t store_get32(const void *data, size_t at)
{
    uint32_t value;

    memcpy(&value, (const char *)data + at, sizeof(value));
    return le32toh(value);
}

static inline void store_put64(void *data, size_t at, uint64_t value)
{
    value = htole64(value);
    memcpy((char *)data + at, &value, sizeof(value));
}

static inline void store_put32(void *data, size_t at, uint32_t value)
{
    value = htole32(value);
    memcpy((char *)data + at, &value, sizeof(value));
}

static inline void store_put_bytes(void *data, size_t at, const void *bytes, size_t n)
{
    memcpy((char *)data + at, bytes, n);
}

static inline void store_get_bytes(void *bytes, const void *data, size_t at, size_t n)
{
    memcpy(bytes, (const char *)data + at, n);
}

/* 1 when the bytes [at, end) are all zero, as reserved ones must be. */
static inline int store_zero(const void *data, size_t at, size_t end)
{
    const char *byte = data;

    while (at + 8 <= end && store_get64(byte, at) == 0) at += 8;
    while (at < end && byte[at] == 0) at++;
    return at >= end;
}

/* Numbers as keys of the catalogue: big-endian, so that they sort by value. */
static inline void store_put_key(uint8_t key[8], uint64_t value)
{
    value = htobe64(value);
    memcpy(key, &value, sizeof(value));
}

static inline uint64_t store_get_key(const void *key)
{
    uint64_t value;

    memcpy(&value, key, sizeof(value));
    return be64toh(value);
}

static inline uint64_t store_round_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

#endif
